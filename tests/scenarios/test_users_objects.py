"""Serializers and partitioners are the user's: when they are closed, and what their errors do."""

from __future__ import annotations

from typing import Any, Callable

import pytest

from kafka import KafkaProducer
from kafka.partitioner import DefaultPartitioner
from kafka.serializer import Serializer

Make = Callable[..., KafkaProducer]


class Closing:
    """Notes each close() in a list, and raises what it was told to."""

    def __init__(self, closed: list[Any], error: Exception | None = None) -> None:
        self.closed = closed
        self.error = error

    def close(self) -> None:
        self.closed.append(self)
        if self.error is not None:
            raise self.error


class ClosingSerializer(Closing, Serializer):
    def serialize(self, topic: str, *arguments: Any) -> Any:
        return arguments[-1]


class ClosingPartitioner(Closing, DefaultPartitioner):
    """Chooses as the default does."""


def test_close_closes_serializers_and_partitioner_once(make_producer: Make) -> None:
    closed: list[Any] = []
    key, value, partitioner = ClosingSerializer(closed), ClosingSerializer(closed), ClosingPartitioner(closed)
    producer = make_producer(key_serializer=key, value_serializer=value, partitioner=partitioner)
    producer.send("t", b"v").get(10)
    assert closed == []
    producer.close()
    producer.close()
    assert closed == [key, value, partitioner]


def test_one_object_in_two_places_is_closed_once(make_producer: Make) -> None:
    closed: list[Any] = []
    both = ClosingSerializer(closed)
    make_producer(key_serializer=both, value_serializer=both).close()
    assert closed == [both]


def test_an_error_of_one_close_is_raised_when_all_are_closed(make_producer: Make) -> None:
    closed: list[Any] = []
    key, partitioner = ClosingSerializer(closed, KeyError("key")), ClosingPartitioner(closed, KeyError("partitioner"))
    producer = make_producer(key_serializer=key, partitioner=partitioner)
    with pytest.raises(KeyError, match="key"):
        producer.close()
    assert closed == [key, partitioner]
    assert producer._sender.terminated.is_open
