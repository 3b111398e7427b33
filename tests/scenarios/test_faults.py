"""Connections that are lost, brokers that restart, answers that come too late: every record has one outcome, and it is true."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterable
from typing import Any, Callable

import pytest

from kafka import KafkaProducer
from kafka.errors import KafkaConnectionError, KafkaError, KafkaTimeoutError, NotEnoughReplicasError
from kafka.testing import KafkaBroker
from kafka.testing.exchange import Answer, Call, Handler, Later
from tests.scenarios.stage import Stage, answer_produce_with, refusal

Make = Callable[..., KafkaProducer]


def without_repeats(values: Iterable[Any]) -> list[Any]:
    """Each value where it came first: a retry may write what was written already."""
    return list(dict.fromkeys(values))


def assert_nothing_is_left(producer: KafkaProducer, futures: Iterable[Any]) -> None:
    assert all(future.is_done for future in futures)
    assert producer._accumulator.memory.used_bytes == 0
    assert producer._sender.incomplete_count == 0


# --- connections that are lost --------------------------------------------------------------------------------------


def test_what_no_byte_was_sent_of_is_sent_again_whatever_retries_says() -> None:
    stage = Stage(latency_s=0.01)
    producer = stage.producer(retries=0)
    producer.send("t", b"v").get()
    for number in range(3):
        stage.link.cut()  # found out when the first byte is to be written
        future = producer.send("t", b"%d" % number)
        assert future.get().offset == number + 1
        assert_nothing_is_left(producer, [future])


def test_what_was_in_flight_fails_without_retries_and_the_next_is_delivered() -> None:
    stage = Stage(latency_s=0.01)
    producer = stage.producer(retries=0)
    producer.send("t", b"first").get()
    lost = producer.send("t", b"lost")
    stage.clock.run_for(0.005)
    stage.link.cut()
    following = producer.send("t", b"next")
    with pytest.raises(KafkaConnectionError):
        lost.get()
    assert following.get().offset == 1
    assert [record.value for record in stage.cluster.records("t")] == [b"first", b"next"]
    assert_nothing_is_left(producer, [lost, following])


@pytest.mark.parametrize("cut_after_s", [0.005, 0.015], ids=["before the broker has it", "after the broker has it"])
def test_what_was_in_flight_is_sent_again_with_retries(cut_after_s: float) -> None:
    stage = Stage(latency_s=0.01)
    producer = stage.producer(retries=1)
    producer.send("t", b"first").get()
    future = producer.send("t", b"again")
    stage.clock.run_for(cut_after_s)
    stage.link.cut()
    last = stage.cluster.records("t")[-1].offset
    assert future.get().offset == last + 1
    assert_nothing_is_left(producer, [future])


def test_all_requests_in_flight_keep_their_order_over_a_lost_connection() -> None:
    stage = Stage(latency_s=0.01)
    producer = stage.producer(retries=3, max_in_flight_requests_per_connection=1, batch_size=0)
    producer.send("t", b"first").get()
    futures = []
    for number in range(20):
        futures.append(producer.send("t", b"%02d" % number))
        stage.clock.run_for(0.007)
        if number % 5 == 4:
            stage.link.cut()
    producer.flush()
    values = without_repeats(record.value for record in stage.cluster.records("t"))
    assert values == [b"first", *(b"%02d" % number for number in range(20))]
    assert_nothing_is_left(producer, futures)


def test_a_request_without_an_answer_to_come_is_done_when_it_is_written() -> None:
    stage = Stage(latency_s=0.01)
    producer = stage.producer(acks=0)
    producer.partitions_for("t")
    for number in range(4):
        assert producer.send("t", b"%d" % number).get().offset == -1
        if number == 0:
            stage.clock.run_for(0.011)  # the broker has it
            stage.link.cut()
    with stage.takes(0.02):  # what was written is read before the connection ends
        producer.close(5)
    assert [record.value for record in stage.cluster.records("t")] == [b"0", b"1", b"2", b"3"]


def test_a_close_waits_a_second_for_a_broker_that_does_not_read() -> None:
    stage = Stage(latency_s=0.01)
    producer = stage.producer(acks=0)
    producer.send("t", b"v").get()
    stage.link.make_unreachable()
    with stage.takes(1.0):
        producer.close(5)


# --- a broker that restarts -----------------------------------------------------------------------------------------


def restart_while_sending(broker: KafkaBroker, producer: KafkaProducer, *, restarts: int) -> list[Any]:
    """Send numbers without pause while the broker restarts on its port; the futures."""
    futures: list[Any] = []
    is_over = threading.Event()

    def send() -> None:
        while not is_over.wait(0.001):
            futures.append(producer.send("t", b"%d" % len(futures)))

    thread = threading.Thread(target=send)
    thread.start()
    for _ in range(restarts):
        before = len(broker.records("t"))
        while len(broker.records("t")) <= before + 10:
            threading.Event().wait(0.005)
        broker.stop()
        threading.Event().wait(0.05)
        broker.start()
    is_over.set()
    thread.join(20)
    producer.flush(20)
    return futures


def test_over_restarts_everything_is_delivered_in_order(broker: KafkaBroker, make_producer: Make) -> None:
    broker.create_topic("t", 1)
    producer = make_producer(retries=1000, max_in_flight_requests_per_connection=1, retry_backoff_ms=10)
    futures = restart_while_sending(broker, producer, restarts=3)
    records = broker.records("t")
    assert without_repeats(record.value for record in records) == [b"%d" % number for number in range(len(futures))]
    for number, future in enumerate(futures):
        assert records[future.get(0).offset].value == b"%d" % number
    assert_nothing_is_left(producer, futures)


def test_over_restarts_without_retries_every_outcome_is_true(broker: KafkaBroker, make_producer: Make) -> None:
    broker.create_topic("t", 1)
    producer = make_producer(retries=0)
    futures = restart_while_sending(broker, producer, restarts=3)
    records = broker.records("t")
    assert len({record.value for record in records}) == len(records), "without retries nothing is written twice"
    for number, future in enumerate(futures):
        if future.failed():
            assert isinstance(future.exception, KafkaConnectionError)
        else:
            assert records[future.get(0).offset].value == b"%d" % number
    assert_nothing_is_left(producer, futures)


def test_a_restart_fails_what_the_broker_held_and_the_next_is_delivered(
    broker: KafkaBroker, make_producer: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = threading.Event()

    def hold_the_second(call: Call, usual: Handler) -> Answer:
        if broker.records("t") and not held.is_set():
            held.set()
            return Later(call.cluster.clock.monotonic() + 60, lambda is_due: None)
        return usual(call)

    answer_produce_with(monkeypatch, hold_the_second)
    broker.create_topic("t", 1)
    producer = make_producer(retries=0)
    producer.send("t", b"first").get(10)
    lost = producer.send("t", b"lost")
    assert held.wait(10)
    broker.stop()
    with pytest.raises(KafkaConnectionError):
        lost.get(10)
    following = producer.send("t", b"next")
    broker.start()
    assert following.get(10).offset == 1
    assert [record.value for record in broker.records("t")] == [b"first", b"next"]
    assert_nothing_is_left(producer, [lost, following])


# --- answers that come too late -------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_success", [True, False], ids=["written", "refused"])
def test_a_late_answer_for_an_expired_batch_changes_nothing(is_success: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage()
    calls: list[float] = []

    def slow(call: Call, usual: Handler) -> Answer:
        """Refuse for three seconds, then take as long to answer: less than a request may, more than delivery."""
        calls.append(stage.now_s)
        if stage.now_s < 3:
            return refusal(call, NotEnoughReplicasError)
        if len([at_s for at_s in calls if at_s >= 3]) > 1:
            return usual(call)
        answer = usual(call) if is_success else refusal(call, NotEnoughReplicasError)
        return Later(stage.now_s + 3, lambda is_due: answer if is_due else None)

    answer_produce_with(monkeypatch, slow)
    producer = stage.producer(retries=1000, request_timeout_ms=4000, delivery_timeout_ms=5000)
    producer.partitions_for("t")
    outcomes: list[Any] = []
    expired = producer.send("t", b"expired").add_both(outcomes.append)
    with stage.takes(5), pytest.raises(KafkaTimeoutError, match="the answer to the last has not come"):
        expired.get()
    assert_nothing_is_left(producer, [expired])
    sent = len(calls)
    stage.clock.run_for(5)
    assert len(calls) == sent, "what was given up is not sent again"
    assert isinstance(expired.exception, KafkaTimeoutError)
    assert len(outcomes) == 1
    assert producer.send("t", b"next").get().offset == int(is_success)
    assert_nothing_is_left(producer, [expired])


# --- everything at once ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize(
    "configs",
    [
        pytest.param({"retries": 0}, id="no retries"),
        pytest.param({"retries": 0, "acks": 0}, id="acks=0"),
        pytest.param({"retries": 3, "acks": "all", "linger_ms": 20}, id="few retries"),
        pytest.param({"retries": 10_000, "max_in_flight_requests_per_connection": 1, "batch_size": 60}, id="in order"),
        pytest.param({"retries": 10_000, "buffer_memory": 600, "max_block_ms": 200}, id="small buffer"),
    ],
)
def test_whatever_happens_every_record_has_one_true_outcome(configs: dict[str, Any], seed: int) -> None:
    stage = Stage(latency_s=0.004, seed=seed)
    chance = random.Random(seed)
    producer = stage.producer(request_timeout_ms=500, reconnect_backoff_max_ms=200, **configs)
    producer.partitions_for("t")
    outcomes: dict[int, list[Any]] = {}
    futures = {}
    for number in range(200):
        try:
            futures[number] = producer.send("t", b"%d" % number)
        except KafkaTimeoutError:
            assert "buffer_memory" in configs
            stage.link.heal()
        else:
            futures[number].add_both(outcomes.setdefault(number, []).append)
        if chance.random() < 0.15:
            chance.choice([stage.link.cut, stage.link.refuse, stage.link.make_unreachable, stage.link.heal, stage.link.heal])()
        stage.clock.run_for(chance.random() * 0.02)
    stage.link.heal()
    producer.flush(130)
    assert_nothing_is_left(producer, futures.values())
    assert all(len(outcomes[number]) == 1 for number in futures)
    records = stage.cluster.records("t")
    for number, future in futures.items():
        if future.failed():
            assert isinstance(future.exception, KafkaError)
            assert configs["retries"] < 10_000, "with retries nothing is lost"
        elif configs.get("acks") != 0:
            assert records[future.get(0).offset].value == b"%d" % number
    values = [record.value for record in records]
    if configs["retries"] == 0:
        assert len(set(values)) == len(values), "without retries nothing is written twice"
    if configs.get("max_in_flight_requests_per_connection") == 1:
        assert without_repeats(values) == [b"%d" % number for number in futures]
    producer.close(5)
