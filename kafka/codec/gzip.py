"""gzip (RFC 1952), through the standard library; compressed by the isal package where that is installed, in a fraction of the time.

Imported by: codec.  Imports: codec.abc, errors; isal.
"""

from __future__ import annotations

import zlib
from typing import Any

from kafka.codec.abc import DEFAULT_MAX_BYTES, Data, too_large
from kafka.errors import CorruptRecordError

_isal: Any
try:
    from isal import isal_zlib as _isal
except ImportError:
    _isal = None

DEFAULT_LEVEL = 6  # as in Java and zlib
_ISAL_LEVEL = 2  # of 0 to 3; its output is a little larger than that of zlib's 6
_GZIP_WINDOW = 16 + zlib.MAX_WBITS


class GzipCodec:
    id = 1
    name = "gzip"
    package = "python"

    def is_available(self) -> bool:
        return True

    def compress(self, data: Data) -> bytes:
        return gzip_encode(data)

    def decompress(self, data: Data, max_bytes: int = DEFAULT_MAX_BYTES) -> bytes:
        """Members one after another are joined, as the RFC says."""
        out = b""
        rest = bytes(data)
        while rest:
            inflate = zlib.decompressobj(_GZIP_WINDOW)
            try:
                out += inflate.decompress(rest, max_bytes - len(out) + 1)
            except zlib.error as error:
                raise CorruptRecordError(f"Not gzip: {error}") from error
            if len(out) > max_bytes:
                raise too_large(max_bytes)
            if not inflate.eof:
                raise CorruptRecordError("The gzip data is cut off")
            rest = inflate.unused_data
        return out


def gzip_encode(payload: Data, compresslevel: int | None = None) -> bytes:
    """One gzip member; a level that is given is zlib's."""
    if compresslevel is None and _isal is not None:
        return bytes(_isal.compress(payload, _ISAL_LEVEL, _GZIP_WINDOW))
    deflate = zlib.compressobj(DEFAULT_LEVEL if compresslevel is None else compresslevel, zlib.DEFLATED, _GZIP_WINDOW)
    return deflate.compress(payload) + deflate.flush()


def gzip_decode(payload: Data) -> bytes:
    return GzipCodec().decompress(payload)
