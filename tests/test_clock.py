"""Latches: whom they let through, and when; what a signal does to who waits."""

from __future__ import annotations

import signal
import threading
import time
from typing import Any

import pytest

from kafka._clock import Latch
from kafka.future import Future

TICK_S = 0.02
ROUNDS = 200


def blocked(latch: Latch, timeout_s: float, passed: list[bool]) -> threading.Thread:
    thread = threading.Thread(target=lambda: passed.append(latch.block(timeout_s)))
    thread.start()
    return thread


def test_opening_lets_everybody_through_who_waits_and_who_comes_later() -> None:
    latch, passed = Latch(), list[bool]()
    assert not latch.is_open
    threads = [blocked(latch, timeout_s, passed) for timeout_s in (-1, 10, -1, 1e12)]
    latch.open()
    for thread in threads:
        thread.join(10)
    assert passed == [True] * 4
    assert latch.is_open
    assert latch.block(0)
    assert latch.block(-1)


def test_opening_it_again_changes_nothing() -> None:
    latch = Latch()
    for _ in range(3):
        latch.open()
    assert latch.block(-1)
    assert latch.is_open


@pytest.mark.parametrize("timeout_s", [0, 1e-9, TICK_S])
def test_waiting_ends_when_its_time_is_up(timeout_s: float) -> None:
    latch = Latch()
    began_s = time.monotonic()
    assert latch.block(timeout_s) is False
    assert time.monotonic() - began_s >= timeout_s
    latch.open()
    assert latch.block(timeout_s) is True


def test_a_time_out_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="NaN"):
        Latch().block(float("nan"))
    with pytest.raises(ValueError, match="NaN"):
        Future().result(float("nan"))


def test_a_signal_is_handled_while_its_thread_waits_and_the_waiting_goes_on() -> None:
    latch, handled = Latch(), threading.Event()
    opener = threading.Thread(target=lambda: handled.wait(60) and latch.open())
    before = signal.signal(signal.SIGALRM, lambda *_: handled.set())
    opener.start()
    try:
        signal.setitimer(signal.ITIMER_REAL, TICK_S)
        assert latch.block(60) is True
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        handled.set()
        opener.join()


def test_a_signal_makes_no_wait_shorter() -> None:
    latch, handled = Latch(), list[int]()
    before = signal.signal(signal.SIGALRM, lambda number, _: handled.append(number))
    began_s = time.monotonic()
    try:
        signal.setitimer(signal.ITIMER_REAL, TICK_S)
        assert latch.block(5 * TICK_S) is False
        assert time.monotonic() - began_s >= 5 * TICK_S
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert handled == [signal.SIGALRM]


def test_a_signal_handler_may_open_the_latch_that_its_thread_waits_at() -> None:
    latch = Latch()
    before = signal.signal(signal.SIGALRM, lambda *_: latch.open())
    try:
        signal.setitimer(signal.ITIMER_REAL, TICK_S)
        assert latch.block(-1)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_what_a_signal_handler_raises_gets_out_and_others_are_let_through() -> None:
    latch, passed = Latch(), list[bool]()

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    other = blocked(latch, -1, passed)
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            signal.setitimer(signal.ITIMER_REAL, TICK_S)
            latch.block(-1)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert not latch.is_open
    latch.open()
    other.join(10)
    assert passed == [True]
    assert latch.block(-1)


def test_a_signal_that_comes_as_the_waiting_begins_is_handled_soon() -> None:
    """Between the last look at signals and the wait in the system there is a moment in which one does not interrupt it."""
    main, latches, is_over = threading.get_ident(), list[Any](), list[bool]()
    go = threading.Semaphore(0)

    def interrupt() -> None:
        while go.acquire() and not is_over:
            signal.pthread_kill(main, signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, lambda *_: latches[-1].open())
    other = threading.Thread(target=interrupt)
    other.start()
    end_s = time.monotonic() + 2
    try:
        while len(latches) < ROUNDS and time.monotonic() < end_s:
            latches.append(Latch())
            go.release()
            assert latches[-1].block(15)
    finally:
        is_over.append(True)
        go.release()
        other.join(10)
        signal.signal(signal.SIGUSR1, before)
    assert time.monotonic() < end_s + 10


def test_no_wake_up_is_lost_among_many() -> None:
    """Each round one thread opens what four wait at, some of whom look again and again for a short time."""
    for _ in range(200):
        latch, passed = Latch(), list[bool]()

        def look(latch: Latch = latch, passed: list[bool] = passed) -> None:
            while not latch.block(1e-5):
                pass
            passed.append(True)

        threads = [blocked(latch, -1, passed), blocked(latch, 10, passed), *(threading.Thread(target=look) for _ in range(2))]
        for thread in threads[2:]:
            thread.start()
        latch.open()
        for thread in threads:
            thread.join(10)
        assert passed == [True] * 4
