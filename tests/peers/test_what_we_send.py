"""What KafkaProducer sends, as librdkafka reads it: nothing of a record is dropped or changed, whatever it is made of."""

from __future__ import annotations

import itertools
import random
from typing import Any

import confluent_kafka

from kafka import KafkaProducer
from kafka.testing import KafkaBroker

KEYS: list[Any] = [None, b"", b"key", bytearray(b"bytearray"), memoryview(b"memoryview"), bytes(range(256))]
VALUES: list[Any] = [None, b"", b"value", bytearray(b"bytearray"), memoryview(b"memoryview"), bytes(range(256)) * 40]
HEADERS: list[Any] = [
    None, [], [("name", b"value")], [("null", None)], [("empty", b"")], [("twice", b"1"), ("twice", b"2")], [("Grüße", "ζ".encode())],
    (("in a tuple", b"v"),), [("b", bytes(range(256)))] * 20,
]  # fmt: skip
TIMESTAMPS: list[Any] = [None, 1_500_000_000_000]


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
