"""Measures what this library is held to against other producers, row by row.

    python -m benchmarks [ROW ...] [--quick] [--json FILE]

A ROW is a name or a pattern ('100b*', '*:confluent'); without any, all are measured. KAFKA_IMPL chooses this library's implementation.
"""

from __future__ import annotations

import argparse
import fnmatch
import itertools
import sys
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from benchmarks import report
from benchmarks.clusters import started
from benchmarks.contests import Contest, Pace, contests
from benchmarks.rows import ROWS, Row
from tests.broker.kafka_jars import KafkaUnavailableError

QUICK = Pace(rounds=3, seconds=0.6, divisor=4)


@dataclass
class Measured:
    """Results so far, the contests they came from, and how many rows failed."""

    results: list[report.Result] = field(default_factory=list)
    contests: list[Contest] = field(default_factory=list)
    failures: int = 0

    def add(self, contest: Contest, commit: str) -> None:
        self.contests.append(contest)
        for row in contest.rows:
            failure = contest.failure_of(row)
            if failure is None:
                self.results.append(report.result_of(row, contest, commit))
                print(self.results[-1].line(), flush=True)
            else:
                self.failures += 1
                print(f"{row.name:28} failed: {failure}", flush=True)


def chosen_rows(patterns: list[str]) -> list[Row]:
    for pattern in patterns:
        if not any(fnmatch.fnmatch(row.name, pattern) for row in ROWS):
            raise SystemExit(f"no row is named {pattern}; see --list")
    return [row for row in ROWS if not patterns or any(fnmatch.fnmatch(row.name, pattern) for pattern in patterns)]


def without_missing_packages(rows: list[Row]) -> list[Row]:
    """The rows but for those that need an optional package of ours that is not installed, which are named."""
    missing = {row.name: row.ours.work.module for row in rows if row.ours.work.module and find_spec(row.ours.work.module) is None}
    for name, package in missing.items():
        print(f"{name:28} not measured: {package} is not installed", flush=True)
    return [row for row in rows if row.name not in missing]


def run_all(rows: list[Row], pace: Pace) -> Measured:
    """Carry out the rows' contests, those of one broker while it is running; each row is printed when it is known."""
    measured = Measured()
    commit = report.commit()
    for broker, group in itertools.groupby(contests(rows), key=lambda contest: contest.broker):
        try:
            with started(broker) as cluster:
                for contest in group:
                    contest.carry_out(cluster, pace)
                    measured.add(contest, commit)
        except KafkaUnavailableError as error:
            measured.failures += 1
            print(f"not measured on {broker.value}: {error}", flush=True)
    return measured


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", metavar="ROW")
    parser.add_argument("--list", action="store_true", help="only show the rows and their bounds")
    parser.add_argument("--quick", action="store_true", help="three short rounds: shows that it works and roughly where things are")
    parser.add_argument("--rounds", type=int, default=Pace.rounds, help="runs of each client, in turn")
    parser.add_argument("--seconds", type=float, default=Pace.seconds, help="about how long a run takes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there too; rows it has already are replaced, others stay")
    parser.add_argument("--check", action="store_true", help="exit status 1 where a bound is not held")
    chosen = parser.parse_args()
    rows = chosen_rows(chosen.rows)
    if chosen.list:
        for row in rows:
            print(f"{row.name:28} {row.bound or '-'!s:9} {row.what}")
        return 0
    pace = QUICK if chosen.quick else Pace(chosen.rounds, chosen.seconds)
    print(report.HEADER, flush=True)
    measured = run_all(without_missing_packages(rows), pace)
    if chosen.json:
        report.write(chosen.json, measured.results, measured.contests, pace)
    is_short = any(result.held is False for result in measured.results)
    return 1 if measured.failures or (chosen.check and is_short) else 0


if __name__ == "__main__":
    sys.exit(main())
