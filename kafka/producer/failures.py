"""Records that fail: what their errors say, whom they are told to, and errors that nobody looked at.

Imported by: producer.{accumulator,sender,deferral,kafka}, testing.mock_producer.
Imports: errors, _clock, _handover, _log, structs, producer.{future,batch}.
"""

from __future__ import annotations

import copy
import logging
import math
import weakref
from collections import deque
from typing import Any, Callable, NamedTuple

from kafka._clock import Clock
from kafka._handover import take_all
from kafka._log import GuardedLogger, RateLimited
from kafka.errors import FailedPartition, KafkaError, RecordsNotDeliveredError
from kafka.future import Home
from kafka.producer.batch import ProducerBatch
from kafka.producer.future import NO_TIMESTAMP, FutureProduceResult, FutureRecordMetadata
from kafka.structs import TopicPartition

log = GuardedLogger(logging.getLogger(__name__))

_BURST_S = 1.0  # what fails so soon after the first is told in one line with it
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 30.0, 300.0  # between lines, doubling for as long as there is something to tell
_MOST_NAMED = 5  # topics and causes in one line
_MOST_KINDS = 1000  # of failures that are counted apart for flush(raise_errors=True)

Hook = Callable[[BaseException], Any]


class Fate(NamedTuple):
    """What is known of records when they fail."""

    topic_partition: TopicPartition
    may_be_written: bool = False
    attempts: int = 0
    elapsed_s: float = 0.0
    last_error: KafkaError | None = None


def with_fate(error: BaseException, fate: Fate) -> BaseException:
    """The error of these records alone: a copy that says what became of them. What is no KafkaError is the user's own, and stays as it is."""
    if not isinstance(error, KafkaError):
        return error
    try:
        told = copy.copy(error)
    except Exception:  # noqa: BLE001 - a user's class, which cannot be copied
        told = error
    if error.__cause__ is not None:
        told.__cause__ = error.__cause__
    told.persisted = "maybe" if fate.may_be_written else "no"
    told.attempts = fate.attempts
    told.elapsed = fate.elapsed_s
    told.topic_partition = fate.topic_partition
    told.last_error = fate.last_error
    return told


def _unraised(error: BaseException) -> BaseException:
    """The same error, to be kept: the one that futures have may get a traceback, and with it frames that refer to the producer."""
    try:
        return copy.copy(error)
    except Exception:  # noqa: BLE001 - a user's class, which cannot be copied
        return KafkaError(f"{type(error).__name__}: {error}")


def not_delivered(failures: tuple[FailedPartition, ...]) -> RecordsNotDeliveredError:
    """The one error for all of them."""
    named = ", ".join(f"{failure.records} of {_name(failure.topic_partition)} ({failure.error})" for failure in failures[:_MOST_NAMED])
    more = f", and {len(failures) - _MOST_NAMED} more kinds" if len(failures) > _MOST_NAMED else ""
    error = RecordsNotDeliveredError(f"{sum(failure.records for failure in failures)} record(s) were not delivered: {named}{more}")
    error.failures = failures
    error.__cause__ = failures[0].error
    return error


def _name(topic_partition: TopicPartition) -> str:
    return f"{topic_partition.topic}-{topic_partition.partition}" if topic_partition.partition >= 0 else topic_partition.topic


class Failures:
    """Fails records: completes their results, counts, calls the hook.

    Threads: any fails records; take(), tell() and end() are the I/O thread's, and take() any thread's once that has ended.
    """

    def __init__(self, *, home: Home, wake: Callable[[], None], hook: Hook | None) -> None:
        self._home = home
        self._clock: Clock = home.clock
        self._wake = wake
        self._hook = hook
        self.last_error: BaseException | None = None  # that records failed with
        self.untold = Untold(home=home, wake=wake)
        self._reports: deque[FailedPartition] = deque()  # appended by any thread
        self._failed: dict[tuple[TopicPartition, type], FailedPartition] = {}  # since the last take()
        self._late_log = RateLimited(logging.getLogger(__name__), home.clock)
        self._io_log = RateLimited(logging.getLogger(__name__), home.clock, home.outlet)

    # --- any thread -----------------------------------------------------------------------------------------------

    def fail_batch(
        self, batch: ProducerBatch, error: BaseException, record_errors: dict[int, BaseException] | None = None, *, is_told: bool = False
    ) -> None:
        """Complete a sealed batch's result; `is_told`: the log says already what is lost."""
        fate = Fate(
            batch.topic_partition, batch.may_be_written, batch.attempts, self._clock.monotonic() - batch.created_s, batch.last_error
        )
        if record_errors:
            record_errors = {index: with_fate(own, fate) for index, own in record_errors.items()}
        told = with_fate(error, fate)
        self._note(batch.result, told, batch.record_count, record_errors, is_told)
        batch.fail(told, record_errors)
        self._call_hook(batch.record_count, told, record_errors)

    def fail_record(self, result: FutureProduceResult, error: BaseException, fate: Fate) -> None:
        """Complete the result of one record that is in no batch."""
        told = with_fate(error, fate)
        self._note(result, told, 1, None, False)
        result.fail(told)
        self._call_hook(1, told, None)

    def failed_future(self, topic_partition: TopicPartition, error: BaseException) -> FutureRecordMetadata:
        """The future of a record that failed before it was anywhere."""
        result = FutureProduceResult(topic_partition, self._home)
        future = FutureRecordMetadata(result, 0, NO_TIMESTAMP, -1, -1, -1)
        self.fail_record(result, error, Fate(topic_partition))
        return future

    def _note(
        self, result: FutureProduceResult, error: BaseException, records: int, record_errors: dict[int, BaseException] | None, is_told: bool
    ) -> None:
        """Remember the failure; whatever goes wrong with that, the result must be completed after it."""
        if not records:
            return
        try:
            report = FailedPartition(result.topic_partition, records, _unraised(next(iter(record_errors.values())) if record_errors else error))
            self.last_error = report.error
            if not is_told:
                result.looks = looks = Looks()
                _watch(looks, self.untold, result.topic_partition.topic, records, report.error)
            self._reports.append(report)
            self.untold.tell_at_s = -math.inf
            self._wake()
        except Exception:  # noqa: BLE001 - an error of the user's that has no words, for one
            self._log_surprise("note", "Unexpected error while a failure was noted")

    def _call_hook(self, records: int, error: BaseException, record_errors: dict[int, BaseException] | None) -> None:
        if self._hook is None:
            return
        for index in range(records):
            own = error if record_errors is None else record_errors.get(index, error)
            try:
                self._hook(own)
            except BaseException as raised:
                if not isinstance(raised, Exception) and not self._home.on_io_thread():
                    raise
                self._log_surprise(f"hook {type(raised).__name__}", "Error in on_delivery_error")

    # --- the I/O thread -------------------------------------------------------------------------------------------

    def tell(self, now_s: float) -> None:
        """Take over what other threads have left; say what nobody looked at, where that is due."""
        self.untold.tell_at_s = math.inf
        self._collect()
        self.untold.tell(now_s)
        if self._reports:  # they came in this instant
            self.untold.tell_at_s = -math.inf

    def take(self) -> tuple[FailedPartition, ...]:
        """What has failed since this was asked for last; whoever asks tells it to somebody, so that the log need not."""
        self._collect()
        taken, self._failed = tuple(self._failed.values()), {}
        if taken:
            self.untold.drop()
        return taken

    def _collect(self) -> None:
        for report in take_all(self._reports):
            kind = (report.topic_partition, type(report.error))
            if kind not in self._failed and len(self._failed) >= _MOST_KINDS:
                kind = next(reversed(self._failed))  # counted with another, rather than not at all
            before = self._failed.get(kind)
            self._failed[kind] = report if before is None else before._replace(records=before.records + report.records)

    def end(self) -> None:
        """The I/O thread ends: whatever is noted later is told at once."""
        self._collect()
        self.untold.end()

    def _log_surprise(self, key: str, message: str) -> None:
        """With the traceback of the error that is being handled; few of many."""
        limited = self._io_log if self._home.on_io_thread() else self._late_log
        limited.exception(key, message)


class Untold:
    """Errors that nobody looked at, until the log tells of them, once per burst.

    A failed result refers to a Looks object and nothing else does: when that is gone, so are all futures of the result, and the errors that
    nobody has seen by then will never be seen. Futures may outlive their producer, and this with them; so it refers to nothing of the user's, who
    may hold the futures.
    Threads: note_unseen() any; the rest the I/O thread's, and tell_all() and drop() any thread's once is_ended is set.
    """

    def __init__(self, *, home: Home, wake: Callable[[], None]) -> None:
        self._home = home
        self._clock: Clock = home.clock
        self._wake = wake
        self.tell_at_s = math.inf
        """When Failures.tell() has something to do; any thread sets it to -inf, after it has left something."""
        self.is_ended = False  # there is no I/O thread any more
        self._unseen: deque[Unseen] = deque()  # appended by any thread
        self._burst: dict[tuple[str, type], Unseen] = {}  # what the next line says, by topic and class of error
        self._due_s = math.inf  # when it is said
        self._pause_s = _FIRST_PAUSE_S
        self._quiet_until_s = -math.inf
        self._is_held_back = False  # the burst had to wait for that
        self._late_log = RateLimited(logging.getLogger(__name__), home.clock)

    def note_unseen(self, unseen: Unseen) -> None:
        """The last future of a failed result is gone.

        Called wherever that future was let go of: nothing is done here but one append and a wake-up, unless nobody would do the rest.
        """
        self._unseen.append(unseen)
        self.tell_at_s = -math.inf
        if self.is_ended:
            self.tell_all()
        else:
            self._wake()

    def tell(self, now_s: float) -> None:
        """Say what nobody looked at, once the burst is over and the last line is old enough."""
        self._collect(now_s)
        if self._burst and now_s >= self._due_s and self._home.outlet is not None and not self._home.outlet.take():
            self._due_s = now_s + _FIRST_PAUSE_S  # other lines were so many that this one has to wait
        elif self._burst and now_s >= self._due_s:
            self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S) if self._is_held_back else _FIRST_PAUSE_S
            self._quiet_until_s = now_s + self._pause_s
            self._say()
        self.tell_at_s = self._due_s if self._burst else math.inf
        if self._unseen:  # they came in this instant
            self.tell_at_s = -math.inf

    def drop(self) -> None:
        """Somebody was told of all that has failed by now."""
        self._unseen.clear()
        self._burst.clear()
        for watch in list(_watches):
            if watch.untold is self:
                _watches.pop(watch, None)

    def _collect(self, now_s: float) -> None:
        for unseen in take_all(self._unseen):
            if not self._burst:
                self._is_held_back = now_s + _BURST_S < self._quiet_until_s
                self._due_s = max(now_s + _BURST_S, self._quiet_until_s)
            earlier = self._burst.get((unseen.topic, unseen.kind))
            self._burst[unseen.topic, unseen.kind] = unseen if earlier is None else earlier._replace(records=earlier.records + unseen.records)

    def end(self) -> None:
        """There is no I/O thread any more, nor anything of it to keep."""
        self.tell_all()
        self.is_ended = True
        self._wake = _nobody

    def leave(self, unseen: Unseen) -> None:
        """The interpreter ends, and tell_all() is next."""
        self._unseen.append(unseen)

    def tell_all(self) -> None:
        """The same at once, where nothing more is to come."""
        self._collect(self._clock.monotonic())
        self._say()

    def _say(self) -> None:
        if not self._burst:
            return
        burst, self._burst = list(self._burst.values()), {}
        named = "; ".join(f"{unseen.records} for topic {unseen.topic}: {unseen.cause}" for unseen in burst[:_MOST_NAMED])
        more = f"; and {len(burst) - _MOST_NAMED} more topics or causes" if len(burst) > _MOST_NAMED else ""
        words = ("%d record(s) were not delivered, and nobody looked at their futures: %s%s", sum(unseen.records for unseen in burst), named, more)
        if self.is_ended:
            self._late_log.error("late", *words)
        else:
            self._log(*words)

    def _log(self, message: str, *args: object) -> None:
        """Log at ERROR; the I/O thread waits for no handler that another thread is in."""
        outlet = self._home.outlet if self._home.on_io_thread() else None
        if outlet is not None:
            outlet.write(log, logging.ERROR, message, args)
        else:
            log.error(message, *args)


class Looks:
    """Which positions of a failed result somebody has looked at.

    Threads: any.
    """

    __slots__ = ("__weakref__", "positions")

    def __init__(self) -> None:
        self.positions: set[int] = set()

    def note(self, position: int) -> None:
        """Somebody is shown the error of this record."""
        self.positions.add(position)


class Unseen(NamedTuple):
    """Failed records of one topic that nobody will look at any more."""

    topic: str
    kind: type
    cause: str
    records: int


class _Watch(weakref.ref):  # type: ignore[type-arg]  # generic only from Python 3.9.2 on
    """Knows when a Looks object is gone, and what it was for.  No exception is kept: its traceback might keep the futures.

    Threads: any.
    """

    __slots__ = ("_positions", "_unseen", "untold")

    def __new__(cls, looks: Looks, *_: Any) -> _Watch:
        return super().__new__(cls, looks, _on_gone)

    def __init__(self, looks: Looks, untold: Untold, unseen: Unseen) -> None:
        self.untold = untold
        self._unseen = unseen
        self._positions = looks.positions

    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return self is other

    def unseen(self) -> Unseen | None:
        """What nobody has looked at."""
        left = self._unseen.records - len(self._positions)
        return self._unseen._replace(records=left) if left > 0 else None


_watches: dict[_Watch, None] = {}
"""All that are open, of every producer: futures may live longer than theirs.  Changed by single steps, by any thread."""


def _watch(looks: Looks, untold: Untold, topic: str, records: int, error: BaseException) -> None:
    cause = str(error) if isinstance(error, KafkaError) else f"{type(error).__name__}: {error}"
    _watches[_Watch(looks, untold, Unseen(topic, type(error), cause, records))] = None


def _on_gone(watch: Any) -> None:
    if watch in _watches:
        _watches.pop(watch, None)
        unseen = watch.unseen()
        if unseen is not None:
            watch.untold.note_unseen(unseen)


def tell_rest() -> None:
    """The interpreter ends: nobody will look at futures that are still there."""
    concerned: dict[Untold, None] = {}
    for watch in list(_watches):
        unseen = watch.unseen()
        if unseen is not None:
            watch.untold.leave(unseen)
            concerned[watch.untold] = None
    _watches.clear()
    for untold in concerned:
        untold.tell_all()


def forget_all() -> None:
    """This is the child of a fork: what failed in the parent is the parent's to tell."""
    _watches.clear()


def _nobody() -> None:
    """There is no I/O thread to wake."""
