"""Nothing busy-loops: the CPU a producer takes while nothing can be done, each state in a process of its own, all at the same time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.scenarios.quiet_states import STATES, WATCHED_S

ROOT = Path(__file__).resolve().parents[2]
MOST_SHARE = 0.01


@pytest.fixture(scope="module")
def used_s() -> dict[str, float]:
    """Seconds of CPU by state, of those that could be brought about."""
    watched = {
        state: subprocess.Popen(
            [sys.executable, "-m", "tests.scenarios.quiet_states", state],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        for state in STATES
    }
    try:
        for process in watched.values():
            assert process.stdout is not None
            process.stdout.readline()  # none is measured while another starts
        for process in watched.values():
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        printed = {state: process.communicate(timeout=WATCHED_S + 20) for state, process in watched.items()}
    finally:
        for process in watched.values():
            process.kill()
            process.communicate()
    for state, process in watched.items():
        assert process.returncode == 0, f"{state}: {printed[state][1]}"
    return {state: float(out) for state, (out, _) in printed.items()}


@pytest.mark.slow
@pytest.mark.parametrize("state", STATES)
def test_a_producer_that_can_do_nothing_takes_less_than_one_percent_of_a_cpu(state: str, used_s: dict[str, float]) -> None:
    assert used_s[state] < WATCHED_S * MOST_SHARE, f"{used_s[state]:.3f} s of CPU in {WATCHED_S:g} s"
