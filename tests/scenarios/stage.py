"""The whole producer in one thread and in virtual time: what the scenarios in memory are played on."""

from __future__ import annotations

import contextlib
import math
import random
from collections.abc import Iterator
from typing import Any, Callable

import pytest

from kafka import KafkaProducer
from kafka._clock import Clock
from kafka._world import World
from kafka.errors import BrokerResponseError
from kafka.protocol.produce import PartitionProduceResponse, ProduceRequest, ProduceResponse, TopicProduceResponse
from kafka.testing import Cluster, MemoryTransport, VirtualClock
from kafka.testing.exchange import Answer, Call, Handler
from kafka.testing.handlers import SERVED
from kafka.testing.memory import Link


class Stage:
    """A cluster of one node unless said otherwise, a clock, and producers that live on it."""

    def __init__(self, *, latency_s: float = 0.0, seed: int = 1, **cluster: Any) -> None:
        self.clock = VirtualClock()
        self.cluster = Cluster(clock=self.clock, **cluster)
        self.transport = MemoryTransport(self.cluster, self.clock, latency_s=latency_s)
        self.link = self.transport.link(self.cluster.nodes[1].address)
        self.producers_clock: Clock = self.clock
        """What producers look at: the clock, or one that goes by it."""
        self.turns = 0
        """How often a sender has looked whether there is something to do."""
        self._seed = seed

    def producer(self, **configs: Any) -> KafkaProducer:
        world = World(self.producers_clock, random.Random(self._seed), self.transport, starts_threads=False)
        kind = type("VirtualProducer", (KafkaProducer,), {"_world": world})
        producer: KafkaProducer = kind(**{"bootstrap_servers": self.cluster.bootstrap_servers, **configs})

        def step() -> None:
            self.turns += 1
            if producer._sender.terminated.is_open:
                self.clock.sleep_until(math.inf)
            else:
                producer._sender.step()

        self.clock.add_step(step)
        return producer

    @property
    def links(self) -> list[Link]:
        """To every node where it listens now."""
        return [self.transport.link(address) for address in self.cluster.addresses()]

    @property
    def now_s(self) -> float:
        return self.clock.monotonic()

    @contextlib.contextmanager
    def takes(self, seconds: float) -> Iterator[None]:
        """The body takes so long, to the millisecond."""
        began_s = self.now_s
        yield
        assert self.now_s - began_s == pytest.approx(seconds, abs=0.000_999)


def answer_produce_with(monkeypatch: pytest.MonkeyPatch, respond: Callable[[Call, Handler], Answer]) -> None:
    """Have test brokers answer Produce as `respond` says, which is given the usual handler too."""
    served = SERVED[ProduceRequest.API_KEY]
    usual = served.handle
    monkeypatch.setitem(SERVED, ProduceRequest.API_KEY, served._replace(handle=lambda call: respond(call, usual)))


def refusal(call: Call, error: type[BrokerResponseError]) -> ProduceResponse:
    """An answer that gives this error for every partition of the request."""
    return ProduceResponse(
        responses=[
            TopicProduceResponse(
                name=topic.name,
                partition_responses=[
                    PartitionProduceResponse(index=data.index, error_code=error.errno, base_offset=-1) for data in topic.partition_data
                ],
            )
            for topic in call.request.topic_data
        ]
    )
