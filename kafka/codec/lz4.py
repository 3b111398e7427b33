"""lz4 frames with independent blocks (KIP-57), and with the wrong header checksum that message format 0 has.

Imported by: codec, record.legacy.  Imports: codec.abc, errors; lz4 where it is installed.
"""

from __future__ import annotations

import struct
from typing import Any

from kafka.codec.abc import DEFAULT_MAX_BYTES, Data, too_large, unavailable
from kafka.errors import CorruptRecordError

try:
    import lz4.frame as _library
except ImportError:
    _library = None

_lz4: Any = _library
_MASK = 0xFFFFFFFF
_P1, _P2, _P3, _P4, _P5 = 2654435761, 2246822519, 3266489917, 668265263, 374761393
_HAS_CONTENT_SIZE = 0x08
_FRAME_MAGIC_BYTES = 4
LEVELS = range(1, 18)
"""As in Java. 1 and 2 are the fast compressor or close to it, and from the library's highest on (12) all are that."""
_FAST = 0
_FIRST_STEP_BYTES = 64 * 1024  # the library takes memory for as much as it is allowed to give out


class Lz4Codec:
    id = 3
    name = "lz4"
    package = "'kafka-producer[lz4]'"

    def __init__(self, level: int | None = None) -> None:
        self._level = _FAST if level is None else level

    def is_available(self) -> bool:
        return _lz4 is not None

    def at_level(self, level: int | None) -> Lz4Codec:
        return Lz4Codec(level)

    def compress(self, data: Data) -> bytes:
        _require()
        return bytes(_lz4.compress(data, compression_level=self._level, block_linked=False, store_size=False))

    def decompress(self, data: Data, max_bytes: int = DEFAULT_MAX_BYTES) -> bytes:
        """Frames one after another are joined."""
        _require()
        out = b""
        rest = bytes(data)
        while rest:
            frame = _lz4.LZ4FrameDecompressor()
            out += _decompress_frame(frame, rest, max_bytes - len(out))
            rest = frame.unused_data or b""
        return out


def _decompress_frame(frame: Any, data: bytes, max_bytes: int) -> bytes:
    parts: list[bytes] = []
    left, step = max_bytes, max(_FIRST_STEP_BYTES, 4 * len(data))
    while not frame.eof:
        try:
            part = frame.decompress(data, min(step, left + 1))
        except (RuntimeError, EOFError, ValueError, OverflowError) as error:
            raise CorruptRecordError(f"Not lz4: {error}") from error
        parts.append(part)
        left -= len(part)
        if left < 0:
            raise too_large(max_bytes)
        if frame.needs_input and not frame.eof:
            raise CorruptRecordError("The lz4 data is cut off")
        data = b""
        step *= 2
    return b"".join(parts)


def _require() -> None:
    if _lz4 is None:
        raise unavailable(Lz4Codec.name, Lz4Codec.package)


def lz4_encode(payload: Data) -> bytes:
    return Lz4Codec().compress(payload)


def lz4_decode(payload: Data) -> bytes:
    return Lz4Codec().decompress(payload)


def lz4_encode_old_kafka(payload: Data) -> bytes:
    return with_old_checksum(lz4_encode(payload))


def with_old_checksum(compressed: bytes) -> bytes:
    """The frame with its header's checksum taken over the frame's magic too, as Kafka had it before 0.10 (KAFKA-3160)."""
    frame = bytearray(compressed)
    at = _header_checksum_at(frame)
    frame[at] = (xxh32(bytes(frame[:at])) >> 8) & 0xFF
    return bytes(frame)


def lz4_decode_old_kafka(payload: Data) -> bytes:
    """Reads such a frame, and a right one as well."""
    frame = bytearray(payload)
    at = _header_checksum_at(frame)
    frame[at] = (xxh32(bytes(frame[_FRAME_MAGIC_BYTES:at])) >> 8) & 0xFF
    return lz4_decode(frame)


def _header_checksum_at(frame: bytearray) -> int:
    if len(frame) < _FRAME_MAGIC_BYTES + 3:
        raise CorruptRecordError("The lz4 data is shorter than a header")
    at = _FRAME_MAGIC_BYTES + 2 + (8 if frame[_FRAME_MAGIC_BYTES] & _HAS_CONTENT_SIZE else 0)
    if at >= len(frame):
        raise CorruptRecordError("The lz4 data is shorter than a header")
    return at


def xxh32(data: bytes) -> int:
    """xxHash of 32 bits with seed 0, for a frame's header: a few bytes."""
    length = len(data)
    position = 0
    if length >= 16:
        lanes = [(_P1 + _P2) & _MASK, _P2, 0, -_P1 & _MASK]
        while position + 16 <= length:
            for index, word in enumerate(struct.unpack_from("<4I", data, position)):
                lanes[index] = _rotated(lanes[index] + word * _P2, 13) * _P1 & _MASK
            position += 16
        value = sum(_rotated(lane, bits) for lane, bits in zip(lanes, (1, 7, 12, 18))) & _MASK
    else:
        value = _P5
    value = (value + length) & _MASK
    while position + 4 <= length:
        value = _rotated(value + struct.unpack_from("<I", data, position)[0] * _P3, 17) * _P4 & _MASK
        position += 4
    for byte in data[position:]:
        value = _rotated(value + byte * _P5, 11) * _P1 & _MASK
    value = (value ^ (value >> 15)) * _P2 & _MASK
    value = (value ^ (value >> 13)) * _P3 & _MASK
    return value ^ (value >> 16)


def _rotated(value: int, bits: int) -> int:
    value &= _MASK
    return ((value << bits) | (value >> (32 - bits))) & _MASK
