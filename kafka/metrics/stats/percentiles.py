"""Several percentiles of the same values.

Imported by: metrics.stats.  Imports: errors, metrics.compound_stat, metrics.measurable, metrics.metric_config, metrics.stats.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

from kafka.errors import InvalidArgumentValueError
from kafka.metrics.compound_stat import AbstractCompoundStat, NamedMeasurable
from kafka.metrics.measurable import AnonMeasurable
from kafka.metrics.metric_config import MetricConfig
from kafka.metrics.stats.histogram import BinScheme, ConstantBinScheme, Histogram, LinearBinScheme, quantile_of
from kafka.metrics.stats.percentile import Percentile
from kafka.metrics.stats.sampled_stat import AbstractSampledStat, Sample

_BYTES_PER_BIN = 4


class BucketSizing(IntEnum):
    """Whether all bins are of one width, or wider for larger values."""

    CONSTANT = 0
    LINEAR = 1


class Percentiles(AbstractSampledStat, AbstractCompoundStat):
    """Estimates percentiles with one bin for every four of `size_in_bytes`.

    Threads: as for AbstractSampledStat.
    """

    def __init__(
        self,
        size_in_bytes: int,
        bucketing: int,
        max_val: float,
        min_val: float = 0.0,
        percentiles: Sequence[Percentile] | None = None,
    ) -> None:
        super().__init__(0.0)
        self._percentiles = tuple(percentiles or ())
        bins = size_in_bytes // _BYTES_PER_BIN
        self._bin_scheme: BinScheme
        if bucketing == BucketSizing.CONSTANT:
            self._bin_scheme = ConstantBinScheme(bins, min_val, max_val)
        elif bucketing == BucketSizing.LINEAR and min_val == 0.0:
            self._bin_scheme = LinearBinScheme(bins, max_val)
        else:
            raise InvalidArgumentValueError(f"Bucketing {bucketing!r} from {min_val} on is neither CONSTANT nor LINEAR from 0 on")

    def stats(self) -> list[NamedMeasurable]:
        return [NamedMeasurable(percentile.name, self._measurable(percentile.percentile / 100)) for percentile in self._percentiles]

    def value(self, config: MetricConfig, now: float, quantile: float) -> float:
        """The value below which this share of all values lies; NaN where there are none."""
        return self._quantile(self.live_samples(config, now), quantile)

    def combine(self, samples: Sequence[Sample], config: MetricConfig, now: float) -> float:
        return self._quantile(samples, 0.5)

    def first_value(self) -> Histogram:
        return Histogram(self._bin_scheme)

    def update(self, so_far: Histogram, value: float) -> Histogram:
        so_far.record(value)
        return so_far

    def _quantile(self, samples: Sequence[Sample], quantile: float) -> float:
        return quantile_of([sample.value.counts for sample in samples], self._bin_scheme, quantile)

    def _measurable(self, quantile: float) -> AnonMeasurable:
        return AnonMeasurable(lambda config, now: self.value(config, now, quantile))
