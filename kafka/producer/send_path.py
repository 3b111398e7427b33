"""The short way of a plain record: from send() to the open batch of its partition in one call, kept up to date with metadata.

Imported by: producer.{assembly,kafka}.
Imports: _accel, _clock, cluster, partitioner, record, producer.{accumulator,arguments,future,partition_queue,partitioning}.
"""

from __future__ import annotations

import random
import threading
import time as _time
from typing import TYPE_CHECKING, Any, Callable

from kafka import _accel, record
from kafka._clock import Clock, SystemClock
from kafka.cluster import ClusterMetadata
from kafka.partitioner.default import DefaultPartitioner
from kafka.partitioner.murmur2 import murmur2
from kafka.producer.accumulator import RecordAccumulator
from kafka.producer.arguments import ROOM_FOR_OVERHEAD
from kafka.producer.future import FutureRecordMetadata
from kafka.producer.partition_queue import PartitionQueue
from kafka.producer.partitioning import TopicRoute
from kafka.record import varint
from kafka.record.varint import SHORT

AppendAtOnce = Callable[[Any, Any, Any, Any, Any, Any], Any]
"""(topic, value, key, headers, partition, timestamp_ms) -> the record's future, or None where send() must see to it."""

_new: Any = FutureRecordMetadata.__new__
_V2 = record.format_for(2)
_SHORT_TO = 16384
"""Numbers below it have their bytes in SHORT."""

_MOST_KEY_BYTES = 256
_MOST_VALUE_BYTES = 15_000
"""Keys and values up to these sizes make records whose length is such a number."""

_MOST_HASHES = 4096
"""Keys whose hashes are remembered: 1.5 MB of the longest ones."""


class PythonSendPath:
    """Takes the records that need nothing but bytes moved: what KafkaProducer.send() does for them, in one method; the compiled twin is SendPath
    in _speedups/send_path.pyx.

    What it does itself are the usual steps of RecordAccumulator.append(), PythonRecords.append() and FormatV2.encode(), one after the other: calls
    are what a record costs in Python. A record that begins or fills a batch goes through them. Everything else (an unknown topic, no room,
    headers, no value, arguments that are not what they seem) is left to send().
    Threads: any; what runs on the I/O thread is left to send() too.
    """

    def __init__(
        self,
        *,
        accumulator: RecordAccumulator,
        time: Callable[[], float] | None,
        monotonic: Callable[[], float] | None,
        most_bytes: int,
        notices_full: bool,
        seed: int,
    ) -> None:
        """`most_bytes`: a larger record is not looked at here; `notices_full`: somebody must be told when a batch has reached its size.

        Batches are begun by the accumulator, which has a monotonic clock.
        """
        self._accumulator = accumulator
        self._home = accumulator.home
        self._memory = accumulator.memory
        self._interrupting = accumulator.interrupting
        self._time = time
        self._most_value_bytes = min(most_bytes - _MOST_KEY_BYTES - ROOM_FOR_OVERHEAD, _MOST_VALUE_BYTES)
        self._notices_full = notices_full
        self._random = random.Random(seed).random
        self._topics: dict[str, tuple[list[PartitionQueue], list[PartitionQueue]]] = {}  # of all partitions, and of those with a leader
        self._hashes: dict[bytes, int] = {}  # of keys that were seen, for most come again; any thread
        self._is_open = True

    def put(self, topic: str, all: list[PartitionQueue], available: list[PartitionQueue]) -> None:
        """The queues of a topic's partitions: of all in order of their numbers, from 0 on, and of those with a leader."""
        if type(topic) is not str:
            raise TypeError(f"not a str: {topic!r}")
        for queue in (*all, *available):
            if not isinstance(queue, PartitionQueue):
                raise TypeError(f"not a PartitionQueue: {queue!r}")
        if available:
            self._topics[topic] = (all, available)

    def has(self, topic: str) -> bool:
        return topic in self._topics

    def clear(self) -> None:
        """Forget all topics: metadata has changed."""
        self._topics.clear()

    def close(self) -> None:
        """Take nothing more."""
        self._is_open = False
        self.clear()

    def _hash(self, key: bytes) -> int:
        """The number by which the default partitioner chooses for this key, which is remembered."""
        if len(self._hashes) >= _MOST_HASHES:
            self._hashes.clear()
        hashed = self._hashes[key] = murmur2(key) & 0x7FFFFFFF
        return hashed

    def append(  # noqa: C901 - one call per record: what is done here in line would cost a call each elsewhere
        self, topic: Any, value: Any, key: Any, headers: Any, partition: Any, timestamp_ms: Any
    ) -> FutureRecordMetadata | None:
        """The record's future, or None where send() must do it."""
        accumulator = self._accumulator
        if headers is not None or type(value) is not bytes or type(topic) is not str or threading.get_ident() == self._home.io_ident:
            return None
        try:
            queues, available = self._topics[topic]
        except KeyError:
            return None
        size = len(value)
        key_size = -1
        if key is not None:
            if type(key) is not bytes:
                return None
            key_size = len(key)
        if size > self._most_value_bytes or key_size > _MOST_KEY_BYTES:
            return None
        if partition is not None:
            if type(partition) is not int or not 0 <= partition < len(queues):
                return None
            queue = queues[partition]
        elif key is None:
            queue = available[int(self._random() * len(available))]
        else:
            hashed = self._hashes.get(key)
            queue = queues[(self._hash(key) if hashed is None else hashed) % len(queues)]
        if timestamp_ms is None:
            timestamp_ms = int((_time.time() if self._time is None else self._time()) * 1000)
        elif type(timestamp_ms) is not int or not 0 <= timestamp_ms < 1 << 63:
            return None

        memory = self._memory
        with accumulator._append_lock:
            if accumulator.is_appending or self._interrupting or not self._is_open:
                return None
            records = queue.records
            if records is not None and records.format is _V2:
                try:
                    accumulator.is_appending = True
                    encoded_list = records._encoded  # read before is_sealing, as in PythonRecords.append()
                    position = len(encoded_list)
                    delta = timestamp_ms - records.base_timestamp_ms
                    if position and not (records.is_closed or records.is_sealing):
                        delta_bytes = SHORT[delta] if 0 <= delta < _SHORT_TO else varint.encode(delta)
                        index_bytes = SHORT[position] if position < _SHORT_TO else varint.encode(position)
                        size_bytes = SHORT[size]
                        length = 3 + len(delta_bytes) + len(index_bytes) + len(size_bytes) + size
                        if key is None:
                            encoded = b"%b\x00%b%b\x01%b%b\x00" % (SHORT[length], delta_bytes, index_bytes, size_bytes, value)
                        else:
                            key_size_bytes = SHORT[key_size]
                            length_bytes = SHORT[length - 1 + len(key_size_bytes) + key_size]
                            encoded = b"%b\x00%b%b%b%b%b%b\x00" % (length_bytes, delta_bytes, index_bytes, key_size_bytes, key, size_bytes, value)
                        filled = records.open_bytes
                        filled_after = filled + len(encoded)
                        if filled_after <= records.limit_bytes and not (self._notices_full and filled < records.sendable_bytes <= filled_after):
                            reserved = memory._reserved
                            reserved_after = reserved + len(encoded)
                            if memory.waiters or reserved_after + memory._granted - memory._released > memory.limit_bytes:
                                return None
                            future: FutureRecordMetadata = _new(FutureRecordMetadata)
                            future._of = records.result
                            future._position = position
                            future._timestamp_ms = timestamp_ms
                            future._key_size = key_size
                            future._value_size = size
                            future._header_size = -1
                            try:
                                if timestamp_ms > records.newest_ms:
                                    records._maxima.append((position, timestamp_ms))
                                    records.newest_ms = timestamp_ms
                                memory._reserved = reserved_after
                                encoded_list.append(encoded)
                                if encoded_list[position] is encoded:
                                    records.open_bytes = filled_after
                                    return future
                                memory._reserved = reserved
                            except BaseException:  # of a signal handler: room is held for exactly what the batch has
                                is_in = records.recount(encoded_list, position, encoded, filled)
                                memory._reserved = reserved_after if is_in else reserved
                                raise
                finally:
                    accumulator.is_appending = False
        return accumulator.append(queue, timestamp_ms, key, value, (), -1, None)


if TYPE_CHECKING:
    SendPath = PythonSendPath
else:
    SendPath = _accel.pick("send_path.SendPath", PythonSendPath)


class FastPath:
    """Offers the topics' open batches to SendPath, and takes them back when metadata or the producer's state has changed.

    Threads: any.
    """

    def __init__(
        self, *, config: dict[str, Any], clock: Clock, random: random.Random, accumulator: RecordAccumulator, cluster: ClusterMetadata
    ) -> None:
        self._cluster = cluster
        self._path = SendPath(
            accumulator=accumulator,
            time=None if type(clock) is SystemClock else clock.time,
            monotonic=None if type(clock) is SystemClock else clock.monotonic,
            most_bytes=min(config["max_request_size"], config["buffer_memory"]),
            notices_full=config["linger_ms"] > 0,
            seed=random.getrandbits(64),
        )
        self.append: AppendAtOnce = self._path.append
        accumulator.on_refusal = self._path.close
        cluster.add_listener(self._forget)

    def offer(self, route: TopicRoute) -> None:
        """Let records of this topic come this way from now on."""
        if self._path.has(route.topic.name) or not route.available or route.all != list(range(len(route.all))):
            return
        self._path.put(route.topic.name, [route.queues[number] for number in route.all], list(route.available_queues))
        if route.seen is not self._cluster.snapshot:  # metadata changed meanwhile, and what was put may be old
            self._path.clear()

    def _forget(self, cluster: ClusterMetadata) -> None:
        self._path.clear()


def fast_path_for(
    config: dict[str, Any], *, clock: Clock, random: random.Random, accumulator: RecordAccumulator, cluster: ClusterMetadata
) -> FastPath | None:
    """The fast path, where the options let nothing of the user's take part in send()."""
    serializers = (config["key_serializer"], config["value_serializer"])
    if serializers != (None, None) or type(config["partitioner"]) is not DefaultPartitioner:
        return None
    return FastPath(config=config, clock=clock, random=random, accumulator=accumulator, cluster=cluster)
