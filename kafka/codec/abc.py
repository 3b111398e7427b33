"""What a codec is.

Imported by: codec.*.  Imports: errors.
"""

from __future__ import annotations

from typing import Any, Protocol, Union

from kafka.errors import CodecUnavailableError, CorruptRecordError

Data = Union[bytes, bytearray, memoryview]

DEFAULT_MAX_BYTES = 1 << 30
"""What a batch may grow to when it is decompressed."""


class Codec(Protocol):
    """Compresses the records of a batch.

    Threads: any; of one call to the next they keep at most tables that calls of any thread can use.
    """

    id: int
    name: str
    package: str
    """What pip installs it with."""

    def is_available(self) -> bool: ...

    def at_level(self, level: int | None) -> Codec:
        """The same codec, compressing at another level, one of its own `LEVELS` (KIP-390); None: at its default."""

    def compress(self, data: Data) -> bytes: ...

    def decompress(self, data: Data, max_bytes: int = DEFAULT_MAX_BYTES) -> bytes:
        """CorruptRecordError for what is not this codec's, or would be larger than `max_bytes`."""


def too_large(max_bytes: int) -> CorruptRecordError:
    return CorruptRecordError(f"Compressed data would be larger than {max_bytes} bytes")


def unavailable(name: str, package: str) -> CodecUnavailableError:
    """What `package` names is not installed."""
    return CodecUnavailableError(f"Libraries for {name} compression codec not found: pip install {package}")


def append_frame(decompressor: Any, error: type[Exception], name: str, data: Data, out: bytearray, max_bytes: int) -> int:
    """Append what the frame at the start of `data` holds, with a decompressor of the standard library's, new for each; the frame's size.

    `error` is what that raises for what is none. CorruptRecordError for that, and where `out` would grow beyond `max_bytes`.
    """
    try:
        out += decompressor.decompress(data, max_bytes - len(out) + 1)
    except error as reason:
        raise CorruptRecordError(f"Not {name}: {reason}") from reason
    if len(out) > max_bytes:
        raise too_large(max_bytes)
    if not decompressor.eof:
        raise CorruptRecordError(f"The {name} data is cut off")
    return len(data) - len(decompressor.unused_data)
