"""The hash by which the Java client chooses partitions for keys.

Imported by: partitioner.*, producer.partitioning.  Imports: nothing of ours.
"""

from __future__ import annotations

import struct

_SEED = 0x9747B28C
_M = 0x5BD1E995
_MASK = 0xFFFFFFFF
_MOST_WORDS = 16
_WORDS = [struct.Struct(f"<{count}I").unpack_from for count in range(_MOST_WORDS + 1)]
"""Takes that many words from the beginning of a key: of short ones, which is to say of nearly all."""


def murmur2(data: bytes | bytearray | memoryview) -> int:
    """murmur2 of 32 bits, unsigned; bit for bit what org.apache.kafka.common.utils.Utils.murmur2 gives."""
    length = len(data)
    h = _SEED ^ length
    words = length >> 2
    for k in _WORDS[words](data) if words <= _MOST_WORDS else struct.unpack_from(f"<{words}I", data):
        k = k * _M & _MASK
        h = (h * _M ^ (k ^ k >> 24) * _M) & _MASK
    left = length & 3
    if left:
        h = (h ^ int.from_bytes(data[length - left :], "little")) * _M & _MASK
    h = (h ^ h >> 13) * _M & _MASK
    return h ^ h >> 15
