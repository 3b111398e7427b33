"""Promises of the rate-limited logger: nothing is lost silently, and nothing floods."""

from __future__ import annotations

import logging

import pytest

from kafka._log import RateLimited

logger = logging.getLogger("kafka.test_log")


class ManualClock:
    now_s = 1000.0

    def monotonic(self):
        return self.now_s


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def limited(clock, caplog):
    caplog.set_level(logging.INFO, logger.name)
    return RateLimited(logger, clock)


def test_the_first_message_of_each_key_is_logged_at_once(limited, caplog):
    limited.warning(("connect", 1), "Node %s: %s", 1, "refused")
    limited.warning(("connect", 2), "Node %s: %s", 2, "refused")

    assert caplog.messages == ["Node 1: refused", "Node 2: refused"]


def test_repeats_are_held_back_for_30_seconds_and_then_counted(limited, clock, caplog):
    for _ in range(1001):
        limited.warning("connect", "Node %s: %s", 1, "refused")
    clock.now_s += 29.9
    limited.warning("connect", "Node %s: %s", 1, "refused")
    clock.now_s += 0.1
    limited.warning("connect", "Node %s: %s", 1, "reset")
    limited.warning("connect", "Node %s: %s", 1, "reset")

    assert caplog.messages == ["Node 1: refused", "Node 1: reset (1001 more like this were not logged)"]


def test_after_a_quiet_window_nothing_is_added(limited, clock, caplog):
    limited.info("key", "first")
    clock.now_s += 31
    limited.info("key", "second")

    assert caplog.messages == ["first", "second"]


def test_a_percent_sign_in_a_message_without_arguments_survives(limited, clock, caplog):
    for _ in range(2):
        limited.warning("key", "100% full")
    clock.now_s += 31
    limited.warning("key", "100% full")

    assert caplog.messages == ["100% full", "100% full (1 more like this were not logged)"]


def test_a_level_that_is_off_holds_nothing_back(limited, caplog):
    limited.debug("key", "not to be seen")
    limited.warning("key", "to be seen")

    assert caplog.messages == ["to be seen"]


def test_level_place_and_traceback_are_those_of_the_call(limited, caplog):
    try:
        raise KeyError("boom")
    except KeyError:
        limited.exception("key", "Surprised")
    limited.error("other", "Failed")

    first, second = caplog.records
    assert (first.levelname, first.funcName, first.exc_info[0]) == ("ERROR", "test_level_place_and_traceback_are_those_of_the_call", KeyError)
    assert (second.levelname, second.exc_info) == ("ERROR", None)


def test_the_number_of_keys_is_bounded_and_the_least_recently_logged_goes_first(limited, clock, caplog):
    limited.warning("old", "old")
    for key in range(200):
        limited.warning(key, "new")
    limited.warning("old", "old again, since it was forgotten")
    limited.warning(199, "still held back")

    assert len(caplog.messages) == 202
