"""One broker process: started, killed, paused, restarted, and asked whether it is up."""

from __future__ import annotations

import signal
import time
from collections.abc import Sequence

from tests.broker.node_files import NodePlace
from tests.broker.processes import Daemon, growing_delays
from tests.broker.wire_probe import Metadata, read_metadata

START_TIMEOUT_S = 60.0
SHUT_DOWN_TIMEOUT_S = 30.0


class Node:
    """A broker of a cluster, whose place (id, folder, ports) outlives its processes.

    Threads: one.
    """

    def __init__(self, place: NodePlace, command: Sequence[str]) -> None:
        self.place = place
        self.is_paused = False
        self._command = tuple(command)
        self._daemon: Daemon | None = None

    @property
    def is_running(self) -> bool:
        return self._daemon is not None and self._daemon.is_running

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", self.place.ports["PLAINTEXT"]

    @property
    def pid(self) -> int:
        return self._started().pid

    def start(self) -> None:
        if self.is_running:
            raise RuntimeError(f"broker {self.place.node_id} is running")
        self.is_paused = False
        self._daemon = Daemon(f"broker {self.place.node_id}", self._command, self.place.folder / "broker.log")

    def metadata(self) -> Metadata | None:
        return read_metadata(self.address)

    def wait_until_it_lists(self, broker_ids: frozenset[int], *, timeout_s: float) -> None:
        """Return when the broker answers and knows these brokers; raises StartError with its log."""
        deadline_s = time.monotonic() + timeout_s
        for delay_s in growing_delays():
            found = self.metadata()
            if found is not None and broker_ids <= found.broker_ids:
                return
            if not self.is_running:
                raise self._started().start_error("ended instead of answering")
            if time.monotonic() > deadline_s:
                raise self._started().start_error(f"does not list brokers {sorted(broker_ids)} after {timeout_s} s")
            time.sleep(delay_s)

    def kill(self) -> None:
        if self._daemon is not None:
            self._daemon.kill()

    def terminate(self) -> None:
        self._started().terminate(SHUT_DOWN_TIMEOUT_S)

    def pause(self) -> None:
        self._started().signal(signal.SIGSTOP)
        self.is_paused = True

    def resume(self) -> None:
        self._started().signal(signal.SIGCONT)
        self.is_paused = False

    def _started(self) -> Daemon:
        if self._daemon is None:
            raise RuntimeError(f"broker {self.place.node_id} was never started")
        return self._daemon
