"""Logging that neither floods nor stops the thread that logs.

Imported by: cluster, metrics, client, producer.  Imports: _clock.
"""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from collections import OrderedDict, deque
from collections.abc import Hashable, Iterator
from typing import Any, NamedTuple

from kafka._clock import Clock

_MAX_KEYS = 200
_LONGEST_WINDOW_S = 600.0
_MOST_AT_ONCE, _ONE_LINE_EVERY_S = 10, 40.0  # of one producer: 17 lines in five minutes
_MOST_WAITING = 100
_module_lock = getattr(logging, "_lock", None)
"""Held by whoever configures logging, which may close a handler that closes a producer."""


class GuardedLogger:
    """A logger to whose caller nothing comes back: what handlers and filters raise is shown on stderr, as logging does, and swallowed.

    SystemExit and its like are swallowed as well, but for the main thread: that one alone is interrupted by signals, and what comes
    out there may be Ctrl-C.
    Threads: any.
    """

    __slots__ = ("_logger",)

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger

    def debug(self, message: str, *args: object) -> None:
        self.log(logging.DEBUG, message, *args, stacklevel=2)

    def info(self, message: str, *args: object) -> None:
        self.log(logging.INFO, message, *args, stacklevel=2)

    def warning(self, message: str, *args: object) -> None:
        self.log(logging.WARNING, message, *args, stacklevel=2)

    def error(self, message: str, *args: object) -> None:
        self.log(logging.ERROR, message, *args, stacklevel=2)

    def exception(self, message: str, *args: object) -> None:
        """As error(), with the traceback of the exception that is being handled."""
        self.log(logging.ERROR, message, *args, exc_info=True, stacklevel=2)

    def log(self, level: int, message: str, *args: object, exc_info: Any = False, stacklevel: int = 1) -> None:
        """Log at any level; `stacklevel` counts callers, as in logging."""
        try:
            self._logger.log(level, message, *args, exc_info=exc_info or None, stacklevel=stacklevel + 1)
        except BaseException as error:
            if not isinstance(error, Exception) and threading.current_thread() is threading.main_thread():
                raise
            _show()

    def may_be_enabled_for(self, level: int) -> bool:
        """Whether lines of this level are wanted; True also where finding out would have to wait for another thread."""
        if _module_lock is None:
            return self._logger.isEnabledFor(level)
        if not _module_lock.acquire(blocking=False):
            return True
        try:
            return self._logger.isEnabledFor(level)
        finally:
            _module_lock.release()

    def locks(self, level: int) -> Iterator[Any]:
        """The locks that logging a line of this level takes, which are all re-entrant."""
        if _module_lock is not None:
            yield _module_lock
        logger: logging.Logger | None = self._logger
        while logger is not None:
            for handler in tuple(logger.handlers):
                if level >= handler.level and handler.lock is not None:
                    yield handler.lock
            logger = logger.parent if logger.propagate else None


def _show() -> None:
    """Show the error of a handler or filter where logging itself would."""
    if logging.raiseExceptions:
        try:
            traceback.print_exc()
        except Exception:  # noqa: BLE001 - stderr is closed, or replaced by something that does not work: nowhere is left to tell of it
            pass


class Outlet:
    """What the loggers of one producer's I/O thread share: how many lines they may log, and lines that wait for a handler.

    An application's thread may hold a handler's lock, or that of the logging module, while it waits for the I/O thread: in a handler that
    sends each line through the producer, or one that closes it. So the I/O thread never waits for these locks; its lines do.
    Threads: the I/O thread, or the constructor's before it exists.
    """

    def __init__(self, clock: Clock) -> None:
        self.waiting: deque[_Line] = deque(maxlen=_MOST_WAITING)
        """Lines whose handlers another thread was in; catch_up() tries again."""
        self._clock = clock
        self._left = float(_MOST_AT_ONCE)
        self._counted_s = clock.monotonic()

    def take(self) -> bool:
        """Whether one more line may be logged now; counts it."""
        now_s = self._clock.monotonic()
        self._left = min(float(_MOST_AT_ONCE), self._left + (now_s - self._counted_s) / _ONE_LINE_EVERY_S)
        self._counted_s = now_s
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def write(
        self, logger: GuardedLogger, level: int, message: str, args: tuple[object, ...], *, exc_info: bool = False, stacklevel: int = 1
    ) -> None:
        """Log now, or when the handlers are free; `stacklevel` counts callers, as in logging."""
        if self.waiting or not _write(logger, level, message, args, exc_info, stacklevel + 1, 0.0):
            self.waiting.append(_Line(logger, level, message, args, sys.exc_info() if exc_info else None))

    def catch_up(self, patience_s: float = 0.0) -> None:
        """Log what waits, in order, as far as handlers are free within so many seconds for each."""
        while self.waiting:
            line = self.waiting[0]
            if not _write(line.logger, line.level, line.message, line.args, line.exc_info or False, 1, patience_s):
                return
            self.waiting.popleft()


class _Line(NamedTuple):
    logger: GuardedLogger
    level: int
    message: str
    args: tuple[object, ...]
    exc_info: Any


def _write(logger: GuardedLogger, level: int, message: str, args: tuple[object, ...], exc_info: Any, stacklevel: int, patience_s: float) -> bool:
    """Log with every lock on the way held already, so that logging itself waits for none; False where another thread has one."""
    taken: list[Any] = []
    try:
        for lock in logger.locks(level):
            if not lock.acquire(timeout=patience_s):
                return False
            taken.append(lock)
        logger.log(level, message, *args, exc_info=exc_info, stacklevel=stacklevel + 1)
        return True
    finally:
        for lock in reversed(taken):
            lock.release()


class RateLimited:
    """Logs the first message of a key at once; further ones within the window are counted, and the first after it says how many.

    The window of a key that goes on is twice as long each time. With an `outlet` there is a bound on the lines of all keys together, debugging
    apart. A key is what repeats: 'connect' and a node, say. Never log payloads, passwords or tokens through this or anything else. The least
    recently logged key is forgotten when there are too many. Nothing that handlers raise comes back, as GuardedLogger has it.
    Threads: any; with several at once a message may be counted into its neighbour's line. With an `outlet`, that one's.
    """

    def __init__(self, logger: logging.Logger, clock: Clock, outlet: Outlet | None = None, *, window_s: float = 30.0) -> None:
        self._logger = GuardedLogger(logger)
        self._clock = clock
        self._outlet = outlet
        self._window_s = window_s
        self._keys: OrderedDict[Hashable, _Window] = OrderedDict()

    def debug(self, key: Hashable, message: str, *args: object) -> None:
        self._log(logging.DEBUG, key, message, args)

    def info(self, key: Hashable, message: str, *args: object) -> None:
        self._log(logging.INFO, key, message, args)

    def warning(self, key: Hashable, message: str, *args: object) -> None:
        self._log(logging.WARNING, key, message, args)

    def error(self, key: Hashable, message: str, *args: object) -> None:
        self._log(logging.ERROR, key, message, args)

    def exception(self, key: Hashable, message: str, *args: object) -> None:
        """As error(), with the traceback of the exception that is being handled."""
        self._log(logging.ERROR, key, message, args, exc_info=True)

    def _log(self, level: int, key: Hashable, message: str, args: tuple[object, ...], *, exc_info: bool = False) -> None:
        if not self._logger.may_be_enabled_for(level):
            return
        now_s = self._clock.monotonic()
        window = self._keys.get(key)
        if window is not None and now_s < window.end_s:
            window.held_back += 1
            return
        outlet = self._outlet
        if outlet is not None and level > logging.DEBUG and not outlet.take():
            self._open_window(key, now_s, 0.0, 1 if window is None else window.held_back + 1)
            return
        length_s = self._window_s
        if window is not None and window.held_back:
            length_s = min(max(length_s, 2 * window.length_s), _LONGEST_WINDOW_S)
            text = message if args else message.replace("%", "%%")  # without arguments logging leaves percent signs alone
            message, args = text + " (%d more like this were not logged)", (*args, window.held_back)
        self._open_window(key, now_s, length_s, 0)
        if outlet is None:
            self._logger.log(level, message, *args, exc_info=exc_info, stacklevel=3)
        else:
            outlet.write(self._logger, level, message, args, exc_info=exc_info, stacklevel=3)

    def _open_window(self, key: Hashable, now_s: float, length_s: float, held_back: int) -> None:
        self._keys.pop(key, None)
        self._keys[key] = _Window(now_s + length_s, length_s, held_back)
        while len(self._keys) > _MAX_KEYS:
            self._keys.popitem(last=False)


class _Window:
    """Until when a key's messages are held back, how long that was in all, and how many were."""

    __slots__ = ("end_s", "held_back", "length_s")

    def __init__(self, end_s: float, length_s: float, held_back: int) -> None:
        self.end_s = end_s
        self.length_s = length_s
        self.held_back = held_back
