"""The registry of sensors and metrics.

Imported by: client, producer, applications.  Imports: errors, _log, the other modules of this package.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterable
from typing import Any, Callable

from kafka._log import GuardedLogger
from kafka.errors import InvalidArgumentValueError
from kafka.metrics.kafka_metric import KafkaMetric
from kafka.metrics.measurable import AbstractMeasurable, AnonMeasurable
from kafka.metrics.metric_config import MetricConfig
from kafka.metrics.metric_name import MetricName
from kafka.metrics.metrics_reporter import AbstractMetricsReporter
from kafka.metrics.stats.sensor import Sensor

log = GuardedLogger(logging.getLogger("kafka.metrics"))

_EXPIRATION_INTERVAL_S = 30.0


class Metrics:
    """All sensors and metrics of one producer, and the reporters that are told of them.

    Threads: any. There is no lock: each change is one atomic operation on a dict or list, and readers copy. Reporters are called
    after a change, in the thread that made it; what they raise is logged and goes no further.
    """

    def __init__(
        self,
        default_config: MetricConfig | None = None,
        reporters: Iterable[AbstractMetricsReporter] | None = None,
        enable_expiration: bool = False,
    ) -> None:
        """`enable_expiration` starts a daemon thread that removes sensors which nothing was recorded on for their time, until close()."""
        self._config = default_config or MetricConfig()
        self._sensors: dict[str, Sensor] = {}
        self._metrics: dict[MetricName, KafkaMetric] = {}
        self._children_sensors: dict[Sensor, list[Sensor]] = {}
        self._reporters = list(reporters or [])
        self._closed = threading.Event()
        self._tell_reporters("init", [])
        total = AnonMeasurable(lambda config, now: len(self._metrics))
        self.add_metric(self.metric_name("count", "kafka-metrics-count", "total number of registered metrics"), total)
        if enable_expiration:
            threading.Thread(target=self._expire_until_closed, name="kafka-metrics-expiration", daemon=True).start()

    @property
    def config(self) -> MetricConfig:
        return self._config

    @property
    def metrics(self) -> dict[MetricName, KafkaMetric]:
        """A copy of all metrics by name; empty after close()."""
        return self._metrics.copy()

    def metric_name(self, name: str, group: str, description: str = "", tags: dict[str, Any] | None = None) -> MetricName:
        """A name that has the tags of the default config too."""
        return MetricName(name, group, description, {**self._config.tags, **(tags or {})})

    # --- sensors ------------------------------------------------------------------------------------------------

    def get_sensor(self, name: str) -> Sensor | None:
        return self._sensors.get(name)

    def sensor(
        self,
        name: str,
        config: MetricConfig | None = None,
        inactive_sensor_expiration_time_seconds: float = sys.maxsize,
        parents: Iterable[Sensor] | None = None,
    ) -> Sensor:
        """The sensor of this name, made if there is none; what it records, its parents record too."""
        existing = self._sensors.get(name)
        if existing is not None:
            return existing
        made = Sensor(self, name, parents, config or self._config, inactive_sensor_expiration_time_seconds)
        sensor = self._sensors.setdefault(name, made)
        if sensor is made:
            for parent in made.parents:
                self._children_sensors.setdefault(parent, []).append(made)
        return sensor

    def remove_sensor(self, name: str) -> None:
        """Remove a sensor, its metrics, and its children with theirs."""
        sensor = self._sensors.pop(name, None)
        if sensor is None:
            return
        for metric in sensor.metrics:
            self.remove_metric(metric.metric_name)
        for parent in sensor.parents:
            siblings = self._children_sensors.get(parent, [])
            if sensor in siblings:
                siblings.remove(sensor)
        for child in tuple(self._children_sensors.pop(sensor, ())):
            self.remove_sensor(child.name)

    # --- metrics ------------------------------------------------------------------------------------------------

    def add_metric(self, metric_name: MetricName, measurable: AbstractMeasurable, config: MetricConfig | None = None) -> None:
        """Register a metric that belongs to no sensor; InvalidArgumentValueError (a ValueError) if the name is taken."""
        self.register_metric(KafkaMetric(metric_name, measurable, config or self._config))

    def register_metric(self, metric: KafkaMetric) -> None:
        """As add_metric(); after close() nothing is registered any more."""
        if self._closed.is_set():
            return
        if self._metrics.setdefault(metric.metric_name, metric) is not metric:
            raise InvalidArgumentValueError(f"There is a metric of this name already: {metric.metric_name}")
        self._tell_reporters("metric_change", metric)

    def remove_metric(self, metric_name: MetricName) -> KafkaMetric | None:
        """Remove a metric and return it; None if there is none of this name."""
        metric = self._metrics.pop(metric_name, None)
        if metric is not None:
            self._tell_reporters("metric_removal", metric)
        return metric

    # --- reporters ----------------------------------------------------------------------------------------------

    def add_reporter(self, reporter: AbstractMetricsReporter) -> None:
        """Tell a reporter of all metrics that exist, and from now on of every change."""
        self._reporters.append(reporter)
        _tell(reporter, "init", list(self.metrics.values()))

    def close(self) -> None:
        """Close the reporters and forget all metrics and sensors; calling it again changes nothing."""
        if self._closed.is_set():
            return
        self._closed.set()
        self._tell_reporters("close")
        self._metrics.clear()
        self._sensors.clear()
        self._children_sensors.clear()

    def _tell_reporters(self, what: str, *arguments: Any) -> None:
        for reporter in tuple(self._reporters):
            _tell(reporter, what, *arguments)

    # --- expiration ---------------------------------------------------------------------------------------------

    def _expire_until_closed(self) -> None:
        while not self._closed.wait(_EXPIRATION_INTERVAL_S):
            self.ExpireSensorTask.run(self)

    class ExpireSensorTask:
        """Removes sensors that nothing was recorded on for their time.

        Threads: any.
        """

        @staticmethod
        def run(metrics: Metrics) -> None:
            for name, sensor in metrics._sensors.copy().items():
                if sensor.has_expired():
                    metrics.remove_sensor(name)


def _tell(reporter: AbstractMetricsReporter, what: str, *arguments: Any) -> None:
    try:
        method: Callable[..., None] = getattr(reporter, what)
        method(*arguments)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt) and threading.current_thread() is threading.main_thread():
            raise  # Ctrl-C comes there and nowhere else
        log.exception("Error in %s.%s() of a metrics reporter", type(reporter).__name__, what)
