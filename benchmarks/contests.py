"""Runs of clients in turn: rows that share a run form a contest, whose runs follow one another, round after round.

Imported by: __main__, matrix, report.
"""

from __future__ import annotations

import dataclasses
import json
import os
import statistics
import subprocess
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from benchmarks.clients import place_of
from benchmarks.clusters import Cluster, stored_records
from benchmarks.rows import RATE, Broker, Row, Run
from benchmarks.workers.task import Report, Task, Work

RUN_TIMEOUT_S = 300
WARM_UP_PART = 20  # a warm-up sends at most this part of a run's largest count
JAVA_WARM_UP_S = 15.0  # until then the broker is faster in each round, as more of it is compiled


class RunFailedError(RuntimeError):
    """A client ended with an error, or not every record arrived; the text says which."""


@dataclass(frozen=True)
class Pace:
    """How much is run: rounds, the time that a run should take, and what every count is divided by."""

    rounds: int = 5
    seconds: float = 2.0
    divisor: int = 1


@dataclass
class Contest:
    """Rows that share runs, and what came of each run: a report per round, or why it failed.

    Threads: one.
    """

    broker: Broker
    rows: list[Row]
    runs: list[Run]
    reports: dict[Run, list[Report]] = field(default_factory=dict)
    records: dict[Run, int] = field(default_factory=dict)
    failures: dict[Run, str] = field(default_factory=dict)

    def carry_out(self, cluster: Cluster | None, pace: Pace) -> None:
        """A warm-up of each run, which also tells how many records fill the time; then the rounds."""
        for run in self.runs:
            warm_up = self._measure(run, max(1, _warm_up_count(run) // pace.divisor), cluster)
            self.reports[run] = []
            if warm_up is not None:
                self.records[run] = _count(run, warm_up, pace)
        if self.broker is Broker.REAL:
            warm_s = time.monotonic() + JAVA_WARM_UP_S
            while time.monotonic() < warm_s and self._round(cluster):
                pass
        for _ in range(pace.rounds):
            for run, report in self._round(cluster).items():
                self.reports[run].append(report)

    def failure_of(self, row: Row) -> str | None:
        """Why a row has no result, or None."""
        return self.failures.get(row.ours) or (self.failures.get(row.peer) if row.peer else None)

    def _round(self, cluster: Cluster | None) -> dict[Run, Report]:
        """Each run once, but for those that have failed."""
        found = {run: self._measure(run, self.records[run], cluster) for run in self.runs if run not in self.failures}
        return {run: report for run, report in found.items() if report is not None}

    def _measure(self, run: Run, records: int, cluster: Cluster | None) -> Report | None:
        try:
            return measured(run, records, cluster)
        except RunFailedError as error:
            self.failures[run] = str(error)
            return None

    def values(self, run: Run, figure: str) -> list[float]:
        """A figure of a run, round by round."""
        return [report.figures[figure] for report in self.reports[run]]


def contests(rows: Iterable[Row]) -> list[Contest]:
    """The rows in contests, those of one broker together."""
    found: list[Contest] = []
    for row in rows:
        runs = [row.ours] if row.peer is None else [row.ours, row.peer]
        contest = next((other for other in found if any(run in other.runs for run in runs)), None)
        if contest is None:
            contest = Contest(row.ours.broker, [], [])
            found.append(contest)
        contest.rows.append(row)
        contest.runs += [run for run in runs if run not in contest.runs]
    order = list(Broker)
    return sorted(found, key=lambda contest: order.index(contest.broker))


def ratios(ours: Sequence[float], peer: Sequence[float]) -> list[float]:
    """Round by round: the machine's speed drifts, and the pairs drift with it."""
    return [one / other for one, other in zip(ours, peer)]


def spread(values: Sequence[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def _warm_up_count(run: Run) -> int:
    return max(run.count.least, run.count.most // WARM_UP_PART) if run.count.least < run.count.most else run.count.most // 10 or 1


def _count(run: Run, warm_up: Report, pace: Pace) -> int:
    least, most = (bound // pace.divisor or 1 for bound in run.count)
    if RATE not in warm_up.figures:
        return most
    return int(min(most, max(least, warm_up.figures[RATE] * pace.seconds)))


def measured(run: Run, records: int, cluster: Cluster | None) -> Report:
    """One run in a process of its own, on a topic of its own, whose records are counted at the end."""
    if cluster is None:
        return _run_worker(run, Task(run.work, "", "", 0, records))
    topic = cluster.create_topic(run.partitions)
    report = _run_worker(run, Task(_work(run), cluster.bootstrap, topic, run.partitions, records, cluster.pid))
    if report.acknowledged is not None and report.acknowledged != report.sent:
        raise RunFailedError(f"{run.client.name}: {report.sent - report.acknowledged} of {report.sent} records were not acknowledged")
    stored = stored_records(cluster.bootstrap, topic, run.partitions)
    if stored != report.sent + report.primed:
        raise RunFailedError(f"{run.client.name}: the broker has {stored} records of {report.sent + report.primed}")
    cluster.delete_topic(topic)
    return report


def _work(run: Run) -> Work:
    if run.broker is Broker.REAL:
        return run.work
    return dataclasses.replace(run.work, options=run.work.options + run.client.mock_options)


def _run_worker(run: Run, task: Task) -> Report:
    place = place_of(run.client)
    command = [place.python, "-m", f"benchmarks.workers.{run.client.worker}", task.to_json()]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}  # where `kafka` might be ours
    try:
        done = subprocess.run(command, cwd=place.folder, env=environment, capture_output=True, text=True, timeout=RUN_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        raise RunFailedError(f"{run.client.name} was not done after {RUN_TIMEOUT_S} s") from None
    if done.returncode != 0:
        last = done.stderr.strip().splitlines()[-1:] or ["it said nothing"]
        raise RunFailedError(f"{run.client.name}: {last[0]}")
    return Report(**json.loads(done.stdout))
