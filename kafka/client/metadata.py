"""When metadata is asked for, of whom, and what is made of the answer.

Imported by: client.client.  Imports: client.{backoff,connection,states}, cluster, errors, protocol.
"""

from __future__ import annotations

import logging
import math
import random
from collections.abc import Sequence
from enum import Enum
from typing import Any, NamedTuple

from kafka.client.backoff import Backoff
from kafka.client.connection import BrokerConnection
from kafka.client.states import ConnectionState
from kafka.cluster import ClusterMetadata, ClusterSnapshot, TopicSnapshot
from kafka.errors import InvalidTopicError, KafkaError, RebootstrapRequiredError, TopicAuthorizationFailedError, for_code
from kafka.protocol.metadata import MetadataRequest, MetadataRequestTopic
from kafka.structs import TopicPartition

log = logging.getLogger("kafka.client")

PATIENCE_S = 1.5
"""How long one node may take before another is asked as well: a stopped broker takes requests and never answers."""
_STAGGER_S = 0.5  # how long one node's connection may be in the making before another's is begun
_STALLED_S = 1.0  # a node that has kept a request waiting for so long is asked last
_UNHURRIED_S = 2.0  # answers, or refusals, further apart are no series
_LEAST_RETRY_S, _MOST_RETRY_S = 0.01, 1.0
_STUCK_S = 300.0  # without an answer for so long, bootstrap servers are asked again whatever the known nodes seem to be (KIP-1102)
_HOPELESS = frozenset({TopicAuthorizationFailedError, InvalidTopicError})  # asking again will not help


class Action(Enum):
    """What to do for metadata now."""

    SEND = "send"
    CONNECT = "connect"
    WAIT = "wait"


class Choice(NamedTuple):
    """An action, the node it is for, and for WAIT until when (inf: until something happens to a connection)."""

    action: Action
    connection: BrokerConnection | None = None
    until_s: float = math.inf


class MetadataSchedule:
    """When to ask, and that once in metadata_max_age_ms in any case.

    At once: for topics never asked for, and when a leader refuses, unless the last answer to that was that it is the leader.
    Otherwise a pause comes first, which grows as long as answers tell nothing new of leaders.
    One request is in flight however many threads wait; it is given up, but not its connection, after PATIENCE_S.
    Threads: the I/O thread; `cluster.update_wanted` and the wanted topics are written by any.
    """

    def __init__(self, *, cluster: ClusterMetadata, max_age_s: float, retry_s: float, random: random.Random) -> None:
        self._cluster = cluster
        self._max_age_s = max(max_age_s, _LEAST_RETRY_S)
        self._backoff = Backoff(first_s=max(_LEAST_RETRY_S, retry_s), most_s=max(_MOST_RETRY_S, retry_s), random=random)
        self._asked_topics: set[str] = set()
        self._refused: dict[TopicPartition, tuple[int, int]] = {}  # not asked about yet: by whom
        self._asked_about: dict[TopicPartition, tuple[tuple[int, int], float]] = {}  # by whom, and when it last was
        self._not_before_s = -math.inf
        self._succeeded_at_s: float | None = None
        self._failing_since_s: float | None = None
        self.must_rebootstrap = False
        """A broker has said that the nodes known are of no use any more (KIP-1102): bootstrap servers alone are asked, until one answers."""
        self._asked_at_s: float | None = None  # of the request in flight
        self._generation = 0
        self.answers = 0
        """Answers of any kind; one that names no brokers is one too."""

    def due_s(self, now_s: float, *, has_other_nodes: bool) -> float:
        """When the next request should go out; inf while one is in flight or nothing is wanted."""
        self._sort_refusals(now_s)
        if self._asked_at_s is not None:
            return self._asked_at_s + PATIENCE_S if has_other_nodes else math.inf
        if self._cluster.update_wanted:
            return now_s if self._cluster.has_new_topics() or self._has_new_refusals() else max(now_s, self._not_before_s)
        if self._succeeded_at_s is None:
            return math.inf
        return max(self._succeeded_at_s + self._max_age_s, self._not_before_s)

    def _sort_refusals(self, now_s: float) -> None:
        """Tell refusals that call for a question from those to which the last one brought no other leader."""
        refusals = self._cluster.refusals
        while refusals:
            partition, leader = refusals.pop()
            asked_leader, last_s = self._asked_about.get(partition, (None, -math.inf))
            if leader == asked_leader and now_s - last_s <= _UNHURRIED_S:
                self._asked_about[partition] = (leader, now_s)
            else:
                self._refused[partition] = leader

    def _has_new_refusals(self) -> bool:
        known_leader = self._cluster.known_leader
        for partition, leader in list(self._refused.items()):
            if known_leader(partition) == leader:
                return True
            del self._refused[partition]  # an answer that was under way has brought another
        return False

    def is_stuck(self, now_s: float) -> bool:
        return self._failing_since_s is not None and now_s - self._failing_since_s > _STUCK_S

    def quiet_until_s(self) -> float:
        """Until when there is nothing to ask, if all stays as it is; what due_s() says, for the price of a few comparisons."""
        cluster = self._cluster
        if cluster.update_wanted or cluster.refusals or self._asked_at_s is not None or self._succeeded_at_s is None:
            return -math.inf
        return max(self._succeeded_at_s + self._max_age_s, self._not_before_s)

    @property
    def is_waiting(self) -> bool:
        """A request is in flight."""
        return self._asked_at_s is not None

    def begin(self, now_s: float) -> tuple[int, MetadataRequest]:
        """The request to send, and its number; what is wanted from now on is for the next one."""
        self._cluster.update_wanted = False
        topics = self._cluster.topics_to_ask_for()
        self._asked_topics = set(topics)
        self._asked_about = {about: asked for about, asked in self._asked_about.items() if now_s - asked[1] <= _UNHURRIED_S}
        self._asked_about.update((partition, (leader, now_s)) for partition, leader in self._refused.items())
        self._refused.clear()
        self._asked_at_s = now_s
        self._generation += 1
        if self._failing_since_s is None:
            self._failing_since_s = now_s
        return self._generation, MetadataRequest(topics=[MetadataRequestTopic(name=topic) for topic in topics], allow_auto_topic_creation=True)

    def give_up_waiting(self, now_s: float) -> None:
        """Another node is asked now; should the first still answer before it, that counts as well."""
        self._asked_at_s = None
        self._cluster.update_wanted = True
        self._not_before_s = now_s

    def on_answer(self, number: int, response: Any, now_s: float) -> None:
        """Hand the answer to the cluster, unless a newer request has been answered already."""
        if number != self._generation and self._asked_at_s is None:
            return
        self._asked_at_s = None
        self.answers += 1
        self._failing_since_s = None
        self.must_rebootstrap = False
        before = self._cluster.snapshot
        self._cluster.update_metadata(response)
        after = self._cluster.snapshot
        if after is before or self._lacks_topics():
            self._ask_again(now_s)
            return
        if self._succeeded_at_s is None or now_s - self._succeeded_at_s > _UNHURRIED_S or _has_news(before, after):
            self._backoff.reset()
        self._succeeded_at_s = now_s
        self._not_before_s = now_s + self._backoff.fail()  # a partition without a leader is asked about again, ever less often

    def _lacks_topics(self) -> bool:
        snapshot = self._cluster.snapshot
        return any(
            topic not in snapshot.topics and snapshot.errors.get(topic) not in _HOPELESS
            for topic in self._asked_topics.intersection(self._cluster.wanted_topics())
        )

    def on_failure(self, number: int, error: KafkaError, now_s: float) -> None:
        """The request failed; ask again after a pause."""
        if isinstance(error, RebootstrapRequiredError):
            self.must_rebootstrap = True
        if number == self._generation:
            self._asked_at_s = None
            self._ask_again(now_s)
            self._cluster.failed_update(error)

    def _ask_again(self, now_s: float) -> None:
        self._cluster.update_wanted = True
        self._not_before_s = now_s + self._backoff.fail()


def _has_news(before: ClusterSnapshot, after: ClusterSnapshot) -> bool:
    """Whether records can go where they could not before."""
    return before.brokers != after.brokers or any(
        topic not in before.topics or _leaders(before.topics[topic]) != _leaders(found)
        for topic, found in after.topics.items()
        if found is not before.topics.get(topic)
    )


def _leaders(topic: TopicSnapshot) -> dict[int, tuple[int, int]]:
    return {number: (partition.leader, partition.leader_epoch) for number, partition in topic.partitions.items()}


def response_error(response: Any) -> KafkaError | None:
    """The error of the answer as a whole (version 13 and newer)."""
    code = getattr(response, "error_code", 0)
    return for_code(code)("in the answer to Metadata") if code else None


def choose_node(connections: Sequence[BrokerConnection], now_s: float, random: random.Random) -> Choice:
    """Whom to ask: the ready node with the least in flight; else one to connect to, never queueing behind one that is connecting.

    Nodes on which a request has just timed out, or which keep one waiting, come last.
    """
    ready = [connection for connection in connections if connection.is_ready]
    usable = [connection for connection in ready if connection.throttled_until_s <= now_s]
    if usable:
        return Choice(Action.SEND, min(usable, key=lambda c: (_is_doubtful(c, now_s), len(c.in_flight), random.random())))
    idle = [connection for connection in connections if connection.state is ConnectionState.DISCONNECTED]
    setting_up = [connection for connection in connections if connection.is_setting_up]
    stagger_end_s = max((connection.began_s + _STAGGER_S for connection in setting_up), default=-math.inf)
    connectable = [connection for connection in idle if connection.retry_at_s <= now_s]
    if connectable and stagger_end_s <= now_s:
        return Choice(Action.CONNECT, min(connectable, key=lambda c: (c.is_suspect, c.backoff.failures, random.random())))
    waits = [max(connection.retry_at_s, stagger_end_s) for connection in idle]
    waits += [connection.throttled_until_s for connection in ready]
    return Choice(Action.WAIT, None, min(waits, default=math.inf))


def _is_doubtful(connection: BrokerConnection, now_s: float) -> bool:
    return connection.is_suspect or connection.in_flight.oldest_wait_s(now_s) > _STALLED_S


def candidates(
    known: list[BrokerConnection], bootstrap: list[BrokerConnection], *, is_stuck: bool, must_rebootstrap: bool
) -> list[BrokerConnection]:
    """Known nodes; bootstrap servers as well while no node is known, and when none of those known can be reached (KIP-899)."""
    if must_rebootstrap:
        return bootstrap
    if not known or is_stuck or all(_is_unreachable(connection) for connection in known):
        return [*known, *bootstrap]
    return known


def _is_unreachable(connection: BrokerConnection) -> bool:
    return not connection.is_ready and (connection.backoff.failures > 0 or connection.is_suspect)
