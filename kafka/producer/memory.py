"""The bound on bytes that are queued or in flight, and the queue of threads that wait for room.

Imported by: producer.accumulator.  Imports: _clock, _handover, _accel.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from kafka import _accel
from kafka._clock import Latch
from kafka._handover import take_all


class MemoryWaiter:
    """One thread's place in the queue.  Either the I/O thread grants it or the thread gives up: whoever comes first decides.

    Who asks again hears the same: a signal handler may have interrupted it the first time.

    Threads: made, and `is_spent` written, by the one that waits.
    """

    __slots__ = ("_is_granted", "is_spent", "latch", "need_bytes")

    def __init__(self, need_bytes: int) -> None:
        self.need_bytes = need_bytes
        self.latch = Latch()
        self.is_spent = False  # a record has the room that was granted, or it was given back, or there will be none
        self._is_granted: dict[None, bool] = {}  # one at most; filled in a single step

    @property
    def is_decided(self) -> bool:
        return bool(self._is_granted)

    @property
    def held_bytes(self) -> int:
        """Room that was granted and is neither used nor given back."""
        return self.need_bytes if self._is_granted.get(None) and not self.is_spent else 0

    def grant(self) -> bool:
        """The I/O thread: give it its room; False where it has given up."""
        return self._is_granted.setdefault(None, True)

    def give_up(self) -> bool:
        """The one that waits: want no room any more; False where it was granted."""
        return not self._is_granted.setdefault(None, False)


class PythonMemoryCounts:
    """What is in use of `limit_bytes`; the compiled twin is MemoryCounts in _speedups/records.pyx.

    Each counter has one writer, so that none needs a lock that two sides share: `reserved` belongs to the holder of the
    accumulator's append lock, `granted` and `released` to the I/O thread. What is in use is their sum.
    Threads: as named at each method.
    """

    def __init__(self, limit_bytes: int, waiters: deque[MemoryWaiter]) -> None:
        self.limit_bytes = limit_bytes
        self.waiters = waiters
        self._reserved = 0
        self._granted = 0
        self._released = 0

    @property
    def used_bytes(self) -> int:
        """Bytes queued or in flight; a moment's view where other threads are at work."""
        return self._reserved + self._granted - self._released

    @property
    def reserved_bytes(self) -> int:
        """The appenders' own counter."""
        return self._reserved

    def reset_reserved(self, reserved_bytes: int) -> None:
        """Append-lock holder: back to what the counter was, after an append that was not finished."""
        self._reserved = reserved_bytes

    def reserve(self, size_bytes: int) -> bool:
        """Append-lock holder: take room if there is some and nobody waits for it."""
        if self.waiters or self.used_bytes + size_bytes > self.limit_bytes:
            return False
        self._reserved += size_bytes
        return True

    def unreserve(self, size_bytes: int) -> None:
        """Append-lock holder: give back room that was reserved or granted and not used."""
        self._reserved -= size_bytes

    def take(self, size_bytes: int) -> bool:
        """I/O thread: take room at once, ahead of those who wait, or not at all."""
        if self.used_bytes + size_bytes > self.limit_bytes:
            return False
        self._granted += size_bytes
        return True

    def take_beyond_limit(self, size_bytes: int) -> None:
        """I/O thread: count what exists already, whatever the limit."""
        self._granted += size_bytes

    def release(self, size_bytes: int) -> None:
        """I/O thread: room is free again; once per batch."""
        self._released += size_bytes


if TYPE_CHECKING:
    MemoryCounts = PythonMemoryCounts
else:
    MemoryCounts = _accel.pick("records.MemoryCounts", PythonMemoryCounts)


class BufferMemory(MemoryCounts):
    """Counts bytes against a limit; those who wait are served in the order they came.

    Threads: as named at each method.
    """

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(limit_bytes, deque())  # longest waiting first; appended by any thread, taken by the I/O thread

    def join_queue(self, waiter: MemoryWaiter) -> None:
        """Any thread: stand in line for room; the I/O thread must be woken after it."""
        self.waiters.append(waiter)

    def serve_waiters(self) -> None:
        """I/O thread: grant room to the longest waiting for as long as there is enough for them."""
        while self.waiters:
            waiter = self.waiters[0]
            if not waiter.is_decided and self.used_bytes + waiter.need_bytes > self.limit_bytes:
                return
            if waiter.grant():
                self.take_beyond_limit(waiter.need_bytes)
            self.waiters.popleft()  # after its room is counted: where nobody waits, appenders take what is left
            waiter.latch.open()

    def turn_away_waiters(self) -> None:
        """The I/O thread when it ends, or who comes after that: let everyone through without room; they will see that the producer is closed."""
        for waiter in take_all(self.waiters):
            waiter.latch.open()
