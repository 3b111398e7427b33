"""close() called again, close() with a budget, and the end of the interpreter while closing is under way."""

from __future__ import annotations

import contextlib
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any, Callable

import pytest

from kafka import KafkaProducer
from kafka.errors import IllegalStateError
from kafka.metrics.dict_reporter import DictReporter
from kafka.testing import KafkaBroker
from kafka.testing.exchange import Answer, Call, Handler
from tests.guarantees.budgets import assert_keeps, seconds_of
from tests.scenarios.stage import Stage, answer_produce_with

Make = Callable[..., KafkaProducer]

GRACE_S = 0.05
SLACK_S = 0.25  # what a busy machine may add


class Gate:
    """Holds answers to Produce back from shut() to open().

    Threads: any.
    """

    def __init__(self) -> None:
        self.holds = threading.Event()
        """Set while an answer is held back."""
        self._is_open = threading.Event()
        self._is_open.set()

    def shut(self) -> None:
        self._is_open.clear()

    def open(self) -> None:
        self._is_open.set()

    def respond(self, call: Call, usual: Handler) -> Answer:
        if not self._is_open.is_set():
            self.holds.set()
            self._is_open.wait(30)
        return usual(call)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    made = Gate()
    answer_produce_with(monkeypatch, made.respond)
    yield made
    made.open()


@contextlib.contextmanager
def busy(make_producer: Make) -> Iterator[KafkaProducer]:
    """A producer in whose callback user code runs, until the block is over."""
    producer = make_producer(linger_ms=60_000)
    entered, leave = threading.Event(), threading.Event()
    producer.send("t", b"v").add_callback(lambda _: (entered.set(), leave.wait(30)))
    flushing = started(producer.flush)
    assert entered.wait(10)
    yield producer
    leave.set()
    flushing.join(10)
    assert producer._sender.terminated.block(10)


def started(target: Callable[[], Any]) -> threading.Thread:
    thread = threading.Thread(target=target)
    thread.start()
    return thread


def test_a_second_close_waits_for_what_the_first_is_draining(make_producer: Make, gate: Gate) -> None:
    producer = make_producer()
    producer.send("t", b"v").get(10)
    gate.shut()
    futures = [producer.send("t", b"v") for _ in range(10)]
    first = started(producer.close)
    assert gate.holds.wait(10)
    second = started(producer.close)
    second.join(0.1)
    assert second.is_alive()

    gate.open()
    second.join(10)
    assert all(future.succeeded() for future in futures)
    first.join(10)


def test_a_close_after_one_in_a_callback_waits_for_the_end(broker: KafkaBroker, make_producer: Make) -> None:
    producer = make_producer(linger_ms=60_000)
    entered, all_sent, closed = (threading.Event() for _ in range(3))
    futures = [producer.send("t", b"first").add_callback(lambda _: (entered.set(), all_sent.wait(10), producer.close(), closed.set()))]
    flushing = started(producer.flush)
    assert entered.wait(10)
    futures += [producer.send("t", b"v" * 1000) for _ in range(200)]
    all_sent.set()
    assert closed.wait(10)
    producer.close()
    assert all(future.succeeded() for future in futures)
    assert len(broker.records("t")) == 201
    flushing.join(10)


def test_a_later_close_has_a_budget_of_its_own(make_producer: Make, gate: Gate) -> None:
    def close_one() -> float:
        producer = make_producer()
        producer.send("t", b"v").get(10)
        gate.shut()
        future = producer.send("t", b"v")
        first = started(producer.close)
        assert gate.holds.wait(10)
        took_s = seconds_of(lambda: producer.close(0.2))
        first.join(10)
        assert not first.is_alive()
        with pytest.raises(IllegalStateError, match=r"Producer is closed forcefully\."):
            future.get(0)
        gate.open()
        return took_s

    assert_keeps(0.2, GRACE_S + SLACK_S, close_one)


def test_a_later_close_in_a_callback_shortens_what_is_left() -> None:
    stage = Stage(brokers=2)
    producer = stage.producer()
    for topic in ("led-by-1", "led-by-2"):
        producer.send(topic, b"v").get()
    stage.link.make_unreachable()
    stage.transport.link(stage.cluster.nodes[2].address).from_broker_s = 1.0
    lost = producer.send("led-by-1", b"v")
    producer.send("led-by-2", b"v").add_callback(lambda _: producer.close(0.5))
    with stage.takes(1.5):
        producer.close(30)
    assert isinstance(lost.exception, IllegalStateError)


@pytest.mark.parametrize("timeout_s", [0, 0.2])
def test_a_callback_that_does_not_return_does_not_hold_up_a_close_with_a_budget(
    make_producer: Make, timeout_s: float, caplog: pytest.LogCaptureFixture
) -> None:
    def close_one() -> float:
        with busy(make_producer) as producer:
            caplog.clear()
            with caplog.at_level(logging.WARNING, "kafka"):
                took_s = seconds_of(lambda: producer.close(timeout_s))
            [said] = [record.getMessage() for record in caplog.records]
            assert "left behind: user code on it has not returned" in said
        return took_s

    assert_keeps(timeout_s, GRACE_S + SLACK_S, close_one)


def test_a_reporter_that_takes_its_time_to_close_is_waited_for_as_little_as_a_callback(make_producer: Make, caplog: pytest.LogCaptureFixture) -> None:
    may_go_on = threading.Event()

    class Slow(DictReporter):
        def close(self) -> None:
            may_go_on.wait(30)

    def close_one() -> float:
        may_go_on.clear()
        caplog.clear()
        producer = make_producer(metric_reporters=[Slow])
        future = producer.send("t", b"v")
        future.get(10)
        with caplog.at_level(logging.WARNING, "kafka"):
            took_s = seconds_of(lambda: producer.close(0.2))
        may_go_on.set()
        assert future.succeeded()
        assert producer._sender.terminated.block(10)
        assert "left behind: user code on it has not returned; 0 batch(es)" in caplog.text
        return took_s

    assert_keeps(0.2, GRACE_S + SLACK_S, close_one)


@pytest.mark.parametrize(("timeout_s", "takes_s"), [(0, GRACE_S), (0.1, 0.1), (0.5, 0.5), (5, 1.0), (None, 1.0)])
def test_a_broker_that_does_not_read_is_waited_for_within_the_budget(timeout_s: float | None, takes_s: float) -> None:
    stage = Stage(latency_s=0.01)
    producer = stage.producer(acks=0)
    producer.send("t", b"v").get()
    stage.link.make_unreachable()
    with stage.takes(takes_s):
        producer.close(timeout_s)


@pytest.mark.parametrize("timeout_s", [0, 5, None])
def test_what_needs_no_answer_is_read_before_the_connection_ends(timeout_s: float | None) -> None:
    stage = Stage(latency_s=0.01)
    producer = stage.producer(acks=0)
    producer.partitions_for("t")
    for number in range(3):
        producer.send("t", b"%d" % number).get()
    with stage.takes(0.02):
        producer.close(timeout_s)
    assert [record.value for record in stage.cluster.records("t")] == [b"0", b"1", b"2"]


def test_a_close_that_is_cut_short_ends_the_wait_for_a_broker_that_does_not_read(
    make_producer: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut_short() -> float:
        producer = make_producer(acks=0)
        producer.send("t", b"v").get(10)
        waits = threading.Event()
        with monkeypatch.context() as patch:
            patch.setattr("kafka.client.client._LAST_WORDS_S", 30.0)
            patch.setattr("kafka.testing.server.Server._serve", lambda *_: waits.set() or threading.Event().wait(0.01))
            first = started(producer.close)
            assert waits.wait(10)
            return seconds_of(lambda: (producer.close(0), first.join(10)))

    assert_keeps(0.0, GRACE_S + SLACK_S, cut_short)


LOSSES = {
    "closing in a callback": """
        producer = KafkaProducer(bootstrap_servers=servers, exit_timeout_ms=100, linger_ms=60000)
        entered, all_sent, closed = (threading.Event() for _ in range(3))
        producer.send("t", b"v").add_callback(lambda _: (entered.set(), all_sent.wait(10), producer.close(), closed.set()))
        threading.Thread(target=producer.flush, daemon=True).start()
        entered.wait(10)
        for _ in range(5):
            producer.send("t", b"held")
        all_sent.set()
        closed.wait(10)
    """,
    "closing in another thread": """
        producer = KafkaProducer(bootstrap_servers=servers, exit_timeout_ms=100)
        producer.send("t", b"v").get(10)
        for _ in range(5):
            producer.send("t", b"held")
        threading.Thread(target=producer.close, daemon=True).start()
        while not producer._closed:
            pass
    """,
    "nobody refers to it": """
        def send():
            producer = KafkaProducer(bootstrap_servers=servers, exit_timeout_ms=100, linger_ms=60000)
            producer.send("t", b"v")
            producer.flush()
            for _ in range(5):
                producer.send("t", b"held")
        send()
    """,
}


@pytest.mark.parametrize("ending", LOSSES)
def test_what_is_lost_at_exit_is_told_in_one_line_however_far_closing_has_come(
    broker: KafkaBroker, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    let_go = threading.Event()

    def hold(call: Call, usual: Handler) -> Answer:
        if broker.records("t"):
            let_go.wait(30)
        return usual(call)

    answer_produce_with(monkeypatch, hold)
    setup = f"""
        import logging, threading
        logging.basicConfig(format="%(message)s")
        from kafka import KafkaProducer
        servers = {broker.bootstrap_servers!r}
    """
    lines = [line[8:] for line in (setup + LOSSES[ending]).splitlines()]
    command = [sys.executable, "-X", "dev", "-W", "error", "-W", "ignore::ResourceWarning", "-c", "\n".join(lines)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    finally:
        let_go.set()
    assert done.stderr.splitlines() == [
        "The producer was closed with 5 record(s) not delivered: IllegalStateError: Producer is closed forcefully."
    ]
