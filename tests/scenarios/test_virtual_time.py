"""The whole producer in one thread and in virtual time, against a cluster in memory."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest

from kafka import KafkaProducer
from kafka._world import World
from kafka.errors import KafkaTimeoutError, RequestTimedOutError
from kafka.testing import Cluster, MemoryTransport, VirtualClock


class Stage:
    """A cluster of one node, a clock, and producers that live on it."""

    def __init__(self, *, latency_s: float = 0.0, **cluster: Any) -> None:
        self.clock = VirtualClock()
        self.cluster = Cluster(clock=self.clock, brokers=1, **cluster)
        self.transport = MemoryTransport(self.cluster, self.clock, latency_s=latency_s)
        self.link = self.transport.link(self.cluster.nodes[1].address)

    def producer(self, **configs: Any) -> KafkaProducer:
        world = World(self.clock, random.Random(1), self.transport, starts_threads=False)
        kind = type("VirtualProducer", (KafkaProducer,), {"_world": world})
        producer: KafkaProducer = kind(bootstrap_servers=self.cluster.bootstrap_servers, **configs)

        def step() -> None:
            if producer._sender.terminated.is_open:
                self.clock.sleep_until(math.inf)
            else:
                producer._sender.step()

        self.clock.add_step(step)
        return producer

    @property
    def now_s(self) -> float:
        return self.clock.monotonic()


def test_a_blocking_send_and_everything_after_it_run_in_one_thread() -> None:
    stage = Stage(latency_s=0.005)
    producer = stage.producer()
    futures = [producer.send("new-topic", b"%d" % n) for n in range(1000)]
    producer.flush()
    assert [f.get().offset for f in futures] == list(range(1000))
    producer.close()
    assert [r.value for r in stage.cluster.records("new-topic")] == [b"%d" % n for n in range(1000)]


def test_linger_is_exact() -> None:
    stage = Stage()
    producer = stage.producer(linger_ms=250)
    producer.partitions_for("t")
    began_s = stage.now_s
    producer.send("t", b"v").get()
    assert stage.now_s - began_s == pytest.approx(0.25, abs=0.002)


def test_waiting_ends_exactly_when_it_should() -> None:
    stage = Stage()
    producer = stage.producer(max_block_ms=700)
    producer.send("t", b"v").get()
    stage.link.make_unreachable()
    future = producer.send("t", b"v")
    for wait, limit_s in ((lambda: future.get(1.5), 1.5), (lambda: producer.flush(2.5), 2.5), (lambda: producer.partitions_for("other"), 0.7)):
        began_s = stage.now_s
        with pytest.raises(KafkaTimeoutError):
            wait()
        assert stage.now_s - began_s == pytest.approx(limit_s, abs=0.002)
    began_s = stage.now_s
    producer.close(timeout=3)
    assert stage.now_s - began_s == pytest.approx(3, abs=0.01)


def test_a_request_times_out_after_request_timeout() -> None:
    stage = Stage()
    producer = stage.producer(request_timeout_ms=4000)
    producer.send("t", b"v").get()
    stage.link.make_unreachable()
    began_s = stage.now_s
    with pytest.raises(RequestTimedOutError):
        producer.send("t", b"v").get()
    assert stage.now_s - began_s == pytest.approx(4, abs=0.01)


def test_a_batch_never_sent_expires_after_linger_and_request_timeout() -> None:
    stage = Stage()
    producer = stage.producer(request_timeout_ms=4000, linger_ms=1000)
    producer.send("t", b"v").get()
    stage.link.refuse()
    stage.link.cut()
    began_s = stage.now_s
    with pytest.raises(KafkaTimeoutError, match=r"expired: 5\.0.* 0 attempt"):
        producer.send("t", b"v").get()
    assert stage.now_s - began_s == pytest.approx(5, abs=0.05)


def test_with_retries_delivery_timeout_bounds_it_all_and_recovery_delivers() -> None:
    stage = Stage()
    producer = stage.producer(request_timeout_ms=2000, retries=1000, delivery_timeout_ms=9000)
    producer.send("t", b"v").get()
    stage.link.make_unreachable()
    began_s = stage.now_s
    lost = producer.send("t", b"lost")
    with pytest.raises(KafkaTimeoutError, match="expired"):
        lost.get()
    assert stage.now_s - began_s == pytest.approx(9, abs=0.05)
    late = producer.send("t", b"late")
    stage.clock.run_for(3)
    stage.link.heal()
    assert late.get(8).offset >= 1
    assert producer._accumulator.memory.used_bytes == 0


def test_room_and_metadata_share_max_block() -> None:
    stage = Stage()
    producer = stage.producer(max_block_ms=3000, buffer_memory=2000, retries=5)
    producer.send("t", b"v").get()
    stage.link.make_unreachable()
    producer.send("t", b"x" * 1500)
    began_s = stage.now_s
    with pytest.raises(KafkaTimeoutError, match="buffer_memory=2000"):
        producer.send("t", b"x" * 1500)
    assert stage.now_s - began_s == pytest.approx(3, abs=0.002)


def test_callbacks_know_that_they_run_on_the_io_thread() -> None:
    stage = Stage()
    producer = stage.producer()
    seen: list[Any] = []
    producer.send("t", b"v").add_callback(lambda _: seen.append(producer.send("another", b"w")))
    producer.flush()
    producer.flush()
    assert seen[0].get().topic == "another"
    assert not producer._home.on_io_thread()


def test_the_same_seed_gives_the_same_history() -> None:
    def history() -> list[Any]:
        stage = Stage(latency_s=0.003, default_partitions=5)
        producer = stage.producer(retries=10, request_timeout_ms=1000, linger_ms=5)
        chance = random.Random(3)
        for number in range(300):
            producer.send("t", b"%d" % number)
            if chance.random() < 0.05:
                stage.link.cut()
            if chance.random() < 0.2:
                stage.clock.run_for(chance.random() / 50)
        producer.close(30)
        return [(r.partition, r.offset, r.value) for r in stage.cluster.records("t")] + [round(stage.now_s, 6)]

    first = history()
    assert first == history()
    assert {value for _, _, value in first[:-1]} == {b"%d" % n for n in range(300)}
