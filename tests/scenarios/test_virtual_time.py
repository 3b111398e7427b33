"""The whole producer in one thread and in virtual time, against a cluster in memory."""

from __future__ import annotations

import random
from typing import Any, Callable

import pytest

from kafka import KafkaProducer
from kafka.errors import IllegalStateError, KafkaTimeoutError, NotEnoughReplicasError, RequestTimedOutError
from kafka.testing import faults
from kafka.testing.exchange import Answer, Call, Handler
from tests.scenarios.stage import Stage, answer_produce_with, refusal


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
    with stage.takes(0.25):
        producer.send("t", b"v").get()


def test_a_full_batch_and_flush_do_not_linger() -> None:
    stage = Stage()
    producer = stage.producer(linger_ms=250, batch_size=100)
    producer.partitions_for("t")
    with stage.takes(0):
        producer.send("t", b"x" * 100).get()
        producer.send("t", b"v")
        producer.flush()


def test_an_answer_takes_one_way_there_and_one_back() -> None:
    stage = Stage(latency_s=0.02)
    producer = stage.producer()
    producer.send("t", b"v").get()
    with stage.takes(0.04):
        producer.send("t", b"v").get()


@pytest.mark.parametrize(
    ("limit_s", "wait"),
    [
        pytest.param(1.5, lambda producer, future: future.get(1.5), id="get"),
        pytest.param(0, lambda producer, future: future.get(0), id="get at once"),
        pytest.param(2.5, lambda producer, future: producer.flush(2.5), id="flush"),
        pytest.param(0, lambda producer, future: producer.flush(0), id="flush at once"),
        pytest.param(0.7, lambda producer, future: producer.partitions_for("other"), id="partitions_for, max_block_ms"),
        pytest.param(0.7, lambda producer, future: producer.send("other", b"v"), id="send to a new topic, max_block_ms"),
    ],
)
def test_waiting_ends_exactly_when_it_should(limit_s: float, wait: Callable[[KafkaProducer, Any], Any]) -> None:
    stage = Stage()
    producer = stage.producer(max_block_ms=700)
    producer.send("t", b"v").get()
    stage.link.make_unreachable()
    future = producer.send("t", b"v")
    with stage.takes(limit_s), pytest.raises(KafkaTimeoutError):
        wait(producer, future)
    assert not future.is_done


@pytest.mark.parametrize("timeout_s", [0, 0.123, 3])
def test_close_ends_exactly_when_it_should_and_fails_what_is_left(timeout_s: float) -> None:
    stage = Stage()
    producer = stage.producer(retries=5)
    producer.send("t", b"v").get()
    stage.link.make_unreachable()
    future = producer.send("t", b"v")
    with stage.takes(timeout_s):
        producer.close(timeout=timeout_s)
    with pytest.raises(IllegalStateError, match="closed forcefully"):
        future.get(0)
    assert producer._accumulator.memory.used_bytes == 0


def test_close_takes_no_longer_than_the_answers() -> None:
    stage = Stage(latency_s=0.02)
    producer = stage.producer(linger_ms=60_000)
    producer.send("t", b"v")
    producer.flush()
    future = producer.send("t", b"v")
    with stage.takes(0.04):
        producer.close(timeout=30)
    assert future.get(0).offset == 1


def test_a_request_times_out_after_request_timeout() -> None:
    stage = Stage()
    producer = stage.producer(request_timeout_ms=4000)
    producer.send("t", b"v").get()
    stage.link.make_unreachable()
    with stage.takes(4), pytest.raises(RequestTimedOutError):
        producer.send("t", b"v").get()


def test_a_batch_never_sent_expires_after_linger_and_request_timeout() -> None:
    stage = Stage()
    producer = stage.producer(request_timeout_ms=4000, linger_ms=1000)
    producer.send("t", b"v").get()
    stage.link.refuse()
    stage.link.cut()
    with stage.takes(5), pytest.raises(KafkaTimeoutError, match=r"expired: 5\.000 .* 0 attempt"):
        producer.send("t", b"v").get()


def test_with_retries_delivery_timeout_bounds_it_all_and_recovery_delivers() -> None:
    stage = Stage()
    producer = stage.producer(request_timeout_ms=2000, retries=1000, delivery_timeout_ms=9000)
    producer.send("t", b"v").get()
    stage.link.make_unreachable()
    with stage.takes(9), pytest.raises(KafkaTimeoutError, match="expired"):
        producer.send("t", b"lost").get()
    late = producer.send("t", b"late")
    stage.clock.run_for(3)
    stage.link.heal()
    assert late.get(8).offset >= 1
    assert producer._accumulator.memory.used_bytes == 0


def test_retries_keep_their_backoff_until_delivery_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage()
    attempts_s: list[float] = []

    def refuse(call: Call, usual: Handler) -> Answer:
        attempts_s.append(stage.now_s)
        return refusal(call, NotEnoughReplicasError)

    answer_produce_with(monkeypatch, refuse)
    producer = stage.producer(retries=1000, retry_backoff_ms=300, request_timeout_ms=1000, delivery_timeout_ms=2000)
    producer.partitions_for("t")
    began_s = stage.now_s
    with stage.takes(2), pytest.raises(KafkaTimeoutError, match=r"7 attempt\(s\).*NotEnoughReplicas"):
        producer.send("t", b"v").get()
    assert [at_s - began_s for at_s in attempts_s] == pytest.approx([0.3 * n for n in range(7)])


@pytest.mark.parametrize("retries", [0, 1, 4])
def test_an_error_that_may_pass_is_tried_again_as_often_as_retries_says(retries: int, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage()
    attempts: list[Call] = []

    def refuse(call: Call, usual: Handler) -> Answer:
        attempts.append(call)
        return refusal(call, NotEnoughReplicasError)

    answer_produce_with(monkeypatch, refuse)
    producer = stage.producer(retries=retries, retry_backoff_ms=100)
    producer.partitions_for("t")
    with stage.takes(0.1 * retries), pytest.raises(NotEnoughReplicasError):
        producer.send("t", b"v").get()
    assert len(attempts) == retries + 1


def test_a_broker_that_throttles_sets_the_pace_and_nothing_times_out() -> None:
    stage = Stage(latency_s=0.001)
    producer = stage.producer(retries=3, request_timeout_ms=1000, delivery_timeout_ms=10_000)
    stage.cluster.faults.add(faults.Throttle(2.0), api="Produce")
    producer.send("t", b"v").get()
    for _ in range(5):
        with stage.takes(2.0 + 2 * 0.001):
            producer.send("t", b"v").get()
    assert producer.metrics()["producer-metrics"]["produce-throttle-time-max"] == 2000
    assert producer.metrics()["producer-metrics"]["record-retry-rate"] == 0


@pytest.mark.parametrize("way_s", [0.010, 0.050])
def test_a_far_broker_costs_no_throughput(way_s: float) -> None:
    """kafka-python has one batch of 16 KB in flight for each partition with idempotence: 651 records of 1 KB a second over 20 ms there and back."""
    stage = Stage(latency_s=way_s)
    stage.transport.capacity_bytes = 1 << 22
    producer = stage.producer()
    producer.partitions_for("t")
    began_s = stage.now_s
    for _ in range(20_000):
        producer.send("t", b"x" * 1000, partition=0)
    producer.flush()
    assert 20_000 / (stage.now_s - began_s) > 5 * 651 * (0.010 / way_s)


def test_a_full_buffer_is_waited_for_max_block() -> None:
    stage = Stage()
    producer = stage.producer(max_block_ms=3000, buffer_memory=2000, retries=5)
    producer.send("t", b"v").get()
    stage.link.make_unreachable()
    producer.send("t", b"x" * 1500)
    with stage.takes(3), pytest.raises(KafkaTimeoutError, match="buffer_memory=2000"):
        producer.send("t", b"x" * 1500)


def test_room_and_metadata_share_max_block() -> None:
    stage = Stage(brokers=2)
    producer = stage.producer(max_block_ms=3000, buffer_memory=2000)
    for topic in ("led-by-1", "led-by-2"):
        producer.send(topic, b"v").get()
    stage.transport.link(stage.cluster.nodes[2].address).make_unreachable()
    producer.send("led-by-2", b"x" * 1500)
    stage.link.from_broker_s = 0.8
    with stage.takes(3), pytest.raises(KafkaTimeoutError, match="max_block_ms left 2200 ms"):
        producer.send("another", b"x" * 1500)


def test_room_that_comes_in_time_is_given_at_once() -> None:
    stage = Stage()
    producer = stage.producer(max_block_ms=3000, buffer_memory=2000)
    producer.send("t", b"v").get()
    stage.link.from_broker_s = 0.8
    producer.send("t", b"x" * 1500)
    with stage.takes(0.8):
        second = producer.send("t", b"x" * 1500)
    assert second.get().offset == 2


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
        return [(r.partition, r.offset, r.value) for r in stage.cluster.records("t")] + [stage.now_s, stage.turns]

    first = history()
    assert first == history()
    assert {value for _, _, value in first[:-2]} == {b"%d" % n for n in range(300)}
