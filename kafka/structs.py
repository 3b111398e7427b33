"""Small named tuples shared by every layer and by applications.

Imported by: every layer.  Imports: nothing of ours.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class TopicPartition(NamedTuple):
    """A topic and one of its partitions."""

    topic: str
    partition: int


class BrokerMetadata(NamedTuple):
    """A broker as Metadata names it."""

    nodeId: int
    host: str
    port: int
    rack: str | None = None


class PartitionMetadata(NamedTuple):
    """A partition as Metadata names it; leader -1 where there is none."""

    topic: str
    partition: int
    leader: int
    leader_epoch: int
    replicas: list[int]
    isr: list[int]
    offline_replicas: list[int]
    error: type[Exception] | None


class OffsetAndMetadata(NamedTuple):
    """A consumer's position; the leader epoch came with kafka-python 2.3 (KIP-320)."""

    offset: int
    metadata: Any
    leader_epoch: int = -1


class OffsetAndTimestamp(NamedTuple):
    """An offset looked up by time."""

    offset: int
    timestamp: int
    leader_epoch: int = -1
