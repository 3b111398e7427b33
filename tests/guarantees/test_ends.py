"""Promise 5: every call that waits keeps its budget; close() ends closed; a with block hides no exception; exit flushes, bounded and quiet."""

from __future__ import annotations

import contextlib
import gc
import logging
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
import weakref
from typing import Any, Callable

import pytest

from kafka import KafkaProducer
from kafka.errors import IllegalStateError, KafkaTimeoutError, NoBrokersAvailable
from kafka.testing import KafkaBroker, faults
from tests.guarantees.budgets import TRIES, assert_keeps, interpreter, seconds_of
from tests.scenarios.stage import Stage

Make = Callable[..., KafkaProducer]

SLACK_S = 0.25  # under load
NOT_DELIVERED = "The producer was closed with {} record(s) not delivered: IllegalStateError: Producer is closed forcefully."


def python(script: str, *values: Any, **popen: Any) -> subprocess.Popen[str]:
    """Run a script in a new interpreter that shows every warning; its `argv` are the values."""
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", textwrap.dedent(SETUP) + textwrap.dedent(script), *map(str, values)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **popen)


SETUP = """
    import atexit, logging, sys, threading, time
    began = []
    atexit.register(lambda: [print(time.monotonic() - at) for at in began])  # after what is registered later
    logging.basicConfig(format="%(message)s")
    from kafka import KafkaProducer
    servers = sys.argv[1]
"""


def told(process: subprocess.Popen[str]) -> list[str]:
    """What it wrote to stderr until its end, which was a good one."""
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 0, errors
    return errors.splitlines()


# --- exit ---------------------------------------------------------------------------------------------------------------


def test_exit_delivers_what_was_sent_and_says_nothing(broker: KafkaBroker) -> None:
    script = """
        producers = [KafkaProducer(bootstrap_servers=servers, linger_ms=60000) for _ in range(3)]
        for producer in producers:
            for _ in range(100):
                producer.send("t", b"v")
    """
    assert told(python(script, broker.bootstrap_servers)) == []
    assert len(broker.records("t")) == 300


def test_exit_over_a_dead_broker_takes_exit_timeout_for_all_producers_and_one_line_for_each(broker: KafkaBroker) -> None:
    script = """
        producers = [KafkaProducer(bootstrap_servers=servers, retries=5, exit_timeout_ms=700) for _ in range(3)]
        for producer in producers:
            producer.send("t", b"v").get(10)
        print("ready", flush=True)
        sys.stdin.readline()
        for producer in producers:
            producer.send("t", b"v")
        began.append(time.monotonic())
    """

    def exit_once() -> float:
        process = python(script, broker.bootstrap_servers, stdin=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        with broker.faults.add(faults.DropRequest(), api="Produce"):
            took, errors = process.communicate("\n", timeout=30)
        assert errors.splitlines() == [NOT_DELIVERED.format(1)] * 3
        return float(took)

    assert_keeps(0.7, SLACK_S, exit_once)


def test_ctrl_c_cuts_the_wait_at_exit_short(broker: KafkaBroker) -> None:
    script = """
        producer = KafkaProducer(bootstrap_servers=servers, exit_timeout_ms=60000)
        producer.send("t", b"v").get(10)
        print("ready", flush=True)
        sys.stdin.readline()
        producer.send("t", b"v")
    """
    process = python(script, broker.bootstrap_servers, stdin=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdin is not None
    assert process.stdout.readline() == "ready\n"
    rule = broker.faults.add(faults.DropRequest(), api="Produce")
    process.stdin.write("\n")
    process.stdin.flush()
    rule.wait()
    time.sleep(0.2)  # until it is at its end; earlier, Ctrl-C would be the program's
    process.send_signal(signal.SIGINT)
    began_s = time.monotonic()
    _, errors = process.communicate(timeout=30)
    assert time.monotonic() - began_s < 2
    assert errors.splitlines() == [NOT_DELIVERED.format(1)]


@pytest.mark.parametrize("way", ["sys.exit(3)", "raise SystemExit(3)", "ending"])
def test_exit_delivers_whatever_way_the_program_ends(broker: KafkaBroker, way: str) -> None:
    script = f"""
        def end(producer):
            for _ in range(10):
                producer.send("t", b"v")
            {way if way != "ending" else "pass"}
        producer = KafkaProducer(bootstrap_servers=servers, linger_ms=60000)
        end(producer)
    """
    process = python(script, broker.bootstrap_servers)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == (0 if way == "ending" else 3)
    assert errors == ""
    assert len(broker.records("t")) == 10


@pytest.mark.parametrize("is_pending", [False, True], ids=["nothing pending", "pending"])
def test_a_test_run_that_leaks_a_producer_over_a_dead_broker_ends(pytester: pytest.Pytester, broker: KafkaBroker, is_pending: bool) -> None:
    """At once where nothing is pending, within exit_timeout_ms else: it says itself how long its end took."""
    pytester.makepyfile(
        f"""
        import atexit, time
        ended = []
        atexit.register(lambda: print("took", time.monotonic() - ended[0]))  # runs after what is registered later, the producer's own end
        from kafka import KafkaProducer
        producer = KafkaProducer(bootstrap_servers={broker.bootstrap_servers!r}, retries=100, exit_timeout_ms=600)
        atexit.register(lambda: ended.append(time.monotonic()))

        def test_it():
            assert producer.send("t", b"v").get(10)
            print("connected", flush=True)
            input()
            if {is_pending}:
                producer.send("t", b"v")
        """
    )
    command = [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider"]
    process = pytester.popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    while b"connected" not in process.stdout.readline():
        assert process.poll() is None
    broker.stop()
    out, errors = process.communicate(b"\n", timeout=40)
    assert process.returncode == 0, errors
    took_s = float(out.split(b"took ")[1])
    assert 0.6 <= took_s < 0.6 + 1 if is_pending else took_s < 0.6


# --- with ---------------------------------------------------------------------------------------------------------------


def test_a_with_block_that_an_exception_leaves_is_bounded_and_shows_that_exception(make_producer: Make, broker: KafkaBroker) -> None:
    def leave_once() -> float:
        producer = make_producer(retries=5, exit_timeout_ms=300)
        producer.send("t", b"v").get(10)
        with broker.faults.add(faults.DropRequest(), api="Produce"):
            began_s = time.monotonic()
            with pytest.raises(ZeroDivisionError) as caught, producer:
                future = producer.send("t", b"v")
                raise ZeroDivisionError
            took_s = time.monotonic() - began_s
        assert caught.value.__cause__ is None
        assert isinstance(future.exception, IllegalStateError)
        return took_s

    assert_keeps(0.3, SLACK_S, leave_once)


class Unclosable:
    """A serializer whose close() fails."""

    def serialize(self, topic: str, value: Any) -> bytes:
        return bytes(value)

    def close(self) -> None:
        raise RuntimeError("cannot close")


def test_what_closing_raises_hides_no_exception_of_a_with_block(make_producer: Make, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ZeroDivisionError), make_producer(value_serializer=Unclosable()):
        raise ZeroDivisionError


# --- del ----------------------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:unclosed KafkaProducer:ResourceWarning")
def test_a_producer_nobody_refers_to_delivers_what_it_has_and_leaves_no_thread(broker: KafkaBroker) -> None:
    before = set(threading.enumerate())
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap_servers, linger_ms=60_000)
    futures = [producer.send("t", b"v") for _ in range(100)]
    gone = weakref.ref(producer)
    [thread] = [thread for thread in set(threading.enumerate()) - before if thread.name.endswith("-network-thread")]
    del producer
    gc.collect()
    assert gone() is None
    thread.join(5)
    assert not thread.is_alive()
    assert all(future.succeeded() for future in futures)


@pytest.mark.filterwarnings("ignore:unclosed KafkaProducer:ResourceWarning")
@pytest.mark.parametrize("fault", [faults.CutReply(), faults.Garbage(4), faults.WrongCorrelationId()], ids=lambda fault: type(fault).__name__)
def test_connections_that_the_constructor_lost_keep_no_producer_alive(broker: KafkaBroker, fault: faults.CutReply) -> None:
    with broker.faults.add(fault, api="ApiVersions", times=2) as rule:
        closed, dropped = (KafkaProducer(bootstrap_servers=broker.bootstrap_servers) for _ in range(2))
    assert rule.hits == 2
    gone = [weakref.ref(closed), weakref.ref(dropped)]
    closed.close()
    del closed, dropped
    gc.collect()
    assert [producer() for producer in gone] == [None, None]


@pytest.mark.filterwarnings("ignore:unclosed KafkaProducer:ResourceWarning")
def test_it_does_not_live_longer_than_exit_timeout(broker: KafkaBroker, caplog: pytest.LogCaptureFixture) -> None:
    def let_go_once() -> float:
        before = set(threading.enumerate())
        producer = KafkaProducer(bootstrap_servers=broker.bootstrap_servers, exit_timeout_ms=300)
        producer.send("t", b"v").get(10)
        [thread] = [thread for thread in set(threading.enumerate()) - before if thread.name.endswith("-network-thread")]
        caplog.clear()
        with broker.faults.add(faults.DropRequest(), api="Produce"):
            future = producer.send("t", b"v")
            began_s = time.monotonic()
            del producer
            gc.collect()
            thread.join(10)
            took_s = time.monotonic() - began_s
        assert not thread.is_alive()
        assert isinstance(future.exception, IllegalStateError)
        assert NOT_DELIVERED.format(1) in caplog.text
        return took_s

    gc.collect()
    gc.freeze()  # else the collector takes its time for what other tests have left, which is none of the producer's
    try:
        assert_keeps(0.3, SLACK_S, let_go_once)
    finally:
        gc.unfreeze()


# --- budgets ------------------------------------------------------------------------------------------------------------

BUDGET_S = 0.25
loads = pytest.mark.parametrize("load", ["idle", "busy"])


@pytest.fixture
def new_stuck(broker: KafkaBroker, make_producer: Make) -> Make:
    """Makes producers whose brokers answer nothing any more."""

    def make() -> KafkaProducer:
        producer = make_producer(retries=1000, max_block_ms=BUDGET_S * 1000, buffer_memory=3000)
        is_known = False
        while not is_known:  # which may take longer than that where others share the processor
            with contextlib.suppress(KafkaTimeoutError):
                is_known = bool(producer.partitions_for("t"))
        producer.send("t", b"v").get(10)
        return producer

    def make_all(count: int = 1) -> Any:
        producers = [make() for _ in range(count)]
        broker.faults.add(faults.DropRequest())
        return producers if count > 1 else producers[0]

    return make_all


WAITS: dict[str, Callable[[KafkaProducer], Any]] = {
    "flush": lambda producer: producer.flush(BUDGET_S),
    "get": lambda producer: producer.send("t", b"v").get(BUDGET_S),
    "result": lambda producer: producer.send("t", b"v").result(BUDGET_S),
    "partitions_for": lambda producer: producer.partitions_for("unknown"),
    "send, for metadata": lambda producer: producer.send("unknown", b"v"),
    "send, for room": lambda producer: [producer.send("t", b"x" * 900) for _ in range(10)],
}


@loads
@pytest.mark.parametrize("wait", WAITS.values(), ids=list(WAITS))
def test_what_waits_keeps_its_budget(new_stuck: Make, wait: Callable[[KafkaProducer], Any], load: str) -> None:
    stuck = new_stuck()
    stuck.send("t", b"v")

    def fail() -> None:
        with pytest.raises(KafkaTimeoutError):
            wait(stuck)

    with interpreter(load) as slack_s:
        assert_keeps(BUDGET_S, slack_s, lambda: seconds_of(fail))
    stuck.close(0)


@loads
@pytest.mark.parametrize("budget_s", [0, BUDGET_S])
def test_close_keeps_its_budget_and_ends_closed(new_stuck: Make, budget_s: float, load: str, caplog: pytest.LogCaptureFixture) -> None:
    left: Any = new_stuck(TRIES)

    def close_one() -> float:
        stuck = left.pop()
        futures = [stuck.send("t", b"v") for _ in range(5)]
        caplog.clear()
        with caplog.at_level(logging.WARNING, "kafka"):
            took_s = seconds_of(lambda: stuck.close(budget_s))
        assert all(isinstance(future.exception, IllegalStateError) for future in futures)
        assert not [thread for thread in threading.enumerate() if thread.name == f"{stuck.config['client_id']}-network-thread"]
        assert [record.getMessage() for record in caplog.records if "not delivered" in record.getMessage()] == [NOT_DELIVERED.format(5)]
        assert stuck._client.in_flight_request_count() == 0
        assert {broker.state for broker in stuck.status().brokers} <= {"closed"}
        return took_s

    with interpreter(load) as slack_s:
        assert_keeps(budget_s, slack_s, close_one)
    for stuck in left:
        stuck.close(0)


@loads
@pytest.mark.parametrize("listens", [True, False], ids=["answers nothing", "refuses"])
def test_the_constructor_keeps_its_budget(listens: bool, load: str) -> None:
    with socket.socket() as listener, interpreter(load) as slack_s:
        listener.bind(("127.0.0.1", 0))
        if listens:
            listener.listen()

        def construct() -> None:
            with pytest.raises(NoBrokersAvailable):
                KafkaProducer(bootstrap_servers=f"127.0.0.1:{listener.getsockname()[1]}", api_version_auto_timeout_ms=BUDGET_S * 1000)

        assert_keeps(BUDGET_S, slack_s, lambda: seconds_of(construct))


def test_the_constructor_keeps_its_budget_when_a_look_up_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    ends = threading.Event()
    real = socket.getaddrinfo

    def hang(host: Any, *arguments: Any, **more: Any) -> Any:
        if host == "hangs.invalid":
            ends.wait(60)
            raise OSError("no such name")
        return real(host, *arguments, **more)

    monkeypatch.setattr(socket, "getaddrinfo", hang)

    def construct() -> None:
        with pytest.raises(NoBrokersAvailable):
            KafkaProducer(bootstrap_servers="hangs.invalid:9092", client_id="look-up", api_version_auto_timeout_ms=BUDGET_S * 1000)

    try:
        with interpreter("idle") as slack_s:
            assert_keeps(BUDGET_S, slack_s, lambda: seconds_of(construct))
    finally:
        ends.set()
        for thread in threading.enumerate():
            if thread.name == "look-up-resolver":
                thread.join(30)


def test_a_flush_is_a_budget_in_all_however_many_partitions_are_stalled() -> None:
    stage = Stage(default_partitions=50, brokers=3)
    producer = stage.producer(retries=1000, batch_size=0)
    producer.partitions_for("t")
    for link in stage.links:
        link.make_unreachable()
    for number in range(200):
        producer.send("t", b"v", partition=number % 50)
    with stage.takes(2.0), pytest.raises(KafkaTimeoutError, match=r"2\.0 secs"):
        producer.flush(2.0)
    producer.close(0)


def test_close_without_a_budget_ends_when_the_last_future_has_expired() -> None:
    stage = Stage()
    producer = stage.producer(retries=1000, delivery_timeout_ms=3000, request_timeout_ms=1000)
    producer.send("t", b"v").get()
    stage.link.make_unreachable()
    future = producer.send("t", b"v")
    with stage.takes(3.0):
        producer.close()
    assert isinstance(future.exception, KafkaTimeoutError)


def test_twenty_threads_may_close_at_once(new_stuck: Make) -> None:
    stuck = new_stuck()
    future = stuck.send("t", b"v")
    threads = [threading.Thread(target=stuck.close, args=(0.3,)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(0.3 + SLACK_S + 1)
    assert not any(thread.is_alive() for thread in threads)
    assert future.is_done
