"""The same partition for records without a key until a batch is full (KIP-480).

Imported by: applications.  Imports: structs, partitioner.default.
"""

from __future__ import annotations

from typing import Any

from kafka.partitioner.default import DefaultPartitioner
from kafka.structs import TopicPartition

_MOST_TOPICS = 10_000  # that are remembered: it is told of none that goes out of use, and choosing anew costs a batch that is not full


class StickyPartitioner(DefaultPartitioner):
    """Keys go where Java puts them; without one, all records of a topic go to one partition until on_new_batch() is called.

    Threads: any.
    """

    def __init__(self) -> None:
        self._sticky: dict[str, int] = {}

    def partition(self, topic: str, key: Any, serialized_key: bytes | None, value: Any, serialized_value: bytes | None, cluster: Any) -> int:
        if serialized_key is not None:
            return super().partition(topic, key, serialized_key, value, serialized_value, cluster)
        number = self._sticky.get(topic)
        if number is None or cluster.leader_for_partition(TopicPartition(topic, number)) is None:  # a topic made anew may have fewer
            if len(self._sticky) >= _MOST_TOPICS:
                self._sticky.clear()
            number = self._sticky[topic] = super().partition(topic, None, None, value, serialized_value, cluster)
        return number

    def on_new_batch(self, topic: str, cluster: Any, prev_partition: int) -> None:
        """Move to another partition, if there is one."""
        if self._sticky.get(topic, prev_partition) != prev_partition:
            return  # another thread has moved on already
        choices = sorted(cluster.available_partitions_for_topic(topic) or cluster.partitions_for_topic(topic) or ())
        others = [number for number in choices if number != prev_partition]
        if others:
            self._sticky[topic] = self.random.choice(others)
