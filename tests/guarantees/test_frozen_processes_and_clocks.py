"""After a long pause sockets are read before time-outs are judged; changes of the wall clock change nothing but records' timestamps."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any, Callable

import pytest

from kafka import KafkaProducer
from kafka._clock import Latch
from kafka.errors import KafkaError
from kafka.testing import KafkaBroker, faults
from tests.guarantees.budgets import assert_keeps
from tests.scenarios.stage import Stage

Make = Callable[..., KafkaProducer]
FROZEN_S = 60.0


class FreezingClock:
    """The process is stopped for a minute just before it looks at the clock for the n-th time, while the network goes on."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.looks_left = -1
        """How often it is looked at before that; negative: never."""

    def monotonic(self) -> float:
        clock = self._stage.clock
        if self.looks_left == 0:
            clock.advance(FROZEN_S)
            self._stage.transport.timeline.run_due(clock.monotonic())
        self.looks_left -= self.looks_left >= 0
        return clock.monotonic()

    def time(self) -> float:
        return self._stage.clock.time()

    def wait(self, latch: Latch, deadline_s: float | None) -> bool:
        return self._stage.clock.wait(latch, deadline_s)


def freezing_stage(**given: Any) -> tuple[Stage, FreezingClock]:
    stage = Stage(**given)
    clock = stage.producers_clock = FreezingClock(stage)
    return stage, clock


def freezes(latency_s: float, **configs: Any) -> Iterator[tuple[int, Stage, KafkaProducer]]:
    """(which look at the clock the process is about to be frozen at, a stage, its connected producer), for every look until records have outcomes.

    The producer must be well once the body is through.
    """
    for looks in itertools.count():
        stage, clock = freezing_stage(latency_s=latency_s)
        producer = stage.producer(request_timeout_ms=2000, **configs)
        producer.send("t", b"first").get()
        clock.looks_left = looks
        yield looks, stage, producer
        was_frozen, clock.looks_left = clock.looks_left < 0, -1
        assert producer.send("t", b"after").get(5), "it goes on"
        producer.close(5)
        if not was_frozen:
            assert looks > 10
            return


@pytest.mark.parametrize(
    "configs",
    [
        pytest.param({"retries": 0}, id="without retries"),
        pytest.param({"retries": 100}, id="with retries"),
        pytest.param({"retries": 0, "delivery_timeout_ms": 3000}, id="delivery timeout"),
    ],
)
@pytest.mark.parametrize("latency_s", [0.0, 0.01], ids=["no latency", "latency"])
def test_whenever_the_process_freezes_an_answer_that_has_come_counts(configs: dict[str, Any], latency_s: float) -> None:
    """Also that of a request which the pause kept from leaving: its time begins when it leaves. But `delivery_timeout_ms` is a bound on all."""
    outcomes = []
    for looks, stage, producer in freezes(latency_s, **configs):
        future = producer.send("t", b"v")
        stage.clock.run_for(2 * FROZEN_S)
        written = sum(record.value == b"v" for record in stage.cluster.records("t"))
        assert future.is_done
        is_true = written >= future.succeeded() if latency_s else written == future.succeeded()
        assert is_true, f"frozen at look {looks}: written {written} times, {future.exception!r}"
        outcomes.append(future.succeeded())
    assert all(outcomes) or ("delivery_timeout_ms" in configs and sum(outcomes) > (len(outcomes) - 1) / 2)


@pytest.mark.parametrize("retries", [0, 100])
def test_whenever_the_process_freezes_while_brokers_close_their_connections_no_record_is_lost(retries: int) -> None:
    for looks, stage, producer in freezes(0.01, retries=retries):
        stage.transport.timeline.plan(stage.now_s + FROZEN_S / 2, stage.link.cut)
        future = producer.send("t", b"v")
        stage.clock.run_for(2 * FROZEN_S)
        assert future.is_done
        written = sum(record.value == b"v" for record in stage.cluster.records("t"))
        assert written >= future.succeeded(), f"frozen at look {looks}"
        assert future.succeeded() or (retries == 0 and written <= 1), f"frozen at look {looks}: {future.exception!r}"


def test_what_waits_to_be_sent_while_a_callback_takes_its_time_is_sent_after_it() -> None:
    """A callback holds up the I/O thread, and with it records of other partitions, which must not expire of that."""
    stage = Stage(default_partitions=2)
    producer = stage.producer(request_timeout_ms=2000, linger_ms=100)
    producer.partitions_for("t")
    producer.send("t", b"v", partition=0).add_callback(lambda _: stage.clock.advance(5))
    stage.clock.run_for(0.05)
    future = producer.send("t", b"lingers meanwhile", partition=1)
    stage.clock.run_for(10)
    assert future.succeeded()


def test_a_close_that_was_frozen_beyond_its_limit_counts_the_answers_that_came() -> None:
    looks = 0
    while True:
        stage, clock = freezing_stage(latency_s=0.01)
        producer = stage.producer()
        producer.send("t", b"first").get()
        future = producer.send("t", b"v")
        stage.clock.run_for(0.005)  # it is on its way
        clock.looks_left = looks
        producer.close(5)
        assert future.succeeded(), f"frozen at look {looks}"
        if clock.looks_left > 0:
            break
        looks += 1
    assert looks > 3


SENDER = """
import sys
from kafka import KafkaProducer
producer = KafkaProducer(bootstrap_servers=sys.argv[1], request_timeout_ms=3000, retries=0)
producer.send("t", b"first").get(10)
print("ready", flush=True)
for line in sys.stdin:
    future = producer.send("t", line.strip().encode())
    print("sent", flush=True)
    print(future.get(30).offset, flush=True)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="this system cannot stop processes")
def test_a_stopped_process_takes_the_answers_that_came_meanwhile(broker: KafkaBroker) -> None:
    process = subprocess.Popen([sys.executable, "-c", SENDER, broker.bootstrap_servers], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        arrived, may_answer = threading.Event(), threading.Event()

        def hold(request: Any, response: Any) -> Any:
            arrived.set()
            may_answer.wait(10)
            return response

        broker.faults.add(faults.Change(hold), api="Produce", times=1)
        process.stdin.write("while stopped\n")
        process.stdin.flush()
        assert process.stdout.readline() == "sent\n"
        assert arrived.wait(10)
        os.kill(process.pid, signal.SIGSTOP)
        may_answer.set()
        time.sleep(3.5)  # longer than a request may take
        os.kill(process.pid, signal.SIGCONT)
        assert int(process.stdout.readline()) >= 0
        process.stdin.close()
        assert process.wait(10) == 0
    assert [record.value for record in broker.records("t")].count(b"while stopped") == 1


@pytest.mark.parametrize("jump_s", [-86_400.0, 86_400.0, -1_600_000_000.0], ids=["a day back", "a day on", "to 1970"])
def test_changes_of_the_wall_clock_change_timestamps_alone(broker: KafkaBroker, make_producer: Make, monkeypatch: Any, jump_s: float) -> None:
    producer = make_producer(retries=0, request_timeout_ms=2000, linger_ms=5)
    true_time, offset_s, tries = time.time, [0.0], itertools.count()
    monkeypatch.setattr(time, "time", lambda: true_time() + offset_s[0])

    def longest_wait_s() -> float:
        topic, waits_s, futures = f"t{next(tries)}", [0.0], []
        broker.create_topic(topic, 1)
        offset_s[0] = 0.0
        for number in range(60):
            if number % 20 == 10:
                offset_s[0] = jump_s if not offset_s[0] else 0.0
            began_s = time.monotonic()
            futures.append(producer.send(topic, b"%d" % number))
            if number % 5 == 0:
                futures[-1].get(5)
            waits_s.append(time.monotonic() - began_s)
        producer.flush(5)
        assert [future.get(0).offset for future in futures] == list(range(60))
        stamps = [record.timestamp for record in broker.records(topic)]
        assert (stamps[15] - stamps[5]) / 1000 == pytest.approx(jump_s, abs=30)
        assert not [future for future in futures if isinstance(future.exception, KafkaError)]
        return max(waits_s)

    assert_keeps(0.0, 1.0, longest_wait_s)
