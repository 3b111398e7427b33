"""send(): what arrives, what the future says, and what is refused at once."""

from __future__ import annotations

import enum
import threading
import time
from typing import Any, Callable

import pytest

from kafka import KafkaProducer
from kafka.errors import (
    IllegalStateError,
    InvalidArgumentTypeError,
    InvalidArgumentValueError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
)
from kafka.structs import TopicPartition
from kafka.testing import KafkaBroker
from tests.scenarios.stage import Stage

Make = Callable[..., KafkaProducer]


def test_a_record_arrives_whole(broker: KafkaBroker, producer: KafkaProducer) -> None:
    headers = [("a", b"1"), ("a", None), ("b", b"")]

    metadata = producer.send("t", b"value", b"key", headers, 2, 1234567890123).get(10)

    [record] = broker.records("t")
    assert (record.partition, record.offset, record.timestamp) == (2, 0, 1234567890123)
    assert (record.key, record.value, record.headers) == (b"key", b"value", headers)
    assert metadata == ("t", 2, TopicPartition("t", 2), 0, 1234567890123, None, 3, 5, 4)


def test_the_timestamp_is_now_unless_given(broker: KafkaBroker, producer: KafkaProducer) -> None:
    before = int(time.time() * 1000)
    metadata = producer.send("t", b"v").get(10)
    assert before <= broker.records("t")[0].timestamp == metadata.timestamp <= int(time.time() * 1000)


def test_both_positional_forms_mean_what_they_meant(broker: KafkaBroker, producer: KafkaProducer) -> None:
    producer.send("t", b"old", None, 1, 1000).get(10)
    producer.send("t", b"old2", None, 2).get(10)
    producer.send("t", b"new", None, [("h", b"x")], 0, 2000).get(10)
    producer.send("t", b"none", b"k", None, 1).get(10)

    seen = {r.value: (r.partition, r.headers) for r in broker.records("t")}
    assert seen == {b"old": (1, []), b"old2": (2, []), b"new": (0, [("h", b"x")]), b"none": (1, [])}
    assert {r.value: r.timestamp for r in broker.records("t")}[b"old"] == 1000


def test_a_fourth_argument_that_counts_as_an_int_is_the_partition(broker: KafkaBroker, producer: KafkaProducer) -> None:
    class Shard(enum.IntEnum):
        LAST = 2

    metadata = producer.send("t", b"v", None, Shard.LAST, 1000).get(10)
    assert (metadata.partition, metadata.timestamp, broker.records("t")[0].partition) == (2, 1000, 2)
    assert producer.send("t", b"v", partition=Shard.LAST).get(10).partition == 2
    with pytest.raises(InvalidArgumentTypeError, match="headers must be list-type, not bool"):
        producer.send("t", b"v", None, True)


def test_bytes_like_data_is_copied_when_it_is_sent(broker: KafkaBroker, make_producer: Make) -> None:
    producer = make_producer(linger_ms=200)
    value, key, headers = bytearray(b"value"), bytearray(b"key"), [("h", b"1")]
    future = producer.send("t", value, memoryview(key), headers)
    value[:] = b"XXXXX"
    key[:] = b"YYY"
    headers.append(("late", b"2"))
    future.get(10)
    [record] = broker.records("t")
    assert (record.value, record.key, record.headers) == (b"value", b"key", [("h", b"1")])


def test_a_null_value_is_a_delete_marker(broker: KafkaBroker, producer: KafkaProducer) -> None:
    metadata = producer.send("t", key=b"k").get(10)
    assert broker.records("t")[0].value is None
    assert metadata.serialized_value_size == -1


@pytest.mark.parametrize("value", [None, "a serializer makes it None"])
def test_a_null_value_is_refused_where_brokers_do_not_know_such(value: Any) -> None:
    with KafkaProducer(bootstrap_servers="127.0.0.1:1", api_version=(0, 8, 0), value_serializer=lambda value: None) as producer:
        for style in (InvalidArgumentValueError, AssertionError, ValueError):
            with pytest.raises(style, match=r"Null messages require kafka >= 0\.8\.1"):
                producer.send("t", value, b"k")


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"value": None}, InvalidArgumentValueError, "Need at least one: key or value"),
        ({"value": "text"}, InvalidArgumentTypeError, "value"),
        ({"value": 5}, InvalidArgumentTypeError, "value"),
        ({"value": b"v", "key": "text"}, InvalidArgumentTypeError, "key"),
        ({"topic": None}, InvalidArgumentTypeError, "All topics must not be None"),
        ({"topic": b"t"}, InvalidArgumentTypeError, "All topics must be strings"),
        ({"topic": ["t"]}, InvalidArgumentTypeError, "All topics must be strings"),
        ({"topic": ""}, InvalidArgumentValueError, "non-empty"),
        ({"topic": "."}, InvalidArgumentValueError, 'cannot be "."'),
        ({"topic": "bad topic!"}, InvalidArgumentValueError, "illegal"),
        ({"topic": "t" * 250}, InvalidArgumentValueError, "249"),
        ({"partition": -1}, InvalidArgumentValueError, "partition must be >= 0"),
        ({"partition": "1"}, InvalidArgumentTypeError, "partition"),
        ({"partition": 99}, InvalidArgumentValueError, "Unrecognized partition 99 for topic t"),
        ({"timestamp_ms": 1.5}, InvalidArgumentTypeError, "timestamp_ms"),
        ({"timestamp_ms": -1}, InvalidArgumentValueError, "timestamp_ms"),
        ({"timestamp_ms": 2**63}, InvalidArgumentValueError, "timestamp_ms"),
        ({"headers": "h"}, InvalidArgumentTypeError, "headers must be list-type"),
        ({"headers": {"a": b"1"}}, InvalidArgumentTypeError, "headers must be list-type"),
        ({"headers": [("a", "text")]}, InvalidArgumentTypeError, "header 'a'"),
        ({"headers": [(b"a", b"1")]}, InvalidArgumentTypeError, "All headers items"),
        ({"headers": ["a"]}, InvalidArgumentTypeError, "All headers items"),
        ({"headers": [("\ud800", b"1")]}, InvalidArgumentValueError, "name of header '\\\\ud800' cannot be encoded"),
    ],
    ids=lambda value: repr(value)[:40] if isinstance(value, dict) else None,
)
def test_bad_arguments_are_refused_by_name(producer: KafkaProducer, arguments: dict[str, Any], error: type[KafkaError], words: str) -> None:
    with pytest.raises(error, match=words.replace("(", r"\(")) as caught:
        producer.send(**{"topic": "t", "value": b"v", **arguments})
    assert isinstance(caught.value, AssertionError)


def test_an_empty_headers_list_means_none(broker: KafkaBroker, producer: KafkaProducer) -> None:
    assert producer.send("t", b"v", headers=[]).get(10).serialized_header_size == -1
    assert broker.records("t")[0].headers == []


def test_a_record_larger_than_a_request_gives_a_failed_future(make_producer: Make) -> None:
    future = make_producer(max_request_size=1000).send("t", b"x" * 1000)
    assert future.is_done
    assert isinstance(future.exception, MessageSizeTooLargeError)
    assert "max_request_size" in str(future.exception)
    with pytest.raises(MessageSizeTooLargeError):
        future.get()


def test_a_record_larger_than_the_buffer_gives_a_failed_future(make_producer: Make) -> None:
    future = make_producer(buffer_memory=1000).send("t", b"x" * 1000)
    assert "buffer_memory" in str(future.exception)


def test_the_largest_record_that_fits_is_sent(broker: KafkaBroker, make_producer: Make) -> None:
    producer = make_producer(max_request_size=2000, buffer_memory=2000)
    largest = max(n for n in range(1800, 2000) if producer._too_large(None, b"x" * n, ()) is None)
    producer.send("t", b"x" * largest).get(10)
    assert producer.send("t", b"x" * (largest + 1)).failed()
    assert [len(r.value or b"") for r in broker.records("t")] == [largest]


@pytest.mark.parametrize("size", [0, 1, 100, 16384, 100_000])
@pytest.mark.parametrize("batch_size", [0, 1, 16384])
def test_every_size_of_record_and_batch(broker: KafkaBroker, make_producer: Make, size: int, batch_size: int) -> None:
    producer = make_producer(batch_size=batch_size)
    futures = [producer.send("t", bytes([n]) * size, key=b"k") for n in range(20)]
    producer.flush(10)
    offsets = [f.get(10).offset for f in futures]
    assert offsets == list(range(20))
    assert [r.value for r in sorted(broker.records("t"), key=lambda r: r.offset)] == [bytes([n]) * size for n in range(20)]


def test_batch_size_0_sends_every_record_alone(broker: KafkaBroker, make_producer: Make) -> None:
    producer = make_producer(batch_size=0, linger_ms=100)
    for _ in range(5):
        producer.send("t", b"v", partition=0)
    producer.flush(10)
    assert len(broker.batches("t")) == 5


def test_linger_lets_records_travel_together_and_flush_ends_it(broker: KafkaBroker, make_producer: Make) -> None:
    producer = make_producer(linger_ms=60_000)
    futures = [producer.send("t", b"v", partition=0) for _ in range(10)]
    producer.flush(10)
    assert all(f.succeeded() for f in futures)
    assert len(broker.batches("t")) == 1


def test_a_full_batch_does_not_linger(broker: KafkaBroker, make_producer: Make) -> None:
    producer = make_producer(linger_ms=60_000, batch_size=1000)
    futures = [producer.send("t", b"x" * 200, partition=0) for _ in range(10)]
    futures[0].get(10)
    assert not futures[-1].is_done


@pytest.mark.parametrize("codec", [None, "gzip", "snappy", "lz4", "zstd"])
def test_every_codec_arrives(broker: KafkaBroker, make_producer: Make, codec: str | None) -> None:
    producer = make_producer(compression_type=codec, linger_ms=50)
    futures = [producer.send("t", b"%05d" % n * 20, key=b"k%d" % n, headers=[("n", b"%d" % n)]) for n in range(500)]
    producer.flush(10)
    assert all(f.succeeded() for f in futures)
    assert {r.value for r in broker.records("t")} == {b"%05d" % n * 20 for n in range(500)}


@pytest.mark.parametrize("acks", [0, 1, "all", -1])
def test_every_kind_of_acknowledgement(broker: KafkaBroker, make_producer: Make, acks: Any) -> None:
    producer = make_producer(acks=acks)
    futures = [producer.send("t", b"v", partition=0) for _ in range(100)]
    offsets = [f.get(10).offset for f in futures]
    assert offsets == ([-1] * 100 if acks == 0 else list(range(100)))
    producer.close(5)
    if acks == 0:
        deadline = time.monotonic() + 10
        while len(broker.records("t")) < 100 and time.monotonic() < deadline:
            threading.Event().wait(0.01)
    assert len(broker.records("t")) == 100


def test_serializers_of_every_form(broker: KafkaBroker, make_producer: Make) -> None:
    class TwoArguments:
        def serialize(self, topic: str, value: str) -> bytes:
            return f"{topic}:{value}".encode()

    class ThreeArguments:
        def serialize(self, topic: str, headers: Any, value: str) -> bytes:
            return f"{topic}:{headers}:{value}".encode()

    producer = make_producer(key_serializer=lambda key: key.encode() if key else None, value_serializer=TwoArguments())
    producer.send("t", "v", "k").get(10)
    make_producer(value_serializer=ThreeArguments()).send("u", "v").get(10)

    assert (broker.records("t")[0].key, broker.records("t")[0].value) == (b"k", b"t:v")
    assert broker.records("u")[0].value == b"u:None:v"


def test_a_serializers_error_reaches_the_caller_as_it_is(make_producer: Make) -> None:
    def fail(value: Any) -> bytes:
        raise KeyError("boom")

    with pytest.raises(KeyError, match="boom"):
        make_producer(value_serializer=fail).send("t", 1)


def test_keys_decide_the_partition_as_in_java(broker: KafkaBroker, producer: KafkaProducer) -> None:
    # murmur2 of these keys modulo 1000 is known; modulo 3 follows from the full hash of the Java client.
    metadata = [producer.send("t", b"v", key=b"same").get(10).partition for _ in range(5)]
    assert len(set(metadata)) == 1


def test_partitioners_of_both_forms_are_called(make_producer: Make) -> None:
    calls: list[Any] = []

    def function(key: Any, all_partitions: list[int], available: list[int]) -> int:
        calls.append((key, all_partitions, available))
        return 2

    class Object:
        def partition(self, topic: str, key: Any, key_bytes: Any, value: Any, value_bytes: Any, cluster: Any) -> int:
            calls.append((topic, key, key_bytes, value, value_bytes, sorted(cluster.partitions_for_topic(topic))))
            return 1

    assert make_producer(partitioner=function).send("t", b"v", b"k").get(10).partition == 2
    assert make_producer(partitioner=Object()).send("t", b"v", b"k").get(10).partition == 1
    assert calls == [(b"k", [0, 1, 2], [0, 1, 2]), ("t", b"k", b"k", b"v", b"v", [0, 1, 2])]


def test_a_partitioner_that_chooses_what_is_not_there_is_named(make_producer: Make) -> None:
    with pytest.raises(InvalidArgumentValueError, match="partitioner chose 7 for topic t"):
        make_producer(partitioner=lambda key, all_partitions, available: 7).send("t", b"v")


def test_an_unknown_topic_times_out_with_the_reason() -> None:
    producer = Stage(latency_s=0.01, auto_create_topics=False).producer(max_block_ms=300)
    with pytest.raises(KafkaTimeoutError, match=r"Failed to update metadata after 0.3 secs.*nosuch.*UnknownTopicOrPartition"):
        producer.send("nosuch", b"v")
    with pytest.raises(KafkaTimeoutError):
        producer.partitions_for("nosuch")


def test_a_partition_that_is_not_there_is_refused_after_a_refresh(make_producer: Make) -> None:
    producer = make_producer()
    assert producer.partitions_for("t") == {0, 1, 2}
    with pytest.raises(InvalidArgumentValueError, match="Unrecognized partition 5"):
        producer.send("t", b"v", partition=5)


def test_a_partition_that_the_topic_has_grown_is_found(broker: KafkaBroker, producer: KafkaProducer) -> None:
    assert producer.partitions_for("t") == {0, 1, 2}
    broker.create_topic("wider", 6)
    broker.cluster.topics["t"].partitions.extend(broker.cluster.topics["wider"].partitions[3:])

    assert producer.send("t", b"v", partition=5).get(10).partition == 5
    assert producer.partitions_for("t") == {0, 1, 2, 3, 4, 5}
    assert {producer.send("t", b"v").get(10).partition for _ in range(200)} == {0, 1, 2, 3, 4, 5}


def test_send_after_close_is_refused_in_every_style(producer: KafkaProducer) -> None:
    producer.close()
    for style in (IllegalStateError, AssertionError, KafkaError):
        with pytest.raises(style, match="KafkaProducer already closed!"):
            producer.send("t", b"v")


def test_many_threads_send_everything_once_and_each_in_its_order(broker: KafkaBroker, make_producer: Make) -> None:
    producer = make_producer(buffer_memory=200_000)
    failed: list[Any] = []

    def send(thread: int) -> None:
        for number in range(500):
            producer.send("t", b"%d %d" % (thread, number), partition=0).add_errback(failed.append)

    threads = [threading.Thread(target=send, args=(n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    producer.flush(30)

    assert not failed
    seen: dict[int, list[int]] = {}
    for record in sorted(broker.records("t"), key=lambda r: r.offset):
        thread, number = map(int, (record.value or b"").split())
        seen.setdefault(thread, []).append(number)
    assert seen == {thread: list(range(500)) for thread in range(16)}
    assert producer._accumulator.memory.used_bytes == 0


def test_a_record_sent_while_the_clock_is_elsewhere_is_delivered_all_the_same(producer: KafkaProducer, monkeypatch: pytest.MonkeyPatch) -> None:
    producer.send("t", b"first").get(10)
    real = time.monotonic
    with monkeypatch.context() as patch:  # as libraries do that freeze time in tests
        patch.setattr(time, "monotonic", lambda: real() + 1_000_000)
        future = producer.send("t", b"v")
    assert future.get(10)
    assert producer.send("t", b"after").get(10)
