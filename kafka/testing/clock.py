"""Time that only moves when nothing is left to do, so that a test of seconds takes microseconds and always goes the same way.

Imported by: testing.memory, tests.  Imports: _clock.
"""

from __future__ import annotations

import math
from typing import Callable

from kafka._clock import Latch

_MOST_IDLE_ROUNDS = 10_000
_MOST_ROUNDS = 1_000_000
"""Rounds without time moving, after which the steps are taken to spin: those in which every step sleeps, and all."""


class VirtualStandstillError(RuntimeError):
    """A wait that cannot end: nothing is scheduled, or the steps spin without time moving."""


class VirtualClock:
    """A Clock for one thread: `wait()` runs registered steps, and moves time on when all of them have nothing to do.

    A step does one turn of what a thread would do for ever and ends in a select() of MemoryTransport, which tells
    this clock until when the thread would sleep.
    Threads: one.
    """

    def __init__(self, *, epoch_s: float = 1_600_000_000.0) -> None:
        """`epoch_s` is what time() says at first; monotonic() begins with 0."""
        self._now_s = 0.0
        self._epoch_s = epoch_s
        self._steps: list[Callable[[], object]] = []
        self._is_stepping = False
        self._sleeps_until_s: list[float] = []  # what the step that runs has told, the last one counts

    def __repr__(self) -> str:
        return f"VirtualClock({self._now_s:g} s, {len(self._steps)} steps)"

    def monotonic(self) -> float:
        return self._now_s

    def time(self) -> float:
        return self._epoch_s + self._now_s

    def advance(self, seconds: float) -> None:
        """Let time pass without running any step."""
        if seconds < 0:
            raise ValueError(f"Time does not go back: {seconds!r}")
        self._now_s += seconds

    def add_step(self, step: Callable[[], object]) -> None:
        """Have wait() call `step`; several take turns in the order they were added."""
        self._steps.append(step)

    def remove_step(self, step: Callable[[], object]) -> None:
        """ValueError where it was not added."""
        self._steps.remove(step)

    def run_for(self, seconds: float) -> None:
        """Run the steps for so long."""
        self.wait(Latch(), self._now_s + seconds)

    def wait(self, latch: Latch, deadline_s: float | None) -> bool:
        """Run steps until `latch` is open (True) or the deadline has come (False).

        Within a step nothing else can run: time goes on to the deadline at once.
        VirtualStandstillError where there is no step, or nothing can ever happen; what a step raises is passed on.
        """
        end_s = math.inf if deadline_s is None else deadline_s
        if latch.is_open:
            return True
        if self._is_stepping:
            if deadline_s is None:
                raise VirtualStandstillError("A step waits without a deadline for what only a step can do")
            self._now_s = max(self._now_s, deadline_s)
            return latch.is_open
        if not self._steps:
            raise VirtualStandstillError("A wait in virtual time needs something that runs meanwhile: call add_step() first")
        idle_rounds = rounds = 0
        while self._now_s < end_s:
            before_s = self._now_s
            wakes_at_s = self._round(latch)
            if _is_open(latch):
                return True
            if wakes_at_s is not None:
                self._move_to(min(wakes_at_s, end_s))
                idle_rounds += 1
            rounds += 1
            if self._now_s > before_s:
                idle_rounds = rounds = 0
            if idle_rounds > _MOST_IDLE_ROUNDS or rounds > _MOST_ROUNDS:
                raise VirtualStandstillError(f"{rounds} rounds of steps went by at {self._now_s} s and time does not move")
        return latch.is_open

    def sleep_until(self, wakes_at_s: float) -> None:
        """The caller has nothing to do before `wakes_at_s`; for select().

        Outside wait() time moves there at once. Within, it moves when every step sleeps, so this returns early; a step
        that sleeps once more in the same turn has a loop of its own, and time moves at once.
        """
        if self._is_stepping and not self._sleeps_until_s:
            self._sleeps_until_s.append(wakes_at_s)
        else:
            self._move_to(wakes_at_s)

    def _round(self, latch: Latch) -> float | None:
        """Run each step once; when the first of them wakes, None if one of them does not sleep."""
        wakes_at_s = math.inf
        all_sleep = True
        for step in list(self._steps):
            self._sleeps_until_s.clear()
            self._is_stepping = True
            try:
                step()
            finally:
                self._is_stepping = False
            if _is_open(latch):
                return None
            if self._sleeps_until_s:
                wakes_at_s = min(wakes_at_s, self._sleeps_until_s[-1])
            else:
                all_sleep = False
        return wakes_at_s if all_sleep and self._steps else None

    def _move_to(self, at_s: float) -> None:
        if at_s == math.inf:
            raise VirtualStandstillError(f"At {self._now_s} s nothing is scheduled: this wait would never end")
        self._now_s = max(self._now_s, at_s)


def _is_open(latch: Latch) -> bool:
    """A step may have opened it, which a type checker does not see."""
    return latch.is_open
