"""CreatePartitions, versions 0-3.

Behaviour: a topic grows to the number of partitions asked for, or with `validate_only` it is said whether it could; before Kafka 3.3 the controller
alone answers.
Differs from a broker: the partitions are there when the answer comes, whatever `timeout_ms` says.
Imported by: testing.handlers.  Imports: errors, protocol, testing.exchange.
"""

from __future__ import annotations

from kafka.errors import BrokerResponseError, InvalidPartitionsError, InvalidReplicationAssignmentError, UnknownTopicOrPartitionError
from kafka.protocol.create_partitions import CreatePartitionsResponse, CreatePartitionsTopic, CreatePartitionsTopicResult
from kafka.testing.exchange import Call, words
from kafka.testing.handlers.create_topics import check_assignments, check_controller

VERSIONS = (0, 3)


def handle(call: Call) -> CreatePartitionsResponse:
    return CreatePartitionsResponse(results=[_result(call, asked) for asked in call.request.topics])


def _result(call: Call, asked: CreatePartitionsTopic) -> CreatePartitionsTopicResult:
    try:
        check_controller(call)
        _grow(call, asked)
    except BrokerResponseError as error:
        return CreatePartitionsTopicResult(name=asked.name, error_code=error.errno, error_message=words(error))
    return CreatePartitionsTopicResult(name=asked.name)


def _grow(call: Call, asked: CreatePartitionsTopic) -> None:
    cluster = call.cluster
    topic = cluster.topics.get(asked.name)
    if topic is None:
        raise UnknownTopicOrPartitionError(f"There is no topic {asked.name}")
    has = len(topic.partitions)
    if asked.count <= has:
        raise InvalidPartitionsError(f"The topic has {has} partitions already")
    assignments = None
    if asked.assignments is not None:
        assignments = [assignment.broker_ids for assignment in asked.assignments]
        if len(assignments) != asked.count - has:
            raise InvalidReplicationAssignmentError(f"{asked.count - has} partitions are new, and {len(assignments)} are assigned")
        check_assignments(cluster, assignments)
    if not call.request.validate_only:
        cluster.add_partitions(asked.name, asked.count, assignments=assignments)
