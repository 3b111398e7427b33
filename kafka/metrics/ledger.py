"""Values on their way to sensors: noted for the price of an append, handed over many at a time.

Imported by: client.metrics, producer.metrics, producer.assembly.  Imports: metrics.stats.sensor.
"""

from __future__ import annotations

import math
import time
from collections import deque

from kafka.metrics.stats.sensor import Sensor

_MOST_ROWS = 512
_LONGEST_S = 1.0  # that values wait to be handed over; short beside the windows they are counted in


class Ledger:
    """Takes values on a path where recording each would cost more than what is measured; whoever reads a metric sees them all.

    Threads: note() and turn_over() the I/O thread, post() any.
    """

    def __init__(self) -> None:
        self._rows: deque[tuple[Sensor, float]] = deque()
        self._post_at_s = math.inf
        self._noted_ms: float | None = None  # when the newest of them were, at the latest

    def note(self, sensor: Sensor, value: float) -> None:
        """Remember a value of this sensor."""
        self._rows.append((sensor, value))

    def keep(self, sensor: Sensor) -> Sensor:
        """Have the sensor's metrics, and those of its parents, look in here before they are read; gives it back."""
        for kept in (sensor, *sensor.parents):
            for metric in kept.metrics:
                metric.refresh = self.post
        return sensor

    def turn_over(self, now_s: float) -> None:
        """Hand over what has gathered, if it is much or old."""
        if self._rows:
            self._noted_ms = time.monotonic() * 1000
        if len(self._rows) >= _MOST_ROWS or now_s >= self._post_at_s:
            self.post()
        elif self._rows and self._post_at_s == math.inf:
            self._post_at_s = now_s + _LONGEST_S

    def post(self) -> None:
        """Hand everything to its sensors."""
        self._post_at_s = math.inf
        noted_ms, self._noted_ms = self._noted_ms, None
        values: dict[Sensor, list[float]] = {}
        while self._rows:
            try:
                sensor, value = self._rows.popleft()
            except IndexError:
                break  # another thread took the last one
            found = values.get(sensor)
            if found is None:
                values[sensor] = [value]
            else:
                found.append(value)
        for sensor, recorded in values.items():
            sensor.record_all(recorded, noted_ms)
