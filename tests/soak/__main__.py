"""Run it: python -m tests.soak [--minutes 30] [--rate 100] [--seed 1]; exit status 1 where something was lost or grew."""

from __future__ import annotations

import argparse
import sys

import kafka
from tests.soak.run import soak


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--rate", type=float, default=100.0, help="records a second, of all threads")
    parser.add_argument("--seed", type=int, default=1, help="of the faults and of what threads do")
    arguments = parser.parse_args()
    report = soak(seconds=arguments.minutes * 60, rate=arguments.rate, seed=arguments.seed)
    sys.stdout.write(f"The {kafka.__impl__} send path.\n{report}\n")
    return 1 if report.problems else 0


if __name__ == "__main__":
    sys.exit(main())
