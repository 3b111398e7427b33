"""CreateTopics, DeleteTopics, CreatePartitions and DescribeConfigs: what is made, and what is refused with which error."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient, ConfigResource, NewPartitions, NewTopic

from kafka.protocol.create_partitions import CreatePartitionsAssignment, CreatePartitionsRequest, CreatePartitionsTopic
from kafka.protocol.create_topics import CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig, CreateTopicsRequest
from kafka.protocol.delete_topics import DeleteTopicsRequest, DeleteTopicState
from kafka.protocol.describe_configs import DescribeConfigsRequest, DescribeConfigsResource
from kafka.testing import KafkaCluster
from kafka.testing.clock import VirtualClock
from kafka.testing.cluster import Cluster
from kafka.testing.connection import ServerConnection
from tests.testing.wire import ask

UNKNOWN_TOPIC, INVALID_TOPIC, EXISTS, PARTITIONS, FACTOR, ASSIGNMENT, CONFIG, NOT_CONTROLLER, REQUEST, UNKNOWN_ID = (
    3,
    17,
    36,
    37,
    38,
    39,
    40,
    41,
    42,
    100,
)


@pytest.fixture
def three(clock: VirtualClock) -> Cluster:
    made = Cluster(clock=clock, brokers=3, default_partitions=4)
    made.create_topic("t", 2)
    return made


def on(cluster: Cluster, request: Any, version: int, node_id: int = 1) -> Any:
    return ask(ServerConnection(cluster, cluster.nodes[node_id]), request, version)


def assigned(*node_ids: list[int]) -> list[CreatableReplicaAssignment]:
    return [CreatableReplicaAssignment(partition_index=index, broker_ids=ids) for index, ids in enumerate(node_ids)]


def topic(name: str = "new", partitions: int = -1, factor: int = -1, **fields: Any) -> CreatableTopic:
    return CreatableTopic(name=name, num_partitions=partitions, replication_factor=factor, **fields)


def config(**options: str | None) -> list[CreatableTopicConfig]:
    return [CreatableTopicConfig(name=name.replace("_", "."), value=value) for name, value in options.items()]


@pytest.mark.parametrize("version", range(8))
def test_every_version_makes_a_topic(three: Cluster, version: int) -> None:
    (made,) = on(three, CreateTopicsRequest(topics=[topic(partitions=3, factor=2, configs=config(max_message_bytes="99"))]), version).topics

    assert (made.name, made.error_code) == ("new", 0)
    found = three.topics["new"]
    assert (len(found.partitions), found.replication_factor, three.limit_of(found)) == (3, 2, 99)
    if version >= 5:
        assert (made.num_partitions, made.replication_factor, [option.name for option in made.configs]) == (3, 2, ["max.message.bytes"])
    if version >= 7:
        assert made.topic_id == found.topic_id


def test_without_numbers_a_topic_has_the_clusters(three: Cluster) -> None:
    (made,) = on(three, CreateTopicsRequest(topics=[topic()]), 7).topics
    assert (made.error_code, made.num_partitions, made.replication_factor) == (0, 4, 3)


def test_replicas_are_where_they_were_assigned(three: Cluster) -> None:
    (made,) = on(three, CreateTopicsRequest(topics=[topic(assignments=assigned([3, 1], [2, 3]))]), 7).topics
    assert (made.error_code, made.num_partitions, made.replication_factor) == (0, 2, 2)
    assert [(partition.replicas, partition.leader) for partition in three.topics["new"].partitions] == [([3, 1], 3), ([2, 3], 2)]


def test_what_is_only_validated_is_not_made(three: Cluster) -> None:
    (made,) = on(three, CreateTopicsRequest(topics=[topic()], validate_only=True), 7).topics
    assert (made.error_code, "new" in three.topics) == (0, False)
    (refused,) = on(three, CreateTopicsRequest(topics=[topic("t")], validate_only=True), 7).topics
    assert refused.error_code == EXISTS


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        pytest.param(topic("t"), EXISTS, id="exists"),
        pytest.param(topic("bad name"), INVALID_TOPIC, id="illegal name"),
        pytest.param(topic(""), INVALID_TOPIC, id="no name"),
        pytest.param(topic(partitions=0), PARTITIONS, id="no partition"),
        pytest.param(topic(partitions=-2), PARTITIONS, id="fewer than none"),
        pytest.param(topic(factor=4), FACTOR, id="more replicas than brokers"),
        pytest.param(topic(factor=0), FACTOR, id="no replica"),
        pytest.param(topic(assignments=assigned([1], [4])), ASSIGNMENT, id="no such broker"),
        pytest.param(topic(assignments=assigned([1, 1])), ASSIGNMENT, id="a broker twice"),
        pytest.param(topic(assignments=assigned([1], [1, 2])), ASSIGNMENT, id="unlike numbers of replicas"),
        pytest.param(topic(assignments=assigned([1], [1])[1:]), ASSIGNMENT, id="no partition 0"),
        pytest.param(topic(partitions=1, assignments=assigned([1])), REQUEST, id="numbers and assignments"),
        pytest.param(topic(configs=config(no_such="1")), CONFIG, id="unknown config"),
        pytest.param(topic(configs=config(max_message_bytes="many")), CONFIG, id="bad value"),
        pytest.param(topic(configs=config(max_message_bytes=None)), CONFIG, id="no value"),
    ],
)  # fmt: skip
def test_a_topic_that_cannot_be_is_refused(three: Cluster, asked: CreatableTopic, code: int) -> None:
    (refused,) = on(three, CreateTopicsRequest(topics=[asked]), 7).topics
    assert refused.error_code == code
    assert refused.error_message
    assert list(three.topics) == ["t"]


def test_names_that_metrics_cannot_tell_apart_are_refused(three: Cluster) -> None:
    codes = [on(three, CreateTopicsRequest(topics=[topic(name)]), 7).topics[0].error_code for name in ("a.b", "a_b")]
    assert codes == [0, INVALID_TOPIC]


def test_a_name_twice_in_a_request_is_refused(three: Cluster) -> None:
    (refused,) = on(three, CreateTopicsRequest(topics=[topic(), topic()]), 7).topics
    assert refused.error_code == REQUEST


@pytest.mark.parametrize(("version", "code"), [("3.2", NOT_CONTROLLER), ("3.3", 0)])
def test_old_brokers_that_are_not_the_controller_refuse(clock: VirtualClock, version: str, code: int) -> None:
    cluster = Cluster(clock=clock, brokers=2, version=version)
    assert on(cluster, CreateTopicsRequest(topics=[topic()]), 2, node_id=2).topics[0].error_code == code
    cluster.find_topic("t", may_create=True)
    assert on(cluster, DeleteTopicsRequest(topic_names=["t"]), 1, node_id=2).responses[0].error_code == code


@pytest.mark.parametrize("version", range(7))
def test_every_version_deletes_topics(three: Cluster, version: int) -> None:
    three.create_topic("u")
    names = ["t", "none", "u"]
    request = DeleteTopicsRequest(topics=[DeleteTopicState(name=name) for name in names], topic_names=names)
    assert [(found.name, found.error_code) for found in on(three, request, version).responses] == [("t", 0), ("none", UNKNOWN_TOPIC), ("u", 0)]
    assert list(three.topics) == []


def test_a_topic_is_deleted_by_its_id_once(three: Cluster) -> None:
    topic_id = three.topics["t"].topic_id
    request = DeleteTopicsRequest(topics=[DeleteTopicState(topic_id=topic_id), DeleteTopicState(topic_id=topic_id), DeleteTopicState()])
    found = on(three, request, 6).responses
    assert [(one.name, one.error_code) for one in found] == [("t", 0), (None, UNKNOWN_ID), (None, REQUEST)]
    both = DeleteTopicsRequest(topics=[DeleteTopicState(name="t", topic_id=uuid.UUID(int=1))])
    assert on(three, both, 6).responses[0].error_code == REQUEST


@pytest.mark.parametrize("version", range(4))
def test_every_version_grows_topics(three: Cluster, version: int) -> None:
    asked = [
        CreatePartitionsTopic(
            name="t", count=4, assignments=[CreatePartitionsAssignment(broker_ids=[3]), CreatePartitionsAssignment(broker_ids=[2])]
        ),
        CreatePartitionsTopic(name="none", count=4, assignments=None),
    ]
    found = on(three, CreatePartitionsRequest(topics=asked), version).results
    assert [one.error_code for one in found] == [0, UNKNOWN_TOPIC]
    assert [partition.replicas for partition in three.topics["t"].partitions[2:]] == [[3], [2]]


@pytest.mark.parametrize(
    ("count", "assignments", "code"),
    [(2, None, PARTITIONS), (1, None, PARTITIONS), (3, [], ASSIGNMENT), (3, [[9]], ASSIGNMENT), (3, [[1, 1]], ASSIGNMENT)],
)
def test_growth_that_is_none_is_refused(three: Cluster, count: int, assignments: list[list[int]] | None, code: int) -> None:
    given = None if assignments is None else [CreatePartitionsAssignment(broker_ids=ids) for ids in assignments]
    asked = CreatePartitionsTopic(name="t", count=count, assignments=given)
    assert on(three, CreatePartitionsRequest(topics=[asked]), 3).results[0].error_code == code
    assert len(three.topics["t"].partitions) == 2


def test_growth_may_be_validated_only(three: Cluster) -> None:
    asked = CreatePartitionsTopic(name="t", count=5, assignments=None)
    assert on(three, CreatePartitionsRequest(topics=[asked], validate_only=True), 3).results[0].error_code == 0
    assert len(three.topics["t"].partitions) == 2


@pytest.mark.parametrize("version", range(5))
def test_configs_are_described_with_where_they_come_from(three: Cluster, version: int) -> None:
    three.create_topic("u", config={"max.message.bytes": 99})
    keys = ["max.message.bytes", "retention.ms"]
    asked = [
        DescribeConfigsResource(resource_type=2, resource_name="u", configuration_keys=keys),
        DescribeConfigsResource(resource_type=4, resource_name="1", configuration_keys=["num.partitions"]),
        DescribeConfigsResource(resource_type=2, resource_name="none", configuration_keys=None),
        DescribeConfigsResource(resource_type=4, resource_name="2", configuration_keys=None),
    ]
    of_topic, of_broker, *refused = on(three, DescribeConfigsRequest(resources=asked), version).results

    assert [(option.name, option.value) for option in of_topic.configs] == [("max.message.bytes", "99"), ("retention.ms", "604800000")]
    if version:
        assert [option.config_source for option in of_topic.configs] == [1, 5]
    else:
        assert [option.is_default for option in of_topic.configs] == [False, True]
    assert [(option.name, option.value, option.read_only) for option in of_broker.configs] == [("num.partitions", "4", True)]
    assert [result.error_code for result in refused] == [UNKNOWN_TOPIC, REQUEST]


@pytest.mark.parametrize("version", ["0.11", "2.8", "4.4", None])
def test_librdkafkas_administrator_makes_grows_describes_and_deletes(version: str | None) -> None:
    with KafkaCluster(version=version) as cluster:
        admin = AdminClient({"bootstrap.servers": cluster.bootstrap_servers, "log_level": 0})
        created = admin.create_topics([NewTopic("t", 2, 3, config={"max.message.bytes": "5000"})])
        created["t"].result(20)
        if version != "0.11":  # which has no CreatePartitions
            admin.create_partitions([NewPartitions("t", 5)])["t"].result(20)
            assert len(cluster.cluster.topics["t"].partitions) == 5
        resource = ConfigResource(ConfigResource.Type.TOPIC, "t")
        assert admin.describe_configs([resource])[resource].result(20)["max.message.bytes"].value == "5000"
        admin.delete_topics(["t"])["t"].result(20)
        assert cluster.cluster.topics == {}
