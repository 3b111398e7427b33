"""Topics and the brokers that lead their partitions: everything a broker knows, without any I/O.

Imported by: testing.*.  Imports: _clock, structs, testing.log.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from kafka._clock import Clock
from kafka.testing.log import PartitionLog, TimestampType

FIRST_NODE_ID = 1
MAX_MESSAGE_BYTES = 1024 * 1024 + 12  # message.max.bytes of a broker that nobody has configured
_LEGAL_TOPIC = re.compile(r"[a-zA-Z0-9._-]{1,249}")
_TOPIC_IDS = uuid.UUID("6f3c1d5e-0d0c-4c6e-9f0f-5d2b7a4e8c11")


class Record(NamedTuple):
    """A record as a consumer would see it; the timestamp is -1 where its message format has none."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]


class Node:
    """A broker: who it is and where clients find it.

    Threads: any read, the broker's changes the port when it is bound.
    """

    def __init__(self, node_id: int, host: str, port: int) -> None:
        self.node_id = node_id
        self.host = host
        self.port = port

    @property
    def address(self) -> tuple[str, int]:
        return self.host, self.port

    def __repr__(self) -> str:
        return f"<Node {self.node_id} at {self.host}:{self.port}>"


class Partition:
    """One partition, led by one node and copied to the others.

    Threads: any read, the broker's changes.
    """

    def __init__(self, index: int, replicas: list[int], log: PartitionLog) -> None:
        self.index = index
        self.leader = replicas[0]
        self.leader_epoch = 0
        self.replicas = replicas
        self.log = log


class Topic:
    """A topic's partitions, by number.

    Threads: any read.
    """

    def __init__(self, name: str, partitions: list[Partition]) -> None:
        self.name = name
        self.topic_id = uuid.uuid5(_TOPIC_IDS, name)  # the same in every run
        self.partitions = partitions


class Cluster:
    """Brokers and topics.

    Threads: one serves; create_topic() and what reads may be called by any.
    """

    cluster_id = "kafka-testing-cluster1"  # of 22 characters, as Kafka's are

    def __init__(
        self,
        *,
        clock: Clock,
        brokers: int = 1,
        host: str = "broker",
        default_partitions: int = 1,
        auto_create_topics: bool = True,
        max_message_bytes: int = MAX_MESSAGE_BYTES,
        api_versions: Mapping[int, tuple[int, int]] | None = None,
    ) -> None:
        """Node n listens at `host`-n:9092 until it is given another address.

        `max_message_bytes` bounds a batch. `api_versions`: {API key: (lowest, highest version)} to speak instead of all.
        """
        if brokers < 1 or default_partitions < 1:
            raise ValueError("A cluster needs at least one broker and one partition for each topic")
        self.clock = clock
        self.nodes = {node_id: Node(node_id, f"{host}-{node_id}", 9092) for node_id in range(FIRST_NODE_ID, FIRST_NODE_ID + brokers)}
        self.topics: dict[str, Topic] = {}
        self.default_partitions = default_partitions
        self.auto_create_topics = auto_create_topics
        self.max_message_bytes = max_message_bytes
        self.api_versions = api_versions

    @property
    def bootstrap_servers(self) -> str:
        """Every broker, as clients take it: "host:port,host:port"."""
        return ",".join(f"{node.host}:{node.port}" for node in self.nodes.values())

    @property
    def controller_id(self) -> int:
        return FIRST_NODE_ID

    def addresses(self) -> Iterable[tuple[str, int]]:
        return [node.address for node in self.nodes.values()]

    def node_at(self, address: tuple[str, int]) -> Node | None:
        return next((node for node in self.nodes.values() if node.address == address), None)

    # --- topics ---------------------------------------------------------------------------------------------------

    def create_topic(self, name: str, partitions: int | None = None, *, timestamp_type: str = "CreateTime") -> None:
        """ValueError where the name is no topic's, is taken, or there would be no partition."""
        if not is_legal(name):
            raise ValueError(f"{name!r} cannot name a topic: 1 to 249 of a-z, A-Z, 0-9, '.', '_' and '-'")
        count = self.default_partitions if partitions is None else partitions
        if count < 1:
            raise ValueError(f"Topic {name} needs at least one partition")
        topic = self._new_topic(name, count, TimestampType(timestamp_type))
        if self.topics.setdefault(name, topic) is not topic:
            raise ValueError(f"Topic {name} exists already")

    def find_topic(self, name: str, *, may_create: bool) -> Topic | None:
        """The topic; if need be made, where cluster and client allow it and the name is legal."""
        topic = self.topics.get(name)
        if topic is None and may_create and self.auto_create_topics and is_legal(name):
            return self.topics.setdefault(name, self._new_topic(name, self.default_partitions, TimestampType.CREATE_TIME))
        return topic

    def partition(self, topic: str, index: int) -> Partition | None:
        found = self.topics.get(topic)
        if found is None or not 0 <= index < len(found.partitions):
            return None
        return found.partitions[index]

    def records(self, topic: str) -> list[Record]:
        """All records of a topic, by partition and offset; none where there is no such topic."""
        return [
            Record(topic, partition.index, found.offset, found.timestamp, found.key, found.value, found.headers)
            for partition in self._partitions(topic)
            for found in partition.log.records()
        ]

    def batches(self, topic: str) -> list[bytes]:
        """Each partition's batches (of old formats: message sets) as they were received."""
        return [stored.received for partition in self._partitions(topic) for stored in list(partition.log.stored)]

    def _partitions(self, topic: str) -> list[Partition]:
        found = self.topics.get(topic)
        return [] if found is None else found.partitions

    def _new_topic(self, name: str, count: int, timestamp_type: TimestampType) -> Topic:
        node_ids = list(self.nodes)
        first = len(self.topics)
        partitions = []
        for index in range(count):
            start = (first + index) % len(node_ids)
            log = PartitionLog(timestamp_type=timestamp_type, max_message_bytes=self.max_message_bytes, clock=self.clock)
            partitions.append(Partition(index, node_ids[start:] + node_ids[:start], log))
        return Topic(name, partitions)


def is_legal(topic: str) -> bool:
    return _LEGAL_TOPIC.fullmatch(topic) is not None and topic not in (".", "..")
