"""zstd frames (KIP-110, brokers from 2.1 on).

Imported by: codec.  Imports: codec.abc, errors; zstandard where it is installed.
"""

from __future__ import annotations

import io
from typing import Any

from kafka.codec.abc import DEFAULT_MAX_BYTES, Data, too_large
from kafka.errors import CodecUnavailableError, CorruptRecordError

try:
    import zstandard as _library
except ImportError:
    _library = None  # type: ignore[assignment]

_zstandard: Any = _library


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
        reader = _zstandard.ZstdDecompressor().stream_reader(io.BytesIO(bytes(data)), read_across_frames=True)
        try:
            out: bytes = reader.read(max_bytes + 1)
        except _zstandard.ZstdError as error:
            raise CorruptRecordError(f"Not zstd: {error}") from error
        if len(out) > max_bytes:
            raise too_large(max_bytes)
        return out


def _require() -> None:
    if _zstandard is None:
        raise CodecUnavailableError("Libraries for zstd compression codec not found: pip install zstandard")


def zstd_encode(payload: Data) -> bytes:
    _require()
    return bytes(_zstandard.ZstdCompressor().compress(bytes(payload)))


def zstd_decode(payload: Data) -> bytes:
    return ZstdCodec().decompress(payload)
