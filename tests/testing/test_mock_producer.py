"""MockProducer: what a real producer does, without a network, and outcomes as the test says."""

from __future__ import annotations

import asyncio
import inspect
import socket
import subprocess
import sys
import threading
from typing import Any, Callable

import pytest

from kafka import KafkaProducer
from kafka.errors import (
    IllegalStateError,
    InvalidArgumentTypeError,
    KafkaConfigurationError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    NotLeaderForPartitionError,
)
from kafka.partitioner import RoundRobinPartitioner
from kafka.partitioner.abc import Partitioner
from kafka.producer.future import FutureRecordMetadata
from kafka.serializer import Serializer
from kafka.structs import TopicPartition
from kafka.testing import KafkaBroker, MockProducer, SentRecord

NOW_MS = 1_700_000_000_000
OLD_VERSIONS = {0: (0, 2), 3: (0, 1), 18: (0, 0)}
"""Of Produce, Metadata and ApiVersions, as Kafka 0.10.0 speaks them."""


# --- it is a KafkaProducer --------------------------------------------------------------------------------------------


def public_methods() -> list[str]:
    return [name for name, member in inspect.getmembers(KafkaProducer, callable) if not name.startswith("_")]


@pytest.mark.parametrize("name", public_methods())
def test_every_method_has_the_signature_of_the_real_one(name: str) -> None:
    assert inspect.signature(getattr(MockProducer, name)) == inspect.signature(getattr(KafkaProducer, name))


class Upper(Serializer):
    def serialize(self, topic: str, headers: Any, value: Any) -> bytes:
        return f"{topic}:{value}".upper().encode()


class ByLength(Partitioner):
    def partition(self, topic: str, key: Any, serialized_key: bytes | None, value: Any, serialized_value: bytes | None, cluster: Any) -> int:
        return len(serialized_value or b"") % len(cluster.partitions_for_topic(topic))


def many_sends(producer: KafkaProducer) -> list[Any]:
    """What futures and errors a producer has for all sorts of calls."""
    calls: list[Callable[[], Any]] = [
        lambda: producer.send("t", b"v", b"k", timestamp_ms=NOW_MS),
        lambda: producer.send("t", b"v", partition=2, timestamp_ms=NOW_MS),
        lambda: producer.send("t", b"v", b"k", [("h", b"1"), ("h", None)], timestamp_ms=NOW_MS),
        lambda: producer.send("t", None, b"k", timestamp_ms=NOW_MS),
        lambda: producer.send("t", bytearray(b"v"), memoryview(b"key"), timestamp_ms=NOW_MS),
        lambda: producer.send("t", b"v", b"k", 1, NOW_MS),
        lambda: producer.send("t", b"x" * 2000, b"k", timestamp_ms=NOW_MS),
        lambda: producer.send("t"),
        lambda: producer.send("", b"v"),
        lambda: producer.send(None, b"v"),  # type: ignore[arg-type]
        lambda: producer.send("t", object()),
        lambda: producer.send("t", b"v", partition=3),
        lambda: producer.send("t", b"v", partition=-1),
        lambda: producer.send("t", b"v", headers=[("h",)]),
        lambda: producer.send("t", b"v", timestamp_ms="now"),  # type: ignore[arg-type]
        lambda: producer.partitions_for("t"),
        lambda: producer.flush("soon"),  # type: ignore[arg-type]
    ]
    seen: list[Any] = []
    for call in calls:
        try:
            outcome = call()
            seen.append(outcome.get(10) if isinstance(outcome, FutureRecordMetadata) else outcome)
        except Exception as error:  # noqa: BLE001 - compared
            seen.append((type(error), str(error)))
    return seen


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(lambda: {}, id="defaults"),
        pytest.param(lambda: {"acks": 0}, id="acks 0"),
        pytest.param(lambda: {"api_version": (0, 9)}, id="message format 0"),
        pytest.param(lambda: {"api_version": (0, 10)}, id="message format 1"),
        pytest.param(lambda: {"value_serializer": Upper(), "key_serializer": repr}, id="serializers"),
        pytest.param(lambda: {"value_serializer": lambda value: value and bytes(value), "partitioner": ByLength()}, id="later partitioner"),
        pytest.param(lambda: {"partitioner": lambda key, every, available: every[-1]}, id="older partitioner"),
        pytest.param(lambda: {"partitioner": RoundRobinPartitioner()}, id="round robin"),
    ],
)
def test_futures_and_errors_are_those_of_a_real_producer(options: Callable[[], dict[str, Any]]) -> None:
    speaks = OLD_VERSIONS if "api_version" in options() else None
    with (
        KafkaBroker(default_partitions=3, api_versions=speaks) as broker,
        KafkaProducer(bootstrap_servers=broker.bootstrap_servers, max_request_size=1000, **options()) as real,
    ):
        expected = many_sends(real)
    with MockProducer(default_partitions=3, max_request_size=1000, **options()) as mock:
        assert many_sends(mock) == expected


@pytest.mark.parametrize("options", [{"acks": 7}, {"no_such_option": 1}, {"compression_type": "zstd", "api_version": (1, 0)}])
def test_options_are_checked_as_a_real_producers(options: dict[str, Any]) -> None:
    with pytest.raises(KafkaConfigurationError) as real:
        KafkaProducer(**options)
    with pytest.raises(KafkaConfigurationError) as mock:
        MockProducer(**options)
    assert str(mock.value) == str(real.value)


def test_nothing_is_connected_resolved_or_started(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a MockProducer touched the world")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    with MockProducer(bootstrap_servers="kafka.example.com:9092") as producer:
        assert producer.bootstrap_connected()
        assert producer.send("t", b"v").get(0).offset == 0
        producer.flush()
    assert not producer.bootstrap_connected()


def test_it_is_told_apart_by_its_repr_and_is_a_kafka_producer() -> None:
    producer = MockProducer(client_id="orders")
    assert isinstance(producer, KafkaProducer)
    assert "MockProducer" in repr(producer)
    assert "orders" in repr(producer)
    assert producer.metrics() is not None


# --- history ----------------------------------------------------------------------------------------------------------


def test_history_has_each_record_as_it_was_sent_and_as_it_was_serialized() -> None:
    producer = MockProducer(value_serializer=lambda value: str(value).encode(), topics={"orders": 4})

    future = producer.send("orders", {"id": 1}, b"k", [("h", b"1")], 3, NOW_MS)

    assert producer.history == [SentRecord("orders", 3, NOW_MS, b"k", {"id": 1}, [("h", b"1")], b"k", b"{'id': 1}", future)]
    assert producer.history[0].future.get().offset == 0


def test_history_has_what_was_taken_and_nothing_else() -> None:
    producer = MockProducer(max_request_size=1000)

    too_large = producer.send("t", b"x" * 2000)
    with pytest.raises(InvalidArgumentTypeError):
        producer.send("t", "text")
    producer.fail_next(NotLeaderForPartitionError)
    failed = producer.send("t", b"fails")
    sent = producer.send("t", b"v")

    assert isinstance(too_large.exception, MessageSizeTooLargeError)
    assert [record.future for record in producer.history] == [failed, sent]


def test_offsets_count_what_was_acknowledged_in_each_partition() -> None:
    producer = MockProducer(topics={"a": 2}, auto_complete=False)
    futures = [producer.send(topic, b"v", partition=partition) for topic, partition in (("a", 0), ("a", 1), ("a", 0), ("b", 0), ("a", 0))]
    producer.complete_next()
    producer.complete_next()
    producer.fail_next(KafkaTimeoutError("lost"))
    producer.flush()

    assert [future.value and future.value.offset for future in futures] == [0, 0, None, 0, 1]


def test_topics_have_the_partitions_that_were_asked_for() -> None:
    producer = MockProducer(topics={"orders": 12}, default_partitions=3)
    assert producer.partitions_for("orders") == set(range(12))
    assert producer.partitions_for("other") == {0, 1, 2}
    for bad in ({"default_partitions": 0}, {"topics": {"t": 0}}):
        with pytest.raises(ValueError, match="at least one partition"):
            MockProducer(**bad)  # type: ignore[arg-type]


# --- outcomes ---------------------------------------------------------------------------------------------------------


def test_without_auto_complete_records_are_pending_until_the_test_says() -> None:
    producer = MockProducer(auto_complete=False)
    first, second, third = (producer.send("t", value) for value in (b"1", b"2", b"3"))
    assert [record.value for record in producer.pending] == [b"1", b"2", b"3"]
    assert not first.is_done
    with pytest.raises(KafkaTimeoutError):
        first.get(0)

    assert producer.complete_next()
    assert producer.fail_next(NotLeaderForPartitionError("moved"))

    assert first.get(0).offset == 0
    with pytest.raises(NotLeaderForPartitionError, match="moved"):
        second.get(0)
    assert not third.is_done
    assert [record.value for record in producer.pending] == [b"3"]
    assert producer.complete_next()
    assert not producer.complete_next()
    assert producer.pending == []


@pytest.mark.parametrize("auto_complete", [True, False])
def test_a_failure_said_before_there_is_a_record_is_the_next_ones(auto_complete: bool) -> None:
    producer = MockProducer(auto_complete=auto_complete)
    assert not producer.fail_next(NotLeaderForPartitionError)
    assert not producer.fail_next(OSError("second"))

    futures = [producer.send("t", b"v") for _ in range(3)]

    assert isinstance(futures[0].exception, NotLeaderForPartitionError)
    assert str(futures[1].exception) == "second"
    producer.flush()
    assert futures[2].get(0).offset == 0


def test_send_raises_what_the_test_says_once_and_takes_nothing() -> None:
    producer = MockProducer()
    producer.raise_next(KafkaTimeoutError("no metadata"))

    with pytest.raises(KafkaTimeoutError, match="no metadata"):
        producer.send("t", b"v")

    assert producer.history == []
    assert producer.send("t", b"v").get(0).offset == 0


@pytest.mark.parametrize("failure", ["text", None, object, 7])
def test_only_an_exception_is_a_failure(failure: Any) -> None:
    producer = MockProducer()
    for say in (producer.fail_next, producer.raise_next):
        with pytest.raises(InvalidArgumentTypeError):
            say(failure)
    assert producer.send("t", b"v").succeeded()


def test_flush_acknowledges_everything() -> None:
    producer = MockProducer(auto_complete=False)
    futures = [producer.send("t", b"v") for _ in range(5)]
    producer.flush()
    assert [future.get(0).offset for future in futures] == list(range(5))


def test_close_acknowledges_everything_and_then_nothing_is_taken() -> None:
    closed = []

    class Closing(Upper):
        def close(self) -> None:
            closed.append(self)

    producer = MockProducer(auto_complete=False, value_serializer=Closing())
    future = producer.send("t", b"v")
    producer.close()
    producer.close()

    assert future.succeeded()
    assert len(closed) == 1
    assert producer.metrics() == {}
    with pytest.raises(IllegalStateError, match="KafkaProducer already closed!"):
        producer.send("t", b"v")


def test_close_without_time_fails_what_is_pending_in_the_real_producers_words() -> None:
    producer = MockProducer(auto_complete=False)
    future = producer.send("t", b"v")
    producer.close(0)
    with pytest.raises(IllegalStateError, match=r"Producer is closed forcefully\."):
        future.get(0)


def test_futures_of_a_mock_can_be_awaited() -> None:
    producer = MockProducer(auto_complete=False)

    async def send() -> Any:
        future = producer.send("t", b"v")
        asyncio.get_running_loop().call_soon(producer.complete_next)
        return await future

    assert asyncio.run(send()).offset == 0


def test_a_thread_that_waits_for_a_record_goes_on_when_another_completes_it() -> None:
    producer = MockProducer(auto_complete=False)
    future = producer.send("t", b"v")
    got: list[Any] = []
    thread = threading.Thread(target=lambda: got.append(future.get(10)))
    thread.start()
    producer.complete_next()
    thread.join(10)
    assert got[0].topic_partition == TopicPartition("t", 0)


# --- callbacks --------------------------------------------------------------------------------------------------------


def test_callbacks_run_when_the_test_completes_their_record() -> None:
    producer = MockProducer(auto_complete=False)
    seen: list[Any] = []
    producer.send("t", b"1").add_callback(lambda metadata: seen.append(metadata.offset)).add_errback(seen.append)
    producer.send("t", b"2").add_callback(seen.append).add_errback(lambda error: seen.append(str(error)))
    assert seen == []

    producer.complete_next()
    producer.fail_next(OSError("lost"))

    assert seen == [0, "lost"]


def test_what_would_hang_in_a_real_producers_callback_is_an_error_here_too() -> None:
    producer = MockProducer(auto_complete=False)
    waiting = producer.send("t", b"1")
    errors: list[Exception] = []

    def callback(_: Any) -> None:
        for call in (producer.flush, producer.send("other", b"2").get):
            try:
                call()
            except IllegalStateError as error:
                errors.append(error)

    waiting.add_callback(callback)
    producer.complete_next()

    assert len(errors) == 2
    assert all("for ever in a callback" in str(error) for error in errors)
    assert [record.topic for record in producer.pending] == ["other"]
    producer.flush()  # here it may


def test_a_callback_may_send_and_close_and_what_it_raises_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    producer = MockProducer(auto_complete=False, default_partitions=2)
    again: list[FutureRecordMetadata] = []

    def callback(_: Any) -> None:
        again.append(producer.send("again", b"v", b"k"))
        again.append(producer.send("again", b"v", partition=7))
        producer.close()
        raise ValueError("of the callback")

    producer.send("t", b"1").add_callback(callback)
    producer.complete_next()

    assert again[0].get(0).topic == "again"
    assert "Unrecognized partition 7" in str(again[1].exception)
    assert "of the callback" in caplog.text


def test_many_threads_may_send_and_complete() -> None:
    producer = MockProducer(auto_complete=False, default_partitions=3)
    started = threading.Barrier(6)

    def send(name: int) -> None:
        started.wait(10)
        for number in range(300):
            producer.send("t", b"%d %d" % (name, number))

    def complete() -> None:
        started.wait(10)
        for _ in range(400):
            producer.complete_next()

    threads = [threading.Thread(target=send, args=(name,)) for name in range(4)] + [threading.Thread(target=complete) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    producer.flush()

    assert len(producer.history) == 1200
    for partition in range(3):
        offsets = sorted(record.future.get(0).offset for record in producer.history if record.partition == partition)
        assert offsets == list(range(len(offsets)))


def test_another_thread_that_is_in_a_callback_is_waited_for_by_flush() -> None:
    producer = MockProducer(auto_complete=False)
    entered, leave = threading.Event(), threading.Event()
    producer.send("t", b"v").add_callback(lambda _: (entered.set(), leave.wait(10)))
    thread = threading.Thread(target=producer.complete_next)
    thread.start()
    assert entered.wait(10)
    with pytest.raises(KafkaTimeoutError):
        producer.flush(0.01)
    leave.set()
    producer.flush(10)
    thread.join(10)


def test_the_broker_is_imported_without_the_producer() -> None:
    code = "import sys, kafka.testing; print([name for name in sys.modules if name.startswith(('kafka.producer', 'kafka.client'))])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
