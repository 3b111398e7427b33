"""Which percentile a metric is.

Imported by: metrics.stats.  Imports: metrics.metric_name.
"""

from __future__ import annotations

from typing import NamedTuple

from kafka.metrics.metric_name import MetricName


class Percentile(NamedTuple):
    """A metric's name, and the percentile that it shows, from 0 to 100."""

    name: MetricName
    percentile: float
