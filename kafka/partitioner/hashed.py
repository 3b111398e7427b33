"""The partitioners of release 1.x that hash keys over the partitions that are available.

Imported by: applications.  Imports: partitioner.{base,murmur2}.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kafka.partitioner.base import Partitioner
from kafka.partitioner.murmur2 import murmur2


class Murmur2Partitioner(Partitioner):
    """murmur2 of the key over available partitions, so that a key moves when they change.

    Threads: any.
    """

    def __call__(self, key: Any, partitions: Sequence[int] | None = None, available: Sequence[int] | None = None) -> int:
        """A key that is not bytes counts as its str(), None included: all records without a key go to one partition."""
        choices = available or partitions or self.partitions or ()
        return choices[self._hash(key if isinstance(key, (bytes, bytearray, memoryview)) else str(key).encode()) % len(choices)]

    def partition(self, key: Any, partitions: Sequence[int] | None = None) -> int:
        return self(key, partitions)

    def _hash(self, key: bytes | bytearray | memoryview) -> int:
        return murmur2(key) & 0x7FFFFFFF


HashedPartitioner = Murmur2Partitioner


class LegacyPartitioner(Murmur2Partitioner):
    """Python's own hash() of the key, which differs from process to process unless PYTHONHASHSEED is set.

    Threads: any.
    """

    def _hash(self, key: bytes | bytearray | memoryview) -> int:
        return hash(bytes(key))


__all__ = ["HashedPartitioner", "LegacyPartitioner", "Murmur2Partitioner", "murmur2"]
