"""What a sensor hands its values to.

Imported by: metrics.  Imports: metrics.metric_config.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from kafka.metrics.metric_config import MetricConfig


class AbstractStat(ABC):
    """Takes in the values that a sensor records.

    Threads: record() runs on one thread at a time; the sensor sees to that.
    """

    @abstractmethod
    def record(self, config: MetricConfig, value: float, time_ms: float) -> None:
        """Take in a value recorded at `time_ms`, milliseconds on the scale of time.monotonic()."""

    def record_all(self, config: MetricConfig, values: Sequence[float], time_ms: float) -> None:
        """Take in several values recorded at the same time."""
        for value in values:
            self.record(config, value, time_ms)
