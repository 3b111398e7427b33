"""How a metric is sampled and bounded.

Imported by: metrics, producer.assembly.  Imports: errors, metrics.quota.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

from kafka.errors import InvalidArgumentValueError
from kafka.metrics.quota import Quota


class MetricConfig:
    """The options of metrics: how many samples, what each covers (`event_window` values or `time_window_ms`), a quota, tags for all names.

    Threads: any; set attributes before metrics are made with it.
    """

    __slots__ = ("_samples", "event_window", "quota", "tags", "time_window_ms")

    def __init__(
        self,
        quota: Quota | None = None,
        samples: int = 2,
        event_window: float = sys.maxsize,
        time_window_ms: float = 30000,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        self.quota = quota
        self.event_window = event_window
        self.time_window_ms = time_window_ms
        self.tags: Mapping[str, str] = {} if tags is None else tags
        self.samples = samples

    @property
    def samples(self) -> int:
        """How many samples are kept; at least 1, or InvalidArgumentValueError."""
        return self._samples

    @samples.setter
    def samples(self, value: int) -> None:
        if value < 1:
            raise InvalidArgumentValueError(f"The number of samples must be at least 1, and not {value!r}")
        self._samples = value
