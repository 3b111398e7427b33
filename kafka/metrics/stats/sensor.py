"""Where values are recorded.

Imported by: metrics, client, producer.  Imports: errors, metrics.*
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Protocol

from kafka.errors import InvalidArgumentValueError, QuotaViolationError
from kafka.metrics.compound_stat import AbstractCompoundStat
from kafka.metrics.kafka_metric import KafkaMetric
from kafka.metrics.measurable_stat import AbstractMeasurableStat
from kafka.metrics.metric_config import MetricConfig
from kafka.metrics.metric_name import MetricName
from kafka.metrics.stat import AbstractStat


class Registry(Protocol):
    """What a sensor knows of Metrics."""

    def register_metric(self, metric: KafkaMetric) -> None: ...


class Sensor:
    """Hands each recorded value to its stats and to its parent sensors.

    Threads: any, signal handlers too; nobody ever waits. A value is put into a queue by one atomic append, and whoever then gets the
    turn, without waiting for it, empties the queue: so each stat is changed by one thread at a time. A thread that does not get the
    turn leaves its value to the one that has it, which looks into the queue again after giving the turn back.
    Those who read take no part in this: stats can be measured while they change.
    """

    def __init__(
        self,
        registry: Registry,
        name: str,
        parents: Iterable[Sensor] | None,
        config: MetricConfig,
        inactive_sensor_expiration_time_seconds: float,
    ) -> None:
        self._registry = registry
        self._name = name
        self._parents = tuple(parents or ())
        self._config = config
        self._expires_ms = inactive_sensor_expiration_time_seconds * 1000
        self._last_record_ms = _now_ms()
        self._metrics: list[KafkaMetric] = []
        self._stats: list[tuple[AbstractStat, MetricConfig]] = []
        self._has_quotas = False
        self._pending: deque[tuple[Sequence[float], float]] = deque()
        self._turn = threading.Lock()
        self._check_forest(set())

    def _check_forest(self, seen: set[Sensor]) -> None:
        if self in seen:
            raise InvalidArgumentValueError(f"Sensor {self._name!r} can be reached in two ways: it would record each value twice")
        seen.add(self)
        for parent in self._parents:
            parent._check_forest(seen)

    @property
    def name(self) -> str:
        return self._name

    @property
    def parents(self) -> tuple[Sensor, ...]:
        return self._parents

    @property
    def metrics(self) -> tuple[KafkaMetric, ...]:
        return tuple(self._metrics)

    def add(self, metric_name: MetricName, stat: AbstractMeasurableStat, config: MetricConfig | None = None) -> None:
        """Record into `stat` too, and register it as a metric; InvalidArgumentValueError (a ValueError) if the name is taken."""
        used = config or self._config
        self._register(KafkaMetric(metric_name, stat, used))
        self._stats.append((stat, used))

    def add_compound(self, compound_stat: AbstractCompoundStat, config: MetricConfig | None = None) -> None:
        """Record into a stat that is several metrics, and register these; InvalidArgumentValueError if one's name is taken."""
        used = config or self._config
        for part in compound_stat.stats():
            self._register(KafkaMetric(part.name, part.stat, used))
        self._stats.append((compound_stat, used))

    def _register(self, metric: KafkaMetric) -> None:
        self._registry.register_metric(metric)
        self._metrics.append(metric)
        self._has_quotas = self._has_quotas or metric.config.quota is not None

    def record(self, value: float = 1.0, time_ms: float | None = None) -> None:
        """Record a value now, or at `time_ms` on the scale of time.monotonic().

        Raises QuotaViolationError if a metric is then out of its bounds; the value is recorded all the same.
        """
        self.record_all((value,), time_ms)

    def record_all(self, values: Sequence[float], time_ms: float | None = None) -> None:
        """Record several values at once; the rest as for record()."""
        now_ms = _now_ms() if time_ms is None else time_ms
        self._last_record_ms = now_ms
        self._pending.append((values, now_ms))
        while self._pending and self._turn.acquire(blocking=False):
            try:
                self._empty_queue()
            finally:
                self._turn.release()
        for parent in self._parents:
            parent.record_all(values, now_ms)
        if self._has_quotas:
            self._check_quotas(now_ms)

    def _empty_queue(self) -> None:
        while self._pending:
            values, time_ms = self._pending.popleft()
            for stat, config in self._stats:
                stat.record_all(config, values, time_ms)

    def _check_quotas(self, now_ms: float) -> None:
        for metric in self._metrics:
            quota = metric.config.quota
            if quota is None:
                continue
            value = metric.value(now_ms)
            if not quota.is_acceptable(value):
                side = "above its upper" if quota.is_upper_bound() else "below its lower"
                raise QuotaViolationError(f"{metric.metric_name} is {value}, {side} bound {quota.bound}")

    def has_expired(self) -> bool:
        """Whether nothing was recorded for longer than the sensor may be idle."""
        return _now_ms() - self._last_record_ms > self._expires_ms


def _now_ms() -> float:
    return time.monotonic() * 1000
