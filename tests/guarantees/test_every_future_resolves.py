"""Promise 1: every future resolves in its time whatever brokers do, and once the cluster is well a new send is acknowledged within seconds."""

from __future__ import annotations

from typing import Any, Callable

import pytest

from kafka import KafkaProducer
from kafka.errors import KafkaError, NotEnoughReplicasError, NotLeaderForPartitionError, UnknownTopicOrPartitionError
from kafka.testing import faults
from tests.scenarios.stage import Stage

LINGER_S, REQUEST_S, DELIVERY_S = 0.2, 1.0, 5.0
RECOVERS_S = 4.0
SLACK_S = 0.001

Trouble = Callable[[Stage], Callable[[], Any]]
"""Makes trouble on a stage; what it returns ends it."""


def of_produce(*some: Any) -> Trouble:
    def begin(stage: Stage) -> Callable[[], Any]:
        rules = [stage.cluster.faults.add(fault, api="Produce") for fault in some]
        return lambda: [rule.remove() for rule in rules]

    return begin


def of_all(fault: Any) -> Trouble:
    return lambda stage: stage.cluster.faults.add(fault).remove


def unreachable(stage: Stage) -> Callable[[], Any]:
    links = stage.links
    for link in links:
        link.make_unreachable()
    return lambda: [link.heal() for link in links]


def refused(stage: Stage) -> Callable[[], Any]:
    links = stage.links
    for link in links:
        link.refuse()
        link.cut()
    return lambda: [link.heal() for link in links]


def stopped(stage: Stage) -> Callable[[], Any]:
    for node in stage.cluster.nodes:
        stage.cluster.stop_node(node)
    return lambda: [stage.cluster.start_node(node) for node in stage.cluster.nodes]


def deleted(stage: Stage) -> Callable[[], Any]:
    stage.cluster.delete_topic("t")
    rule = stage.cluster.faults.add(faults.Error(UnknownTopicOrPartitionError), api="Metadata")
    return rule.remove


TROUBLES: dict[str, Trouble] = {
    "unreachable": unreachable,
    "refused": refused,
    "stopped": stopped,
    "the topic is deleted": deleted,
    "requests are lost": of_produce(faults.DropRequest()),
    "answers are lost": of_produce(faults.DropReply()),
    "answers come too late": of_produce(faults.DelayReply(3.0)),
    "answers are cut": of_produce(faults.CutReply()),
    "refusals that may pass": of_produce(faults.Error(NotEnoughReplicasError)),
    "refusals that want metadata": of_produce(faults.Error(NotLeaderForPartitionError)),
    "refusals, slowly": of_produce(faults.Error(NotLeaderForPartitionError), faults.DelayReply(0.9)),
    "nothing is answered": of_all(faults.DropReply()),
    "throttled for long": of_produce(faults.Throttle(60.0)),
}

OPTIONS: dict[str, dict[str, Any]] = {
    "no retries": {},
    "retries": {"retries": 1_000_000},
    "retries, one in flight": {"retries": 1_000_000, "max_in_flight_requests_per_connection": 1},
    "delivery_timeout_ms alone": {"retries": 0},
    "acks=all": {"retries": 3, "acks": "all"},
    "acks=0": {"acks": 0},
}


def options_of(name: str) -> tuple[dict[str, Any], float]:
    """The producer's options, and after how many seconds every future must have resolved."""
    options = {"linger_ms": LINGER_S * 1000, "request_timeout_ms": REQUEST_S * 1000, "max_block_ms": 20_000, **OPTIONS[name]}
    if "retries" in options:
        return {**options, "delivery_timeout_ms": DELIVERY_S * 1000}, DELIVERY_S
    return options, LINGER_S + 2 * REQUEST_S


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("options", OPTIONS)
def test_every_future_resolves_in_time_and_the_producer_recovers(options: str, trouble: str) -> None:
    stage = Stage(latency_s=0.01, brokers=2, default_partitions=2)
    configs, bound_s = options_of(options)
    producer = stage.producer(**configs)
    producer.send("t", b"before").get()
    heal = TROUBLES[trouble](stage)
    sent: list[tuple[float, Any]] = []
    for number in range(40):
        try:
            sent.append((stage.now_s, producer.send("t", b"v", partition=number % 2)))
        except KafkaError:  # of a topic that is gone; that took max_block_ms at most
            break
        stage.clock.run_for(0.1)
    late = max(at_s for at_s, _ in sent) + bound_s + SLACK_S if sent else stage.now_s
    for at_s, future in sent:
        stage.clock.run_for(max(0.0, min(at_s + bound_s + SLACK_S, late) - stage.now_s))
        assert future.is_done, f"sent at {at_s}, and nothing at {stage.now_s}"
    assert producer._accumulator.memory.used_bytes == 0

    stage.clock.run_for(3 * DELIVERY_S)  # longer than anything is tried
    heal()
    healed_s = stage.now_s
    assert_recovers(stage, producer, healed_s + (60.0 if trouble == "throttled for long" else RECOVERS_S))


def assert_recovers(stage: Stage, producer: KafkaProducer, until_s: float) -> None:
    """A record sent now, or again while one without retries meets what is left of the trouble, is acknowledged until then."""
    while True:
        future = producer.send("t", b"after")
        producer.flush()
        if future.succeeded():
            break
        assert stage.now_s < until_s, future.exception
    assert stage.now_s <= until_s


def test_a_record_sent_in_a_callback_to_a_topic_that_does_not_come_has_no_more_time_than_others() -> None:
    stage = Stage(auto_create_topics=False)
    stage.cluster.create_topic("t")
    configs, bound_s = options_of("retries")
    producer = stage.producer(**{**configs, "max_block_ms": 60_000})
    inside: list[Any] = []
    producer.send("t", b"v").add_callback(lambda _: inside.append((stage.now_s, producer.send("missing", b"v"))))
    producer.flush()  # sends it
    producer.flush()
    [(at_s, future)] = inside
    assert future.is_done
    assert stage.now_s <= at_s + bound_s + SLACK_S


def test_time_that_such_a_record_waited_for_metadata_counts() -> None:
    stage = Stage(auto_create_topics=False)
    stage.cluster.create_topic("t")
    configs, bound_s = options_of("retries")
    producer = stage.producer(**configs)
    inside: list[Any] = []
    producer.send("t", b"v").add_callback(lambda _: inside.append((stage.now_s, producer.send("late", b"v"))))
    stage.clock.run_for(bound_s - 0.5)
    stage.cluster.create_topic("late")
    stage.cluster.faults.add(faults.Error(NotEnoughReplicasError), api="Produce")
    producer.flush()
    [(at_s, future)] = inside
    assert future.exception is not None
    assert stage.now_s <= at_s + bound_s + SLACK_S


@pytest.mark.parametrize("error", [NotLeaderForPartitionError, NotEnoughReplicasError])
def test_a_topic_that_is_refused_for_longer_than_records_live_leaves_the_others_alone_and_comes_back(error: Any) -> None:
    stage = Stage(brokers=2, latency_s=0.005)
    producer = stage.producer(retries=1_000_000, request_timeout_ms=500, delivery_timeout_ms=3000)
    for topic in ("sick", "well"):
        producer.send(topic, b"v").get()
    rule = stage.cluster.faults.add(faults.Error(error), api="Produce", topic="sick")
    refused = producer.send("sick", b"v")
    for _ in range(60):
        began_s = stage.now_s
        producer.send("well", b"v").get()
        assert stage.now_s - began_s < 0.2
        stage.clock.run_for(0.1)
    assert refused.failed()
    rule.remove()
    began_s = stage.now_s
    producer.send("sick", b"v").get()
    assert stage.now_s - began_s < 1.0
