"""CreateTopics, versions 0-7.

Behaviour: checks each topic and makes it, or with `validate_only` checks it. Without numbers (-1) a topic has the cluster's number of partitions, and
replicas on every broker. Before Kafka 3.3 the controller alone answers.
Differs from a broker: the topic is there when the answer comes, whatever `timeout_ms` says; of the configs only some have effect, see
testing.topic_config.
Imported by: testing.handlers.  Imports: errors, protocol, testing.{cluster,exchange,releases,topic_config}.
"""

from __future__ import annotations

import uuid
from collections import Counter

from kafka.errors import (
    BrokerResponseError,
    InvalidConfigurationError,
    InvalidPartitionsError,
    InvalidReplicationAssignmentError,
    InvalidReplicationFactorError,
    InvalidRequestError,
    InvalidTopicError,
    NotControllerError,
    TopicAlreadyExistsError,
)
from kafka.protocol.create_topics import CreatableTopic, CreatableTopicConfigs, CreatableTopicResult, CreateTopicsResponse
from kafka.protocol.schema import NO_UUID
from kafka.testing.cluster import Cluster, is_legal
from kafka.testing.exchange import Call, words
from kafka.testing.releases import FIRST_WITH_KRAFT
from kafka.testing.topic_config import TopicConfig

VERSIONS = (0, 7)

_UNSAID = -1
_OF_TOPIC = 1  # config source
_ID_OF_NONE = uuid.UUID(int=1 << 64)  # KRaft has an id for what it only validates, which nothing ever gets


def handle(call: Call) -> CreateTopicsResponse:
    counts = Counter(asked.name for asked in call.request.topics)
    named = {asked.name: asked for asked in call.request.topics}
    asked_for = list(named.values()) if call.cluster.release >= FIRST_WITH_KRAFT else call.request.topics
    return CreateTopicsResponse(topics=[_result(call, asked, is_repeated=counts[asked.name] > 1) for asked in asked_for])


def check_controller(call: Call) -> None:
    """NotControllerError where another node should have been asked; newer releases pass it on."""
    if call.cluster.release < FIRST_WITH_KRAFT and call.node.node_id != call.cluster.controller_id:
        raise NotControllerError(f"Node {call.cluster.controller_id} is the controller")


def _result(call: Call, asked: CreatableTopic, *, is_repeated: bool) -> CreatableTopicResult:
    try:
        check_controller(call)
        if is_repeated:
            raise InvalidRequestError(f"{asked.name} is named more than once")
        return _made(call, asked)
    except BrokerResponseError as error:
        return CreatableTopicResult(name=asked.name, error_code=error.errno, error_message=words(error), configs=None)


def _made(call: Call, asked: CreatableTopic) -> CreatableTopicResult:
    cluster = call.cluster
    _check_name(cluster, asked.name)
    assignments = _assignments(cluster, asked)
    count = cluster.default_partitions if asked.num_partitions == _UNSAID else asked.num_partitions
    factor = len(cluster.nodes) if asked.replication_factor == _UNSAID else asked.replication_factor
    config = _config(asked)
    if assignments is not None:
        count, factor = len(assignments), len(assignments[0])
    elif count < 1:
        raise InvalidPartitionsError(f"{count} is no number of partitions")
    elif not 1 <= factor <= len(cluster.nodes):
        raise InvalidReplicationFactorError(f"{factor} replicas do not fit on {len(cluster.nodes)} brokers")
    result = CreatableTopicResult(
        name=asked.name,
        error_message=None,
        num_partitions=count,
        replication_factor=factor,
        configs=[CreatableTopicConfigs(name=name, value=value, config_source=_OF_TOPIC) for name, value in config.given.items()],
    )
    if call.request.validate_only:
        result.topic_id = _ID_OF_NONE if cluster.release >= FIRST_WITH_KRAFT else NO_UUID
    else:
        topic = cluster.create_topic(asked.name, count, replication_factor=factor, config=config.given, assignments=assignments)
        result.topic_id = topic.topic_id
    return result


def _check_name(cluster: Cluster, name: str) -> None:
    if not is_legal(name):
        raise InvalidTopicError(f"{name!r} cannot name a topic")
    if name in cluster.topics:
        raise TopicAlreadyExistsError(f"Topic '{name}' already exists.")
    alike = next((topic for topic in cluster.topics if topic.replace(".", "_") == name.replace(".", "_")), None)
    if alike is not None:
        raise InvalidTopicError(f"The names of metrics cannot tell {name} from {alike}")


def _config(asked: CreatableTopic) -> TopicConfig:
    try:
        if any(option.value is None for option in asked.configs):
            raise ValueError("A config has no value")
        return TopicConfig({option.name: option.value for option in asked.configs})
    except ValueError as error:
        raise InvalidConfigurationError(str(error)) from None


def _assignments(cluster: Cluster, asked: CreatableTopic) -> list[list[int]] | None:
    """The nodes of each partition, where they are told."""
    if not asked.assignments:
        return None
    if asked.num_partitions != _UNSAID or asked.replication_factor != _UNSAID:
        raise InvalidRequestError("Both numbers and assignments were given")
    by_index = {assignment.partition_index: assignment.broker_ids for assignment in asked.assignments}
    if sorted(by_index) != list(range(len(asked.assignments))):
        raise InvalidReplicationAssignmentError("The partitions are not numbered from 0 on")
    found = [by_index[index] for index in range(len(by_index))]
    check_assignments(cluster, found)
    return found


def check_assignments(cluster: Cluster, assignments: list[list[int]]) -> None:
    """InvalidReplicationAssignmentError where nodes do not exist or are named twice, or partitions have unlike numbers of replicas."""
    for node_ids in assignments:
        if not node_ids or len(set(node_ids)) != len(node_ids) or len(node_ids) != len(assignments[0]):
            raise InvalidReplicationAssignmentError(f"{node_ids} is no list of replicas")
        if not set(node_ids) <= cluster.nodes.keys():
            raise InvalidReplicationAssignmentError(f"{node_ids} are not all brokers")
