"""gzip (RFC 1952), through the standard library; compressed by the isal package where that is installed, in a fraction of the time.

Imported by: codec.  Imports: codec.abc, errors; isal.
"""

from __future__ import annotations

import zlib
from typing import Any

from kafka.codec.abc import DEFAULT_MAX_BYTES, Data, append_frame

_isal: Any
try:
    from isal import isal_zlib as _isal
except ImportError:
    _isal = None

LEVELS = range(1, 10)
DEFAULT_LEVEL = -1
_ZLIB_DEFAULT = 6  # and Java's
_ISAL_LEVELS = {DEFAULT_LEVEL: 2, 1: 1}
"""Of 0 to 3, by the level that is wanted. The default's output is a little larger than that of zlib's 6; that of 1, which asks for speed, is
smaller than that of zlib's 1. Who asks for another level wants what only zlib does."""
_GZIP_WINDOW = 16 + zlib.MAX_WBITS


class GzipCodec:
    id = 1
    name = "gzip"
    package = "python"

    def __init__(self, level: int | None = None) -> None:
        self._level = DEFAULT_LEVEL if level is None else level

    def is_available(self) -> bool:
        return True

    def at_level(self, level: int | None) -> GzipCodec:
        return GzipCodec(level)

    def compress(self, data: Data) -> bytes:
        level = self._level
        if _isal is not None and level in _ISAL_LEVELS:
            return bytes(_isal.compress(data, _ISAL_LEVELS[level], _GZIP_WINDOW))
        return gzip_encode(data, _ZLIB_DEFAULT if level == DEFAULT_LEVEL else level)

    def decompress(self, data: Data, max_bytes: int = DEFAULT_MAX_BYTES) -> bytes:
        """Members one after another are joined, as the RFC says."""
        out = bytearray()
        rest = memoryview(data)
        while rest:
            rest = rest[append_frame(zlib.decompressobj(_GZIP_WINDOW), zlib.error, "gzip", rest, out, max_bytes) :]
        return bytes(out)


def gzip_encode(payload: Data, compresslevel: int | None = None) -> bytes:
    """One gzip member; a level that is given is zlib's."""
    if compresslevel is None:
        return GzipCodec().compress(payload)
    deflate = zlib.compressobj(compresslevel, zlib.DEFLATED, _GZIP_WINDOW)
    return deflate.compress(payload) + deflate.flush()


def gzip_decode(payload: Data) -> bytes:
    return GzipCodec().decompress(payload)
