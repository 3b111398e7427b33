"""Signed numbers of variable length: zigzag, seven bits a byte, low ones first.

Imported by: record.*.  Imports: errors.
"""

from __future__ import annotations

from kafka.errors import CorruptRecordError

_MOST_BYTES = 10
_TOO_LARGE = 1 << 64
_SHORT_FROM, _SHORT_TO = -1, 16384


def encode(value: int) -> bytes:
    """The bytes of a number of at most 64 bits."""
    if _SHORT_FROM <= value < _SHORT_TO:
        return SHORT[value]
    return _encode(value)


def _encode(value: int) -> bytes:
    value = (value << 1) ^ (value >> 63)
    if 0x3FFF < value < 0x200000:  # three bytes: places in large batches, of which each record has one
        return (value & 0x7F | (value & 0x3F80) << 1 | (value & 0x1FC000) << 2 | 0x8080).to_bytes(3, "little")
    out = bytearray()
    while value > 0x7F:
        out.append((value & 0x7F) | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


SHORT = [*(_encode(number) for number in range(_SHORT_TO)), _encode(-1)]
"""The bytes of -1 to 16383, by the number itself: lengths and deltas of nearly all records."""


def size(value: int) -> int:
    """How many bytes encode() gives."""
    value = (value << 1) ^ (value >> 63)
    return max(1, (value.bit_length() + 6) // 7)


def decode(buffer: bytes | bytearray | memoryview, position: int) -> tuple[int, int]:
    """(number, next position); CorruptRecordError where the buffer ends or the number does not."""
    result = 0
    for index in range(_MOST_BYTES):
        try:
            byte = buffer[position]
        except IndexError:
            raise CorruptRecordError("The data ends within a number") from None
        position += 1
        result |= (byte & 0x7F) << (7 * index)
        if byte < 0x80 and result < _TOO_LARGE:
            return (result >> 1) ^ -(result & 1), position
    raise CorruptRecordError("A number of variable length is longer than 64 bits")
