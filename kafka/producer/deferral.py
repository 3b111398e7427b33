"""Records sent where nothing may block wait here for metadata, then go into batches of the I/O thread's own.

Imported by: producer.sender.  Imports: cluster, errors, producer.{accumulator,batch,delivery,partitioning}.
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterable
from typing import Callable

from kafka.cluster import ClusterMetadata
from kafka.errors import InvalidTopicError, KafkaError, KafkaTimeoutError, TopicAuthorizationFailedError
from kafka.future import Completion, Home
from kafka.producer.accumulator import DeferredRecord, RecordAccumulator
from kafka.producer.batch import ProducerBatch
from kafka.producer.delivery import DeliveryPolicy
from kafka.producer.future import FutureRecordMetadata
from kafka.producer.partition_queue import PartitionQueue
from kafka.producer.partitioning import Router, unrecognized_partition

_HOPELESS = (InvalidTopicError, TopicAuthorizationFailedError)


class Deferral:
    """The deferred records that have no batch yet.

    Threads: the I/O thread.
    """

    def __init__(self, *, home: Home, accumulator: RecordAccumulator, router: Router, cluster: ClusterMetadata, policy: DeliveryPolicy) -> None:
        self._home = home
        self._accumulator = accumulator
        self._router = router
        self._cluster = cluster
        self._max_wait_s, self._max_wait_option = policy.deferral_bound
        self.on_done: Callable[[Completion], None] = _nobody
        """Called with the result of a deferred record that has failed."""
        self.on_placed: Callable[[Completion, Iterable[Completion]], None] = _nobody_else
        """Called with the result of a deferred record and that of the batch which has taken it over."""

    @property
    def count(self) -> int:
        return len(self._accumulator.unplaced) + len(self._accumulator.deferred)

    def results(self) -> list[Completion]:
        """The results that flush() has to wait for."""
        self._take_deferred()
        return [deferred.result for deferred in self._accumulator.unplaced]

    def next_deadline_s(self) -> float:
        return min((deferred.created_s + self._max_wait_s for deferred in self._accumulator.unplaced), default=math.inf)

    def _take_deferred(self) -> None:
        """A record is always to be found in `deferred` or in `unplaced`."""
        deferred = self._accumulator.deferred
        while deferred:
            self._accumulator.unplaced.append(deferred[0])
            deferred.popleft()

    def place(self, now_s: float) -> None:
        """Put the records whose topic is known into new sealed batches, in the order they were sent; fail those whose time is up."""
        accumulator = self._accumulator
        self._take_deferred()
        still: list[DeferredRecord] = []
        batches: dict[PartitionQueue, ProducerBatch] = {}
        for deferred in accumulator.unplaced:
            try:
                queue = self._find_queue(deferred, now_s, batches)
                if queue is None:
                    still.append(deferred)
                    continue
                self._append(deferred, queue, batches)
                deferred.is_settled = True
            except BaseException as error:  # noqa: BLE001 - the user's partitioner, on the thread that nothing may stop
                self._fail(deferred, error)
        for batch in batches.values():
            batch.seal()
            accumulator.memory.take_beyond_limit(batch.size_bytes)
        accumulator.fresh.extend(batches.values())
        accumulator.unplaced[:] = still
        interrupting = accumulator.interrupting
        while interrupting and interrupting[0].is_settled:  # threads may have come here in another order than into `deferred`
            interrupting.popleft().placed.open()

    def fail_all(self, error: KafkaError) -> None:
        """Give everything here this error."""
        self._take_deferred()
        for deferred in self._accumulator.unplaced:
            self._fail(deferred, error)
        self._accumulator.unplaced.clear()

    def _find_queue(self, deferred: DeferredRecord, now_s: float, begun: Container[PartitionQueue]) -> PartitionQueue | None:
        """Where it goes; None to go on waiting; raises what it fails with.  Partitions in `begun` have a batch that is open for it."""
        topic = deferred.topic
        route = self._router.route(topic)
        if route is not None and deferred.partition is None:
            key, value = deferred.sent
            queue = self._router.choose(route, key, deferred.key, value, deferred.value)
            if self._router.hears_of_batches and queue not in begun:
                queue = self._router.choose_for_new_batch(route, queue, key, deferred.key, value, deferred.value)
            return queue
        answers = self._cluster.snapshot.version
        if route is not None and deferred.partition is not None:
            explicit = self._router.explicit(route, deferred.partition)
            if explicit is not None:
                return explicit
            if deferred.answers_seen < 0:
                deferred.answers_seen = answers
            if answers > deferred.answers_seen:
                raise unrecognized_partition(topic, deferred.partition, route)
            self._cluster.update_wanted = True
        error = self._cluster.snapshot.errors.get(topic)
        if error in _HOPELESS and error is not None:
            raise error(topic)
        given_up = self._router.given_up(topic)
        if given_up is not None:
            raise given_up
        if now_s >= deferred.created_s + self._max_wait_s:
            raise KafkaTimeoutError(f"Failed to update metadata after {self._max_wait_s} secs. (topic {topic}, {self._max_wait_option})")
        self._cluster.add_topic(topic)
        return None

    def _append(self, deferred: DeferredRecord, queue: PartitionQueue, batches: dict[PartitionQueue, ProducerBatch]) -> None:
        content = (deferred.timestamp_ms, deferred.key, deferred.value, deferred.headers, -1)
        batch = batches.get(queue)
        future = None if batch is None else batch.records.append(None, 0, *content)
        if batch is None or future is None:
            batch = self._new_batch(deferred, queue, batches)
            future = batch.records.append(None, 0, *content)
        if isinstance(future, FutureRecordMetadata):
            deferred.future._position = future._position
        deferred.result.split([(batch.result, 0)])
        self.on_placed(deferred.result, [batch.result])
        self._accumulator.memory.release(deferred.size_bytes)

    def _new_batch(self, deferred: DeferredRecord, queue: PartitionQueue, batches: dict[PartitionQueue, ProducerBatch]) -> ProducerBatch:
        """A batch behind all that is queued: what application threads append later must not come before it."""
        previous = batches.pop(queue, None)
        if previous is not None:
            previous.seal()
            self._accumulator.memory.take_beyond_limit(previous.size_bytes)
            self._accumulator.fresh.append(previous)
        batch = batches[queue] = self._accumulator.new_batch(queue, deferred.timestamp_ms, deferred.created_s)
        queue.enqueue(batch)
        for earlier in queue.waiting():  # whatever an application thread has begun by now too
            if earlier is batch:
                break
            earlier.seal()
        return batch

    def _fail(self, deferred: DeferredRecord, error: BaseException) -> None:
        self._accumulator.memory.release(deferred.size_bytes)
        deferred.is_settled = True
        self._accumulator.failures.fail_record(deferred.result, error, deferred.fate(self._home.clock.monotonic()))
        self.on_done(deferred.result)


def _nobody(result: Completion) -> None:
    """Nobody waits for deferred records."""


def _nobody_else(result: Completion, by: Iterable[Completion]) -> None:
    """Nor for what has taken them over."""
