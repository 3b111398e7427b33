"""Produce, versions 0-12.

Behaviour: what is valid is appended at once, for any `acks` and whatever `timeout_ms` says; see testing.log for what is checked. acks=0 gets
no answer, and on an error a closed connection.
Differs from a broker: message formats 0 and 1 are kept as they came, in versions 0-2 only; no transactions, no sequence numbers, no quotas.
Imported by: testing.handlers.  Imports: errors, protocol, testing.{cluster,exchange,log}.
"""

from __future__ import annotations

from typing import cast

from kafka.errors import (
    BrokerResponseError,
    InvalidRequiredAcksError,
    NotEnoughReplicasError,
    NotLeaderForPartitionError,
    UnknownTopicOrPartitionError,
)
from kafka.protocol.produce import PartitionProduceData, PartitionProduceResponse, ProduceResponse, TopicProduceResponse
from kafka.testing.cluster import Partition, Topic
from kafka.testing.exchange import Call, Silence
from kafka.testing.log import Appended

VERSIONS = (0, 12)

_NO_ACKS, _ALL_ACKS, _KNOWN_ACKS = 0, -1, (-1, 0, 1)
_FIRST_WITHOUT_OLD_FORMATS, _FIRST_WITH_MAGIC_2 = (4, 0), 3


def handle(call: Call) -> ProduceResponse | Silence:
    if call.cluster.version is not None and call.cluster.version >= _FIRST_WITHOUT_OLD_FORMATS and call.version < _FIRST_WITH_MAGIC_2:
        return Silence.CLOSE  # these versions are listed nevertheless, KAFKA-18659
    response = ProduceResponse(
        responses=[
            TopicProduceResponse(name=topic.name, partition_responses=[_append(call, topic.name, data) for data in topic.partition_data])
            for topic in call.request.topic_data
        ]
    )
    if call.request.acks != _NO_ACKS:
        return response
    has_failed = any(partition.error_code for topic in response.responses for partition in topic.partition_responses)
    return Silence.CLOSE if has_failed else Silence.NO_ANSWER


def _append(call: Call, topic: str, data: PartitionProduceData) -> PartitionProduceResponse:
    try:
        if call.request.acks not in _KNOWN_ACKS:
            raise InvalidRequiredAcksError(f"acks={call.request.acks}")
        partition = call.cluster.partition(topic, data.index)
        if partition is None:
            raise UnknownTopicOrPartitionError(f"{topic}-{data.index}")
        if partition.leader != call.node.node_id:
            raise NotLeaderForPartitionError(f"{topic}-{data.index} is led by node {partition.leader}")
        appended = _write(call, call.cluster.topics[topic], partition, data)
    except BrokerResponseError as error:
        return PartitionProduceResponse(index=data.index, error_code=error.errno, base_offset=-1, error_message=_words(error))
    return PartitionProduceResponse(
        index=data.index,
        base_offset=appended.base_offset,
        log_append_time_ms=appended.log_append_time_ms,
        log_start_offset=partition.log.start_offset,
    )


def _write(call: Call, topic: Topic, partition: Partition, data: PartitionProduceData) -> Appended:
    least = call.cluster.min_insync_of(topic)
    if call.request.acks == _ALL_ACKS and len(partition.isr) < least:
        raise NotEnoughReplicasError(f"{len(partition.isr)} replicas of {topic.name}-{data.index} are in sync, and {least} are needed")
    return partition.log.append(cast("memoryview | None", data.records), call.version, max_bytes=call.cluster.limit_of(topic))


def _words(error: BrokerResponseError) -> str | None:
    return str(error.args[0]) if error.args else error.description
