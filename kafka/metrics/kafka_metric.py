"""A named value that can be asked for.

Imported by: metrics, producer.kafka.  Imports: metrics.measurable, metrics.metric_config, metrics.metric_name.
"""

from __future__ import annotations

import time
from typing import Callable

from kafka.metrics.measurable import AbstractMeasurable
from kafka.metrics.metric_config import MetricConfig
from kafka.metrics.metric_name import MetricName


class KafkaMetric:
    """A metric: its name, where its value comes from, and how that is sampled.

    Threads: any.
    """

    __slots__ = ("_config", "_measurable", "_metric_name", "refresh")

    def __init__(self, metric_name: MetricName, measurable: AbstractMeasurable, config: MetricConfig) -> None:
        self._metric_name = metric_name
        self._measurable = measurable
        self._config = config
        self.refresh: Callable[[], None] | None = None
        """Called before the value is read, by those who hand values over late."""

    @property
    def metric_name(self) -> MetricName:
        return self._metric_name

    @property
    def measurable(self) -> AbstractMeasurable:
        return self._measurable

    @property
    def config(self) -> MetricConfig:
        return self._config

    def value(self, time_ms: float | None = None) -> float:
        """The value now, or at `time_ms`, milliseconds on the scale of time.monotonic()."""
        if self.refresh is not None:
            self.refresh()
        return self._measurable.measure(self._config, time.monotonic() * 1000 if time_ms is None else time_ms)

    def __repr__(self) -> str:
        return f"KafkaMetric({self._metric_name})"
