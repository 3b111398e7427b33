"""check_size_after_compression: max_request_size is held against what compression makes of a record (KAFKA-4169)."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest

from kafka import KafkaProducer, record
from kafka.codec import Codec, require
from kafka.errors import MessageSizeTooLargeError
from kafka.producer import config as producer_config
from kafka.testing import MockProducer
from tests.scenarios.stage import Stage

LARGE = b"%06d of many records; " * 6_000 % tuple(range(6_000))
NOISE = random.Random(1).randbytes(60_000)
AT_MS = 1_600_000_000_000
CODECS = pytest.mark.parametrize("name", ["gzip", "snappy", "lz4", "zstd"])
EVERY_FORMAT = pytest.mark.parametrize(
    ("name", "magic"), [("gzip", 0), ("gzip", 1), ("gzip", 2), ("snappy", 2), ("lz4", 0), ("lz4", 1), ("lz4", 2), ("zstd", 2)]
)
RELEASES = {0: "0.9.0", 1: "0.10.2", 2: None}


def on_the_wire(value: bytes, codec: Codec | None, magic: int = 2) -> int:
    """Bytes of a batch of this one record."""
    format = record.format_for(magic)
    encoded = [format.encode(0, AT_MS, AT_MS, None, value, ())]
    return sum(map(len, format.assemble(encoded, 1, base_timestamp_ms=AT_MS, max_timestamp_ms=AT_MS, codec=codec)))


def send(producer: KafkaProducer, value: bytes) -> Any:
    return producer.send("t", value, partition=0, timestamp_ms=AT_MS)


def begin(release: str | None = None, **options: Any) -> tuple[Stage, KafkaProducer]:
    stage = Stage(latency_s=0.001, version=release)
    producer = stage.producer(**{"check_size_after_compression": True, **options})
    producer.partitions_for("t")
    return stage, producer


@EVERY_FORMAT
@pytest.mark.parametrize("spare", [-1, 0, 1])
def test_a_record_is_taken_that_fits_as_it_is_compressed_to_the_byte(name: str, magic: int, spare: int) -> None:
    wire_bytes = on_the_wire(LARGE, require(name), magic)
    stage, producer = begin(RELEASES[magic], compression_type=name, max_request_size=wire_bytes + spare)
    assert len(LARGE) > 2 * producer.config["max_request_size"]
    future = send(producer, LARGE)
    if spare >= 0:
        assert future.get(10).offset == 0
        assert [read.value for read in stage.cluster.records("t")] == [LARGE]
    else:
        size_bytes = on_the_wire(LARGE, None, magic)
        words = (
            f"{size_bytes} bytes when serialized and {wire_bytes} bytes when compressed with {name}, which is larger than the maximum request size "
            f"you have configured with the max_request_size configuration ({wire_bytes - 1}, held against what is compressed as "
            "check_size_after_compression"
        )
        with pytest.raises(MessageSizeTooLargeError, match=re.escape(words)) as caught:
            future.get(10)
        error = caught.value
        assert (error.persisted, error.attempts, error.topic_partition) == ("no", 0, ("t", 0))
        assert stage.cluster.records("t") == []
    assert producer.status().buffered_bytes == 0
    producer.close()


@pytest.mark.parametrize("spare", [-1, 0, 1])
def test_a_record_that_nothing_compresses_is_taken_that_fits_as_it_is_to_the_byte(spare: int) -> None:
    size_bytes = on_the_wire(NOISE, None)
    _, producer = begin(compression_type="gzip", max_request_size=size_bytes + spare)
    future = send(producer, NOISE)
    if spare >= 0:
        assert future.get(10).offset == 0
    else:
        with pytest.raises(MessageSizeTooLargeError, match=f"{size_bytes} bytes when serialized and {size_bytes} bytes when compressed"):
            future.get(10)
    producer.close()


@CODECS
def test_without_the_option_a_record_is_refused_as_it_is(name: str) -> None:
    _, producer = begin(compression_type=name, max_request_size=len(LARGE), check_size_after_compression=False)
    future = send(producer, LARGE)
    assert future.is_done  # nothing had to be waited for
    with pytest.raises(MessageSizeTooLargeError, match=r"larger than the maximum request size you have configured with the max_request_size"):
        future.get(0)
    producer.close()


def test_without_compression_the_option_changes_nothing() -> None:
    _, producer = begin(max_request_size=len(LARGE))
    future = send(producer, LARGE)
    assert future.is_done
    with pytest.raises(MessageSizeTooLargeError, match=r"the max_request_size configuration \(144000\)"):
        future.get(0)
    producer.close()


@pytest.mark.parametrize("in_flight", [1, 5])
@pytest.mark.parametrize("linger_ms", [0, 50])
def test_the_others_of_its_partition_are_neither_held_up_nor_reordered(in_flight: int, linger_ms: int) -> None:
    limit = on_the_wire(LARGE, require("gzip"))
    stage, producer = begin(
        compression_type="gzip", max_request_size=limit, max_in_flight_requests_per_connection=in_flight, linger_ms=linger_ms, buffer_memory=500_000
    )
    chance = random.Random(3)
    sent: list[tuple[bytes, Any]] = []
    for number in range(120):
        value = {0: NOISE, 1: LARGE}.get(chance.randrange(6), b"%d" % number)
        sent.append((value, send(producer, value)))
    producer.flush(60)
    good = [value for value, future in sent if future.succeeded()]
    assert [future.succeeded() for _, future in sent] == [value is not NOISE for value, _ in sent]
    assert all(isinstance(future.exception, MessageSizeTooLargeError) for value, future in sent if value is NOISE)
    assert [read.value for read in stage.cluster.records("t")] == good
    assert [future.get(0).offset for _, future in sent if future.succeeded()] == list(range(len(good)))
    assert producer.status().buffered_bytes == 0
    producer.close()


def test_a_record_that_does_not_fit_costs_the_rest_of_its_request_nothing() -> None:
    stage = Stage(latency_s=0.001, default_partitions=3)
    producer = stage.producer(compression_type="gzip", check_size_after_compression=True, max_request_size=20_000, linger_ms=10)
    producer.partitions_for("t")
    futures = [producer.send("t", value, partition=partition) for partition, value in enumerate([b"a", NOISE, b"c"])]
    producer.flush(10)
    assert [future.succeeded() for future in futures] == [True, False, True]
    assert {read.partition: read.value for read in stage.cluster.records("t")} == {0: b"a", 2: b"c"}
    producer.close()


def test_its_room_is_reserved_as_it_is_and_others_wait_for_it() -> None:
    stage, producer = begin(compression_type="gzip", max_request_size=100_000, buffer_memory=150_000, max_block_ms=5000)
    futures = [send(producer, LARGE)]
    assert producer.status().buffered_bytes == on_the_wire(LARGE, None)
    with stage.takes(0.002):  # until the first is acknowledged
        futures.append(send(producer, LARGE))
    assert futures[0].is_done
    assert [future.get(10).offset for future in futures] == [0, 1]
    assert producer.status().buffered_bytes == 0
    producer.close()


def test_a_record_beyond_buffer_memory_is_refused_at_once() -> None:
    _, producer = begin(compression_type="gzip", max_request_size=100_000, buffer_memory=len(LARGE))
    future = send(producer, LARGE)
    assert future.is_done
    with pytest.raises(MessageSizeTooLargeError, match=r"the buffer_memory configuration \(144000\)"):
        future.get(0)
    assert producer.status().buffered_bytes == 0
    producer.close()


def test_a_record_beyond_what_a_batch_can_say_of_its_length_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(producer_config, "_INT32_MAX", 100_000)
    _, producer = begin(compression_type="gzip", max_request_size=50_000)
    with pytest.raises(MessageSizeTooLargeError, match=r"bytes when serialized, and no batch can hold more than 100000"):
        send(producer, LARGE).get(0)
    producer.close()


def test_a_callback_may_send_such_records_too() -> None:
    stage, producer = begin(compression_type="gzip", max_request_size=20_000, buffer_memory=400_000)
    sent: list[Any] = []

    def send_more(_: Any) -> None:
        sent.extend(send(producer, value) for value in (b"small", LARGE, NOISE, b"last"))

    send(producer, b"first").add_callback(send_more).get(10)
    producer.flush(10)
    limit = producer.config["max_request_size"]
    fits = on_the_wire(LARGE, require("gzip")) <= limit
    assert [future.succeeded() for future in sent] == [True, fits, False, True]
    assert [read.value for read in stage.cluster.records("t")] == [b"first", b"small", *([LARGE] if fits else []), b"last"]
    assert producer.status().buffered_bytes == 0
    producer.close()


def test_a_broker_that_finds_it_too_large_all_the_same_fails_it_alone() -> None:
    stage, producer = begin(compression_type="gzip", max_request_size=100_000, retries=3)
    stage.cluster.max_message_bytes = 5000
    futures = [send(producer, value) for value in (b"a", LARGE, b"b")]
    producer.flush(10)
    assert [future.succeeded() for future in futures] == [True, False, True]
    with pytest.raises(MessageSizeTooLargeError, match=r"larger than the broker takes: max.message.bytes of the topic t"):
        futures[1].get(0)
    assert [read.value for read in stage.cluster.records("t")] == [b"a", b"b"]
    producer.close()


def test_a_level_may_make_the_difference() -> None:
    sizes = {level: on_the_wire(LARGE, require("zstd").at_level(level)) for level in (-100, 19)}
    assert sizes[19] < sizes[-100]
    for level, succeeds in ((-100, False), (19, True)):
        _, producer = begin(compression_type="zstd", compression_zstd_level=level, max_request_size=sizes[19])
        future = send(producer, LARGE)
        producer.flush(10)
        assert future.succeeded() is succeeds
        assert succeeds or isinstance(future.exception, MessageSizeTooLargeError)
        producer.close()


@pytest.mark.parametrize("spare", [-1, 0, 1])
def test_a_mock_producer_says_the_same(spare: int) -> None:
    limit = on_the_wire(LARGE, require("gzip")) + spare
    with MockProducer(compression_type="gzip", check_size_after_compression=True, max_request_size=limit) as producer:
        future = send(producer, LARGE)
        assert future.succeeded() is (spare >= 0)
        assert len(producer.history) == (1 if spare >= 0 else 0)
        if spare < 0:
            with pytest.raises(MessageSizeTooLargeError, match="bytes when compressed with gzip"):
                future.get(0)
