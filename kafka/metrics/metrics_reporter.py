"""What a user's class implements to be told of metrics.

Imported by: metrics, applications.  Imports: metrics.kafka_metric.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from kafka.metrics.kafka_metric import KafkaMetric


class AbstractMetricsReporter(ABC):
    """Is told which metrics there are; it asks them for their values when it likes.

    Threads: called by whichever thread makes or removes a metric, often the I/O thread, with nothing held: it should be quick.
    What it raises, SystemExit included, is logged and changes nothing.
    """

    @abstractmethod
    def init(self, metrics: list[KafkaMetric]) -> None:
        """The metrics that exist when the reporter is added; one made in this moment may come through metric_change() as well."""

    @abstractmethod
    def metric_change(self, metric: KafkaMetric) -> None:
        """A metric was added."""

    @abstractmethod
    def metric_removal(self, metric: KafkaMetric) -> None:
        """A metric was removed."""

    @abstractmethod
    def configure(self, configs: Mapping[str, Any]) -> None:
        """Part of the interface since its beginning; never called."""

    @abstractmethod
    def close(self) -> None:
        """No more calls will come."""
