"""The transaction coordinator: producer ids, epochs, and what each transactional id is in the middle of (KIP-98, KIP-360, KIP-890).

Imported by: testing.cluster, testing.handlers.  Imports: _clock, errors.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Callable, NamedTuple

from kafka._clock import Clock
from kafka.errors import (
    ConcurrentTransactionsError,
    InvalidProducerIdMappingError,
    InvalidRequestError,
    InvalidTransactionTimeoutError,
    InvalidTxnStateError,
    ProducerFencedError,
)

MAX_TRANSACTION_TIMEOUT_MS = 900_000  # transaction.max.timeout.ms
NO_PRODUCER = -1
_LAST_EPOCH = 0x7FFE  # one is left for fencing
_FIRST_PRODUCER_ID = 1000


class ProducerIdAndEpoch(NamedTuple):
    """Who a producer is to the brokers."""

    producer_id: int
    epoch: int


NOBODY = ProducerIdAndEpoch(NO_PRODUCER, NO_PRODUCER)


class TransactionState(Enum):
    """Where a transactional id stands; the values are Kafka's names."""

    EMPTY = "Empty"
    ONGOING = "Ongoing"
    PREPARE_COMMIT = "PrepareCommit"
    PREPARE_ABORT = "PrepareAbort"
    COMPLETE_COMMIT = "CompleteCommit"
    COMPLETE_ABORT = "CompleteAbort"


_EMPTY, _ONGOING = TransactionState.EMPTY, TransactionState.ONGOING
_PREPARE_COMMIT, _PREPARE_ABORT = TransactionState.PREPARE_COMMIT, TransactionState.PREPARE_ABORT
_COMPLETE_COMMIT, _COMPLETE_ABORT = TransactionState.COMPLETE_COMMIT, TransactionState.COMPLETE_ABORT

# An abort of nothing goes straight from rest, which only clients of the second version of transactions may ask for.
TRANSITIONS: dict[TransactionState, frozenset[TransactionState]] = {
    _EMPTY: frozenset({_EMPTY, _ONGOING, _PREPARE_ABORT}),
    _ONGOING: frozenset({_ONGOING, _PREPARE_COMMIT, _PREPARE_ABORT}),
    _PREPARE_COMMIT: frozenset({_COMPLETE_COMMIT}),
    _PREPARE_ABORT: frozenset({_COMPLETE_ABORT}),
    _COMPLETE_COMMIT: frozenset({_EMPTY, _ONGOING, _PREPARE_ABORT}),
    _COMPLETE_ABORT: frozenset({_EMPTY, _ONGOING, _PREPARE_ABORT}),
}

_ENDING = frozenset({_PREPARE_COMMIT, _PREPARE_ABORT})

TopicPartition = tuple[str, int]
WriteMarker = Callable[[TopicPartition, ProducerIdAndEpoch, bool], bool]
"""Ends a producer's transaction in a partition, committed or not; False while it has no leader."""
EndOffsets = Callable[[str, int, bool], None]
"""Has a group keep or forget the offsets that a producer id's transaction has for it."""


class Transaction:
    """One transactional id.

    Threads: whoever holds the cluster's lock.
    """

    def __init__(self, transactional_id: str) -> None:
        self.transactional_id = transactional_id
        self.producer = NOBODY
        self.previous = NOBODY
        """Who the producer was before it got the epoch that it has by asking for it: it may ask again."""
        self.ended_by = NOBODY
        """Who is named in the markers of the transaction that is ending."""
        self.timeout_ms = 0
        self.state = _EMPTY
        self.partitions: set[TopicPartition] = set()
        """Those in the transaction, and while it is ending those that have no marker yet."""
        self.groups: set[str] = set()
        self.began_s = 0.0

    def change(self, state: TransactionState) -> None:
        """RuntimeError for a change that is not in the table; the state stays then."""
        if state not in TRANSITIONS[self.state]:
            raise RuntimeError(f"Transaction {self.transactional_id} cannot go from {self.state.value} to {state.value}")
        self.state = state


class TransactionCoordinator:
    """Every transactional id of the cluster; nodes share it, so that none is lost with a node.

    Threads: whoever holds the cluster's lock.
    """

    coordinator_epoch = 0

    def __init__(self, clock: Clock, write_marker: WriteMarker, end_offsets: EndOffsets) -> None:
        self._clock = clock
        self._write_marker = write_marker
        self._end_offsets = end_offsets
        self._next_producer_id = _FIRST_PRODUCER_ID
        self.transactions: dict[str, Transaction] = {}
        self._unsettled: dict[str, Transaction] = {}  # those with a transaction that goes on or is being ended

    # --- who -----------------------------------------------------------------------------------------------------

    def new_producer(self) -> ProducerIdAndEpoch:
        """An id that nobody has had."""
        self._next_producer_id += 1
        return ProducerIdAndEpoch(self._next_producer_id - 1, 0)

    def init_producer(self, transactional_id: str, timeout_ms: int, expected: ProducerIdAndEpoch) -> ProducerIdAndEpoch:
        """The id of this transactional id with its next epoch, which fences all earlier ones.

        `expected`: who asks, NOBODY where it was nobody yet. ConcurrentTransactionsError while a transaction of the one before is
        being ended, ProducerFencedError where another has taken its place, InvalidTransactionTimeoutError.
        """
        if not 0 < timeout_ms <= MAX_TRANSACTION_TIMEOUT_MS:
            raise InvalidTransactionTimeoutError(f"{timeout_ms} ms is not between 1 and {MAX_TRANSACTION_TIMEOUT_MS}")
        found = self.transactions.setdefault(transactional_id, Transaction(transactional_id))
        is_known = expected != NOBODY and found.producer != NOBODY
        if is_known and expected.producer_id not in (found.producer.producer_id, found.previous.producer_id):
            raise _fenced(found, expected)
        self._go_on(found)
        if found.state in _ENDING:
            raise ConcurrentTransactionsError(f"A transaction of {transactional_id} is being ended")
        if found.state is _ONGOING:
            self._fence(found)
            raise ConcurrentTransactionsError(f"A transaction of {transactional_id} had to be aborted")
        found.timeout_ms = timeout_ms
        if is_known and expected == found.previous:
            return found.producer  # it has been answered, and has not got the answer
        if is_known and expected != found.producer:
            raise _fenced(found, expected)
        found.previous = found.producer if is_known else NOBODY
        found.producer = self._after(found.producer)
        found.change(_EMPTY)
        return found.producer

    def _after(self, producer: ProducerIdAndEpoch) -> ProducerIdAndEpoch:
        if producer == NOBODY or producer.epoch >= _LAST_EPOCH:
            return self.new_producer()
        return producer._replace(epoch=producer.epoch + 1)

    def _fence(self, found: Transaction) -> None:
        """Abort what goes on; whoever began it has an old epoch from now on."""
        found.producer = found.producer._replace(epoch=found.producer.epoch + 1)
        found.previous = NOBODY
        self._prepare(found, is_commit=False, ended_by=found.producer)

    def expire(self) -> None:
        """Abort the transactions that have been open longer than their producers said they would be."""
        for found in list(self._unsettled.values()):
            if found.state is _ONGOING and self._clock.monotonic() - found.began_s > found.timeout_ms / 1000:
                self._fence(found)
            self._go_on(found)

    # --- what ----------------------------------------------------------------------------------------------------

    def add(self, transactional_id: str, producer: ProducerIdAndEpoch, partitions: Iterable[TopicPartition] = (), group: str | None = None) -> None:
        """Make these a part of the transaction, which begins with the first.

        InvalidProducerIdMappingError, ProducerFencedError, ConcurrentTransactionsError while the one before is being ended.
        """
        found = self._of(transactional_id, producer)
        self._go_on(found)
        if found.state in _ENDING:
            raise ConcurrentTransactionsError(f"The transaction before this one of {transactional_id} is being ended")
        if found.state is not _ONGOING:
            found.began_s = self._clock.monotonic()
        found.change(_ONGOING)
        self._unsettled[transactional_id] = found
        found.partitions.update(partitions)
        if group is not None:
            found.groups.add(group)

    def has(self, transactional_id: str, producer: ProducerIdAndEpoch, *, partition: TopicPartition | None = None, group: str | None = None) -> bool:
        """Whether this is a part of a transaction that goes on; errors as add()."""
        found = self._of(transactional_id, producer)
        if found.state in _ENDING:
            raise ConcurrentTransactionsError(f"The transaction of {transactional_id} is being ended")
        return found.state is _ONGOING and (partition in found.partitions or group in found.groups)

    def end(self, transactional_id: str, producer: ProducerIdAndEpoch, *, is_commit: bool, bumps_epoch: bool) -> ProducerIdAndEpoch:
        """Commit or abort; gives who the producer is now.

        `bumps_epoch`: each transaction has an epoch of its own, and one with nothing in it may be aborted (KIP-890).
        InvalidTxnStateError where there is nothing to end or it was ended in another way; others as add().
        """
        if bumps_epoch:
            return self._end_with_bump(transactional_id, producer, is_commit)
        found = self._of(transactional_id, producer)
        self._go_on(found)
        if found.state is _ONGOING:
            self._prepare(found, is_commit=is_commit, ended_by=found.producer)
        elif found.state in _ENDING and (found.state is _PREPARE_COMMIT) is is_commit:
            raise ConcurrentTransactionsError(f"The transaction of {transactional_id} is being ended")
        elif found.state is not (_COMPLETE_COMMIT if is_commit else _COMPLETE_ABORT):
            raise InvalidTxnStateError(f"{transactional_id} is {found.state.value}")
        return found.producer

    def _end_with_bump(self, transactional_id: str, producer: ProducerIdAndEpoch, is_commit: bool) -> ProducerIdAndEpoch:
        found = self.transactions.get(transactional_id)
        is_repeated = found is not None and producer == found.previous and producer != NOBODY
        if found is None or not is_repeated:
            found = self._of(transactional_id, producer)
        self._go_on(found)
        if found.state in _ENDING and (found.state is _PREPARE_COMMIT) is is_commit:
            raise ConcurrentTransactionsError(f"The transaction of {transactional_id} is being ended")
        if is_repeated and found.state is _ONGOING:
            raise _fenced(found, producer)
        if is_repeated and found.state is (_COMPLETE_COMMIT if is_commit else _COMPLETE_ABORT):
            return found.producer
        if is_repeated or found.state in _ENDING or (is_commit and found.state is not _ONGOING):
            raise InvalidTxnStateError(f"{transactional_id} is {found.state.value}")
        found.previous = found.producer
        found.producer = self._after(found.producer)
        self._prepare(found, is_commit=is_commit, ended_by=found.previous._replace(epoch=found.previous.epoch + 1))
        return found.producer

    def _prepare(self, found: Transaction, *, is_commit: bool, ended_by: ProducerIdAndEpoch) -> None:
        found.change(_PREPARE_COMMIT if is_commit else _PREPARE_ABORT)
        found.ended_by = ended_by
        self._unsettled[found.transactional_id] = found
        self._go_on(found)

    def _go_on(self, found: Transaction) -> None:
        """Write the markers that are missing where that can be done; with the last one the transaction is over."""
        if found.state not in _ENDING:
            return
        is_commit = found.state is _PREPARE_COMMIT
        found.partitions = {partition for partition in found.partitions if not self._write_marker(partition, found.ended_by, is_commit)}
        if found.partitions:
            return
        for group in found.groups:
            self._end_offsets(group, found.ended_by.producer_id, is_commit)
        found.groups.clear()
        found.change(_COMPLETE_COMMIT if is_commit else _COMPLETE_ABORT)
        del self._unsettled[found.transactional_id]

    def _of(self, transactional_id: str, producer: ProducerIdAndEpoch) -> Transaction:
        if not transactional_id:
            raise InvalidRequestError("A transactional id is not empty")
        found = self.transactions.get(transactional_id)
        if found is None or found.producer.producer_id != producer.producer_id:
            raise InvalidProducerIdMappingError(f"{transactional_id} is not producer {producer.producer_id}")
        if found.producer.epoch != producer.epoch:
            raise _fenced(found, producer)
        return found


def _fenced(found: Transaction, producer: ProducerIdAndEpoch) -> ProducerFencedError:
    return ProducerFencedError(f"{found.transactional_id} is producer {found.producer.producer_id}, epoch {found.producer.epoch}, not {producer}")
