"""Produce, versions 0-12.

Behaviour: what is valid is appended at once, for any `acks` and whatever `timeout_ms` says; see testing.validation and testing.producer_state
for what is checked. acks=0 gets no answer, and on an error a closed connection. Says who leads instead (KIP-951). A batch in a transaction
must be of a partition that is a part of it (KIP-890, Kafka 3.6); from version 12 on it becomes one by this.
Differs from a broker: message formats 0 and 1 are kept as they came, in versions 0-2 only; no quotas.
Imported by: testing.handlers.  Imports: errors, protocol, record, testing.{cluster,exchange,log,transactions}.
"""

from __future__ import annotations

from typing import cast

from kafka.errors import (
    BrokerResponseError,
    ConcurrentTransactionsError,
    InvalidProducerEpochError,
    InvalidRequiredAcksError,
    InvalidTxnStateError,
    NotEnoughReplicasError,
    NotLeaderForPartitionError,
    ProducerFencedError,
    TransactionAbortableError,
    TransactionalIdAuthorizationFailedError,
)
from kafka.protocol.produce import (
    LeaderIdAndEpoch,
    NodeEndpoint,
    PartitionProduceData,
    PartitionProduceResponse,
    ProduceResponse,
    TopicProduceResponse,
)
from kafka.record import layout
from kafka.testing.cluster import NO_LEADER, Partition, Topic
from kafka.testing.exchange import Call, Silence, words
from kafka.testing.log import Appended
from kafka.testing.transactions import ProducerIdAndEpoch

VERSIONS = (0, 12)

_NO_ACKS, _ALL_ACKS, _KNOWN_ACKS = 0, -1, (-1, 0, 1)
_FIRST_WITHOUT_OLD_FORMATS, _FIRST_WITH_MAGIC_2 = (4, 0), 3
_FIRST_WITH_HINTS = 10
_FIRST_THAT_VERIFIES = (3, 6)
_FIRST_WITH_ABORTABLE, _FIRST_THAT_ADDS = 11, 12


def handle(call: Call) -> ProduceResponse | Silence:
    if call.cluster.version is not None and call.cluster.version >= _FIRST_WITHOUT_OLD_FORMATS and call.version < _FIRST_WITH_MAGIC_2:
        return Silence.CLOSE  # these versions are listed nevertheless, KAFKA-18659
    response = ProduceResponse(
        responses=[
            TopicProduceResponse(name=topic.name, partition_responses=[_append(call, topic.name, data) for data in topic.partition_data])
            for topic in call.request.topic_data
        ]
    )
    response.node_endpoints = _endpoints(call, response)
    if call.request.acks != _NO_ACKS:
        return response
    has_failed = any(partition.error_code for topic in response.responses for partition in topic.partition_responses)
    return Silence.CLOSE if has_failed else Silence.NO_ANSWER


def _append(call: Call, topic_name: str, data: PartitionProduceData) -> PartitionProduceResponse:
    topic = call.cluster.topics.get(topic_name)
    try:
        if call.request.acks not in _KNOWN_ACKS:
            raise InvalidRequiredAcksError(f"acks={call.request.acks}")
        partition = call.led(topic, data.index)
        appended = _write(call, cast(Topic, topic), partition, cast("memoryview | None", data.records))
    except BrokerResponseError as error:
        failed = PartitionProduceResponse(index=data.index, error_code=error.errno, base_offset=-1, error_message=words(error))
        if topic is not None and isinstance(error, NotLeaderForPartitionError):
            partition = topic.partitions[data.index]
            failed.current_leader = LeaderIdAndEpoch(leader_id=partition.leader, leader_epoch=partition.leader_epoch)
        return failed
    return PartitionProduceResponse(
        index=data.index,
        base_offset=appended.base_offset,
        log_append_time_ms=appended.log_append_time_ms,
        log_start_offset=partition.log.start_offset,
    )


def _write(call: Call, topic: Topic, partition: Partition, records: memoryview | None) -> Appended:
    least = call.cluster.min_insync_of(topic)
    if call.request.acks == _ALL_ACKS and len(partition.isr) < least:
        raise NotEnoughReplicasError(f"{len(partition.isr)} replicas of {topic.name}-{partition.index} are in sync, and {least} are needed")
    producer = _in_transaction(records)
    if producer is not None:
        _check_transaction(call, topic, partition, producer)
    return partition.log.append(records, call.version, max_bytes=call.cluster.limit_of(topic))


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
    if call.cluster.release < _FIRST_THAT_VERIFIES or partition.log.producers.has_open_transaction(producer.producer_id):
        return
    transactions = call.cluster.transactions
    name = topic.name, partition.index
    try:
        if call.version >= _FIRST_THAT_ADDS:
            transactions.add(transactional_id, producer, [name])
        elif not transactions.has(transactional_id, producer, partition=name):
            kind = TransactionAbortableError if call.version >= _FIRST_WITH_ABORTABLE else InvalidTxnStateError
            raise kind(f"{topic.name}-{partition.index} is not in the transaction of {transactional_id}")
    except ProducerFencedError as error:
        raise InvalidProducerEpochError(words(error)) from None
    except ConcurrentTransactionsError as error:
        if call.version >= _FIRST_THAT_ADDS:
            raise
        raise NotEnoughReplicasError(words(error)) from None  # which every client tries again


def _endpoints(call: Call, response: ProduceResponse) -> list[NodeEndpoint]:
    """Where the leaders are that the answer tells of (KIP-951)."""
    if call.version < _FIRST_WITH_HINTS:
        return []
    told = {partition.current_leader.leader_id for topic in response.responses for partition in topic.partition_responses}
    nodes = [call.cluster.nodes[node_id] for node_id in sorted(told - {NO_LEADER})]
    return [NodeEndpoint(node_id=node.node_id, host=node.host, port=node.port) for node in nodes]
