"""The smallest recorded value.

Imported by: metrics.stats.  Imports: metrics.metric_config, metrics.stats.sampled_stat.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence

from kafka.metrics.metric_config import MetricConfig
from kafka.metrics.stats.sampled_stat import AbstractSampledStat, Sample


class Min(AbstractSampledStat):
    """Finds the smallest value of all samples; sys.maxsize where there are none.

    Threads: as for AbstractSampledStat.
    """

    def __init__(self) -> None:
        super().__init__(math.inf)

    def update(self, so_far: float, value: float) -> float:
        return min(so_far, value)

    def combine(self, samples: Sequence[Sample], config: MetricConfig, now: float) -> float:
        return float(min((sample.value for sample in samples), default=sys.maxsize))
