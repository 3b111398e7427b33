"""client.backoff: doubling with jitter, and back to the beginning after success."""

from __future__ import annotations

import random

import pytest

from kafka.client.backoff import JITTER, Backoff


def test_it_doubles_up_to_the_limit_within_twenty_per_cent() -> None:
    backoff = Backoff(first_s=0.05, most_s=1.0, random=random.Random(1))
    for nominal_s in (0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0, 1.0):
        assert backoff.fail() == pytest.approx(nominal_s, rel=JITTER)


def test_the_jitter_fills_its_range() -> None:
    chance = random.Random(2)
    waits = [Backoff(first_s=1.0, most_s=1.0, random=chance).fail() for _ in range(500)]
    assert 0.8 <= min(waits) < 0.82
    assert 1.18 < max(waits) <= 1.2


def test_success_begins_anew() -> None:
    backoff = Backoff(first_s=0.1, most_s=9.0, random=random.Random(3))
    for _ in range(5):
        backoff.fail()
    backoff.reset()
    assert backoff.delay_s() == 0
    assert backoff.fail() <= 0.12


def test_what_will_hardly_be_cured_waits_longest_at_once() -> None:
    backoff = Backoff(first_s=0.05, most_s=1.0, random=random.Random(4))
    assert backoff.fail_for_long() >= 0.8


def test_thousands_of_failures_do_not_overflow() -> None:
    backoff = Backoff(first_s=0.05, most_s=1.0, random=random.Random(5))
    for _ in range(5000):
        backoff.fail()
    assert backoff.delay_s() <= 1.2
