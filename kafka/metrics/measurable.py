"""What can be measured at a moment.

Imported by: metrics.  Imports: metrics.metric_config.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Callable

from kafka.metrics.metric_config import MetricConfig


class AbstractMeasurable(ABC):
    """Something whose value can be asked for.

    Threads: measure() is called by any thread, with nothing held.
    """

    @abstractmethod
    def measure(self, config: MetricConfig, now: float) -> float:
        """The value at `now`, milliseconds on the scale of time.monotonic()."""


class AnonMeasurable(AbstractMeasurable):
    """A function `f(config, now)` as a measurable.

    Threads: any.
    """

    def __init__(self, measure_fn: Callable[[MetricConfig, float], float]) -> None:
        self._measure_fn = measure_fn

    def measure(self, config: MetricConfig, now: float) -> float:
        return float(self._measure_fn(config, now))
