"""producer.metrics(): the names that dashboards have, and numbers that mean what they say."""

from __future__ import annotations

import random
import threading
from typing import Any, Callable

import pytest

from kafka import KafkaProducer, record
from kafka.metrics.metrics_reporter import AbstractMetricsReporter
from kafka.metrics.stats import Sensor
from kafka.testing import KafkaBroker, faults
from tests.scenarios.stage import Stage

Make = Callable[..., KafkaProducer]

SENDER = {
    "batch-size-avg", "batch-size-max", "compression-rate-avg", "record-queue-time-avg", "record-queue-time-max", "record-send-rate",
    "records-per-request-avg", "byte-rate", "record-retry-rate", "record-error-rate", "record-size-max", "record-size-avg",
    "requests-in-flight", "metadata-age", "produce-throttle-time-avg", "produce-throttle-time-max", "bufferpool-wait-ratio",
}  # fmt: skip
CLIENT = {
    "connection-close-rate", "connection-creation-rate", "connection-count", "select-rate", "io-wait-time-ns-avg", "io-wait-ratio",
    "io-time-ns-avg", "io-ratio", "network-io-rate",
}  # fmt: skip
NODE = {
    "outgoing-byte-rate", "request-rate", "request-size-avg", "request-size-max", "incoming-byte-rate", "response-rate",
    "request-latency-avg", "request-latency-max", "throttle-time-avg", "throttle-time-max",
}  # fmt: skip
TOPIC = {"record-send-rate", "byte-rate", "compression-rate", "record-retry-rate", "record-error-rate"}


def test_every_name_is_there(producer: KafkaProducer) -> None:
    producer.send("t", b"v").get(10)
    metrics = producer.metrics()
    assert set(metrics["producer-metrics"]) == SENDER | CLIENT | NODE
    assert set(metrics["producer-topic-metrics.t"]) == TOPIC
    assert set(metrics["producer-node-metrics.node-1"]) == NODE == set(metrics["producer-node-metrics.node-bootstrap-0"])
    assert metrics["kafka-metrics-count"]["count"] == len(producer.metrics(raw=True))


def test_numbers_follow_what_was_sent() -> None:
    producer = Stage(latency_s=0.001).producer(linger_ms=50, compression_type="gzip")
    producer.partitions_for("t")
    futures = [producer.send("t", b"x" * 100, partition=0) for _ in range(100)]
    futures[-1].get(10)
    metrics = producer.metrics()["producer-metrics"]
    assert metrics["records-per-request-avg"] == 100
    assert metrics["record-size-max"] in (109, 110)
    assert 0 < metrics["compression-rate-avg"] < 0.2
    assert metrics["batch-size-avg"] < 2000
    assert 40 < metrics["record-queue-time-avg"] < 5000
    assert metrics["record-error-rate"] == 0
    assert metrics["request-latency-avg"] > 0
    assert metrics["requests-in-flight"] == 0


@pytest.mark.parametrize("api_version", [None, (0, 10), (0, 9)])
def test_the_compression_rate_of_what_is_sent_as_it_is_is_one(broker: KafkaBroker, make_producer: Make, api_version: Any) -> None:
    producer = make_producer(compression_type="gzip", api_version=api_version)
    value = random.Random(1).randbytes(5000)
    producer.send("t", value, partition=0).get(10)
    [stored] = broker.batches("t")
    assert [(view.codec_id, [one.value for one in view.records]) for view in record.read(stored)] == [(0, [value])]
    assert producer.metrics()["producer-metrics"]["compression-rate-avg"] == 1
    assert producer.metrics()["producer-topic-metrics.t"]["compression-rate"] == 1


def test_the_compression_rate_of_a_batch_that_changed_its_format_is_that_of_the_format_it_is_sent_in() -> None:
    stage = Stage(version="0.10.2")
    producer = stage.producer(api_version=(2, 0), max_block_ms=1000)  # begins with format 2
    producer.send("t", b"x" * 10, partition=0).get(10)
    assert producer._accumulator.format.magic == 1
    assert producer.metrics()["producer-metrics"]["compression-rate-avg"] == 1


def test_errors_and_waiting_for_room_are_counted(broker: KafkaBroker, make_producer: Make) -> None:
    producer = make_producer(buffer_memory=2000)
    with broker.faults.add(faults.DelayReply(0.05), api="Produce"):
        for _ in range(20):
            producer.send("t", b"x" * 900)
        producer.flush(10)
    assert producer.metrics()["producer-metrics"]["bufferpool-wait-ratio"] > 0
    broker.cluster.max_message_bytes = 10
    producer.send("made-with-the-limit", b"x" * 900)
    producer.flush(10)
    assert producer.metrics()["producer-metrics"]["record-error-rate"] > 0


def test_reporters_are_told_of_every_metric_and_closed(make_producer: Make) -> None:
    calls: list[Any] = []

    class Reporter(AbstractMetricsReporter):
        def init(self, metrics: Any) -> None:
            calls.append(("init", metrics))

        def metric_change(self, metric: Any) -> None:
            calls.append(("change", metric.metric_name.name))

        def metric_removal(self, metric: Any) -> None:
            calls.append(("removal", metric.metric_name.name))

        def configure(self, configs: Any) -> None:
            calls.append(("configure", configs))

        def close(self) -> None:
            calls.append(("close", None))

    producer = make_producer(metric_reporters=[Reporter])
    producer.send("t", b"v").get(10)
    names = {metric.name for metric in producer.metrics(raw=True)}
    producer.close()
    assert {name for call, name in calls if call == "change"} >= names
    assert ("close", None) in calls
    assert producer.metrics() == {}


def test_off_means_none(make_producer: Make) -> None:
    producer = make_producer(metrics_enabled=False)
    producer.send("t", b"v").get(10)
    assert producer.metrics() is None


def test_a_batch_costs_the_same_measurements_however_many_records_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    values: list[int] = []
    usual = Sensor.record_all

    def count(sensor: Sensor, given: Any, time_ms: float | None = None) -> None:
        if sensor.name.startswith(("batch-size", "record-size", "records-per", "topic.")):
            values.append(len(given))
        usual(sensor, given, time_ms)

    monkeypatch.setattr(Sensor, "record_all", count)
    measured = []
    for records in (1, 1000):
        stage = Stage()
        producer = stage.producer(linger_ms=100, batch_size=1_000_000)
        producer.partitions_for("t")
        producer.metrics()
        values.clear()
        for _ in range(records):
            producer.send("t", b"v", partition=0)
        producer.flush()
        producer.metrics()
        measured.append(sum(values))
        producer.close()
    assert measured[0] == measured[1] > 0


def test_reading_from_many_threads_while_sending(producer: KafkaProducer) -> None:
    errors: list[BaseException] = []
    stop = threading.Event()

    def read() -> None:
        try:
            while not stop.wait(0.0005):  # or the one that sends hardly has its turn
                producer.metrics()
        except BaseException as error:  # noqa: BLE001 - asserted below
            errors.append(error)

    threads = [threading.Thread(target=read) for _ in range(10)]
    for thread in threads:
        thread.start()
    for number in range(2000):
        producer.send(f"t{number % 20}", b"v")
    producer.flush(20)
    stop.set()
    for thread in threads:
        thread.join()
    assert not errors


@pytest.mark.parametrize("tag", ["client-id"])
def test_every_metric_names_its_client(make_producer: Make, tag: str) -> None:
    producer = make_producer(client_id="me")
    producer.send("t", b"v").get(10)
    assert {name.tags.get(tag) for name in producer.metrics(raw=True) if name.group != "kafka-metrics-count"} == {"me"}


def test_reporters_are_closed_where_another_cannot_be_made(make_producer: Make) -> None:
    closed = []

    class Kept(AbstractMetricsReporter):
        def init(self, metrics: Any) -> None: ...

        def metric_change(self, metric: Any) -> None: ...

        def metric_removal(self, metric: Any) -> None: ...

        def configure(self, configs: Any) -> None: ...

        def close(self) -> None:
            closed.append(self)

    class Unmade(Kept):
        def __init__(self) -> None:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        make_producer(metric_reporters=[Kept, Kept, Unmade])
    assert len(closed) == 2
