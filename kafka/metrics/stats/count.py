"""How many values were recorded.

Imported by: metrics.stats.  Imports: metrics.metric_config, metrics.stats.sampled_stat.
"""

from __future__ import annotations

from collections.abc import Sequence

from kafka.metrics.metric_config import MetricConfig
from kafka.metrics.stats.sampled_stat import AbstractSampledStat, Sample


class Count(AbstractSampledStat):
    """Counts the values of all samples.

    Threads: as for AbstractSampledStat.
    """

    def __init__(self) -> None:
        super().__init__(0.0)

    def update(self, so_far: float, value: float) -> float:
        return so_far + 1.0

    def update_all(self, so_far: float, values: Sequence[float]) -> float:
        return so_far + len(values)

    def combine(self, samples: Sequence[Sample], config: MetricConfig, now: float) -> float:
        return float(sum(sample.value for sample in samples))
