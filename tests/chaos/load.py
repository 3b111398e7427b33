"""A sender as its cluster's tests see it."""

from __future__ import annotations

import contextlib
import json
import selectors
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.broker.processes import tied
from tests.chaos.judge import SentRecord
from tests.chaos.sender import CHILD

ROOT = Path(__file__).parents[2]
BEGINS_WITHIN_S = 30.0
OPTIONS: Mapping[str, Any] = {"acks": "all", "retries": 1_000_000, "delivery_timeout_ms": 120_000, "api_version_auto_timeout_ms": 10_000}
"""With `retries` all others are at their defaults; delivery_timeout_ms is named because futures are held to it."""


class Load:
    """One process that sends to one topic; `folder` gets its files.

    Threads: one.
    """

    def __init__(self, folder: Path, *, bootstrap: str, topic: str, partitions: int, rate: float, options: Mapping[str, Any] | None = None) -> None:
        self.topic = topic
        self.partitions = partitions
        self.options = {**OPTIONS, **(options or {})}
        self._path = folder / f"{topic}.json"
        self._complaints = folder / f"{topic}.stderr"
        task = {"topic": topic, "partitions": partitions, "rate": rate, "path": str(self._path)}
        producer = {"bootstrap_servers": bootstrap, **self.options}
        command = [sys.executable, "-W", "error", "-W", "ignore:.*fork.*:DeprecationWarning"]
        command += ["-m", "tests.chaos.sender", json.dumps({**task, "options": producer})]
        with open(self._complaints, "w") as errors:
            self._process = subprocess.Popen(
                tied(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, cwd=ROOT, start_new_session=True
            )

    @property
    def keeps_order(self) -> bool:
        return self.options.get("max_in_flight_requests_per_connection") == 1

    @property
    def resolves_in_s(self) -> float:
        seconds: float = self.options["delivery_timeout_ms"] / 1000
        return seconds

    def wait_until_it_sends(self) -> None:
        if not self._hears("sending", BEGINS_WITHIN_S):
            raise RuntimeError(f"no record was acknowledged: {self._complaints.read_text()[-4000:]}")

    def send_to(self, partitions: int) -> None:
        self.partitions = partitions
        self._tell(f"partitions {partitions}")

    def fork(self) -> None:
        self._tell("fork")

    def all_is_well(self, since_s: float) -> None:
        self._tell(f"well {since_s}")

    def recovers(self, timeout_s: float) -> bool:
        """Whether a record sent since then is acknowledged in every partition, in time."""
        return self._hears("recovered", timeout_s)

    def end(self) -> None:
        """Send no more; finish() waits."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    def finish(self) -> tuple[list[SentRecord], float]:
        """What became of every record, and the seconds of CPU a minute."""
        try:
            self._process.wait(self.resolves_in_s + 30.0)
        finally:
            self.kill()
        files = [path for path in (self._path, self._path.with_name(f"{self._path.name}.{CHILD}")) if path.exists()]
        if self._process.returncode or not files:
            raise RuntimeError(f"exit status {self._process.returncode}: {self._complaints.read_text()[-4000:]}")
        told = [json.loads(path.read_text()) for path in files]
        return [SentRecord(**fields) for one in told for fields in one["sent"]], 60 * told[0]["cpu_s"] / told[0]["seconds"]

    def kill(self) -> None:
        """Leave nothing behind; calling it again changes nothing."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):  # what it was not told any more
                    pipe.close()

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())
        self._process.stdin.flush()

    def _hears(self, word: str, timeout_s: float) -> bool:
        """Whether its next line comes in time; it says one word after the other."""
        out = self._process.stdout
        assert out is not None
        deadline_s = time.monotonic() + timeout_s
        with selectors.DefaultSelector() as selector:
            selector.register(out, selectors.EVENT_READ)
            if not selector.select(max(0.0, deadline_s - time.monotonic())):
                return False
        return out.readline().decode().strip() == word
