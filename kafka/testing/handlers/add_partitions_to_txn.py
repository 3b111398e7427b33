"""AddPartitionsToTxn, versions 0-5.

Behaviour: partitions become a part of the transaction, which begins with the first; of a partition that does not exist nothing is added. Versions
4 and 5, which brokers use among themselves, take several transactions, or only look (`verify_only`).
Differs from a broker: versions 4 and 5 are open to everybody.
Imported by: testing.handlers.  Imports: errors, protocol, testing.{exchange,transactions}.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Callable, NamedTuple

from kafka.errors import (
    BrokerResponseError,
    ConcurrentTransactionsError,
    InvalidProducerEpochError,
    InvalidTxnStateError,
    NoError,
    OperationNotAttemptedError,
    ProducerFencedError,
    TransactionAbortableError,
    UnknownTopicOrPartitionError,
)
from kafka.protocol.add_partitions_to_txn import (
    AddPartitionsToTxnPartitionResult,
    AddPartitionsToTxnResponse,
    AddPartitionsToTxnResult,
    AddPartitionsToTxnTopic,
    AddPartitionsToTxnTopicResult,
)
from kafka.testing.exchange import Call, words
from kafka.testing.handlers.find_coordinator import check_coordinator
from kafka.testing.transactions import ProducerIdAndEpoch, TopicPartition

VERSIONS = (0, 5)

_FIRST_OF_BROKERS, _FIRST_WITH_ABORTABLE = 4, 5
_FIRST_WITH_FENCED = 2
FIRST_THAT_VERIFIES = (3, 6)


def handle(call: Call) -> AddPartitionsToTxnResponse:
    request = call.request
    if call.version < _FIRST_OF_BROKERS:
        producer = ProducerIdAndEpoch(request.v3_and_below_producer_id, request.v3_and_below_producer_epoch)
        results = _add(call, request.v3_and_below_transactional_id, producer, request.v3_and_below_topics, only_verify=False)
        return AddPartitionsToTxnResponse(results_by_topic_v3_and_below=results)
    return AddPartitionsToTxnResponse(
        results_by_transaction=[
            AddPartitionsToTxnResult(
                transactional_id=asked.transactional_id,
                topic_results=_add(
                    call,
                    asked.transactional_id,
                    ProducerIdAndEpoch(asked.producer_id, asked.producer_epoch),
                    asked.topics,
                    only_verify=asked.verify_only,
                ),
            )
            for asked in request.transactions
        ]
    )


def _add(
    call: Call, transactional_id: str, producer: ProducerIdAndEpoch, topics: Sequence[AddPartitionsToTxnTopic], *, only_verify: bool
) -> list[AddPartitionsToTxnTopicResult]:
    asked = [(topic.name, index) for topic in topics for index in topic.partitions]
    missing = {name for name in asked if call.cluster.partition(*name) is None}
    try:
        check_coordinator(call, transactional_id)
        if missing:
            return _results(topics, lambda name: UnknownTopicOrPartitionError.errno if name in missing else OperationNotAttemptedError.errno)
        if only_verify:
            absent = {name for name in asked if not call.cluster.transactions.has(transactional_id, producer, partition=name)}
            code = TransactionAbortableError.errno if call.version >= _FIRST_WITH_ABORTABLE else InvalidTxnStateError.errno
            return _results(topics, lambda name: code if name in absent else NoError.errno)
        call.cluster.transactions.add(transactional_id, producer, asked)
    except ProducerFencedError as error:
        fenced = error.errno if call.version >= _FIRST_WITH_FENCED else InvalidProducerEpochError.errno
        return _results(topics, lambda name: fenced)
    except BrokerResponseError as error:
        failed = error.errno
        return _results(topics, lambda name: failed)
    return _results(topics, lambda name: NoError.errno)


class PartRules(NamedTuple):
    """How an API's versions deal with what is no part of the transaction that it is written in (KIP-890)."""

    first_with_abortable: int
    first_that_adds: int
    busy: type[BrokerResponseError]
    """What older versions are told while the transaction before is being ended, for every client tries again then."""


def check_part(
    call: Call,
    rules: PartRules,
    transactional_id: str,
    producer: ProducerIdAndEpoch,
    *,
    partition: TopicPartition | None = None,
    group: str | None = None,
) -> None:
    """What is written must be of a partition or group that is a part of the transaction, or becomes one by this; raises what it is answered with."""
    transactions = call.cluster.transactions
    try:
        if call.version >= rules.first_that_adds:
            transactions.add(transactional_id, producer, () if partition is None else (partition,), group)
        elif not transactions.has(transactional_id, producer, partition=partition, group=group) and call.cluster.release >= FIRST_THAT_VERIFIES:
            kind = TransactionAbortableError if call.version >= rules.first_with_abortable else InvalidTxnStateError
            what = f"Group {group}" if partition is None else "{}-{}".format(*partition)
            raise kind(f"{what} is not in the transaction of {transactional_id}")
    except ProducerFencedError as error:
        raise InvalidProducerEpochError(words(error)) from None
    except ConcurrentTransactionsError as error:
        if call.version >= rules.first_that_adds:
            raise
        raise rules.busy(words(error)) from None


def _results(topics: Sequence[AddPartitionsToTxnTopic], code_of: Callable[[TopicPartition], int | None]) -> list[AddPartitionsToTxnTopicResult]:
    return [
        AddPartitionsToTxnTopicResult(
            name=topic.name,
            results_by_partition=[
                AddPartitionsToTxnPartitionResult(partition_index=index, partition_error_code=code_of((topic.name, index)))
                for index in topic.partitions
            ],
        )
        for topic in topics
    ]
