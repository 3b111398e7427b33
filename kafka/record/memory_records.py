"""Batches in memory, by the names that kafka-python has for them.

Imported by: record, applications.  Imports: codec, errors, record.{abc,batch_v2,reading,formats}.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, Callable, NamedTuple

from kafka import codec as codecs
from kafka.errors import UnsupportedVersionError
from kafka.record.abc import ABCRecord, ABCRecordBatch, ABCRecords
from kafka.record.batch_v2 import Buffer, FormatV2
from kafka.record.formats import Format, format_for
from kafka.record.reading import ReadRecord, RecordBatchView, split

ABCRecord.register(ReadRecord)


class MemoryRecords(ABCRecords):
    """The batches in a buffer.

    Threads: one.
    """

    def __init__(self, bytes_data: bytes) -> None:
        self._batches: Iterator[RecordBatchView] = split(bytes_data)
        self._size = len(bytes_data)
        self._next = next(self._batches, None)

    def size_in_bytes(self) -> int:
        return self._size

    def has_next(self) -> bool:
        return self._next is not None

    def next_batch(self) -> _Batch | None:
        """The next batch, or None."""
        batch, self._next = self._next, next(self._batches, None)
        return None if batch is None else _Batch(batch)


class _Batch(ABCRecordBatch):
    """A batch that is iterated over for its records."""

    def __init__(self, view: RecordBatchView) -> None:
        self._view = view

    def __iter__(self) -> Iterator[ReadRecord]:
        return self._view.records

    def validate_crc(self) -> bool:
        return self._view.crc_ok


class AppendedRecord(NamedTuple):
    """Where append() put a record."""

    offset: int
    crc: int | None
    size: int
    timestamp: int


class MemoryRecordsBuilder:
    """Collects records into one batch.

    Threads: one.
    """

    def __init__(
        self,
        magic: int,
        compression_type: int,
        batch_size: int,
        *,
        transactional: bool = False,
        producer_id: int = -1,
        producer_epoch: int = -1,
        base_sequence: int = -1,
    ) -> None:
        """UnsupportedVersionError for a producer's id in a format older than 2."""
        self._format: Format = format_for(magic)
        self._assemble: Callable[..., list[Buffer]] = self._format.assemble
        if isinstance(self._format, FormatV2):
            self._assemble = partial(
                self._format.assemble,
                producer_id=producer_id,
                producer_epoch=producer_epoch,
                base_sequence=base_sequence,
                transactional=transactional,
            )
        elif producer_id != -1 or transactional:
            raise UnsupportedVersionError(f"Message format {magic} has no place for a producer's id")
        self._codec = codecs.by_id(compression_type) if compression_type else None
        self._batch_size = batch_size
        self._records: list[bytes] = []
        self._timestamps: list[int] = []
        self._size = self._format.overhead_bytes
        self._buffer: bytes | None = None

    def append(self, timestamp: int, key: bytes | None, value: bytes | None, headers: Any = ()) -> AppendedRecord | None:
        """Add a record; None where the batch is full or closed."""
        if self._buffer is not None:
            return None
        base = self._timestamps[0] if self._timestamps else timestamp
        encoded = self._format.encode(len(self._records), base, timestamp, key, value, headers)
        if self._records and self._size + len(encoded) > self._batch_size:
            return None
        self._records.append(encoded)
        self._timestamps.append(timestamp)
        self._size += len(encoded)
        return AppendedRecord(len(self._records) - 1, self._format.checksum(encoded), len(encoded), timestamp)

    def close(self) -> None:
        """Make the batch; nothing is added any more."""
        if self._buffer is None:
            parts: list[Buffer] = []
            if self._records:
                first_ms, last_ms = self._timestamps[0], max(self._timestamps)
                parts = self._assemble(self._records, len(self._records), base_timestamp_ms=first_ms, max_timestamp_ms=last_ms, codec=self._codec)
            self._buffer = b"".join(parts)

    def buffer(self) -> bytes:
        self.close()
        return self._buffer or b""

    def size_in_bytes(self) -> int:
        return self._size if self._buffer is None else len(self._buffer)

    def is_full(self) -> bool:
        return self._buffer is not None or self._size >= self._batch_size

    def next_offset(self) -> int:
        return len(self._records)
