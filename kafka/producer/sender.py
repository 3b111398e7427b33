"""The I/O thread: takes batches from the accumulator, sends them through the client, and gives each its outcome.

Imported by: producer.kafka.  Imports: client, cluster, protocol, _handover, producer.*.
"""

from __future__ import annotations

import functools
import logging
import math
import threading
from collections.abc import Iterable, Sequence
from typing import Callable

from kafka._clock import Latch
from kafka._handover import take_all
from kafka._log import GuardedLogger, Outlet, RateLimited
from kafka.client.client import KafkaClient
from kafka.cluster import ClusterMetadata
from kafka.codec import Codec
from kafka.errors import IllegalStateError, KafkaError, NodeNotReadyError, UnsupportedCompressionTypeError, as_kafka_error, for_code
from kafka.future import Completion, Home
from kafka.producer.accumulator import FlushRequest, RecordAccumulator
from kafka.producer.batch import BatchState, ProducerBatch
from kafka.producer.deferral import Deferral
from kafka.producer.delivery import (
    DeliveryPolicy,
    Outcome,
    bystander_error,
    errors_of_records,
    expired_error,
    is_written_for_sure_not,
    missing_answer_error,
    outcome_for,
    too_large_compressed_error,
    too_large_error,
)
from kafka.producer.idle_topics import IdleTopics
from kafka.producer.metrics import SenderMetrics
from kafka.producer.partition_queue import PartitionQueue
from kafka.producer.schedule import Schedule
from kafka.protocol.produce_batches import PartitionAnswer, ProduceAnswer, ProduceBatches

log = GuardedLogger(logging.getLogger(__name__))

_FIRST_ZSTD_VERSION = 7  # of Produce (KIP-110)
_FIRST_MAGIC_2_VERSION, _FIRST_MAGIC_1_VERSION = 3, 2
_MOST_SURPRISES = 10  # unexpected errors in a row after which the producer gives up
_SURPRISE_BACKOFF_S = 0.1
_LINES_WAIT_S = 0.1  # until handlers of logs that other threads are in are tried again
_LAST_LINES_WAIT_S = 0.2  # for each handler, when the producer ends
_IN_FLIGHT, _SUCCEEDED = BatchState.IN_FLIGHT, BatchState.SUCCEEDED


class Sender:
    """Runs until it is told to close and has nothing left, or is told to stop at once.

    It knows nothing of the facade, so that a producer nobody refers to can be collected.
    Threads: run() and run_once() are the I/O thread; close_when_done(), stop_now() and `terminated` any.
    """

    def __init__(
        self,
        *,
        home: Home,
        client: KafkaClient,
        cluster: ClusterMetadata,
        accumulator: RecordAccumulator,
        deferral: Deferral,
        policy: DeliveryPolicy,
        codec: Codec | None,
        metrics: SenderMetrics,
        idle_topics: IdleTopics,
        on_end: Callable[[], None],
        outlet: Outlet,
    ) -> None:
        self.terminated = Latch()
        self.in_callback = False  # user code runs on the I/O thread; written by it
        self.schedule = Schedule(
            linger_s=policy.linger_s,
            keeps_order=policy.keeps_order,
            leader_of=cluster.leader_for_partition,
            longest_wait_s=policy.longest_wait_s,
        )
        self._home = home
        self._client = client
        self._cluster = cluster
        self._accumulator = accumulator
        self._memory = accumulator.memory
        self._failures = accumulator.failures
        self._untold = accumulator.failures.untold
        self._fresh = accumulator.fresh
        self._deferred = accumulator.deferred
        self._unplaced = accumulator.unplaced
        self._interrupting = accumulator.interrupting
        self._flush_requests = accumulator.flushes
        self._room_waits = accumulator.room_waits
        self.deferral = deferral
        deferral.on_done = self._note_done
        deferral.on_placed = self._note_replaced
        self._policy = policy
        self._acks = policy.acks
        self._delivery_timeout_s = policy.delivery_timeout_s
        self._request_timeout_s = policy.request_timeout_s
        self._max_request_bytes = policy.max_request_bytes
        self._request_timeout_ms = int(policy.request_timeout_s * 1000)
        self._codec = codec
        self._ahead = accumulator.ahead
        self._metrics = metrics
        self._on_end = on_end
        self._outlet = outlet
        self._waiting_lines = outlet.waiting
        self._log = RateLimited(logging.getLogger(__name__), home.clock, outlet)
        self._is_closing = False  # written by any thread, once
        self._is_stopping = False  # written by any thread, once
        self._stop_at_s = math.inf  # written by any thread, before _is_closing
        self._incomplete = accumulator.incomplete
        self._in_flight: dict[ProducerBatch, float] = {}  # when each is given up without waiting for its answer
        self._flushes: list[FlushRequest] = []
        self._idle_topics = idle_topics
        self._used_topics = idle_topics.used
        self._wanted_topics = cluster.wanted
        self._forget_at_s = math.inf  # when there may be topics to forget
        self._now_s = -math.inf  # as of the turn's begin, or of the last answer in it
        self._seen_cluster = 0
        self._surprises = 0

    # --- any thread ---------------------------------------------------------------------------------------------

    def close_when_done(self, deadline_s: float | None) -> None:
        """Take nothing new, send what is there without lingering, then end, at the deadline at the latest."""
        if deadline_s is not None:
            self._stop_at_s = min(self._stop_at_s, deadline_s)
        self._is_closing = True
        self._client.wake()

    def stop_now(self) -> None:
        """End as soon as possible; what has no outcome fails."""
        self._is_closing = True
        self._is_stopping = True
        self._client.wake()

    def forget(self) -> None:
        """In the child of a fork, where this may be the I/O thread in a callback: end without a word, and let go whoever waits."""
        self._is_stopping = True
        self.terminated.open()
        for request in self._flushes:
            request.finish()
        for result in self._incomplete:
            result.release_waiters()

    @property
    def has_failed(self) -> bool:
        """Whether it gave up after unexpected errors."""
        return self._surprises >= _MOST_SURPRISES

    @property
    def incomplete_count(self) -> int:
        """How many batches have no outcome; a moment's view."""
        return len(self._incomplete)

    # --- the I/O thread -----------------------------------------------------------------------------------------

    def run(self) -> None:
        """The I/O thread from its start to its end."""
        self._home.io_ident = threading.get_ident()
        try:
            while not self.is_done():
                self.guarded_turn()
        finally:
            self.terminate()

    def step(self) -> None:
        """One turn, or the end, in the thread that calls: what the clock of a world without threads runs while somebody waits."""
        if self.terminated.is_open:
            return
        self._home.io_ident = threading.get_ident()
        try:
            if self.is_done():
                self.terminate()
            else:
                self.guarded_turn()
        finally:
            self._home.io_ident = None

    def is_done(self) -> bool:
        """Whether the I/O thread has nothing left to do."""
        if self._is_stopping or (self._is_closing and self._home.clock.monotonic() >= self._stop_at_s):
            return True
        return self._is_closing and self._accumulator.is_idle

    def guarded_turn(self) -> None:
        """One turn; an unexpected error is logged and costs a pause, ten in a row cost the producer (decided once, here)."""
        try:
            self.run_once()
            self._surprises = 0
        except Exception as error:  # noqa: BLE001 - whatever it is, futures must not wait for a thread that died of it
            self._surprises += 1
            self._log.exception("turn", "Unexpected error on the producer's I/O thread (%s in a row)", self._surprises)
            if self.has_failed:
                failure = IllegalStateError(f"The producer failed: {_MOST_SURPRISES} unexpected errors in a row, the last one {error!r}")
                failure.__cause__ = error
                self._accumulator.refusal = failure
                self._is_stopping = True
                return
            self._home.clock.wait(Latch(), self._home.clock.monotonic() + _SURPRISE_BACKOFF_S)

    def run_once(self) -> None:
        """Take what is new, expire, send what is ready, then wait in the client's select until there is more to do."""
        self._client.begin_turn()
        if self._waiting_lines:
            self._outlet.catch_up()
        now_s = self._now_s = self._home.clock.monotonic()
        self._accept_new(now_s)
        self._notice_cluster(now_s)
        if self._forget_at_s <= now_s:
            self._forget_topics(now_s)
        self.schedule.run_timers(now_s)
        self._send_ready(now_s)
        if self._memory.waiters:
            self._memory.serve_waiters()  # they go on while requests are written; before, they would take the interpreter, and the wire wait for it
        ended_s = self._client.poll(max(0.0, self._next_turn_s(now_s) - now_s), now_s)
        self._expire(now_s, ended_s)
        if self._untold.tell_at_s <= ended_s:
            self._failures.tell(ended_s)

    def terminate(self) -> None:
        """Give everything that is left an outcome, close connections, and say so; never raises."""
        if self._home.forked:
            return  # all of it is the parent's
        accumulator = self._accumulator
        refusal = accumulator.refusal
        error = refusal if self.has_failed and refusal else IllegalStateError("Producer is closed forcefully.")
        if accumulator.refusal is None:
            accumulator.refusal = IllegalStateError("KafkaProducer already closed!")
        try:
            if not self.has_failed:
                self._client.read_now()  # answers that have come count
        except Exception:  # noqa: BLE001 - as below
            self._log.exception("end", "Unexpected error while the producer's I/O thread ends")
        self._take_fresh()
        lost = sum(batch.records.appended for batch in self._incomplete.values()) + self.deferral.count
        try:
            for step in (
                functools.partial(self._abort_incomplete, error),
                functools.partial(self.deferral.fail_all, error),
                self._client.close,
                functools.partial(self._end_accumulator, error),
                functools.partial(self._cluster.failed_update, error),
                self._end_metrics,
                self._failures.end,
            ):
                try:
                    step()
                except BaseException:  # noqa: BLE001 - the other steps must be taken whatever this one did
                    self._log.exception("end", "Unexpected error while the producer's I/O thread ends")
            if lost:
                last_words = "The producer was closed with %d record(s) not delivered: %s"
                self._outlet.write(log, logging.WARNING, last_words, (lost, error))
            self._outlet.catch_up(_LAST_LINES_WAIT_S)
        finally:
            self._home.io_ident = None
            self.terminated.open()

    def _end_metrics(self) -> None:
        """Reporters are the user's code: close() waits for that of theirs as little as for a callback."""
        self.in_callback = True
        try:
            self._on_end()
        finally:
            self.in_callback = False

    def _end_accumulator(self, error: KafkaError) -> None:
        self._accumulator.is_terminated = True
        self._accumulator.fail_leftovers()
        for request in self._flushes:
            request.finish()  # who asked for failures takes them, for nobody else does any more

    def _abort_incomplete(self, error: KafkaError) -> None:
        for batch in list(self._incomplete.values()):
            try:
                batch.seal()
                batch.may_be_written = batch.may_be_written or batch.state is _IN_FLIGHT
                self._finish(batch, BatchState.ABORTED, functools.partial(self._failures.fail_batch, batch, error, is_told=True))
            except Exception:  # noqa: BLE001 - the others must end too
                self._log.exception("abort", "Unexpected error while %r was given up", batch)

    # --- what applications left -----------------------------------------------------------------------------------

    def _accept_new(self, now_s: float) -> None:
        if self._is_closing or self._memory.waiters:
            if self._codec is not None:
                self._memory.serve_waiters()  # before it takes its time
            self.schedule.hurry(now_s)
        else:
            self.schedule.is_hurrying = False
        if self._deferred or self._unplaced or self._interrupting:
            self.deferral.place(now_s)
        if self._fresh:
            for batch in self._take_fresh():
                self._consider(batch, now_s)
        if self._flush_requests or self._flushes:
            self._accept_flushes(now_s)
        if self._room_waits:
            for waited_s in take_all(self._room_waits):
                self._metrics.waited_for_room(waited_s)

    def _consider(self, batch: ProducerBatch, now_s: float) -> None:
        """Have the schedule look at the batch's partition."""
        try:
            self.schedule.consider(batch.partition, now_s)
        except Exception as error:  # noqa: BLE001 - the others must be looked at too
            self._on_surprise(batch, error)

    def _take_fresh(self) -> list[ProducerBatch]:
        """Count what is new among the incomplete; a batch is always to be found there or in `fresh`."""
        fresh, taken, topic = self._fresh, [], ""
        PartitionQueue.fetch(list(fresh))
        while fresh:
            batch = fresh[0]
            if not batch.is_final:
                if batch.partition.topic is not topic:
                    topic = batch.partition.topic
                    if topic not in self._wanted_topics:
                        self._cluster.add_topic(topic)  # where it was forgotten
                    self._used_topics[topic] = batch.created_s
                self._incomplete[batch.result] = batch
                taken.append(batch)
            fresh.popleft()
        return taken

    def _accept_flushes(self, now_s: float) -> None:
        for request in take_all(self._flush_requests):
            self._take_fresh()  # what was appended before this flush was asked for
            for batch in self._incomplete.values():
                batch.lingers = False
            for batch in list(self._incomplete.values()):
                self._consider(batch, now_s)
            request.remaining = {*self._incomplete, *self.deferral.results()}
            self._flushes.append(request)
        self._check_flushes()

    def _note_done(self, result: Completion) -> None:
        """Flushes wait for one result less."""
        if self._flushes:
            for request in self._flushes:
                if request.remaining is not None:
                    request.remaining.discard(result)
            self._check_flushes()

    def _note_replaced(self, result: Completion, by: Iterable[Completion]) -> None:
        """Flushes that waited for a result wait for others in its place."""
        for request in self._flushes:
            if request.remaining is not None and result in request.remaining:
                request.remaining.update(by)
        self._note_done(result)

    def _check_flushes(self) -> None:
        still = []
        for request in self._flushes:
            if not request.remaining:
                if request.wants_failures and not request.is_abandoned:
                    request.failures = self._failures.take()
                request.finish()
            elif not request.is_abandoned:
                still.append(request)
        self._flushes = still

    def _notice_cluster(self, now_s: float) -> None:
        version = self._cluster.snapshot.version
        if version != self._seen_cluster:
            self._seen_cluster = version
            self._metrics.metadata_changed(now_s)
            self.schedule.rehome(now_s)
            self._forget_at_s = self._idle_topics.look(now_s)

    def _forget_topics(self, now_s: float) -> None:
        self._forget_at_s = math.inf  # should it fail, it is not tried again and again
        self._forget_at_s = self._idle_topics.forget_some(now_s)
        self.schedule.purge()

    # --- time ---------------------------------------------------------------------------------------------------

    def _next_turn_s(self, now_s: float) -> float:
        if self._fresh or self._flush_requests or (self._is_closing and self.is_done()):
            return now_s
        tell_at_s = self._untold.tell_at_s
        due_s = min(self._stop_at_s, self.schedule.next_timer_s(), self._client.next_deadline_s(now_s), tell_at_s, self._forget_at_s)
        if self._unplaced:
            due_s = min(due_s, self.deferral.next_deadline_s())
        if self._waiting_lines:
            due_s = min(due_s, now_s + _LINES_WAIT_S)
        for leader in self.schedule.leaders():
            if leader >= 0:
                due_s = min(due_s, now_s + self._client.ready_in_s(leader, now_s))
        return min(due_s, min(self._in_flight.values())) if self._in_flight else due_s

    def _expire(self, began_s: float, now_s: float) -> None:
        """Fail what is overdue. What waits to be sent had its chance in the turn that began then: a pause since does not count against it.

        What is in flight is judged first, after reading: an answer that has come counts, however late we look, and what a lost connection gives
        back then has no time left.
        """
        if self._in_flight and min(self._in_flight.values()) <= now_s:
            self._client.read_now()  # the process may have been frozen since it last read
            for batch in [batch for batch, due_s in self._in_flight.items() if due_s <= now_s]:
                batch.may_be_written = True
                self._fail(batch, expired_error(batch, now_s, "the answer to the last has not come"))
        for batch in self.schedule.take_expired(began_s):
            why = "it waited to be sent" if batch.attempts == 0 else "it waited to be sent again"
            self._fail(batch, expired_error(batch, now_s, why))

    # --- sending ------------------------------------------------------------------------------------------------

    def _send_ready(self, now_s: float) -> None:
        client, schedule = self._client, self.schedule
        for leader in schedule.leaders():
            if leader < 0:
                self._cluster.update_wanted = True
                continue
            while client.can_send(leader, now_s):
                batches = schedule.take(leader, self._max_request_bytes)
                if not batches:
                    break
                self._send(leader, batches, now_s)
            else:
                client.connect(leader, now_s)

    def _send(self, leader: int, batches: list[ProducerBatch], now_s: float) -> None:
        for batch in batches:
            batch.transition(_IN_FLIGHT)
            batch.attempts += 1
        try:
            self._hand_over(leader, batches, now_s)
        except Exception as error:  # noqa: BLE001 - what surprises here fails this request alone
            self._on_failure(batches, as_kafka_error(error), started=not isinstance(error, NodeNotReadyError))
        for batch in batches:
            if not batch.is_final:
                self._consider(batch, now_s)

    def _hand_over(self, leader: int, batches: list[ProducerBatch], now_s: float) -> None:
        """Give the client one request with these batches; raises where it takes none of them."""
        version = self._client.version_for(leader, ProduceBatches)
        request = ProduceBatches(version, self._acks, self._request_timeout_ms)
        sent = []
        for batch in batches:
            try:
                buffers = self._assemble(batch, version)
            except Exception as error:  # noqa: BLE001 - what surprises here fails this batch alone
                batch.attempts -= 1  # nobody was given it
                self._fail(batch, as_kafka_error(error))
                continue
            sent.append(batch)
            if self._delivery_timeout_s is not None:
                self._in_flight[batch] = batch.created_s + self._delivery_timeout_s
            queue = batch.partition
            request.add(queue.topic, queue.index, buffers, batch.wire_bytes)
        if not sent:
            return
        self._metrics.request_sent(sent, now_s)
        self._client.send(
            leader,
            request,
            functools.partial(self._on_response, sent),
            functools.partial(self._on_failure, sent),
            functools.partial(self._on_written, sent) if self._acks == 0 else None,
            self._request_timeout_s,
        )

    def _assemble(self, batch: ProducerBatch, version: int) -> list[bytes | bytearray | memoryview]:
        if self._codec is not None and self._codec.name == "zstd" and version < _FIRST_ZSTD_VERSION:
            raise UnsupportedCompressionTypeError("compression_type='zstd' needs brokers of Kafka 2.1 or newer")
        magic = 2 if version >= _FIRST_MAGIC_2_VERSION else 1 if version >= _FIRST_MAGIC_1_VERSION else 0
        if self._accumulator.format.magic != magic:
            self._accumulator.adopt_format(magic)
        buffers = batch.assemble(self._codec, magic, None if self._codec is None else self._ahead.take(batch))
        batch.wire_bytes = 0
        for buffer in buffers:
            batch.wire_bytes += len(buffer)
        limit = self._max_request_bytes
        if self._codec is not None and batch.size_bytes > limit and batch.wire_bytes > limit:  # taken for what compression might make of it
            raise too_large_compressed_error(batch.topic_partition, batch.size_bytes, batch.wire_bytes, self._codec.name, limit)
        queue = batch.partition
        if batch.wire_bytes > queue.proven_bytes and self._acks != 0:
            queue.probe = batch
        return buffers

    # --- answers ------------------------------------------------------------------------------------------------

    def _on_written(self, batches: Sequence[ProducerBatch]) -> None:
        for batch in batches:
            if not batch.is_final:
                self._finish(batch, _SUCCEEDED)

    def _on_response(self, batches: list[ProducerBatch], response: ProduceAnswer, node_id: int) -> None:
        self._now_s = self._home.clock.monotonic()
        PartitionQueue.fetch(batches)
        for batch in batches:
            try:
                self._on_answer(batch, response)
            except Exception as error:  # noqa: BLE001 - the others of the request have answers too
                self._on_surprise(batch, error)
        self._metrics.throttled(response.throttle_time_ms)

    def _on_surprise(self, batch: ProducerBatch, error: Exception) -> None:
        """An exception handler's: what surprised costs this batch alone."""
        self._log.exception("batch", "Unexpected error with %r", batch)
        if not batch.is_final:
            batch.seal()
            batch.may_be_written = batch.may_be_written or batch.attempts > 0
            self._fail(batch, as_kafka_error(error))

    def _on_answer(self, batch: ProducerBatch, response: ProduceAnswer) -> None:
        if batch.is_final:
            self._log.warning("late", "An answer for %r came after it was given up", batch)
            return
        queue = batch.partition
        answer = response.find(queue.topic, queue.index)
        if answer is None:
            batch.may_be_written = True
            self._settle(batch, missing_answer_error(batch), None)
        elif answer.error_code == 0:
            self._succeed(batch, answer)
        else:
            error = for_code(answer.error_code)
            self._settle(batch, error(_words(batch, answer)), answer)

    def _on_failure(self, batches: Sequence[ProducerBatch], error: KafkaError, started: bool) -> None:
        for batch in batches:
            if batch.is_final:
                continue
            try:
                if started:
                    self._settle(batch, error, None)
                    continue
                batch.attempts -= 1  # no byte of it left this process
                batch.last_error = error
                self._requeue(batch, 0.0)
            except Exception as surprise:  # noqa: BLE001 - the others of the request must have an outcome too
                self._on_surprise(batch, surprise)

    def _succeed(self, batch: ProducerBatch, answer: PartitionAnswer) -> None:
        queue = batch.partition
        if batch.wire_bytes > queue.proven_bytes:
            queue.proven_bytes = batch.wire_bytes
        self._finish(batch, _SUCCEEDED, None, answer.base_offset, answer.log_append_time_ms)

    def _settle(self, batch: ProducerBatch, error: KafkaError, answer: PartitionAnswer | None) -> None:
        """Do what the answer, or the error in its place, means for the batch."""
        outcome = outcome_for(type(error), batch.attempts, self._policy.retries)
        if outcome is Outcome.SUCCEED and answer is not None:
            self._succeed(batch, answer)
            return
        if outcome in (Outcome.RETRY_AFTER_METADATA, Outcome.FAIL_AND_ASK_METADATA):
            self._cluster.leader_refused(batch.topic_partition)
        batch.last_error = error
        if not is_written_for_sure_not(type(error), self._acks):
            batch.may_be_written = True
        if outcome is Outcome.SPLIT and batch.record_count > 1:
            self._split(batch, error)
        elif outcome in (Outcome.RETRY, Outcome.RETRY_AFTER_METADATA):
            left = self._policy.retries - batch.attempts
            self._log.warning(
                f"retry {type(error).__name__} {batch.topic_partition.topic}",
                "Got error %s for %s, retrying (%s attempts left)",
                error,
                batch.topic_partition,
                left,
            )
            self._metrics.record_retries(batch)
            self._requeue(batch, self._policy.retry_backoff_s)
        else:
            if outcome is Outcome.SPLIT:
                error = too_large_error(batch, error)
            culprits = errors_of_records(answer, error)
            self._fail(batch, bystander_error(error) if culprits else error, culprits)

    def _requeue(self, batch: ProducerBatch, backoff_s: float) -> None:
        now_s = self._home.clock.monotonic()
        batch.transition(BatchState.RETRY_WAIT)
        batch.not_before_s = now_s + backoff_s
        self._leave_flight(batch)
        self.schedule.put_back(batch, now_s)

    def _split(self, batch: ProducerBatch, error: KafkaError) -> None:
        """The broker takes no batch so large: smaller ones take its place, and its topic gets no such batch again."""
        topic = batch.topic_partition.topic
        limits = self._accumulator.size_limits
        limits[topic] = min(limits.get(topic, batch.size_bytes), batch.size_bytes // 2)
        now_s = self._home.clock.monotonic()
        batch.attempts -= 1  # retries are for errors that may pass
        pieces = batch.split(limits[topic])
        self._leave_flight(batch)
        batch.partition.proven_bytes = 0  # whatever it took before
        batch.transition(BatchState.SPLIT)
        batch.records.drop()
        self._memory.release(batch.size_bytes)
        for piece in reversed(pieces):
            self._memory.take_beyond_limit(piece.size_bytes)
            self._incomplete[piece.result] = piece
            self.schedule.put_back(piece, now_s)
        self._incomplete.pop(batch.result, None)  # after its pieces are there: in between flush() would find nothing to wait for
        self._note_replaced(batch.result, [piece.result for piece in pieces])
        batch.let_go()
        self._log.info(
            f"split {topic}",
            "A batch of %d bytes for %s was refused (%s): it is sent in %d pieces, and batches of the topic stay below %d bytes from now on",
            batch.wire_bytes,
            batch.topic_partition,
            error,
            len(pieces),
            limits[topic],
        )

    def _leave_flight(self, batch: ProducerBatch) -> None:
        queue = batch.partition
        queue.in_flight -= 1
        if queue.probe is batch:
            queue.probe = None
        self._in_flight.pop(batch, None)

    def _fail(self, batch: ProducerBatch, error: KafkaError, record_errors: dict[int, BaseException] | None = None) -> None:
        self._finish(batch, BatchState.FAILED, functools.partial(self._failures.fail_batch, batch, error, record_errors))
        try:
            self._metrics.record_errors(batch)
            self._log.warning(
                f"fail {type(error).__name__} {batch.topic_partition.topic}",
                "%d record(s) for %s were not delivered: %s",
                batch.record_count,
                batch.topic_partition,
                error,
            )
        except Exception:  # noqa: BLE001 - an error of the user's that has no words, for one; other batches are to fail yet
            self._log.exception("told", "Unexpected error while the failure of %r was told", batch)

    def _finish(
        self,
        batch: ProducerBatch,
        state: BatchState,
        fail: Callable[[], None] | None = None,
        base_offset: int = -1,
        log_append_time_ms: int = -1,
    ) -> None:
        """Give a batch its outcome, once: room is free, callbacks run, flushes that waited for it may return.

        `fail` completes its result; without, it was delivered.
        """
        was_in_flight = batch.state is _IN_FLIGHT
        batch.transition(state)
        if was_in_flight:
            self._leave_flight(batch)
        else:
            self.schedule.forget(batch)
        batch.records.drop()
        if self._codec is not None:
            self._ahead.forget(batch)
        self._memory.release(batch.size_bytes)
        self.in_callback = True
        try:
            if fail is None:
                batch.result.succeed(base_offset, log_append_time_ms)
            else:
                fail()
        except Exception as error:  # noqa: BLE001 - whatever it is, the futures must have an outcome
            self._log.exception("complete", "Unexpected error while %r was completed", batch)
            if not batch.result.done:
                batch.fail(as_kafka_error(error), None)
        finally:
            self.in_callback = False
            self._incomplete.pop(batch.result, None)
            self._note_done(batch.result)
            queue = batch.partition
            batch.let_go()
            self._look_at(queue)

    def _look_at(self, queue: PartitionQueue) -> None:
        """A batch of the partition has its outcome: the next one may be due. Never raises, for whoever gives outcomes to many has more to do."""
        try:
            self.schedule.consider(queue, self._now_s)
        except Exception:  # noqa: BLE001 - what is queued expires at last
            self._log.exception("schedule", "Unexpected error while %s was looked at", queue.topic_partition)


def _words(batch: ProducerBatch, answer: PartitionAnswer) -> str:
    said = f": {answer.error_message}" if answer.error_message else ""
    return f"{batch.topic_partition}{said}"
