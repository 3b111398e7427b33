"""Futures whose completion takes no lock, so that signal handlers and callbacks may use them anywhere.

Registering a callback or a waiter is one atomic append; completing sets a flag and then empties both queues. Whoever
registers late sees the flag and takes its own entry back, if it is there still: each runs exactly once.
Imported by: cluster, producer.  Imports: errors, _clock.
"""

from __future__ import annotations

import functools
import logging
import operator
import threading
from collections import deque
from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Callable

from kafka import _accel
from kafka._clock import Clock, Latch, SystemClock
from kafka._log import GuardedLogger, Outlet, RateLimited
from kafka.errors import IllegalStateError, KafkaTimeoutError

_logger = logging.getLogger(__name__)
log = GuardedLogger(_logger)

Entry = tuple[int, "Future", int, Callable[..., Any]]
"""(position of the future, the future, ON_*, what to call)"""
Parts = list[tuple["Completion", int]]
"""Completions of the batches that a batch was split into, each with the position of its first record in that batch."""

ON_SUCCESS, ON_ERROR, ON_BOTH = 0, 1, 2

_order = operator.itemgetter(0)


class Home:
    """Where futures are completed: the clock they are waited for with, the I/O thread, and whether this process is a fork's child.

    Threads: any reads; `io_ident` is written by the I/O thread, `forked` by the child of a fork before it has threads.
    """

    __slots__ = ("_io_log", "_log", "clock", "forked", "io_ident", "outlet", "watch")

    def __init__(self, clock: Clock, outlet: Outlet | None = None) -> None:
        self.clock = clock
        self.watch: Any = None
        """What has threads look for an outcome before they sleep (_speedups.outcomes.Watch), or None. Set before there are threads."""
        self.outlet = outlet
        """Where lines of the I/O thread go, for it must not wait for a handler that another thread is in."""
        self._io_log = None if outlet is None else RateLimited(_logger, clock, outlet)
        self._log = None if outlet is None else RateLimited(_logger, clock)
        self.io_ident: int | None = None
        self.forked = False

    def on_io_thread(self) -> bool:
        return self.io_ident == threading.get_ident()

    def log_callback_error(self, kind: str, error: BaseException) -> None:
        """With the traceback of `error`, which is being handled. Callbacks of many records fail alike: few of them are told, the others counted."""
        limited = self._io_log if self.on_io_thread() else self._log
        if limited is None:
            log.exception("Error processing %s", kind)
        else:
            limited.exception(f"{kind} {type(error).__name__}", "Error processing %s", kind)

    def check_may_wait(self, what: str) -> None:
        """Raise IllegalStateError where waiting could never end: on the I/O thread and in the child of a fork."""
        if self.on_io_thread():
            raise IllegalStateError(f"{what} would wait for ever in a callback: it runs on the thread that completes futures")
        if self.forked:
            raise IllegalStateError(f"{what} would wait for ever: only the process that forked learns of the outcome")


_ANYWHERE = Home(SystemClock())


class PythonCompletionState:
    """What a completion knows, and the callbacks that wait for it; the compiled twin is CompletionState in _speedups/outcomes.pyx.

    Threads: any; whoever completes does so once.
    """

    __slots__ = ("_callbacks", "_waiters", "done", "exception", "home", "looks", "parts", "settled", "value")

    def __init__(self, home: Home) -> None:
        self.home = home
        self.looks: Any = None
        """Whom to tell, by note(position), that somebody looks at a future's error; None where nobody asks. Set before this is done."""
        self.done = False
        self.settled = False
        self.value: Any = None
        self.exception: BaseException | None = None
        self.parts: Parts | None = None
        """Set once, when a batch was split: its records have their outcomes there."""
        self._callbacks: deque[Entry] = deque()
        self._waiters: deque[Latch] = deque()

    def register(self, future: Future, kind: int, function: Callable[..., Any]) -> None:
        """Have `function` called at completion, or now in this thread where that has passed."""
        entry = (future._position, future, kind, function)
        self._callbacks.append(entry)
        if self.done or self.parts is not None:
            self.look_after(entry)

    def look_after(self, entry: Entry) -> None:
        """Call what was registered too late, unless whoever completed this has taken it, or hand it on: whoever registers finds out."""
        if self.done:
            try:
                self._callbacks.remove(entry)
            except ValueError:
                return
            self._call([entry], on_io_thread=False)
        elif self.parts is not None:
            self.move_callbacks(self.parts)

    def move_callbacks(self, parts: Parts) -> None:
        """Hand what is registered here on to the parts."""
        for position, future, kind, function in self.take_callbacks():
            part_of(parts, position)[0].register(future, kind, function)

    def take_callbacks(self) -> list[Entry]:
        """The callbacks in order of records, then of registration; each is taken once, whoever asks."""
        entries: list[Entry] = []
        take, keep = self._callbacks.popleft, entries.append
        while self._callbacks:
            try:
                for _ in range(len(self._callbacks)):
                    keep(take())
            except IndexError:
                break  # another thread took the last one
        if len(entries) > 1:
            entries.sort(key=_order)  # stable
        return entries

    def _call(self, entries: list[Entry], *, on_io_thread: bool) -> None:
        all_succeeded = self.exception is None
        for _, future, kind, function in entries:
            exception = None if all_succeeded else self.exception_of(future)
            if kind == ON_BOTH:
                argument: Any = future
            elif (kind == ON_SUCCESS) != (exception is None):
                continue
            elif exception is None:
                argument = self.value_of(future)
            else:
                argument = self.shown(future, exception)
            try:
                function(argument)
            except BaseException as error:  # noqa: BLE001 - whether it gets out is decided there
                report_callback_error(future, error, on_io_thread)

    def finish(self, *, on_io_thread: bool = True) -> None:
        """Become done: run callbacks in order of records and of registration, then let waiters through."""
        self.done = True
        try:
            while self._callbacks:  # what is registered meanwhile too
                self._call(self.take_callbacks(), on_io_thread=on_io_thread)
        finally:
            self.settled = True
            self.release_waiters()

    def add_waiter(self, latch: Latch) -> None:
        """Have the latch opened once settled; who adds it looks again whether that has passed."""
        self._waiters.append(latch)

    def remove_waiter(self, latch: Latch) -> None:
        """Its owner waits no more; nothing where it was opened."""
        try:
            self._waiters.remove(latch)
        except ValueError:
            pass  # let through by finish()

    def wait_until(self, deadline_s: float | None, what: str = "Waiting for a future") -> bool:
        """Block until settled, split, or the deadline on the clock's scale; IllegalStateError where that could never come."""
        if self._is_over():
            return True
        self.home.check_may_wait(what)
        latch = Latch()
        self.add_waiter(latch)
        try:
            if self.home.forked:
                self.home.check_may_wait(what)  # a signal handler forked meanwhile
            return self._is_over() or self.home.clock.wait(latch, deadline_s) or self._is_over()
        finally:
            self.remove_waiter(latch)

    def _is_over(self) -> bool:
        return self.settled or self.parts is not None

    def release_waiters(self) -> None:
        """Let everybody through who waits in wait_until()."""
        while self._waiters:
            try:
                self._waiters.popleft().open()
            except IndexError:
                break  # the waiter gave up in this instant

    def shown(self, future: PythonFutureState, exception: BaseException) -> BaseException:
        """The error, which somebody is about to see."""
        if self.looks is not None:
            self.looks.note(future._position)
        return exception

    def value_of(self, future: PythonFutureState) -> Any:
        """The value of one of the futures that this completes."""
        return self.value

    def exception_of(self, future: PythonFutureState) -> BaseException | None:
        """The error of one of the futures that this completes; where there is none in `exception`, none has one."""
        return self.exception


class PythonFutureState:
    """Where a future's outcome is found, and what sets it apart from others with the same; compiled twin: FutureState.

    Threads: any.
    """

    __slots__ = ("_header_size", "_key_size", "_of", "_position", "_timestamp_ms", "_value_size")

    def __init__(self, completion: Completion, position: int, timestamp_ms: int, key_size: int, value_size: int, header_size: int) -> None:
        self._of = completion
        self._position = position
        self._timestamp_ms = timestamp_ms
        self._key_size = key_size
        self._value_size = value_size
        self._header_size = header_size

    @property
    def _completion(self) -> Completion:
        completion = self._of
        while completion.parts is not None:
            completion, _ = part_of(completion.parts, self._position)
        return completion

    @property
    def is_done(self) -> bool:
        return self._completion.done

    @property
    def value(self) -> Any:
        """The result; None until done, and when failed."""
        completion = self._completion
        if not completion.done or completion.exception_of(self) is not None:
            return None
        return completion.value_of(self)

    @property
    def exception(self) -> BaseException | None:
        """The error; None until done, and when succeeded."""
        completion = self._completion
        exception = completion.exception_of(self) if completion.done else None
        return None if exception is None else completion.shown(self, exception)

    def add_callback(self, f: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call ``f(*args, value, **kwargs)`` on success; returns this future."""
        completion = self._of  # as register() does it: programs call this for every record
        future: Any = self
        entry: Entry = (self._position, future, ON_SUCCESS, functools.partial(f, *args, **kwargs) if args or kwargs else f)
        completion._callbacks.append(entry)
        if completion.done or completion.parts is not None:
            completion.look_after(entry)
        return self

    def add_errback(self, f: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call ``f(*args, exception, **kwargs)`` on failure; returns this future."""
        return self._register(ON_ERROR, f, args, kwargs)

    def add_done_callback(self, f: Callable[[Any], Any]) -> None:
        """Call f(this future) at completion."""
        self._register(ON_BOTH, f, (), {})

    def _register(self, kind: int, f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        future: Any = self
        completion = self._of if self._of.parts is None else self._completion
        completion.register(future, kind, functools.partial(f, *args, **kwargs) if args or kwargs else f)
        return self


if TYPE_CHECKING:
    CompletionState = PythonCompletionState
    FutureState = PythonFutureState
else:
    CompletionState = _accel.pick("outcomes.CompletionState", PythonCompletionState)
    FutureState = _accel.pick("outcomes.FutureState", PythonFutureState)


class Completion(CompletionState):
    """The one moment at which a future, or all futures of a batch, become done.

    `done` turns true before the callbacks run, `settled` after; waiters that had to wait are let through after.
    Threads: any; whoever completes does so once.
    """

    __slots__ = ()


def part_of(parts: Parts, position: int) -> tuple[Completion, int]:
    """The part that has taken over the record at `position`, and where it begins."""
    completion, first = parts[0]
    for completion_there, begins in parts[1:]:
        if begins > position:
            break
        completion, first = completion_there, begins
    return completion, first


def report_callback_error(future: Future, error: BaseException, on_io_thread: bool) -> None:
    """Log what a callback raised. On the I/O thread nothing gets out; elsewhere what is no Exception does, and all where the class asks for it."""
    if not on_io_thread and not isinstance(error, Exception):
        raise error
    kind = "errback" if future.exception is not None else "callback"
    future._completion.home.log_callback_error(kind, error)
    if future.error_on_callbacks and not on_io_thread:
        raise error


class _FutureType(type):
    """Compiled futures of records have no Python class above them, and are Futures all the same."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return super().__instancecheck__(instance) or (cls is Future and isinstance(instance, FutureState))

    def __subclasscheck__(cls, subclass: type) -> bool:
        return super().__subclasscheck__(subclass) or (cls is Future and FutureState in subclass.__mro__)


class Future(FutureState, metaclass=_FutureType):
    """The result of something that happens later; what kafka-python's Future does, and the verbs of concurrent.futures.

    `is_done`, `value` and `exception` are attributes. Callbacks run in the order of registration, on the thread that completes the future, or
    at once in the caller's where it is done; what they raise is logged on this module's logger, and swallowed unless `error_on_callbacks` is set.
    Threads: any.
    """

    error_on_callbacks = False
    __slots__ = ("__dict__", "__weakref__")

    def __init__(self) -> None:
        super().__init__(Completion(_ANYWHERE), 0, -1, -1, -1, -1)

    def succeeded(self) -> bool:
        return self.is_done and self.exception is None

    def failed(self) -> bool:
        return self.is_done and self.exception is not None

    def retriable(self) -> bool:
        """Whether it failed with an error that may pass."""
        return bool(getattr(self.exception, "retriable", False))

    def success(self, value: Any) -> Future:
        """Complete with a value; IllegalStateError (an AssertionError too) if complete already."""
        self._check_pending()
        self._completion.value = value
        self._completion.finish(on_io_thread=False)
        return self

    def failure(self, error: BaseException | type[BaseException]) -> Future:
        """Complete with an exception, or a class of exceptions; IllegalStateError if complete already."""
        exception = error() if isinstance(error, type) and issubclass(error, BaseException) else error
        if not isinstance(exception, BaseException):
            raise FutureFailureError(f"future failed without an exception: {exception!r}")
        self._check_pending()
        self._completion.exception = exception
        self._completion.finish(on_io_thread=False)
        return self

    def add_both(self, f: Callable[..., Any], *args: Any, **kwargs: Any) -> Future:
        """Call ``f(*args, value_or_exception, **kwargs)`` at completion."""
        self.add_callback(f, *args, **kwargs)
        self.add_errback(f, *args, **kwargs)
        return self

    def chain(self, future: Future) -> Future:
        """Complete `future` as this one is."""
        self.add_callback(future.success)
        self.add_errback(future.failure)
        return self

    def result(self, timeout: float | None = None) -> Any:
        """Wait at most `timeout` seconds; the value, or the error raised; KafkaTimeoutError (a TimeoutError too) where time is up."""
        if not self.is_done:
            completion = self._completion
            deadline_s = None if timeout is None else completion.home.clock.monotonic() + timeout
            while not completion.done:
                if not completion.wait_until(deadline_s, "Getting the result of a future") and not self.is_done:
                    raise KafkaTimeoutError(f"Timeout after waiting for {timeout} secs.")
                completion = self._completion  # another one where the batch was split meanwhile
        exception = self.exception
        if exception is not None:
            raise exception.with_traceback(None)  # one object for many futures: it must not collect every waiter's frames
        return self.value

    def done(self) -> bool:
        return self.is_done

    def cancel(self) -> bool:
        """False: what is on its way to a broker cannot be taken back."""
        return False

    def cancelled(self) -> bool:
        return False

    def running(self) -> bool:
        return not self.is_done

    def __await__(self) -> Generator[Any, None, Any]:
        if not self.is_done:
            self._completion.home.check_may_wait("Awaiting a future")
            import asyncio  # a third of the import time, and only programs that await have it loaded

            loop = asyncio.get_running_loop()
            arrived: asyncio.Future[None] = loop.create_future()

            def arrive() -> None:
                if not arrived.done():
                    arrived.set_result(None)

            def notify(_: Future) -> None:
                try:
                    loop.call_soon_threadsafe(arrive)
                except RuntimeError:
                    pass  # the loop was closed before the answer came: nobody waits any more

            self.add_done_callback(notify)
            yield from arrived
        exception = self.exception
        if exception is not None:
            raise exception.with_traceback(None)
        return self.value

    def _check_pending(self) -> None:
        if self._completion.done:
            raise IllegalStateError("Future is already complete")


_accel.install("outcomes", future=Future, latch=Latch, timeout_error=KafkaTimeoutError, report_callback_error=report_callback_error)


class FutureFailureError(AssertionError, TypeError):
    """failure() was given something that is no exception."""
