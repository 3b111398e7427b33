"""A stat that is several metrics.

Imported by: metrics.stats.  Imports: metrics.measurable, metrics.metric_name, metrics.stat.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

from kafka.metrics.measurable import AbstractMeasurable
from kafka.metrics.metric_name import MetricName
from kafka.metrics.stat import AbstractStat


class NamedMeasurable(NamedTuple):
    """One of the metrics of a compound stat."""

    name: MetricName
    stat: AbstractMeasurable


class AbstractCompoundStat(AbstractStat):
    """Takes in values from which several metrics are made.

    Threads: as for AbstractStat.
    """

    @abstractmethod
    def stats(self) -> Sequence[NamedMeasurable]:
        """The metrics, asked for once, when the stat is added to a sensor."""
