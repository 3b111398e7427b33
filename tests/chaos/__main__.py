"""Run the long form and print a table: python -m tests.chaos [--only NAME ...] [--short]; exit status 1 where a promise is not held."""

from __future__ import annotations

import argparse
import sys

import kafka
from tests.chaos import plan
from tests.chaos.run import Outcome, broken_promises, cluster, run

COLUMNS = "{:34}{:>7}{:>8}{:>8}{:>8}{:>8}{:>8}{:>8}{:>8}{:>8}{:>9}{:>9}{:>8}"
HEADINGS = ("fault", "flight", "sent", "acked", "failed", "unres.", "missing", "untrue", "twice", "order", "again s", "slow s", "CPU s/m")


def row(name: str, outcome: Outcome) -> str:
    found = outcome.verdict
    in_flight = outcome.options.get("max_in_flight_requests_per_connection", 5)
    counts = found[: found._fields.index("recovery_s")]
    times = (f"{found.recovery_s:.2f}", f"{found.slowest_s:.2f}", f"{found.cpu_s_a_minute:.1f}")
    return COLUMNS.format(name, in_flight, *counts, *times)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=plan.LONG, metavar="NAME", help=", ".join(plan.LONG))
    parser.add_argument("--short", action="store_true", help="as the test suite does")
    arguments = parser.parse_args()
    planned = plan.SHORT if arguments.short else plan.LONG
    before_s, after_s = (plan.SHORT_BEFORE_S, plan.SHORT_AFTER_S) if arguments.short else (plan.LONG_BEFORE_S, plan.LONG_AFTER_S)
    problems = []
    with cluster() as brokers:
        _say(f"Kafka {brokers.version}, three brokers; the {kafka.__impl__} send path.")
        _say(COLUMNS.format(*HEADINGS))
        for name in arguments.only or planned:
            for outcome in run(brokers, planned[name].fault, before_s=before_s, after_s=after_s, loads=planned[name].loads):
                _say(row(name, outcome))
                problems += [f"{name}, {dict(outcome.options)}: {problem}" for problem in broken_promises(outcome)]
    _say("\n".join(problems or ["every promise is held"]))
    return 1 if problems else 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
