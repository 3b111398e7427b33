"""Reading record batches of any format; what is broken is a CorruptRecordError and nothing else.

Imported by: record, testing.  Imports: codec, errors, record.{layout,varint,crc32c}.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import NamedTuple, Union

from kafka import codec as codecs
from kafka.errors import CorruptRecordError
from kafka.record import layout, varint
from kafka.record.crc32c import crc32c

Buffer = Union[bytes, bytearray, memoryview]

_LEAST_RECORD_BYTES = 7
_DEEPEST = 2  # a wrapper and what it holds


class ReadRecord(NamedTuple):
    """One record as it was stored; headers are (str, bytes or None)."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]


class RecordBatchView:
    """One batch, or one message of an old format, in a buffer; records are decoded when asked for.

    Threads: one.
    """

    __slots__ = (
        "_buffer",
        "base_offset",
        "base_sequence",
        "base_timestamp",
        "codec_id",
        "count",
        "crc_ok",
        "is_control",
        "is_transactional",
        "last_offset_delta",
        "leader_epoch",
        "magic",
        "max_timestamp",
        "producer_epoch",
        "producer_id",
        "size_bytes",
        "timestamp_type",
    )

    base_offset: int
    last_offset_delta: int
    producer_epoch: int
    count: int
    crc_ok: bool

    def __init__(self, buffer: memoryview) -> None:
        self._buffer = buffer
        self.magic = buffer[layout.MAGIC_AT]
        self.size_bytes = len(buffer)
        if self.magic == 2:
            self._read_batch_header()
        elif self.magic in (0, 1):
            self._read_message_header()
        else:
            raise CorruptRecordError(f"There is no message format {self.magic}")

    @property
    def epoch(self) -> int:
        return self.producer_epoch

    @property
    def last_offset(self) -> int:
        return self.base_offset + self.last_offset_delta

    def _read_batch_header(self) -> None:
        buffer = self._buffer
        if len(buffer) < layout.BATCH_HEADER.size:
            raise CorruptRecordError(f"A batch of {len(buffer)} bytes is shorter than its header")
        (
            self.base_offset,
            _,
            self.leader_epoch,
            _,
            crc,
            attributes,
            self.last_offset_delta,
            self.base_timestamp,
            self.max_timestamp,
            self.producer_id,
            self.producer_epoch,
            self.base_sequence,
            self.count,
        ) = layout.BATCH_HEADER.unpack_from(buffer)
        self.codec_id = attributes & layout.CODEC_MASK
        self.timestamp_type = 1 if attributes & layout.LOG_APPEND_TIME else 0
        self.is_transactional = bool(attributes & layout.TRANSACTIONAL)
        self.is_control = bool(attributes & layout.CONTROL)
        self.crc_ok = crc32c(buffer[layout.CRC_COVERS_FROM :]) == crc

    def _read_message_header(self) -> None:
        buffer = self._buffer
        header = layout.MESSAGE_HEADER[self.magic]
        if len(buffer) < header.size + 2 * layout.LENGTH.size:
            raise CorruptRecordError(f"A message of {len(buffer)} bytes is shorter than its header")
        self.base_offset, _, crc, _, attributes, *timestamp = header.unpack_from(buffer)
        self.base_timestamp = self.max_timestamp = timestamp[0] if timestamp else layout.NO_TIMESTAMP
        self.codec_id = attributes & layout.CODEC_MASK
        self.timestamp_type = 1 if self.magic and attributes & layout.LOG_APPEND_TIME else 0
        self.leader_epoch = self.producer_id = self.producer_epoch = self.base_sequence = -1
        self.is_transactional = self.is_control = False
        self.count = 1
        self.last_offset_delta = 0
        self.crc_ok = zlib.crc32(buffer[layout.MESSAGE_CRC_COVERS_FROM :]) == crc

    @property
    def records(self) -> Iterator[ReadRecord]:
        """The records in order, decompressed."""
        return self._batch_records() if self.magic == 2 else self._message_records(1)

    def body(self) -> Buffer:
        """The records of a batch of format 2 as they stand one after the other, decompressed."""
        stored = self._buffer[layout.BATCH_HEADER.size :]
        return codecs.by_id(self.codec_id).decompress(stored) if self.codec_id else stored

    def _batch_records(self) -> Iterator[ReadRecord]:
        body = self.body()
        if not 0 <= self.count <= len(body) // _LEAST_RECORD_BYTES:
            raise CorruptRecordError(f"A batch of {len(body)} bytes cannot hold {self.count} records")
        view = memoryview(body)
        position = 0
        for _ in range(self.count):
            length, position = varint.decode(view, position)
            end = position + length
            if length < 0 or end > len(view):
                raise CorruptRecordError(f"A record of {length} bytes was announced, and {len(view) - position} are left")
            yield self._record(view[position:end])
            position = end
        if position != len(view):
            raise CorruptRecordError(f"{len(view) - position} bytes are left over after {self.count} records")

    def _record(self, view: memoryview) -> ReadRecord:
        position = 1  # the attributes, which mean nothing yet
        timestamp_delta, position = varint.decode(view, position)
        offset_delta, position = varint.decode(view, position)
        key, position = _nullable(view, position)
        value, position = _nullable(view, position)
        count, position = varint.decode(view, position)
        if not 0 <= count <= len(view):
            raise CorruptRecordError(f"A record of {len(view)} bytes cannot hold {count} headers")
        headers: list[tuple[str, bytes | None]] = []
        for _ in range(count):
            name, position = _nullable(view, position)
            content, position = _nullable(view, position)
            if name is None:
                raise CorruptRecordError("A header has no name")
            headers.append((_text(name), content))
        if position != len(view):
            raise CorruptRecordError(f"{len(view) - position} bytes are left over in a record")
        timestamp = self.max_timestamp if self.timestamp_type else self.base_timestamp + timestamp_delta
        return ReadRecord(self.base_offset + offset_delta, timestamp, key, value, headers)

    def _message_records(self, depth: int) -> Iterator[ReadRecord]:
        position = layout.MESSAGE_HEADER[self.magic].size
        key, position = _sized(self._buffer, position)
        value, position = _sized(self._buffer, position)
        if not self.codec_id:
            yield ReadRecord(self.base_offset, self.base_timestamp, key, value, [])
            return
        if depth >= _DEEPEST or value is None:
            raise CorruptRecordError("A compressed message holds none or another compressed one")
        body = codecs.lz4_decode_old_kafka(value) if self.codec_id == _LZ4_ID and self.magic == 0 else codecs.by_id(self.codec_id).decompress(value)
        inner = list(split(body))
        for message in inner:
            if message.magic != self.magic or not message.crc_ok:
                raise CorruptRecordError("A compressed message holds one that is broken or of another format")
        first_offset = self._offset_of_first(inner)
        for message in inner:
            for read in message._message_records(depth + 1):
                timestamp = self.base_timestamp if self.timestamp_type else read.timestamp
                yield read._replace(offset=first_offset + read.offset, timestamp=timestamp)

    def _offset_of_first(self, inner: list[RecordBatchView]) -> int:
        """What to add to inner offsets: from format 1 on they are relative and the wrapper has the last one's (KIP-31)."""
        if self.magic == 0 or not inner:
            return 0
        return self.base_offset - inner[-1].base_offset


_LZ4_ID = 3


def split(buffer: Buffer) -> Iterator[RecordBatchView]:
    """The batches and messages in a buffer; one that is cut off at the end is left out."""
    view = memoryview(buffer)
    position = 0
    while position + layout.MAGIC_AT < len(view):
        _, size = layout.LOG_OVERHEAD.unpack_from(view, position)
        if size <= 0:
            raise CorruptRecordError(f"A batch of {size} bytes was announced")
        end = position + layout.LOG_OVERHEAD.size + size
        if end > len(view):
            return
        if end - position <= layout.MAGIC_AT:
            raise CorruptRecordError(f"A batch of {size} bytes is too small for any format")
        yield RecordBatchView(view[position:end])
        position = end


def read(buffer: Buffer, check_crc: bool = True) -> Iterator[RecordBatchView]:
    """As split(), and a wrong checksum is a CorruptRecordError unless `check_crc` is False."""
    for batch in split(buffer):
        if check_crc and not batch.crc_ok:
            raise CorruptRecordError(f"The checksum of the batch at offset {batch.base_offset} does not match")
        yield batch


def _nullable(view: memoryview, position: int) -> tuple[bytes | None, int]:
    size, position = varint.decode(view, position)
    return _take(view, position, size)


def _sized(view: memoryview, position: int) -> tuple[bytes | None, int]:
    if position + layout.LENGTH.size > len(view):
        raise CorruptRecordError("A message ends within a length")
    (size,) = layout.LENGTH.unpack_from(view, position)
    return _take(view, position + layout.LENGTH.size, size)


def _take(view: memoryview, position: int, size: int) -> tuple[bytes | None, int]:
    if size == -1:
        return None, position
    end = position + size
    if size < 0 or end > len(view):
        raise CorruptRecordError(f"{size} bytes were announced, and {len(view) - position} are left")
    return bytes(view[position:end]), end


def _text(name: bytes) -> str:
    try:
        return name.decode()
    except UnicodeDecodeError:
        raise CorruptRecordError("A header's name is not UTF-8") from None


def set_base_offset(batch: bytearray, offset: int, leader_epoch: int = -1) -> None:
    """Give a batch of format 2 its place in a log; its checksum does not cover it."""
    batch[0:8] = offset.to_bytes(8, "big", signed=True)
    batch[layout.LEADER_EPOCH_AT : layout.LEADER_EPOCH_AT + 4] = leader_epoch.to_bytes(4, "big", signed=True)
