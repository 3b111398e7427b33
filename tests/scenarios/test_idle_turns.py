"""Nothing busy-loops, turn by turn: how often the I/O thread looks around in ten seconds of each state in which nothing can be done."""

from __future__ import annotations

from typing import Any, Callable

import pytest

from kafka import KafkaProducer
from kafka.errors import KafkaTimeoutError, NotEnoughReplicasError
from kafka.testing import Sasl, faults
from tests.scenarios.stage import Stage

WATCHED_S = 10.0
MOST_TURNS = 200


def delivered(**configs: Any) -> tuple[Stage, KafkaProducer]:
    """A producer that has delivered a record."""
    stage = Stage(latency_s=0.002)
    producer = stage.producer(**configs)
    producer.send("t", b"v").get()
    return stage, producer


def idle() -> Stage:
    stage, _ = delivered()
    return stage


def idle_for_long() -> Stage:
    stage, _ = delivered()
    stage.clock.run_for(1000)
    return stage


def refused() -> Stage:
    stage, producer = delivered(retries=1000)
    for link in stage.links:
        link.refuse()
        link.cut()
    producer.send("t", b"v")
    return stage


def packets_are_dropped() -> Stage:
    """As by iptables DROP: no connection is made, and none is refused."""
    stage, producer = delivered(retries=1000)
    for link in stage.links:
        link.cut()
        link.make_unreachable()
    producer.send("t", b"v")
    return stage


def the_handshake_is_not_answered() -> Stage:
    stage, producer = delivered(retries=1000)
    stage.cluster.faults.add(faults.DropReply(), api="ApiVersions")
    stage.cluster.faults.add(faults.Cut(), times=10)
    stage.clock.run_for(0.01)
    producer.send("t", b"v")
    return stage


def authentication_is_refused() -> Stage:
    stage = Stage(latency_s=0.002, sasl=Sasl({"alice": "right"}))
    producer = stage.producer(
        api_version=(2, 6), security_protocol="SASL_PLAINTEXT", sasl_mechanism="PLAIN", sasl_plain_username="alice", sasl_plain_password="wrong",
        max_block_ms=100,
    )  # fmt: skip
    with pytest.raises(KafkaTimeoutError):
        producer.send("t", b"v")
    return stage


def without_a_leader() -> Stage:
    stage, producer = delivered(retries=1000)
    stage.cluster.faults.add(faults.WrongLeader(-1))
    producer._metadata.request_update()
    stage.clock.run_for(0.1)
    producer.send("t", b"v")
    return stage


def throttled() -> Stage:
    stage, producer = delivered(retries=1000)
    stage.cluster.faults.add(faults.Throttle(60.0), api="Produce")
    producer.send("t", b"v").get()
    producer.send("t", b"v")
    return stage


def the_answer_does_not_come() -> Stage:
    stage, producer = delivered(retries=1000)
    stage.cluster.faults.add(faults.DropReply(), api="Produce")
    producer.send("t", b"v")
    return stage


def a_batch_expires() -> Stage:
    stage, producer = delivered(retries=1000, delivery_timeout_ms=3000, request_timeout_ms=1000)
    for link in stage.links:
        link.cut()
        link.make_unreachable()
    future = producer.send("t", b"v")
    stage.clock.run_for(3.1)
    assert future.failed()
    return stage


def refusals_that_may_pass() -> Stage:
    stage, producer = delivered(retries=1_000_000)
    stage.cluster.faults.add(faults.Error(NotEnoughReplicasError), api="Produce")
    producer.send("t", b"v")
    return stage


def the_buffer_is_full() -> Stage:
    stage, producer = delivered(retries=1000, buffer_memory=2000, max_block_ms=100)
    stage.cluster.faults.add(faults.DropReply(), api="Produce")
    with pytest.raises(KafkaTimeoutError):
        for _ in range(10):
            producer.send("t", b"x" * 500)
    return stage


def a_topic_does_not_come() -> Stage:
    stage = Stage(latency_s=0.002, auto_create_topics=False)
    producer = stage.producer(max_block_ms=100)
    with pytest.raises(KafkaTimeoutError):
        producer.send("missing", b"v")
    return stage


def a_peer_that_does_not_read() -> Stage:
    stage, producer = delivered(retries=1000)
    stage.cluster.faults.add(faults.StopReading())
    stage.transport.capacity_bytes = 1000
    producer.send("t", b"x" * 50_000)
    return stage


def lingering() -> Stage:
    stage, producer = delivered(linger_ms=60_000)
    producer.send("t", b"v")
    return stage


STATES: dict[str, Callable[[], Stage]] = {
    state.__name__: state
    for state in (
        idle, idle_for_long, refused, packets_are_dropped, the_handshake_is_not_answered, authentication_is_refused, without_a_leader, throttled,
        the_answer_does_not_come, a_batch_expires, refusals_that_may_pass, the_buffer_is_full, a_topic_does_not_come, a_peer_that_does_not_read,
        lingering,
    )
}  # fmt: skip


@pytest.mark.parametrize("state", STATES)
def test_a_producer_that_can_do_nothing_looks_around_a_few_times_a_second(state: str) -> None:
    stage = STATES[state]()
    turns = stage.turns
    stage.clock.run_for(WATCHED_S)
    most = MOST_TURNS * 2 if state == "refusals_that_may_pass" else MOST_TURNS  # each attempt after retry_backoff_ms is work to do
    assert stage.turns - turns < most
