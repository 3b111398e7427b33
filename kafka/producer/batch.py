"""A batch of records of one partition, from its first record to its outcome.

Imported by: producer.  Imports: record, codec, errors, producer.future.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from enum import Enum
from typing import Any

from kafka import record
from kafka.codec import Codec
from kafka.errors import IllegalStateError, KafkaError
from kafka.future import Home
from kafka.producer.future import FutureProduceResult, FutureRecordMetadata
from kafka.structs import TopicPartition

Headers = Sequence["tuple[str, bytes | None]"]

_numbers = itertools.count()


class BatchState(Enum):
    """Where a batch stands; docs/architecture.rst draws the table below."""

    OPEN = "open"  # application threads may append
    SEALED = "sealed"  # its records are final and the I/O thread owns it
    IN_FLIGHT = "in flight"
    RETRY_WAIT = "retry wait"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ABORTED = "aborted"


TRANSITIONS: dict[BatchState, frozenset[BatchState]] = {
    BatchState.OPEN: frozenset({BatchState.SEALED}),
    BatchState.SEALED: frozenset({BatchState.IN_FLIGHT, BatchState.FAILED, BatchState.ABORTED}),
    BatchState.IN_FLIGHT: frozenset({BatchState.SUCCEEDED, BatchState.FAILED, BatchState.ABORTED, BatchState.RETRY_WAIT}),
    BatchState.RETRY_WAIT: frozenset({BatchState.IN_FLIGHT, BatchState.FAILED, BatchState.ABORTED}),
    BatchState.SUCCEEDED: frozenset(),
    BatchState.FAILED: frozenset(),
    BatchState.ABORTED: frozenset(),
}

_SEAL = b""
"""Ends the list of a sealed batch's records.  No record is empty, so that equality finds it quickly."""


class ProducerBatch:
    """Encoded records of one partition and the result their futures share.

    Appending and sealing race without a lock: each is one atomic append to `records`, and the first seal decides. An
    appender whose record came behind the seal sees it there and takes the next batch; seal() drops what came behind.
    Threads: `open_bytes` and append() by the holder of the accumulator's append lock; the rest by the I/O thread.
    """

    __slots__ = (
        "_maxima",
        "attempts",
        "base_timestamp_ms",
        "created_s",
        "format",
        "is_full",
        "is_sealing",
        "last_error",
        "lingers",
        "not_before_s",
        "number",
        "open_bytes",
        "partition",
        "record_count",
        "records",
        "result",
        "size_bytes",
        "state",
    )

    def __init__(self, partition: Any, format: record.Format, home: Home, created_s: float, base_timestamp_ms: int) -> None:
        self.partition = partition
        self.format = format
        self.created_s = created_s
        self.number = next(_numbers)  # batches of a partition are sent, and sent again, in this order
        self.base_timestamp_ms = base_timestamp_ms
        self.result = FutureProduceResult(partition.topic_partition, home)
        self.state = BatchState.OPEN
        self.open_bytes = format.overhead_bytes
        self.size_bytes = 0  # set by seal(), like record_count
        self.record_count = 0
        self.is_full = False  # set by the appender when it moves on; read by the I/O thread
        self.is_sealing = False
        self.lingers = True  # false once a flush wants it sent
        self.attempts = 0
        self.not_before_s = created_s
        self.last_error: KafkaError | None = None
        self.records: list[bytes] = []
        self._maxima = [(0, base_timestamp_ms)]  # (position, greatest timestamp up to there)

    # --- the appending thread -----------------------------------------------------------------------------------

    def append(
        self, records: list[bytes], position: int, encoded: bytes, timestamp_ms: int, sizes: tuple[int, int, int]
    ) -> FutureRecordMetadata | None:
        """Add a record encoded for `position`; None where the seal came first.

        `records` is this batch's list and `position` its length, both read in this order before and after `is_sealing` was seen false.
        """
        if timestamp_ms > self._maxima[-1][1]:
            self._maxima.append((position, timestamp_ms))
        records.append(encoded)
        if records[position] is not encoded:
            return None
        self.open_bytes += len(encoded)
        return FutureRecordMetadata(self.result, position, timestamp_ms, *sizes)

    # --- the I/O thread -----------------------------------------------------------------------------------------

    def seal(self) -> None:
        """Take no more records; the size and the number of records are exact from here on."""
        if self.state is not BatchState.OPEN:
            return
        self.is_sealing = True
        self.records.append(_SEAL)
        self.record_count = self.records.index(_SEAL)
        self.size_bytes = self.format.overhead_bytes + sum(map(len, self.sealed_records()))
        self.transition(BatchState.SEALED)

    @property
    def max_timestamp_ms(self) -> int:
        return next(timestamp_ms for position, timestamp_ms in reversed(self._maxima) if position < self.record_count)

    def sealed_records(self) -> list[bytes]:
        """The encoded records of a sealed batch."""
        return self.records[: self.record_count]

    def drop_records(self) -> None:
        """Keep nothing of the payload: the batch is final, and its queue may refer to it for long.

        The list itself stays as it is for an appender that holds it.
        """
        self.records = []

    def assemble(self, codec: Codec | None, magic: int) -> list[bytes | bytearray | memoryview]:
        """The batch as buffers for a Produce request in message format `magic`; compresses, which may take a while.

        UnsupportedVersionError where `magic` cannot hold the records (headers before format 2).
        """
        records = self.sealed_records()
        if magic != self.format.magic:
            records = self._converted(records, magic)
            self.records, self.format = records, record.format_for(magic)
        self.result.has_timestamps = magic > 0
        if magic < 2:
            self.result.checksums = [self.format.checksum(encoded) for encoded in records]
        return self.format.assemble(records, base_timestamp_ms=self.base_timestamp_ms, max_timestamp_ms=self.max_timestamp_ms, codec=codec)

    def _converted(self, records: list[bytes], magic: int) -> list[bytes]:
        buffers = self.format.assemble(records, base_timestamp_ms=self.base_timestamp_ms, max_timestamp_ms=self.max_timestamp_ms, codec=None)
        return record.convert(b"".join(buffers), magic, base_timestamp_ms=self.base_timestamp_ms)

    def transition(self, state: BatchState) -> None:
        """Move to `state`; IllegalStateError, and nothing changed, where the table does not allow it."""
        if state not in TRANSITIONS[self.state]:
            raise IllegalStateError(f"Batch {self.number} of {self.result.topic_partition} cannot go from {self.state.value} to {state.value}")
        self.state = state

    @property
    def is_final(self) -> bool:
        return not TRANSITIONS[self.state]

    @property
    def topic_partition(self) -> TopicPartition:
        return self.result.topic_partition

    def __repr__(self) -> str:
        return f"ProducerBatch({self.number}, {tuple(self.topic_partition)}, {self.state.value}, {self.size_bytes} bytes, attempts {self.attempts})"
