"""Children of a fork, and what becomes of them."""

from __future__ import annotations

import os
import pickle
import signal
import traceback
from typing import Any, Callable

LONGEST_S = 30


class Child:
    """A forked child that runs a function; what that returns, or how it failed, is told to the parent."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self._reading, writing = os.pipe()
        self.pid = os.fork()
        if self.pid:
            os.close(writing)
            return
        os.close(self._reading)
        signal.alarm(LONGEST_S)  # a child that hangs dies of it
        try:
            told: tuple[bool, Any] = True, function()
        except BaseException:  # noqa: BLE001 - whatever it is, the parent is told
            told = False, traceback.format_exc()
        with open(writing, "wb") as pipe:
            pickle.dump(told, pipe)
        os._exit(0)

    def result(self) -> Any:
        """What the function returned; AssertionError with the traceback where it raised."""
        with open(self._reading, "rb") as pipe:
            told = pipe.read()
        _, status = os.waitpid(self.pid, 0)
        assert os.waitstatus_to_exitcode(status) == 0, "the child was killed: it hung, or worse"
        is_well, value = pickle.loads(told)
        assert is_well, value
        return value


def in_child(function: Callable[[], Any]) -> Any:
    """Run `function` in a forked child, to its end; what it returned."""
    return Child(function).result()
