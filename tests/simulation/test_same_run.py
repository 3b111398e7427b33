"""A seed is the same run always: found trouble can be looked at again."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.simulation.run import play

ROOT = Path(__file__).parent.parent.parent
SEEDS = range(40, 60)


def digests() -> list[str]:
    return [play(seed).digest for seed in SEEDS]


def test_the_same_seed_gives_the_same_run_to_the_byte() -> None:
    first, again = digests(), digests()
    assert first == again
    assert len(set(first)) == len(SEEDS)


def test_it_does_so_in_another_process_with_other_hashes() -> None:
    program = "from tests.simulation.test_same_run import digests; print(*digests(), sep='\\n')"
    environment = {**os.environ, "PYTHONHASHSEED": "4711"}
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == digests()
