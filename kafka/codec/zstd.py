"""zstd frames (KIP-110, brokers from 2.1 on).

Imported by: codec.  Imports: codec.abc, errors; zstandard where it is installed.
"""

from __future__ import annotations

from typing import Any

from kafka.codec.abc import DEFAULT_MAX_BYTES, Data, too_large
from kafka.errors import CodecUnavailableError, CorruptRecordError

try:
    import zstandard as _library
except ImportError:
    _library = None  # type: ignore[assignment]

_zstandard: Any = _library
_MOST_GROWTH = 1 << 15  # a block of four bytes can stand for 128 KiB
_LEAST_PIECE_BYTES = 64

_idle: list[Any] = []
"""Compressors, whose tables take longer to make than a small batch to compress; each is used by one thread at a time."""


class ZstdCodec:
    id = 4
    name = "zstd"
    package = "zstandard"

    def is_available(self) -> bool:
        return _zstandard is not None

    def compress(self, data: Data) -> bytes:
        return zstd_encode(data)

    def decompress(self, data: Data, max_bytes: int = DEFAULT_MAX_BYTES) -> bytes:
        """Frames one after another are joined."""
        _require()
        if not data:
            raise CorruptRecordError("Not zstd: there is nothing")
        out = bytearray()
        rest = memoryview(data)
        while rest:
            taken = _decompress_frame(rest, out, max_bytes)
            rest = rest[taken:]
        return bytes(out)


def _decompress_frame(data: memoryview, out: bytearray, max_bytes: int) -> int:
    """Append what the frame at the start of `data` holds; the frame's size.

    The library's calls cannot be told how much to give out at most, so they get pieces that cannot grow beyond `max_bytes`.
    """
    frame = _zstandard.ZstdDecompressor().decompressobj()
    piece_bytes = max(_LEAST_PIECE_BYTES, max_bytes // _MOST_GROWTH)
    position = 0
    while not frame.eof:
        piece = data[position : position + piece_bytes]
        if not piece:
            raise CorruptRecordError("The zstd data is cut off")
        try:
            out += frame.decompress(piece)
        except _zstandard.ZstdError as error:
            raise CorruptRecordError(f"Not zstd: {error}") from error
        if len(out) > max_bytes:
            raise too_large(max_bytes)
        position += len(piece)
    return position - len(frame.unused_data)


def _require() -> None:
    if _zstandard is None:
        raise CodecUnavailableError("Libraries for zstd compression codec not found: pip install zstandard")


def zstd_encode(payload: Data) -> bytes:
    _require()
    try:
        compressor = _idle.pop()
    except IndexError:
        compressor = _zstandard.ZstdCompressor()
    compressed: bytes = compressor.compress(payload)
    _idle.append(compressor)
    return compressed


def zstd_decode(payload: Data) -> bytes:
    return ZstdCodec().decompress(payload)
