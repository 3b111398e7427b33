"""Where application threads find the open batch of a partition.

Imported by: producer.partition_queue.  Imports: _accel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kafka import _accel

if TYPE_CHECKING:
    from kafka.producer.batch import ProducerBatch
    from kafka.producer.records import PythonRecords


class PythonPartitionSlot:
    """The open batch of a partition; the compiled twin is PartitionSlot in _speedups/send_path.pyx.

    Threads: belongs to the holder of the append lock.
    """

    __slots__ = ("open", "queue", "records")

    def __init__(self, queue: Any) -> None:
        self.queue: Any = queue  # the PartitionQueue that this belongs to; None once that is retired
        self.open: ProducerBatch | None = None
        self.records: PythonRecords | None = None  # of the open batch

    def retire(self) -> None:
        """Have nobody begin a batch here any more."""
        self.queue = None
        self.open = None
        self.records = None


if TYPE_CHECKING:
    PartitionSlot = PythonPartitionSlot
else:
    PartitionSlot = _accel.pick("send_path.PartitionSlot", PythonPartitionSlot)
