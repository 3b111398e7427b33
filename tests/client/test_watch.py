"""A thread that waits looks for the outcome before it sleeps: with the compiled selector alone, which says when the I/O thread sleeps."""

from __future__ import annotations

import os
import queue
import selectors
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

import kafka
from kafka import KafkaProducer
from kafka._clock import SystemClock
from kafka._transport import SocketTransport
from kafka.future import Home
from kafka.producer.future import FutureProduceResult
from kafka.structs import TopicPartition
from kafka.testing import KafkaBroker

IS_COMPILED = kafka.__impl__ == "compiled" and sys.platform == "linux"
only_compiled = pytest.mark.skipif(not IS_COMPILED, reason="of the compiled way alone")
LOOK_S = 0.00025


@pytest.fixture
def home() -> Iterator[Home]:
    selector: Any = SocketTransport(selectors.DefaultSelector).selector()
    home = Home(SystemClock())
    home.watch = selector.watch
    yield home
    selector.close()


def result_of(home: Home) -> FutureProduceResult:
    return FutureProduceResult(TopicPartition("t", 0), home)


class Sleepless(SystemClock):
    """Whoever would sleep is out of time at once."""

    def wait(self, latch: Any, deadline_s: float | None) -> bool:
        return False


def wait_in_vain(home: Home, for_s: float = 3600.0) -> None:
    """With much time, so that there is a look, whenever this thread comes to it."""
    clock, home.clock = home.clock, Sleepless()
    assert not result_of(home).wait_until(home.clock.monotonic() + for_s)
    home.clock = clock


def test_a_producer_looks_where_its_selector_tells_when_it_sleeps() -> None:
    with KafkaBroker() as server:
        for selector, has_watch in ((selectors.DefaultSelector, IS_COMPILED), (selectors.SelectSelector, False)):
            with KafkaProducer(bootstrap_servers=server.bootstrap_servers, selector=selector) as producer:
                metadata = [producer.send("topic", b"v", partition=0).get(30) for _ in range(100)]
                assert [one.offset - metadata[0].offset for one in metadata] == list(range(100))
                assert (producer._home.watch is not None) == has_watch


@only_compiled
def test_an_outcome_that_takes_its_time_is_slept_for(home: Home) -> None:
    result = result_of(home)
    latch_is_there = threading.Event()

    class Clock(SystemClock):
        def wait(self, latch: Any, deadline_s: float | None) -> bool:
            latch_is_there.set()
            return super().wait(latch, deadline_s)

    home.clock = Clock()

    def complete() -> None:
        latch_is_there.wait(30)
        result.succeed(7)

    thread = threading.Thread(target=complete)
    thread.start()
    assert result.wait_until(home.clock.monotonic() + 30)
    thread.join()
    assert result.base_offset == 7
    assert home.watch.in_vain in {1, 5}  # 5 on a machine that is busy
    assert home.watch.passed_over == 2**home.watch.in_vain - 1
    assert not home.watch.is_taken


@only_compiled
def test_each_look_in_vain_halves_how_many_waits_have_one_down_to_one_in_1024(home: Home) -> None:
    for _ in range(1200):
        in_vain, passed_over = home.watch.in_vain, home.watch.passed_over
        wait_in_vain(home)
        if passed_over:
            assert (home.watch.in_vain, home.watch.passed_over) == (in_vain, passed_over - 1)
        else:
            assert home.watch.in_vain in {min(in_vain + 1, 10), min(in_vain + 5, 10)}  # 5 on a machine that is busy
            assert home.watch.passed_over == 2**home.watch.in_vain - 1
    assert home.watch.in_vain == 10


@only_compiled
def test_each_outcome_that_is_seen_takes_a_look_in_vain_back(home: Home) -> None:
    for _ in range(3):
        wait_in_vain(home)
    least = home.watch.in_vain
    assert least
    handed_over: queue.SimpleQueue[FutureProduceResult | None] = queue.SimpleQueue()

    def complete() -> None:
        while (result := handed_over.get()) is not None:
            result.succeed(1)

    thread = threading.Thread(target=complete)
    thread.start()
    try:
        for _ in range(100_000):  # on a machine that is busy few are seen in time
            result = result_of(home)
            handed_over.put(result)
            assert result.wait_until(None)
            if home.watch.in_vain < least:
                assert (home.watch.in_vain, home.watch.passed_over) == (least - 1, 0)
                least -= 1
            if not least:
                break
        assert least == 0
    finally:
        handed_over.put(None)
        thread.join()


@only_compiled
@pytest.mark.parametrize("for_s", [-1.0, 0.0, LOOK_S / 2])
def test_who_has_no_time_does_not_look(home: Home, for_s: float) -> None:
    wait_in_vain(home, for_s)
    assert home.watch.in_vain == 0


@only_compiled
def test_nobody_looks_where_waiting_is_refused(home: Home) -> None:
    home.io_ident = threading.get_ident()
    with pytest.raises(kafka.errors.IllegalStateError):
        result_of(home).wait_until(None)
    assert home.watch.in_vain == 0


@only_compiled
def test_a_look_for_which_the_processor_comes_back_late_counts_as_five_in_vain() -> None:
    """A program that computes has the processor for a slice of time, once it is yielded."""
    allowed = os.sched_getaffinity(0)
    one = {min(allowed)}
    code = f"import os; os.sched_setaffinity(0, {one}); print(flush=True)\nwhile True: pass"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as busy:
        try:
            assert busy.stdout is not None
            busy.stdout.readline()
            os.sched_setaffinity(0, one)
            in_vain = set()
            for _ in range(200):
                selector: Any = SocketTransport(selectors.DefaultSelector).selector()
                home = Home(SystemClock())
                home.watch = selector.watch
                wait_in_vain(home)
                in_vain.add(home.watch.in_vain)
                selector.close()
                if 5 in in_vain:
                    break
            assert 5 in in_vain
        finally:
            os.sched_setaffinity(0, allowed)
            busy.kill()
