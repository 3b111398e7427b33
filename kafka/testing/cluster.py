"""Topics and the brokers that lead their partitions: everything a broker knows, without any I/O.

Imported by: testing.*.  Imports: _clock, testing.{groups,log,offsets,releases,request_log,rules,sasl,tls,topic_config,transactions}.
"""

from __future__ import annotations

import re
import ssl
import threading
import uuid
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Callable, NamedTuple

from kafka._clock import Clock
from kafka.testing.apis import api_key
from kafka.testing.groups import Groups
from kafka.testing.log import PartitionLog
from kafka.testing.offsets import OffsetStore
from kafka.testing.releases import NEWEST, Release, release_of, versions_of
from kafka.testing.request_log import RequestLog
from kafka.testing.rules import Faults
from kafka.testing.sasl import Sasl
from kafka.testing.tls import check_server_context
from kafka.testing.topic_config import TIMESTAMP_TYPE, TopicConfig
from kafka.testing.transactions import ProducerIdAndEpoch, TransactionCoordinator

FIRST_NODE_ID = 1
NO_LEADER = -1
FIRST_WITH_SASL = (0, 10)  # KIP-43
MAX_MESSAGE_BYTES = 1024 * 1024 + 12  # message.max.bytes of a broker that nobody has configured
MIN_SESSION_TIMEOUT_MS = 6000  # group.min.session.timeout.ms
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
    """A broker: who it is, where clients find it, and whether it runs.

    Threads: any; the address and whether it runs change under the cluster's lock.
    """

    def __init__(self, node_id: int, host: str, port: int) -> None:
        self.node_id = node_id
        self.host = host
        self.port = port
        self.is_running = True

    @property
    def address(self) -> tuple[str, int]:
        return self.host, self.port

    def __repr__(self) -> str:
        return f"<Node {self.node_id} at {self.host}:{self.port}{'' if self.is_running else ', stopped'}>"


class Partition:
    """One partition, led by one node.  Its replicas share one log, so that no election loses a record.

    Threads: any read; changes under the cluster's lock.
    """

    def __init__(self, index: int, replicas: list[int], log: PartitionLog) -> None:
        self.index = index
        self.leader = replicas[0]
        self.leader_epoch = 0
        self.replicas = replicas
        self.isr = list(replicas)
        """The replicas that are in sync: those that run, or the last one that did."""
        self.log = log

    def lead_by(self, node_id: int) -> None:
        """A new leader, or NO_LEADER, begins a new leader epoch."""
        self.leader = node_id
        self.leader_epoch += 1
        self.log.begin_epoch(self.leader_epoch)


class Topic:
    """A topic's partitions, by number.

    Threads: any read; changes under the cluster's lock.
    """

    def __init__(self, name: str, topic_id: uuid.UUID, config: TopicConfig, partitions: list[Partition]) -> None:
        self.name = name
        self.topic_id = topic_id
        self.config = config
        self.partitions = partitions

    @property
    def replication_factor(self) -> int:
        return len(self.partitions[0].replicas)


class Cluster:
    """Brokers and topics.

    Threads: any.  Handlers run with `lock` held, and so do the methods that change something.
    """

    cluster_id = "kafka-testing-cluster1"  # of 22 characters, as Kafka's are

    def __init__(
        self,
        *,
        clock: Clock,
        brokers: int = 1,
        version: str | None = None,
        host: str = "broker",
        default_partitions: int = 1,
        auto_create_topics: bool = True,
        max_message_bytes: int = MAX_MESSAGE_BYTES,
        min_insync_replicas: int = 1,
        api_versions: Mapping[int, tuple[int, int]] | None = None,
        ssl_context: ssl.SSLContext | None = None,
        sasl: Sasl | None = None,
        seed: int = 0,
    ) -> None:
        """Node n listens at `host`-n:9092 until it is given another address.

        version: the release of Kafka to be like, "0.8.2" to the newest; None is like the newest one, and serves what older ones did too.
        max_message_bytes bounds a batch. min_insync_replicas: fewer in sync, and nothing with acks=all is taken. api_versions: {API key:
        (lowest, highest version)} to speak instead of all that `version` has. ssl_context: speak TLS. sasl: let in who can prove
        who they are. seed: of what faults leave to chance.
        """
        if brokers < 1 or default_partitions < 1:
            raise ValueError("A cluster needs at least one broker and one partition for each topic")
        if max_message_bytes < 1 or min_insync_replicas < 1:
            raise ValueError(f"max_message_bytes={max_message_bytes} and min_insync_replicas={min_insync_replicas} must be 1 at least")
        if sasl is not None and not isinstance(sasl, Sasl):
            raise ValueError(f"sasl must be a kafka.testing.Sasl, not {type(sasl).__name__}")
        if version is not None and not isinstance(version, str):
            raise ValueError(f"version must be a string as '2.8', not {version!r}")
        for api, (lowest, highest) in (api_versions or {}).items():
            if api != api_key(api) or not 0 <= lowest <= highest:
                raise ValueError(f"api_versions must be {{number of an API: (lowest, highest version)}}, and has {api!r}: {(lowest, highest)}")
        if sasl is not None and version is not None and release_of(version) < FIRST_WITH_SASL:
            raise ValueError(f"Kafka {version} has no SASL but GSSAPI")
        check_server_context(ssl_context)
        self.clock = clock
        node_ids = range(FIRST_NODE_ID, FIRST_NODE_ID + brokers)
        self.faults = Faults(clock, node_ids=node_ids, seed=seed)
        self._watchers: list[Callable[[], None]] = []  # any adds
        self.lock = threading.RLock()
        """Held while a handler runs, and by whoever changes something.  Nothing of the user's runs under it."""
        self.version: Release | None = None if version is None else release_of(version)
        self.nodes = {node_id: Node(node_id, f"{host}-{node_id}", 9092) for node_id in node_ids}
        self.topics: dict[str, Topic] = {}
        self.requests = RequestLog()
        self.default_partitions = default_partitions
        self.auto_create_topics = auto_create_topics
        self.max_message_bytes = max_message_bytes
        self.min_insync_replicas = min_insync_replicas
        self.min_session_timeout_ms = MIN_SESSION_TIMEOUT_MS
        """The shortest that a member of a group may ask for."""
        self.api_versions = api_versions
        self.ssl_context = ssl_context
        self.sasl = sasl
        self.groups = Groups(clock)
        self.offsets = OffsetStore()
        self.transactions = TransactionCoordinator(clock, self._write_marker, self.offsets.end_transaction)
        self._topics_made: dict[str, int] = {}  # how often each name was given to a topic

    @property
    def release(self) -> Release:
        """The release that it behaves as: compare with (0, 11), (2, 8) ..."""
        return self.version or NEWEST

    @property
    def release_versions(self) -> Mapping[int, tuple[int, int]] | None:
        """{API key: (lowest, highest version)} of the release that it was told to be like; None without one."""
        return None if self.version is None else versions_of(self.version)

    @property
    def bootstrap_servers(self) -> str:
        """Every broker, as clients take it: "host:port,host:port"."""
        return ",".join(f"{node.host}:{node.port}" for node in self.nodes.values())

    # --- nodes ----------------------------------------------------------------------------------------------------

    @property
    def controller_id(self) -> int:
        """The first node that runs; -1 where none does."""
        return next((node.node_id for node in self.running_nodes()), -1)

    def running_nodes(self) -> list[Node]:
        return [node for node in self.nodes.values() if node.is_running]

    def addresses(self) -> Iterable[tuple[str, int]]:
        return [node.address for node in self.nodes.values()]

    def node_at(self, address: tuple[str, int]) -> Node | None:
        """The node that listens there."""
        return next((node for node in self.running_nodes() if node.address == address), None)

    def node(self, node_id: int) -> Node:
        """ValueError where there is none with this id."""
        if node_id not in self.nodes:
            raise ValueError(f"There is no broker {node_id}: there are {', '.join(map(str, self.nodes))}")
        return self.nodes[node_id]

    def watch(self, watcher: Callable[[], None]) -> None:
        """Have `watcher` called after brokers, leaders or topics have changed, by the thread that changed them."""
        self._watchers.append(watcher)

    def _tell(self) -> None:
        for watcher in tuple(self._watchers):
            watcher()

    def stop_node(self, node_id: int) -> None:
        """The node fails: others lead its partitions, and those that nobody else could have no leader."""
        with self.lock:
            self.node(node_id).is_running = False
            for partition in self._every_partition():
                if node_id in partition.isr and len(partition.isr) > 1:
                    partition.isr.remove(node_id)
                if partition.leader == node_id:
                    partition.lead_by(self._next_leader(partition))
        self._tell()

    def start_node(self, node_id: int) -> None:
        """The node is back, in sync at once where somebody leads; it leads what nobody leads, if it was in sync, and nothing else."""
        with self.lock:
            self.node(node_id).is_running = True
            for partition in self._every_partition():
                if partition.leader == NO_LEADER and node_id in partition.isr:
                    partition.lead_by(node_id)
                if partition.leader != NO_LEADER and node_id in partition.replicas:
                    partition.isr += [one for one in partition.replicas if one not in partition.isr and self.nodes[one].is_running]
        self._tell()

    def move_leader(self, topic: str, partition: int, node_id: int | None = None) -> int:
        """Have another replica lead, by default the next one in sync; gives the leader's id.

        ValueError where there is no such partition, or the node has no replica of it in sync.
        """
        with self.lock:
            found = self.partition(topic, partition)
            if found is None:
                raise ValueError(f"There is no partition {topic}-{partition}")
            chosen = self._next_leader(found) if node_id is None else self.node(node_id).node_id
            if chosen not in found.isr or not self.nodes[chosen].is_running:
                raise ValueError(f"No other replica of {topic}-{partition} is in sync" if node_id is None else f"Broker {node_id} has none in sync")
            found.lead_by(chosen)
        self._tell()
        return chosen

    def coordinator_of(self, key: str) -> Node | None:
        """The node that coordinates this group or transactional id: another one where it does not run; None where none runs."""
        node_ids = list(self.nodes)
        first = zlib.crc32(key.encode()) % len(node_ids)
        candidates = (self.nodes[node_id] for node_id in node_ids[first:] + node_ids[:first])
        return next((node for node in candidates if node.is_running), None)

    def _next_leader(self, partition: Partition) -> int:
        """The replica in sync that comes after the leader; the leader itself, or NO_LEADER, where there is none."""
        replicas = partition.replicas
        after = replicas.index(partition.leader) + 1 if partition.leader in replicas else 0
        order = replicas[after:] + replicas[:after]
        return next((node_id for node_id in order if node_id in partition.isr and self.nodes[node_id].is_running), NO_LEADER)

    # --- topics ---------------------------------------------------------------------------------------------------

    def create_topic(
        self,
        name: str,
        partitions: int | None = None,
        *,
        replication_factor: int | None = None,
        timestamp_type: str | None = None,
        config: Mapping[str, Any] | None = None,
        assignments: Sequence[Sequence[int]] | None = None,
    ) -> Topic:
        """Replicas are on every node unless `replication_factor` says fewer; `assignments`: those of each partition, the leader first.

        ValueError where the name is no topic's, is taken, there would be no partition, or the config is not one.
        """
        if not is_legal(name):
            raise ValueError(f"{name!r} cannot name a topic: 1 to 249 of a-z, A-Z, 0-9, '.', '_' and '-'")
        count = self.default_partitions if partitions is None else partitions
        if count < 1:
            raise ValueError(f"Topic {name} needs at least one partition")
        factor = len(self.nodes) if replication_factor is None else replication_factor
        if not 1 <= factor <= len(self.nodes):
            raise ValueError(f"{factor} replicas of topic {name} do not fit on {len(self.nodes)} brokers")
        made_config = TopicConfig({**(config or {}), **({} if timestamp_type is None else {TIMESTAMP_TYPE: timestamp_type})})
        with self.lock:
            if name in self.topics:
                raise ValueError(f"Topic {name} exists already")
            replicas = [list(node_ids) for node_ids in assignments] if assignments else self._replicas(range(count), factor)
            made = Topic(name, self._new_topic_id(name), made_config, [])
            self._extend(made, replicas)
            self.topics[name] = made
            return made

    def delete_topic(self, name: str) -> None:
        """Its records are gone; one of the same name that is made later has another id.  ValueError where there is none."""
        with self.lock:
            if self.topics.pop(name, None) is None:
                raise ValueError(f"There is no topic {name}")
            self.offsets.forget_topic(name)
        self._tell()

    def add_partitions(self, name: str, count: int, *, assignments: Sequence[Sequence[int]] | None = None) -> None:
        """Have `count` partitions in all; `assignments`: the replicas of the new ones.  ValueError where there is no such topic or it has as many."""
        with self.lock:
            topic = self.topics.get(name)
            if topic is None:
                raise ValueError(f"There is no topic {name}")
            has = len(topic.partitions)
            if count <= has:
                raise ValueError(f"Topic {name} has {has} partitions; {count} would not be more")
            replicas = [list(node_ids) for node_ids in assignments] if assignments else self._replicas(range(has, count), topic.replication_factor)
            self._extend(topic, replicas)

    def find_topic(self, name: str, *, may_create: bool) -> Topic | None:
        """The topic; if need be made, where cluster and client allow it and the name is legal."""
        with self.lock:
            topic = self.topics.get(name)
            if topic is None and may_create and self.auto_create_topics and is_legal(name):
                return self.create_topic(name)
            return topic

    def topic_by_id(self, topic_id: uuid.UUID) -> Topic | None:
        return next((topic for topic in tuple(self.topics.values()) if topic.topic_id == topic_id), None)

    def partition(self, topic: str, index: int) -> Partition | None:
        found = self.topics.get(topic)
        if found is None or not 0 <= index < len(found.partitions):
            return None
        return found.partitions[index]

    def limit_of(self, topic: Topic) -> int:
        """How many bytes a batch may have."""
        given = topic.config.max_message_bytes
        return self.max_message_bytes if given is None else given

    def min_insync_of(self, topic: Topic) -> int:
        given = topic.config.min_insync_replicas
        return self.min_insync_replicas if given is None else given

    def records(self, topic: str, *, only_committed: bool = False) -> list[Record]:
        """All records of a topic, by partition and offset; none where there is no such topic.

        `only_committed`: as a consumer with isolation.level=read_committed gets them.
        """
        with self.lock:
            self.transactions.expire()
            visible = [(partition.index, partition.log.visible(only_committed=only_committed)) for partition in self._partitions(topic)]
        return [
            Record(topic, index, found.offset, found.timestamp, found.key, found.value, found.headers)
            for index, batches in visible
            for stored in batches
            for found in stored.records()
        ]

    def batches(self, topic: str) -> list[bytes]:
        """Each partition's batches (of old formats: message sets) as they were received."""
        return [stored.received for partition in self._partitions(topic) for stored in list(partition.log.stored) if not stored.is_control]

    def _write_marker(self, topic_partition: tuple[str, int], producer: ProducerIdAndEpoch, is_commit: bool) -> bool:
        partition = self.partition(*topic_partition)
        if partition is None:
            return True  # a topic that is gone keeps no transaction open
        if partition.leader == NO_LEADER:
            return False
        epoch = self.transactions.coordinator_epoch
        partition.log.end_transaction(producer.producer_id, producer.epoch, is_commit=is_commit, coordinator_epoch=epoch)
        return True

    def _partitions(self, topic: str) -> list[Partition]:
        found = self.topics.get(topic)
        return [] if found is None else list(found.partitions)

    def _every_partition(self) -> list[Partition]:
        return [partition for topic in self.topics.values() for partition in topic.partitions]

    def _replicas(self, indexes: Iterable[int], factor: int) -> list[list[int]]:
        """Each partition's nodes: those of neighbours begin with neighbouring ones."""
        node_ids = list(self.nodes)
        first = len(self.topics)
        starts = [(first + index) % len(node_ids) for index in indexes]
        return [(node_ids[start:] + node_ids[:start])[:factor] for start in starts]

    def _extend(self, topic: Topic, replicas: list[list[int]]) -> None:
        for node_ids in replicas:
            log = PartitionLog(config=topic.config, clock=self.clock, release=self.release)
            partition = Partition(len(topic.partitions), node_ids, log)
            running = [node_id for node_id in node_ids if self.nodes[node_id].is_running]
            partition.isr = running or node_ids[:1]
            partition.leader = running[0] if running else NO_LEADER
            topic.partitions.append(partition)

    def _new_topic_id(self, name: str) -> uuid.UUID:
        """The same in every run, another one each time the name is used again."""
        before = self._topics_made.get(name, 0)
        self._topics_made[name] = before + 1
        return uuid.uuid5(_TOPIC_IDS, f"{name}#{before}" if before else name)


def is_legal(topic: str) -> bool:
    return _LEGAL_TOPIC.fullmatch(topic) is not None and topic not in (".", "..")
