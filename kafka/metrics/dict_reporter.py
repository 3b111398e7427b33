"""A reporter that gives all values as a dict.

Imported by: metrics, applications.  Imports: metrics.kafka_metric, metrics.metric_name, metrics.metrics_reporter.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kafka.metrics.kafka_metric import KafkaMetric
from kafka.metrics.metric_name import MetricName
from kafka.metrics.metrics_reporter import AbstractMetricsReporter


class DictReporter(AbstractMetricsReporter):
    """Remembers the metrics and gives their values as {category: {name: value}}, a category being `[prefix.]group[.tag=value,...]`.

    Threads: any.
    """

    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix
        self._metrics: dict[MetricName, KafkaMetric] = {}

    def snapshot(self) -> dict[str, dict[str, float]]:
        """The values at this moment."""
        values: dict[str, dict[str, float]] = {}
        for name, metric in self._metrics.copy().items():
            values.setdefault(self.get_category(metric), {})[name.name] = metric.value()
        return values

    def get_category(self, metric: KafkaMetric) -> str:
        """The key that a metric is found under; its tags are sorted by name."""
        name = metric.metric_name
        tags = ",".join(f"{tag}={value}" for tag, value in sorted(name.tags.items()))
        return ".".join(part for part in (self._prefix, name.group, tags) if part)

    def init(self, metrics: list[KafkaMetric]) -> None:
        for metric in metrics:
            self.metric_change(metric)

    def metric_change(self, metric: KafkaMetric) -> None:
        self._metrics[metric.metric_name] = metric

    def metric_removal(self, metric: KafkaMetric) -> None:
        self._metrics.pop(metric.metric_name, None)

    def configure(self, configs: Mapping[str, Any]) -> None:
        """There is nothing to configure."""

    def close(self) -> None:
        """There is nothing to close; snapshot() goes on working."""
