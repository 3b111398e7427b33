"""How long to wait after failures in a row.

Imported by: client.connection, client.metadata.  Imports: nothing of ours.
"""

from __future__ import annotations

from random import Random

JITTER = 0.2
_MOST_DOUBLINGS = 30  # far beyond any limit; keeps the power from growing without bound


class Backoff:
    """Doubles from `first_s` to `most_s`, each wait 20 % longer or shorter at random, so that clients do not come in step (KIP-580).

    Threads: the I/O thread.
    """

    def __init__(self, *, first_s: float, most_s: float, random: Random) -> None:
        self._first_s = first_s
        self._most_s = max(first_s, most_s)
        self._random = random
        self.failures = 0

    def fail(self) -> float:
        """Count a failure; says how many seconds to wait before the next attempt."""
        self.failures += 1
        return self.delay_s()

    def fail_for_long(self) -> float:
        """Count a failure that another attempt will hardly cure, such as a wrong password: wait the longest time at once."""
        while self._first_s * 2.0 ** min(self.failures, _MOST_DOUBLINGS) < self._most_s and self.failures < _MOST_DOUBLINGS:
            self.failures += 1
        return self.fail()

    def delay_s(self) -> float:
        """Seconds to wait after the failures counted so far."""
        if self.failures == 0:
            return 0.0
        wait_s = min(self._most_s, self._first_s * 2.0 ** min(self.failures - 1, _MOST_DOUBLINGS))
        return wait_s * self._random.uniform(1 - JITTER, 1 + JITTER)

    def reset(self) -> None:
        self.failures = 0
