"""One partition's log: append, read, find.

Imported by: testing.cluster, testing.handlers.  Imports: _clock, record, testing.{markers,producer_state,releases,stored,topic_config,validation}.
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from typing import NamedTuple

from kafka import record
from kafka._clock import Clock
from kafka.record import RecordBatchView
from kafka.testing.markers import marker
from kafka.testing.producer_state import AbortedTransaction, ProducerStates
from kafka.testing.releases import Release
from kafka.testing.stored import Buffer, Stored
from kafka.testing.topic_config import TimestampType, TopicConfig
from kafka.testing.validation import Bounds, check


class Appended(NamedTuple):
    """Where records were put; offset -1 where there were none, time -1 where they keep their own."""

    base_offset: int
    log_append_time_ms: int


class Read(NamedTuple):
    """Whole batches, as buffers for a Fetch response."""

    buffers: list[Buffer]
    size_bytes: int
    newest_magic: int
    next_offset: int
    """Behind the last batch."""


class Position(NamedTuple):
    """A record's offset and time; -1 and -1 where there is none."""

    offset: int
    timestamp_ms: int


_NOWHERE = Position(-1, -1)


class PartitionLog:
    """Batches in the order they came; nothing is ever removed.

    Threads: whoever holds the cluster's lock appends, any reads.
    """

    start_offset = 0

    def __init__(self, *, config: TopicConfig, clock: Clock, release: Release) -> None:
        self.stored: list[Stored] = []
        self.next_offset = 0
        self.producers = ProducerStates(release)
        self._epochs = [(0, 0)]  # each leader epoch and the offset that it began with
        self._base_offsets: list[int] = []
        self._config = config
        self._clock = clock

    @property
    def last_stable_offset(self) -> int:
        """Where the oldest open transaction begins; the end where there is none."""
        unstable = self.producers.first_unstable_offset()
        return self.next_offset if unstable is None else unstable

    @property
    def leader_epoch(self) -> int:
        return self._epochs[-1][0]

    def begin_epoch(self, epoch: int) -> None:
        """What is appended from now on is a new leader's."""
        self._epochs.append((epoch, self.next_offset))

    def end_of_epoch(self, epoch: int) -> tuple[int, int]:
        """(epoch, end offset) of the newest epoch that is not newer than this one; (-1, -1) where there is none (KIP-101)."""
        found = [index for index, (known, _) in enumerate(self._epochs) if known <= epoch]
        if not found or epoch > self.leader_epoch:
            return -1, -1
        after = found[-1] + 1
        return self._epochs[found[-1]][0], self._epochs[after][1] if after < len(self._epochs) else self.next_offset

    def append(self, records: memoryview, batches: Sequence[RecordBatchView], *, max_bytes: int, like: Release | None) -> Appended:
        """Check and append `records`, which are these batches; `max_bytes` bounds a batch, `like` is the release of Kafka to be like.

        A batch that a producer sends again is where it was put first.  Errors as in testing.validation and testing.producer_state.
        """
        now_ms = self._now_ms()
        check(batches, Bounds(self._config, max_bytes, now_ms, like))
        if not batches:
            return Appended(-1, -1)
        first = batches[0]
        is_numbered = first.magic > 1 and first.producer_id >= 0
        repeated = self.producers.check(first) if is_numbered else None
        if repeated is not None:
            return Appended(repeated.base_offset, repeated.timestamp_ms)
        time_ms = now_ms if self._config.timestamp_type is TimestampType.LOG_APPEND_TIME else None
        whole = records[: sum(batch.size_bytes for batch in batches)]  # Kafka leaves out what is cut off at the end
        new = self._store(whole, batches, time_ms)
        if is_numbered:
            self.producers.appended(first, new.base_offset)
        return Appended(new.base_offset, -1 if time_ms is None else time_ms)

    def end_transaction(self, producer_id: int, producer_epoch: int, *, is_commit: bool, coordinator_epoch: int) -> None:
        """Append the marker that a transaction was committed or aborted."""
        data = marker(
            producer_id=producer_id, producer_epoch=producer_epoch, is_commit=is_commit, coordinator_epoch=coordinator_epoch, time_ms=self._now_ms()
        )
        new = self._store(data, list(record.split(data)), None)
        self.producers.ended(producer_id, producer_epoch, new.base_offset, is_commit=is_commit)

    def _store(self, records: Buffer, batches: Sequence[RecordBatchView], time_ms: int | None) -> Stored:
        new = Stored(records, batches, base_offset=self.next_offset, leader_epoch=self.leader_epoch, time_ms=time_ms)
        self._base_offsets.append(new.base_offset)
        self.stored.append(new)
        self.next_offset = new.next_offset
        return new

    def _now_ms(self) -> int:
        return int(self._clock.time() * 1000)

    def read(self, offset: int, max_bytes: int, *, must_progress: bool, end_offset: int) -> Read:
        """Whole batches from the one that has `offset` on, before `end_offset`, within `max_bytes`, but with `must_progress` at least one."""
        buffers: list[Buffer] = []
        size_bytes = 0
        newest_magic = 0
        next_offset = offset
        for index in range(self._index_of(offset), len(self.stored)):
            stored = self.stored[index]
            if stored.base_offset >= end_offset:
                break
            if size_bytes + stored.size_bytes > max_bytes and (buffers or not must_progress):
                break
            buffers += stored.buffers()
            size_bytes += stored.size_bytes
            newest_magic = max(newest_magic, stored.magic)
            next_offset = stored.next_offset
        return Read(buffers, size_bytes, newest_magic, next_offset)

    def aborted_between(self, offset: int, end_offset: int) -> list[AbortedTransaction]:
        """The aborted transactions that have something there, by their first offsets."""
        return sorted(
            (aborted for aborted in self.producers.aborted if aborted.last_offset >= offset and aborted.first_offset < end_offset),
            key=lambda aborted: aborted.first_offset,
        )

    def visible(self, *, only_committed: bool) -> list[Stored]:
        """The batches that have records; `only_committed`: as far as no transaction is open, without those that were aborted."""
        end_offset = self.last_stable_offset if only_committed else self.next_offset
        aborted = self.aborted_between(0, end_offset) if only_committed else []
        return [stored for stored in self.stored if not stored.is_control and stored.base_offset < end_offset and not _is_in(stored, aborted)]

    def first_since(self, timestamp_ms: int) -> Position:
        """The first record that is not older; as in Kafka, a transaction's marker counts as one."""
        for stored in self.stored:
            if stored.max_timestamp >= timestamp_ms:
                for found in stored.records():
                    if found.timestamp >= timestamp_ms:
                        return Position(found.offset, found.timestamp)
        return _NOWHERE

    def newest(self) -> Position:
        """The record with the largest timestamp, the first of several."""
        if not self.stored:
            return _NOWHERE
        newest = max(self.stored, key=lambda stored: stored.max_timestamp)
        found = max(newest.records(), key=lambda found: found.timestamp)
        return Position(found.offset, found.timestamp)

    def _index_of(self, offset: int) -> int:
        if offset >= self.next_offset:
            return len(self.stored)
        return max(0, bisect.bisect_right(self._base_offsets, offset) - 1)


def _is_in(stored: Stored, transactions: list[AbortedTransaction]) -> bool:
    if not stored.is_transactional:
        return False
    return any(ended.producer_id == stored.producer_id and ended.first_offset <= stored.base_offset < ended.last_offset for ended in transactions)
