"""snappy in xerial's framing, as the Java client writes it: a header, then blocks with their sizes.

Imported by: codec.  Imports: codec.abc, errors; python-snappy where it is installed.
"""

from __future__ import annotations

import struct
from typing import Any

from kafka.codec.abc import DEFAULT_MAX_BYTES, Data, too_large, unavailable
from kafka.errors import CorruptRecordError

try:
    import snappy as _library
except ImportError:
    _library = None

_snappy: Any = _library
_MAGIC = b"\x82SNAPPY\x00"
_HEADER = _MAGIC + struct.pack(">ii", 1, 1)
_SIZE = struct.Struct(">i")
_BLOCK_BYTES = 32 * 1024  # xerial's own
_BATCH_BLOCK_BYTES = 1024 * 1024
"""Of batches: readers take any size, and each call lets go of the interpreter and has to wait for it again."""
_MOST_GROWTH = 22  # three bytes can stand for 64


class SnappyCodec:
    id = 2
    name = "snappy"
    package = "'kafka-producer[snappy]'"

    def is_available(self) -> bool:
        return _snappy is not None

    def at_level(self, level: int | None) -> SnappyCodec:
        """It has none."""
        return self

    def compress(self, data: Data) -> bytes:
        return snappy_encode(data, xerial_blocksize=_BATCH_BLOCK_BYTES)

    def decompress(self, data: Data, max_bytes: int = DEFAULT_MAX_BYTES) -> bytes:
        """Xerial's framing, or one bare block."""
        view = memoryview(data)
        if bytes(view[: len(_MAGIC)]) != _MAGIC:
            return _decompress_block(view, max_bytes)
        if len(view) < len(_HEADER):
            raise CorruptRecordError("The snappy data is cut off in its header")
        out = bytearray()
        position = len(_HEADER)
        while position < len(view):
            if position + _SIZE.size > len(view):
                raise CorruptRecordError("The snappy data is cut off in a block's size")
            (size,) = _SIZE.unpack_from(view, position)
            position += _SIZE.size
            if not 0 < size <= len(view) - position:
                raise CorruptRecordError(f"A snappy block of {size} bytes was announced, and {len(view) - position} are left")
            out += _decompress_block(view[position : position + size], max_bytes - len(out))
            position += size
        return bytes(out)


def _decompress_block(block: memoryview, max_bytes: int) -> bytes:
    if _snappy is None:
        raise unavailable(SnappyCodec.name, SnappyCodec.package)
    announced = _announced_size(block)
    if announced > max_bytes:
        raise too_large(max_bytes)
    if announced > _MOST_GROWTH * len(block):  # the library would take the memory first, and end the process where there is none
        raise CorruptRecordError(f"A snappy block of {len(block)} bytes cannot hold {announced}")
    try:
        out: bytes = _snappy.uncompress(bytes(block))
    except Exception as error:
        raise CorruptRecordError(f"Not snappy: {error}") from error
    return out


def _announced_size(block: memoryview) -> int:
    """The length that a block begins with, in seven bits a byte."""
    size = 0
    for index, byte in enumerate(block[:5]):
        size |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return size
    raise CorruptRecordError("A snappy block does not begin with its length")


def snappy_encode(payload: Data, xerial_compatible: bool = True, xerial_blocksize: int = _BLOCK_BYTES) -> bytes:
    """Compress in xerial's framing, or as one bare block."""
    if _snappy is None:
        raise unavailable(SnappyCodec.name, SnappyCodec.package)
    if not xerial_compatible:
        return bytes(_snappy.compress(payload))
    view = memoryview(payload)
    parts = [_HEADER]
    for start in range(0, len(view), xerial_blocksize):
        block = bytes(_snappy.compress(view[start : start + xerial_blocksize]))
        parts += (_SIZE.pack(len(block)), block)
    return b"".join(parts)


def snappy_decode(payload: Data) -> bytes:
    return SnappyCodec().decompress(payload)
