"""Promises of our loggers: nothing is lost silently, nothing floods, and no handler stops the thread that logs."""

from __future__ import annotations

import logging
import threading

import pytest

from kafka._log import GuardedLogger, RateLimited

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


# --- handlers and filters that raise --------------------------------------------------------------------------------


class Raising(logging.Handler):
    def __init__(self, error):
        super().__init__()
        self.error = error

    def handle(self, record):
        raise self.error


@pytest.fixture
def raising():
    """Adds a handler that raises what it is given, for the test."""
    added = []

    def add(error):
        added.append(Raising(error))
        logger.addHandler(added[-1])

    yield add
    for handler in added:
        logger.removeHandler(handler)


def guarded(clock):
    return GuardedLogger(logger)


def rate_limited(clock):
    class Keyed:
        def __getattr__(self, level):
            return lambda *args: getattr(RateLimited(logger, clock), level)("key", *args)

    return Keyed()


def call(function, *args):
    """What the call raised, or None; in a thread that is not the main one, where errors of threads would only be printed."""
    raised = []

    def run():
        try:
            function(*args)
        except BaseException as error:  # noqa: BLE001 - given back
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return raised[0] if raised else None


@pytest.mark.parametrize("make", [guarded, rate_limited])
@pytest.mark.parametrize("level", ["info", "warning", "error", "exception"])
@pytest.mark.parametrize("error", [ValueError("mine"), SystemExit("mine"), KeyboardInterrupt("mine")], ids=repr)
def test_what_a_handler_raises_does_not_reach_a_thread_that_logs(make, level, error, clock, raising, caplog, capsys):
    caplog.set_level(logging.INFO, logger.name)
    raising(error)

    assert call(getattr(make(clock), level), "100% full") is None
    assert "mine" in capsys.readouterr().err


@pytest.mark.parametrize("make", [guarded, rate_limited])
def test_in_the_main_thread_ctrl_c_gets_out_and_other_errors_do_not(make, clock, raising):
    raising(ValueError("mine"))
    make(clock).error("failed")
    logger.handlers.clear()
    raising(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        make(clock).error("failed")


@pytest.mark.parametrize("make", [guarded, rate_limited])
def test_what_a_filter_raises_does_not_reach_who_logs(make, clock, capsys):
    def refuse(record):
        raise ValueError("mine")

    logger.addFilter(refuse)
    try:
        make(clock).warning("failed")
    finally:
        logger.removeFilter(refuse)

    assert "mine" in capsys.readouterr().err


def test_errors_of_handlers_are_not_shown_where_logging_is_told_so(clock, raising, monkeypatch, capsys):
    monkeypatch.setattr(logging, "raiseExceptions", False)
    raising(ValueError("mine"))
    GuardedLogger(logger).error("failed")

    assert capsys.readouterr().err == ""


def test_a_stderr_that_cannot_be_written_to_changes_nothing(raising, monkeypatch):
    class Closed:
        def write(self, text):
            raise ValueError("I/O operation on closed file")

    raising(RuntimeError("mine"))
    monkeypatch.setattr("sys.stderr", Closed())

    GuardedLogger(logger).error("failed")


def test_a_guarded_message_names_the_place_of_the_call_and_its_traceback(caplog):
    log = GuardedLogger(logger)
    try:
        raise KeyError("boom")
    except KeyError:
        log.exception("Surprised by %s", "it")
    log.warning("Failed")

    first, second = caplog.records
    here = "test_a_guarded_message_names_the_place_of_the_call_and_its_traceback"
    assert (first.levelname, first.funcName, first.exc_info[0], first.getMessage()) == ("ERROR", here, KeyError, "Surprised by it")
    assert (second.levelname, second.funcName, second.exc_info) == ("WARNING", here, None)
