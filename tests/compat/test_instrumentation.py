"""What tracing and monitoring agents do with the producer: each of their ways in stays open."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any, Callable
from unittest import mock

import pytest

import kafka
from kafka import KafkaProducer
from kafka.cluster import ClusterMetadata
from kafka.record.abc import ABCRecord
from kafka.serializer import Serializer
from kafka.testing import KafkaBroker

Make = Callable[..., KafkaProducer]


def test_send_can_be_wrapped_and_given_headers_by_an_agent(broker: KafkaBroker, producer: KafkaProducer, monkeypatch: pytest.MonkeyPatch) -> None:
    real = KafkaProducer.send

    def traced(self: KafkaProducer, *args: Any, **kwargs: Any) -> Any:
        headers = kwargs.setdefault("headers", [])
        headers.append(("traceparent", b"00-abc"))
        return real(self, *args, **kwargs)

    monkeypatch.setattr(KafkaProducer, "send", traced)
    future = producer.send("t", b"v", b"k")
    assert future.get(10).serialized_header_size == 17
    assert broker.records("t")[0].headers == [("traceparent", b"00-abc")]
    assert future._produce_future.topic_partition[1] == broker.records("t")[0].partition


def test_agents_call_the_producers_inner_methods(producer: KafkaProducer) -> None:
    producer.send("t", b"v").get(10)
    key_bytes = producer._serialize(producer.config["key_serializer"], "t", b"key")
    assert key_bytes == b"key"
    assert producer._metadata.partitions_for_topic("t") == {0, 1, 2}
    assert producer._partition("t", None, b"key", b"v", key_bytes, b"v") in (0, 1, 2)
    assert producer._partition("t", 1, None, None, None, None) == 1
    assert producer._wait_on_metadata("t", 5.0) == {0, 1, 2}
    assert producer._metadata.cluster_id
    assert producer._metadata.controller[1:3] == (producer._metadata.brokers().copy().pop()[1:3])
    assert json.loads(json.dumps(producer.config["bootstrap_servers"])) == producer.config["bootstrap_servers"]


def test_a_send_that_is_called_again_with_keywords_is_the_same(broker: KafkaBroker, producer: KafkaProducer) -> None:
    producer.send("t", value=b"v", key=b"k", headers=None, partition=2, timestamp_ms=1000).get(10)
    assert broker.records("t")[0].partition == 2


def test_metadata_updates_can_be_wrapped(make_producer: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    updates: list[Any] = []
    real = ClusterMetadata.update_metadata
    monkeypatch.setattr(ClusterMetadata, "update_metadata", lambda self, metadata: (updates.append(metadata), real(self, metadata))[1])
    make_producer().send("t", b"v").get(10)
    assert updates


def test_the_consumers_next_can_be_wrapped() -> None:
    assert callable(kafka.KafkaConsumer.__next__)
    assert ABCRecord
    assert kafka.__version__ >= "2.0"
    with pytest.raises(NotImplementedError, match="producer"):
        kafka.KafkaConsumer("t")
    with pytest.raises(NotImplementedError, match="producer"):
        kafka.KafkaAdminClient()


def test_serializers_can_be_replaced_by_wrapping_ones(broker: KafkaBroker, make_producer: Make) -> None:
    class Wrapper:
        """As an agent makes it: passes everything through to the user's."""

        def __init__(self, inner: Any) -> None:
            self.inner = inner

        def __call__(self, value: Any) -> Any:
            return self.inner(value)

    class Own(Serializer):
        def serialize(self, topic: str, value: Any) -> bytes:  # type: ignore[override]
            return b"own:" + value

    make_producer(value_serializer=Wrapper(str.encode)).send("t", "text").get(10)
    make_producer(value_serializer=Own()).send("u", b"v").get(10)
    assert broker.records("t")[0].value == b"text"
    assert broker.records("u")[0].value == b"own:v"


def test_class_attributes_that_agents_read() -> None:
    assert KafkaProducer.DEFAULT_CONFIG["key_serializer"] is None
    assert KafkaProducer.max_usable_produce_magic((0, 11)) == 2
    assert KafkaProducer.max_usable_produce_magic((0, 10, 1)) == 1
    assert KafkaProducer.max_usable_produce_magic((0, 9)) == 0
    assert mock.Mock(spec=KafkaProducer).send("t", b"v")


def test_the_surface_of_health_checks(broker: KafkaBroker, producer: KafkaProducer) -> None:
    assert producer.bootstrap_connected() is True
    assert producer._closed is False
    assert producer.config["api_version"] >= (0, 11)
    assert producer._metadata.request_update().result(10) is producer._metadata
    producer.close()
    assert producer._closed is True
    assert "closed" in repr(producer)


def test_a_subclass_is_a_producer(broker: KafkaBroker) -> None:
    class Mine(KafkaProducer):
        def send(self, topic: str, *args: Any, **kwargs: Any) -> Any:
            return super().send(f"prefix.{topic}", *args, **kwargs)

    with Mine(bootstrap_servers=broker.bootstrap_servers) as producer:
        assert producer.send("t", b"v").get(10).topic == "prefix.t"


@pytest.mark.parametrize("take", [pickle.dumps, copy.copy, copy.deepcopy], ids=["pickled", "copied", "copied deeply"])
def test_what_cannot_be_pickled_or_copied_says_what_to_do_instead(producer: KafkaProducer, take: Callable[[Any], Any]) -> None:
    """Frameworks do it with whatever a task refers to: Ray, Spark, multiprocessing with spawn."""
    with pytest.raises(TypeError, match="Pass its config and create one there"):
        take(producer)
    with pytest.raises(TypeError, match="Pass its config and create one there"):
        take({"tools": [producer]}) if take is not copy.copy else take(producer)


def test_a_config_makes_a_producer_elsewhere(broker: KafkaBroker, producer: KafkaProducer) -> None:
    config = pickle.loads(pickle.dumps({**producer.config, "partitioner": None, "selector": None}))
    config = {name: value for name, value in config.items() if name not in ("partitioner", "selector")}
    with KafkaProducer(**config) as other:
        assert other.send("t", b"v").get(10)
