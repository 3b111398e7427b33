"""TxnOffsetCommit, versions 0-6.

Behaviour: offsets are kept back until their transaction ends. Since Kafka 3.6 the group must be a part of it (KIP-890); from version 5 on it becomes
one by this. From version 3 on members are checked as by OffsetCommit (KIP-447).
Differs from a broker: offsets are kept for ever.
Imported by: testing.handlers.  Imports: errors, protocol, testing.{exchange,groups,transactions}.
"""

from __future__ import annotations

from kafka.errors import (
    BrokerResponseError,
    ConcurrentTransactionsError,
    CoordinatorLoadInProgressError,
    InvalidProducerEpochError,
    InvalidTxnStateError,
    NoError,
    ProducerFencedError,
    TransactionAbortableError,
    UnknownTopicIdError,
)
from kafka.protocol.txn_offset_commit import (
    TxnOffsetCommitRequestTopic,
    TxnOffsetCommitResponse,
    TxnOffsetCommitResponsePartition,
    TxnOffsetCommitResponseTopic,
)
from kafka.testing.exchange import Call, words
from kafka.testing.handlers.join_group import check_group
from kafka.testing.handlers.offset_commit import check_member, code_of_offset, committed_offset
from kafka.testing.transactions import ProducerIdAndEpoch

VERSIONS = (0, 6)

_FIRST_THAT_VERIFIES = (3, 6)
_FIRST_WITH_ABORTABLE, _FIRST_THAT_ADDS, _FIRST_WITH_TOPIC_IDS = 4, 5, 6


def handle(call: Call) -> TxnOffsetCommitResponse:
    request = call.request
    try:
        check_group(call, request.group_id)
        check_member(call, in_transaction=True)
        _check_transaction(call)
    except BrokerResponseError as error:
        return TxnOffsetCommitResponse(topics=[_topic(asked, [error.errno] * len(asked.partitions)) for asked in request.topics])
    return TxnOffsetCommitResponse(topics=[_commit(call, asked) for asked in request.topics])


def _check_transaction(call: Call) -> None:
    request, transactions = call.request, call.cluster.transactions
    producer = ProducerIdAndEpoch(request.producer_id, request.producer_epoch)
    try:
        if call.version >= _FIRST_THAT_ADDS:
            transactions.add(request.transactional_id, producer, group=request.group_id)
        elif not transactions.has(request.transactional_id, producer, group=request.group_id) and call.cluster.release >= _FIRST_THAT_VERIFIES:
            kind = TransactionAbortableError if call.version >= _FIRST_WITH_ABORTABLE else InvalidTxnStateError
            raise kind(f"Group {request.group_id} is not in the transaction of {request.transactional_id}")
    except ProducerFencedError as error:
        raise InvalidProducerEpochError(words(error)) from None
    except ConcurrentTransactionsError as error:
        if call.version >= _FIRST_THAT_ADDS:
            raise
        raise CoordinatorLoadInProgressError(words(error)) from None  # which every client tries again


def _commit(call: Call, asked: TxnOffsetCommitRequestTopic) -> TxnOffsetCommitResponseTopic:
    request = call.request
    by_id = call.version >= _FIRST_WITH_TOPIC_IDS
    topic = call.cluster.topic_by_id(asked.topic_id) if by_id else call.cluster.topics.get(asked.name)
    codes = []
    for partition in asked.partitions:
        code = UnknownTopicIdError.errno if by_id and topic is None else code_of_offset(topic, partition)
        if topic is not None and code == NoError.errno:
            name = topic.name, partition.partition_index
            call.cluster.offsets.commit_in_transaction(request.group_id, request.producer_id, name, committed_offset(partition))
        codes.append(code)
    return _topic(asked, codes)


def _topic(asked: TxnOffsetCommitRequestTopic, codes: list[int | None]) -> TxnOffsetCommitResponseTopic:
    partitions = [
        TxnOffsetCommitResponsePartition(partition_index=partition.partition_index, error_code=code)
        for partition, code in zip(asked.partitions, codes)
    ]
    return TxnOffsetCommitResponseTopic(name=asked.name, topic_id=asked.topic_id, partitions=partitions)
