"""Run it: python -m tests.exits [--runs 500] [--jobs 4] [--python python3.9 ...]; exit status 1 where an end was not as it must be."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from tests.exits.programs import PROGRAMS
from tests.exits.run import End, run


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.exits", description=__doc__)
    parser.add_argument("--runs", type=int, default=500, help="of each program")
    parser.add_argument("--jobs", type=int, default=4, help="runs at a time")
    parser.add_argument("--python", nargs="*", default=[sys.executable], help="interpreters")
    parser.add_argument("--program", choices=list(PROGRAMS), action="append", help="this one alone")
    arguments = parser.parse_args()
    failed = 0
    for python in arguments.python:
        sys.stdout.write(f"{_version(python)}\n")
        for name in arguments.program or PROGRAMS:
            with ThreadPoolExecutor(arguments.jobs) as pool:
                ends = list(pool.map(lambda _, name=name, python=python: run(PROGRAMS[name], python), range(arguments.runs)))
            failed += sum(bool(end.problems) for end in ends)
            sys.stdout.write(f"  {name:28}{_line(ends)}\n")
            sys.stdout.flush()
    return 1 if failed else 0


def _version(python: str) -> str:
    words = "import sys, kafka; kafka.KafkaProducer; print('Python %s.%s.%s' % sys.version_info[:3], 'with the', kafka.__impl__, 'send path')"
    return subprocess.run([python, "-c", words], capture_output=True, text=True, check=True).stdout.strip()


def _line(ends: Sequence[End]) -> str:
    bad = [end for end in ends if end.problems]
    times = sorted(end.took_s for end in ends)
    words = f"{len(ends):6} runs, {len(bad)} bad; its end took {times[len(times) // 2]:.2f} s, at most {times[-1]:.2f} s"
    return "\n".join([words, *(f"    {problem}" for end in bad[:5] for problem in end.problems)])


if __name__ == "__main__":
    sys.exit(main())
