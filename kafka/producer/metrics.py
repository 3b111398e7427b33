"""The producer's own metrics: names, and where their numbers come from.  Per batch and per request, never per record.

Imported by: producer.sender, producer.kafka.  Imports: metrics, producer.batch.
"""

from __future__ import annotations

from typing import Any, Callable

from kafka.metrics import AnonMeasurable, Metrics
from kafka.metrics.ledger import Ledger, Tally
from kafka.metrics.stats import Avg, Max, Rate
from kafka.metrics.stats.rate import TimeUnit
from kafka.producer.batch import ProducerBatch

GROUP = "producer-metrics"


class SenderMetrics:
    """What is recorded when metrics are off: nothing.

    Threads: the I/O thread.
    """

    def request_sent(self, batches: list[ProducerBatch], now_s: float) -> None:
        """A request with these batches is given to a connection."""

    def record_retries(self, batch: ProducerBatch) -> None:
        """A batch will be sent again."""

    def record_errors(self, batch: ProducerBatch) -> None:
        """A batch has failed."""

    def throttled(self, throttle_time_ms: int) -> None:
        """A Produce answer said how long the broker's quotas held it back."""

    def waited_for_room(self, waited_s: float) -> None:
        """A thread waited in send() for buffer memory."""

    def metadata_changed(self, now_s: float) -> None:
        """An answer with metadata came."""

    def forget(self, topic: str) -> None:
        """Nothing was sent to the topic for long: what is measured of it goes."""


class RegisteredSenderMetrics(SenderMetrics):
    """The names of kafka-python's producer-metrics and producer-topic-metrics groups.

    Threads: the I/O thread records; metrics() reads from any.
    """

    def __init__(self, metrics: Metrics, ledger: Ledger, *, requests_in_flight: Callable[[], int], monotonic: Callable[[], float]) -> None:
        self._metrics = metrics
        self._ledger = ledger
        self._metadata_s = monotonic()
        self._batch_size = self._sensor("batch-size", ("batch-size-avg", Avg()), ("batch-size-max", Max()), ("byte-rate", Rate()))
        self._compression = self._sensor("compression-rate", ("compression-rate-avg", Avg()))
        self._queue_time = self._sensor("queue-time", ("record-queue-time-avg", Avg()), ("record-queue-time-max", Max()))
        self._records = self._sensor("records-per-request", ("record-send-rate", Rate()), ("records-per-request-avg", Avg()))
        self._retries = self._sensor("record-retries", ("record-retry-rate", Rate()))
        self._errors = self._sensor("errors", ("record-error-rate", Rate()))
        self._record_size = self._sensor("record-size-max", ("record-size-max", Max()), ("record-size-avg", Avg()))
        self._throttle = self._sensor("produce-throttle-time", ("produce-throttle-time-avg", Avg()), ("produce-throttle-time-max", Max()))
        self._waits = self._sensor("bufferpool-wait-time", ("bufferpool-wait-ratio", Rate(TimeUnit.SECONDS)))
        in_flight = AnonMeasurable(lambda config, now: requests_in_flight())
        age = AnonMeasurable(lambda config, now: monotonic() - self._metadata_s)
        metrics.add_metric(self._name("requests-in-flight", "Requests that wait for an answer"), in_flight)
        metrics.add_metric(self._name("metadata-age", "Seconds since metadata was last answered"), age)
        self._topics: dict[str, _TopicSensors] = {}

    def request_sent(self, batches: list[ProducerBatch], now_s: float) -> None:
        records = 0
        topic = ""
        sensors = None
        for batch in batches:
            if sensors is None or batch.partition.topic is not topic:
                sensors = self._topic(batch)
                topic = batch.partition.topic
            in_records = batch.records.size_bytes  # in the format that it is sent in, which need not be that of batch.size_bytes
            ratio = batch.wire_bytes / in_records
            records += batch.record_count
            self._ledger.note(self._batch_size, batch.wire_bytes)
            self._ledger.note(self._compression, ratio)
            self._ledger.note(self._queue_time, (now_s - batch.created_s) * 1000)
            self._ledger.note(self._record_size, batch.records.largest_bytes)
            self._ledger.note(sensors.records, batch.record_count)
            self._ledger.note(sensors.bytes, batch.wire_bytes)
            self._ledger.note(sensors.compression, ratio)
        self._ledger.note(self._records, records)

    def record_retries(self, batch: ProducerBatch) -> None:
        self._ledger.note(self._retries, batch.record_count)
        self._ledger.note(self._topic(batch).retries, batch.record_count)

    def record_errors(self, batch: ProducerBatch) -> None:
        self._ledger.note(self._errors, batch.record_count)
        self._ledger.note(self._topic(batch).errors, batch.record_count)

    def throttled(self, throttle_time_ms: int) -> None:
        self._ledger.note(self._throttle, throttle_time_ms)

    def waited_for_room(self, waited_s: float) -> None:
        self._ledger.note(self._waits, waited_s)

    def metadata_changed(self, now_s: float) -> None:
        self._metadata_s = now_s

    def forget(self, topic: str) -> None:
        sensors = self._topics.pop(topic, None)
        if sensors is not None:
            for tally in (sensors.records, sensors.bytes, sensors.compression, sensors.retries, sensors.errors):
                self._metrics.remove_sensor(tally.sensor.name)

    def _topic(self, batch: ProducerBatch) -> _TopicSensors:
        topic = batch.topic_partition.topic
        sensors = self._topics.get(topic)
        if sensors is None:
            sensors = self._topics[topic] = _TopicSensors(self._metrics, self._ledger, topic)
        return sensors

    def _name(self, name: str, description: str) -> Any:
        return self._metrics.metric_name(name, GROUP, description)

    def _sensor(self, sensor: str, *stats: tuple[str, Any]) -> Tally:
        made = self._metrics.sensor(sensor)
        for name, stat in stats:
            made.add(self._name(name, _DESCRIPTIONS[name]), stat)
        return self._ledger.keep(made)


class _TopicSensors:
    """The rates of one topic."""

    __slots__ = ("bytes", "compression", "errors", "records", "retries")

    def __init__(self, metrics: Metrics, ledger: Ledger, topic: str) -> None:
        def sensor(kind: str, name: str, stat: Any) -> Tally:
            made = metrics.sensor(f"topic.{topic}.{kind}")
            made.add(metrics.metric_name(name, f"producer-topic-metrics.{topic}", _DESCRIPTIONS[name]), stat)
            return ledger.keep(made)

        self.records = sensor("records-per-batch", "record-send-rate", Rate())
        self.bytes = sensor("bytes", "byte-rate", Rate())
        self.compression = sensor("compression-rate", "compression-rate", Avg())
        self.retries = sensor("record-retries", "record-retry-rate", Rate())
        self.errors = sensor("record-errors", "record-error-rate", Rate())


_DESCRIPTIONS = {
    "batch-size-avg": "Average bytes of a batch as sent",
    "batch-size-max": "Most bytes of a batch as sent",
    "byte-rate": "Bytes of batches sent per second",
    "compression-rate": "Bytes sent by bytes before compression; less is better",
    "compression-rate-avg": "Bytes sent by bytes before compression; less is better",
    "record-queue-time-avg": "Average milliseconds a batch waited in the producer",
    "record-queue-time-max": "Most milliseconds a batch waited in the producer",
    "record-send-rate": "Records sent per second",
    "records-per-request-avg": "Average records of a request",
    "record-retry-rate": "Records sent again per second",
    "record-error-rate": "Records that failed per second",
    "record-size-max": "Most bytes of an encoded record",
    "record-size-avg": "Average over batches of their largest record's bytes",
    "produce-throttle-time-avg": "Average milliseconds that quotas held a Produce request back",
    "produce-throttle-time-max": "Most milliseconds that quotas held a Produce request back",
    "bufferpool-wait-ratio": "Share of time that threads waited for buffer memory",
}
