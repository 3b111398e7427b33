"""Message format 2 (KIP-98): how a record and a batch are written.

Imported by: record.  Imports: codec, record.{layout,varint,crc32c}.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Union

from kafka.codec import Codec
from kafka.record import varint
from kafka.record.crc32c import crc32c
from kafka.record.layout import BATCH_HEADER, BATCH_LENGTH_COUNTS_FROM, CRC_AT, CRC_COVERS_FROM, TRANSACTIONAL

Buffer = Union[bytes, bytearray, memoryview]
Headers = Sequence["tuple[str, bytes | None]"]

_SHORT = varint.SHORT
_NULL = varint.encode(-1)
_NO_HEADERS = varint.encode(0)
_LARGEST_RECORD_OVERHEAD = 21


class FormatV2:
    """Threads: any; keeps nothing between calls."""

    magic = 2
    overhead_bytes = BATCH_HEADER.size

    @staticmethod
    def encode(index: int, base_timestamp_ms: int, timestamp_ms: int, key: bytes | None, value: bytes | None, headers: Headers) -> bytes:
        """One record: its length, attributes (none), deltas of timestamp and offset, key, value, headers."""
        delta = timestamp_ms - base_timestamp_ms
        delta_bytes = _SHORT[delta] if 0 <= delta < 16384 else varint.encode(delta)
        index_bytes = _SHORT[index] if index < 16384 else varint.encode(index)
        if value is not None and not headers:
            size = len(value)
            size_bytes = _SHORT[size] if size < 16384 else varint.encode(size)
            length = 3 + len(delta_bytes) + len(index_bytes) + len(size_bytes) + size
            if key is None:
                length_bytes = _SHORT[length] if length < 16384 else varint.encode(length)
                return b"%b\x00%b%b\x01%b%b\x00" % (length_bytes, delta_bytes, index_bytes, size_bytes, value)
            key_size_bytes = varint.encode(len(key))
            length_bytes = varint.encode(length - 1 + len(key_size_bytes) + len(key))
            return b"%b\x00%b%b%b%b%b%b\x00" % (length_bytes, delta_bytes, index_bytes, key_size_bytes, key, size_bytes, value)
        parts = [b"\x00", delta_bytes, index_bytes]
        for part in (key, value):
            if part is None:
                parts.append(_NULL)
            else:
                parts += (varint.encode(len(part)), part)
        if headers:
            parts.append(varint.encode(len(headers)))
            for name, content in headers:
                encoded = name.encode()
                parts += (varint.encode(len(encoded)), encoded)
                parts += (_NULL,) if content is None else (varint.encode(len(content)), content)
        else:
            parts.append(_NO_HEADERS)
        body = b"".join(parts)
        return varint.encode(len(body)) + body

    @staticmethod
    def checksum(encoded: bytes) -> int | None:
        """Records have none of their own."""
        return None

    def upper_bound(self, key: bytes | None, value: bytes | None, headers: Headers) -> int:
        """At most how many bytes a batch of this one record takes."""
        size = self.overhead_bytes + _LARGEST_RECORD_OVERHEAD
        for part in (key, value):
            size += 1 if part is None else varint.size(len(part)) + len(part)
        size += varint.size(len(headers))
        for name, content in headers:
            encoded = name.encode()
            size += varint.size(len(encoded)) + len(encoded)
            size += 1 if content is None else varint.size(len(content)) + len(content)
        return size

    def assemble(
        self,
        chain: Sequence[Buffer],
        count: int,
        *,
        base_timestamp_ms: int,
        max_timestamp_ms: int,
        codec: Codec | None,
        producer_id: int = -1,
        producer_epoch: int = -1,
        base_sequence: int = -1,
        transactional: bool = False,
    ) -> list[Buffer]:
        """The batch as [header, records ...]; not compressed where that would make it larger."""
        attributes = TRANSACTIONAL if transactional else 0
        size = sum(map(len, chain))
        if codec is not None:
            compressed = codec.compress(chain[0] if len(chain) == 1 else b"".join(chain))
            if len(compressed) < size:
                chain, size = [compressed], len(compressed)
                attributes |= codec.id
        header = bytearray(
            BATCH_HEADER.pack(
                0,
                BATCH_HEADER.size - BATCH_LENGTH_COUNTS_FROM + size,
                -1,
                self.magic,
                0,
                attributes,
                count - 1,
                base_timestamp_ms,
                max_timestamp_ms,
                producer_id,
                producer_epoch,
                base_sequence,
                count,
            )
        )
        checksum = crc32c(bytes(header[CRC_COVERS_FROM:]))
        for piece in chain:
            checksum = crc32c(piece, checksum)
        header[CRC_AT:CRC_COVERS_FROM] = checksum.to_bytes(4, "big")
        return [bytes(header), *chain]
