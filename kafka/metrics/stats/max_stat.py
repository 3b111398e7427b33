"""The largest recorded value.

Imported by: metrics.stats.  Imports: metrics.metric_config, metrics.stats.sampled_stat.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from kafka.metrics.metric_config import MetricConfig
from kafka.metrics.stats.sampled_stat import AbstractSampledStat, Sample


class Max(AbstractSampledStat):
    """Finds the largest value of all samples; minus infinity where there are none.

    Threads: as for AbstractSampledStat.
    """

    def __init__(self) -> None:
        super().__init__(-math.inf)

    def update(self, so_far: float, value: float) -> float:
        return max(so_far, value)

    def update_all(self, so_far: float, values: Sequence[float]) -> float:
        return max(so_far, max(values, default=so_far))

    def combine(self, samples: Sequence[Sample], config: MetricConfig, now: float) -> float:
        return float(max((sample.value for sample in samples), default=-math.inf))
