"""The three message formats as objects of one shape, and records rewritten from one to another.

Imported by: record.  Imports: errors, record.{batch_v2,legacy,reading}.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from kafka.codec import Codec
from kafka.errors import UnsupportedVersionError
from kafka.record.batch_v2 import Buffer, FormatV2, Headers
from kafka.record.legacy import LegacyFormat
from kafka.record.reading import read


class Format(Protocol):
    """How records and batches of one message format are written.

    Threads: any; formats keep nothing between calls.
    """

    @property
    def magic(self) -> int: ...

    @property
    def overhead_bytes(self) -> int:
        """What a batch takes besides its records."""

    def encode(self, index: int, base_timestamp_ms: int, timestamp_ms: int, key: bytes | None, value: bytes | None, headers: Headers) -> bytes:
        """One record's bytes, for this position in a batch that begins with this timestamp; never empty."""

    def checksum(self, encoded: bytes) -> int | None:
        """The record's own checksum, where the format has one."""

    def upper_bound(self, key: bytes | None, value: bytes | None, headers: Headers) -> int:
        """At most how many bytes a batch of this one record takes."""

    def assemble(
        self, chain: Sequence[Buffer], count: int, *, base_timestamp_ms: int, max_timestamp_ms: int, codec: Codec | None
    ) -> list[Buffer]:
        """The batch as buffers for a Produce request: of `count` records whose bytes lie in `chain`, which is not changed."""


_FORMATS: tuple[Format, ...] = (LegacyFormat(0), LegacyFormat(1), FormatV2())


def format_for(magic: int) -> Format:
    """The message format of this number."""
    return _FORMATS[magic]


def convert(batch: Buffer, magic: int, *, base_timestamp_ms: int) -> list[bytes]:
    """The records of a batch, encoded anew in another format; UnsupportedVersionError where it has no place for their headers."""
    target = format_for(magic)
    converted: list[bytes] = []
    for view in read(batch):
        for record in view.records:
            if record.headers and magic < 2:
                raise UnsupportedVersionError(f"Message format {magic} of the broker has no headers: they need Kafka 0.11 or newer")
            timestamp = base_timestamp_ms if record.timestamp < 0 else record.timestamp
            converted.append(target.encode(len(converted), base_timestamp_ms, timestamp, record.key, record.value, record.headers))
    return converted
