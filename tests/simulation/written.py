"""What brokers have written: every log there has been, read as it grows, and on which connection each record came."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from typing import Callable, NamedTuple

from kafka.protocol.produce import ProduceRequest
from kafka.record import layout
from kafka.testing import Cluster
from kafka.testing.cluster import Partition
from kafka.testing.exchange import Answer, Call
from kafka.testing.handlers import SERVED
from kafka.testing.log import PartitionLog
from kafka.testing.stored import Stored


class Found(NamedTuple):
    """A record as it stands in a log."""

    number: int
    """Which of the run's records it is."""
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    timestamp_ms: int
    magic: int


class Log:
    """One partition's log; a topic that is made anew has others."""

    def __init__(self, topic: str, partition: int, log: PartitionLog) -> None:
        self.topic = topic
        self.partition = partition
        self.records: list[Found] = []
        """By offset."""
        self.log = log
        self.seen = 0  # of its batches

    def __repr__(self) -> str:
        return f"{self.topic}-{self.partition}"


class Copy(NamedTuple):
    """A record that was just written."""

    log: Log
    offset: int
    found: Found
    connection: int
    at_s: float


class Sequenced(NamedTuple):
    """What an idempotent producer's batch is known by."""

    producer_id: int
    producer_epoch: int
    topic: str
    partition: int
    sequence: int


_NUMBERED_MAGIC = 2


class Written:
    """All logs."""

    def __init__(self, cluster: Cluster, *, on_copies: Callable[[list[Copy]], None], on_batch: Callable[[Sequenced, int], None]) -> None:
        """`on_copies` is called with the records of each Produce request that wrote some, `on_batch` with each numbered batch and its CRC."""
        self._cluster = cluster
        self._on_copies = on_copies
        self._on_batch = on_batch
        self._logs: dict[int, Log] = {}  # by the identity of the broker's own, which they keep alive

    def logs(self) -> list[Log]:
        return list(self._logs.values())

    def of(self, topic: str, partition: int) -> list[Log]:
        """The logs that this partition has had, one for each time that its topic was made."""
        return [log for log in self._logs.values() if log.topic == topic and log.partition == partition]

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Read what each Produce request has written as soon as it has."""
        served = SERVED[ProduceRequest.API_KEY]

        def handle(call: Call) -> Answer:
            self._note_batches(call)
            answer = served.handle(call)
            self._look(call)
            return answer

        SERVED[ProduceRequest.API_KEY] = served._replace(handle=handle)
        try:
            yield
        finally:
            SERVED[ProduceRequest.API_KEY] = served

    def _look(self, call: Call) -> None:
        copies: list[Copy] = []
        now_s = self._cluster.clock.monotonic()
        for topic in self._cluster.topics.values():
            for partition in topic.partitions:
                log = self._log_of(topic.name, partition)
                for stored in partition.log.stored[log.seen :]:
                    for found in _records_of(stored):
                        copies.append(Copy(log, len(log.records), found, call.connection, now_s))
                        log.records.append(found)
                log.seen = len(partition.log.stored)
        if copies:
            self._on_copies(copies)

    def _log_of(self, topic: str, partition: Partition) -> Log:
        found = self._logs.get(id(partition.log))
        if found is None:
            found = self._logs[id(partition.log)] = Log(topic, partition.index, partition.log)
        return found

    def _note_batches(self, call: Call) -> None:
        for asked in call.request.topic_data:
            topic = asked.name or str(asked.topic_id)
            for data in asked.partition_data:
                if data.records is not None and len(data.records) >= layout.BATCH_HEADER.size and data.records[layout.MAGIC_AT] == _NUMBERED_MAGIC:
                    header = layout.BATCH_HEADER.unpack_from(data.records)
                    crc, producer_id, producer_epoch, sequence = header[4], header[9], header[10], header[11]
                    if producer_id >= 0:
                        self._on_batch(Sequenced(producer_id, producer_epoch, topic, data.index, sequence), crc)


def _records_of(stored: Stored) -> Iterator[Found]:
    for found in stored.records():
        marked = found.value if found.value is not None else found.key
        yield Found(number_in(marked), found.key, found.value, tuple(found.headers), found.timestamp, stored.magic)


_DIGITS = 8


def mark(number: int, size: int, *, is_noise: bool = False) -> bytes:
    """Bytes by which a record is known again, of at least this size; noise cannot be compressed."""
    start = b"%0*d:" % (_DIGITS, number)
    return start + random.Random(number).randbytes(max(0, size - len(start))) if is_noise else start.ljust(size, b"x")


def number_in(marked: bytes | None) -> int:
    """The number of a record that bytes were made for; -1 where they are nobody's."""
    start = (marked or b"")[: _DIGITS + 1]
    return int(start[:-1]) if len(start) == _DIGITS + 1 and start.endswith(b":") and start[:-1].isdigit() else -1
