"""Administration of topics."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

from kafka.protocol.create_partitions import CreatePartitionsRequest, CreatePartitionsTopic
from kafka.protocol.create_topics import CreatableTopic, CreatableTopicConfig, CreateTopicsRequest
from kafka.protocol.delete_topics import DeleteTopicsRequest, DeleteTopicState
from kafka.protocol.describe_configs import DescribeConfigsRequest, DescribeConfigsResource
from kafka.protocol.metadata import MetadataRequest, MetadataRequestTopic
from tests.conformance.peer import NOT_SERVED_YET, Peer, now_ms
from tests.conformance.script import Seen, scenario
from tests.testing.wire import batch

TOPIC = 2


def create(peer: Peer, *topics: CreatableTopic, validate_only: bool = False) -> list[list[Any]]:
    """[[error code, partitions, replicas, whether there is an id], ...]."""
    answer = peer.ask(CreateTopicsRequest(topics=list(topics), validate_only=validate_only))
    return [[one.error_code, one.num_partitions, one.replication_factor, one.topic_id != uuid.UUID(int=0)] for one in answer.topics]


def topic(name: str, partitions: int = 1, replicas: int = 1, **configs: str) -> CreatableTopic:
    settings = [CreatableTopicConfig(name=key.replace("_", "."), value=value) for key, value in configs.items()]
    return CreatableTopic(name=name, num_partitions=partitions, replication_factor=replicas, configs=settings)


def exists(peer: Peer, name: str) -> bool:
    (found,) = peer.ask(MetadataRequest(topics=[MetadataRequestTopic(name=name)], allow_auto_topic_creation=False)).topics
    return bool(found.error_code == 0)


@scenario()
def topics_are_created(peer: Peer) -> Iterator[Seen]:
    name = peer.new_name()
    yield "only looked at", [create(peer, topic(name, 3), validate_only=True), exists(peer, name)]
    yield "one", create(peer, topic(name, 3, max_message_bytes="2000"))
    yield "the same again", create(peer, topic(name, 3))
    yield "as the broker would", create(peer, topic(peer.new_name(), -1, -1))
    for bad in ("", ".", "a/b", "x" * 250):
        yield f"a name that is none: {bad[:3]}", create(peer, topic(bad))
    yield "no partitions", create(peer, topic(peer.new_name(), 0))
    yield "partitions below nothing", create(peer, topic(peer.new_name(), -5))
    yield "more replicas than brokers", create(peer, topic(peer.new_name(), 1, 9))
    yield "no replicas", create(peer, topic(peer.new_name(), 1, 0))
    yield "an option that is none", create(peer, topic(peer.new_name(), no_such_option="1"))
    yield "a value that is none", create(peer, topic(peer.new_name(), max_message_bytes="many"))
    twice = peer.new_name()
    yield "twice in a request", create(peer, topic(twice), topic(twice))
    yield "good and bad", create(peer, topic(peer.new_name()), topic("a/b"))


@scenario()
def topics_get_more_partitions(peer: Peer) -> Iterator[Seen]:
    name = peer.new_topic(partitions=2)

    def grow(name: str, count: int, *, validate_only: bool = False) -> list[int]:
        asked = CreatePartitionsTopic(name=name, count=count, assignments=None)
        answer = peer.ask(CreatePartitionsRequest(topics=[asked], timeout_ms=10_000, validate_only=validate_only))
        return [one.error_code for one in answer.results]

    yield "only looked at", grow(name, 5, validate_only=True)
    yield "five", grow(name, 5)
    yield "fewer", grow(name, 3)
    yield "as many", grow(name, 5)
    yield "no such topic", grow(peer.new_name(), 3)
    records = batch([b"a"], at_ms=now_ms())
    seen = peer.produce(name, records, partition=4)
    while seen["error"] in NOT_SERVED_YET:
        seen = peer.produce(name, records, partition=4)
    yield "the last of them", seen


@scenario()
def topics_are_deleted(peer: Peer) -> Iterator[Seen]:
    name = peer.new_topic()
    peer.produce(name, batch([b"a"], at_ms=now_ms()))
    first = peer.topic_id(name)

    def delete(*states: DeleteTopicState) -> list[int]:
        return [one.error_code for one in peer.ask(DeleteTopicsRequest(topics=list(states), timeout_ms=10_000)).responses]

    yield "no such topic", delete(DeleteTopicState(name=peer.new_name()))
    yield "nobody's id", delete(DeleteTopicState(topic_id=uuid.uuid4()))
    yield "by name", delete(DeleteTopicState(name=name))
    while exists(peer, name):
        pass
    code = create(peer, topic(name))[0]
    while code[0] == 36:  # it is still being deleted
        code = create(peer, topic(name))[0]
    yield "again of this name", code
    seen = peer.produce(name, batch([b"b"], at_ms=now_ms()))
    while seen["error"] in NOT_SERVED_YET:
        seen = peer.produce(name, batch([b"b"], at_ms=now_ms()))
    yield "begins anew", seen
    yield "it is another topic", peer.topic_id(name) != first
    yield "by id", delete(DeleteTopicState(topic_id=peer.topic_id(name)))


@scenario()
def settings_of_topics(peer: Peer) -> Iterator[Seen]:
    name = peer.new_topic(config={"max.message.bytes": "2000", "message.timestamp.type": "LogAppendTime"})
    wanted = ["max.message.bytes", "message.timestamp.type", "min.insync.replicas"]
    asked = DescribeConfigsResource(resource_type=TOPIC, resource_name=name, configuration_keys=wanted)
    (found,) = peer.ask(DescribeConfigsRequest(resources=[asked])).results
    yield "three of them", [found.error_code, sorted([one.name, one.value, one.config_source, one.config_type] for one in found.configs)]
    missing = DescribeConfigsResource(resource_type=TOPIC, resource_name=peer.new_name(), configuration_keys=None)
    yield "of no topic", [one.error_code for one in peer.ask(DescribeConfigsRequest(resources=[missing])).results]
