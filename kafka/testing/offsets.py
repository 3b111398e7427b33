"""The offsets that groups have committed, and those that wait for a transaction's end (KIP-98).

Imported by: testing.cluster, testing.handlers.  Imports: nothing of ours.
"""

from __future__ import annotations

from typing import NamedTuple

TopicPartition = tuple[str, int]


class CommittedOffset(NamedTuple):
    """The next offset to read, and what the consumer noted with it; leader epoch -1 where it named none."""

    offset: int
    leader_epoch: int
    metadata: str


class OffsetStore:
    """Offsets by group and partition; they are kept for ever.

    Threads: whoever holds the cluster's lock changes it, any reads.
    """

    def __init__(self) -> None:
        self._committed: dict[str, dict[TopicPartition, CommittedOffset]] = {}
        self._pending: dict[str, dict[int, dict[TopicPartition, CommittedOffset]]] = {}  # by group and producer id

    def commit(self, group: str, partition: TopicPartition, committed: CommittedOffset) -> None:
        self._committed.setdefault(group, {})[partition] = committed

    def commit_in_transaction(self, group: str, producer_id: int, partition: TopicPartition, committed: CommittedOffset) -> None:
        """To be committed, or forgotten, with the producer's transaction."""
        self._pending.setdefault(group, {}).setdefault(producer_id, {})[partition] = committed

    def end_transaction(self, group: str, producer_id: int, is_commit: bool) -> None:
        ended = self._pending.get(group, {}).pop(producer_id, {})
        if is_commit:
            self._committed.setdefault(group, {}).update(ended)

    def of(self, group: str) -> dict[TopicPartition, CommittedOffset]:
        """All that a group has committed."""
        return dict(self._committed.get(group, {}))

    def is_unstable(self, group: str, partition: TopicPartition) -> bool:
        """Whether a transaction that is not over has an offset for the partition (KIP-447)."""
        return any(partition in pending for pending in self._pending.get(group, {}).values())

    def groups(self) -> list[str]:
        """Those that have offsets."""
        return [group for group, committed in self._committed.items() if committed]

    def forget_group(self, group: str) -> None:
        self._committed.pop(group, None)
        self._pending.pop(group, None)

    def forget_topic(self, topic: str) -> None:
        """Offsets of a topic that is deleted mean nothing for one that is made later."""
        for by_partition in self._committed.values():
            for partition in [known for known in by_partition if known[0] == topic]:
                del by_partition[partition]
