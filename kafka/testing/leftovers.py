"""What a test left behind of the producers that it made, itself or through the code that it tests.

Imported by: the pytest plugin (pytest_kafka_producer).  Imports: errors, producer, testing.mock_producer.
"""

from __future__ import annotations

import functools
import threading
import time
import weakref
from collections import Counter
from collections.abc import Container, Generator
from types import TracebackType
from typing import Any, Callable

from kafka.errors import KafkaError
from kafka.producer import KafkaProducer
from kafka.testing.mock_producer import MockProducer

UNFLUSHED, ERRORS, THREADS = "unflushed", "errors", "threads"
KINDS = (UNFLUSHED, ERRORS, THREADS)

_GRACE_S = 2.0  # for callbacks that are about to run, and threads that are about to end
_WATCHED_METHODS = ("__init__", "send", "flush", "close")
_LOOKS = frozenset({"get", "result", "exception", "failed", "succeeded", "retriable"})
_MOST_SHOWN = 5


class Leftovers:
    """Watches every KafkaProducer that is made from its beginning to its end (`with`), MockProducers apart; those made before are not its business.

    A record counts as flushed by a flush() or close() after it, or when somebody has waited for its outcome; an error, as looked at when
    somebody has asked its future for it or registered an errback.
    Threads: any; entered and left by one.
    """

    def __init__(self) -> None:
        self._accounts: list[_Account] = []
        self._by_producer: weakref.WeakKeyDictionary[KafkaProducer, _Account] = weakref.WeakKeyDictionary()
        self._lock = threading.Lock()  # guards the two above
        self._methods: dict[str, Callable[..., Any]] = {}
        self._is_over = False
        self._threads_before: set[threading.Thread] = set()

    def __enter__(self) -> Leftovers:
        self._threads_before = set(threading.enumerate())
        self._methods = {name: vars(KafkaProducer)[name] for name in _WATCHED_METHODS}
        for name, watched in zip(_WATCHED_METHODS, (self._init, self._send, self._flush, self._close)):
            setattr(KafkaProducer, name, self._method(watched, self._methods[name]))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close what is still open, so that the next test begins without it."""
        self._is_over = True
        for name, method in self._methods.items():
            setattr(KafkaProducer, name, method)
        for producer in list(self._by_producer):
            producer.close(timeout=0)

    def dismiss(self, producer: KafkaProducer) -> None:
        """Close a producer in the test's stead, which does not count as flushing."""
        self._account(producer).is_dismissed = True
        producer.close(timeout=_GRACE_S)

    def found(self, allowed: Container[str] = ()) -> list[str]:
        """What is wrong, a sentence or more for each of KINDS that is not allowed."""
        problems = []
        records = [record for account in self._accounts for record in account.held()]
        deadline_s = time.monotonic() + _GRACE_S
        for record in records:
            record.let_callback_run(deadline_s - time.monotonic())
        unflushed = [record for record in records if not record.is_settled()]
        failed = [record for record in records if record.is_settled() and record.is_error_unseen()]
        if unflushed and UNFLUSHED not in allowed:
            problems.append(f"{_count(unflushed)} never flushed: call flush() or close(), or wait for the future\n{_by_partition(unflushed)}")
        if failed and ERRORS not in allowed:
            problems.append(f"{_count(failed)} not delivered, and nobody looked at the error\n{_by_error(failed)}")
        threads = self._threads_left() if THREADS not in allowed else []
        if threads:
            problems.append(f"{len(threads)} thread(s) of Kafka still running: close producers, stop brokers\n    {', '.join(threads)}")
        return problems

    def _threads_left(self) -> list[str]:
        ours = [thread for thread in threading.enumerate() if thread not in self._threads_before and _is_ours(thread)]
        for thread in ours:
            thread.join(_GRACE_S)
        return sorted(thread.name for thread in ours if thread.is_alive())

    # --- in the place of the producer's methods -----------------------------------------------------------------------

    def _method(self, watched: Callable[..., Any], original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def method(producer: KafkaProducer, *args: Any, **kwargs: Any) -> Any:
            if self._is_over:  # whoever patched the class meanwhile may have put this back
                return original(producer, *args, **kwargs)
            return watched(producer, *args, **kwargs)

        return method

    def _account(self, producer: KafkaProducer) -> _Account:
        with self._lock:
            account = self._by_producer.get(producer)
            if account is None:
                account = self._by_producer[producer] = _Account()
                self._accounts.append(account)
            return account

    def _init(self, producer: KafkaProducer, *args: Any, **kwargs: Any) -> None:
        self._methods["__init__"](producer, *args, **kwargs)
        if not isinstance(producer, MockProducer):
            self._account(producer)

    def _send(self, producer: KafkaProducer, *args: Any, **kwargs: Any) -> Any:
        future = self._methods["send"](producer, *args, **kwargs)
        account = self._by_producer.get(producer)
        return future if account is None else account.watch(future)

    def _flush(self, producer: KafkaProducer, *args: Any, **kwargs: Any) -> Any:
        account = self._by_producer.get(producer)
        before = [] if account is None else account.held()
        self._methods["flush"](producer, *args, **kwargs)
        if account is not None:
            account.flushed(before)

    def _close(self, producer: KafkaProducer, *args: Any, **kwargs: Any) -> Any:
        self._methods["close"](producer, *args, **kwargs)
        account = self._by_producer.get(producer)
        if account is not None:
            account.flushed(account.held())


class _Account:
    """The records of one producer whose outcome may still be of interest.

    Threads: any.
    """

    def __init__(self) -> None:
        self.is_dismissed = False
        self._records: dict[WatchedFuture, None] = {}

    def watch(self, future: Any) -> WatchedFuture:
        watched = WatchedFuture(future)
        self._records[watched] = None
        return watched

    def held(self) -> list[WatchedFuture]:
        return list(self._records)

    def flushed(self, records: list[WatchedFuture]) -> None:
        """These were waited for; what was delivered is forgotten."""
        if self.is_dismissed:
            return
        for record in records:
            record.note_flushed()
            if not record.is_error_unseen():
                self._records.pop(record, None)


class WatchedFuture:
    """Stands for the future of a record, and knows whether somebody has looked at its outcome; isinstance() takes it for that future.

    Threads: any.
    """

    __slots__ = ("__weakref__", "_future", "_has_callback", "_is_flushed", "_is_looked_at")

    def __init__(self, future: Any) -> None:
        self._future = future
        self._is_flushed = False
        self._is_looked_at = False
        self._has_callback = False

    @property  # type: ignore[misc]  # that is what isinstance() asks
    def __class__(self) -> Any:
        return type(self._future)

    def __getattr__(self, name: str) -> Any:
        if name in _LOOKS:
            self._is_looked_at = True
        return getattr(self._future, name)

    def __repr__(self) -> str:
        return repr(self._future)

    def __await__(self) -> Generator[Any, None, Any]:
        self._is_looked_at = True
        awaited: Generator[Any, None, Any] = self._future.__await__()
        return awaited

    def add_callback(self, f: Callable[..., Any], *args: Any, **kwargs: Any) -> WatchedFuture:
        self._has_callback = True
        self._future.add_callback(f, *args, **kwargs)
        return self

    def add_errback(self, f: Callable[..., Any], *args: Any, **kwargs: Any) -> WatchedFuture:
        self._has_callback = self._is_looked_at = True
        self._future.add_errback(f, *args, **kwargs)
        return self

    def add_both(self, f: Callable[..., Any], *args: Any, **kwargs: Any) -> WatchedFuture:
        self._has_callback = self._is_looked_at = True
        self._future.add_both(f, *args, **kwargs)
        return self

    def add_done_callback(self, f: Callable[[Any], Any]) -> None:
        self._has_callback = self._is_looked_at = True
        self._future.add_done_callback(f)

    def chain(self, future: Any) -> Any:
        self._has_callback = self._is_looked_at = True
        return self._future.chain(future)

    # --- what the watcher asks ----------------------------------------------------------------------------------------

    def note_flushed(self) -> None:
        self._is_flushed = True

    def let_callback_run(self, seconds: float) -> None:
        """Who has a callback is given so long for it to run."""
        if self._has_callback and not self._is_flushed and not self._future.is_done:
            try:
                self._future.result(max(0.0, seconds))
            except Exception:  # noqa: BLE001 - whatever it is, it is the future's
                pass

    def is_settled(self) -> bool:
        """Whether it was flushed, or somebody has waited for the outcome or was told of it."""
        return self._is_flushed or bool(self._future.is_done and (self._is_looked_at or self._has_callback))

    def is_error_unseen(self) -> bool:
        return self._future.exception is not None and not self._is_looked_at

    @property
    def error(self) -> BaseException:
        found: BaseException = self._future.exception
        return found

    @property
    def place(self) -> str:
        topic, partition = self._future._produce_future.topic_partition
        return f"{topic}-{partition}" if partition >= 0 else str(topic)


def _is_ours(thread: threading.Thread) -> bool:
    return thread.name.endswith("-network-thread") or thread.name == "kafka-testing-broker"


def _count(records: list[WatchedFuture]) -> str:
    return f"{len(records)} record{' was' if len(records) == 1 else 's were'}"


def _by_partition(records: list[WatchedFuture]) -> str:
    return _lines(Counter(record.place for record in records))


def _by_error(records: list[WatchedFuture]) -> str:
    return _lines(Counter(f"{record.place}: {_words(record.error)}" for record in records))


def _words(error: BaseException) -> str:
    return str(error) if isinstance(error, KafkaError) else repr(error)


def _lines(counted: Counter[str]) -> str:
    shown = [f"    {count} x {what}" for what, count in counted.most_common(_MOST_SHOWN)]
    left = len(counted) - len(shown)
    return "\n".join([*shown, f"    and {left} more" if left else ""]).rstrip("\n")
