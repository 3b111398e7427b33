"""TxnOffsetCommit, versions 0-6.

Behaviour: offsets are kept back until their transaction ends. Since Kafka 3.6 the group must be a part of it (KIP-890); from version 5 on it becomes
one by this. From version 3 on members are checked as by OffsetCommit (KIP-447).
Differs from a broker: offsets are kept for ever.
Imported by: testing.handlers.  Imports: errors, protocol, testing.{exchange,groups,transactions}.
"""

from __future__ import annotations

import functools

from kafka.errors import BrokerResponseError, CoordinatorLoadInProgressError
from kafka.protocol.txn_offset_commit import (
    TxnOffsetCommitRequestTopic,
    TxnOffsetCommitResponse,
    TxnOffsetCommitResponsePartition,
    TxnOffsetCommitResponseTopic,
)
from kafka.testing.exchange import Call
from kafka.testing.handlers.add_partitions_to_txn import PartRules, check_part
from kafka.testing.handlers.join_group import check_group
from kafka.testing.handlers.offset_commit import check_member, commit_each
from kafka.testing.transactions import ProducerIdAndEpoch

VERSIONS = (0, 6)

_RULES = PartRules(first_with_abortable=4, first_that_adds=5, busy=CoordinatorLoadInProgressError)
_FIRST_WITH_TOPIC_IDS = 6


def handle(call: Call) -> TxnOffsetCommitResponse:
    request = call.request
    try:
        check_group(call, request.group_id)
        check_member(call, in_transaction=True)
        producer = ProducerIdAndEpoch(request.producer_id, request.producer_epoch)
        check_part(call, _RULES, request.transactional_id, producer, group=request.group_id)
    except BrokerResponseError as error:
        return TxnOffsetCommitResponse(topics=[_topic(asked, [error.errno] * len(asked.partitions)) for asked in request.topics])
    return TxnOffsetCommitResponse(topics=[_commit(call, asked) for asked in request.topics])


def _commit(call: Call, asked: TxnOffsetCommitRequestTopic) -> TxnOffsetCommitResponseTopic:
    request = call.request
    keep = functools.partial(call.cluster.offsets.commit_in_transaction, request.group_id, request.producer_id)
    return _topic(asked, commit_each(call, asked, keep, by_id=call.version >= _FIRST_WITH_TOPIC_IDS))


def _topic(asked: TxnOffsetCommitRequestTopic, codes: list[int | None]) -> TxnOffsetCommitResponseTopic:
    partitions = [
        TxnOffsetCommitResponsePartition(partition_index=partition.partition_index, error_code=code)
        for partition, code in zip(asked.partitions, codes)
    ]
    return TxnOffsetCommitResponseTopic(name=asked.name, topic_id=asked.topic_id, partitions=partitions)
