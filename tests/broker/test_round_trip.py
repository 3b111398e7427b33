"""What this producer writes to real Kafka of every release, as clients read it that nobody here wrote."""

from __future__ import annotations

import random
import time
from typing import Any

import pytest

from kafka import KafkaProducer
from kafka.client.negotiation import request_buffers
from kafka.errors import InvalidArgumentValueError, MessageSizeTooLargeError
from tests.broker.java_peer import java_send
from tests.broker.listener_security import certificates_of
from tests.broker.read_back import read_back
from tests.broker.real_kafka import RealKafka

Kafka = "RealKafka | GivenKafka"

CODECS = {None: (0, 8, 0), "gzip": (0, 8, 0), "snappy": (0, 8, 0), "lz4": (0, 8, 2), "zstd": (2, 1)}
API_VERSIONS: dict[tuple[int, ...], list[tuple[int, ...] | None]] = {
    (0, 8, 2, 2): [None, (0, 8, 2)],
    (0, 9, 0, 1): [None, (0, 9)],
    (0, 10, 2, 2): [None, (0, 10, 1)],
    (0, 11, 0, 3): [None, (0, 10), (0, 11)],
    (1, 1, 1): [None, (0, 10), (1, 1, 0)],
    (2, 8, 2): [None, (0, 9), (0, 10, 1), (2, 8)],
    (3, 9, 1): [None, (0, 9), (0, 10), (2, 8)],
    (4, 4, 0): [None, (0, 10, 1), (2, 8), (4, 4, 0)],
}


def producer_for(kafka: Any, **configs: Any) -> KafkaProducer:
    return KafkaProducer(**{"bootstrap_servers": kafka.bootstrap, "api_version_auto_timeout_ms": 10_000, "retries": 5, **configs})


def new_topic(kafka: Any, partitions: int = 1, **arguments: Any) -> str:
    name: str = kafka.create_topic(partitions=partitions, **arguments)
    return name


def codecs_and_formats(release: tuple[int, ...]) -> list[tuple[Any, Any]]:
    """Each codec that a release has, with each api_version that changes what is sent to it."""
    return [
        (codec, api_version)
        for api_version in API_VERSIONS.get(release, [None])
        for codec, first in CODECS.items()
        if first <= min(release, api_version or release)
    ]


@pytest.mark.kafka_cases(["codec", "api_version"], codecs_and_formats)
def test_every_codec_and_message_format_is_read_back_whole(kafka: Any, codec: str | None, api_version: tuple[int, ...] | None) -> None:
    format_release = min(kafka.release, api_version or kafka.release)
    if kafka.release >= (4, 0):
        format_release = kafka.release  # older formats are gone there, whatever api_version allows
    topic = new_topic(kafka, partitions=3)
    with_headers = min(kafka.release, api_version or kafka.release) >= (0, 11)
    sent: list[Any] = []
    with producer_for(kafka, compression_type=codec, api_version=api_version, linger_ms=20) as producer:
        futures = []
        for number in range(60):
            key = None if number % 5 == 0 else b"key-%d" % number
            value = b"" if number == 7 else None if number == 8 else b"%03d" % number * (1 + number * 11)
            headers = [("h", b"%d" % number), ("h", None), ("empty", b"")] if with_headers and number % 2 else []
            timestamp = 1_500_000_000_000 + number
            partition = number % 3
            futures.append(
                (producer.send(topic, value, key or (b"k" if value is None else None), headers, partition, timestamp), key, value, headers, timestamp)
            )
        producer.flush(30)
        for future, key, value, headers, timestamp in futures:
            metadata = future.get(1)
            stored_key = key or (b"k" if value is None else None)
            kept = timestamp if format_release >= (0, 10) else None
            sent.append((metadata.partition, metadata.offset, kept, stored_key, value, headers))
    read = read_back(kafka.bootstrap, topic, count=60, version=kafka.version, partitions=3)
    if format_release >= (0, 10):
        seen = [(r.partition, r.offset, r.timestamp, r.key, r.value, list(r.headers or [])) for r in read]
    else:
        seen = [(r.partition, r.offset, None, r.key, r.value, list(r.headers or [])) for r in read]
    assert sorted(seen, key=lambda r: r[:2]) == sorted(sent, key=lambda r: r[:2])


LEVELS = [(None, None), ("gzip", 1), ("gzip", 9), ("lz4", 1), ("lz4", 17), ("zstd", -131072), ("zstd", 22), ("snappy", None)]


@pytest.mark.kafka_cases(["codec", "level"], lambda release: [case for case in LEVELS if CODECS[case[0]] <= release])
def test_every_level_of_compression_is_read_back_and_so_is_what_nothing_compresses(kafka: Any, codec: str | None, level: int | None) -> None:
    topic = new_topic(kafka)
    values = [b"%d " % number * 500 for number in range(20)] + [random.Random(number).randbytes(3000) for number in range(5)]
    options = {} if level is None else {f"compression_{codec}_level": level}
    with producer_for(kafka, compression_type=codec, linger_ms=5, batch_size=4000, **options) as producer:
        for value in values:
            producer.send(topic, value)
        producer.flush(30, raise_errors=True)
    read = read_back(kafka.bootstrap, topic, count=len(values), version=kafka.version)
    assert [one.value for one in read] == values


def test_a_record_that_is_small_enough_only_once_it_is_compressed_is_stored(kafka: Any) -> None:
    topic = new_topic(kafka)
    large = b"%07d of many records; " * 120_000 % tuple(range(120_000))
    with producer_for(kafka, compression_type="gzip", check_size_after_compression=True) as producer:
        futures = [producer.send(topic, value) for value in (b"before", large, random.Random(1).randbytes(1_100_000), b"after")]
        producer.flush(60)
        assert [future.succeeded() for future in futures] == [True, True, False, True]
        with pytest.raises(MessageSizeTooLargeError, match="bytes when compressed with gzip"):
            futures[2].get(0)
    read = read_back(kafka.bootstrap, topic, count=3, version=kafka.version)
    assert [one.value for one in read] == [b"before", large, b"after"]


def test_keys_land_where_the_java_producer_puts_them(real_kafka: RealKafka) -> None:
    topic, javas = new_topic(real_kafka, partitions=7), new_topic(real_kafka, partitions=7)
    keys = [b"key-%d" % n for n in range(40)]
    placed = java_send(real_kafka, javas, [(key, b"v") for key in keys])
    with producer_for(real_kafka) as producer:
        ours = [producer.send(topic, b"v", key=key) for key in keys]
        assert [future.get(20).partition for future in ours] == [p.partition for p in placed]


@pytest.mark.parametrize("acks", [0, 1, "all"])
def test_every_kind_of_acknowledgement_is_stored(kafka: Any, acks: Any) -> None:
    topic = new_topic(kafka)
    producer = producer_for(kafka, acks=acks)
    futures = [producer.send(topic, b"%d" % n) for n in range(200)]
    offsets = [future.get(20).offset for future in futures]
    producer.close(10)
    assert offsets == ([-1] * 200 if acks == 0 else list(range(200)))
    read = read_back(kafka.bootstrap, topic, count=200, version=kafka.version)
    assert [record.value for record in read] == [b"%d" % n for n in range(200)]


def test_what_was_sent_without_acknowledgement_arrives_although_close_follows_at_once(kafka: Any) -> None:
    topic = new_topic(kafka)
    for number in range(5):
        with producer_for(kafka, acks=0) as producer:
            producer.send(topic, b"%d" % number * 5000)
    assert len(read_back(kafka.bootstrap, topic, count=5, version=kafka.version)) == 5


RECOGNISED: dict[tuple[int, ...], tuple[int, ...]] = {
    (0, 8, 2, 2): (0, 8, 2),
    (0, 9, 0, 1): (0, 9),
    (0, 10, 2, 2): (0, 10, 2),
    (0, 11, 0, 3): (0, 11),
    (1, 1, 1): (1, 1),
    (2, 8, 2): (2, 8),
    (3, 9, 1): (3, 9),
    (4, 4, 0): (4, 4),
}


def test_the_release_is_recognised_without_a_time_out(real_kafka: RealKafka) -> None:
    began = time.monotonic()
    producer = producer_for(real_kafka)
    took = time.monotonic() - began
    found = producer.config["api_version"]
    producer.close(5)
    assert found == RECOGNISED[real_kafka.release]
    assert took < 2


NEWEST_SHARED: dict[tuple[int, ...], dict[str, int]] = {
    (0, 8): {"Produce": 0, "Metadata": 0},
    (0, 9): {"Produce": 1, "Metadata": 0},
    (0, 10): {"Produce": 2, "Metadata": 2},
    (0, 11): {"Produce": 3, "Metadata": 4},
    (1, 1): {"Produce": 5, "Metadata": 5},
    (2, 8): {"Produce": 9, "Metadata": 11},
    (3, 9): {"Produce": 11, "Metadata": 12},
    (4, 4): {"Produce": 12, "Metadata": 13},
}


def test_versions_are_never_guessed_upwards(real_kafka: RealKafka, monkeypatch: pytest.MonkeyPatch) -> None:
    topic = new_topic(real_kafka)
    used: dict[str, set[int]] = {}

    def note(request: Any, version: int, *rest: Any) -> Any:
        used.setdefault({0: "Produce", 3: "Metadata"}[request.API_KEY], set()).add(version)
        return request_buffers(request, version, *rest)

    monkeypatch.setattr("kafka.client.connection.request_buffers", note)
    with producer_for(real_kafka) as producer:
        producer.send(topic, b"v").get(20)
    assert used == {name: {version} for name, version in NEWEST_SHARED[real_kafka.release[:2]].items()}


def test_a_record_too_large_for_the_topic_fails_alone(kafka: Any) -> None:
    topic = new_topic(kafka, config={"max.message.bytes": "50000"})
    with producer_for(kafka, batch_size=0) as producer:
        before, large, after = (producer.send(topic, b"x" * size) for size in (100, 90_000, 100))
        assert isinstance(large.exception or _wait(large), MessageSizeTooLargeError)
        assert (before.get(20).offset, after.get(20).offset) == (0, 1)
        assert producer.send(topic, b"later").get(20).offset == 2


def _wait(future: Any) -> BaseException | None:
    try:
        future.get(20)
    except MessageSizeTooLargeError:
        pass
    error: BaseException | None = future.exception
    return error


def test_a_topic_is_created_by_the_first_record_and_get_returns_soon(kafka: Any) -> None:
    with producer_for(kafka) as producer:
        topic = f"made-by-sending-{time.time_ns()}"
        assert producer.send(topic, b"v").get(timeout=20).offset == 0


def test_headers_need_a_release_that_has_them(kafka: Any) -> None:
    with producer_for(kafka) as producer:
        topic = new_topic(kafka)
        if kafka.release >= (0, 11):
            producer.send(topic, b"v", headers=[("a", b"1")]).get(20)
        else:
            with pytest.raises(InvalidArgumentValueError, match="Headers not supported"):
                producer.send(topic, b"v", headers=[("a", b"1")])


@pytest.mark.kafka_since("0.10.2.2")
def test_a_topic_with_the_brokers_timestamps_tells_them(kafka: Any) -> None:
    topic = new_topic(kafka, config={"message.timestamp.type": "LogAppendTime"})
    before = int(time.time() * 1000)
    with producer_for(kafka) as producer:
        metadata = producer.send(topic, b"v", timestamp_ms=1000).get(20)
    assert metadata.timestamp is not None
    assert before - 5000 <= metadata.timestamp <= int(time.time() * 1000) + 5000
    [record] = read_back(kafka.bootstrap, topic, count=1, version=kafka.version)
    assert record.timestamp == metadata.timestamp


@pytest.mark.kafka_since("0.9.0.1")
def test_tls_carries_large_batches(real_kafka: RealKafka) -> None:
    topic = new_topic(real_kafka)
    options: dict[str, Any] = {"security_protocol": "SSL", "ssl_cafile": certificates_of(real_kafka).ca_file}
    with producer_for(real_kafka, bootstrap_servers=real_kafka.bootstrap_for("SSL"), **options) as producer:
        futures = [producer.send(topic, bytes([n]) * 200_000) for n in range(20)]
        assert [future.get(30).offset for future in futures] == list(range(20))
    read = read_back(real_kafka.bootstrap, topic, count=20, version=real_kafka.version)
    assert [record.value for record in read] == [bytes([n]) * 200_000 for n in range(20)]


@pytest.mark.kafka_since("0.10.2.2")
@pytest.mark.parametrize("protocol", ["SASL_PLAINTEXT", "SASL_SSL"])
def test_sasl_plain_with_and_without_tls(real_kafka: RealKafka, protocol: str) -> None:
    topic = new_topic(real_kafka)
    options: dict[str, Any] = {
        "security_protocol": protocol,
        "sasl_mechanism": "PLAIN",
        "sasl_plain_username": "alice",
        "sasl_plain_password": real_kafka.users["alice"],
    }
    if protocol == "SASL_SSL":
        options["ssl_cafile"] = certificates_of(real_kafka).ca_file
    with producer_for(real_kafka, bootstrap_servers=real_kafka.bootstrap_for(protocol), **options) as producer:
        assert producer.send(topic, b"v").get(20).offset == 0
