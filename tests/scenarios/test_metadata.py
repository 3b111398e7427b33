"""When metadata is asked for, to the millisecond: what is new is asked about at once, what did not help ever more rarely."""

from __future__ import annotations

from typing import Any

import pytest

from kafka import KafkaProducer
from kafka.errors import NotLeaderForPartitionError
from kafka.protocol.metadata import MetadataRequest
from kafka.testing.exchange import Answer, Call
from kafka.testing.handlers import SERVED
from tests.scenarios.stage import Stage, answer_produce_with, refusal

LATENCY_S = 0.01
TICK_S = 0.000_001


@pytest.fixture
def asked_s(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """When questions for metadata came to a broker."""
    times: list[float] = []
    served = SERVED[MetadataRequest.API_KEY]

    def note(call: Call) -> Answer:
        times.append(call.cluster.clock.monotonic())
        return served.handle(call)

    monkeypatch.setitem(SERVED, MetadataRequest.API_KEY, served._replace(handle=note))
    return times


def move_leader(stage: Stage, topic: str) -> None:
    partition = stage.cluster.topics[topic].partitions[0]
    partition.leader = 3 - partition.leader
    partition.leader_epoch += 1


def on_two_nodes(**configs: Any) -> tuple[Stage, KafkaProducer]:
    """A producer connected to both nodes of a cluster, of which one leads the only partition of t."""
    stage = Stage(latency_s=LATENCY_S, brokers=2)
    producer = stage.producer(**configs)
    for topic in ("led-by-1", "led-by-2", "t"):
        producer.send(topic, b"v").get()
    return stage, producer


def test_a_new_topic_is_asked_about_once_though_the_question_leaves_before_the_thread_waits(
    asked_s: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage(latency_s=LATENCY_S)
    producer = stage.producer()
    producer.send("other", b"v").get()
    add_topic = producer._metadata.add_topic

    def add_and_be_overtaken(topic: str) -> bool:
        is_new = add_topic(topic)
        if is_new:
            stage.clock.run_for(1.5 * LATENCY_S)
            assert len(asked_s) == 1, "the question is there, its answer is not"
        return is_new

    monkeypatch.setattr(producer._metadata, "add_topic", add_and_be_overtaken)
    asked_s.clear()
    producer.send("t", b"v").get()
    stage.clock.run_for(10)
    assert len(asked_s) == 1


@pytest.mark.parametrize("earlier", [0, 1, 5, 20])
def test_metadata_is_asked_for_at_once_when_a_leader_refuses(asked_s: list[float], earlier: int) -> None:
    stage, producer = on_two_nodes(retries=0)
    for number in range(earlier):
        producer.partitions_for(f"other-{number}")
    move_leader(stage, "t")
    asked_s.clear()
    with pytest.raises(NotLeaderForPartitionError):
        producer.send("t", b"lost").get()
    refused_s = stage.now_s
    stage.clock.run_for(2 * LATENCY_S + TICK_S)
    assert asked_s == pytest.approx([refused_s + LATENCY_S])
    with stage.takes(2 * LATENCY_S):
        producer.send("t", b"found").get()


def test_with_retries_a_moved_leader_costs_one_backoff() -> None:
    stage, producer = on_two_nodes(retries=1, retry_backoff_ms=100)
    move_leader(stage, "t")
    with stage.takes(2 * LATENCY_S + 0.1 + 2 * LATENCY_S):
        producer.send("t", b"moved").get()


def test_another_partition_without_a_leader_does_not_delay_the_question(asked_s: list[float]) -> None:
    stage, producer = on_two_nodes(retries=0, request_timeout_ms=60_000)
    producer.send("leaderless", b"v").get()
    stage.cluster.topics["leaderless"].partitions[0].leader = -1
    producer._metadata.request_update()
    stage.clock.run_for(1)
    producer.send("leaderless", b"waits")
    stage.clock.run_for(10)
    move_leader(stage, "t")
    asked_s.clear()
    with pytest.raises(NotLeaderForPartitionError):
        producer.send("t", b"lost").get()
    refused_s = stage.now_s
    stage.clock.run_for(2 * LATENCY_S)
    assert refused_s + LATENCY_S in [pytest.approx(at_s) for at_s in asked_s]


def test_a_leader_that_refuses_again_and_again_is_asked_about_ever_more_rarely(
    asked_s: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage(latency_s=0.001)
    producer = stage.producer(retries=0)
    producer.send("t", b"v").get()
    answer_produce_with(monkeypatch, lambda call, usual: refusal(call, NotLeaderForPartitionError))
    asked_s.clear()
    for _ in range(1000):
        with pytest.raises(NotLeaderForPartitionError):
            producer.send("t", b"v").get()
        stage.clock.run_for(0.008)
    pauses_s = [later - earlier for earlier, later in zip(asked_s, asked_s[1:])]
    assert len(asked_s) <= 5 + 10 / 0.8
    assert pauses_s[0] > 0.05
    assert min(pauses_s[5:]) > 0.7


def test_a_partition_without_a_leader_is_asked_about_ever_more_rarely(asked_s: list[float]) -> None:
    stage = Stage(latency_s=LATENCY_S)
    producer = stage.producer(retries=0)
    producer.send("t", b"v").get()
    partition = stage.cluster.topics["t"].partitions[0]
    partition.leader = -1
    producer._metadata.request_update()
    stage.clock.run_for(5)
    future = producer.send("t", b"waits")
    asked_s.clear()
    stage.clock.run_for(10)
    assert 10 <= len(asked_s) <= 5 + 10 / 0.8
    turns = stage.turns
    stage.clock.run_for(5)
    assert stage.turns - turns < 60
    partition.leader = 1
    stage.clock.run_for(1.5)
    assert future.get(0).offset == 1


def test_answers_that_come_by_age_do_not_delay_a_question(asked_s: list[float]) -> None:
    stage, producer = on_two_nodes(retries=0, metadata_max_age_ms=300)
    stage.clock.run_for(10)
    move_leader(stage, "t")
    asked_s.clear()
    with pytest.raises(NotLeaderForPartitionError):
        producer.send("t", b"lost").get()
    refused_s = stage.now_s
    stage.clock.run_for(2 * LATENCY_S)
    assert asked_s[-1] <= refused_s + LATENCY_S + TICK_S




def test_a_broker_older_than_the_question_for_versions_is_met_and_served_without_a_time_out() -> None:
    stage = Stage(latency_s=LATENCY_S, api_versions={0: (0, 0), 1: (0, 0), 2: (0, 0), 3: (0, 0)})
    producer = stage.producer(reconnect_backoff_ms=50)
    assert producer.config["api_version"] == (0, 8, 2)
    assert stage.now_s < 0.05 * 1.2 + 10 * LATENCY_S
    assert producer.send("t", b"v").get().offset == 0
    assert [record.value for record in stage.cluster.records("t")] == [b"v"]
