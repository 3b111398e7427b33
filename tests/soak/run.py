"""A run: the cluster and its faults here, the threads that send in a process of their own."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from kafka.testing import KafkaCluster
from tests.soak import senders
from tests.soak.judge import Sample, Thirds, growth, lies, read_outcomes
from tests.soak.weather import Weather

ROOT = Path(__file__).parents[2]
PARTITIONS = 6
SAMPLE_EVERY_S = 0.5
MORE_KB = 2048
ENDS_WITHIN_S = 60.0


class Report(NamedTuple):
    seconds: float
    cpu_s: float
    records: Counter[str]
    weather: Counter[str]
    samples: list[Sample]
    held_up_s: float
    problems: list[str]

    def __str__(self) -> str:
        lines = [
            f"{self.seconds:.0f} s, {len(self.samples)} samples, {60 * self.cpu_s / self.seconds:.1f} s of CPU a minute; "
            f"the machine held the process up for {self.held_up_s:.2f} s at most",
            "records: " + ", ".join(f"{count:,} {verdict}" for verdict, count in sorted(self.records.items())),
            "faults: " + ", ".join(f"{count} {name}" for name, count in self.weather.most_common()),
            "medians of the first, middle and last third:",
        ]
        lines += [f"  {name}: {Thirds.of([getattr(sample, name) for sample in self.samples])}" for name in Sample._fields]
        return "\n".join([*lines, *(self.problems or ["flat, and nothing lost"])])


class Watch:
    """Takes samples of a process until it is told to stop.

    Threads: its own; `samples` is read when stop() is back.
    """

    def __init__(self, pid: int) -> None:
        self.samples: list[Sample] = []
        self._pid = pid
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        self._ending.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ending.wait(SAMPLE_EVERY_S):
            sample = Sample.of(self._pid)
            if sample is None:
                return
            self.samples.append(sample)


def soak(*, seconds: float, rate: float, seed: int, more_kb: int = MORE_KB) -> Report:
    """Send for so long, `rate` records a second in all; `more_kb` bounds how much larger RSS may be in the last third than in the middle one."""
    with KafkaCluster(seed=seed, brokers=3) as cluster, tempfile.TemporaryDirectory() as folder:
        cluster.create_topic(senders.TOPIC, PARTITIONS)
        complaints = Path(folder) / "complaints"
        outcomes = Path(folder) / "outcomes"
        outcomes.mkdir()
        process = _start({"bootstrap": cluster.bootstrap_servers, "folder": str(outcomes), "rate": rate, "seed": seed}, complaints)
        began_s = time.monotonic()
        watch = Watch(process.pid)
        weather = Weather(cluster, senders.TOPIC, seed)
        try:
            weather.blow(began_s + seconds)
        finally:
            watch.stop()
            cpu_s = _cpu_s(process.pid)
            end = _end(process)
        told = read_outcomes(outcomes)
        log = {(record.partition, record.offset): (record.value or b"").rstrip(b".").decode() for record in cluster.records(senders.TOPIC)}
        problems = [f"{count} records {what}" for what, count in lies(told, log).items()]
        problems += growth(watch.samples, more_kb=more_kb)
        problems += [f"left at the end: {count} {what}" for what, count in end["left"].items() if count]
        problems += [f"exit status {process.returncode}"] if process.returncode else []
        problems += [f"it said: {complaints.read_text()[-4000:]}"] if problems else []
        records = Counter(outcome.verdict for outcome in told.values())
        return Report(seconds, cpu_s, records, weather.seen, watch.samples, end["held_up_s"], problems)


def _start(task: dict[str, Any], complaints: Path) -> subprocess.Popen[str]:
    """Returns when it sends; its standard error goes to a file."""
    command = [sys.executable, "-W", "error", "-m", "tests.soak.senders", json.dumps(task)]
    with open(complaints, "w") as errors:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, cwd=ROOT)
    assert process.stdout is not None
    if not process.stdout.readline():
        raise RuntimeError(f"it did not begin to send: {complaints.read_text()}")
    return process


def _end(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Let it end; what it has left, and how long it was held up."""
    try:
        printed, _ = process.communicate(timeout=ENDS_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return {"left": {f"the process, which did not end within {ENDS_WITHIN_S} s": 1}, "held_up_s": 0.0}
    end: dict[str, Any] = json.loads(printed) if printed else {"left": {}, "held_up_s": 0.0}
    return end


def _cpu_s(pid: int) -> float:
    """What the process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    user, system = int(fields[11]), int(fields[12])
    return (user + system) / 100  # USER_HZ, which is 100 wherever Linux runs
