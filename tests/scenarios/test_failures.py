"""Brokers that go, come back, or answer no: what fails, what is sent again, and that everything gets an outcome."""

from __future__ import annotations

import logging
import selectors
import threading
from typing import Any, Callable

import pytest
from pytest_mock import MockerFixture

from kafka import KafkaProducer
from kafka.codec.gzip import GzipCodec
from kafka.errors import (
    IllegalStateError,
    KafkaConnectionError,
    KafkaTimeoutError,
    NoBrokersAvailable,
    NotLeaderForPartitionError,
    UnknownError,
)
from kafka.testing import KafkaBroker

Make = Callable[..., KafkaProducer]


def test_a_restarted_broker_gets_everything_in_order_with_one_in_flight(broker: KafkaBroker, make_producer: Make) -> None:
    producer = make_producer(retries=1000, max_in_flight_requests_per_connection=1, retry_backoff_ms=20, batch_size=200)
    producer.send("t", b"first", partition=0).get(10)
    futures = []
    for round_ in range(5):
        futures += [producer.send("t", b"%d" % (round_ * 100 + n), partition=0) for n in range(100)]
        broker.stop()
        futures += [producer.send("t", b"%d" % (1000 + round_ * 100 + n), partition=0) for n in range(100)]
        broker.start()
        producer.send("t", b"between", partition=1).get(10)
    producer.flush(30)
    assert all(future.succeeded() for future in futures)
    expected = [b"%d" % n for round_ in range(5) for base in (0, 1000) for n in range(base + round_ * 100, base + round_ * 100 + 100)]
    stored = [r.value for r in broker.records("t") if r.partition == 0][1:]
    assert list(dict.fromkeys(stored)) == expected
    assert producer._accumulator.memory.used_bytes == 0


def test_a_connection_lost_before_the_first_byte_costs_no_attempt(broker: KafkaBroker, make_producer: Make) -> None:
    producer = make_producer(retries=0)
    producer.send("t", b"v", partition=0).get(10)
    broker.stop()
    while producer.status().brokers[0].state == "ready":
        threading.Event().wait(0.01)
    future = producer.send("t", b"kept", partition=0)
    threading.Event().wait(0.3)  # several attempts to connect are refused meanwhile
    assert not future.is_done
    broker.start()
    assert future.get(10).offset == 1


def test_an_old_leader_fails_the_record_without_retries_and_the_next_finds_the_new_one() -> None:
    with KafkaBroker(brokers=2) as cluster, KafkaProducer(bootstrap_servers=cluster.bootstrap_servers) as producer:
        producer.send("t", b"v").get(10)
        partition = cluster.cluster.topics["t"].partitions[0]
        partition.leader = 3 - partition.leader
        with pytest.raises(NotLeaderForPartitionError):
            producer.send("t", b"lost").get(10)
        for _ in range(1000):
            if producer._metadata.leader_for_partition(("t", 0)) == partition.leader:  # type: ignore[arg-type]
                break
            threading.Event().wait(0.02)
        assert producer.send("t", b"found").get(10).offset == 1


def test_with_retries_an_old_leader_is_only_a_delay() -> None:
    with KafkaBroker(brokers=2) as cluster, KafkaProducer(bootstrap_servers=cluster.bootstrap_servers, retries=5) as producer:
        producer.send("t", b"v").get(10)
        partition = cluster.cluster.topics["t"].partitions[0]
        partition.leader = 3 - partition.leader
        assert producer.send("t", b"moved").get(10).offset == 1


def test_an_answer_that_is_lost_fails_the_record_without_retries(broker: KafkaBroker, make_producer: Make) -> None:
    producer = make_producer(retries=0, linger_ms=0)
    producer.send("t", b"v", partition=0).get(10)
    stop = threading.Timer(0.05, broker.stop)
    stop.start()
    futures = []
    while not (futures and futures[-1].failed()) and len(futures) < 40_000:  # less than buffer_memory holds
        futures.append(producer.send("t", b"v" * 500, partition=0))
        if stop.finished.is_set() and not stop.is_alive():
            break
    stop.join()
    broker.start()
    producer.flush(40)
    kinds = {type(future.exception) for future in futures if future.failed()}
    assert kinds <= {KafkaConnectionError}
    assert producer.send("t", b"after", partition=0).get(10)
    assert producer._accumulator.memory.used_bytes == 0


def test_a_broker_that_is_not_there_is_named_with_the_reason() -> None:
    with KafkaBroker() as gone:
        address = gone.bootstrap_servers
    for style in (NoBrokersAvailable, KafkaTimeoutError, TimeoutError):
        with pytest.raises(style, match=address) as caught:
            KafkaProducer(bootstrap_servers=address, api_version_auto_timeout_ms=200)
        assert "refused" in str(caught.value).lower()


def test_the_constructor_waits_for_a_broker_that_comes_late() -> None:
    late = KafkaBroker()
    late.start()
    address = late.bootstrap_servers
    late.stop()
    starter = threading.Timer(0.3, late.start)
    starter.start()
    try:
        with KafkaProducer(bootstrap_servers=address, api_version_auto_timeout_ms=10_000) as producer:
            assert producer.send("t", b"v").get(10)
    finally:
        starter.join()
        late.stop()


def test_with_an_api_version_the_constructor_contacts_nobody(broker: KafkaBroker) -> None:
    address = broker.bootstrap_servers
    broker.stop()
    with KafkaProducer(bootstrap_servers=address, api_version=(2, 8), max_block_ms=100) as producer:
        assert producer.config["api_version"] == (2, 8)
        with pytest.raises(KafkaTimeoutError, match="no broker has answered"):
            producer.send("t", b"v")
        broker.start()
        for _ in range(100):
            try:
                assert producer.send("t", b"v").get(10).offset == 0
                break
            except KafkaTimeoutError:
                continue
        else:
            pytest.fail("the broker came back and nothing was sent")


class BrokenSelector(selectors.DefaultSelector):
    """A selector that has a bug from some moment on."""

    has_bug = False

    def select(self, timeout: float | None = None) -> list[Any]:
        if self.has_bug:
            raise ZeroDivisionError("a bug")
        return super().select(timeout)


def test_ten_unexpected_errors_in_a_row_fail_everything_and_are_told(
    make_producer: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    producer = make_producer(selector=BrokenSelector)
    producer.send("t", b"v").get(10)
    monkeypatch.setattr(BrokenSelector, "has_bug", True)
    with caplog.at_level(logging.ERROR, "kafka"):
        future = producer.send("t", b"v")
        with pytest.raises(IllegalStateError, match="a bug"):
            future.get(10)
        with pytest.raises(IllegalStateError, match=r"The producer failed.*a bug"):
            producer.send("t", b"v")
    assert 1 <= sum(record.levelno == logging.ERROR for record in caplog.records) <= 3
    producer.close(1)


def test_an_unexpected_error_with_one_batch_fails_that_batch_alone(make_producer: Make, mocker: MockerFixture) -> None:
    producer = make_producer(compression_type="gzip")
    producer.send("t", b"v").get(10)
    compress = mocker.patch.object(GzipCodec, "compress", side_effect=ZeroDivisionError("a bug"))
    with pytest.raises(UnknownError, match="a bug"):
        producer.send("t", b"v").get(10)
    mocker.stop(compress)
    assert producer.send("t", b"v").get(10)
    assert producer._accumulator.memory.used_bytes == 0


@pytest.mark.parametrize("topic", ["t" * 249])
def test_the_longest_name_is_a_topic(producer: KafkaProducer, topic: str) -> None:
    assert producer.send(topic, b"v").get(10).topic == topic


def test_records_of_many_topics_and_partitions_arrive_once(broker: KafkaBroker, make_producer: Make) -> None:
    producer = make_producer(retries=3, linger_ms=5)
    sent: list[tuple[str, Any]] = []
    for number in range(3000):
        topic = f"topic-{number % 37}"
        producer.send(topic, b"%d" % number, key=b"%d" % (number % 11))
        sent.append((topic, b"%d" % number))
    producer.flush(30)
    stored = [(f"topic-{t}", r.value) for t in range(37) for r in broker.records(f"topic-{t}")]
    assert sorted(stored) == sorted(sent)
