"""The short form of python -m tests.exits: a few runs of each program."""

from __future__ import annotations

import pytest

from tests.exits.programs import PROGRAMS
from tests.exits.run import run

RUNS = 3


@pytest.mark.slow
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_that_does_not_close_its_producer_ends_in_time_and_quietly(name: str) -> None:
    assert [run(PROGRAMS[name]).problems for _ in range(RUNS)] == [()] * RUNS
