"""What was appended, as it came and as it is handed out: with offsets, and the time of appending where the topic wants that.

Imported by: testing.log.  Imports: codec, record.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import Union

from kafka import codec, record
from kafka.record import ReadRecord, RecordBatchView, layout
from kafka.record.crc32c import crc32c

Buffer = Union[bytes, bytearray, memoryview]

_V2_START = struct.Struct(">qii")  # base offset, length, leader epoch: what no checksum covers
_V2_LENGTH_AT = 8
_V2_ATTRIBUTES_AT = layout.CRC_COVERS_FROM + 1  # the low byte
_V2_MAX_TIMESTAMP_AT = struct.calcsize(">qiibIhiq")
_V1_ATTRIBUTES_AT, _V1_TIMESTAMP_AT = 17, 18
_INT64, _INT32, _UINT32 = struct.Struct(">q"), struct.Struct(">i"), struct.Struct(">I")


class Stored:
    """A batch of format 2, or all messages of an old format that came for a partition in one request.

    Threads: any; it never changes.
    """

    __slots__ = (
        "_leader_epoch",
        "_received",
        "_time_ms",
        "base_offset",
        "counts",
        "is_control",
        "is_transactional",
        "magic",
        "max_timestamp",
        "next_offset",
        "producer_id",
    )

    def __init__(self, received: Buffer, batches: Sequence[RecordBatchView], *, base_offset: int, leader_epoch: int, time_ms: int | None) -> None:
        """`time_ms`: of appending, which replaces the producer's time; None keeps that."""
        self.magic = max(batch.magic for batch in batches)
        self.producer_id = batches[0].producer_id
        self.is_transactional = batches[0].is_transactional
        self.is_control = batches[0].is_control
        """Whether it tells of a transaction's end and has no records of anybody's."""
        self.base_offset = base_offset
        self.counts = [_count(batch) for batch in batches]
        """How many records each batch or message has."""
        self.next_offset = base_offset + sum(self.counts)
        self.max_timestamp = max(batch.max_timestamp for batch in batches) if time_ms is None else time_ms
        self._received = received
        self._leader_epoch = leader_epoch
        self._time_ms = time_ms

    @property
    def received(self) -> bytes:
        """The bytes that the producer sent."""
        return bytes(self._received)

    @property
    def size_bytes(self) -> int:
        return len(self._received)

    def buffers(self) -> list[Buffer]:
        """The bytes that consumers get."""
        if self.magic < 2:
            return list(self._stamped_messages())
        (length,) = _INT32.unpack_from(self._received, _V2_LENGTH_AT)
        start = _V2_START.pack(self.base_offset, length, self._leader_epoch)
        if self._time_ms is None:
            return [start, memoryview(self._received)[_V2_START.size :]]
        rest = bytearray(self._received)
        rest[_V2_ATTRIBUTES_AT] |= layout.LOG_APPEND_TIME
        _INT64.pack_into(rest, _V2_MAX_TIMESTAMP_AT, self._time_ms)
        _UINT32.pack_into(rest, layout.CRC_AT, crc32c(memoryview(rest)[layout.CRC_COVERS_FROM :]))
        return [start, memoryview(rest)[_V2_START.size :]]

    def records(self) -> Iterator[ReadRecord]:
        """What consumers get, decoded."""
        for batch in record.read(b"".join(self.buffers())):
            yield from batch.records

    def _stamped_messages(self) -> Iterator[Buffer]:
        offset, position = self.base_offset, 0
        for batch, count in zip(record.split(self._received), self.counts):
            end = position + batch.size_bytes
            if batch.magic == 0 and batch.codec_id:
                yield from _with_absolute_offsets(batch, offset)
            else:
                message = bytearray(self._received[position:end])
                _INT64.pack_into(message, 0, offset + count - 1)  # of a compressed message the last one's (KIP-31)
                if batch.magic == 1 and self._time_ms is not None:
                    message[_V1_ATTRIBUTES_AT] |= layout.LOG_APPEND_TIME
                    _INT64.pack_into(message, _V1_TIMESTAMP_AT, self._time_ms)
                    checksum = zlib.crc32(memoryview(message)[layout.MESSAGE_CRC_COVERS_FROM :])
                    _UINT32.pack_into(message, layout.MESSAGE_CRC_AT, checksum)
                yield message
            offset, position = offset + count, end


def _count(batch: RecordBatchView) -> int:
    """CorruptRecordError where a compressed message of an old format, which says nowhere how many it holds, is broken."""
    if batch.magic < 2 and batch.codec_id:
        return sum(1 for _ in batch.records)
    return int(batch.count)


def _with_absolute_offsets(batch: RecordBatchView, base_offset: int) -> Iterator[Buffer]:
    """A compressed message of format 0 made anew: the offsets within are the log's, so brokers must compress again."""
    old_format = record.format_for(0)
    messages = [old_format.encode(base_offset + index, 0, -1, found.key, found.value, ()) for index, found in enumerate(batch.records)]
    for buffer in old_format.assemble(messages, len(messages), base_timestamp_ms=-1, max_timestamp_ms=-1, codec=codec.by_id(batch.codec_id)):
        made = bytearray(buffer)
        if next(record.split(made)).codec_id:
            _INT64.pack_into(made, 0, base_offset + len(messages) - 1)
        yield made
