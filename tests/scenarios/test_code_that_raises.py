"""Handlers of logs and reporters of metrics run on the I/O thread: what they raise stops nothing."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any, Callable

import pytest

from kafka import KafkaProducer
from kafka.errors import KafkaTimeoutError, MessageSizeTooLargeError
from kafka.metrics.metrics_reporter import AbstractMetricsReporter
from kafka.testing import KafkaBroker

Make = Callable[..., KafkaProducer]


class Raising(logging.Handler):
    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error
        self.messages: list[str] = []

    def handle(self, record: logging.LogRecord) -> bool:
        self.messages.append(record.getMessage())
        raise self.error


@pytest.fixture(params=[ValueError("mine"), SystemExit("mine")], ids=repr)
def handler(request: pytest.FixtureRequest) -> Iterator[Raising]:
    """A handler of everything that the library logs, which raises."""
    added = Raising(request.param)
    logger = logging.getLogger("kafka")
    logger.addHandler(added)
    yield added
    logger.removeHandler(added)


def test_a_log_handler_that_raises_keeps_no_failed_record_from_its_outcome(broker: KafkaBroker, make_producer: Make, handler: Raising) -> None:
    broker.cluster.max_message_bytes = 1000
    producer = make_producer()
    assert producer.send("t", b"v").get(10).offset == 0

    with pytest.raises(MessageSizeTooLargeError):
        producer.send("t", b"v" * 5000).get(10)
    producer.flush(10)

    assert any("were not delivered" in message for message in handler.messages)
    assert producer.send("t", b"v", partition=0).get(10).offset >= 0


def test_a_log_handler_that_raises_keeps_no_record_from_expiring(broker: KafkaBroker, make_producer: Make, handler: Raising) -> None:
    producer = make_producer(request_timeout_ms=300, reconnect_backoff_max_ms=100)  # it is back before the last record expires
    producer.partitions_for("t")
    broker.stop()

    with pytest.raises(KafkaTimeoutError):
        producer.send("t", b"v", partition=0).get(10)

    assert any("trying again" in message for message in handler.messages)
    broker.start()
    for _ in range(20):  # the next attempt to connect may be further away than a record waits
        try:
            assert producer.send("t", b"v", partition=0).get(10).partition == 0
            return
        except KafkaTimeoutError:
            continue
    pytest.fail("the broker came back and nothing was sent")


@pytest.mark.parametrize("error", [ValueError("mine"), SystemExit("mine")], ids=repr)
def test_a_reporter_that_always_raises_stops_neither_sending_nor_closing(make_producer: Make, error: BaseException) -> None:
    told: list[str] = []

    class Raises(AbstractMetricsReporter):
        def init(self, metrics: Any) -> None:
            told.append("init")
            raise error

        def metric_change(self, metric: Any) -> None:
            told.append(metric.metric_name.group)
            raise error

        def metric_removal(self, metric: Any) -> None:
            raise error

        def configure(self, configs: Any) -> None:
            raise error

        def close(self) -> None:
            told.append("close")
            raise error

    producer = make_producer(metric_reporters=[Raises])
    for topic in ("first", "second"):  # each has metrics of its own, which the I/O thread registers
        assert producer.send(topic, b"v").get(10).offset == 0
    producer.close(10)

    assert {"init", "producer-topic-metrics.first", "producer-topic-metrics.second", "close"} <= set(told)
    assert producer.metrics() == {}
