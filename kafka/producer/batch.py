"""A batch of records of one partition, from its first record to its outcome.

Imported by: producer.  Imports: record, codec, errors, producer.{future,records}.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from enum import Enum
from typing import Any, Callable

from kafka import _accel, record
from kafka.codec import Codec
from kafka.errors import IllegalStateError, KafkaError
from kafka.producer.future import FutureProduceResult
from kafka.producer.records import Buffer, PythonRecords, converted, new_records

_numbers = itertools.count()


class BatchState(Enum):
    """Where a batch stands; docs/architecture.rst draws the table below."""

    OPEN = "open"  # application threads may append
    SEALED = "sealed"  # its records are final and the I/O thread owns it
    IN_FLIGHT = "in flight"
    RETRY_WAIT = "retry wait"
    SPLIT = "split"  # its pieces have taken over
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ABORTED = "aborted"

    __hash__ = object.__hash__  # Enum's own is Python code, and the table below is looked into for every batch


TRANSITIONS: dict[BatchState, frozenset[BatchState]] = {
    BatchState.OPEN: frozenset({BatchState.SEALED}),
    BatchState.SEALED: frozenset({BatchState.IN_FLIGHT, BatchState.SPLIT, BatchState.FAILED, BatchState.ABORTED}),
    BatchState.IN_FLIGHT: frozenset(
        {BatchState.SUCCEEDED, BatchState.FAILED, BatchState.ABORTED, BatchState.RETRY_WAIT, BatchState.SPLIT}
    ),
    BatchState.RETRY_WAIT: frozenset({BatchState.IN_FLIGHT, BatchState.SPLIT, BatchState.FAILED, BatchState.ABORTED}),
    BatchState.SPLIT: frozenset(),
    BatchState.SUCCEEDED: frozenset(),
    BatchState.FAILED: frozenset(),
    BatchState.ABORTED: frozenset(),
}

_OPEN, _SEALED = BatchState.OPEN, BatchState.SEALED


def _leave_to_collector(thing: Any) -> None:
    """Objects of Python code are always tracked."""


_untrack: Callable[[Any], None] = _accel.pick("outcomes.untrack", _leave_to_collector)
_track: Callable[[Any], None] = _accel.pick("outcomes.track", _leave_to_collector)


class ProducerBatch:
    """Records of one partition, the result their futures share, and how far they have come.

    Threads: made by the holder of the append lock or by the I/O thread; everything but `records` is the I/O thread's after that.
    """

    __slots__ = (
        "attempts",
        "created_s",
        "last_error",
        "lingers",
        "may_be_written",
        "not_before_s",
        "number",
        "part",
        "partition",
        "record_count",
        "records",
        "result",
        "size_bytes",
        "state",
        "topic_partition",
        "wire_bytes",
    )

    def __init__(self, partition: Any, records: PythonRecords, created_s: float, number: int = -1, part: tuple[int, ...] = ()) -> None:
        """Without a number it has the next one, of a batch that is no part of another."""
        self._begin(partition, records, records.result, created_s, number, part)

    def _begin(
        self, partition: Any, records: PythonRecords, result: FutureProduceResult, created_s: float, number: int, part: tuple[int, ...]
    ) -> None:
        self.partition = partition
        self.records = records
        self.result: Any = result  # until let_go()
        self.topic_partition = result.topic_partition
        self.created_s = created_s
        self.number: int = next(_numbers) if number < 0 else number  # batches of a partition are sent, and sent again, in this order,
        self.part = part  # and those that one was split into in this
        self.state = _OPEN
        self.size_bytes = 0  # set by seal(), like record_count
        self.record_count = 0
        self.wire_bytes = 0  # what the last attempt took
        self.lingers = True  # false once a flush wants it sent
        self.attempts = 0
        self.may_be_written = False  # an attempt has ended without anybody saying that nothing was written
        self.not_before_s = -math.inf
        self.last_error: KafkaError | None = None
        _untrack(self)

    def seal(self) -> None:
        """Take no more records; the size and the number of records are exact from here on."""
        if self.state is not _OPEN:
            return
        self.records.seal()
        self.record_count = self.records.count
        self.size_bytes = self.records.size_bytes
        self.transition(_SEALED)

    def assemble(self, codec: Codec | None, magic: int, made_ahead: list[Buffer] | None = None) -> list[Buffer]:
        """The batch as buffers for a Produce request in message format `magic`; compresses, which may take a while, unless that was done ahead.

        UnsupportedVersionError where `magic` cannot hold the records (headers before format 2).
        """
        if magic != self.records.format.magic:
            self.records = converted(self.records, magic)
            made_ahead = None
        self.result.has_timestamps = magic > 0
        self.result.checksums = self.records.checksums()
        return self.records.assemble(codec) if made_ahead is None else made_ahead

    def split(self, limit_bytes: int) -> list[ProducerBatch]:
        """Sealed batches of at most `limit_bytes`, or of one record, in order: they take over this one's records, futures and place."""
        pieces: list[ProducerBatch] = []
        firsts: list[int] = []
        views = record.read(b"".join(self.records.assemble(None)))
        for position, read in enumerate(one for view in views for one in view.records):
            content = (max(0, read.timestamp), read.key, read.value, read.headers, -1)
            if not pieces or pieces[-1].records.append(None, 0, *content) is None:
                result = FutureProduceResult(self.topic_partition, self.result.home)
                result.first_position = self.result.first_position + position
                records = new_records(self.records.format, result, content[0], limit_bytes, limit_bytes)
                records.append(None, 0, *content)
                pieces.append(ProducerBatch(self.partition, records, self.created_s, self.number, (*self.part, len(pieces))))
                firsts.append(result.first_position)
        for piece in pieces:
            piece.lingers = False
            piece.attempts = self.attempts
            piece.may_be_written = self.may_be_written
            piece.last_error = self.last_error
            piece.seal()
        self.result.split([(piece.result, first) for piece, first in zip(pieces, firsts)])
        return pieces

    def precedes(self, other: ProducerBatch) -> bool:
        """Whether its records were sent before those of another batch of the partition."""
        return self.number < other.number or (self.number == other.number and self.part < other.part)

    def fail(self, error: BaseException, record_errors: Mapping[int, BaseException] | None = None) -> None:
        """Complete its result with an error, whose traceback may close a circle with this batch: its queue keeps it for long."""
        _track(self)
        _track(self.records)
        self.result.fail(error, record_errors)

    def let_go(self) -> None:
        """Final: refer no more to the queue, which keeps this batch, nor to errors of earlier attempts; nobody collects that circle.

        Nor to the result: only futures do, so that it goes with the last of them.
        """
        self.partition = None
        self.result = None
        self.last_error = None

    def transition(self, state: BatchState) -> None:
        """Move to `state`; IllegalStateError, and nothing changed, where the table does not allow it."""
        if state not in TRANSITIONS[self.state]:
            raise IllegalStateError(f"Batch {self.name} of {self.topic_partition} cannot go from {self.state.value} to {state.value}")
        self.state = state

    @property
    def name(self) -> str:
        """Its number, and which part it is of the batch that was split."""
        return ".".join(map(str, (self.number, *self.part)))

    @property
    def is_final(self) -> bool:
        return not TRANSITIONS[self.state]

    def __repr__(self) -> str:
        return f"ProducerBatch({self.name}, {tuple(self.topic_partition)}, {self.state.value}, {self.size_bytes} bytes, attempts {self.attempts})"
