"""The average of recorded values.

Imported by: metrics.stats.  Imports: metrics.metric_config, metrics.stats.sampled_stat.
"""

from __future__ import annotations

from collections.abc import Sequence

from kafka.metrics.metric_config import MetricConfig
from kafka.metrics.stats.sampled_stat import AbstractSummedStat, Sample


class Avg(AbstractSummedStat):
    """Averages the values of all samples; 0.0 where there are none.

    Threads: as for AbstractSampledStat.
    """

    def combine(self, samples: Sequence[Sample], config: MetricConfig, now: float) -> float:
        events = sum(sample.events for sample in samples)
        return float(sum(sample.value for sample in samples) / events) if events else 0.0
