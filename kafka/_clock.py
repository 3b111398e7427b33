"""Time, and every blocking wait, behind one object.

Imported by: every layer.  Imports: nothing of ours.
"""

from __future__ import annotations

import math
import threading
import time
from typing import Protocol

_FOR_EVER = -1.0
_LONGEST_S = 1.0
"""Of one wait in the system: a signal that comes as it is entered does not end it, and is handled after it."""


class Latch:
    """A gate that opens once and stays open.

    It is made of one C lock and one flag and runs no Python code while anything is held, so that a
    signal handler may interrupt a waiter anywhere and wait, or open latches, itself.

    Threads: any.
    """

    __slots__ = ("_gate", "is_open")

    def __init__(self) -> None:
        self._gate = threading.Lock()
        self._gate.acquire()
        self.is_open = False

    def open(self) -> None:
        """Let every present and future waiter through; calling it again changes nothing."""
        self.is_open = True
        try:
            self._gate.release()
        except RuntimeError:
            pass  # opened before, or another thread opened it in this instant

    def block(self, timeout_s: float) -> bool:
        """Wait in the operating system; a time-out of -1 means for ever.  Only clocks call this."""
        if math.isnan(timeout_s):
            raise ValueError("Invalid value NaN (not a number)")
        if self.is_open:
            return True
        deadline_s = math.inf if timeout_s == _FOR_EVER else time.monotonic() + timeout_s
        while True:
            left_s = deadline_s - time.monotonic()
            if self._gate.acquire(timeout=max(0.0, min(left_s, _LONGEST_S))):
                self.open()  # passes the gate on to the next waiter
                return True
            if left_s <= _LONGEST_S:
                return self.is_open


class Clock(Protocol):
    """What the producer knows of time.

    Threads: any.
    """

    def monotonic(self) -> float:
        """Seconds from an arbitrary start that never jump; all waits and deadlines are on this scale."""

    def time(self) -> float:
        """Seconds since the epoch; only for the timestamps of records."""

    def wait(self, latch: Latch, deadline_s: float | None) -> bool:
        """Block until `latch` is open (True) or `monotonic()` reaches the deadline (False); None waits for ever."""


class SystemClock:
    """The computer's clocks, looked up at each call so that a test may replace them on the time module."""

    def monotonic(self) -> float:
        return time.monotonic()

    def time(self) -> float:
        return time.time()

    def wait(self, latch: Latch, deadline_s: float | None) -> bool:
        if deadline_s is None:
            return latch.block(_FOR_EVER)
        while not latch.is_open:
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                return latch.is_open
            latch.block(left_s)
        return True
