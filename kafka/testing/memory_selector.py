"""A selector that lets virtual time pass, and what wakes it.

Imported by: testing.memory.  Imports: testing.{clock,timeline}.
"""

from __future__ import annotations

import math
import selectors
from collections.abc import Mapping
from typing import Any

from kafka.testing.clock import VirtualClock
from kafka.testing.timeline import Timeline

BOTH = selectors.EVENT_READ | selectors.EVENT_WRITE


class MemoryWaker:
    """A flag that a selector sees.

    Threads: one.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._is_awake = False

    def fileno(self) -> int:
        return self._fd

    def wake(self) -> None:
        self._is_awake = True

    def drain(self) -> None:
        self._is_awake = False

    def close(self) -> None:
        self._is_awake = False

    def readiness(self) -> int:
        return selectors.EVENT_READ if self._is_awake else 0


class MemorySelector(selectors.BaseSelector):
    """Sees streams and wakers of one MemoryTransport, and lets time pass when they have nothing.

    Threads: one.
    """

    def __init__(self, clock: VirtualClock, timeline: Timeline) -> None:
        self._clock = clock
        self._timeline = timeline
        self._keys: dict[int, selectors.SelectorKey] = {}

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        if not events or events & ~BOTH:
            raise ValueError(f"Invalid events: {events!r}")
        fd = fileobj.fileno()
        if fd < 0:
            raise ValueError(f"{fileobj!r} is closed")
        if fd in self._keys:
            raise KeyError(f"{fileobj!r} is already registered")
        key = selectors.SelectorKey(fileobj, fd, events, data)
        self._keys[fd] = key
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        for fd, key in self._keys.items():  # a closed stream has no number any more
            if key.fileobj is fileobj:
                return self._keys.pop(fd)
        raise KeyError(f"{fileobj!r} is not registered")

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        self.unregister(fileobj)
        return self.register(fileobj, events, data)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready now; if nothing is, time passes until something is or the time-out is over.

        Within VirtualClock.wait() it returns early instead, and time passes there.
        """
        clock, timeline = self._clock, self._timeline
        end_s = math.inf if timeout is None else clock.monotonic() + max(0.0, timeout)
        while True:
            timeline.run_due(clock.monotonic())
            ready = self._ready()
            if ready:
                return ready
            before_s = clock.monotonic()
            clock.sleep_until(min(end_s, timeline.next_s()))
            if clock.monotonic() == before_s:
                return []

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return {key.fileobj: key for key in self._keys.values()}

    def close(self) -> None:
        self._keys.clear()

    def _ready(self) -> list[tuple[selectors.SelectorKey, int]]:
        found = []
        for key in self._keys.values():
            events = key.fileobj.readiness() & key.events  # type: ignore[union-attr]  # they are all ours
            if events:
                found.append((key, events))
        return found
