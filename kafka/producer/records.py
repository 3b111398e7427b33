"""The encoded records of one batch, from the first to the seal.

Imported by: producer.batch, producer.accumulator.  Imports: record, errors, producer.{future,memory}, _accel.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Union

from kafka import _accel, record
from kafka.producer.future import FutureProduceResult, FutureRecordMetadata
from kafka.producer.memory import MemoryCounts
from kafka.record.crc32c import crc32c

Headers = Sequence["tuple[str, bytes | None]"]
Buffer = Union[bytes, bytearray, memoryview]

_SEAL = b""
"""Ends the list of a sealed batch's records.  No record is empty, so that equality finds it quickly."""


class PythonRecords:
    """Takes records until one does not fit or the batch is sealed; the compiled twin is RecordBuffer in _speedups/records.pyx.

    Appending and sealing race without a lock: each is one atomic append to a list, and the first seal decides. An
    appender whose record came behind the seal sees it there and takes the next batch; seal() drops what came behind.
    Threads: append() by the holder of the accumulator's append lock; seal() and what follows it by the I/O thread.
    """

    __slots__ = (
        "_encoded",
        "_maxima",
        "base_timestamp_ms",
        "count",
        "expected_bytes",
        "format",
        "is_closed",
        "is_sealing",
        "limit_bytes",
        "newest_ms",
        "open_bytes",
        "result",
        "sendable_bytes",
        "size_bytes",
    )

    def __init__(
        self,
        format: record.Format,
        result: FutureProduceResult,
        base_timestamp_ms: int,
        sendable_bytes: int,
        limit_bytes: int,
        expected_bytes: int = 0,
    ) -> None:
        self.expected_bytes = expected_bytes  # a guess, for those who allocate in advance
        self.format = format
        self.result: Any = result  # until drop()
        self.base_timestamp_ms = base_timestamp_ms
        self.sendable_bytes = sendable_bytes  # from this size on the batch need not linger
        self.limit_bytes = limit_bytes  # more than this holds one record only
        self.open_bytes = format.overhead_bytes
        self.is_closed = False  # a record did not fit: the appender has moved on
        self.is_sealing = False
        self.size_bytes = 0  # exact from seal() on, like `count`
        self.count = 0
        self._encoded: list[bytes] = []
        self._maxima = [(0, base_timestamp_ms)]  # (position, greatest timestamp up to there)
        self.newest_ms = base_timestamp_ms  # the last of them, for the appender

    # --- the appending thread -----------------------------------------------------------------------------------

    @property
    def is_full(self) -> bool:
        """Whether the batch need not linger: it has reached batch_size, or takes no more."""
        return self.is_closed or self.open_bytes >= self.sendable_bytes

    def append(
        self, memory: MemoryCounts | None, granted: int, timestamp_ms: int, key: bytes | None, value: bytes | None, headers: Headers, header_size: int
    ) -> FutureRecordMetadata | int | None:
        """The record's future; None where it must go into another batch; where there is no room, how many bytes it takes.

        `granted` bytes of room are the caller's already; what is left of them is given back with success. Without `memory` nothing is counted:
        the I/O thread does, once the batch is sealed.
        """
        encoded_list = self._encoded  # read before is_sealing: what is appended to this list after a seal is seen to come late
        position = len(encoded_list)
        if self.is_closed or self.is_sealing:
            return None
        encoded = self.format.encode(position, self.base_timestamp_ms, timestamp_ms, key, value, headers)
        size = len(encoded) if position else len(encoded) + self.format.overhead_bytes
        if position and self.open_bytes + size > self.limit_bytes:
            self.is_closed = True
            return None
        sizes = (-1 if key is None else len(key), -1 if value is None else len(value), header_size)
        future = FutureRecordMetadata(self.result, position, timestamp_ms, *sizes)
        if memory is None:
            is_in = self._add(encoded_list, position, encoded, timestamp_ms)
            return future if is_in else None
        reserved_before = memory.reserved_bytes
        open_before = self.open_bytes
        try:
            if granted < size and not memory.reserve(size - granted):
                return size
            if granted > size:
                memory.unreserve(granted - size)
            if not self._add(encoded_list, position, encoded, timestamp_ms):
                memory.unreserve(size - granted)
                return None
        except BaseException:  # of a signal handler: room is held for exactly what the batch has
            is_in = self.recount(encoded_list, position, encoded, open_before)
            memory.reset_reserved(reserved_before + size - granted if is_in else reserved_before)
            raise
        return future

    def _add(self, encoded_list: list[bytes], position: int, encoded: bytes, timestamp_ms: int) -> bool:
        if timestamp_ms > self.newest_ms:
            self._maxima.append((position, timestamp_ms))
            self.newest_ms = timestamp_ms
        encoded_list.append(encoded)
        if encoded_list[position] is not encoded:
            return False
        self.open_bytes += len(encoded)
        return True

    def recount(self, encoded_list: list[bytes], position: int, encoded: bytes, open_before: int) -> bool:
        """Count what there is after append() was interrupted by a signal handler; whether its record came in."""
        is_in = len(encoded_list) > position and encoded_list[position] is encoded
        self.open_bytes = open_before + len(encoded) if is_in else open_before
        if not is_in and self._maxima[-1][0] >= position > 0:
            self._maxima.pop()
            self.newest_ms = self._maxima[-1][1]
        return is_in

    # --- the I/O thread -----------------------------------------------------------------------------------------

    def seal(self) -> None:
        """Take no more records; `count` and `size_bytes` are exact from here on."""
        if not self.is_sealing:
            self.is_sealing = True
            self._encoded.append(_SEAL)
            self.count = self._encoded.index(_SEAL)
            self.size_bytes = self.format.overhead_bytes + sum(map(len, self._encoded[: self.count])) if self.count else 0

    @property
    def appended(self) -> int:
        """How many records there are; before the seal a moment's view."""
        encoded = self._encoded
        if not self.is_sealing:
            return len(encoded)
        return self.count or (encoded.index(_SEAL) if _SEAL in encoded else len(encoded))  # while seal() is at it there is no count yet

    @property
    def max_timestamp_ms(self) -> int:
        return self._newest_ms(self.count)

    def _newest_ms(self, count: int) -> int:
        return next((timestamp_ms for position, timestamp_ms in reversed(self._maxima) if position < count), self.base_timestamp_ms)

    @property
    def largest_bytes(self) -> int:
        """Bytes of the largest record."""
        return max(map(len, self._encoded[: self.count]), default=0)

    def chain(self) -> list[Buffer]:
        """The records' bytes in order, in as many pieces as they lie in memory."""
        return [b"".join(self._encoded[: self.count])]

    def drop(self) -> None:
        """Keep nothing of the payload, nor the result: the batch is final, and its queue may refer to it for long.

        The list itself stays as it is for an appender that holds it.
        """
        self._encoded = []
        self.result = None

    def checksums(self) -> list[int | None] | None:
        """The records' own checksums, in the formats that have them."""
        if self.format.magic >= 2:
            return None
        return [self.format.checksum(encoded) for encoded in self._encoded[: self.count]]

    def assemble(self, codec: Any) -> list[Buffer]:
        """The whole batch as buffers, not to be changed."""
        return self._assemble(self._encoded, self.count, codec)

    def _assemble(self, encoded: list[bytes], count: int, codec: Any) -> list[Buffer]:
        return self.format.assemble(
            [b"".join(encoded[:count])], count, base_timestamp_ms=self.base_timestamp_ms, max_timestamp_ms=self._newest_ms(count), codec=codec
        )

    # --- any thread ---------------------------------------------------------------------------------------------

    def assemble_full(self, codec: Any) -> list[Buffer]:
        """assemble() before seal(), once `is_closed`; of no use after drop()."""
        encoded = self._encoded[:]  # the I/O thread may seal it now
        count = encoded.index(_SEAL) if _SEAL in encoded else len(encoded)
        return self._assemble(encoded, count, codec)


if TYPE_CHECKING:
    RecordBuffer = PythonRecords
else:
    RecordBuffer = _accel.pick("records.RecordBuffer", PythonRecords)

_accel.install("records", crc32c=crc32c)


def new_records(
    format: record.Format, result: FutureProduceResult, base_timestamp_ms: int, sendable_bytes: int, limit_bytes: int, expected_bytes: int = 0
) -> PythonRecords:
    """Room for the records of a new batch; the old formats have no compiled twin."""
    kind = RecordBuffer if format.magic == 2 else PythonRecords
    return kind(format, result, base_timestamp_ms, sendable_bytes, limit_bytes, expected_bytes)


def converted(records: PythonRecords, magic: int) -> PythonRecords:
    """The same records in another format, sealed; UnsupportedVersionError where that cannot hold them."""
    target = PythonRecords(record.format_for(magic), records.result, records.base_timestamp_ms, records.sendable_bytes, records.limit_bytes)
    encoded = record.convert(b"".join(records.assemble(None)), magic, base_timestamp_ms=records.base_timestamp_ms)
    target._encoded.extend(encoded)
    target._maxima = [(0, records.max_timestamp_ms)]
    target.seal()
    return target
