"""The base class of partitioners in release 1.x, which know nothing of batches and clusters.

Imported by: partitioner.{hashed,roundrobin}, applications.  Imports: nothing of ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class Partitioner:
    """Callable as f(key_bytes, all_partitions, available_partitions); a derived class overrides that.

    Threads: any thread that sends.
    """

    def __init__(self, partitions: Sequence[int] | None = None) -> None:
        self.partitions = partitions

    def __call__(self, key: Any, all_partitions: Sequence[int] | None = None, available: Sequence[int] | None = None) -> int:
        raise NotImplementedError("A partitioner must say what it chooses")


__all__ = ["Partitioner"]
