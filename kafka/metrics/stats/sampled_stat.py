"""Stats over the last few windows of time or of values.

Imported by: metrics.stats.  Imports: metrics.measurable_stat, metrics.metric_config.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, NamedTuple

from kafka.metrics.measurable_stat import AbstractMeasurableStat
from kafka.metrics.metric_config import MetricConfig


class Sample(NamedTuple):
    """What came in during one window."""

    start_ms: float
    events: int
    value: Any


class AbstractSampledStat(AbstractMeasurableStat):
    """Keeps the newest `config.samples` samples; a window ends after `time_window_ms` or `event_window` values.

    Threads: record() runs on one thread at a time. It replaces the tuple of samples whole, so that measure() may run on any thread
    without a lock and always sees whole samples; measuring changes nothing.
    """

    def __init__(self, initial_value: float) -> None:
        self._initial_value = initial_value
        self._samples: tuple[Sample, ...] = ()

    @abstractmethod
    def update(self, so_far: Any, value: float) -> Any:
        """What a sample's value becomes with one more recorded value."""

    @abstractmethod
    def combine(self, samples: Sequence[Sample], config: MetricConfig, now: float) -> float:
        """The stat's value from the samples that are not too old, the oldest first; there may be none."""

    def first_value(self) -> Any:
        """What a sample's value is before anything was recorded."""
        return self._initial_value

    def record(self, config: MetricConfig, value: float, time_ms: float) -> None:
        samples = self._samples
        if samples:
            start_ms, events, so_far = samples[-1]
            if events < config.event_window and time_ms - start_ms < config.time_window_ms:
                self._samples = (*samples[:-1], Sample(start_ms, events + 1, self.update(so_far, value)))
                return
        kept = samples[-(config.samples - 1) :] if config.samples > 1 else ()
        self._samples = (*kept, Sample(time_ms, 1, self.update(self.first_value(), value)))

    def record_all(self, config: MetricConfig, values: Sequence[float], time_ms: float) -> None:
        samples, count = self._samples, len(values)
        is_open = samples and samples[-1].events < config.event_window and time_ms - samples[-1].start_ms < config.time_window_ms
        begun = samples[-1] if is_open else Sample(time_ms, 0, self.first_value())
        if not count or begun.events + count > config.event_window or config.time_window_ms <= 0:
            super().record_all(config, values, time_ms)  # more than one sample
            return
        kept = samples[:-1] if is_open else samples[-(config.samples - 1) :] if config.samples > 1 else ()
        self._samples = (*kept, Sample(begun.start_ms, begun.events + count, self.update_all(begun.value, values)))

    def update_all(self, so_far: Any, values: Sequence[float]) -> Any:
        """What a sample's value becomes with these recorded values."""
        for value in values:
            so_far = self.update(so_far, value)
        return so_far

    def measure(self, config: MetricConfig, now: float) -> float:
        return self.combine(self.live_samples(config, now), config, now)

    def live_samples(self, config: MetricConfig, now: float) -> tuple[Sample, ...]:
        """The samples that began less than all windows together ago, the oldest first."""
        age_ms = config.samples * config.time_window_ms
        return tuple(sample for sample in self._samples if now - sample.start_ms < age_ms)


class AbstractSummedStat(AbstractSampledStat):
    """The value of a sample is the sum of what was recorded.

    Threads: as for AbstractSampledStat.
    """

    def __init__(self) -> None:
        super().__init__(0.0)

    def update(self, so_far: float, value: float) -> float:
        return so_far + value

    def update_all(self, so_far: float, values: Sequence[float]) -> float:
        return so_far + sum(values)
