"""What a connection asks of a handler, and what a handler may answer.

Imported by: testing.connection, testing.faults, testing.handlers.  Imports: errors, testing.{cluster,sasl}.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import Enum
from typing import Any, Callable, NamedTuple, Union

from kafka.errors import (
    BrokerResponseError,
    FencedLeaderEpochError,
    NotLeaderForPartitionError,
    UnknownLeaderEpochError,
    UnknownTopicOrPartitionError,
)
from kafka.testing.cluster import Cluster, Node, Partition, Topic
from kafka.testing.sasl.session import SaslSession


class Call(NamedTuple):
    """A request that has arrived."""

    cluster: Cluster
    node: Node
    version: int
    request: Any
    versions: Mapping[int, tuple[int, int]]
    """{API key: (lowest, highest version)} of all that is served."""
    client_id: str | None
    session: SaslSession | None = None
    """How far authentication has come; None on a listener without SASL."""
    connection: int = 0
    """The number of the connection that it came on, as faults count them."""

    @staticmethod
    def check_exists(topic: Topic | None, index: int) -> Partition:
        """The partition; UnknownTopicOrPartitionError."""
        if topic is None or not 0 <= index < len(topic.partitions):
            raise UnknownTopicOrPartitionError("There is no such topic" if topic is None else f"There is no partition {topic.name}-{index}")
        return topic.partitions[index]

    def led(self, topic: Topic | None, index: int, leader_epoch: int = -1) -> Partition:
        """The partition, which this node leads, in the epoch that the client knows of, -1 where it names none.

        UnknownTopicOrPartitionError, NotLeaderForPartitionError, FencedLeaderEpochError, UnknownLeaderEpochError.
        """
        partition = self.check_exists(topic, index)
        if partition.leader != self.node.node_id:
            raise NotLeaderForPartitionError(f"Partition {index} is led by node {partition.leader}")
        if leader_epoch not in (-1, partition.leader_epoch):
            kind = FencedLeaderEpochError if leader_epoch < partition.leader_epoch else UnknownLeaderEpochError
            raise kind(f"Partition {index} is led in epoch {partition.leader_epoch}, not {leader_epoch}")
        return partition


class Silence(Enum):
    """Answers without words."""

    NO_ANSWER = "the client does not expect any"
    CLOSE = "close the connection"


class Later(NamedTuple):
    """The answer is held back."""

    deadline_s: float
    """When it must be given, on the clock of the cluster."""
    look: Callable[[bool], Any]
    """Gives the answer, None while it is not worth giving, or another Later; with True it must not be None."""


NEVER = Later(math.inf, lambda must_answer: None)
"""Holds back an answer for good, and with it all that is behind on the connection."""

Answer = Union[Any, Silence, Later]
Handler = Callable[[Call], Answer]


def then(answer: Answer, change: Callable[[Any], Answer]) -> Answer:
    """What `change` makes of the response, as soon as there is one; silence stays silence."""
    if isinstance(answer, Silence):
        return answer
    if not isinstance(answer, Later):
        return change(answer)
    later = answer

    def look(must_answer: bool) -> Answer:
        found = later.look(must_answer)
        return None if found is None else then(found, change)

    return Later(later.deadline_s, look)


def at_once(answer: Answer) -> Answer:
    """The answer without waiting any longer."""
    while isinstance(answer, Later):
        answer = answer.look(True)
    return answer


def words(error: BrokerResponseError) -> str | None:
    """What an answer says about an error."""
    return str(error.args[0]) if error.args else error.description
