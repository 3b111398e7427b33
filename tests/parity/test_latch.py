"""Latches: whom they let through, and when; what a signal does to who waits."""

from __future__ import annotations

import signal
import threading
import time
from typing import Any

import pytest

from tests.parity.twins import EACH, Twin

TICK_S = 0.02


def blocked(latch: Any, timeout_s: float, passed: list[bool]) -> threading.Thread:
    thread = threading.Thread(target=lambda: passed.append(latch.block(timeout_s)))
    thread.start()
    return thread


@EACH
@pytest.mark.parametrize("gives_way", [False, True])
def test_opening_lets_everybody_through_who_waits_and_who_comes_later(gives_way: bool, twin: Twin) -> None:
    latch, passed = twin.latch(), list[bool]()
    assert not latch.is_open
    threads = [blocked(latch, timeout_s, passed) for timeout_s in (-1, 10, -1, 1e12)]
    latch.open(gives_way)
    for thread in threads:
        thread.join(10)
    assert passed == [True] * 4
    assert latch.is_open
    assert latch.block(0)
    assert latch.block(-1)


@EACH
def test_opening_it_again_changes_nothing(twin: Twin) -> None:
    latch = twin.latch()
    for gives_way in (False, True, False):
        latch.open(gives_way)
    assert latch.block(-1)
    assert latch.is_open


@EACH
@pytest.mark.parametrize("timeout_s", [0, 1e-9, TICK_S])
def test_waiting_ends_when_its_time_is_up(timeout_s: float, twin: Twin) -> None:
    latch = twin.latch()
    began_s = time.monotonic()
    assert latch.block(timeout_s) is False
    assert time.monotonic() - began_s >= timeout_s
    latch.open()
    assert latch.block(timeout_s) is True


@EACH
def test_a_signal_is_handled_while_its_thread_waits_and_the_waiting_goes_on(twin: Twin) -> None:
    latch, handled = twin.latch(), list[float]()
    began_s = time.monotonic()
    before = signal.signal(signal.SIGALRM, lambda *_: handled.append(time.monotonic() - began_s))
    try:
        signal.setitimer(signal.ITIMER_REAL, TICK_S)
        assert latch.block(5 * TICK_S) is False
        assert time.monotonic() - began_s >= 5 * TICK_S
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    [handled_s] = handled
    assert handled_s < 5 * TICK_S


@EACH
def test_a_signal_handler_may_open_the_latch_that_its_thread_waits_at(twin: Twin) -> None:
    latch = twin.latch()
    before = signal.signal(signal.SIGALRM, lambda *_: latch.open(True))
    try:
        signal.setitimer(signal.ITIMER_REAL, TICK_S)
        assert latch.block(-1)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@EACH
def test_what_a_signal_handler_raises_gets_out_and_others_are_let_through(twin: Twin) -> None:
    latch, passed = twin.latch(), list[bool]()

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    other = blocked(latch, -1, passed)
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, TICK_S)
        with pytest.raises(KeyboardInterrupt):
            latch.block(-1)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert not latch.is_open
    latch.open()
    other.join(10)
    assert passed == [True]
    assert latch.block(-1)


@EACH
def test_no_wake_up_is_lost_among_many(twin: Twin) -> None:
    """Each round one thread opens what four wait at, some of whom look again and again for a short time."""
    for round_ in range(200):
        latch, passed = twin.latch(), list[bool]()

        def look(latch: Any = latch, passed: list[bool] = passed) -> None:
            while not latch.block(1e-5):
                pass
            passed.append(True)

        threads = [blocked(latch, -1, passed), blocked(latch, 10, passed), *(threading.Thread(target=look) for _ in range(2))]
        for thread in threads[2:]:
            thread.start()
        latch.open(round_ % 2 == 0)
        for thread in threads:
            thread.join(10)
        assert passed == [True] * 4
