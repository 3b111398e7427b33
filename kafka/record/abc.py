"""What a record is to those who read it; OpenTelemetry's instrumentation imports ABCRecord from here.

Imported by: record, applications.  Imports: nothing of ours.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any


class ABCRecord(ABC):
    """One record.

    Threads: any.
    """

    @property
    @abstractmethod
    def offset(self) -> int: ...

    @property
    @abstractmethod
    def timestamp(self) -> int | None:
        """Milliseconds since the epoch."""

    @property
    @abstractmethod
    def key(self) -> bytes | None: ...

    @property
    @abstractmethod
    def value(self) -> bytes | None: ...

    @property
    @abstractmethod
    def headers(self) -> list[tuple[str, bytes | None]]: ...


class ABCRecordBatch(ABC):
    """Records that were written together.

    Threads: one.
    """

    @abstractmethod
    def __iter__(self) -> Iterator[Any]: ...


class ABCRecords(ABC):
    """Batches one after another.

    Threads: one.
    """

    @abstractmethod
    def has_next(self) -> bool: ...

    @abstractmethod
    def next_batch(self) -> Any | None: ...
