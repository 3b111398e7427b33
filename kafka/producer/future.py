"""What send() returns: a future per record, one completion per batch.

Imported by: producer.  Imports: future, structs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from kafka import _accel
from kafka.future import Completion, CompletionState, Future, FutureState, Home, Parts
from kafka.structs import TopicPartition

UNKNOWN_OFFSET = -1
NO_TIMESTAMP = -1

_new_tuple: Any = tuple.__new__


class RecordMetadata(NamedTuple):
    """Where a record was written; offset -1 where no broker said (acks=0), sizes -1 for what was None or absent."""

    topic: str
    partition: int
    topic_partition: TopicPartition
    offset: int
    timestamp: int | None
    checksum: int | None
    serialized_key_size: int
    serialized_value_size: int
    serialized_header_size: int


class PythonProduceResultState(CompletionState):
    """What a batch's answer says of its records; the compiled twin is ProduceResultState in _speedups/outcomes.pyx.

    Threads: any reads; the I/O thread writes, before it completes the result.
    """

    __slots__ = ("base_offset", "checksums", "first_position", "has_timestamps", "log_append_time_ms", "record_errors", "topic_partition")

    def __init__(self, topic_partition: TopicPartition, home: Home) -> None:
        super().__init__(home)
        self.topic_partition = topic_partition
        self.first_position = 0
        """Where its first record stood in the batch that was split, if it is a part of one; its records' futures count from there."""
        self.base_offset = UNKNOWN_OFFSET
        self.log_append_time_ms = NO_TIMESTAMP
        self.record_errors: Mapping[int, BaseException] | None = None
        self.checksums: Sequence[int | None] | None = None
        self.has_timestamps = True  # message format 0 has none

    def succeed(self, base_offset: int, log_append_time_ms: int = NO_TIMESTAMP) -> None:
        """Complete: the batch's first record has this offset (-1: nobody knows)."""
        self.base_offset = base_offset
        self.log_append_time_ms = log_append_time_ms
        self.finish()

    def fail(self, error: BaseException, record_errors: Mapping[int, BaseException] | None = None) -> None:
        """Complete with an error, and other errors for the records of these indexes (KIP-467)."""
        self.record_errors = record_errors
        self.exception = error
        self.finish()

    def value_of(self, future: FutureState) -> RecordMetadata:
        """What became of this future's record."""
        index = future._position - self.first_position
        timestamp_ms = future._timestamp_ms
        if self.log_append_time_ms >= 0:
            timestamp_ms = self.log_append_time_ms
        elif not self.has_timestamps:
            timestamp_ms = NO_TIMESTAMP
        topic_partition = self.topic_partition
        topic, partition = topic_partition
        offset = self.base_offset + index if self.base_offset >= 0 else UNKNOWN_OFFSET
        checksum = self.checksums[index] if self.checksums is not None else None
        fields = (
            topic, partition, topic_partition, offset, timestamp_ms, checksum, future._key_size, future._value_size, future._header_size
        )  # fmt: skip
        metadata: RecordMetadata = _new_tuple(RecordMetadata, fields)  # without the call of Python code that NamedTuple has for it
        return metadata

    def exception_of(self, future: FutureState) -> BaseException | None:
        """The record's own error where it has one, else the batch's."""
        if self.record_errors:
            return self.record_errors.get(future._position - self.first_position, self.exception)
        return self.exception


if TYPE_CHECKING:
    ProduceResultState = PythonProduceResultState
else:
    ProduceResultState = _accel.pick("outcomes.ProduceResultState", PythonProduceResultState)


class PythonFutureProduceResult(ProduceResultState, Completion):
    """The outcome that all records of one batch share; the compiled twin is FutureProduceResult in _speedups/outcomes.pyx.

    Threads: any waits and registers; the I/O thread completes it, once.
    """

    __slots__ = ()

    def split(self, parts: Parts) -> None:
        """Have other completions take over, each from a position on; the I/O thread, while this is not done."""
        self.move_callbacks(parts)  # before others may register there
        self.parts = parts
        self.move_callbacks(parts)
        self.release_waiters()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait at most `timeout` seconds for completion; whether it came."""
        return self.wait_until(None if timeout is None else self.home.clock.monotonic() + timeout)


if TYPE_CHECKING:
    FutureProduceResult = PythonFutureProduceResult
else:
    FutureProduceResult = _accel.pick("outcomes.FutureProduceResult", PythonFutureProduceResult)


class PythonFutureRecordMetadata(Future):
    """The future of one record: an index into its batch's result; RecordMetadata is made when somebody asks.

    The compiled twin is FutureRecordMetadata in _speedups/outcomes.pyx.

    Threads: any.
    """

    __slots__ = ()

    if TYPE_CHECKING:

        def __init__(
            self, result: FutureProduceResult, position: int, timestamp_ms: int, key_size: int, value_size: int, header_size: int
        ) -> None: ...

    else:
        __init__ = FutureState.__init__  # and not a method that calls it: there is one for each record

    def get(self, timeout: float | None = None) -> RecordMetadata:
        """Wait at most `timeout` seconds; the record's metadata, or its error raised; KafkaTimeoutError where time is up."""
        metadata: RecordMetadata = self.result(timeout)
        return metadata

    @property
    def _produce_future(self) -> Any:
        """The name under which instrumentation reads `topic_partition`."""
        return self._completion


if TYPE_CHECKING:
    FutureRecordMetadata = PythonFutureRecordMetadata
else:
    FutureRecordMetadata = _accel.pick("outcomes.FutureRecordMetadata", PythonFutureRecordMetadata)

_accel.install("outcomes", record_metadata=RecordMetadata)
