"""What a partition remembers of its producers: epochs, sequence numbers, and who has a transaction open (KIP-98, KIP-360).

Imported by: testing.log.  Imports: errors, record, testing.releases.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from kafka.errors import (
    DuplicateSequenceNumberError,
    InvalidProducerEpochError,
    InvalidTxnStateError,
    OutOfOrderSequenceNumberError,
    UnknownProducerIdError,
)
from kafka.record import RecordBatchView
from kafka.testing.releases import Release

REMEMBERED_BATCHES = 5
_LARGEST_SEQUENCE = 0x7FFFFFFF
_NO_EPOCH = -1

_FIRST_WITH_SEVERAL_BATCHES: Release = (1, 0)
_FIRST_THAT_TAKES_UNKNOWN_PRODUCERS: Release = (2, 5)  # KIP-360


class KeptBatch(NamedTuple):
    """A batch that is remembered, so that it is known when it comes again."""

    first_sequence: int
    last_sequence: int
    base_offset: int
    timestamp_ms: int


class AbortedTransaction(NamedTuple):
    """What consumers that read committed records are told to leave out; `last_offset` is the marker's."""

    producer_id: int
    first_offset: int
    last_offset: int


class _Producer:
    """One producer id in one partition.

    Threads: as ProducerStates.
    """

    def __init__(self) -> None:
        self.epoch = _NO_EPOCH
        self.batches: deque[KeptBatch] = deque(maxlen=REMEMBERED_BATCHES)
        self.first_offset: int | None = None
        """Of the transaction that is open."""

    def set_epoch(self, epoch: int) -> None:
        if epoch != self.epoch:
            self.epoch = epoch
            self.batches.clear()


class ProducerStates:
    """The producers of one partition.

    Threads: whoever holds the cluster's lock.
    """

    def __init__(self, release: Release) -> None:
        self._release = release
        self._producers: dict[int, _Producer] = {}
        self.aborted: list[AbortedTransaction] = []

    def first_unstable_offset(self) -> int | None:
        """Where the oldest open transaction begins."""
        return min((producer.first_offset for producer in self._producers.values() if producer.first_offset is not None), default=None)

    def has_open_transaction(self, producer_id: int, epoch: int) -> bool:
        producer = self._producers.get(producer_id)
        return producer is not None and producer.first_offset is not None and producer.epoch == epoch

    def check(self, batch: RecordBatchView) -> KeptBatch | None:
        """The batch that this one repeats, or None: it may be appended.

        InvalidProducerEpochError, OutOfOrderSequenceNumberError, InvalidTxnStateError; of older releases UnknownProducerIdError and
        DuplicateSequenceNumberError too.
        """
        producer = self._producers.get(batch.producer_id, _Producer())
        if batch.producer_epoch < producer.epoch:
            raise InvalidProducerEpochError(f"Producer {batch.producer_id} has epoch {producer.epoch}, and this batch {batch.producer_epoch}")
        repeated = self._find(producer, batch)
        if repeated is not None:
            return repeated
        self._check_sequence(producer, batch)
        if producer.first_offset is not None and not batch.is_transactional:
            raise InvalidTxnStateError(f"Producer {batch.producer_id} has a transaction open and sent a batch that is in none")
        return None

    def appended(self, batch: RecordBatchView, base_offset: int) -> None:
        """A batch that check() let through has its place."""
        producer = self._producers.setdefault(batch.producer_id, _Producer())
        producer.set_epoch(batch.producer_epoch)
        last_sequence = _plus(batch.base_sequence, batch.last_offset_delta)
        producer.batches.append(KeptBatch(batch.base_sequence, last_sequence, base_offset, batch.max_timestamp))
        if batch.is_transactional and producer.first_offset is None:
            producer.first_offset = base_offset

    def ended(self, producer_id: int, epoch: int, marker_offset: int, *, is_commit: bool) -> None:
        """A transaction's marker was appended."""
        producer = self._producers.setdefault(producer_id, _Producer())
        producer.set_epoch(max(epoch, producer.epoch))
        if producer.first_offset is not None and not is_commit:
            self.aborted.append(AbortedTransaction(producer_id, producer.first_offset, marker_offset))
        producer.first_offset = None

    def _find(self, producer: _Producer, batch: RecordBatchView) -> KeptBatch | None:
        if batch.producer_epoch != producer.epoch:
            return None
        kept = list(producer.batches) if self._release >= _FIRST_WITH_SEVERAL_BATCHES else list(producer.batches)[-1:]
        sequences = batch.base_sequence, _plus(batch.base_sequence, batch.last_offset_delta)
        return next((found for found in kept if found[:2] == sequences), None)

    def _check_sequence(self, producer: _Producer, batch: RecordBatchView) -> None:
        got, who = batch.base_sequence, f"producer {batch.producer_id}, epoch {batch.producer_epoch}"
        if producer.epoch == _NO_EPOCH:
            if got and self._release < _FIRST_THAT_TAKES_UNKNOWN_PRODUCERS:
                raise self._unknown(f"There is nothing of {who} before sequence number {got}")
        elif batch.producer_epoch != producer.epoch:
            if got:
                raise OutOfOrderSequenceNumberError(f"Sequence number {got} begins a new epoch: {who}")
        else:
            last = producer.batches[-1].last_sequence if producer.batches else -1
            if got == _plus(last, 1):
                return
            if got <= last and self._release < _FIRST_WITH_SEVERAL_BATCHES:
                raise DuplicateSequenceNumberError(f"Sequence number {got} after {last}: {who}")
            raise OutOfOrderSequenceNumberError(f"Sequence number {got} after {last}: {who}")

    def _unknown(self, words: str) -> UnknownProducerIdError | OutOfOrderSequenceNumberError:
        return UnknownProducerIdError(words) if self._release >= _FIRST_WITH_SEVERAL_BATCHES else OutOfOrderSequenceNumberError(words)


def _plus(sequence: int, count: int) -> int:
    """Sequence numbers go on with 0 after the largest."""
    return (sequence + count) & _LARGEST_SEQUENCE
