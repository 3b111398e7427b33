"""DeleteTopics, versions 0-6.

Behaviour: topics are deleted by name, from version 6 on by topic id too; before Kafka 3.3 the controller alone answers.
Differs from a broker: the topic is gone when the answer comes, whatever `timeout_ms` says.
Imported by: testing.handlers.  Imports: errors, protocol, testing.{cluster,exchange}.
"""

from __future__ import annotations

from kafka.errors import BrokerResponseError, InvalidRequestError, UnknownTopicIdError, UnknownTopicOrPartitionError
from kafka.protocol.delete_topics import DeletableTopicResult, DeleteTopicsResponse, DeleteTopicState
from kafka.protocol.schema import NO_UUID
from kafka.testing.cluster import Topic
from kafka.testing.exchange import Call, words
from kafka.testing.handlers.create_topics import check_controller

VERSIONS = (0, 6)


def handle(call: Call) -> DeleteTopicsResponse:
    by_name = [DeleteTopicState(name=name) for name in call.request.topic_names]  # of versions that do not have the other list
    return DeleteTopicsResponse(responses=[_result(call, asked) for asked in (*call.request.topics, *by_name)])


def _result(call: Call, asked: DeleteTopicState) -> DeletableTopicResult:
    try:
        check_controller(call)
        topic = _find(call, asked)
    except BrokerResponseError as error:
        return DeletableTopicResult(name=asked.name, topic_id=asked.topic_id, error_code=error.errno, error_message=words(error))
    call.cluster.delete_topic(topic.name)
    return DeletableTopicResult(name=topic.name, topic_id=topic.topic_id)


def _find(call: Call, asked: DeleteTopicState) -> Topic:
    if (asked.name is None) is (asked.topic_id == NO_UUID):
        raise InvalidRequestError("A topic has either a name or an id")
    if asked.name is None:
        by_id = call.cluster.topic_by_id(asked.topic_id)
        if by_id is None:
            raise UnknownTopicIdError(f"There is no topic with id {asked.topic_id}")
        return by_id
    if asked.name not in call.cluster.topics:
        raise UnknownTopicOrPartitionError(f"There is no topic {asked.name}")
    return call.cluster.topics[asked.name]
