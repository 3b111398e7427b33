"""What KafkaProducer sends, as librdkafka reads it: nothing of a record is dropped or changed, whatever it is made of."""

from __future__ import annotations

import itertools
import random
from typing import Any

import confluent_kafka
import pytest

from kafka import KafkaProducer, record
from kafka.codec import require
from kafka.testing import KafkaBroker

KEYS: list[Any] = [None, b"", b"key", bytearray(b"bytearray"), memoryview(b"memoryview"), bytes(range(256))]
VALUES: list[Any] = [None, b"", b"value", bytearray(b"bytearray"), memoryview(b"memoryview"), bytes(range(256)) * 40]
HEADERS: list[Any] = [
    None, [], [("name", b"value")], [("null", None)], [("empty", b"")], [("twice", b"1"), ("twice", b"2")], [("Grüße", "ζ".encode())],
    (("in a tuple", b"v"),), [("b", bytes(range(256)))] * 20,
]  # fmt: skip
TIMESTAMPS: list[Any] = [None, 1_500_000_000_000]


@pytest.mark.parametrize(
    ("codec", "level"),
    [("gzip", 1), ("gzip", 9), ("lz4", 1), ("lz4", 17), ("zstd", -100), ("zstd", 22)],
    ids=str,
)
def test_every_level_of_compression_is_read_and_so_is_what_nothing_compresses(codec: str, level: int) -> None:
    values = [b"%d " % number * 500 for number in range(50)] + [random.Random(number).randbytes(2000) for number in range(10)]
    with KafkaBroker(default_partitions=1) as broker:
        options: dict[str, Any] = {"compression_type": codec, f"compression_{codec}_level": level, "linger_ms": 5, "batch_size": 4000}
        with KafkaProducer(bootstrap_servers=broker.bootstrap_servers, **options) as producer:
            for value in values:
                producer.send("t", value)
        codecs = {view.codec_id for stored in broker.batches("t") for view in record.read(stored)}
        assert codecs == {0, require(codec).id}  # some are compressed, and some are not
        consumer = confluent_kafka.Consumer({"bootstrap.servers": broker.bootstrap_servers, "group.id": "g"})
        consumer.assign([confluent_kafka.TopicPartition("t", 0, 0)])
        read = [message.value() for _ in values for message in consumer.consume(1, 20)]
        consumer.close()
    assert read == values


def test_every_combination_of_fields_is_read_as_it_was_sent() -> None:
    combinations = [c for c in itertools.product(KEYS, VALUES, HEADERS, TIMESTAMPS) if c[0] is not None or c[1] is not None]
    random.Random(1).shuffle(combinations)
    with KafkaBroker(default_partitions=2) as broker:
        with KafkaProducer(bootstrap_servers=broker.bootstrap_servers, linger_ms=5) as producer:
            sent: dict[tuple[int, int], Any] = {}
            futures = [
                (producer.send("t", value, key, headers, partition=number % 2, timestamp_ms=timestamp), (key, value, headers, timestamp))
                for number, (key, value, headers, timestamp) in enumerate(combinations)
            ]
            for future, content in futures:
                metadata = future.get(20)
                sent[metadata.partition, metadata.offset] = content
        consumer = confluent_kafka.Consumer({"bootstrap.servers": broker.bootstrap_servers, "group.id": "g"})
        consumer.assign([confluent_kafka.TopicPartition("t", partition, 0) for partition in range(2)])
        read = 0
        while read < len(sent):
            [message] = consumer.consume(1, 20)
            assert message.error() is None
            key, value, headers, timestamp = sent[message.partition(), message.offset()]
            assert message.key() == (None if key is None else bytes(key))
            assert message.value() == (None if value is None else bytes(value))
            assert message.headers() == (list(headers) if headers else None)
            assert timestamp in (None, message.timestamp()[1])
            read += 1
        consumer.close()
