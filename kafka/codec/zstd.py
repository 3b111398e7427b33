"""zstd frames (KIP-110, brokers from 2.1 on): by the zstandard package, or else by the standard library, which has zstd from Python 3.14 on.

Imported by: codec.  Imports: codec.abc, errors; zstandard, compression.zstd.
"""

from __future__ import annotations

import sys
from typing import Any, Callable

from kafka.codec.abc import DEFAULT_MAX_BYTES, Data, append_frame, too_large, unavailable
from kafka.errors import CorruptRecordError

try:
    import zstandard as _library
except ImportError:
    _library = None  # type: ignore[assignment]

if sys.version_info >= (3, 14):  # before that the name is anybody's
    try:
        from compression import zstd as _module
    except ImportError:  # built without it
        _module = None
else:
    _module = None

_zstandard: Any = _library
_stdlib: Any = _module

LEVELS = range(-131072, 23)
DEFAULT_LEVEL = 3
_MOST_GROWTH = 1 << 15  # a block of four bytes can stand for 128 KiB
_LEAST_PIECE_BYTES = 64

_Compress = Callable[[Data], bytes]


class ZstdCodec:
    id = 4
    name = "zstd"
    package = "'kafka-producer[zstd]'"

    def __init__(self, level: int | None = None) -> None:
        self._level = DEFAULT_LEVEL if level is None else level
        self._idle: list[_Compress] = []  # their tables take longer to make than a small batch to compress; each is used by one thread at a time

    def is_available(self) -> bool:
        return _zstandard is not None or _stdlib is not None

    def at_level(self, level: int | None) -> ZstdCodec:
        return ZstdCodec(level)

    def compress(self, data: Data) -> bytes:
        try:
            compress = self._idle.pop()
        except IndexError:
            compress = _compressor(self._level)
        compressed = compress(data)
        self._idle.append(compress)
        return compressed

    def decompress(self, data: Data, max_bytes: int = DEFAULT_MAX_BYTES) -> bytes:
        """Frames one after another are joined."""
        _require()
        if not data:
            raise CorruptRecordError("Not zstd: there is nothing")
        decompress_frame = _decompress_frame if _zstandard is not None else _decompress_frame_by_stdlib
        out = bytearray()
        rest = memoryview(data)
        while rest:
            taken = decompress_frame(rest, out, max_bytes)
            rest = rest[taken:]
        return bytes(out)


def _compressor(level: int) -> _Compress:
    """Makes one frame of each piece of data it is called with."""
    _require()
    if _zstandard is not None:
        compress: _Compress = _zstandard.ZstdCompressor(level=level).compress
        return compress
    compressor = _stdlib.ZstdCompressor(level=level)
    return lambda data: bytes(compressor.compress(data, compressor.FLUSH_FRAME))


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


def _decompress_frame_by_stdlib(data: memoryview, out: bytearray, max_bytes: int) -> int:
    """The same."""
    return append_frame(_stdlib.ZstdDecompressor(), _stdlib.ZstdError, "zstd", data, out, max_bytes)


def _require() -> None:
    if _zstandard is None and _stdlib is None:
        raise unavailable(ZstdCodec.name, ZstdCodec.package)


_default = ZstdCodec()


def zstd_encode(payload: Data) -> bytes:
    _require()
    return _default.compress(payload)


def zstd_decode(payload: Data) -> bytes:
    return ZstdCodec().decompress(payload)
