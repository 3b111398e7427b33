"""Futures whose completion takes no lock, so that signal handlers and callbacks may use them anywhere.

Registering a callback or a waiter is one atomic append; completing sets a flag and then empties both queues. Whoever
registers late sees the flag and empties the queue itself, and since a pop is atomic, each entry runs exactly once.
Imported by: cluster, producer.  Imports: errors, _clock.
"""

from __future__ import annotations

import functools
import logging
import threading
from collections import deque
from collections.abc import Generator
from typing import Any, Callable

from kafka._clock import Clock, Latch, SystemClock
from kafka.errors import IllegalStateError, KafkaTimeoutError

log = logging.getLogger(__name__)

_ON_SUCCESS, _ON_ERROR, _ON_BOTH = "callback", "errback", "both"


class Home:
    """Where futures are completed: the clock they are waited for with, the I/O thread, and whether this process is a fork's child.

    Threads: any reads; `io_ident` is written by the I/O thread, `forked` by the child of a fork before it has threads.
    """

    __slots__ = ("clock", "forked", "io_ident")

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.io_ident: int | None = None
        self.forked = False

    def on_io_thread(self) -> bool:
        return self.io_ident == threading.get_ident()

    def check_may_wait(self, what: str) -> None:
        """Raise IllegalStateError where waiting could never end: on the I/O thread and in the child of a fork."""
        if self.on_io_thread():
            raise IllegalStateError(f"{what} would wait for ever in a callback: it runs on the thread that completes futures")
        if self.forked:
            raise IllegalStateError(f"{what} would wait for ever: the producer belongs to the process that forked; create one in this process")


_ANYWHERE = Home(SystemClock())


class Completion:
    """The one moment at which a future, or all futures of a batch, become done.

    `done` turns true before the callbacks run, `settled` after; waiters that had to wait are let through after.
    Threads: any; whoever completes does so once.
    """

    __slots__ = ("_callbacks", "_waiters", "done", "exception", "home", "settled", "value")

    def __init__(self, home: Home) -> None:
        self.home = home
        self.done = False
        self.settled = False
        self.value: Any = None
        self.exception: BaseException | None = None
        self._callbacks: deque[tuple[Future, str, Callable[..., Any]]] = deque()
        self._waiters: deque[Latch] = deque()

    def register(self, future: Future, kind: str, function: Callable[..., Any]) -> None:
        """Have `function` called at completion, or now in this thread where that has passed."""
        self._callbacks.append((future, kind, function))
        if self.done:
            self._run_callbacks(on_io_thread=False)

    def finish(self, *, on_io_thread: bool = True) -> None:
        """Become done: run callbacks in order of records and of registration, then let waiters through."""
        self.done = True
        try:
            self._run_callbacks(on_io_thread=on_io_thread)
        finally:
            self.settled = True
            while self._waiters:
                try:
                    self._waiters.popleft().open()
                except IndexError:
                    break  # the waiter gave up in this instant

    def wait_until(self, deadline_s: float | None, what: str = "Waiting for a future") -> bool:
        """Block until settled or the deadline on the clock's scale; IllegalStateError where that could never come."""
        if self.settled:
            return True
        self.home.check_may_wait(what)
        latch = Latch()
        self._waiters.append(latch)
        try:
            return self._is_settled() or self.home.clock.wait(latch, deadline_s) or self._is_settled()
        finally:
            try:
                self._waiters.remove(latch)
            except ValueError:
                pass  # let through by finish()

    def _is_settled(self) -> bool:
        return self.settled

    def _run_callbacks(self, *, on_io_thread: bool) -> None:
        while self._callbacks:
            entries = []
            while self._callbacks:
                try:
                    entries.append(self._callbacks.popleft())
                except IndexError:
                    break  # another thread took the last one
            if len(entries) > 1:
                entries.sort(key=_order)  # stable: in order of records, then of registration
            for future, kind, function in entries:
                future._call(kind, function, swallow=BaseException if on_io_thread else Exception)


def _order(entry: tuple[Future, str, Callable[..., Any]]) -> int:
    return entry[0]._position


class Future:
    """The result of something that happens later; what kafka-python's Future does, and the verbs of concurrent.futures.

    `is_done`, `value` and `exception` are attributes. Callbacks run in the order of registration, on the thread that completes the future, or
    at once in the caller's where it is done; what they raise is logged on this module's logger, and swallowed unless `error_on_callbacks` is set.
    Threads: any.
    """

    error_on_callbacks = False
    __slots__ = ("__dict__", "__weakref__", "_completion")
    _position = 0

    def __init__(self) -> None:
        self._completion = Completion(_ANYWHERE)

    @property
    def is_done(self) -> bool:
        return self._completion.done

    @property
    def value(self) -> Any:
        """The result; None until done, and when failed."""
        return self._completion.value

    @property
    def exception(self) -> BaseException | None:
        """The error; None until done, and when succeeded."""
        return self._completion.exception

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

    def add_callback(self, f: Callable[..., Any], *args: Any, **kwargs: Any) -> Future:
        """Call ``f(*args, value, **kwargs)`` on success."""
        return self._register(_ON_SUCCESS, f, args, kwargs)

    def add_errback(self, f: Callable[..., Any], *args: Any, **kwargs: Any) -> Future:
        """Call ``f(*args, exception, **kwargs)`` on failure."""
        return self._register(_ON_ERROR, f, args, kwargs)

    def add_both(self, f: Callable[..., Any], *args: Any, **kwargs: Any) -> Future:
        """Call ``f(*args, value_or_exception, **kwargs)`` at completion."""
        self.add_callback(f, *args, **kwargs)
        return self.add_errback(f, *args, **kwargs)

    def chain(self, future: Future) -> Future:
        """Complete `future` as this one is."""
        self.add_callback(future.success)
        return self.add_errback(future.failure)

    def result(self, timeout: float | None = None) -> Any:
        """Wait at most `timeout` seconds; the value, or the error raised; KafkaTimeoutError (a TimeoutError too) where time is up."""
        completion = self._completion
        if not completion.done:
            deadline_s = None if timeout is None else completion.home.clock.monotonic() + timeout
            if not completion.wait_until(deadline_s, "Getting the result of a future") and not self._completion.done:
                raise KafkaTimeoutError(f"Timeout after waiting for {timeout} secs.")
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

    def add_done_callback(self, f: Callable[[Any], Any]) -> None:
        """Call f(this future) at completion."""
        self._completion.register(self, _ON_BOTH, f)

    def __await__(self) -> Generator[Any, None, Any]:
        if not self._completion.done:
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

    def _register(self, kind: str, f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Future:
        self._completion.register(self, kind, functools.partial(f, *args, **kwargs) if args or kwargs else f)
        return self

    def _check_pending(self) -> None:
        if self._completion.done:
            raise IllegalStateError("Future is already complete")

    def _call(self, kind: str, function: Callable[..., Any], *, swallow: type[BaseException]) -> None:
        exception = self.exception
        if kind == _ON_BOTH:
            argument: Any = self
        elif (kind == _ON_SUCCESS) != (exception is None):
            return
        else:
            argument = self.value if exception is None else exception
        try:
            function(argument)
        except swallow:
            log.exception("Error processing %s", "errback" if exception is not None else "callback")
            if self.error_on_callbacks and swallow is Exception:  # never on the I/O thread, which others wait for
                raise


class FutureFailureError(AssertionError, TypeError):
    """failure() was given something that is no exception."""
