"""Functions that old code imported from here.

Imported by: applications.  Imports: record.{varint,crc32c}.
"""

from __future__ import annotations

import zlib
from typing import Callable

from kafka.record import varint
from kafka.record.crc32c import Data, crc32c


def encode_varint(value: int, write: Callable[[int], object]) -> int:
    """Hand each byte of a zigzag number to `write`; how many there were."""
    encoded = varint.encode(value)
    for byte in encoded:
        write(byte)
    return len(encoded)


def size_of_varint(value: int) -> int:
    return varint.size(value)


def decode_varint(buffer: Data, pos: int = 0) -> tuple[int, int]:
    return varint.decode(buffer, pos)


def calc_crc32c(memview: Data) -> int:
    return crc32c(memview)


def calc_crc32(memview: Data) -> int:
    return zlib.crc32(memview)
