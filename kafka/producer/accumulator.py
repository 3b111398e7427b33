"""Where application threads leave records: a queue of batches per partition, bounded memory, flush requests.

The I/O thread takes no lock here. What it needs is left in deques (`fresh`, `deferred`, `flushes`) by single atomic appends,
so that it goes on while a signal handler that interrupted append() waits for it.
Imported by: producer.sender, producer.kafka.  Imports: record, errors, _handover, producer.{ahead,batch,failures,memory,partition_queue}.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from typing import Any, Callable, NamedTuple

from kafka import record
from kafka._clock import Latch
from kafka._handover import take_all
from kafka.codec import Codec
from kafka.errors import FailedPartition, IllegalStateError, KafkaError, KafkaTimeoutError
from kafka.future import Completion, Home
from kafka.producer.ahead import CompressedAhead
from kafka.producer.batch import ProducerBatch
from kafka.producer.failures import Failures, Fate, Hook, not_delivered
from kafka.producer.future import FutureProduceResult, FutureRecordMetadata
from kafka.producer.memory import BufferMemory, MemoryWaiter
from kafka.producer.partition_queue import PartitionQueue
from kafka.producer.records import Headers, new_records
from kafka.structs import TopicPartition

UNKNOWN_PARTITION = -1

_WORKS_UNTIL_S = 1.0  # before its time is up: what waits for room must be punctual


class DeferredRecord:
    """A record sent where nothing may block: in a callback, or in a signal handler that interrupted an append.

    It has a result of its own until the I/O thread has put it into a batch.
    Threads: made by any, then the I/O thread's.
    """

    __slots__ = (
        "answers_seen",
        "created_s",
        "future",
        "headers",
        "is_settled",
        "key",
        "partition",
        "placed",
        "result",
        "sent",
        "size_bytes",
        "thread",
        "timestamp_ms",
        "topic",
        "value",
    )

    def __init__(self, topic: str, partition: int | None, timestamp_ms: int, key: bytes | None, value: bytes | None, headers: Headers) -> None:
        self.topic = topic
        self.partition = partition
        self.timestamp_ms = timestamp_ms
        self.key = key
        self.value = value
        self.headers = headers
        self.sent: tuple[Any, Any] = (None, None)  # key and value as given to send(), for partitioners that want them
        self.size_bytes = 0  # room it holds until it is in a batch
        self.created_s = 0.0
        self.answers_seen = -1  # how many answers metadata had when its partition was not found
        self.is_settled = False  # it is in a batch or has failed; written by the I/O thread
        self.placed = Latch()  # opened after that
        self.thread = 0  # whose send() it interrupted
        self.result: FutureProduceResult
        self.future: FutureRecordMetadata

    def fate(self, now_s: float) -> Fate:
        """What its error says of it."""
        return Fate(self.result.topic_partition, elapsed_s=now_s - self.created_s)


class FlushRequest(Completion):
    """What a flush() waits for: done when all that it found has an outcome.

    Threads: any waits; `remaining` is the I/O thread's; `failures` its until this is done.
    """

    __slots__ = ("failures", "is_abandoned", "remaining", "wants_failures")

    def __init__(self, home: Home, *, wants_failures: bool = False) -> None:
        super().__init__(home)
        self.wants_failures = wants_failures
        self.failures: tuple[FailedPartition, ...] = ()
        self.remaining: set[Completion] | None = None  # None until the I/O thread has seen the request
        self.is_abandoned = False


class BatchSizes(NamedTuple):
    """How large batches become, in bytes."""

    sendable: int
    """From this size on a batch does not linger: batch_size."""
    most: int
    """What it may grow to while it waits for the wire: max_batch_size."""


class RecordAccumulator:
    """Takes records from any thread and keeps them until the I/O thread fetches them.

    Threads: append(), defer(), flush() any; the rest as said there. The append lock serialises application threads, and is
    never taken by the I/O thread; it is re-entrant so that a signal handler's send() finds out and defers its record.
    """

    def __init__(
        self, *, home: Home, memory: BufferMemory, sizes: BatchSizes, magic: int, wake: Callable[[], None], on_delivery_error: Hook | None = None,
        codec: Codec | None = None,
    ) -> None:
        self.home = home
        self.memory = memory
        self.sizes = sizes
        self.format = record.format_for(magic)  # of new batches; replaced by the I/O thread when brokers turn out newer
        self.size_limits: dict[str, int] = {}  # topics whose brokers refused larger batches, and what was remembered; written by the I/O thread
        self.fresh: deque[ProducerBatch] = deque()  # new or newly full batches the I/O thread has not looked at
        self.deferred: deque[DeferredRecord] = deque()
        self.interrupting: deque[DeferredRecord] = deque()  # those of them that interrupted an append; what their thread sends next must not overtake
        self.flushes: deque[FlushRequest] = deque()
        self.room_waits: deque[float] = deque()  # seconds that threads waited for room, for the I/O thread to measure
        self.incomplete: dict[FutureProduceResult, ProducerBatch] = {}  # the I/O thread's: what it knows of and has no outcome
        self.unplaced: list[DeferredRecord] = []  # the I/O thread's: deferred records that it has taken and that have no batch yet
        self.ahead = CompressedAhead(codec)
        self.is_terminated = False  # the I/O thread has ended; written by it
        self.on_refusal: Callable[[], None] = _nothing
        """Called once something is refused: whoever appends past this object must stop to."""
        self._refusal: KafkaError | None = None
        self._queues: dict[str, dict[int, PartitionQueue]] = {}  # filled by any thread in single steps; emptied by the I/O thread
        self.wake = wake
        self.failures = Failures(home=home, wake=wake, hook=on_delivery_error)
        self._append_lock = threading.RLock()  # guards is_appending, the queues' open batches, those batches' sizes, memory's reserved bytes
        self.is_appending = False

    @property
    def refusal(self) -> KafkaError | None:
        """Why nothing more is taken: closed, failed, forked; any thread sets it."""
        return self._refusal

    @refusal.setter
    def refusal(self, error: KafkaError) -> None:
        self._refusal = error
        self.on_refusal()

    def check_open(self) -> None:
        """Raise the reason of refusal, if there is one: a copy each time, so that no caller's frames are kept with it."""
        refusal = self._refusal
        if refusal is not None:
            copy = type(refusal)(*refusal.args)
            copy.__cause__ = refusal.__cause__
            raise copy

    def queue(self, topic_partition: TopicPartition) -> PartitionQueue:
        """The queue of a partition, made when first asked for; any thread."""
        topic, partition = topic_partition
        while True:
            queues = self._queues.get(topic)
            if queues is None:
                queues = self._queues.setdefault(topic, {})
            queue = queues.get(partition)
            if queue is None:
                queue = queues.setdefault(partition, PartitionQueue(topic_partition))
            if self._queues.get(topic) is queues:  # else the topic was retired meanwhile, and this queue perhaps without anybody knowing it
                return queue

    def topics(self) -> list[str]:
        """Those that have queues; any thread."""
        return list(self._queues)

    def busy_topics(self) -> set[str]:
        """I/O thread: those of records without an outcome that it knows of."""
        return {batch.topic_partition.topic for batch in self.incomplete.values()}.union(deferred.topic for deferred in self.unplaced)

    def retire(self, topics: Iterable[str]) -> list[str] | None:
        """I/O thread: let go of the queues of these topics, if all of a topic's are idle; which they were. None while an append is under way.

        Who holds such a queue, from a route that is out of date, may go on appending to it: that goes to the one which takes its place.
        """
        if not self._append_lock.acquire(blocking=False):
            return None
        try:
            if self.is_appending:  # below, in a world of one thread
                return None
            self.is_appending = True  # so that compiled SendPath, which takes no lock, begins no batch
            try:
                return [topic for topic in topics if self._retire_locked(topic)]
            finally:
                self.is_appending = False
        finally:
            self._append_lock.release()

    def _retire_locked(self, topic: str) -> bool:
        queues = self._queues.get(topic)
        if queues is not None:  # else another thread may be making the first at this moment, and has it
            if not all(queue.is_idle for queue in list(queues.values())):
                return False
            del self._queues[topic]
            for queue in list(queues.values()):  # those too that were made meanwhile
                queue.retire()
        self.size_limits.pop(topic, None)
        return True

    @property
    def is_idle(self) -> bool:
        """Whether every record has its outcome; any thread."""
        return not (self.deferred or self.unplaced or self.fresh or self.incomplete)  # in the order in which records go through them

    @property
    def pending_records(self) -> int:
        """How many have no outcome; any thread, a moment's view."""
        batches = dict.fromkeys((*list(self.fresh), *list(self.incomplete.values())))  # in the order in which they go through them
        in_batches = sum(batch.records.appended for batch in batches if not batch.is_final)
        return in_batches + len(self.unplaced) + len(self.deferred)

    def adopt_format(self, magic: int) -> None:
        """I/O thread: begin new batches in another message format from now on."""
        self.format = record.format_for(magic)

    def new_batch(self, queue: PartitionQueue, timestamp_ms: int, created_s: float | None = None) -> ProducerBatch:
        """An empty batch for the partition that nobody knows yet, whose time runs from `created_s` on (None: now); any thread."""
        result = FutureProduceResult(queue.topic_partition, self.home)
        sendable, most = self.sizes
        if self.size_limits:
            limit = self.size_limits.get(queue.topic_partition.topic, most)
            sendable, most = min(sendable, limit), min(most, limit)
        expected = 0 if queue.records is None else queue.records.open_bytes
        records = new_records(self.format, result, timestamp_ms, sendable, most, expected)
        return ProducerBatch(queue, records, self.home.clock.monotonic() if created_s is None else created_s)

    def append(
        self,
        queue: PartitionQueue,
        timestamp_ms: int,
        key: bytes | None,
        value: bytes | None,
        headers: Headers,
        header_size: int,
        wait_s: float | None,
    ) -> FutureRecordMetadata | None:
        """Add a record, waiting at most `wait_s` seconds for room; None where a signal handler interrupted this very method: it must be deferred.

        With `wait_s` None it waits for nothing, and gives None where it would have to.
        KafkaTimeoutError where there was no room in time; the reason of refusal where the producer takes nothing more.
        """
        place: MemoryWaiter | None = None  # where it stands in line for room, and what it was granted there; known before anybody can grant it
        deadline_s = 0.0
        try:
            while True:
                earlier = self._own_interruption() if self.interrupting else None
                with self._append_lock:
                    if self.is_appending:
                        return None
                    outcome: FutureRecordMetadata | int = 0
                    if earlier is None:
                        try:
                            self.is_appending = True
                            outcome = self._append_locked(queue, timestamp_ms, key, value, headers, header_size, place)
                        finally:
                            self.is_appending = False
                if not isinstance(outcome, int):
                    if self.is_terminated:
                        self.fail_leftovers()
                    return outcome
                if wait_s is None:
                    return None
                deadline_s = deadline_s or self.home.clock.monotonic() + wait_s
                if earlier is not None:
                    self._wait_until_placed(earlier, deadline_s)
                else:
                    if place is not None:
                        self._leave_queue(place)
                    place = MemoryWaiter(min(outcome, self.memory.limit_bytes))
                    self._wait_for_room(queue, place, deadline_s, wait_s)
        finally:
            if place is not None:
                self._leave_queue(place)

    def fits_open_batch(self, queue: PartitionQueue, key: bytes | None, value: bytes | None, headers: Headers) -> bool:
        """Whether the record goes into the open batch without filling it beyond batch_size; a batch that is left for this is not kept lingering.

        A moment's view: another thread may fill the batch before append() is called.
        """
        batch = queue.open
        if batch is None or batch.records.is_full or batch.records.is_sealing:
            return False
        size = self.format.upper_bound(key, value, headers) - self.format.overhead_bytes
        if batch.records.open_bytes + size <= batch.records.sendable_bytes:
            return True
        batch.lingers = False
        self.fresh.append(batch)
        self.wake()
        return False

    def _own_interruption(self) -> DeferredRecord | None:
        """The newest record that a signal handler left while it interrupted an append of this thread, if it is not in a batch yet."""
        me = threading.get_ident()
        return next((one for one in reversed(list(self.interrupting)) if one.thread == me and not one.is_settled), None)

    def _wait_until_placed(self, earlier: DeferredRecord, deadline_s: float) -> None:
        if self.home.clock.wait(earlier.placed, deadline_s):
            return
        raise KafkaTimeoutError(f"A signal handler sent to {earlier.topic} before this record, and that has found no batch within max_block_ms")

    def _append_locked(
        self,
        queue: PartitionQueue,
        timestamp_ms: int,
        key: bytes | None,
        value: bytes | None,
        headers: Headers,
        header_size: int,
        place: MemoryWaiter | None,
    ) -> FutureRecordMetadata | int:
        """The future, or how many bytes of room to wait for: those of a batch of its own are enough wherever the record goes.

        What was granted at its `place` in line is given back by the caller unless the record takes it.
        """
        self.check_open()
        granted = 0 if place is None else place.held_bytes
        batch = queue.open
        if batch is not None:
            was_full = batch.records.is_full
            before = batch.records.appended
            try:
                outcome = batch.records.append(self.memory, granted, timestamp_ms, key, value, headers, header_size)
            except BaseException:  # of a signal handler: the record may have come in
                if place is not None and batch.records.appended > before:
                    place.is_spent = True
                if not was_full and batch.records.is_full:
                    self.fresh.append(batch)
                    self.wake()
                raise
            if isinstance(outcome, int):
                return outcome + self.format.overhead_bytes
            if outcome is not None:
                if place is not None:
                    place.is_spent = True
                if not was_full and batch.records.is_full:
                    self.fresh.append(batch)
                    self.wake()
                return outcome
        elif queue.is_retired:
            queue = self.queue(queue.topic_partition)
            return self._append_locked(queue, timestamp_ms, key, value, headers, header_size, place)
        return self._begin_batch(queue, (timestamp_ms, key, value, headers, header_size), granted, place)

    def _begin_batch(
        self, queue: PartitionQueue, content: tuple[int, bytes | None, bytes | None, Headers, int], granted: int, place: MemoryWaiter | None
    ) -> FutureRecordMetadata | int:
        """_append_locked() of the first record of a batch."""
        batch = self.new_batch(queue, content[0])
        try:
            outcome = batch.records.append(self.memory, granted, *content)
            if outcome is None:
                raise IllegalStateError(f"A batch of {queue.topic_partition} was sealed before anybody knew it")
            if isinstance(outcome, int):
                return outcome + self.format.overhead_bytes
            if place is not None:
                place.is_spent = True
            queue.enqueue(batch)  # known to the I/O thread from here on
            self.fresh.append(batch)
            self.wake()
        except BaseException:  # of a signal handler, Ctrl-C for one: nobody looks at a batch that is not told of
            if batch in queue.waiting():
                self.fresh.append(batch)  # twice does no harm
            elif batch.records.appended and not batch.records.is_sealing:  # nor will it be told of: the I/O thread seals what it takes, then takes it
                self.memory.unreserve(batch.records.open_bytes)
            if place is not None and batch.records.appended:
                place.is_spent = True
            self.wake()
            raise
        queue.open = batch
        queue.records = batch.records
        return outcome

    def _wait_for_room(self, queue: PartitionQueue, place: MemoryWaiter, deadline_s: float, wait_s: float) -> None:
        """Stand in line until room is granted, and compress meanwhile what will be sent. The caller leaves the line, whatever comes."""
        memory = self.memory
        memory.join_queue(place)
        self.wake()
        began_s = self.home.clock.monotonic()
        if self.is_terminated:
            memory.turn_away_waiters()
        while not place.latch.is_open and deadline_s - self.home.clock.monotonic() > _WORKS_UNTIL_S and self.ahead.compress_one(queue):
            pass
        in_time = self.home.clock.wait(place.latch, deadline_s)
        self.room_waits.append(self.home.clock.monotonic() - began_s)
        if not in_time and self._gives_up(place):
            raise KafkaTimeoutError(
                f"Failed to allocate memory within the configured max blocking time: {place.need_bytes} bytes were needed, and of buffer_memory="
                f"{memory.limit_bytes} {memory.used_bytes} are queued or in flight (max_block_ms left {wait_s * 1000:.0f} ms for it)"
            )
        self.check_open()

    def _gives_up(self, place: MemoryWaiter) -> bool:
        """Whether nothing was granted there, nor will be."""
        if not place.give_up():
            return False
        place.is_spent = True
        self.wake()  # others may come first now
        return True

    def _leave_queue(self, place: MemoryWaiter) -> None:
        """Have nothing granted there any more, and give back what no record has."""
        if place.is_spent or self._gives_up(place):
            return
        with self._append_lock:
            place.is_spent = True
            self.memory.unreserve(place.need_bytes)
        self.wake()

    def defer(self, deferred: DeferredRecord, header_size: int) -> FutureRecordMetadata:
        """Leave a record to the I/O thread, without waiting for anything; any thread."""
        key, value = deferred.key, deferred.value
        partition = UNKNOWN_PARTITION if deferred.partition is None else deferred.partition
        result = deferred.result = FutureProduceResult(TopicPartition(deferred.topic, partition), self.home)
        sizes = (-1 if key is None else len(key), -1 if value is None else len(value), header_size)
        deferred.future = FutureRecordMetadata(result, 0, deferred.timestamp_ms, *sizes)
        deferred.created_s = self.home.clock.monotonic()
        self.deferred.append(deferred)
        if not self.home.on_io_thread():
            deferred.thread = threading.get_ident()
            self.interrupting.append(deferred)
        self.wake()
        if self.is_terminated:
            self.fail_leftovers()
        return deferred.future

    def flush(self, timeout_s: float | None, *, raise_errors: bool = False) -> None:
        """Wait until everything appended before has an outcome; KafkaTimeoutError where that takes longer.

        With `raise_errors` RecordsNotDeliveredError where something has failed since it was asked for last.
        """
        self.home.check_may_wait("flush()")
        if self.is_idle and not raise_errors:
            return
        request = FlushRequest(self.home, wants_failures=raise_errors)
        deadline_s = None if timeout_s is None else self.home.clock.monotonic() + timeout_s
        self.flushes.append(request)
        self.wake()
        try:
            if self.is_terminated or request.wait_until(deadline_s, "flush()"):
                failures = request.failures
                if raise_errors and self.is_terminated:
                    failures += self.failures.take()
                if failures:
                    raise not_delivered(failures)
                return
        finally:
            request.is_abandoned = True
            self.wake()
        raise KafkaTimeoutError(f"Timeout waiting for future: not everything was flushed within {timeout_s} secs.")

    def forget(self, error: KafkaError) -> None:
        """In the child of a fork: let go whoever waits in the one thread there is, a signal handler of which may have forked."""
        self._append_lock = threading.RLock()  # the old one may be held by a thread that exists in the parent only
        self.is_appending = False
        self.refusal = error
        for batch in self.fresh:
            if batch.result is not None:
                batch.result.release_waiters()
        for deferred in self.interrupting:
            deferred.placed.open()
        for request in take_all(self.flushes):
            request.finish()
        self.memory.turn_away_waiters()

    def fail_leftovers(self) -> None:
        """Fail what was left here after the I/O thread ended: by that thread as it ends, or by the one that came too late."""
        error = self.refusal or IllegalStateError("Producer is closed forcefully.")
        for batch in take_all(self.fresh):
            batch.seal()
            if batch.result is not None and not batch.result.done:  # a batch may be there twice
                self.failures.fail_batch(batch, error)
            batch.let_go()
        for deferred in take_all(self.deferred):
            self.failures.fail_record(deferred.result, error, deferred.fate(self.home.clock.monotonic()))
        for deferred in take_all(self.interrupting):
            deferred.is_settled = True
            deferred.placed.open()
        for request in take_all(self.flushes):
            request.finish()
        self.memory.turn_away_waiters()


def _nothing() -> None:
    """Nobody appends past the accumulator."""
