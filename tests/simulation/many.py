"""Many runs, one after the other, and what they come to."""

from __future__ import annotations

import gc
from typing import NamedTuple

from tests.simulation.run import FailedRun, Report, play


class Tally(NamedTuple):
    """What many runs come to."""

    runs: int = 0
    records: int = 0
    acknowledged: int = 0
    written: int = 0
    virtual_s: float = 0.0
    stories: tuple[str, ...] = ()

    def with_report(self, report: Report) -> Tally:
        return Tally(
            self.runs + 1,
            self.records + report.records,
            self.acknowledged + report.acknowledged,
            self.written + report.written,
            self.virtual_s + report.virtual_s,
            self.stories,
        )

    def with_all(self, other: Tally) -> Tally:
        return Tally(
            self.runs + other.runs,
            self.records + other.records,
            self.acknowledged + other.acknowledged,
            self.written + other.written,
            self.virtual_s + other.virtual_s,
            self.stories + other.stories,
        )


def play_range(first_and_count: tuple[int, int]) -> Tally:
    """Play so many seeds from the first on."""
    first, count = first_and_count
    tally = Tally()
    for seed in range(first, first + count):
        try:
            tally = tally.with_report(play(seed))
        except FailedRun as failed:
            tally = tally.with_all(Tally(1, stories=(str(failed),)))
    gc.collect()
    return tally
