"""Logging that neither floods nor stops the thread that logs.

Imported by: cluster, metrics, client, producer.  Imports: _clock.
"""

from __future__ import annotations

import logging
import threading
import traceback
from collections import OrderedDict
from collections.abc import Hashable

from kafka._clock import Clock

_MAX_KEYS = 200


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

    def log(self, level: int, message: str, *args: object, exc_info: bool = False, stacklevel: int = 1) -> None:
        """Log at any level; `stacklevel` counts callers, as in logging."""
        try:
            self._logger.log(level, message, *args, exc_info=exc_info or None, stacklevel=stacklevel + 1)
        except BaseException as error:
            if not isinstance(error, Exception) and threading.current_thread() is threading.main_thread():
                raise
            _show()

    def is_enabled_for(self, level: int) -> bool:
        return self._logger.isEnabledFor(level)


def _show() -> None:
    """Show the error of a handler or filter where logging itself would."""
    if logging.raiseExceptions:
        try:
            traceback.print_exc()
        except Exception:  # noqa: BLE001 - stderr is closed, or replaced by something that does not work: nowhere is left to tell of it
            pass


class RateLimited:
    """Logs the first message of a key at once; further ones within the window are counted, and the first after it says how many.

    A key is what repeats: 'connect' and a node, say. Never log payloads, passwords or tokens through this or anything else. The least recently
    logged key is forgotten when there are too many. Nothing that handlers raise comes back, as GuardedLogger has it.
    Threads: any; with several at once a message may be counted into its neighbour's line.
    """

    def __init__(self, logger: logging.Logger, clock: Clock, window_s: float = 30.0) -> None:
        self._logger = GuardedLogger(logger)
        self._clock = clock
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
        if not self._logger.is_enabled_for(level):
            return
        now_s = self._clock.monotonic()
        window = self._keys.get(key)
        if window is not None and now_s < window.end_s:
            window.held_back += 1
            return
        if window is not None and window.held_back:
            text = message if args else message.replace("%", "%%")  # without arguments logging leaves percent signs alone
            message, args = text + " (%d more like this were not logged)", (*args, window.held_back)
        self._open_window(key, now_s + self._window_s)
        self._logger.log(level, message, *args, exc_info=exc_info, stacklevel=3)

    def _open_window(self, key: Hashable, end_s: float) -> None:
        self._keys.pop(key, None)
        self._keys[key] = _Window(end_s)
        while len(self._keys) > _MAX_KEYS:
            self._keys.popitem(last=False)


class _Window:
    """Until when a key's messages are held back, and how many were."""

    __slots__ = ("end_s", "held_back")

    def __init__(self, end_s: float) -> None:
        self.end_s = end_s
        self.held_back = 0
