"""The batches of one partition, and what the I/O thread knows of it.

Imported by: producer.{accumulator,schedule,sender}.  Imports: structs, _accel.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from kafka import _accel
from kafka.structs import TopicPartition

if TYPE_CHECKING:
    from kafka.producer.batch import ProducerBatch
    from kafka.producer.records import PythonRecords
    from kafka.producer.schedule import ReadyLine


class PythonPartitionQueue:
    """The batches of one partition that wait to be sent, oldest first; only the newest may be open.

    The compiled twin is PartitionQueue in _speedups/partition_queue.pyx.

    Threads: `open` and `records` belong to the holder of the append lock; enqueue(), waiting() and `is_retired` any;
    everything else the I/O thread.
    """

    __slots__ = (
        "__weakref__",
        "_waiting",
        "after",
        "before",
        "expires_at_s",
        "home",
        "home_version",
        "in_flight",
        "index",
        "is_retired",
        "open",
        "place",
        "probe",
        "proven_bytes",
        "records",
        "topic",
        "topic_partition",
        "wakes_at_s",
    )

    def __init__(self, topic_partition: TopicPartition) -> None:
        self.topic_partition = topic_partition
        self.topic, self.index = topic_partition
        self.open: ProducerBatch | None = None
        """Where application threads append, until it is full or the I/O thread has taken it."""
        self.records: PythonRecords | None = None  # of the open batch
        self.is_retired = False
        """Whether another one has taken its place, or will, when its topic is used again."""
        self._waiting: deque[ProducerBatch] = deque()  # whose steps are atomic
        self.in_flight = 0  # batches of it on the wire
        self.probe: ProducerBatch | None = None  # one of them, larger than any acknowledged before: none may follow it until it is answered
        self.proven_bytes = 0  # size on the wire of the largest batch that was acknowledged
        self.place: ReadyLine | None = None  # the ready line it stands in (schedule.py), between these two:
        self.before: Any = None
        self.after: Any = None
        self.home: ReadyLine | None = None  # its leader's line, when leaders were as of this version
        self.home_version = 0
        self.wakes_at_s: float | None = None  # when its timer will look at it again
        self.expires_at_s: float | None = None  # when its timer will look for expired batches

    def enqueue(self, batch: ProducerBatch) -> None:
        """Put a batch behind all others."""
        self._waiting.append(batch)

    @property
    def first(self) -> Any:
        """The oldest ProducerBatch that waits; None where none does."""
        return self._waiting[0] if self._waiting else None

    @property
    def backlog(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def take_first(self) -> ProducerBatch:
        """Take the oldest out; IndexError where there is none."""
        return self._waiting.popleft()

    def put_back(self, batch: ProducerBatch) -> None:
        """Put a batch in front of all that were made after it."""
        waiting = self._waiting
        earlier = []
        while waiting and waiting[0].precedes(batch):
            earlier.append(waiting.popleft())
        waiting.appendleft(batch)
        waiting.extendleft(reversed(earlier))

    def remove(self, batch: ProducerBatch) -> bool:
        """Take a batch out; False where it does not wait here."""
        try:
            self._waiting.remove(batch)
        except ValueError:
            return False
        return True

    def waiting(self) -> list[ProducerBatch]:
        """All that wait, oldest first."""
        return list(self._waiting)  # unlike tuple(), list() cannot run the collector on its way through

    @staticmethod
    def fetch(batches: list[ProducerBatch]) -> None:
        """Have the processor fetch these batches, and what each refers to, which are looked at in turn then; Python code has no word for that."""

    @property
    def is_idle(self) -> bool:
        """Whether it has nothing that waits, is on the wire, or may be appended to."""
        newest = self.open
        is_busy = self._waiting or self.in_flight or self.probe is not None or self.place is not None
        return not is_busy and (newest is None or newest.is_final)

    def retire(self) -> None:
        """Have nobody begin a batch here any more; the holder of the append lock, or the I/O thread while nobody appends."""
        self.is_retired = True
        self.open = None
        self.records = None


if TYPE_CHECKING:
    PartitionQueue = PythonPartitionQueue
else:
    PartitionQueue = _accel.pick("partition_queue.PartitionQueue", PythonPartitionQueue)
