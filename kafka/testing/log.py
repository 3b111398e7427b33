"""One partition's log: append, read, find.

Imported by: testing.cluster, testing.handlers.  Imports: _clock, testing.{stored,topic_config,validation}.
"""

from __future__ import annotations

import bisect
from typing import NamedTuple

from kafka._clock import Clock
from kafka.record import ReadRecord
from kafka.testing.stored import Buffer, Stored
from kafka.testing.topic_config import TimestampType
from kafka.testing.validation import checked


class Appended(NamedTuple):
    """Where records were put; offset -1 where there were none, time -1 where they keep their own."""

    base_offset: int
    log_append_time_ms: int


class Read(NamedTuple):
    """Whole batches, as buffers for a Fetch response."""

    buffers: list[Buffer]
    size_bytes: int
    newest_magic: int


class Position(NamedTuple):
    """A record's offset and time; -1 and -1 where there is none."""

    offset: int
    timestamp_ms: int


_NOWHERE = Position(-1, -1)


class PartitionLog:
    """Batches in the order they came; nothing is ever removed.

    Threads: the broker's appends, any reads.
    """

    start_offset = 0

    def __init__(self, *, timestamp_type: TimestampType, clock: Clock) -> None:
        self.stored: list[Stored] = []
        self.next_offset = 0
        self._epochs = [(0, 0)]  # each leader epoch and the offset that it began with
        self._base_offsets: list[int] = []
        self._timestamp_type = timestamp_type
        self._clock = clock

    @property
    def leader_epoch(self) -> int:
        return self._epochs[-1][0]

    def begin_epoch(self, epoch: int) -> None:
        """What is appended from now on is a new leader's."""
        self._epochs.append((epoch, self.next_offset))

    def append(self, records: memoryview | None, version: int, *, max_bytes: int) -> Appended:
        """Check and append what a Produce request of this version has for the partition; errors as in testing.validation.

        `max_bytes` bounds a batch.
        """
        batches = checked(records, version, max_bytes)
        if records is None or not batches:
            return Appended(-1, -1)
        time_ms = int(self._clock.time() * 1000) if self._timestamp_type is TimestampType.LOG_APPEND_TIME else None
        base_offset = self.next_offset
        new = Stored(records, batches, base_offset=base_offset, leader_epoch=self.leader_epoch, time_ms=time_ms)
        self._base_offsets.append(base_offset)
        self.stored.append(new)
        self.next_offset = new.next_offset
        return Appended(base_offset, -1 if time_ms is None else time_ms)

    def read(self, offset: int, max_bytes: int, *, must_progress: bool) -> Read:
        """Whole batches from the one that has `offset` on, within `max_bytes`, but with `must_progress` at least one."""
        buffers: list[Buffer] = []
        size_bytes = 0
        newest_magic = 0
        for index in range(self._index_of(offset), len(self.stored)):
            stored = self.stored[index]
            if size_bytes + stored.size_bytes > max_bytes and (buffers or not must_progress):
                break
            buffers += stored.buffers()
            size_bytes += stored.size_bytes
            newest_magic = max(newest_magic, stored.magic)
        return Read(buffers, size_bytes, newest_magic)

    def records(self) -> list[ReadRecord]:
        """Every record, decoded."""
        return [found for stored in list(self.stored) for found in stored.records()]

    def first_since(self, timestamp_ms: int) -> Position:
        """The first record that is not older."""
        for stored in self.stored:
            if stored.max_timestamp >= timestamp_ms:
                for found in stored.records():
                    if found.timestamp >= timestamp_ms:
                        return Position(found.offset, found.timestamp)
        return _NOWHERE

    def newest(self) -> Position:
        """The record with the largest timestamp, the first of several."""
        if not self.stored:
            return _NOWHERE
        newest = max(self.stored, key=lambda stored: stored.max_timestamp)
        found = max(newest.records(), key=lambda record: record.timestamp)
        return Position(found.offset, found.timestamp)

    def _index_of(self, offset: int) -> int:
        if offset >= self.next_offset:
            return len(self.stored)
        return max(0, bisect.bisect_right(self._base_offsets, offset) - 1)
