"""MockProducer: a KafkaProducer whose records are answered by the test, without any network.

Imported by: testing, applications' tests.  Imports: _clock, cluster, errors, future, producer.*, protocol.
"""

from __future__ import annotations

import random
import threading
from collections import deque
from collections.abc import Mapping
from typing import Any, Callable, NamedTuple

from kafka._clock import SystemClock
from kafka.cluster import ClusterMetadata
from kafka.errors import IllegalStateError, InvalidArgumentTypeError, KafkaError, KafkaTimeoutError
from kafka.future import Home
from kafka.producer import KafkaProducer, arguments
from kafka.producer import config as producer_config
from kafka.producer.accumulator import RecordAccumulator
from kafka.producer.assembly import metrics_of
from kafka.producer.delivery import too_large_compressed_error
from kafka.producer.failures import Fate, not_delivered
from kafka.producer.future import UNKNOWN_OFFSET, FutureProduceResult, FutureRecordMetadata
from kafka.producer.memory import BufferMemory
from kafka.producer.partitioning import Router, unrecognized_partition
from kafka.producer.records import Headers
from kafka.producer.status import PartitionStatus, ProducerStatus
from kafka.protocol.metadata import MetadataResponse, MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic
from kafka.protocol.versions import RELEASES
from kafka.structs import TopicPartition

_NODE_ID = 0
Failure = Any
"""An exception, or a class of exceptions to make one of."""


class SentRecord(NamedTuple):
    """A record that send() took: what it was given, what became of that, and the future it returned."""

    topic: str
    partition: int
    timestamp_ms: int
    key: Any
    value: Any
    headers: list[tuple[str, bytes | None]]
    serialized_key: bytes | None
    serialized_value: bytes | None
    future: FutureRecordMetadata


class MockProducer(KafkaProducer):
    """A KafkaProducer without brokers, sockets and threads: for tests of code that is given a producer.

    It is a KafkaProducer in every check of options and arguments, in serializers, partitioners, headers, sizes and message formats, and in
    what futures do. Every topic exists. `history` has what was sent, in order; each record is acknowledged at once, with the next offset
    of its partition, or with auto_complete=False when complete_next(), fail_next(), flush() or close() say so. Callbacks run in the thread
    that completes a record, and there get() and flush() are errors as they are in a real producer's callbacks.

    What it does not do: records are not batched (each begins a batch of its own for a partitioner that hears of batches), compressed (but where
    check_size_after_compression asks what that makes of them) or sent again, send() never waits for room, time-outs of delivery never come,
    metrics() has no figures.
    Threads: any.
    """

    def __init__(self, *, auto_complete: bool = True, topics: Mapping[str, int] | None = None, default_partitions: int = 1, **configs: Any) -> None:
        """The options of KafkaProducer, and three of its own.

        auto_complete: acknowledge each record in send(). topics: {name: number of partitions}; other topics have default_partitions.
        Raises: KafkaConfigurationError as KafkaProducer; ValueError where a topic would have no partition.
        """
        self._closed = False
        self.config = producer_config.resolve(configs)
        if self.config["api_version"] is None:
            self.config["api_version"] = max(RELEASES)
            producer_config.codec_is_installed_and_known_to_brokers(self.config)
        self.auto_complete = auto_complete
        self.history: list[SentRecord] = []
        cluster = ClusterMetadata()
        cluster.on_update_wanted = _answers_for(cluster, dict(topics or {}), default_partitions)
        self._answering_home = _AnsweringHome()
        self._outbox = _Outbox(self._answering_home, self.config, magic=self.max_usable_produce_magic(self.config["api_version"]))
        self._lock = threading.RLock()  # guards the fields below and the order of `history`; no code of the user's runs under it
        self._pending: deque[SentRecord] = deque()
        self._in_answer: dict[FutureProduceResult, None] = {}  # results of records that a thread is completing
        self._next_offsets: dict[TopicPartition, int] = {}
        self._failures: deque[Failure] = deque()  # of records that are still to be sent
        self._refusals: deque[Failure] = deque()  # what the next calls of send() raise
        self._use(
            home=self._answering_home,
            cluster=cluster,
            accumulator=self._outbox,
            router=Router(
                cluster=cluster,
                accumulator=self._outbox,
                partitioner=self.config["partitioner"],
                random=random.Random(),
                unknown_topic_retries=None,  # every topic exists
            ),
            metrics=metrics_of(self.config),
            send_path=None,
        )

    # --- what a test says -------------------------------------------------------------------------------------------

    @property
    def pending(self) -> list[SentRecord]:
        """The records that have no outcome yet, oldest first."""
        with self._lock:
            return list(self._pending)

    def complete_next(self) -> bool:
        """Acknowledge the oldest pending record; False where none is pending."""
        sent = self._take_pending()
        if sent is not None:
            self._answer(sent, None)
        return sent is not None

    def fail_next(self, error: Failure) -> bool:
        """Fail the oldest pending record with this exception, or class of exceptions.

        Where none is pending (False), the next record that send() takes fails, at once.
        """
        _check_failure(error)
        with self._lock:
            sent = self._take_pending()
            if sent is None:
                self._failures.append(error)
                return False
        self._answer(sent, error)
        return True

    def raise_next(self, error: Failure) -> None:
        """Have the next call of send() raise this, as it does for a lack of metadata or room: KafkaTimeoutError, for one."""
        _check_failure(error)
        self._refusals.append(error)

    # --- a producer's methods, where they would wait for the I/O thread ---------------------------------------------

    def flush(self, timeout: float | None = None, *, raise_errors: bool = False) -> None:
        """Acknowledge everything that is pending, and wait for what other threads are completing.

        Raises: KafkaTimeoutError where the latter takes longer than `timeout` seconds; IllegalStateError in a callback; with `raise_errors`
        RecordsNotDeliveredError where records have failed since it was asked for last.
        """
        arguments.check_timeout(timeout)
        self._home.check_may_wait("flush()")
        if not self._finish_all(None, timeout):
            raise KafkaTimeoutError(f"Timeout waiting for future: not everything was flushed within {timeout} secs.")
        failures = self._outbox.failures.take() if raise_errors else ()
        if failures:
            raise not_delivered(failures)

    def close(self, timeout: float | None = None) -> None:
        """Acknowledge everything that is pending, and take nothing more; with timeout=0 the pending records fail, as a real producer's do."""
        arguments.check_timeout(timeout)
        with self._lock:
            is_first, self._closed = not self._closed, True
            if self._outbox.refusal is None:
                self._outbox.refusal = IllegalStateError("KafkaProducer already closed!")
        self._finish_all(IllegalStateError("Producer is closed forcefully.") if timeout == 0 else None, timeout)
        if is_first:
            if self._metrics is not None:
                self._metrics.close()
            arguments.close_all(self.config["key_serializer"], self.config["value_serializer"], self.config["partitioner"])

    def bootstrap_connected(self) -> bool:
        """True until close(): there is nobody to lose."""
        return not self._closed

    def status(self) -> ProducerStatus:
        """A producer without brokers, whose pending records wait for the test."""
        waiting: dict[TopicPartition, int] = {}
        for sent in self.pending:
            topic_partition = TopicPartition(sent.topic, sent.partition)
            waiting[topic_partition] = waiting.get(topic_partition, 0) + 1
        return ProducerStatus(
            state="closed" if self._closed else "open",
            brokers=(),
            partitions=tuple(
                PartitionStatus(topic_partition, _NODE_ID, records, 0, 0, 0.0, 0, None, "the test") for topic_partition, records in waiting.items()
            ),
            waiting_for_metadata={},
            buffered_bytes=0,
            buffer_memory=self.config["buffer_memory"],
            threads_waiting_for_room=0,
            last_error=self._outbox.failures.last_error,
        )

    # --- records ----------------------------------------------------------------------------------------------------

    def _send(self, topic: str, value: Any, key: Any, headers: Any, partition: int | None, timestamp_ms: int | None) -> FutureRecordMetadata:
        with self._lock:
            refusal = self._refusals.popleft() if self._refusals else None
        if refusal is not None:
            raise refusal
        future = super()._send(topic, value, key, headers, partition, timestamp_ms)
        written = self._outbox.written.pop(future._produce_future, None)
        if written is None:
            return future  # it has failed already: too large, for one
        sent = SentRecord(topic, written.partition, written.timestamp_ms, key, value, list(written.headers), written.key, written.value, future)
        with self._lock:
            self.history.append(sent)
            error = self._failures.popleft() if self._failures else None
            if error is None and not self.auto_complete:
                self._pending.append(sent)
                return future
            self._in_answer[future._produce_future] = None
        self._answer(sent, error)
        return future

    def _defer(
        self,
        topic: str,
        partition: int | None,
        timestamp_ms: int,
        key: tuple[Any, bytes | None],
        value: tuple[Any, bytes | None],
        headers: Headers,
        header_size: int,
    ) -> FutureRecordMetadata:
        """Nothing that a callback sends has to wait here, for metadata is there at once; what goes wrong is its future's."""
        self._metadata.add_topic(topic)
        try:
            route = self._router.route(topic)
            if route is None:
                raise KafkaTimeoutError(f"Failed to update metadata (topic {topic})")
            queue = self._router.choose(route, *key, *value) if partition is None else self._router.explicit(route, partition)
            if queue is None:
                raise unrecognized_partition(topic, -1 if partition is None else partition, route)
            return self._outbox.append(queue, timestamp_ms, key[1], value[1], headers, header_size, 0.0)
        except BaseException as error:  # noqa: BLE001 - the user's partitioner
            return self._failed_future(topic, partition, error)

    # --- outcomes ---------------------------------------------------------------------------------------------------

    def _take_pending(self) -> SentRecord | None:
        """The oldest pending record, which the caller now has to answer."""
        with self._lock:
            if not self._pending:
                return None
            sent = self._pending.popleft()
            self._in_answer[sent.future._produce_future] = None
            return sent

    def _answer(self, sent: SentRecord, error: Failure) -> None:
        result: FutureProduceResult = sent.future._produce_future
        with self._answering_home:
            try:
                if error is not None:
                    self._outbox.failures.fail_record(result, error() if isinstance(error, type) else error, Fate(result.topic_partition, attempts=1))
                else:
                    result.succeed(UNKNOWN_OFFSET if self.config["acks"] == 0 else self._take_offset(result.topic_partition))
            finally:
                with self._lock:
                    self._in_answer.pop(result, None)

    def _take_offset(self, of: TopicPartition) -> int:
        with self._lock:
            offset = self._next_offsets.get(of, 0)
            self._next_offsets[of] = offset + 1
            return offset

    def _finish_all(self, error: Failure, timeout: float | None) -> bool:
        """Give every pending record this outcome; whether other threads finished what they were completing in time."""
        deadline_s = None if timeout is None else self._home.clock.monotonic() + timeout
        while True:
            sent = self._take_pending()
            if sent is None:
                break
            self._answer(sent, error)
        if self._home.on_io_thread():
            return True  # close() in a callback: what called it is among them
        with self._lock:
            in_answer = list(self._in_answer)
        return all([result.wait_until(deadline_s) for result in in_answer])


class _AnsweringHome(Home):
    """Knows which threads are completing records: there callbacks run, and nothing may wait.

    Threads: any.
    """

    __slots__ = ("_answering",)

    def __init__(self) -> None:
        super().__init__(SystemClock())
        self._answering: list[int] = []  # a thread is in it once for each record that it is completing

    def on_io_thread(self) -> bool:
        return threading.get_ident() in self._answering

    def __enter__(self) -> None:
        self._answering.append(threading.get_ident())

    def __exit__(self, *_: object) -> None:
        self._answering.remove(threading.get_ident())


class _Written(NamedTuple):
    """A record as it would go into a batch."""

    partition: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Headers


class _Outbox(RecordAccumulator):
    """Takes the place of the accumulator: each record has a result of its own, and whoever sends it fetches it at once.

    Threads: any.
    """

    def __init__(self, home: Home, config: Mapping[str, Any], *, magic: int) -> None:
        memory = BufferMemory(config["buffer_memory"])
        super().__init__(
            home=home,
            memory=memory,
            sizes=producer_config.batch_sizes(config),
            magic=magic,
            wake=_nobody,
            on_delivery_error=config["on_delivery_error"],
        )
        self._max_request_size: int = config["max_request_size"]
        self._codec = producer_config.chosen_codec(config)
        self.failures.untold.is_ended = True  # there is no I/O thread to tell later what nobody looked at
        self.written: dict[FutureProduceResult, _Written] = {}

    def append(
        self, queue: Any, timestamp_ms: int, key: bytes | None, value: bytes | None, headers: Headers, header_size: int, wait_s: float | None
    ) -> FutureRecordMetadata:
        """Encode the record, which must be possible, and keep what was encoded."""
        self.check_open()
        encoded = self.format.encode(0, timestamp_ms, timestamp_ms, key, value, headers)
        error = self._too_large_compressed(queue.topic_partition, encoded, timestamp_ms)
        if error is not None:
            return self.failures.failed_future(queue.topic_partition, error)
        result = FutureProduceResult(queue.topic_partition, self.home)
        result.has_timestamps = self.format.magic > 0
        result.checksums = [self.format.checksum(encoded)] if self.format.magic < 2 else None
        sizes = (-1 if key is None else len(key), -1 if value is None else len(value), header_size)
        self.written[result] = _Written(queue.topic_partition.partition, timestamp_ms, key, value, headers)
        return FutureRecordMetadata(result, 0, timestamp_ms, *sizes)

    def _too_large_compressed(self, topic_partition: TopicPartition, encoded: bytes, timestamp_ms: int) -> KafkaError | None:
        """Compress what is larger than max_request_size, which is here for what that makes of it; the error where it is too large all the same."""
        size, limit = len(encoded) + self.format.overhead_bytes, self._max_request_size
        if self._codec is None or size <= limit:
            return None
        parts = self.format.assemble([encoded], 1, base_timestamp_ms=timestamp_ms, max_timestamp_ms=timestamp_ms, codec=self._codec)
        wire_bytes = sum(map(len, parts))
        return too_large_compressed_error(topic_partition, size, wire_bytes, self._codec.name, limit) if wire_bytes > limit else None

    def fits_open_batch(self, queue: Any, key: bytes | None, value: bytes | None, headers: Headers) -> bool:
        return False  # there is none


def _answers_for(cluster: ClusterMetadata, counts: Mapping[str, int], default_partitions: int) -> Callable[[], None]:
    """What gives the cluster's metadata as soon as it is wanted: every topic exists."""
    if min((default_partitions, *counts.values())) < 1:
        raise ValueError("A topic needs at least one partition")

    def answer() -> None:
        cluster.update_wanted = False
        topics = [
            MetadataResponseTopic(
                name=name,
                partitions=[
                    MetadataResponsePartition(partition_index=index, leader_id=_NODE_ID, replica_nodes=[_NODE_ID], isr_nodes=[_NODE_ID])
                    for index in range(counts.get(name, default_partitions))
                ],
            )
            for name in cluster.wanted_topics()
        ]
        brokers = [MetadataResponseBroker(node_id=_NODE_ID, host="mock", port=9092)]
        cluster.update_metadata(MetadataResponse(brokers=brokers, controller_id=_NODE_ID, topics=topics))

    return answer


def _check_failure(error: Failure) -> None:
    if not (isinstance(error, BaseException) or (isinstance(error, type) and issubclass(error, BaseException))):
        raise InvalidArgumentTypeError(f"A failure must be an exception or a class of exceptions, not {error!r}")


def _nobody() -> None:
    """There is no I/O thread to wake."""
