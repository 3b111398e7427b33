"""KafkaProducer: checks, serializes and partitions what applications send, and leaves it to the accumulator.

Imported by: kafka.producer, kafka.  Imports: everything below.
"""

from __future__ import annotations

import dataclasses
import logging
import os
import random
from collections.abc import Mapping, Sequence
from typing import Any, Callable

from kafka._clock import Latch, SystemClock
from kafka._log import GuardedLogger
from kafka._transport import SocketTransport, current_selector
from kafka._world import World
from kafka.client.client import KafkaClient
from kafka.client.options import ClientOptions
from kafka.cluster import ClusterMetadata
from kafka.errors import (
    IllegalStateError,
    InvalidArgumentTypeError,
    InvalidArgumentValueError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    TopicAuthorizationFailedError,
)
from kafka.future import Home
from kafka.metrics import KafkaMetric, MetricName, Metrics
from kafka.producer import arguments
from kafka.producer.accumulator import DeferredRecord, RecordAccumulator
from kafka.producer.assembly import assemble
from kafka.producer.config import default_config, most_record_bytes, resolve
from kafka.producer.future import FutureRecordMetadata
from kafka.producer.lifecycle import Lifecycle
from kafka.producer.partition_queue import PartitionQueue
from kafka.producer.partitioning import Router, TopicRoute, check_partition, unrecognized_partition
from kafka.producer.records import Headers
from kafka.producer.send_path import FastPath
from kafka.producer.sender import Sender
from kafka.producer.status import ProducerStatus, status_of
from kafka.structs import TopicPartition

log = GuardedLogger(logging.getLogger(__name__))

_NO_HEADERS: tuple[()] = ()


class KafkaProducer:
    """Publishes records to a Kafka cluster; thread-safe, and best shared by all threads.

    In the child of a fork it works as well: its first send() there makes a thread and connections of the child's own.

    Options are keyword arguments, listed in docs/configuration.rst and, with their defaults, in DEFAULT_CONFIG. send() returns a future at
    once; a background thread batches, sends and retries. Close it, or use it as a context manager, so that nothing is left unsent.

    Raises: KafkaConfigurationError (also an AssertionError and a ValueError) for a bad option; NoBrokersAvailable where no broker answers
    within api_version_auto_timeout_ms and no api_version was given.
    Threads: any.
    """

    DEFAULT_CONFIG: dict[str, Any] = default_config()

    _home: Home
    _metadata: ClusterMetadata
    _accumulator: RecordAccumulator
    _router: Router
    _metrics: Metrics | None
    _send_path: FastPath | None
    _append_at_once: Callable[..., Any]
    _max_block_s: float
    _most_record_bytes: int
    _takes_null_values: bool
    _serialize_key: Callable[[str, Any, Any], Any] | None
    _serialize_value: Callable[[str, Any, Any], Any] | None
    _sender: Sender
    _client: KafkaClient
    _options: ClientOptions
    _lifecycle: Lifecycle

    _world: World | None = None
    """Where tests put another clock, randomness and network for instances of a subclass."""

    def __init__(self, **configs: Any) -> None:
        self._closed = False
        self.config = resolve(configs)
        self._own_name: str | None = self.config["client_id"] if configs.get("client_id") is None else None
        world = self._new_world()
        parts = lifecycle = None
        try:
            parts = assemble(self.config, world)
            lifecycle = Lifecycle(parts, self.config, starts_thread=world.starts_threads)
            lifecycle.start(self)
            self._use_parts(lifecycle)
        except BaseException:  # Ctrl-C, or no thread to be had
            if lifecycle is not None:
                lifecycle.undo_start()
            elif parts is not None:
                parts.discard()
            raise

    def _new_world(self) -> World:
        return self._world or World(SystemClock(), random.Random(), SocketTransport(current_selector(self.config["selector"])))

    def _use_parts(self, lifecycle: Lifecycle, *, is_renewal: bool = False) -> None:
        """Have everything that is called from now on go to these parts."""
        parts = lifecycle.parts
        self._use(
            home=parts.home,
            cluster=parts.cluster,
            accumulator=parts.accumulator,
            router=parts.router,
            metrics=parts.metrics,
            send_path=parts.send_path,
            others={"_sender": parts.sender, "_client": parts.client, "_options": parts.options, "_lifecycle": lifecycle},
            is_renewal=is_renewal,
        )

    def _begin_anew(self) -> None:
        """In the child of a fork: have a thread and connections of this process's own. What the parent queued stays the parent's.

        A signal handler may interrupt this anywhere and come here itself: whoever is first with a successor has it used by both.
        IllegalStateError where the producer is closed.
        """
        inherited = self._lifecycle
        with inherited.renewal:
            if self._home.forked and not self._closed:
                options = self._options
                if self._own_name is not None:
                    self.config["client_id"] = f"{self._own_name}-{os.getpid()}"
                    options = dataclasses.replace(options, client_id=self.config["client_id"])
                world = self._new_world()
                parts = mine = None
                try:
                    parts = assemble(self.config, world, options)
                    mine = Lifecycle(parts, self.config, starts_thread=world.starts_threads)
                    chosen = inherited.successor(mine)
                except BaseException:  # Ctrl-C
                    if parts is not None and not inherited.is_succeeded_by(mine):
                        parts.discard()
                    raise
                chosen.start(self)
                self._use_parts(chosen, is_renewal=True)
        if self._home.forked:
            raise IllegalStateError("KafkaProducer already closed!")
        if self._closed:  # by another thread meanwhile
            self._lifecycle.close(0)
        self._accumulator.check_open()

    def _use(
        self,
        *,
        home: Home,
        cluster: ClusterMetadata,
        accumulator: RecordAccumulator,
        router: Router,
        metrics: Metrics | None,
        send_path: FastPath | None,
        others: Mapping[str, Any] | None = None,
        is_renewal: bool = False,
    ) -> None:
        """Have records checked as `config` says, placed by this router, and taken by this accumulator.

        A renewal is one step, with `others`: a signal handler's send() finds all of it old, or all of it new.
        """
        config = self.config
        attributes: dict[str, Any] = {
            "_home": home,
            "_metadata": cluster,
            "_accumulator": accumulator,
            "_router": router,
            "_metrics": metrics,
            "_send_path": send_path,
            "_append_at_once": _take_nothing if send_path is None else send_path.append,
            "_max_block_s": config["max_block_ms"] / 1000,
            "_most_record_bytes": most_record_bytes(config),
            "_takes_null_values": config["api_version"] >= (0, 8, 1),
            "_serialize_key": arguments.call_form_or_none(config["key_serializer"]),
            "_serialize_value": arguments.call_form_or_none(config["value_serializer"]),
            **(others or {}),
        }
        if is_renewal:
            self.__dict__.update(attributes)
            return
        for name, value in attributes.items():  # which leaves them where the interpreter finds them sooner
            setattr(self, name, value)

    # --- sending ------------------------------------------------------------------------------------------------

    def send(
        self,
        topic: str,
        value: Any = None,
        key: Any = None,
        headers: Any = None,
        partition: int | None = None,
        timestamp_ms: int | None = None,
    ) -> FutureRecordMetadata:
        """Publish a record; returns a future that becomes its RecordMetadata, or fails with what befell it.

        Arguments:
            topic: name of the topic.
            value: bytes-like, or what value_serializer takes; None marks the key as deleted in a compacted topic.
            key: bytes-like, or what key_serializer takes, or None.
            headers: list of (str, bytes or None); brokers from 0.11 on. An int here is the partition, and what follows the timestamp (1.3).
            partition: number of the partition; None lets the partitioner choose.
            timestamp_ms: milliseconds since the epoch; None is now.

        Raises: KafkaTimeoutError where metadata of the topic or room in buffer_memory did not come within max_block_ms, and UnknownTopicError,
        which is one, where brokers say that there is no such topic more often than unknown_topic_retries allows; for bad arguments
        InvalidArgumentTypeError (also AssertionError, TypeError) or InvalidArgumentValueError (also AssertionError, ValueError); what a
        serializer or partitioner raises, as it is; IllegalStateError after close(). A record larger than
        max_request_size (compressed, with check_size_after_compression) and a topic one may not write to give a failed future.
        """
        append = self._append_at_once
        future: FutureRecordMetadata | None = append(topic, value, key, headers, partition, timestamp_ms)
        if future is not None:
            return future
        return self._send(topic, value, key, headers, partition, timestamp_ms)

    def _send(  # noqa: C901 - one call per record: what is checked here in line would cost a call each elsewhere
        self, topic: str, value: Any, key: Any, headers: Any, partition: int | None, timestamp_ms: int | None
    ) -> FutureRecordMetadata:
        """send() for any record there is."""
        if self._accumulator.refusal is not None:
            self._check_open()
        if headers is not None and isinstance(headers, int):  # the positional form of release 1.3: topic, value, key, partition, timestamp_ms
            headers, partition, timestamp_ms = arguments.old_positional_form(headers, partition, timestamp_ms)
        if value is None and key is None:
            raise InvalidArgumentValueError("Need at least one: key or value")
        route = self._router.route(topic) if type(topic) is str else None
        if route is None:
            arguments.check_topic(topic)
        record_headers: Headers = _NO_HEADERS
        header_size = -1
        if headers:
            record_headers, header_size = arguments.checked_headers(headers, self._accumulator.format.magic)
        elif headers is not None:
            arguments.check_headers_type(headers)
        key_bytes = key if self._serialize_key is None else self._serialize_key(topic, headers, key)
        value_bytes = value if self._serialize_value is None else self._serialize_value(topic, headers, value)
        if key_bytes is not None and type(key_bytes) is not bytes:
            key_bytes = arguments.bytes_of("key", key_bytes)
        if value_bytes is None:
            if not self._takes_null_values:
                raise arguments.null_value_refusal()
        elif type(value_bytes) is not bytes:
            value_bytes = arguments.bytes_of("value", value_bytes)
        if timestamp_ms is None:
            timestamp_ms = int(self._home.clock.time() * 1000)
        else:
            arguments.check_timestamp(timestamp_ms)
        if partition is not None:
            check_partition(partition)
        size = (0 if key_bytes is None else len(key_bytes)) + (0 if value_bytes is None else len(value_bytes))
        if (
            size + arguments.ROOM_FOR_OVERHEAD > self._most_record_bytes
            or size + arguments.ROOM_FOR_OVERHEAD > self._accumulator.memory.limit_bytes
            or header_size >= 0
        ):
            error = self._too_large(key_bytes, value_bytes, record_headers)
            if error is not None:
                return self._failed_future(topic, partition, error)
        if self._home.on_io_thread():
            return self._defer(topic, partition, timestamp_ms, (key, key_bytes), (value, value_bytes), record_headers, header_size)
        left_s = self._max_block_s
        if route is None or (partition is not None and partition not in route.queues):
            try:
                route, left_s = self._wait_for_route(topic, partition)
            except TopicAuthorizationFailedError as error:
                return self._failed_future(topic, partition, error)
        if self._send_path is not None:
            self._send_path.offer(route)
        if partition is not None:
            queue = route.queues[partition]
        else:
            queue = self._router.choose(route, key, key_bytes, value, value_bytes)
            if self._router.hears_of_batches and not self._accumulator.fits_open_batch(queue, key_bytes, value_bytes, record_headers):
                queue = self._router.choose_for_new_batch(route, queue, key, key_bytes, value, value_bytes)
        future = self._accumulator.append(queue, timestamp_ms, key_bytes, value_bytes, record_headers, header_size, left_s)
        if future is None:  # a signal handler interrupted another send() of this thread
            number = queue.topic_partition.partition
            return self._defer(topic, number, timestamp_ms, (key, key_bytes), (value, value_bytes), record_headers, header_size)
        return future

    def _failed_future(self, topic: str, partition: int | None, error: BaseException) -> FutureRecordMetadata:
        return self._accumulator.failures.failed_future(TopicPartition(topic, -1 if partition is None else partition), error)

    def _too_large(self, key: bytes | None, value: bytes | None, headers: Headers) -> MessageSizeTooLargeError | None:
        size = self._accumulator.format.upper_bound(key, value, headers)
        if size > self._most_record_bytes:
            if self._most_record_bytes > self.config["max_request_size"]:
                most = self._most_record_bytes
                return MessageSizeTooLargeError(f"The message is {size} bytes when serialized, and no batch can hold more than {most}")
            return MessageSizeTooLargeError(
                f"The message is {size} bytes when serialized which is larger than the maximum request size you have configured with the "
                f"max_request_size configuration ({self._most_record_bytes})"
            )
        limit = self._accumulator.memory.limit_bytes
        if size > limit:
            return MessageSizeTooLargeError(
                f"The message is {size} bytes when serialized which is larger than the total memory buffer you have configured with the "
                f"buffer_memory configuration ({limit})"
            )
        return None

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
        """Leave the record to the I/O thread: here nothing may wait."""
        deferred = DeferredRecord(topic, partition, timestamp_ms, key[1], value[1], headers)
        deferred.sent = (key[0], value[0])
        if self._home.on_io_thread():
            size = self._accumulator.format.upper_bound(key[1], value[1], headers)
            if not self._accumulator.memory.take(size):
                limit = self._accumulator.memory.limit_bytes
                error = KafkaTimeoutError(f"The buffer is full (buffer_memory={limit}), and send() in a callback cannot wait for room")
                return self._failed_future(topic, partition, error)
            deferred.size_bytes = size
        return self._accumulator.defer(deferred, header_size)

    def _check_open(self) -> None:
        """Raise the reason where nothing is taken any more; the first call in the child of a fork makes the producer this process's own."""
        if self._home.forked:
            self._begin_anew()
        else:
            self._accumulator.check_open()

    # --- metadata -----------------------------------------------------------------------------------------------

    def _wait_for_route(self, topic: str, partition: int | None) -> tuple[TopicRoute, float]:
        """The topic's route, with the partition in it if one is named, and how many seconds of max_block_ms are left."""
        clock, cluster = self._home.clock, self._metadata
        began_s = clock.monotonic()
        deadline_s = began_s + self._max_block_s
        answers_before = cluster.snapshot.version
        answers_wanted = answers_before + (1 if partition is not None else 0)
        newly_wanted = cluster.add_topic(topic)
        self._home.check_may_wait("Waiting for metadata")
        while True:
            given_up = self._router.given_up(topic)
            if given_up is not None:
                raise given_up  # before a waiter is left, which only the next answer takes away
            latch = Latch()
            cluster.add_waiter(latch)
            route = self._router.route(topic)
            answers = cluster.snapshot.version
            if route is not None and (partition is None or partition in route.queues):
                return route, max(0.0, deadline_s - clock.monotonic())
            if cluster.snapshot.errors.get(topic) is TopicAuthorizationFailedError and not newly_wanted:
                cluster.want_update()  # it may have been granted since: a later call will know
                raise TopicAuthorizationFailedError(f"Not authorized to access topic {topic}")
            if route is not None and partition is not None and answers >= answers_wanted:
                raise unrecognized_partition(topic, partition, route)
            self._accumulator.check_open()
            is_asked_for = cluster.add_topic(topic) or (newly_wanted and answers == answers_before)  # it may have been forgotten since
            newly_wanted = False
            if not is_asked_for:  # twice were once too often: the first question may be under way
                cluster.want_update()
            if not clock.wait(latch, deadline_s):
                if route is not None and partition is not None:
                    raise unrecognized_partition(topic, partition, route)
                raise KafkaTimeoutError(self._metadata_timeout(topic))

    def _metadata_timeout(self, topic: str) -> str:
        error = self._metadata.snapshot.errors.get(topic)
        said = f"the brokers' last answer was {error.__name__}" if error is not None else "no broker has answered for it"
        return f"Failed to update metadata after {self._max_block_s} secs. (topic {topic}: {said}; max_block_ms={self.config['max_block_ms']})"

    def partitions_for(self, topic: str) -> set[int]:
        """Numbers of the topic's partitions; waits at most max_block_ms for metadata. After it send() need not wait for that.

        Raises: KafkaTimeoutError where it does not come, UnknownTopicError as in send(); TopicAuthorizationFailedError.
        """
        arguments.check_topic(topic)
        if self._home.forked:
            self._begin_anew()
        return set(self._wait_on_metadata(topic, self._max_block_s))

    def _wait_on_metadata(self, topic: str, max_wait: float) -> set[int]:
        route = self._router.route(topic)
        if route is None:
            route, _ = self._wait_for_route(topic, None)
        return set(route.all)

    def bootstrap_connected(self) -> bool:
        """Whether a connection to one of the bootstrap servers is open."""
        return not self._home.forked and self._client.bootstrap_connected()

    # --- flushing and closing -----------------------------------------------------------------------------------

    def flush(self, timeout: float | None = None, *, raise_errors: bool = False) -> None:
        """Send what is buffered without lingering, and wait until each record sent before has been acknowledged or has failed.

        Arguments:
            timeout: seconds in all; None waits as long as it takes.
            raise_errors: raise where records have failed since this was asked for last, or since the producer was made.

        Raises: KafkaTimeoutError where it takes longer; RecordsNotDeliveredError if asked for; IllegalStateError in a callback.
        """
        arguments.check_timeout(timeout)
        if self._home.forked:
            return  # nothing was sent in this process; what its parent sent, the parent flushes
        self._accumulator.flush(timeout, raise_errors=raise_errors)

    def close(self, timeout: float | None = None) -> None:
        """Send what is buffered, wait for the answers, end the background thread; calling it again changes nothing.

        What is left after `timeout` seconds (None: no limit) fails with IllegalStateError('Producer is closed forcefully.'); there is no error
        for lack of time. In a callback it returns at once and closing goes on behind it. In a forked child what the parent queued is not its concern.
        """
        arguments.check_timeout(timeout)
        self._closed = True
        if self._lifecycle.close(timeout):
            arguments.close_all(self.config["key_serializer"], self.config["value_serializer"], self.config["partitioner"])

    def __enter__(self) -> KafkaProducer:
        return self

    def __exit__(self, exc_type: Any, exc_value: Any, traceback: Any) -> None:
        """Close; while an exception is on its way within exit_timeout_ms, and nothing that closing raises takes its place."""
        if exc_value is None:
            self.close()
            return
        try:
            self.close(self.config["exit_timeout_ms"] / 1000)
        except Exception:
            log.exception("Error while a producer was closed at the end of a with block")

    # --- metrics ------------------------------------------------------------------------------------------------

    def metrics(self, raw: bool = False) -> Any:
        """What is measured: {group: {name: value}}, or {MetricName: KafkaMetric} if `raw`; {} after close(), None if metrics_enabled is False."""
        if self._home.forked and not self._closed:
            self._begin_anew()
        if self._metrics is None:
            return None
        metrics: dict[MetricName, KafkaMetric] = dict(self._metrics.metrics)
        if raw:
            return metrics
        groups: dict[str, dict[str, float]] = {}
        for name, metric in metrics.items():
            groups.setdefault(name.group, {})[name.name] = metric.value()
        return groups

    def status(self) -> ProducerStatus:
        """What the producer is doing: its brokers and their connections, and what records without an outcome wait for.

        A snapshot for health checks and for humans: it waits for nobody, and what it shows may have changed already.
        """
        return status_of(self._lifecycle.parts, is_closed=self._closed)

    # --- what instrumentation calls -----------------------------------------------------------------------------

    @classmethod
    def max_usable_produce_magic(cls, api_version: tuple[int, ...]) -> int:
        """The newest message format that brokers of this release take."""
        return 2 if api_version >= (0, 11) else 1 if api_version >= (0, 10) else 0

    def _serialize(self, serializer: Any, topic: str, data: Any) -> Any:
        form: Callable[[str, Any, Any], Any] | None = arguments.call_form_or_none(serializer)
        return data if form is None else form(topic, None, data)

    def _partition(
        self, topic: str, partition: int | None, key: Any, value: Any, serialized_key: bytes | None, serialized_value: bytes | None
    ) -> int:
        route = self._router.route(topic)
        if partition is not None:
            check_partition(partition)
            if route is None or partition not in route.queues:
                raise unrecognized_partition(topic, partition, route)
            return partition
        if route is None:
            raise IllegalStateError(f"Metadata of topic {topic} is not known yet")
        queue: PartitionQueue = self._router.choose(route, key, serialized_key, value, serialized_value)
        return queue.topic_partition.partition

    def __reduce__(self) -> Any:
        raise InvalidArgumentTypeError(
            "A KafkaProducer cannot be pickled or copied: it owns a thread and connections. Pass its config and create one there"
        )

    def __repr__(self) -> str:
        state = "closed" if self._closed else "open"
        return f"<{type(self).__name__} client_id={self.config['client_id']} bootstrap_servers={self.config['bootstrap_servers']!r} {state}>"


def _take_nothing(topic: Any, value: Any, key: Any, headers: Any, partition: Any, timestamp_ms: Any) -> None:
    """In the place of a fast path where there is none."""


__all__: Sequence[str] = ("KafkaProducer",)
