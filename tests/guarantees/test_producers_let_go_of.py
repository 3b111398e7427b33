"""Promise 5: a producer that is dropped without close() says so, as a file does, and delivers what it has all the same."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
import warnings
import weakref
from typing import Any, Callable

import pytest

from kafka import KafkaProducer
from kafka.errors import NotEnoughReplicasError
from kafka.testing import KafkaBroker, MockProducer, faults
from tests.guarantees.test_nothing_is_left import needs_proc, open_files, wait_until

Make = Callable[..., KafkaProducer]


def unclosed(caught: list[warnings.WarningMessage]) -> list[str]:
    return [str(warning.message) for warning in caught if warning.category is ResourceWarning and "unclosed KafkaProducer" in str(warning.message)]


def network_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.endswith("-network-thread")]


def test_it_warns_once_names_itself_and_what_was_pending_and_delivers_that(broker: KafkaBroker) -> None:
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap_servers, client_id="dropped", linger_ms=60_000)
    for number in range(3):
        producer.send("t", b"%d" % number, partition=number)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        del producer
        gc.collect()
        gc.collect()
    assert unclosed(caught) == ["unclosed KafkaProducer dropped with 3 record(s) pending: call close(), or use it in a with block"]
    assert caught[0].filename == __file__
    wait_until(lambda: len(broker.records("t")) == 3)
    wait_until(lambda: not network_threads())


@needs_proc
def test_a_hundred_that_are_dropped_leave_no_thread_and_no_descriptor_and_a_hundred_warnings(broker: KafkaBroker) -> None:
    def one(number: int) -> None:
        producer = KafkaProducer(bootstrap_servers=broker.bootstrap_servers, client_id=f"p{number}", api_version=(2, 6))
        producer.send("t", b"v")

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        one(-1)
        gc.collect()
        wait_until(lambda: not network_threads())
        threads, files = threading.active_count(), open_files()
        for number in range(100):
            one(number)
        gc.collect()
        wait_until(lambda: not network_threads())
    assert threading.active_count() <= threads
    wait_until(lambda: open_files() <= files + 2)  # the broker closes its ends in its own time
    named = [words.split()[2] for words in unclosed(caught)]
    assert sorted(named) == sorted(["p-1", *(f"p{number}" for number in range(100))])
    assert len(broker.records("t")) == 101


@pytest.mark.parametrize("way", ["close", "close twice", "with", "with, and an exception", "closed in a callback", "never made"])
def test_one_that_was_closed_says_nothing(way: str, broker: KafkaBroker) -> None:
    def use() -> None:
        options: dict[str, Any] = {"bootstrap_servers": broker.bootstrap_servers}
        if way == "never made":
            with pytest.raises(ValueError, match="acks"):
                KafkaProducer(**options, acks=7)
            return
        if way.startswith("with"):
            try:
                with KafkaProducer(**options) as producer:
                    producer.send("t", b"v")
                    if way != "with":
                        raise LookupError
            except LookupError:
                pass
            return
        producer = KafkaProducer(**options)
        future = producer.send("t", b"v")
        if way == "closed in a callback":
            future.add_callback(lambda _: producer.close())
            future.get(10)
            wait_until(lambda: not network_threads())
        for _ in range(2 if way == "close twice" else 1):
            producer.close()

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        use()
        gc.collect()
    assert unclosed(caught) == []


def test_a_mock_producer_says_nothing() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        MockProducer().send("t", b"v")
        gc.collect()
    assert unclosed(caught) == []


def test_one_whose_last_reference_goes_on_an_io_thread_says_so_when_its_own_thread_ends(broker: KafkaBroker) -> None:
    """Warnings may be logged, and an I/O thread waits for no handler: others may wait for it meanwhile."""
    holder = [KafkaProducer(bootstrap_servers=broker.bootstrap_servers, client_id="held")]
    told: list[tuple[str, str]] = []

    def let_go(_: Any) -> None:
        holder.clear()
        gc.collect()

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = lambda message, *_: told.append((str(message), threading.current_thread().name))  # type: ignore[assignment]
        with KafkaProducer(bootstrap_servers=broker.bootstrap_servers, client_id="other", linger_ms=60_000) as other:
            other.send("t", b"v").add_callback(let_go)  # which runs here where the record is acknowledged by now: it lingers
            other.flush(10)
        wait_until(lambda: not network_threads())
    assert [(words.split(":")[0], thread) for words, thread in told] == [
        ("unclosed KafkaProducer held with 0 record(s) pending", "held-network-thread")
    ]


SCRIPT = """
import gc, sys
from kafka import KafkaProducer
producer = KafkaProducer(bootstrap_servers=sys.argv[1], client_id="p", linger_ms=60_000)
producer.send("t", b"v")
if sys.argv[2] == "dropped":
    del producer
    gc.collect()
"""


@pytest.mark.parametrize(("way", "filters"), [("at exit", "error"), ("dropped", "error"), ("dropped", "ignore"), ("dropped", "default")])
def test_a_program_is_warned_where_it_asks_for_warnings_and_never_at_its_end(way: str, filters: str, broker: KafkaBroker) -> None:
    command = [sys.executable, "-W", filters, "-W", "ignore::DeprecationWarning", "-c", SCRIPT, broker.bootstrap_servers, way]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode == 0
    expected = way == "dropped" and filters != "ignore"
    assert done.stderr.count("ResourceWarning: unclosed KafkaProducer p with 1 record(s) pending") == expected, done.stderr
    if not expected:
        assert done.stderr == ""
    assert [record.value for record in broker.records("t")] == [b"v"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_the_child_of_a_fork_says_nothing_of_its_parents_producer(broker: KafkaBroker) -> None:
    script = """
import gc, os, sys
from kafka import KafkaProducer
producer = KafkaProducer(bootstrap_servers=sys.argv[1])
pid = os.fork()
if pid == 0:
    del producer
    gc.collect()
    sys.exit(0)
code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
producer.close()
sys.exit(code)
"""
    command = [sys.executable, "-W", "error", "-W", "ignore::DeprecationWarning", "-c", script, broker.bootstrap_servers]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("is_closed", [True, False], ids=["closed", "let go of"])
def test_a_hook_that_keeps_failed_futures_keeps_nothing_alive_once_its_producer_has_ended(
    is_closed: bool, broker: KafkaBroker, caplog: pytest.LogCaptureFixture
) -> None:
    class Application:
        def __init__(self) -> None:
            self.futures: list[Any] = []

        def note(self, error: BaseException) -> None:
            pass

    application = Application()
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap_servers, on_delivery_error=application.note, retries=0, linger_ms=1000)
    broker.faults.add(faults.Error(NotEnoughReplicasError), api="Produce")
    application.futures.extend(producer.send("t", b"v", partition=0) for _ in range(3))
    producer.flush(10)
    gone = weakref.ref(application)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        if is_closed:
            producer.close()
        del application, producer
        gc.collect()
        wait_until(lambda: not network_threads())
        gc.collect()
    assert gone() is None
    told = [record.getMessage() for record in caplog.records if record.name == "kafka.producer.failures"]
    assert len(told) == 1
    assert told[0].startswith("3 record(s) were not delivered, and nobody looked at their futures")
