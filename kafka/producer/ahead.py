"""Batches that are compressed before their turn, by application threads that wait for room and would do nothing otherwise.

Compression is what limits the I/O thread then, and a waiting thread's processor is free.
Imported by: producer.{accumulator,sender,assembly}.  Imports: producer.{batch,partition_queue}, codec.
"""

from __future__ import annotations

from kafka.codec import Codec
from kafka.producer.batch import BatchState, ProducerBatch
from kafka.producer.partition_queue import PartitionQueue
from kafka.producer.records import Buffer

_MOST_BATCHES = 4  # that are kept: what the I/O thread sends soon
_MOST_BYTES = 1 << 20  # of a batch: nothing can interrupt its thread meanwhile
_NEXT_ONES = 2  # the I/O thread would come to these before another thread is done
_OPEN = BatchState.OPEN


class CompressedAhead:
    """Buffers of batches that the I/O thread has not taken yet. It never waits for one: where it comes first it compresses itself.

    Threads: compress_one() any, take() and forget() the I/O thread.
    """

    def __init__(self, codec: Codec | None) -> None:
        self.codec = codec
        self._buffers: dict[ProducerBatch, list[Buffer]] = {}  # empty while a thread is at it

    def compress_one(self, queue: PartitionQueue) -> bool:
        """Compress the next batch of the partition that is full and not among the I/O thread's next; False where there is none."""
        codec, kept = self.codec, self._buffers
        if codec is None or len(kept) >= _MOST_BATCHES:
            return False
        mine: list[Buffer] = []
        for batch in queue.waiting()[_NEXT_ONES:]:
            records = batch.records
            is_full = batch.state is _OPEN and records.is_closed and records.open_bytes <= _MOST_BYTES
            if is_full and kept.setdefault(batch, mine) is mine:
                break
        else:
            return False
        buffers = None
        try:
            buffers = records.assemble_full(codec)
        except Exception:  # noqa: BLE001 - the I/O thread meets the same, and fails the batch for it
            return False
        finally:
            if buffers is None:
                kept.pop(batch, None)
        kept[batch] = buffers
        if batch.state is not _OPEN:
            kept.pop(batch, None)  # the I/O thread came first, and has looked already
        return True

    def take(self, batch: ProducerBatch) -> list[Buffer] | None:
        """What was made of a batch that is being sent; None where nothing was."""
        return self._buffers.pop(batch, None) or None

    def forget(self, batch: ProducerBatch) -> None:
        """The batch is not sent any more."""
        self._buffers.pop(batch, None)
