"""The sum of everything ever recorded.

Imported by: metrics.stats.  Imports: metrics.measurable_stat, metrics.metric_config.
"""

from __future__ import annotations

from kafka.metrics.measurable_stat import AbstractMeasurableStat
from kafka.metrics.metric_config import MetricConfig


class Total(AbstractMeasurableStat):
    """Adds up all values from the beginning on, without windows.

    Threads: as for AbstractMeasurableStat.
    """

    def __init__(self, value: float = 0.0) -> None:
        self._total = value

    def record(self, config: MetricConfig, value: float, time_ms: float) -> None:
        self._total += value

    def measure(self, config: MetricConfig, now: float) -> float:
        return float(self._total)
