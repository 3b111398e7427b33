"""What will happen when, in virtual time.

Imported by: testing.memory.  Imports: nothing of ours.
"""

from __future__ import annotations

import heapq
import itertools
import math
from typing import Callable

Action = Callable[[], None]


class Timeline:
    """Actions in the order of their times; those of one time in the order they were planned.

    Threads: one.
    """

    def __init__(self) -> None:
        self._plans: list[tuple[float, int, Action]] = []
        self._numbers = itertools.count()
        self.running_s: float | None = None
        """When the action that runs was due, which may be a while ago; None while none runs."""

    def plan(self, at_s: float, action: Action) -> None:
        heapq.heappush(self._plans, (at_s, next(self._numbers), action))

    def next_s(self) -> float:
        """When the next action is due; inf if there is none."""
        return self._plans[0][0] if self._plans else math.inf

    def run_due(self, now_s: float) -> None:
        """Run all that is due, what these actions plan for now included."""
        while self._plans and self._plans[0][0] <= now_s:
            self.running_s, _, action = heapq.heappop(self._plans)
            try:
                action()
            finally:
                self.running_s = None
