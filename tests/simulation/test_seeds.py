"""Every promise, in a thousand runs that differ in everything: KAFKA_SIMULATED_SEEDS says how many, make simulate runs more."""

from __future__ import annotations

import os

import pytest

from tests.simulation.many import play_range

_SEEDS = int(os.environ.get("KAFKA_SIMULATED_SEEDS", "1000"))
_EACH = 50  # seeds of a test


@pytest.mark.parametrize("first", range(0, _SEEDS, _EACH))
def test_every_promise_is_kept_whatever_the_seed_says(first: int) -> None:
    tally = play_range((first, min(_EACH, _SEEDS - first)))
    assert not tally.stories, "\n\n".join(tally.stories)
    assert tally.acknowledged > tally.runs  # something went on in there
