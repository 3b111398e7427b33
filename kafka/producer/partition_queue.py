"""The batches of one partition, and what the I/O thread knows of it.

Imported by: producer.{accumulator,schedule,sender}.  Imports: structs, producer.slot.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from kafka.producer.slot import PartitionSlot
from kafka.structs import TopicPartition

if TYPE_CHECKING:
    from kafka.producer.batch import ProducerBatch
    from kafka.producer.schedule import ReadyLine


class PartitionQueue:
    """The batches of one partition, oldest first; only the newest may be open.

    Threads: `slot` belongs to the holder of the append lock; `batches` is appended to by it and taken from on the left by the I/O thread;
    the fields after them belong to the I/O thread.
    """

    __slots__ = (
        "__weakref__",
        "after",
        "batches",
        "before",
        "expires_at_s",
        "home",
        "home_version",
        "in_flight",
        "index",
        "place",
        "probe",
        "proven_bytes",
        "slot",
        "topic",
        "topic_partition",
        "wakes_at_s",
    )

    def __init__(self, topic_partition: TopicPartition) -> None:
        self.topic_partition = topic_partition
        self.topic, self.index = topic_partition
        self.batches: deque[ProducerBatch] = deque()
        self.slot = PartitionSlot(self)
        self.in_flight = 0  # batches of it on the wire
        self.probe: ProducerBatch | None = None  # one of them, larger than any acknowledged before: none may follow it until it is answered
        self.proven_bytes = 0  # size on the wire of the largest batch that was acknowledged
        self.place: ReadyLine | None = None  # the ready line it stands in (schedule.py), between these two:
        self.before: PartitionQueue | None = None
        self.after: PartitionQueue | None = None
        self.home: ReadyLine | None = None  # its leader's line, when leaders were as of this version
        self.home_version = 0
        self.wakes_at_s: float | None = None  # when its timer will look at it again
        self.expires_at_s: float | None = None  # when its timer will look for expired batches

    @property
    def is_idle(self) -> bool:
        """Whether it has nothing that waits, is on the wire, or may be appended to; for the I/O thread."""
        newest = self.slot.open
        is_busy = self.batches or self.in_flight or self.probe is not None or self.place is not None
        return not is_busy and (newest is None or newest.is_final)

    @property
    def is_retired(self) -> bool:
        """Whether another one has taken its place, or will, when its topic is used again."""
        return self.slot.queue is None
