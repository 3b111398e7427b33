"""A producer's end, in every way it can come: close(), collection, exit of the interpreter, fork.

Imported by: producer.kafka.  Imports: producer.assembly, producer.sender.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
import threading
import warnings
import weakref
from collections.abc import Mapping
from typing import Any

from kafka._log import GuardedLogger
from kafka.errors import IllegalStateError
from kafka.producer import failures
from kafka.producer.assembly import Parts

log = GuardedLogger(logging.getLogger(__name__))

_GRACE_S = 0.05  # how long an idle I/O thread may take to stop when the time that close() was given is over
_MOST_GRACE_S = 0.5  # the same for one that is busy with work of ours
_living: weakref.WeakSet[Lifecycle] = weakref.WeakSet()
_this_thread = threading.local()  # knows whether it is an I/O thread
_registered: set[int] = set()  # processes whose end multiprocessing was told of


class Lifecycle:
    """Starts the I/O thread and ends it.  It does not refer to the facade, whose collection ends the thread too.

    Threads: any.
    """

    def __init__(self, parts: Parts, config: Mapping[str, Any], *, starts_thread: bool) -> None:
        self.renewal = threading.RLock()
        """Guards the making of new parts in the child of a fork; re-entrant, since a signal handler may send too."""
        self._parts = parts
        self._exit_timeout_s: float = config["exit_timeout_ms"] / 1000
        self._first_call = [True]  # a token: whoever takes it is the first to end the producer
        self._first_run = [True]  # a token: the thread that takes it is the I/O thread
        self._client_id: str = config["client_id"]
        self._thread_name = f"{self._client_id}-network-thread"
        self._thread: threading.Thread | None = None  # written by itself
        self._starts_thread = starts_thread
        self._finalizers: list[Any] = []  # that end the thread with the producer
        self._successors: dict[None, Lifecycle] = {}  # one at most
        self._late_warning: str | None = None  # that the thread is to give when it ends; written once

    def start(self, producer: Any) -> None:
        """Start the thread, which ends with the producer; a signal handler that interrupts this may call it as well."""
        _exit_with_multiprocessing()
        _living.add(self)
        finalizer = weakref.finalize(producer, self.abandon)
        finalizer.atexit = False
        self._finalizers.append(finalizer)
        if self._starts_thread and self._first_run:
            threading.Thread(target=self._run, name=self._thread_name, daemon=True).start()

    def undo_start(self) -> None:
        """The constructor failed or was interrupted: end what it has begun, however far it came."""
        self._refuse_more()
        try:
            self._first_run.pop()  # a thread that comes late finds none
        except IndexError:
            self.close(0)
        else:
            self._parts.discard()
        self._detach_finalizers()
        _living.discard(self)

    def successor(self, candidate: Lifecycle) -> Lifecycle:
        """In the child of a fork: what takes this one's place there, which is the first candidate; another one is closed, unused."""
        chosen = self._successors.setdefault(None, candidate)
        if chosen is not candidate:
            candidate.parts.discard()
        return chosen

    def is_succeeded_by(self, other: Lifecycle | None) -> bool:
        return other is not None and other in self._successors.values()

    @property
    def parts(self) -> Parts:
        """What it starts and ends."""
        return self._parts

    def _run(self) -> None:
        """The thread refers to this object, so that exit() knows of each that runs."""
        _this_thread.is_ours = True
        try:
            self._first_run.pop()
        except IndexError:
            return  # a signal handler has started another in the middle of this one's start
        self._thread = threading.current_thread()
        self._parts.sender.run()
        if self._late_warning is not None:
            self._warn(self._late_warning)

    def close(self, timeout: float | None) -> bool:
        """Drain for at most `timeout` seconds, then stop; False where it was closed before, and then the end is waited for all the same.

        In a callback it goes on behind this call.
        """
        is_first = self._refuse_more()
        parts = self._parts
        if parts.home.forked:
            return is_first
        now_s = parts.home.clock.monotonic()
        deadline_s = None if timeout is None else now_s + timeout
        if timeout is not None:
            parts.client.limit_closing(now_s + max(timeout, _GRACE_S))
        parts.sender.close_when_done(deadline_s)
        if parts.home.on_io_thread():
            log.info("The producer is closed in a callback: closing goes on behind it")
            return is_first
        try:
            in_time = parts.sender.terminated.is_open or (timeout != 0 and parts.home.clock.wait(parts.sender.terminated, deadline_s))
        except BaseException:
            parts.sender.stop_now()
            raise
        if not in_time:
            parts.sender.stop_now()
            self._await_stop(_MOST_GRACE_S)
        self._join()
        self._detach_finalizers()
        return is_first

    def _detach_finalizers(self) -> None:
        for finalizer in self._finalizers:
            finalizer.detach()  # it would keep all of this until the producer is collected

    def _refuse_more(self) -> bool:
        """Have send() refuse from now on; False where it does already."""
        if self._parts.accumulator.refusal is None:
            self._parts.accumulator.refusal = IllegalStateError("KafkaProducer already closed!")
        try:
            return self._first_call.pop()
        except IndexError:
            return False

    def _await_stop(self, limit_s: float) -> None:
        """The I/O thread was told to stop: wait for that as long as no user code holds it up."""
        sender, clock = self._parts.sender, self._parts.home.clock
        give_up_at_s = clock.monotonic() + limit_s
        while not clock.wait(sender.terminated, clock.monotonic() + _GRACE_S):
            if sender.in_callback or clock.monotonic() >= give_up_at_s:
                busy = "user code on it has not returned" if sender.in_callback else "it does not answer"
                undone = sender.incomplete_count
                log.warning("The producer's I/O thread %s is left behind: %s; %d batch(es) have no outcome", self._thread_name, busy, undone)
                return

    def _join(self) -> None:
        if self._thread is not None and self._parts.sender.terminated.is_open and threading.current_thread() is not self._thread:
            self._thread.join()

    def abandon(self) -> None:
        """Nobody refers to the producer any more: what it has is sent within exit_timeout_ms, behind whatever thread collects it.

        That is a mistake, as for a file, and told as for one.
        """
        parts = self._parts
        if parts.home.forked or not self._refuse_more():
            return
        pending, was_running = parts.accumulator.pending_records, self._starts_thread and not parts.sender.terminated.is_open
        words = f"unclosed KafkaProducer {self._client_id} with {pending} record(s) pending: call close(), or use it in a with block"
        if was_running and _is_io_thread():
            self._late_warning = words  # before there may be nobody to give it
        self._drain()
        if was_running and self._late_warning is None:
            self._warn(words)

    def _warn(self, words: str) -> None:
        """As open files do; where warnings are errors, somebody sees to what a finalizer raises."""
        if not sys.is_finalizing():
            warnings.warn(words, ResourceWarning, stacklevel=4, source=self)

    def begin_exit(self) -> None:
        """The interpreter ends: send what is there within exit_timeout_ms, however far closing has come."""
        if not self._parts.home.forked and not self._parts.sender.terminated.is_open:
            self._refuse_more()
            self._drain()

    def _drain(self) -> None:
        parts = self._parts
        deadline_s = parts.home.clock.monotonic() + self._exit_timeout_s
        parts.client.limit_closing(max(deadline_s, parts.home.clock.monotonic() + _GRACE_S))
        parts.sender.close_when_done(deadline_s)

    def finish_exit(self) -> None:
        """Wait for that."""
        parts = self._parts
        if parts.home.forked or parts.sender.terminated.is_open:
            return
        try:
            parts.home.clock.wait(parts.sender.terminated, parts.home.clock.monotonic() + self._exit_timeout_s)
        finally:  # of Ctrl-C too
            self.stop_exit()

    def stop_exit(self) -> None:
        """What is left is lost, with one line in the log."""
        parts = self._parts
        if not parts.home.forked and not parts.sender.terminated.is_open:
            parts.sender.stop_now()
            self._await_stop(_MOST_GRACE_S)
            self._join()

    def forget(self) -> None:
        """This is the child of a fork: nothing here may touch the parent's connections, and nobody must wait for its thread.

        Locks that other threads held at the fork stay held for ever: none of them is used again.
        """
        parts = self._parts
        self.renewal = threading.RLock()
        error = IllegalStateError("The process forked meanwhile: this belongs to its parent, whose thread and connections did not come along")
        parts.home.forked = True
        parts.client.forget()
        parts.sender.forget()
        parts.accumulator.forget(error)
        parts.cluster.failed_update(error)


def _is_io_thread() -> bool:
    """Whether this thread is some producer's, where no handler of the user's may hold anything up that others wait for."""
    return getattr(_this_thread, "is_ours", False)


@atexit.register
def _exit_all() -> None:
    living = list(_living)
    try:
        for lifecycle in living:  # first all of them: they share the time
            lifecycle.begin_exit()
        for lifecycle in living:
            lifecycle.finish_exit()
    except KeyboardInterrupt:
        for lifecycle in living:
            lifecycle.stop_exit()
    failures.tell_rest()


def _exit_with_multiprocessing() -> None:
    """Children that multiprocessing forks end without atexit, unless Python is new: have its own end of a process end producers too."""
    process, util = sys.modules.get("multiprocessing.process"), sys.modules.get("multiprocessing.util")
    if process is not None and util is not None and process.parent_process() is not None and os.getpid() not in _registered:
        _registered.add(os.getpid())
        util.Finalize(None, _exit_all, exitpriority=0)


def _forget_all() -> None:
    failures.forget_all()
    for lifecycle in list(_living):
        try:
            lifecycle.forget()
        except Exception:
            log.exception("Unexpected error in the child of a fork")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
