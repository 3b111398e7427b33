"""Java's choice for keys, a random partition that has a leader without one.

Imported by: producer, applications.  Imports: partitioner.{abc,murmur2}.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from kafka.partitioner.abc import Partitioner
from kafka.partitioner.murmur2 import murmur2


class DefaultPartitioner(Partitioner):
    """Callable as f(key_bytes, all_partitions, available_partitions), and in the later form as well.

    Threads: any.
    """

    random: Any = random
    """Where chance comes from."""

    def __call__(self, key: bytes | None, all_partitions: Sequence[int], available: Sequence[int]) -> int:
        if key is None:
            choice: int = self.random.choice(available or all_partitions)
            return choice
        return all_partitions[(murmur2(key) & 0x7FFFFFFF) % len(all_partitions)]

    def partition(self, topic: str, key: Any, serialized_key: bytes | None, value: Any, serialized_value: bytes | None, cluster: Any) -> int:
        every = _partitions_of(topic, cluster)
        return self(serialized_key, every, sorted(cluster.available_partitions_for_topic(topic) or ()))


def _partitions_of(topic: str, cluster: Any) -> list[int]:
    """The topic's partitions in order; ValueError where the cluster does not have it."""
    if topic not in cluster.topics():
        raise ValueError(f"Topic {topic} not found")
    return sorted(cluster.partitions_for_topic(topic))


__all__ = ["DefaultPartitioner", "murmur2"]
