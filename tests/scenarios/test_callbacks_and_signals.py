"""The producer used where nothing may wait: in delivery callbacks, in signal handlers."""

from __future__ import annotations

import signal
import threading
from typing import Any, Callable

import pytest

from kafka import KafkaProducer
from kafka.errors import IllegalStateError, KafkaTimeoutError
from kafka.testing import KafkaBroker

Make = Callable[..., KafkaProducer]


def test_send_in_a_callback_reaches_known_and_unknown_topics(broker: KafkaBroker, producer: KafkaProducer) -> None:
    sent: list[Any] = []
    done = threading.Event()

    def forward(metadata: Any) -> None:
        sent.append(producer.send("t", b"second", partition=0))
        sent.append(producer.send("never-seen-before", b"third", key=b"k", headers=[("h", b"1")]))
        done.set()

    producer.send("t", b"first", partition=0).add_callback(forward)
    assert done.wait(10)

    assert [future.get(10).topic for future in sent] == ["t", "never-seen-before"]
    assert sent[0].get().offset == 1
    assert sent[1].get().serialized_key_size == 1
    assert [r.value for r in broker.records("t")] == [b"first", b"second"]
    assert broker.records("never-seen-before")[0].headers == [("h", b"1")]
    assert producer._accumulator.memory.used_bytes == 0


def test_flush_covers_what_callbacks_sent_before_it(broker: KafkaBroker, producer: KafkaProducer) -> None:
    done = threading.Event()
    futures: list[Any] = []

    def forward(_: Any) -> None:
        futures.extend(producer.send("another", b"v") for _ in range(3))
        done.set()

    producer.send("t", b"v").add_callback(forward)
    assert done.wait(10)
    producer.flush(10)
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
    producer = make_producer()
    closed = threading.Event()

    def close(_: Any) -> None:
        producer.close()
        closed.set()

    futures = [producer.send("t", b"v", partition=0) for _ in range(100)]
    futures[0].add_callback(close)
    assert closed.wait(10)
    assert [f.get(10).offset for f in futures] == list(range(100))
    assert producer._sender.terminated.block(10)
    with pytest.raises(IllegalStateError):
        producer.send("t", b"late")


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


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, ValueError, RecursionError])
def test_the_producer_survives_what_callbacks_raise(make_producer: Make, error: type[BaseException]) -> None:
    producer = make_producer(linger_ms=60_000)

    def fail(_: Any) -> None:
        raise error

    futures = [producer.send("t", b"v").add_callback(fail) for _ in range(10)]
    producer.flush(10)
    assert all(future.succeeded() for future in futures)
    after = producer.send("t", b"after")
    producer.flush(10)
    assert after.succeeded()


def test_a_signal_handler_may_send_flush_and_close_in_the_middle_of_send(broker: KafkaBroker, make_producer: Make) -> None:
    producer = make_producer(linger_ms=1)
    in_handler: list[Any] = []
    producer.send("t", b"first", partition=0).get(10)

    def handle(*_: Any) -> None:
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
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    strict = KafkaBroker(auto_create_topics=False)
    strict.start()
    try:
        blocked = make_producer(bootstrap_servers=strict.bootstrap_servers, max_block_ms=60_000)
        with pytest.raises(KeyboardInterrupt):
            blocked.send("nosuch", b"v")
        strict.create_topic("nosuch")
        assert blocked.send("nosuch", b"v").get(10).offset == 0
        blocked.close(5)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        strict.stop()
    assert producer.send("t", b"v").get(10)
