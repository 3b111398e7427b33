"""Fixtures that every part of the suite may use."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any, Callable

import pytest

import kafka
from kafka import KafkaProducer
from kafka.testing import KafkaBroker


def pytest_report_header() -> str:
    return f"kafka: the {kafka.__impl__} send path (KAFKA_IMPL=python or =compiled chooses), {kafka.__file__}"


@pytest.fixture
def broker() -> Iterator[KafkaBroker]:
    """An embedded broker whose topics have three partitions."""
    with KafkaBroker(default_partitions=3) as running:
        yield running


@pytest.fixture
def make_producer(broker: KafkaBroker) -> Iterator[Callable[..., KafkaProducer]]:
    """Makes producers for the embedded broker, and closes them; no thread may be left."""
    made: list[KafkaProducer] = []
    before = set(threading.enumerate())

    def make(**configs: Any) -> KafkaProducer:
        producer = KafkaProducer(**{"bootstrap_servers": broker.bootstrap_servers, "max_block_ms": 10000, **configs})
        made.append(producer)
        return producer

    yield make
    for producer in made:
        producer.close(timeout=5)
    left = [thread.name for thread in set(threading.enumerate()) - before if thread.name.endswith("-network-thread")]
    assert not left, f"threads left behind: {left}"


@pytest.fixture
def producer(make_producer: Callable[..., KafkaProducer]) -> KafkaProducer:
    """A producer with defaults."""
    return make_producer()
