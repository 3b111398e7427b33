"""Values on their way to sensors: noted for the price of an append, handed over many at a time.

Imported by: client.metrics, producer.metrics, producer.assembly.  Imports: metrics.stats.sensor, _log.
"""

from __future__ import annotations

import logging
import math
import threading
import time

from kafka._log import GuardedLogger
from kafka.metrics.stats.sensor import Sensor

log = GuardedLogger(logging.getLogger(__name__))

_MOST_VALUES = 16384
_LONGEST_S = 1.0  # that values wait to be handed over; short beside the windows they are counted in


class Tally:
    """Values of one sensor that it has not been given yet.

    Threads: the I/O thread adds; whoever has the ledger's turn takes.
    """

    __slots__ = ("sensor", "values")

    def __init__(self, sensor: Sensor) -> None:
        self.sensor = sensor
        self.values: list[float] = []


class Ledger:
    """Takes values on a path where recording each would cost more than what is measured; whoever reads a metric sees them all.

    Threads: note() and turn_over() the I/O thread, post() any.
    """

    def __init__(self) -> None:
        self._noted: list[Tally] = []  # those with values
        self._count = 0  # of values since the last hand-over by the I/O thread
        self._post_at_s = math.inf
        self._noted_ms: float | None = None  # when the newest of them were, at the latest
        self._turn = threading.Lock()  # held by who hands over; nobody waits for it
        self._has_complained = False  # that a sensor did not take its values

    def note(self, tally: Tally, value: float) -> None:
        """Remember a value."""
        tally.values.append(value)
        if len(tally.values) == 1:  # else it stands there already, or its values are being taken
            self._noted.append(tally)
        self._count += 1

    def keep(self, sensor: Sensor) -> Tally:
        """Where to note the sensor's values; its metrics, and those of its parents, look in here before they are read."""
        for kept in (sensor, *sensor.parents):
            for metric in kept.metrics:
                metric.refresh = self.post
        return Tally(sensor)

    def turn_over(self, now_s: float) -> None:
        """Hand over what has gathered, if it is much or old."""
        if not self._count:
            return
        self._noted_ms = time.monotonic() * 1000
        if self._count >= _MOST_VALUES or now_s >= self._post_at_s:
            self._count = 0
            self._post_at_s = math.inf
            self.post()
        elif self._post_at_s == math.inf:
            self._post_at_s = now_s + _LONGEST_S

    def _hand_over(self, sensor: Sensor, values: list[float], noted_ms: float | None) -> None:
        """What goes wrong with measuring is told once, and hinders nothing that is measured."""
        try:
            sensor.record_all(values, noted_ms)
        except Exception:
            if not self._has_complained:
                self._has_complained = True
                log.exception("Error while values of the sensor %s were recorded; others like it are not logged", sensor.name)

    def post(self) -> None:
        """Hand everything to its sensors; where another thread does so already, leave it to that."""
        if not self._turn.acquire(blocking=False):
            return
        try:
            noted_ms, self._noted_ms = self._noted_ms, None
            while self._noted:
                tally = self._noted.pop()
                count = len(tally.values)
                values = tally.values[:count]
                del tally.values[:count]
                if tally.values:  # noted meanwhile, when they did not look like the first
                    self._noted.append(tally)
                if values:
                    self._hand_over(tally.sensor, values, noted_ms)
        finally:
            self._turn.release()
