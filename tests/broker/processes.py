"""Programs that never outlive the tests, and a folder that does not either.

Start them from a thread that stays: the kernel's signal comes when the starting thread ends.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

WRAPPER = Path(__file__).with_name("tied_to_parent.py")
FOLDER_PREFIX = "kafka-tests-"
LOG_TAIL_LINES = 60
REAP_TIMEOUT_S = 20.0


class StartError(RuntimeError):
    """A program ended, or stayed silent, instead of starting; the text ends with its log."""


class ScratchFolder:
    """A temporary folder, held by a file lock so that a later run can sweep those of killed runs.

    Threads: one.
    """

    def __init__(self) -> None:
        _sweep_abandoned_folders()
        self.path = Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX))
        self._lock = open(self.path / "lock", "w")  # noqa: SIM115 - held until remove()
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock.close()


def _sweep_abandoned_folders() -> None:
    for lock_file in Path(tempfile.gettempdir()).glob(f"{FOLDER_PREFIX}*/lock"):
        try:
            with open(lock_file, "r+") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(lock_file.parent, ignore_errors=True)
        except OSError:
            continue  # a run that is alive holds it, or another sweep was quicker


def tied(command: Sequence[str]) -> list[str]:
    """The command, so wrapped that it dies with this process."""
    return [sys.executable, "-I", str(WRAPPER), str(os.getpid()), *command]


class Daemon:
    """A long-running program in a process group of its own, with its output in a file.

    Threads: one.
    """

    def __init__(self, name: str, command: Sequence[str], log_path: Path) -> None:
        self.name = name
        self.log_path = log_path
        with open(log_path, "ab") as log:
            self._process = subprocess.Popen(
                tied(command), stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, cwd=log_path.parent, start_new_session=True
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def signal(self, number: signal.Signals) -> None:
        if self.is_running:
            os.killpg(self._process.pid, number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self._process.wait(REAP_TIMEOUT_S)

    def terminate(self, timeout_s: float) -> None:
        """Ask it to end in order; raises TimeoutError if it is still there after `timeout_s`."""
        self.signal(signal.SIGTERM)
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"{self.name} did not end within {timeout_s} s of SIGTERM") from None

    def log_tail(self) -> str:
        lines = self.log_path.read_text(errors="replace").splitlines()
        return "\n".join([f"--- {self.log_path.name}, last lines", *lines[-LOG_TAIL_LINES:]])

    def start_error(self, what: str) -> StartError:
        return StartError(f"{self.name} {what}\n{self.log_tail()}")


def run_to_end(commands: Sequence[Sequence[str]], *, timeout_s: float, input_text: str | None = None) -> list[str]:
    """Run short programs at the same time and return what each printed; raises StartError with their errors."""
    running: list[subprocess.Popen[str]] = []
    deadline_s = time.monotonic() + timeout_s
    try:
        running.extend(_start_piped(command) for command in commands)
        return [_finish(process, input_text, deadline_s) for process in running]
    finally:
        for process in running:
            if process.poll() is None:
                process.kill()
                process.communicate()


def _start_piped(command: Sequence[str]) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    return subprocess.Popen(tied(command), stdin=pipe, stdout=pipe, stderr=pipe, text=True, start_new_session=True)


def _finish(process: subprocess.Popen[str], input_text: str | None, deadline_s: float) -> str:
    try:
        printed, errors = process.communicate(input_text, timeout=max(0.0, deadline_s - time.monotonic()))
    except subprocess.TimeoutExpired:
        raise StartError(f"not finished in time: {process.args!r}") from None
    if process.returncode != 0:
        raise StartError(f"exit status {process.returncode}: {process.args!r}\n{printed[-4000:]}\n{errors[-4000:]}")
    return printed


def growing_delays(first_s: float = 0.02, largest_s: float = 0.25) -> Iterator[float]:
    delay_s = first_s
    while True:
        yield delay_s
        delay_s = min(largest_s, delay_s * 1.4)


def wait_until(condition: Callable[[], bool], *, timeout_s: float) -> bool:
    """Ask again and again, at growing intervals; False when it did not become true in time."""
    deadline_s = time.monotonic() + timeout_s
    for delay_s in growing_delays():
        if condition():
            return True
        if time.monotonic() + delay_s > deadline_s:
            return False
        time.sleep(delay_s)
    return False
