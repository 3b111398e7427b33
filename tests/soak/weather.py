"""One fault after the other, drawn from a seed, with calm between them."""

from __future__ import annotations

import random
import time
from collections import Counter
from typing import Any, Callable

from kafka.errors import (
    KafkaStorageError,
    LeaderNotAvailableError,
    NotEnoughReplicasAfterAppendError,
    NotEnoughReplicasError,
    NotLeaderForPartitionError,
    RequestTimedOutError,
    UnknownTopicOrPartitionError,
)
from kafka.testing import KafkaCluster, faults

LASTS_S = (0.2, 4.0)
CALM_S = (0.0, 3.0)
ERRORS = (
    KafkaStorageError,
    LeaderNotAvailableError,
    NotEnoughReplicasAfterAppendError,
    NotEnoughReplicasError,
    NotLeaderForPartitionError,
    RequestTimedOutError,
    UnknownTopicOrPartitionError,
)
Ending = Callable[[], None]


class Weather:
    """What befalls a cluster; `seen` counts it by name.

    Threads: one.
    """

    def __init__(self, cluster: KafkaCluster, topic: str, seed: int) -> None:
        self.seen: Counter[str] = Counter()
        self._cluster = cluster
        self._topic = topic
        self._nodes = list(cluster.cluster.nodes)
        self._chance = random.Random(seed)

    def blow(self, until_s: float) -> None:
        """Until that time, on the scale of time.monotonic(); all is well then."""
        while time.monotonic() < until_s:
            endings = [self._strike() for _ in range(self._chance.choice([1, 1, 1, 2]))]
            self._wait(LASTS_S, until_s)
            for end in endings:
                end()
            self._wait(CALM_S, until_s)

    def _wait(self, bounds_s: tuple[float, float], until_s: float) -> None:
        time.sleep(max(0.0, min(self._chance.uniform(*bounds_s), until_s - time.monotonic())))

    def _strike(self) -> Ending:
        requests, connections = self._request_fault, self._connection_fault
        return self._chance.choice([requests, requests, connections, self._broker_down, self._cluster_down, self._election])()

    def _request_fault(self) -> Ending:
        chance = self._chance
        fault = chance.choice(
            [
                faults.Error(chance.choice(ERRORS)),
                faults.DropRequest(),
                faults.DropReply(),
                faults.DelayRequest(0.01, up_to_s=1.0),
                faults.DelayReply(0.01, up_to_s=1.0),
                faults.Throttle(chance.uniform(0.05, 1.0)),
                faults.CutRequest(chance.choice([None, 0, 30, 150])),
                faults.CutReply(chance.choice([0, 3, 20]), reset=chance.random() < 0.5),
                faults.Trickle(pause_s=0.002),
                faults.WrongCorrelationId(),
                faults.Garbage(chance.choice([0, 4, 8])),
                faults.WrongLeader(chance.choice([-1, *self._nodes])),
            ]
        )
        api = None if isinstance(fault, faults.WrongLeader) else chance.choice(["Produce", "Produce", "Metadata", "ApiVersions"])
        return self._add(fault, api=api, node=self._some_node(), probability=chance.choice([0.1, 0.5, 1.0]))

    def _connection_fault(self) -> Ending:
        chance = self._chance
        fault = chance.choice(
            [
                faults.Freeze(),
                faults.StopReading(),
                faults.HalfOpen(),
                faults.Cut(),
                faults.Cut(received_bytes=chance.randrange(2000), reset=chance.random() < 0.5),
                faults.Cut(sent_bytes=chance.randrange(600)),
            ]
        )
        return self._add(fault, node=self._some_node())

    def _some_node(self) -> int | None:
        return self._chance.choice([None, *self._nodes])

    def _add(self, fault: Any, **conditions: Any) -> Ending:
        self.seen[type(fault).__name__] += 1
        return self._cluster.faults.add(fault, **conditions).remove

    def _broker_down(self) -> Ending:
        self.seen["a broker down"] += 1
        node = self._chance.choice(self._nodes)
        self._cluster.stop(node)
        return lambda: self._cluster.start(node)

    def _cluster_down(self) -> Ending:
        self.seen["all brokers down"] += 1
        for node in self._nodes:
            self._cluster.stop(node)
        return self._all_up

    def _all_up(self) -> None:
        for node in self._nodes:
            self._cluster.start(node)

    def _election(self) -> Ending:
        self.seen["elections"] += 1
        for partition in range(len(self._cluster.cluster.topics[self._topic].partitions)):
            try:
                self._cluster.move_leader(self._topic, partition)
            except ValueError:  # nobody else is in sync
                continue
        return self._nothing

    def _nothing(self) -> None:
        pass
