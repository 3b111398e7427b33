"""What brokers of single releases, and stopped, closing or lost ones, really do, and a producer's answer to it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Callable

import pytest

from kafka import KafkaProducer
from kafka.errors import NotLeaderForPartitionError
from tests.broker import topics
from tests.broker.conftest import StartCluster
from tests.broker.processes import wait_until
from tests.broker.read_back import read_back
from tests.broker.real_kafka import RealKafka, new_topic_name

AFTER_HEALING_S = 4.0


@pytest.fixture
def make_producer() -> Iterator[Callable[..., KafkaProducer]]:
    made: list[KafkaProducer] = []

    def make(kafka: RealKafka, **configs: Any) -> KafkaProducer:
        made.append(KafkaProducer(**{"bootstrap_servers": kafka.bootstrap, "api_version_auto_timeout_ms": 10_000, **configs}))
        return made[-1]

    yield make
    for producer in made:
        producer.close(1)


Make = Callable[..., KafkaProducer]


def is_connected(producer: KafkaProducer) -> bool:
    count: float = producer.metrics()["producer-metrics"]["connection-count"]
    return count > 0


def test_a_broker_of_0_8_2_without_topics_names_no_brokers_and_is_asked_again(cluster_of: StartCluster, make_producer: Make) -> None:
    kafka = cluster_of("0.8.2.2")
    assert kafka.metadata().broker_ids == frozenset()
    began_s = time.monotonic()
    producer = make_producer(kafka)
    assert producer.config["api_version"] == (0, 8, 2)
    assert producer.bootstrap_connected()
    told = make_producer(kafka, api_version=(0, 8, 2))
    assert producer.send("made-by-sending", b"first").get(10).offset == 0
    assert told.send("made-by-sending", b"second").get(10).offset == 1
    assert time.monotonic() - began_s < 5


def test_a_stopped_leader_is_replaced_through_another_node_and_what_it_holds_is_delivered_when_it_is_back(
    three_brokers: RealKafka, make_producer: Make
) -> None:
    topic = three_brokers.create_topic(partitions=3, replication=3)
    patient = make_producer(three_brokers, retries=10**6)  # its requests wait for the stopped broker
    hasty = make_producer(three_brokers, retries=10**6, request_timeout_ms=1000, delivery_timeout_ms=60_000)
    for producer in (patient, hasty):
        for partition in range(3):
            producer.send(topic, b"before", partition=partition).get(20)
    stopped = three_brokers.leader(topic, 0)
    three_brokers.pause(stopped)
    try:
        futures = [producer.send(topic, b"%d" % number, partition=number % 3) for number in range(300) for producer in (patient, hasty)]
        assert wait_until(lambda: three_brokers.leader(topic, 0) not in (stopped, -1), timeout_s=30)
        began_s = time.monotonic()
        hasty.flush(20)
        assert time.monotonic() - began_s < AFTER_HEALING_S
    finally:
        three_brokers.resume(stopped)
    began_s = time.monotonic()
    patient.flush(20)
    assert time.monotonic() - began_s < AFTER_HEALING_S
    assert all(future.succeeded() for future in futures)
    three_brokers.wait_until_answering()


def test_with_acks_all_a_record_is_acknowledged_when_a_follower_that_is_out_is_left_behind(three_brokers: RealKafka, make_producer: Make) -> None:
    topic = three_brokers.create_topic(replication=3, config={"min.insync.replicas": "2"})
    patient = make_producer(three_brokers, acks="all")
    hasty = make_producer(three_brokers, acks="all", retries=10**6, request_timeout_ms=1000, delivery_timeout_ms=60_000)
    for producer in (patient, hasty):
        producer.send(topic, b"before").get(20)
    leader = three_brokers.leader(topic, 0)
    follower = (leader + 1) % 3
    three_brokers.pause(follower)
    try:
        futures = [producer.send(topic, b"after") for producer in (patient, hasty)]
        assert [future.get(30).partition for future in futures] == [0, 0]
        assert three_brokers.leader(topic, 0) == leader
    finally:
        three_brokers.resume(follower)
    three_brokers.wait_until_answering()


def _offset_once_led(producer: KafkaProducer, topic: str, partition: int) -> int:
    """Send until the broker knows that it leads the partition, which takes it a moment: at most 5 s."""
    deadline_s = time.monotonic() + 5
    while True:
        try:
            return int(producer.send(topic, b"second", partition=partition).get(10).offset)
        except NotLeaderForPartitionError:
            if time.monotonic() >= deadline_s:
                raise


@pytest.mark.newest_kafka
def test_the_first_record_of_a_new_topic_may_be_refused_and_the_next_is_not_for_long(real_kafka: RealKafka, make_producer: Make) -> None:
    producer = make_producer(real_kafka)
    names = [new_topic_name("new") for _ in range(4)]
    refused: list[tuple[str, int]] = []
    for name in names:
        topics.create_through_broker(real_kafka.bootstrap, name, 20, 1, {})
        futures = {partition: producer.send(name, b"first", partition=partition) for partition in range(20)}
        producer.flush(20)
        for partition, future in futures.items():
            assert future.exception is None or isinstance(future.exception, NotLeaderForPartitionError)
            if future.exception is not None:
                refused.append((name, partition))
    for name, partition in refused:
        assert _offset_once_led(producer, name, partition) == 0
    for name in names:
        assert len(read_back(real_kafka.bootstrap, name, count=20, partitions=20, version=real_kafka.version)) == 20


def test_a_connection_that_the_broker_closes_for_being_idle_loses_nothing(cluster_of: StartCluster, make_producer: Make) -> None:
    kafka = cluster_of("2.8.2", config={"connections.max.idle.ms": "1000"})
    topic = kafka.create_topic()
    producers = [make_producer(kafka, retries=0, acks=acks) for acks in (1, 0)]
    for _ in range(2):
        for producer in producers:
            producer.send(topic, b"v").get(10)
        assert wait_until(lambda: not any(map(is_connected, producers)), timeout_s=10)
    for producer in producers:
        producer.send(topic, b"last").get(10)
        producer.close(5)
    assert len(read_back(kafka.bootstrap, topic, count=6, version=kafka.version)) == 6


@pytest.mark.kafka_since("0.10.2.2")
@pytest.mark.kafka_until("2.8.2")
@pytest.mark.parametrize(("pinned", "magic"), [("0.9.0", 0), ("0.10.0", 1)])
def test_a_topic_pinned_to_an_older_message_format_takes_what_is_sent(real_kafka: RealKafka, make_producer: Make, pinned: str, magic: int) -> None:
    topic = real_kafka.create_topic(config={"message.format.version": pinned})
    producer = make_producer(real_kafka, compression_type="gzip", linger_ms=20)
    futures = [producer.send(topic, b"%d" % number, key=b"k", timestamp_ms=1_500_000_000_000 + number) for number in range(50)]
    assert [future.get(20).offset for future in futures] == list(range(50))
    found = read_back(real_kafka.bootstrap, topic, count=50, version=real_kafka.version)
    assert [record.value for record in found] == [b"%d" % number for number in range(50)]
    assert [record.timestamp for record in found] == [1_500_000_000_000 + number if magic else None for number in range(50)]
