"""Measures this library against kafka-python in every combination of value size, distance, partitions and threads.

    python -m benchmarks.matrix [--full] [--cell PATTERN ...] [--table FILE]

A cell's name is SIZE/RTT/PARTITIONS/THREADS, '1KB/20ms/1/8'; patterns are as in '1KB/*/1/*'. Without any, a selection that takes three to five
minutes is measured. Exit status 1: a bound is not held, or a run failed. KAFKA_IMPL chooses this library's implementation.
"""

from __future__ import annotations

import argparse
import datetime
import fnmatch
import itertools
import statistics
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from benchmarks import report
from benchmarks.clients import KAFKA_PYTHON_3, OURS, Client
from benchmarks.clusters import Cluster, started
from benchmarks.contests import RunFailedError, measured, ratios
from benchmarks.rows import RATE, Bound, Broker, Run, at_least
from benchmarks.workers.task import Report, Work

PEER = KAFKA_PYTHON_3
SIZES = {"10B": 10, "1KB": 1000, "100KB": 100_000}
DISTANCES = {0: Broker.MOCK, 1: Broker.MOCK_1_MS, 20: Broker.FAR_MOCK, 100: Broker.MOCK_100_MS}
PARTITIONS = (1, 6, 60)
THREADS = (1, 8, 100)
ROUND_TRIPS = 10  # at least, in what counts of a run
MOST_BYTES = 1 << 30  # of one run's values: neither client keeps more than that in memory at a time
MOST_RECORDS = 2_000_000
HEADER = f"{'cell':20} {'ours':>10} {'theirs':>10}  {'ratio (min..max)':24} {'bound':6} verdict"


class Cell(NamedTuple):
    """One combination; `rtt_ms` is the time of a round trip."""

    size: str
    rtt_ms: int
    partitions: int
    threads: int

    @property
    def name(self) -> str:
        return f"{self.size}/{self.rtt_ms}ms/{self.partitions}/{self.threads}"

    @property
    def bound(self) -> Bound | None:
        """What is promised: where one partition is a round trip away, requests on the way at the same time are what makes the difference."""
        return at_least(5) if (self.size, self.rtt_ms, self.partitions) == ("1KB", 20, 1) else None

    def run_of(self, client: Client, seconds: float) -> Run:
        work = Work("fill", SIZES[self.size], threads=self.threads, seconds=max(seconds, ROUND_TRIPS * self.rtt_ms / 1000))
        return Run(client, work, DISTANCES[self.rtt_ms], self.partitions)

    @property
    def most_records(self) -> int:
        return min(MOST_RECORDS, MOST_BYTES // SIZES[self.size])


CELLS = tuple(Cell(*values) for values in itertools.product(SIZES, DISTANCES, PARTITIONS, THREADS))


def is_in_selection(cell: Cell) -> bool:
    """Whether it is measured without --full: the corners, and all that has a bound."""
    is_corner = cell.partitions in (PARTITIONS[0], PARTITIONS[-1]) and cell.threads in (THREADS[0], THREADS[-1])
    return cell.bound is not None or is_corner


@dataclass
class Outcome:
    """A measured cell: records/s of both, round by round, or why there are none."""

    cell: Cell
    ours: list[float] = field(default_factory=list)
    theirs: list[float] = field(default_factory=list)
    failure: str = ""

    @property
    def ratio(self) -> float:
        return statistics.median(ratios(self.ours, self.theirs))

    @property
    def holds(self) -> bool:
        bound = self.cell.bound
        return not self.failure and (bound is None or bound.holds(self.ratio))

    def line(self) -> str:
        if self.failure:
            return f"{self.cell.name:20} failed: {self.failure}"
        found = ratios(self.ours, self.theirs)
        spread = f"{self.ratio:.3g} ({min(found):.3g}..{max(found):.3g})"
        bound = self.cell.bound
        verdict = "-" if bound is None else "held" if self.holds else "NOT held"
        return f"{self.cell.name:20} {_shown(self.ours):>10} {_shown(self.theirs):>10}  {spread:24} {bound or '-'!s:6} {verdict}"


def _shown(rates: list[float]) -> str:
    rate = statistics.median(rates)
    return f"{rate:.3g} /s" if rate < 1000 else report.shown(RATE, {"median": rate})


@dataclass
class Measurement:
    """Rounds of both clients in turn, cell by cell; `versions` are what the clients said they are.

    Threads: one.
    """

    rounds: int
    seconds: float
    versions: dict[str, str] = field(default_factory=dict)
    implementation: str = ""

    def outcomes(self, cells: Iterable[Cell]) -> Iterator[Outcome]:
        """Each cell when it is known, those of one distance while its cluster is running."""
        by_distance = sorted(cells, key=lambda cell: cell.rtt_ms)
        for rtt_ms, group in itertools.groupby(by_distance, key=lambda cell: cell.rtt_ms):
            with started(DISTANCES[rtt_ms]) as cluster:
                for cell in group:
                    yield self._outcome(cell, cluster)

    def _outcome(self, cell: Cell, cluster: Cluster | None) -> Outcome:
        outcome = Outcome(cell)
        try:
            for _ in range(self.rounds):
                for client, rates in ((OURS, outcome.ours), (PEER, outcome.theirs)):
                    found = measured(cell.run_of(client, self.seconds), cell.most_records, cluster)
                    self._note(client, found)
                    rates.append(found.figures[RATE])
        except RunFailedError as error:
            outcome.failure = str(error)
        return outcome

    def _note(self, client: Client, found: Report) -> None:
        self.versions[client.name] = found.versions["kafka"]
        if client is OURS:
            self.implementation = found.implementation


def table(outcomes: Sequence[Outcome], measurement: Measurement) -> str:
    """reStructuredText: of what it was measured, and a line for each size, number of partitions and of threads, a column for each distance."""
    machine = report.machine()
    peer_version = measurement.versions.get(PEER.name, "")
    lines = [
        f"**KAFKA_IMPL={measurement.implementation}**, commit {report.commit()}, {datetime.datetime.now(datetime.timezone.utc).date()}: "
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB, {machine['system']}; kafka-python {peer_version}. "
        f"Acknowledged records/s, and how many times as many as kafka-python's in the same cell; medians of {measurement.rounds}.",
        "",
        ".. list-table::",
        "   :header-rows: 1",
        "",
        "   * - values",
        "     - partitions",
        "     - threads",
        *(f"     - {rtt_ms} ms" for rtt_ms in DISTANCES),
    ]
    known = {outcome.cell: outcome for outcome in outcomes if not outcome.failure}
    for size, partitions, threads in itertools.product(SIZES, PARTITIONS, THREADS):
        cells = [known.get(Cell(size, rtt_ms, partitions, threads)) for rtt_ms in DISTANCES]
        if any(cells):
            shown = [f"{_shown(cell.ours)}, {cell.ratio:.3g} x" if cell else "" for cell in cells]
            lines += [f"   * - {size}", *(f"     - {text}".rstrip() for text in (partitions, threads, *shown))]
    return "\n".join(lines) + "\n"


def chosen_cells(patterns: list[str], *, is_full: bool) -> list[Cell]:
    for pattern in patterns:
        if not any(fnmatch.fnmatch(cell.name, pattern) for cell in CELLS):
            raise SystemExit(f"no cell is named {pattern}: they are SIZE/RTT/PARTITIONS/THREADS, as in {CELLS[0].name}")
    if patterns:
        return [cell for cell in CELLS if any(fnmatch.fnmatch(cell.name, pattern) for pattern in patterns)]
    return [cell for cell in CELLS if is_full or is_in_selection(cell)]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.matrix", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="all combinations, in three rounds: about half an hour")
    parser.add_argument("--cell", action="append", default=[], metavar="PATTERN", help="only these cells; may be given again")
    parser.add_argument("--rounds", type=int, help="runs of each client in a cell, in turn")
    parser.add_argument("--seconds", type=float, default=0.4, help="about how long the part of a run that counts takes")
    parser.add_argument("--table", type=Path, metavar="FILE", help="write a table there, in reStructuredText")
    chosen = parser.parse_args()
    measurement = Measurement(chosen.rounds or (3 if chosen.full else 1), chosen.seconds)
    outcomes = []
    print(HEADER, flush=True)
    for outcome in measurement.outcomes(chosen_cells(chosen.cell, is_full=chosen.full)):
        outcomes.append(outcome)
        print(outcome.line(), flush=True)
    if chosen.table:
        chosen.table.write_text(table(outcomes, measurement))
    return 0 if all(outcome.holds for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
