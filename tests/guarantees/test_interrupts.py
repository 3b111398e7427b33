"""Promise 6: the producer may be used in callbacks, signal handlers and shutdown hooks, and Ctrl-C interrupts every wait."""

from __future__ import annotations

import _socket
import _thread
import gc
import operator
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any, Callable

import pytest
from pytest_mock import MockerFixture

import kafka
from kafka import KafkaProducer, _transport, record
from kafka._transport import SocketTransport, SocketWaker
from kafka.errors import IllegalStateError
from kafka.testing import KafkaBroker, faults
from tests.guarantees.budgets import TRIES, assert_keeps, interpreter, seconds_of
from tests.scenarios.stage import Stage

Make = Callable[..., KafkaProducer]

OPENING = tuple(
    os.path.join("kafka", *path)  # of a module that is compiled no line is seen
    for path in [
        ("_transport.py",),
        ("client", "client.py"),
        ("client", "connection.py"),
        ("client", "resolver.py"),
        ("producer", "assembly.py"),
        ("producer", "kafka.py"),
        ("producer", "lifecycle.py"),
    ]
)
INTERRUPT_AFTER_S = 0.1
WITHIN_S = {"idle": 0.1, "busy": 0.25}
loads = pytest.mark.parametrize("load", WITHIN_S)


@pytest.fixture
def ctrl_c() -> Iterator[Callable[[], None]]:
    """Has Ctrl-C come soon after it is called."""

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    yield lambda: signal.setitimer(signal.ITIMER_REAL, INTERRUPT_AFTER_S) and None
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def stuck(broker: KafkaBroker, make_producer: Make) -> Iterator[KafkaProducer]:
    """A producer whose brokers answer nothing, until the faults are cleared."""
    producer = make_producer(retries=1000, max_block_ms=60_000, buffer_memory=3000, request_timeout_ms=400)
    producer.send("t", b"v").get(10)
    broker.faults.add(faults.DropRequest())
    yield producer
    producer.close(0)


WAITS: dict[str, Callable[[KafkaProducer], Any]] = {
    "flush": lambda producer: producer.flush(),
    "flush with a budget": lambda producer: producer.flush(60),
    "get": lambda producer: producer.send("t", b"v").get(),
    "get with a budget": lambda producer: producer.send("t", b"v").get(60),
    "partitions_for": lambda producer: producer.partitions_for("unknown"),
    "send, for metadata": lambda producer: producer.send("unknown", b"v"),
    "send, for room": lambda producer: [producer.send("t", b"x" * 900) for _ in range(10)],
}


def interrupted(call: Callable[[], Any], ctrl_c: Callable[[], None]) -> None:
    """Ctrl-C comes while the call waits."""
    with pytest.raises(KeyboardInterrupt):
        ctrl_c()
        call()


@loads
@pytest.mark.parametrize("wait", WAITS.values(), ids=list(WAITS))
def test_ctrl_c_interrupts_every_wait_and_leaves_the_producer_usable(
    broker: KafkaBroker, stuck: KafkaProducer, ctrl_c: Callable[[], None], wait: Callable[[KafkaProducer], Any], load: str
) -> None:
    stuck.send("t", b"v")
    with interpreter(load):
        assert_keeps(INTERRUPT_AFTER_S, WITHIN_S[load], lambda: seconds_of(lambda: interrupted(lambda: wait(stuck), ctrl_c)))
    broker.faults.clear()
    assert stuck.send("t", b"after").get(10).topic == "t"
    stuck.flush(10)
    assert stuck._accumulator.memory.used_bytes == 0
    assert stuck.status().threads_waiting_for_room == 0


@loads
def test_ctrl_c_interrupts_close_which_ends_closed_all_the_same(
    broker: KafkaBroker, make_producer: Make, ctrl_c: Callable[[], None], load: str
) -> None:
    left = [make_producer(retries=1000) for _ in range(TRIES)]
    for producer in left:
        producer.send("t", b"v").get(10)
    broker.faults.add(faults.DropRequest())

    def close_one() -> float:
        producer = left.pop()
        future = producer.send("t", b"v")
        took_s = seconds_of(lambda: interrupted(producer.close, ctrl_c))
        assert producer._sender.terminated.block(10)
        assert isinstance(future.exception, IllegalStateError)
        return took_s

    with interpreter(load):
        assert_keeps(INTERRUPT_AFTER_S, WITHIN_S[load], close_one)
    for producer in left:
        producer.close(0)


@loads
def test_ctrl_c_interrupts_the_constructor_which_leaves_nothing(ctrl_c: Callable[[], None], load: str) -> None:
    with socket.socket() as listener, interpreter(load):
        threads = set(threading.enumerate())
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        servers = f"127.0.0.1:{listener.getsockname()[1]}"
        construct = lambda: KafkaProducer(bootstrap_servers=servers, api_version_auto_timeout_ms=60_000)  # noqa: E731
        assert_keeps(INTERRUPT_AFTER_S, WITHIN_S[load], lambda: seconds_of(lambda: interrupted(construct, ctrl_c)))
        assert set(threading.enumerate()) == threads


def test_ctrl_c_in_the_system_call_that_opens_a_connection_leaves_no_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted(_socket.socket):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(_transport, "_Socket", Interrupted)
    transport = SocketTransport(selectors.DefaultSelector)
    with pytest.raises(KeyboardInterrupt):
        transport.connect(socket.AF_INET, ("127.0.0.1", 9), [])
    gc.collect()  # whatever was not closed warns now, and warnings are errors


def test_ctrl_c_in_the_system_call_that_makes_a_waker_leaves_no_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = zip(iter(_transport._socketpair, None), iter(_thread.interrupt_main, 0))  # no bytecode, and so no handler, between the two
    monkeypatch.setattr(_transport, "_socketpair", map(operator.itemgetter(0), calls).__next__)
    with pytest.raises(KeyboardInterrupt):
        SocketWaker()
    gc.collect()


@pytest.mark.parametrize("options", [{"api_version": (2, 8)}, {}], ids=["api_version", "no api_version"])
def test_ctrl_c_on_any_line_of_the_constructor_leaves_nothing(broker: KafkaBroker, options: dict[str, Any]) -> None:
    construct = lambda: KafkaProducer(bootstrap_servers=broker.bootstrap_servers, **options)  # noqa: E731
    construct().close()  # what it imports is imported
    threads = set(threading.enumerate())
    gc.collect()
    gc.freeze()  # for the sake of time
    try:
        line = 0
        while interrupted_on(line, construct):
            gc.collect()  # whatever was not closed warns now, and warnings are errors
            assert set(threading.enumerate()) == threads, line
            line += 1
    finally:
        gc.unfreeze()
    assert line > 100


def test_a_constructor_for_which_there_is_no_thread_leaves_nothing(broker: KafkaBroker, mocker: MockerFixture) -> None:
    mocker.patch("threading.Thread.start", side_effect=RuntimeError("can't start new thread"))
    with pytest.raises(RuntimeError, match="can't start new thread"):
        KafkaProducer(bootstrap_servers=broker.bootstrap_servers)
    gc.collect()  # whatever was not closed warns now, and warnings are errors


def interrupted_on(line: int, construct: Callable[[], KafkaProducer]) -> bool:
    """Ctrl-C comes before that line (from 0) of the modules that open or start something; False where there are fewer: it is not interrupted."""
    left = line

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal left
        if not frame.f_code.co_filename.endswith(OPENING):
            return None
        if event == "line":
            if left == 0:
                sys.settrace(None)
                raise KeyboardInterrupt
            left -= 1
        return trace

    before = sys.gettrace()
    try:
        sys.settrace(trace)
        producer = construct()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    producer.close()
    return False


@pytest.mark.parametrize("headers", [None, [("h", b"v")]], ids=["fast path", "headers"])
def test_ctrl_c_around_any_call_in_send_leaves_order_room_and_timestamps_exact(headers: Any) -> None:
    stage = Stage()
    producer = stage.producer(linger_ms=1000)
    producer.partitions_for("t")
    moment = 0
    is_interrupted = True
    while is_interrupted:
        for number in range(2):
            producer.send("t", b"%d" % number, timestamp_ms=1000 + number, headers=headers)
        is_interrupted = interrupted_at(moment, lambda: producer.send("t", b"2", timestamp_ms=9000, headers=headers))
        producer.send("t", b"3", timestamp_ms=1500, headers=headers)
        producer.flush()
        [batch] = record.read(stage.cluster.batches("t")[-1])
        values = [(found.value, found.timestamp) for found in batch.records]
        every = [(b"0", 1000), (b"1", 1001), (b"2", 9000), (b"3", 1500)]
        assert values == every or (is_interrupted and values == [*every[:2], *every[3:]]), moment
        assert batch.max_timestamp == max(timestamp for _, timestamp in values), moment
        assert producer._accumulator.memory.used_bytes == 0
        moment += 1
    producer.close()


def interrupted_at(moment: int, function: Callable[[], Any]) -> bool:
    """Ctrl-C comes at that moment (from 0), before or behind a call of what is no Python code; False where there are fewer."""
    left = moment

    def profile(frame: FrameType, event: str, called: Any) -> None:
        nonlocal left
        if not event.startswith("c_") or not frame.f_code.co_filename.startswith(os.path.dirname(kafka.__file__)):
            return
        if event == "c_call" and called.__name__ == "__exit__":
            return  # nothing is handled between the end of a body and what ends its `with`
        if left == 0:
            sys.setprofile(None)
            raise KeyboardInterrupt
        left -= 1

    before = sys.getprofile()
    try:
        sys.setprofile(profile)
        function()
    except KeyboardInterrupt:
        return True
    finally:
        sys.setprofile(before)
    return False


def test_ctrl_c_interrupts_await(stuck: KafkaProducer, ctrl_c: Callable[[], None]) -> None:
    import asyncio

    async def wait() -> None:
        await stuck.send("t", b"v")

    assert_keeps(INTERRUPT_AFTER_S, 0.25, lambda: seconds_of(lambda: interrupted(lambda: asyncio.run(wait()), ctrl_c)))


@pytest.mark.parametrize("in_handler", ["producer.flush(10)", "producer.close(10)", "producer.flush(10); producer.close(10)", "sys.exit()"])
def test_a_sigterm_handler_may_flush_and_close_in_the_middle_of_a_tight_send_loop(broker: KafkaBroker, in_handler: str) -> None:
    script = f"""
import os, signal, sys
from kafka import KafkaProducer
from kafka.errors import IllegalStateError
producer = KafkaProducer(bootstrap_servers={broker.bootstrap_servers!r}, acks="all", buffer_memory=1 << 19)
sent = []
def end(*_):
    {in_handler}
    sys.exit()
signal.signal(signal.SIGTERM, end)
producer.send("t", b"first").get(10)
try:
    sent.append(producer.send("t", b"v" * 500))
    print("ready", flush=True)
    while True:
        sent.append(producer.send("t", b"v" * 500))
finally:
    producer.close(10)
    os.write(1, b"%d" % sum(future.succeeded() for future in sent))
    assert all(future.succeeded() for future in sent)
"""
    process = subprocess.Popen(
        [sys.executable, "-X", "dev", "-W", "error", "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.2)  # into the loop, wherever that is
    process.send_signal(signal.SIGTERM)
    out, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (0, "")
    assert len(broker.records("t")) >= int(out) + 1 > 1


@pytest.mark.parametrize(
    "hook", ["atexit.register(producer.close)", "threading._register_atexit(producer.flush)", "weakref.finalize(producer, print, end='')"]
)
def test_shutdown_hooks_may_use_it(broker: KafkaBroker, hook: str) -> None:
    script = f"""
import atexit, threading, weakref
from kafka import KafkaProducer
producer = KafkaProducer(bootstrap_servers={broker.bootstrap_servers!r}, linger_ms=60000)
{hook}
for _ in range(10):
    producer.send("t", b"v")
"""
    done = subprocess.run([sys.executable, "-X", "dev", "-W", "error", "-c", script], capture_output=True, text=True, timeout=30, check=True)
    assert done.stderr == ""
    assert len(broker.records("t")) == 10


def test_every_method_returns_at_once_in_a_callback(make_producer: Make) -> None:
    producer = make_producer(linger_ms=60_000)
    outcomes: dict[str, Any] = {}
    done = threading.Event()
    calls: dict[str, Callable[[], Any]] = {
        "send": lambda: producer.send("t", b"v"),
        "send to an unknown topic": lambda: producer.send("unknown", b"v"),
        "flush": lambda: producer.flush(10),
        "get": lambda: producer.send("t", b"v").get(10),
        "partitions_for": lambda: producer.partitions_for("another"),
        "status": producer.status,
        "metrics": producer.metrics,
        "close": producer.close,
    }

    def call_all(_: Any) -> None:
        for name, call in calls.items():
            began_s = time.monotonic()
            try:
                call()
                outcome: Any = "returned"
            except Exception as error:  # noqa: BLE001 - what it is, is asserted below
                outcome = type(error)
            assert time.monotonic() - began_s < 5
            outcomes[name] = outcome
        done.set()

    producer.send("t", b"v").add_callback(call_all)
    producer.flush(10)
    assert done.is_set()
    refused = {"flush", "get", "partitions_for"}
    assert outcomes == {name: IllegalStateError if name in refused else "returned" for name in calls}
    assert producer._sender.terminated.block(10)
