"""python -m tests.simulation --seeds 100000 --jobs 2: play seeds, say how many there were, and tell of those that failed."""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time

import kafka
from tests.simulation.many import Tally, play_range
from tests.simulation.run import FailedRun, play

_PIECE = 200  # seeds that a worker is given at a time


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first one")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--verbose", action="store_true", help="print every step")
    given = parser.parse_args()
    if given.verbose:
        return _tell_all(given.first, given.seeds)
    began_s = time.monotonic()
    pieces = [(first, min(_PIECE, given.first + given.seeds - first)) for first in range(given.first, given.first + given.seeds, _PIECE)]
    total = Tally()
    with multiprocessing.get_context("spawn").Pool(given.jobs) as pool:
        for tally in pool.imap_unordered(play_range, pieces):
            for story in tally.stories:
                _say(story, "")
            total = total.with_all(tally)
    _say(
        f"{total.runs} seeds from {given.first} on, {kafka.__impl__}: {len(total.stories)} failed; {total.records} records, {total.acknowledged} "
        f"acknowledged, {total.written} written; {total.virtual_s / 3600:.1f} virtual hours in {time.monotonic() - began_s:.0f} s"
    )
    return 1 if total.stories else 0


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def _tell_all(first: int, count: int) -> int:
    failed = 0
    for seed in range(first, first + count):
        try:
            report = play(seed)
        except FailedRun as error:
            failed += 1
            _say(str(error))
        else:
            _say(*report.trace, f"seed {seed}: {report.digest}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
