"""What a partitioner of the later form is.

Imported by: partitioner.*, applications.  Imports: nothing of ours.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any


class Partitioner(ABC):
    """Chooses the partition of a record.

    Threads: any thread that sends.
    """

    @abstractmethod
    def partition(self, topic: str, key: Any, serialized_key: bytes | None, value: Any, serialized_value: bytes | None, cluster: Any) -> int:
        """The partition's number; `cluster` is a ClusterMetadata."""

    def on_new_batch(self, topic: str, cluster: Any, prev_partition: int) -> None:  # noqa: B027 - to be overridden by those who care
        """A batch for `prev_partition` is about to be begun."""

    def close(self) -> None:  # noqa: B027 - likewise
        """The producer is closed."""
