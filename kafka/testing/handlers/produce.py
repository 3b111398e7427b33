"""Produce, versions 0-13.

Behaviour: what is valid is appended at once, for any `acks` and whatever `timeout_ms` says; see testing.validation and testing.producer_state
for what is checked. acks=0 gets no answer, and on an error a closed connection. Says who leads instead (KIP-951). A batch in a transaction
must be of a partition that is a part of it (KIP-890, Kafka 3.6); from version 12 on it becomes one by this.
Differs from a broker: message formats 0 and 1 are kept as they came, in versions 0-2 only; no quotas.
Imported by: testing.handlers.  Imports: errors, protocol, record, testing.{cluster,exchange,transactions,validation}.
"""

from __future__ import annotations

from typing import cast

from kafka.errors import (
    BrokerResponseError,
    CorruptRecordError,
    InvalidRequiredAcksError,
    MessageSizeTooLargeError,
    NotEnoughReplicasError,
    NotLeaderForPartitionError,
    TransactionalIdAuthorizationFailedError,
    UnknownTopicIdError,
)
from kafka.protocol.produce import (
    BatchIndexAndErrorMessage,
    LeaderIdAndEpoch,
    NodeEndpoint,
    PartitionProduceData,
    PartitionProduceResponse,
    ProduceResponse,
    TopicProduceData,
    TopicProduceResponse,
)
from kafka.record import RecordBatchView, layout
from kafka.testing.cluster import NO_LEADER, Partition, Topic
from kafka.testing.exchange import Call, Silence, words
from kafka.testing.handlers.add_partitions_to_txn import FIRST_THAT_VERIFIES, PartRules, check_part
from kafka.testing.transactions import ProducerIdAndEpoch
from kafka.testing.validation import RefusedRecords, batches_of

VERSIONS = (0, 13)

_NO_ACKS, _ALL_ACKS, _KNOWN_ACKS = 0, -1, (-1, 0, 1)
_FIRST_WITHOUT_OLD_FORMATS, _FIRST_WITH_MAGIC_2 = (4, 0), 3
_FIRST_WITH_HINTS, _FIRST_WITH_TOPIC_IDS = 10, 13
_RULES = PartRules(first_with_abortable=11, first_that_adds=12, busy=NotEnoughReplicasError)


def handle(call: Call) -> ProduceResponse | Silence:
    if call.cluster.version is not None and call.cluster.version >= _FIRST_WITHOUT_OLD_FORMATS and call.version < _FIRST_WITH_MAGIC_2:
        return Silence.CLOSE  # these versions are listed nevertheless, KAFKA-18659
    response = ProduceResponse(responses=[_topic(call, asked) for asked in call.request.topic_data])
    response.node_endpoints = _endpoints(call, response)
    if call.request.acks != _NO_ACKS:
        return response
    has_failed = any(partition.error_code for topic in response.responses for partition in topic.partition_responses)
    return Silence.CLOSE if has_failed else Silence.NO_ANSWER


def _topic(call: Call, asked: TopicProduceData) -> TopicProduceResponse:
    by_id = call.version >= _FIRST_WITH_TOPIC_IDS
    topic = call.cluster.topic_by_id(asked.topic_id) if by_id else call.cluster.topics.get(asked.name)
    if by_id and topic is None:
        unknown = UnknownTopicIdError(f"There is no topic with id {asked.topic_id}")
        answers = [_refused(data.index, unknown) for data in asked.partition_data]
    else:
        answers = [_append(call, topic, data) for data in asked.partition_data]
    return TopicProduceResponse(name=asked.name, topic_id=asked.topic_id, partition_responses=answers)


def _append(call: Call, topic: Topic | None, data: PartitionProduceData) -> PartitionProduceResponse:
    records = cast("memoryview | None", data.records)
    try:
        call.check_exists(topic, data.index)
        batches = batches_of(records, call.version)
        if call.request.acks not in _KNOWN_ACKS:
            raise InvalidRequiredAcksError(f"acks={call.request.acks}")
        partition = call.led(topic, data.index)
        producer = _in_transaction(records)
        if producer is not None:
            _check_transaction(call, cast(Topic, topic), partition, producer)
    except BrokerResponseError as error:
        failed = _refused(data.index, error)
        if topic is not None and isinstance(error, NotLeaderForPartitionError):
            partition = topic.partitions[data.index]
            failed.current_leader = LeaderIdAndEpoch(leader_id=partition.leader, leader_epoch=partition.leader_epoch)
        return failed
    return _write(call, cast(Topic, topic), partition, memoryview(b"") if records is None else records, batches)


def _write(call: Call, topic: Topic, partition: Partition, records: memoryview, batches: list[RecordBatchView]) -> PartitionProduceResponse:
    cluster, log = call.cluster, partition.log
    try:
        least = cluster.min_insync_of(topic)
        if call.request.acks == _ALL_ACKS and len(partition.isr) < least:
            raise NotEnoughReplicasError(f"{len(partition.isr)} replicas of {topic.name}-{partition.index} are in sync, and {least} are needed")
        appended = log.append(records, batches, max_bytes=cluster.limit_of(topic), like=cluster.version)
    except (CorruptRecordError, MessageSizeTooLargeError) as error:
        return _refused(partition.index, error)
    except BrokerResponseError as error:
        return _refused(partition.index, error, log.start_offset)
    except RefusedRecords as refused:
        failed = _refused(partition.index, refused.error, log.start_offset)
        failed.record_errors = [BatchIndexAndErrorMessage(batch_index=index) for index in refused.indexes]
        return failed
    return PartitionProduceResponse(
        index=partition.index,
        base_offset=appended.base_offset,
        log_append_time_ms=appended.log_append_time_ms,
        log_start_offset=log.start_offset,
    )


def _refused(index: int, error: BrokerResponseError, log_start_offset: int = -1) -> PartitionProduceResponse:
    """Kafka says where the log begins if it has come so far as to look at it."""
    return PartitionProduceResponse(
        index=index, error_code=error.errno, base_offset=-1, log_start_offset=log_start_offset, error_message=words(error)
    )


def _in_transaction(records: memoryview | None) -> ProducerIdAndEpoch | None:
    """Whose transaction the batch says that it is in; None for none."""
    if records is None or len(records) < layout.BATCH_HEADER.size or records[layout.MAGIC_AT] != 2:
        return None
    header = layout.BATCH_HEADER.unpack_from(records)
    attributes, producer_id, epoch = header[5], header[9], header[10]
    return ProducerIdAndEpoch(producer_id, epoch) if attributes & layout.TRANSACTIONAL else None


def _check_transaction(call: Call, topic: Topic, partition: Partition, producer: ProducerIdAndEpoch) -> None:
    """KIP-890: a batch that comes late must not begin a transaction that nobody ends."""
    transactional_id = call.request.transactional_id
    if transactional_id is None:
        raise TransactionalIdAuthorizationFailedError("The request names no transactional id")
    if call.cluster.release < FIRST_THAT_VERIFIES or partition.log.producers.has_open_transaction(*producer):
        return
    check_part(call, _RULES, transactional_id, producer, partition=(topic.name, partition.index))


def _endpoints(call: Call, response: ProduceResponse) -> list[NodeEndpoint]:
    """Where the leaders are that the answer tells of (KIP-951)."""
    if call.version < _FIRST_WITH_HINTS:
        return []
    told = {partition.current_leader.leader_id for topic in response.responses for partition in topic.partition_responses}
    nodes = [call.cluster.nodes[node_id] for node_id in sorted(told - {NO_LEADER})]
    return [NodeEndpoint(node_id=node.node_id, host=node.host, port=node.port) for node in nodes]
