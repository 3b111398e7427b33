"""What a topic holds, read by consumers that others wrote.

confluent-kafka (librdkafka) reads 0.10.2 and newer; kafka-python, in an environment of its own, reads all.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from confluent_kafka import OFFSET_BEGINNING, TIMESTAMP_NOT_AVAILABLE, Consumer, KafkaError, KafkaException, TopicPartition

from tests.broker.kafka_jars import release
from tests.broker.processes import run_to_end
from tests.environments import KAFKA_PYTHON_EXTRAS, environment_with

FIRST_WITH_LIBRDKAFKA = (0, 10, 2)
READ_TIMEOUT_S = 30.0
SCRIPT = Path(__file__).with_name("kafka_python_reader.py")
READER_PACKAGES = ("kafka-python>=2.3,<3", *KAFKA_PYTHON_EXTRAS)


class StoredRecord(NamedTuple):
    """`timestamp_type` is 0 for the producer's time, 1 for the broker's; both are None where the format has none."""

    partition: int
    offset: int
    timestamp: int | None
    timestamp_type: int | None
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]


def read_back(
    bootstrap: str, topic: str, *, count: int, version: str, partitions: int = 1, options: Mapping[str, Any] | None = None
) -> list[StoredRecord]:
    """Read every partition to its end, waiting for `count` records; more than `count` are all returned.

    Sorted by partition and offset.  `options` are librdkafka's, for TLS, SASL or isolation.level.
    Raises TimeoutError when fewer than `count` came.
    """
    if release(version) >= FIRST_WITH_LIBRDKAFKA:
        found = _read_with_librdkafka(bootstrap, topic, partitions, count, dict(options or {}))
    else:
        found = read_with_kafka_python(bootstrap, topic, count=count, version=version, partitions=partitions)
    return sorted(found, key=lambda record: (record.partition, record.offset))


def _read_with_librdkafka(bootstrap: str, topic: str, partitions: int, count: int, options: dict[str, Any]) -> list[StoredRecord]:
    settings = {
        "bootstrap.servers": bootstrap,
        "group.id": "reader",
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        "check.crcs": True,
        "isolation.level": "read_uncommitted",
        "fetch.wait.max.ms": 20,
        "log_level": 0,
        **options,
    }
    consumer = Consumer(settings)
    try:
        consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in range(partitions)])
        return _poll_to_the_ends(consumer, partitions, count)
    finally:
        consumer.close()


def _poll_to_the_ends(consumer: Consumer, partitions: int, count: int) -> list[StoredRecord]:
    found: list[StoredRecord] = []
    ended: set[int] = set()
    deadline_s = time.monotonic() + READ_TIMEOUT_S
    while len(ended) < partitions or len(found) < count:
        if time.monotonic() > deadline_s:
            raise TimeoutError(f"{len(found)} records of {count} in {READ_TIMEOUT_S} s")
        message: Any = consumer.poll(0.2)  # typed differently by different releases of confluent-kafka
        if message is None:
            continue
        error = message.error()
        if error is None:
            found.append(_stored(message))
            ended.discard(found[-1].partition)
        elif error.code() == KafkaError._PARTITION_EOF:
            ended.add(message.partition())
        elif not error.retriable():
            raise KafkaException(error)
    return found


def _stored(message: Any) -> StoredRecord:
    kind, timestamp = message.timestamp()
    has_time = kind != TIMESTAMP_NOT_AVAILABLE
    return StoredRecord(
        partition=message.partition(),
        offset=message.offset(),
        timestamp=timestamp if has_time else None,
        timestamp_type=kind - 1 if has_time else None,
        key=message.key(),
        value=message.value(),
        headers=message.headers() or [],
    )


def read_with_kafka_python(bootstrap: str, topic: str, *, count: int, version: str, partitions: int = 1) -> list[StoredRecord]:
    """The same by kafka-python's KafkaConsumer, of any release."""
    request = {
        "bootstrap": bootstrap,
        "topic": topic,
        "partitions": partitions,
        "count": count,
        "api_version": release(version)[:3] if release(version) < FIRST_WITH_LIBRDKAFKA else None,
        "timeout_s": READ_TIMEOUT_S,
    }
    command = [str(kafka_python()), "-I", "-W", "ignore", str(SCRIPT), json.dumps(request)]
    (printed,) = run_to_end([command], timeout_s=READ_TIMEOUT_S + 15.0)
    return [_from_json(json.loads(line)) for line in printed.splitlines()]


def _from_json(fields: dict[str, Any]) -> StoredRecord:
    headers = [(name, _bytes(value)) for name, value in fields.pop("headers")]
    return StoredRecord(key=_bytes(fields.pop("key")), value=_bytes(fields.pop("value")), headers=headers, **fields)


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)


def kafka_python() -> Path:
    """The interpreter of an environment with kafka-python."""
    return environment_with(*READER_PACKAGES)
