"""A stat that is one metric.

Imported by: metrics.stats.  Imports: metrics.measurable, metrics.stat.
"""

from __future__ import annotations

from kafka.metrics.measurable import AbstractMeasurable
from kafka.metrics.stat import AbstractStat


class AbstractMeasurableStat(AbstractStat, AbstractMeasurable):
    """Takes in values and can be measured.

    Threads: record() runs on one thread at a time, measure() on any at the same time and without a lock.
    """
