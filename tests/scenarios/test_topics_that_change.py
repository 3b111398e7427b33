"""Topics that are deleted, made anew, or given more partitions while records are sent to them."""

from __future__ import annotations

from typing import Any

import pytest

from kafka.errors import KafkaError, KafkaTimeoutError, UnknownTopicOrPartitionError
from tests.scenarios.stage import Stage


def test_records_for_a_topic_that_was_deleted_fail_by_their_deadline_and_say_why() -> None:
    stage = Stage(latency_s=0.005, auto_create_topics=False)
    stage.cluster.create_topic("t")
    stage.cluster.create_topic("other")
    producer = stage.producer(retries=1000, request_timeout_ms=1000, delivery_timeout_ms=3000, max_block_ms=1000)
    producer.send("t", b"before").get(5)
    stage.cluster.delete_topic("t")
    deleted_s = stage.now_s
    futures, refusals = [], []
    for _ in range(20):
        try:
            futures.append(producer.send("t", b"v"))
        except KafkaTimeoutError as error:
            refusals.append(str(error))
        assert producer.send("other", b"v").get(1)
        stage.clock.run_for(0.1)
    producer.flush()
    assert stage.now_s < deleted_s + 20 * 1.2 + 3.1
    assert futures
    assert refusals
    assert all("UnknownTopicOrPartitionError" in words for words in refusals)
    for future in futures:
        assert isinstance(future.exception, KafkaError)
        assert isinstance(future.exception, UnknownTopicOrPartitionError) or "UnknownTopicOrPartitionError" in str(future.exception)
    assert producer.status().buffered_bytes == 0


@pytest.mark.parametrize("retries", [0, 1000])
@pytest.mark.parametrize("away_s", [0.0, 1.0])
def test_a_topic_that_was_deleted_and_made_anew_under_load_is_written_to_again(retries: int, away_s: float) -> None:
    """Its leader epochs begin anew too, which is no going back."""
    stage = Stage(latency_s=0.005, brokers=2, auto_create_topics=False)
    stage.cluster.create_topic("t", 2)
    for _ in range(3):
        stage.cluster.move_leader("t", 0)
    producer = stage.producer(retries=retries, request_timeout_ms=1000, max_in_flight_requests_per_connection=1)
    futures: list[Any] = []
    for number in range(60):
        if number == 20:
            stage.cluster.delete_topic("t")
            if not away_s:
                stage.cluster.create_topic("t", 2)
            else:
                stage.transport.timeline.plan(stage.now_s + away_s, lambda: stage.cluster.create_topic("t", 2) and None)
        futures.append((number, producer.send("t", b"%d" % number, partition=number % 2)))
        stage.clock.run_for(0.05)
    producer.flush()
    stored = [int(record.value or b"") for record in stage.cluster.records("t")]
    done = [number for number, future in futures if future.succeeded()]
    assert set(range(45, 60)) <= set(done)
    assert [number for number in done if number >= 21 and number not in stored] == []
    if retries:
        assert len(done) == 60
    for partition in range(2):
        written = [int(record.value or b"") for record in stage.cluster.records("t") if record.partition == partition]
        assert written == sorted(written)


def test_partitions_that_were_added_are_used_after_metadata_max_age() -> None:
    stage = Stage(latency_s=0.005, brokers=3)
    stage.cluster.create_topic("t", 6)
    producer = stage.producer(metadata_max_age_ms=2000)
    for _ in range(50):
        producer.send("t", b"v").get(5)
    stage.cluster.add_partitions("t", 12)
    stage.clock.run_for(2.5)
    used = {producer.send("t", b"v").get(5).partition for _ in range(300)}
    assert used == set(range(12))
    assert producer.partitions_for("t") == set(range(12))


def test_a_topic_that_is_not_sent_to_any_more_is_not_asked_for_any_more() -> None:
    """Else questions grow with every topic there ever was, and brokers make topics anew that were deleted."""
    stage = Stage(latency_s=0.005)
    producer = stage.producer(metadata_max_age_ms=60_000, retries=10)
    for number in range(200):
        producer.send(f"tenant-{number}", b"v").get(5)
    for _ in range(30):
        producer.send("tenant-7", b"v").get(5)
        stage.clock.run_for(30)
    stage.cluster.delete_topic("tenant-8")
    stage.clock.run_for(61)
    asked = [topic.name for topic in stage.cluster.requests.of("Metadata")[-1].body.topics]
    assert asked == ["tenant-7"]
    assert "tenant-8" not in stage.cluster.topics
    with stage.takes(4 * 0.005):
        producer.send("tenant-9", b"its metadata is asked for first, at once").get(5)
    stage.clock.run_for(61)
    asked = [topic.name for topic in stage.cluster.requests.of("Metadata")[-1].body.topics]
    assert set(asked) == {"tenant-7", "tenant-9"}
    assert producer.send("tenant-8", b"v").get(5), "it is wanted again"


def test_a_topic_whose_records_wait_for_long_is_asked_for_as_long() -> None:
    stage = Stage(latency_s=0.005)
    producer = stage.producer(retries=1_000_000, delivery_timeout_ms=3_600_000, metadata_max_age_ms=60_000)
    producer.send("t", b"v").get(5)
    partition = stage.cluster.topics["t"].partitions[0]
    partition.leader = -1
    producer._metadata.request_update()
    stage.clock.run_for(1)
    future = producer.send("t", b"waits")
    stage.clock.run_for(1000)
    assert not future.is_done
    partition.leader = 1
    stage.clock.run_for(5)
    assert future.get(0).offset == 1
