"""VirtualClock: waits take no time, and end when they should."""

from __future__ import annotations

import pytest

from kafka._clock import Latch
from kafka.testing.clock import VirtualClock, VirtualStandstillError


def open_latch() -> Latch:
    latch = Latch()
    latch.open()
    return latch


def test_both_scales_move_together() -> None:
    clock = VirtualClock(epoch_s=1000.0)

    clock.advance(2.5)

    assert (clock.monotonic(), clock.time()) == (2.5, 1002.5)


def test_time_does_not_go_back() -> None:
    with pytest.raises(ValueError, match="does not go back"):
        VirtualClock().advance(-1)


def test_a_wait_on_an_open_latch_runs_nothing() -> None:
    assert VirtualClock().wait(open_latch(), None)


def test_a_wait_without_a_step_says_what_is_missing() -> None:
    with pytest.raises(VirtualStandstillError, match="add_step"):
        VirtualClock().wait(Latch(), 1.0)


def test_a_wait_ends_when_a_step_opens_the_latch() -> None:
    clock, latch = VirtualClock(), Latch()

    def step() -> None:
        if clock.monotonic() >= 3:
            latch.open()
        clock.sleep_until(3.0)

    clock.add_step(step)

    assert clock.wait(latch, 10.0)
    assert clock.monotonic() == 3.0


def test_a_wait_ends_at_its_deadline_and_not_when_the_step_would_wake() -> None:
    clock = VirtualClock()
    clock.add_step(lambda: clock.sleep_until(100.0))

    assert not clock.wait(Latch(), 7.0)
    assert clock.monotonic() == 7.0


def test_a_wait_whose_deadline_has_passed_returns_at_once() -> None:
    clock = VirtualClock()
    clock.add_step(lambda: pytest.fail("nothing may run"))

    assert not clock.wait(Latch(), 0.0)


def test_time_moves_to_the_first_of_several_steps() -> None:
    clock = VirtualClock()
    seen: list[tuple[str, float]] = []

    def sleeper(name: str, every_s: float) -> None:
        seen.append((name, clock.monotonic()))
        clock.sleep_until((clock.monotonic() // every_s + 1) * every_s)

    clock.add_step(lambda: sleeper("a", 2))
    clock.add_step(lambda: sleeper("b", 3))
    clock.run_for(5)

    assert seen == [(name, at) for at in (0, 2, 3, 4) for name in ("a", "b")]


def test_time_stands_still_while_one_step_is_busy() -> None:
    clock = VirtualClock()
    turns: list[float] = []

    def busy() -> None:
        turns.append(clock.monotonic())
        if len(turns) >= 5:
            clock.sleep_until(9.0)

    clock.add_step(lambda: clock.sleep_until(1.0))
    clock.add_step(busy)
    clock.run_for(0.5)

    assert turns == [0.0] * 5


def test_a_wait_for_ever_with_nothing_scheduled_is_an_error_and_no_hang() -> None:
    clock = VirtualClock()
    clock.add_step(lambda: clock.sleep_until(float("inf")))

    with pytest.raises(VirtualStandstillError, match="nothing is scheduled"):
        clock.wait(Latch(), None)


def test_steps_that_spin_are_an_error_and_no_hang() -> None:
    clock = VirtualClock()
    clock.add_step(lambda: clock.sleep_until(clock.monotonic()))

    with pytest.raises(VirtualStandstillError, match="time does not move"):
        clock.wait(Latch(), 1.0)


def test_steps_that_never_select_are_an_error_and_no_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kafka.testing.clock._MOST_ROUNDS", 100)
    clock = VirtualClock()
    clock.add_step(lambda: None)

    with pytest.raises(VirtualStandstillError, match="time does not move"):
        clock.wait(Latch(), 1.0)


def test_a_wait_within_a_step_lets_time_pass() -> None:
    clock, latch = VirtualClock(), Latch()

    def step() -> None:
        assert not clock.wait(Latch(), clock.monotonic() + 4)
        latch.open()

    clock.add_step(step)

    assert clock.wait(latch, None)
    assert clock.monotonic() == 4.0


def test_a_wait_within_a_step_needs_a_deadline() -> None:
    clock = VirtualClock()
    clock.add_step(lambda: clock.wait(Latch(), None))

    with pytest.raises(VirtualStandstillError, match="without a deadline"):
        clock.wait(Latch(), 1.0)


def test_what_a_step_raises_reaches_the_waiter_and_the_clock_goes_on() -> None:
    clock = VirtualClock()

    def fail() -> None:
        raise KeyError("boom")

    clock.add_step(fail)
    with pytest.raises(KeyError):
        clock.wait(Latch(), 1.0)
    clock.remove_step(fail)
    clock.add_step(lambda: clock.sleep_until(5.0))

    clock.run_for(2)
    assert clock.monotonic() == 2.0
