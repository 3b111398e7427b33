"""The producer used where nothing may wait: in delivery callbacks, in signal handlers."""

from __future__ import annotations

import re
import signal
import threading
from typing import Any, Callable

import pytest

from kafka import KafkaProducer
from kafka.errors import IllegalStateError, KafkaTimeoutError
from kafka.testing import KafkaBroker
from tests.scenarios.stage import Stage

Make = Callable[..., KafkaProducer]


def test_send_in_a_callback_reaches_known_and_unknown_topics(broker: KafkaBroker, make_producer: Make) -> None:
    producer = make_producer(linger_ms=60_000)  # nothing is sent before the callback is registered
    sent: list[Any] = []

    def forward(metadata: Any) -> None:
        assert threading.current_thread() is not threading.main_thread()
        sent.append(producer.send("t", b"second", partition=0))
        sent.append(producer.send("never-seen-before", b"third", key=b"k", headers=[("h", b"1")]))

    first = producer.send("t", b"first", partition=0).add_callback(forward)
    producer.flush(10)
    assert first.succeeded()
    assert sent[1].get(10).topic == "never-seen-before"  # what waits for metadata waits for nothing else
    producer.flush(10)
    assert sent[0].get(0).topic == "t"
    assert sent[0].get().offset == 1
    assert sent[1].get().serialized_key_size == 1
    assert [r.value for r in broker.records("t")] == [b"first", b"second"]
    assert broker.records("never-seen-before")[0].headers == [("h", b"1")]
    assert producer._accumulator.memory.used_bytes == 0


def test_flush_covers_what_callbacks_sent_before_it(broker: KafkaBroker, make_producer: Make) -> None:
    producer = make_producer(linger_ms=60_000)  # nothing is sent before the callback is registered
    has_sent = threading.Event()
    futures: list[Any] = []

    def forward(_: Any) -> None:
        futures.extend(producer.send("another", b"v") for _ in range(3))
        has_sent.set()

    producer.send("t", b"v").add_callback(forward)
    first = threading.Thread(target=producer.flush)
    first.start()
    assert has_sent.wait(10)
    producer.flush(10)
    first.join(10)
    assert [future.is_done for future in futures] == [True] * 3


def test_what_would_wait_in_a_callback_is_refused_at_once(make_producer: Make) -> None:
    producer = make_producer(linger_ms=60_000)  # nothing is sent before the callback is registered
    caught: list[Any] = []
    done = threading.Event()

    def misuse(_: Any) -> None:
        for call in (producer.flush, lambda: producer.send("t", b"w").get(), lambda: producer.partitions_for("unknown")):
            try:
                call()
            except Exception as error:  # noqa: BLE001 - what it is, is asserted below
                caught.append(error)
        done.set()

    producer.send("t", b"v").add_callback(misuse)
    producer.flush(10)
    assert done.is_set()
    assert [type(error) for error in caught] == [IllegalStateError] * 3


def test_close_in_a_callback_returns_at_once_and_goes_on_behind_it(broker: KafkaBroker, make_producer: Make) -> None:
    producer = make_producer(linger_ms=60_000)  # nothing is sent before the callback is registered
    went_on: list[bool] = []

    def close(_: Any) -> None:
        producer.close()
        went_on.append(not producer._sender.terminated.is_open)

    futures = [producer.send("t", b"v", partition=0) for _ in range(100)]
    futures[0].add_callback(close)
    producer.flush(10)
    assert [f.get(10).offset for f in futures] == list(range(100))
    assert producer._sender.terminated.block(10)
    assert went_on == [True]
    with pytest.raises(IllegalStateError):
        producer.send("t", b"late")


@pytest.mark.parametrize(
    ("options", "waits_s", "names"),
    [
        ({"max_block_ms": 700}, 0.7, "max_block_ms"),
        ({"retries": 1, "delivery_timeout_ms": 900, "request_timeout_ms": 500}, 0.9, "delivery_timeout_ms"),
        ({"linger_ms": 100, "request_timeout_ms": 500}, 0.6, "linger_ms + request_timeout_ms"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_record_that_got_no_metadata_in_a_callback_names_the_option_that_bounds_it(options: dict[str, Any], waits_s: float, names: str) -> None:
    stage = Stage(auto_create_topics=False)
    stage.cluster.create_topic("t", 1)
    producer = stage.producer(**options)
    sent: list[Any] = []
    first = producer.send("t", b"first").add_callback(lambda _: sent.append(producer.send("nosuch", b"second")))
    first.get(10)
    with stage.takes(waits_s), pytest.raises(KafkaTimeoutError, match=rf"after {waits_s} secs.*nosuch.*{re.escape(names)}\)"):
        sent[0].get(10)
    producer.close()


def test_a_full_buffer_in_a_callback_gives_a_failed_future(broker: KafkaBroker, make_producer: Make) -> None:
    producer = make_producer(buffer_memory=3000, linger_ms=60_000)
    results: list[Any] = []
    done = threading.Event()

    def flood(_: Any) -> None:
        results.extend(producer.send("t", b"x" * 900) for _ in range(5))
        done.set()

    producer.send("t", b"v").add_callback(flood)
    producer.flush(10)
    assert done.is_set()
    assert isinstance(results[-1].exception, KafkaTimeoutError)
    assert "buffer_memory" in str(results[-1].exception)
    producer.flush(10)
    assert any(future.succeeded() for future in results)


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, GeneratorExit, ValueError, RecursionError, MemoryError])
def test_the_producer_survives_what_callbacks_raise(make_producer: Make, error: type[BaseException]) -> None:
    producer = make_producer(linger_ms=60_000)

    def fail(_: Any) -> None:
        raise error

    futures = [producer.send("t", b"v").add_callback(fail) for _ in range(10)]
    producer.flush(10)
    assert all(future.succeeded() for future in futures)
    after = [producer.send("t", b"after") for _ in range(1000)]
    producer.flush(10)
    assert all(future.succeeded() for future in after)


def test_a_signal_handler_may_send_flush_and_close_in_the_middle_of_send(broker: KafkaBroker, make_producer: Make) -> None:
    producer = make_producer(linger_ms=1)
    in_handler: list[Any] = []
    producer.send("t", b"first", partition=0).get(10)

    def handle(*_: Any) -> None:
        if len(in_handler) >= 200:
            return  # else handlers would interrupt each other as deep as a slow flush() lets them
        in_handler.append(producer.send("t", b"from the handler", partition=1))
        if len(in_handler) % 10 == 0:
            producer.flush(10)

    before = signal.signal(signal.SIGALRM, handle)
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    futures = []
    try:
        while len(in_handler) < 200:  # handlers may interrupt each other: their order in the list is not that of their sends
            futures.append(producer.send("t", b"from the loop", partition=0))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    producer.flush(20)

    assert [f.get(0).offset for f in futures] == list(range(1, len(futures) + 1))
    assert sorted(f.get(0).offset for f in in_handler) == list(range(len(in_handler)))
    assert producer._accumulator.memory.used_bytes == 0


def test_a_signal_handler_may_close_in_the_middle_of_send(make_producer: Make) -> None:
    for _ in range(20):
        producer = make_producer()
        producer.partitions_for("t")
        futures = []

        def handle(*_: Any, producer: KafkaProducer = producer) -> None:
            producer.flush(10)
            producer.close(10)

        before = signal.signal(signal.SIGALRM, handle)
        signal.setitimer(signal.ITIMER_REAL, 0.003)
        try:
            with pytest.raises(IllegalStateError):
                while True:
                    futures.append(producer.send("t", b"v"))
        finally:
            signal.signal(signal.SIGALRM, before)
        assert all(future.is_done for future in futures)


def test_ctrl_c_interrupts_a_waiting_send_and_leaves_the_producer_usable(broker: KafkaBroker, make_producer: Make) -> None:
    producer = make_producer(max_block_ms=60_000)

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    strict = KafkaBroker(auto_create_topics=False)
    strict.start()
    try:
        blocked = make_producer(bootstrap_servers=strict.bootstrap_servers, max_block_ms=60_000)
        with pytest.raises(KeyboardInterrupt):
            signal.setitimer(signal.ITIMER_REAL, 0.2)
            blocked.send("nosuch", b"v")
        strict.create_topic("nosuch")
        assert blocked.send("nosuch", b"v").get(10).offset == 0
        blocked.close(5)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        strict.stop()
    assert producer.send("t", b"v").get(10)
