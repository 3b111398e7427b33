"""Records sent where nothing may block wait here for metadata, then go into batches of the I/O thread's own.

Imported by: producer.sender.  Imports: cluster, errors, producer.{accumulator,batch,partitioning}.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Callable

from kafka.cluster import ClusterMetadata
from kafka.errors import InvalidTopicError, KafkaError, KafkaTimeoutError, TopicAuthorizationFailedError
from kafka.future import Completion, Future, Home
from kafka.producer.accumulator import DeferredRecord, PartitionQueue, RecordAccumulator, take_all
from kafka.producer.batch import ProducerBatch
from kafka.producer.partitioning import Router, unrecognized_partition

_HOPELESS = (InvalidTopicError, TopicAuthorizationFailedError)


class Deferral:
    """The deferred records that have no batch yet.

    Threads: the I/O thread.
    """

    def __init__(self, *, home: Home, accumulator: RecordAccumulator, router: Router, cluster: ClusterMetadata, max_block_s: float) -> None:
        self._home = home
        self._accumulator = accumulator
        self._router = router
        self._cluster = cluster
        self._max_block_s = max_block_s
        self._waiting: list[DeferredRecord] = []
        self.on_done: Callable[[Completion], None] = _nobody
        """Called with the result of a deferred record when it is complete."""
        self._asked: dict[str, int] = {}  # topic -> how many answers metadata had when an explicit partition of it was not found

    @property
    def is_waiting(self) -> bool:
        return bool(self._waiting)

    @property
    def count(self) -> int:
        return len(self._waiting) + len(self._accumulator.deferred)

    def results(self) -> list[Completion]:
        """The results that flush() has to wait for."""
        return [deferred.result for deferred in self._waiting]

    def next_deadline_s(self) -> float:
        return min((deferred.created_s + self._max_block_s for deferred in self._waiting), default=math.inf)

    def place(self, now_s: float) -> Iterable[ProducerBatch]:
        """Put the records whose topic is known into sealed batches, in the order they were sent; fail those whose time is up."""
        self._waiting.extend(take_all(self._accumulator.deferred))
        still: list[DeferredRecord] = []
        batches: dict[PartitionQueue, ProducerBatch] = {}
        for deferred in self._waiting:
            try:
                queue = self._find_queue(deferred, now_s)
            except BaseException as error:  # noqa: BLE001 - the user's partitioner, on the thread that nothing may stop
                self._fail(deferred, error)
                continue
            if queue is None:
                still.append(deferred)
            else:
                self._append(deferred, queue, batches)
        waiting = set(map(id, still))
        for deferred in self._waiting:
            deferred.is_settled = id(deferred) not in waiting
        self._waiting = still
        interrupting = self._accumulator.interrupting
        while interrupting and interrupting[0].is_settled:  # threads may have come here in another order than into `deferred`
            interrupting.popleft()
        for batch in batches.values():
            batch.seal()
            self._accumulator.memory.take_beyond_limit(batch.size_bytes)
        return batches.values()

    def fail_all(self, error: KafkaError) -> None:
        """Give everything here this error."""
        for deferred in (*self._waiting, *take_all(self._accumulator.deferred)):
            self._fail(deferred, error)
        self._waiting = []

    def _find_queue(self, deferred: DeferredRecord, now_s: float) -> PartitionQueue | None:
        """Where it goes; None to go on waiting; raises what it fails with."""
        topic = deferred.topic
        route = self._router.route(topic)
        if route is not None and deferred.partition is None:
            key, value = deferred.sent
            return self._router.choose(route, key, deferred.key, value, deferred.value)
        answers = self._cluster.snapshot.version
        if route is not None and deferred.partition is not None:
            queue = self._router.explicit(route, deferred.partition)
            if queue is not None:
                return queue
            if answers > self._asked.setdefault(topic, answers):
                raise unrecognized_partition(topic, deferred.partition, route)
            self._cluster.update_wanted = True
        error = self._cluster.snapshot.errors.get(topic)
        if error in _HOPELESS and error is not None:
            raise error(topic)
        if now_s >= deferred.created_s + self._max_block_s:
            raise KafkaTimeoutError(f"Failed to update metadata after {self._max_block_s} secs. (topic {topic}, max_block_ms)")
        self._cluster.add_topic(topic)
        return None

    def _append(self, deferred: DeferredRecord, queue: PartitionQueue, batches: dict[PartitionQueue, ProducerBatch]) -> None:
        batch = batches.get(queue) or self._new_batch(deferred, queue, batches)
        position, encoded = _encoded(deferred, batch)
        if position and batch.open_bytes + len(encoded) > self._accumulator.batch_size_bytes:
            batch = self._new_batch(deferred, queue, batches)
            position, encoded = _encoded(deferred, batch)
        future = batch.append(batch.records, position, encoded, deferred.timestamp_ms, (-1, -1, -1))
        deferred.result.topic_partition = queue.topic_partition
        if future is not None:
            future.add_done_callback(_PassOn(deferred, self))
        self._accumulator.memory.release(deferred.size_bytes)

    def _new_batch(self, deferred: DeferredRecord, queue: PartitionQueue, batches: dict[PartitionQueue, ProducerBatch]) -> ProducerBatch:
        """A batch behind all that is queued: what application threads append later must not come before it."""
        previous = batches.pop(queue, None)
        if previous is not None:
            previous.seal()
            self._accumulator.memory.take_beyond_limit(previous.size_bytes)
            self._accumulator.fresh.append(previous)
        elif queue.batches:
            queue.batches[-1].seal()
        batch = batches[queue] = ProducerBatch(queue, self._accumulator.format, self._home, self._home.clock.monotonic(), deferred.timestamp_ms)
        queue.batches.append(batch)
        return batch

    def _fail(self, deferred: DeferredRecord, error: BaseException) -> None:
        self._accumulator.memory.release(deferred.size_bytes)
        deferred.result.fail(error)
        self.on_done(deferred.result)


def _encoded(deferred: DeferredRecord, batch: ProducerBatch) -> tuple[int, bytes]:
    """The record's place in the batch, and its bytes for that place."""
    position = len(batch.records)
    timestamp_ms = deferred.timestamp_ms
    return position, batch.format.encode(position, batch.base_timestamp_ms, timestamp_ms, deferred.key, deferred.value, deferred.headers)


def _nobody(result: Completion) -> None:
    """Nobody waits for deferred records."""


class _PassOn:
    """Hands a record's outcome in its batch on to the future that send() returned."""

    __slots__ = ("_deferral", "_deferred")

    def __init__(self, deferred: DeferredRecord, deferral: Deferral) -> None:
        self._deferred = deferred
        self._deferral = deferral

    def __call__(self, record: Future) -> None:
        result = self._deferred.result
        error = record.exception
        try:
            if error is not None:
                result.fail(error)
            else:
                metadata = record.value
                result.checksums = None if metadata.checksum is None else [metadata.checksum]
                result.has_timestamps = metadata.timestamp >= 0
                result.succeed(metadata.offset, metadata.timestamp)
        finally:
            self._deferral.on_done(result)
