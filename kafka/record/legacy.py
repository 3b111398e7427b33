"""Message formats 0 and 1: messages with checksums of their own, wrapped in one when compressed.

Imported by: record.  Imports: codec, record.{layout,batch_v2}.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

from kafka.codec import Codec
from kafka.codec.lz4 import with_old_checksum
from kafka.record.batch_v2 import Buffer, Headers
from kafka.record.layout import LENGTH, LOG_OVERHEAD, MESSAGE_CRC_AT, MESSAGE_CRC_COVERS_FROM, MESSAGE_HEADER

_NULL = LENGTH.pack(-1)
_ATTRIBUTES_AND_TIMESTAMP = {0: struct.Struct(">bb"), 1: struct.Struct(">bbq")}


class LegacyFormat:
    """Threads: any; keeps nothing between calls."""

    overhead_bytes = 0

    def __init__(self, magic: int) -> None:
        self.magic = magic
        self._message_overhead = MESSAGE_HEADER[magic].size + 2 * LENGTH.size

    def encode(
        self, index: int, base_timestamp_ms: int, timestamp_ms: int, key: bytes | None, value: bytes | None, headers: Headers, attributes: int = 0
    ) -> bytes:
        """One message with `index` as its offset; the format has no place for headers."""
        layout = _ATTRIBUTES_AND_TIMESTAMP[self.magic]
        start = layout.pack(self.magic, attributes, timestamp_ms) if self.magic else layout.pack(self.magic, attributes)
        parts = [
            start,
            *((_NULL,) if key is None else (LENGTH.pack(len(key)), key)),
            *((_NULL,) if value is None else (LENGTH.pack(len(value)), value)),
        ]
        body = b"".join(parts)
        return LOG_OVERHEAD.pack(index, len(body) + 4) + zlib.crc32(body).to_bytes(4, "big") + body

    @staticmethod
    def checksum(encoded: bytes) -> int | None:
        """The message's CRC-32."""
        return int.from_bytes(encoded[MESSAGE_CRC_AT:MESSAGE_CRC_COVERS_FROM], "big")

    def upper_bound(self, key: bytes | None, value: bytes | None, headers: Headers) -> int:
        """How many bytes this message takes."""
        return self._message_overhead + (0 if key is None else len(key)) + (0 if value is None else len(value))

    def assemble(
        self, chain: Sequence[Buffer], count: int, *, base_timestamp_ms: int, max_timestamp_ms: int, codec: Codec | None
    ) -> list[Buffer]:
        """The messages, or one that holds them compressed; not compressed where that would make them larger.

        Inner offsets count from 0; the wrapper has the last of them (KIP-31), which brokers of format 0 overwrite.
        """
        body = b"".join(chain)
        if codec is None:
            return [body]
        compressed = codec.compress(body)
        if codec.name == "lz4" and self.magic == 0:
            compressed = with_old_checksum(compressed)
        wrapper = self.encode(count - 1, base_timestamp_ms, max_timestamp_ms, None, compressed, (), attributes=codec.id)
        return [wrapper] if len(wrapper) < len(body) else [body]
