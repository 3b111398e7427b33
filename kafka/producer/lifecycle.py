"""A producer's end, in every way it can come: close(), collection, exit of the interpreter, fork.

Imported by: producer.kafka.  Imports: producer.assembly, producer.sender.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import weakref
from typing import Any

from kafka.errors import IllegalStateError
from kafka.producer.assembly import Parts

log = logging.getLogger(__name__)

_STOP_GRACE_S = 1.0  # how long a stopped I/O thread may take when no user code holds it up
_living: weakref.WeakSet[Lifecycle] = weakref.WeakSet()


class Lifecycle:
    """Starts the I/O thread and ends it.  It does not refer to the facade, whose collection ends the thread too.

    Threads: any.
    """

    def __init__(self, producer: Any, parts: Parts, *, starts_thread: bool) -> None:
        self._parts = parts
        self._is_ended = False
        self._thread = threading.Thread(target=parts.sender.run, name=f"{producer.config['client_id']}-network-thread", daemon=True)
        self._starts_thread = starts_thread
        _living.add(self)
        weakref.finalize(producer, self.abandon).atexit = False
        if starts_thread:
            self._thread.start()

    def close(self, timeout: float | None) -> bool:
        """Drain for at most `timeout` seconds, then stop; False where it was closed before. In a callback it goes on behind this call."""
        if self._is_ended:
            return False
        self._is_ended = True
        parts = self._parts
        if parts.accumulator.refusal is None:
            parts.accumulator.refusal = IllegalStateError("KafkaProducer already closed!")
        if parts.home.forked:
            return True
        deadline_s = None if timeout is None else parts.home.clock.monotonic() + timeout
        parts.sender.close_when_done(deadline_s)
        if parts.home.on_io_thread():
            log.info("The producer is closed in a callback: closing goes on behind it")
            return True
        try:
            in_time = timeout != 0 and parts.home.clock.wait(parts.sender.terminated, deadline_s)
        except BaseException:
            parts.sender.stop_now()
            raise
        if not in_time:
            parts.sender.stop_now()
            self._await_stop()
        if self._starts_thread and parts.sender.terminated.is_open:
            self._thread.join()
        return True

    def _await_stop(self) -> None:
        parts = self._parts
        clock = parts.home.clock
        if clock.wait(parts.sender.terminated, clock.monotonic() + _STOP_GRACE_S):
            return
        busy = "user code in a callback has not returned" if parts.sender.in_callback else "it does not answer"
        log.warning("The producer's I/O thread %s is left behind: %s", self._thread.name, busy)

    def abandon(self) -> None:
        """Nobody refers to the producer any more: end it without waiting; runs in whatever thread collects it."""
        if self._is_ended or self._parts.home.forked:
            return
        self._is_ended = True
        if self._parts.accumulator.refusal is None:
            self._parts.accumulator.refusal = IllegalStateError("KafkaProducer already closed!")
        self._parts.sender.stop_now()

    def exit(self) -> None:
        """The interpreter ends: what was not sent is dropped, with one line in the log."""
        if not self._is_ended and not self._parts.home.forked:
            self.close(0)

    def forget(self) -> None:
        """This is the child of a fork: nothing here may touch the parent's connections, and nobody must wait for its thread."""
        self._parts.home.forked = True
        self._parts.accumulator.refusal = IllegalStateError(
            "This KafkaProducer belongs to the process that forked: its thread and connections did not come along. Create one in this process"
        )
        self._parts.client.forget()


@atexit.register
def _exit_all() -> None:
    for lifecycle in list(_living):
        lifecycle.exit()


def _forget_all() -> None:
    for lifecycle in list(_living):
        lifecycle.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
