"""What is known of the cluster: an immutable snapshot that is replaced whole, and the topics that are wanted.

Imported by: client, producer.  Imports: errors, future, structs, _clock, _handover, _log.
"""

from __future__ import annotations

import ipaddress
import logging
import random
import socket
import uuid
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Callable, NamedTuple

from kafka._clock import Latch
from kafka._handover import take_all
from kafka._log import GuardedLogger
from kafka.errors import (
    InvalidTopicError,
    KafkaError,
    NoError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
    for_code,
)
from kafka.future import Future
from kafka.structs import BrokerMetadata, PartitionMetadata, TopicPartition

log = GuardedLogger(logging.getLogger(__name__))

DEFAULT_KAFKA_PORT = 9092

_NO_ID = uuid.UUID(int=0)
_MOST_STALE = 5
"""Answers in a row with an older leader epoch, after which that is what is true: a broker may lag behind for a while, and another may have
lied once; and before topic ids (Kafka 2.8) a topic that was made anew looks like the old one and begins with epoch 0."""


class TopicSnapshot(NamedTuple):
    """One topic at one moment."""

    name: str
    topic_id: uuid.UUID
    partitions: Mapping[int, PartitionMetadata]
    all: list[int]
    """Partition numbers in ascending order."""
    available: list[int]
    """Those of them that have a leader, in ascending order."""
    is_internal: bool


class ClusterSnapshot(NamedTuple):
    """The cluster at one moment; never changed, only replaced."""

    brokers: Mapping[int, BrokerMetadata]
    controller: BrokerMetadata | None
    cluster_id: str | None
    topics: Mapping[str, TopicSnapshot]
    errors: Mapping[str, type[KafkaError]]
    """The last answer about a wanted topic that is not in `topics`."""
    version: int
    """How many answers went into it."""


class Refusal(NamedTuple):
    """A partition, and the leader and its epoch as known when the leader did not take what was sent."""

    partition: TopicPartition
    leader: tuple[int, int]


_EMPTY = ClusterSnapshot({}, None, None, {}, {}, 0)


class ClusterMetadata:
    """Holds the newest snapshot, says which topics are wanted, and lets waiters through when an answer comes.

    Threads: any reads and asks; update_metadata() and failed_update() are called by whoever owns the network (the I/O
    thread, or the constructor before it exists). Nothing here takes a lock: every hand-over is one atomic operation.
    """

    def __init__(self) -> None:
        self.snapshot = _EMPTY
        self.on_update_wanted: Callable[[], None] = _nothing
        """Called by any thread when an update is asked for: wakes the I/O thread."""
        self.update_wanted = False
        self.refusals: list[Refusal] = []
        """Leaders that did not take what was sent to them; filled and emptied by the I/O thread."""
        self._unknown: dict[str, int] = {}  # wanted topics, and answers in a row that they do not exist; written by whoever owns the network
        self._stale: dict[TopicPartition, int] = {}  # answers in a row with an older epoch; kept by whoever owns the network
        self.wanted: dict[str, bool] = {}
        """The topics that are asked for, and whether that was done since they are wanted; added to by any thread, taken from by whoever owns the
        network."""
        self._waiters: deque[Latch] = deque()
        self._futures: deque[Future] = deque()
        self._listeners: set[Callable[[ClusterMetadata], Any]] = set()

    # --- asking -------------------------------------------------------------------------------------------------

    def add_topic(self, topic: str) -> bool:
        """Want this topic from now on; True if it was not wanted yet, and then an update is asked for."""
        if topic in self.wanted:
            return False
        self.wanted[topic] = False
        self.want_update()
        return True

    def wanted_topics(self) -> list[str]:
        return list(self.wanted)

    def topics_to_ask_for(self) -> list[str]:
        """The wanted topics, of which none is new any more after this."""
        topics = self.wanted_topics()
        self.wanted.update(dict.fromkeys(topics, True))
        return topics

    def has_new_topics(self) -> bool:
        """Whether one is wanted that was not asked for yet."""
        return not all(list(self.wanted.values()))

    def known_topics(self) -> list[str]:
        """All of which something is kept; some more than once."""
        return [*self.wanted_topics(), *self.snapshot.topics, *self.snapshot.errors, *self._unknown]

    def forget_topics(self, topics: Iterable[str]) -> None:
        """Keep nothing of these until they are wanted again; for whoever owns the network."""
        gone = frozenset(topics)
        for topic in gone:
            self.wanted.pop(topic, None)
            self._unknown.pop(topic, None)
        for partition in [partition for partition in self._stale if partition.topic in gone]:
            del self._stale[partition]
        old = self.snapshot
        self.snapshot = old._replace(
            topics={name: topic for name, topic in old.topics.items() if name not in gone},
            errors={name: error for name, error in old.errors.items() if name not in gone},
        )
        self._let_waiters_through()  # who waits for one of them wants it again
        self._tell_listeners()

    def want_update(self) -> None:
        """Have metadata asked for soon, however fresh it is."""
        self.update_wanted = True
        self.on_update_wanted()

    def leader_refused(self, partition: TopicPartition) -> None:
        """Whom metadata names did not take what was sent for this partition: ask anew. For the I/O thread."""
        self.refusals.append(Refusal(partition, self.known_leader(partition)))
        self.update_wanted = True

    def request_update(self) -> Future:
        """Ask for an update; the future becomes this object with the next answer, or fails with its error."""
        future = Future()
        self._futures.append(future)
        self.want_update()
        return future

    def add_waiter(self, latch: Latch) -> None:
        """Open `latch` at the next answer or failure; look at the snapshot after calling this, then wait."""
        self._waiters.append(latch)

    def add_listener(self, listener: Callable[[ClusterMetadata], Any]) -> None:
        """Call `listener(self)` whenever the snapshot was replaced, on the I/O thread."""
        self._listeners.add(listener)

    def remove_listener(self, listener: Callable[[ClusterMetadata], Any]) -> None:
        self._listeners.discard(listener)

    # --- reading ------------------------------------------------------------------------------------------------

    @property
    def controller(self) -> BrokerMetadata | None:
        return self.snapshot.controller

    @property
    def cluster_id(self) -> str | None:
        return self.snapshot.cluster_id

    @property
    def unauthorized_topics(self) -> set[str]:
        return {topic for topic, error in self.snapshot.errors.items() if error is TopicAuthorizationFailedError}

    @property
    def internal_topics(self) -> set[str]:
        return {topic.name for topic in self.snapshot.topics.values() if topic.is_internal}

    def unknown_answers(self, topic: str) -> int:
        """How many answers in a row have said that a wanted topic does not exist."""
        return self._unknown.get(topic, 0)

    def brokers(self) -> set[BrokerMetadata]:
        return set(self.snapshot.brokers.values())

    def broker_metadata(self, broker_id: int) -> BrokerMetadata | None:
        return self.snapshot.brokers.get(broker_id)

    def topics(self, exclude_internal_topics: bool = True) -> set[str]:
        return {topic.name for topic in self.snapshot.topics.values() if not (exclude_internal_topics and topic.is_internal)}

    def partitions_for_topic(self, topic: str) -> set[int] | None:
        """Numbers of all partitions, or None where the topic is not known."""
        known = self.snapshot.topics.get(topic)
        return None if known is None else set(known.all)

    def available_partitions_for_topic(self, topic: str) -> set[int] | None:
        """Numbers of the partitions that have a leader, or None where the topic is not known."""
        known = self.snapshot.topics.get(topic)
        return None if known is None else set(known.available)

    def leader_for_partition(self, partition: TopicPartition) -> int | None:
        """The leader's node id, -1 where there is none, None where the partition is not known."""
        found = self._partition(partition)
        return None if found is None else found.leader

    def leader_epoch_for_partition(self, partition: TopicPartition) -> int:
        """The leader's epoch (KIP-320), -1 where it is not known."""
        found = self._partition(partition)
        return -1 if found is None else found.leader_epoch

    def known_leader(self, partition: TopicPartition) -> tuple[int, int]:
        """Node id and epoch of the leader, (-1, -1) where nothing is known."""
        found = self._partition(partition)
        return (-1, -1) if found is None else (found.leader, found.leader_epoch)

    def partitions_for_broker(self, broker_id: int) -> set[TopicPartition]:
        return {
            TopicPartition(topic.name, number)
            for topic in self.snapshot.topics.values()
            for number, partition in topic.partitions.items()
            if partition.leader == broker_id
        }

    def _partition(self, partition: TopicPartition) -> PartitionMetadata | None:
        known = self.snapshot.topics.get(partition[0])
        return None if known is None else known.partitions.get(partition[1])

    # --- answers ------------------------------------------------------------------------------------------------

    def update_metadata(self, metadata: Any) -> None:
        """Merge a MetadataResponse: topics it names are replaced, others stay as they are.

        A partition goes back to an older leader epoch (KIP-320) only where its topic was created anew, or where answers insist on it. An
        answer without brokers is no answer: 0.8.2 gives it while it has no topics, and others while they start.
        """
        brokers = {b.node_id: BrokerMetadata(b.node_id, b.host, b.port, b.rack) for b in metadata.brokers}
        if not brokers:
            self.failed_update(KafkaError("The broker's metadata names no brokers"))
            return
        old = self.snapshot
        topics = dict(old.topics)
        errors = {topic: error for topic, error in old.errors.items() if topic in self.wanted}
        for answer in metadata.topics:
            error = for_code(answer.error_code)
            name = answer.name
            if name is None:
                continue
            if error is UnknownTopicOrPartitionError:
                self._unknown[name] = self._unknown.get(name, 0) + 1
            else:
                self._unknown.pop(name, None)
            if error is NoError or (answer.partitions and error not in _NO_SUCH_TOPIC):
                topics[name] = self._merged(old.topics.get(name), answer)
                errors.pop(name, None)
            else:
                errors[name] = error
                if error in _NO_SUCH_TOPIC:
                    topics.pop(name, None)
        self.snapshot = ClusterSnapshot(
            brokers=brokers,
            controller=brokers.get(metadata.controller_id),
            cluster_id=metadata.cluster_id if metadata.cluster_id is not None else old.cluster_id,
            topics=topics,
            errors=errors,
            version=old.version + 1,
        )
        self._settle(lambda future: future.success(self))
        self._tell_listeners()

    def _merged(self, old: TopicSnapshot | None, answer: Any) -> TopicSnapshot:
        topic_id = answer.topic_id if answer.topic_id is not None else _NO_ID
        same_topic = old is not None and old.topic_id == topic_id
        partitions: dict[int, PartitionMetadata] = {}
        for p in answer.partitions:
            fresh = PartitionMetadata(
                topic=answer.name,
                partition=p.partition_index,
                leader=p.leader_id,
                leader_epoch=p.leader_epoch,
                replicas=list(p.replica_nodes),
                isr=list(p.isr_nodes),
                offline_replicas=list(p.offline_replicas),
                error=for_code(p.error_code),
            )
            known = old.partitions.get(p.partition_index) if old is not None and same_topic else None
            partitions[p.partition_index] = known if known is not None and self._is_stale(known, fresh) else fresh
        numbers = sorted(partitions)
        return TopicSnapshot(
            name=answer.name,
            topic_id=topic_id,
            partitions=partitions,
            all=numbers,
            available=[number for number in numbers if partitions[number].leader >= 0],
            is_internal=bool(answer.is_internal),
        )

    def _is_stale(self, known: PartitionMetadata, fresh: PartitionMetadata) -> bool:
        """Whether to disbelieve an answer."""
        name = TopicPartition(fresh.topic, fresh.partition)
        if not 0 <= fresh.leader_epoch < known.leader_epoch:
            self._stale.pop(name, None)
            return False
        answers = self._stale[name] = self._stale.get(name, 0) + 1
        if answers < _MOST_STALE:
            return True
        del self._stale[name]
        return False

    def failed_update(self, exception: BaseException) -> None:
        """Tell waiters that the last attempt failed; the snapshot stays."""
        self._settle(lambda future: future.failure(exception))

    def _tell_listeners(self) -> None:
        for listener in list(self._listeners):
            _call_guarded(listener, self)

    def _let_waiters_through(self) -> None:
        for latch in take_all(self._waiters):
            latch.open()

    def _settle(self, complete: Callable[[Future], Any]) -> None:
        self._let_waiters_through()
        for future in take_all(self._futures):
            _call_guarded(complete, future)

    def __repr__(self) -> str:
        snapshot = self.snapshot
        return f"ClusterMetadata(brokers: {len(snapshot.brokers)}, topics: {len(snapshot.topics)}, answers: {snapshot.version})"


_NO_SUCH_TOPIC: frozenset[type[KafkaError]] = frozenset({UnknownTopicOrPartitionError, InvalidTopicError, TopicAuthorizationFailedError})


def _call_guarded(function: Callable[[Any], Any], argument: Any) -> None:
    try:
        function(argument)
    except BaseException:
        log.exception("Error in a listener for cluster metadata")


def _nothing() -> None:
    """Nobody to wake yet."""


# --- what else kafka-python's module of this name has ---------------------------------------------------------------


def collect_hosts(hosts: str | Sequence[str], randomize: bool = True) -> list[tuple[str, int, int]]:
    """(host, port, address family) of each of several 'host[:port]', separated by commas or in a list; shuffled unless told otherwise."""
    entries = hosts.strip().split(",") if isinstance(hosts, str) else hosts
    found = [get_ip_port_afi(entry) for entry in entries]
    if randomize:
        random.shuffle(found)
    return found


def get_ip_port_afi(host_and_port_str: str) -> tuple[str, int, int]:
    """(host, port, address family) of '[protocol://]host[:port]', an IPv6 address with a port in brackets; AF_UNSPEC is the family of a name.

    ValueError where the port is no number.
    """
    text = host_and_port_str.strip().rpartition("://")[2]
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        return host, int(rest[1:]) if rest else DEFAULT_KAFKA_PORT, int(socket.AF_INET6)
    family = _address_family(text)
    if family == socket.AF_INET6 or ":" not in text:
        return text, DEFAULT_KAFKA_PORT, family
    host, _, port = text.rpartition(":")
    return host, int(port), _address_family(host)


def _address_family(host: str) -> int:
    try:
        version = ipaddress.ip_address(host).version
    except ValueError:
        return int(socket.AF_UNSPEC)
    return int(socket.AF_INET6 if version == 6 else socket.AF_INET)
