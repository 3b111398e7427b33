"""Half a minute of random faults; `python -m tests.soak` is the same for longer."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.soak.judge import NOT_IN_TIME, Sample, Told, growth, lies
from tests.soak.run import soak

SECONDS = 24.0
MORE_KB = 8192  # what is kept grows to its bounds in the beginning


@pytest.mark.slow
@pytest.mark.timeout(150)
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="this system has no /proc to look at a process with")
def test_memory_files_and_threads_stay_flat_over_faults_and_nothing_is_lost() -> None:
    report = soak(seconds=SECONDS, rate=200, seed=3, more_kb=MORE_KB)

    assert not report.problems, str(report)
    assert report.records["acked"]


def test_growth_is_seen() -> None:
    flat = [Sample(1000, 10, 5), Sample(3000, 14, 7), Sample(3000, 15, 8)]
    assert growth(flat, more_kb=0) == []
    assert len(growth([*flat[:2], Sample(3001, 17, 9)], more_kb=0)) == 3


def test_lies_are_seen() -> None:
    log = {(0, 0): "1-0", (0, 1): "1-1"}
    assert not lies({"1-0": Told("acked", 0, 0), "1-1": Told("maybe", -1, -1), "1-2": Told("no", -1, -1)}, log)
    assert sum(lies({"1-0": Told("acked", 0, 1)}, log).values()) == 1
    assert sum(lies({"1-0": Told("no", -1, -1)}, log).values()) == 1
    for verdict in NOT_IN_TIME:
        assert sum(lies({"1-2": Told(verdict, -1, -1)}, log).values()) == 1
