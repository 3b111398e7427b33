"""Something per unit of time.

Imported by: metrics.stats.  Imports: metrics.measurable_stat, metrics.metric_config, metrics.stats.sampled_stat.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

from kafka.metrics.measurable_stat import AbstractMeasurableStat
from kafka.metrics.metric_config import MetricConfig
from kafka.metrics.stats.sampled_stat import AbstractSampledStat, AbstractSummedStat, Sample


class TimeUnit(IntEnum):
    """The unit of time that a rate is given for."""

    NANOSECONDS = 0
    MICROSECONDS = 1
    MILLISECONDS = 2
    SECONDS = 3
    MINUTES = 4
    HOURS = 5
    DAYS = 6

    @staticmethod
    def get_name(time_unit: int) -> str:
        """A unit's name in the singular, as 'second'."""
        return TimeUnit(time_unit).name.lower()[:-1]


_MS_PER_UNIT = {
    TimeUnit.NANOSECONDS: 1e-6,
    TimeUnit.MICROSECONDS: 1e-3,
    TimeUnit.MILLISECONDS: 1.0,
    TimeUnit.SECONDS: 1000.0,
    TimeUnit.MINUTES: 60_000.0,
    TimeUnit.HOURS: 3_600_000.0,
    TimeUnit.DAYS: 86_400_000.0,
}


class Rate(AbstractMeasurableStat):
    """Divides a sampled stat, by default the sum of values, by the time its samples cover.

    Threads: as for AbstractMeasurableStat.
    """

    def __init__(self, time_unit: int = TimeUnit.SECONDS, sampled_stat: AbstractSampledStat | None = None) -> None:
        self._unit = TimeUnit(time_unit)
        self._stat = sampled_stat if sampled_stat is not None else SampledTotal()

    def unit_name(self) -> str:
        return TimeUnit.get_name(self._unit)

    def record(self, config: MetricConfig, value: float, time_ms: float) -> None:
        self._stat.record(config, value, time_ms)

    def record_all(self, config: MetricConfig, values: Sequence[float], time_ms: float) -> None:
        self._stat.record_all(config, values, time_ms)

    def measure(self, config: MetricConfig, now: float) -> float:
        window = self.convert(self.window_size(config, now))
        return self._stat.measure(config, now) / window if window else 0.0

    def window_size(self, config: MetricConfig, now: float) -> float:
        """Milliseconds since the oldest sample began, and for each full window short of `samples - 1` the length of one.

        Without these the first values, over very little time, would look like a very high rate.
        """
        live = self._stat.live_samples(config, now)
        elapsed_ms = now - live[0].start_ms if live else 0.0
        missing_windows = config.samples - 1 - int(elapsed_ms / config.time_window_ms)
        return elapsed_ms + max(0, missing_windows) * config.time_window_ms

    def convert(self, time_ms: float) -> float:
        """Milliseconds in the rate's unit."""
        return time_ms / _MS_PER_UNIT[self._unit]


class SampledTotal(AbstractSummedStat):
    """Adds up the values of all samples.

    Threads: as for AbstractSampledStat.
    """

    def combine(self, samples: Sequence[Sample], config: MetricConfig, now: float) -> float:
        return float(sum(sample.value for sample in samples))
