"""One partition after the other, whatever the key.

Imported by: applications.  Imports: partitioner.base.
"""

from __future__ import annotations

from collections.abc import Sequence

from kafka.partitioner.base import Partitioner


class RoundRobinPartitioner(Partitioner):
    """Callable as f(key_bytes, all_partitions, available_partitions); follows changes of what is available.

    Threads: any.
    """

    def __init__(self, partitions: Sequence[int] | None = None) -> None:
        super().__init__(partitions)
        self._last: int | None = None

    def __call__(self, key: bytes | None, all_partitions: Sequence[int] | None = None, available: Sequence[int] | None = None) -> int:
        choices = list(available or all_partitions or self.partitions or ())
        later = [number for number in choices if self._last is not None and number > self._last]
        ordered = sorted(choices)
        self._last = min(later) if later else ordered[0]
        return self._last

    def partition(self, key: bytes | None, all_partitions: Sequence[int] | None = None, available: Sequence[int] | None = None) -> int:
        return self(key, all_partitions, available)
