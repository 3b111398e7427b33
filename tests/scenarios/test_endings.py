"""close(), collection and exit: the thread ends, every future has an outcome, nobody waits longer than asked."""

from __future__ import annotations

import gc
import logging
import subprocess
import sys
import threading
import time
import weakref
from typing import Any, Callable

import pytest

from kafka import KafkaProducer
from kafka.errors import IllegalStateError, KafkaTimeoutError
from kafka.structs import TopicPartition
from kafka.testing import KafkaBroker
from tests.guarantees.budgets import assert_keeps, seconds_of

Make = Callable[..., KafkaProducer]


@pytest.fixture
def unreachable(broker: KafkaBroker) -> Any:
    """Stops the broker, so that what is sent from here on has nowhere to go."""
    return broker.stop


def test_close_delivers_what_was_sent(broker: KafkaBroker, make_producer: Make) -> None:
    producer = make_producer(linger_ms=60_000)
    futures = [producer.send("t", b"v") for _ in range(100)]
    assert producer.close() is None
    assert all(future.succeeded() for future in futures)
    assert len(broker.records("t")) == 100
    assert not [t for t in threading.enumerate() if t.name == f"{producer.config['client_id']}-network-thread"]


def test_close_twice_changes_nothing(producer: KafkaProducer) -> None:
    producer.close()
    producer.close()
    producer.close(0)


def test_close_with_a_time_out_fails_what_is_left_and_keeps_the_budget(
    broker: KafkaBroker, make_producer: Make, caplog: pytest.LogCaptureFixture
) -> None:
    def close_one() -> float:
        producer = make_producer(retries=5)
        producer.send("t", b"v", partition=0).get(10)
        broker.stop()
        futures = [producer.send("t", b"v", partition=0) for _ in range(10)]
        caplog.clear()
        with caplog.at_level(logging.WARNING, "kafka"):
            took_s = seconds_of(lambda: producer.close(0.3))
        for future in futures:
            with pytest.raises(IllegalStateError, match=r"Producer is closed forcefully\."):
                future.get(0)
        assert sum("10 record(s) not delivered" in r.getMessage() for r in caplog.records) == 1
        broker.start()
        return took_s

    assert_keeps(0.3, 1.7, close_one)


def test_close_0_ends_at_once(broker: KafkaBroker, make_producer: Make) -> None:
    def close_one() -> float:
        producer = make_producer(retries=5)
        producer.send("t", b"v").get(10)
        broker.stop()
        future = producer.send("t", b"v")

        def end() -> None:
            producer.close(timeout=0)
            with pytest.raises(IllegalStateError):
                future.get(10)

        took_s = seconds_of(end)
        broker.start()
        return took_s

    assert_keeps(0.0, 0.5, close_one)


@pytest.mark.parametrize("timeout", [-1, float("nan"), "1", True])
def test_a_bad_time_out_is_refused(producer: KafkaProducer, timeout: Any) -> None:
    for call in (producer.close, producer.flush):
        with pytest.raises(AssertionError, match="Invalid timeout"):
            call(timeout)


def test_the_context_manager_closes_and_does_not_hide_an_error(broker: KafkaBroker) -> None:
    with pytest.raises(ZeroDivisionError), KafkaProducer(bootstrap_servers=broker.bootstrap_servers) as producer:
        future = producer.send("t", b"v")
        raise ZeroDivisionError
    assert future.succeeded()


def test_flush_is_a_budget_in_all(make_producer: Make, unreachable: Any) -> None:
    producer = make_producer(retries=5, batch_size=0)
    producer.send("t", b"v").get(10)
    unreachable()
    for _ in range(20):
        producer.send("t", b"v")

    def flush() -> None:
        with pytest.raises(KafkaTimeoutError):
            producer.flush(0.2)

    assert_keeps(0.2, 0.8, lambda: seconds_of(flush))
    producer.close(0)


def test_flush_after_close_returns(producer: KafkaProducer) -> None:
    producer.close()
    producer.flush(1)


def test_threads_that_wait_for_room_are_let_go_when_the_producer_closes(make_producer: Make, unreachable: Any) -> None:
    producer = make_producer(buffer_memory=2000, retries=5, max_block_ms=60_000)
    producer.send("t", b"v", partition=0).get(10)
    unreachable()
    results: list[Any] = []

    def fill() -> None:
        try:
            while True:
                producer.send("t", b"x" * 500, partition=0)
        except IllegalStateError as error:
            results.append(error)

    threads = [threading.Thread(target=fill) for _ in range(4)]
    for thread in threads:
        thread.start()
    while len(producer._accumulator.memory.waiters) < 4:
        time.sleep(0.01)
    producer.close(0)
    for thread in threads:
        thread.join(10)
    assert len(results) == 4


@pytest.mark.filterwarnings("ignore:unclosed KafkaProducer:ResourceWarning")
def test_a_producer_nobody_refers_to_is_collected_and_its_thread_ends(broker: KafkaBroker) -> None:
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap_servers)
    producer.send("t", b"v").get(10)
    reference, sender = weakref.ref(producer), producer._sender
    del producer
    gc.collect()
    assert reference() is None
    assert sender.terminated.block(5)


def test_what_was_not_sent_is_sent_at_exit_without_a_word(broker: KafkaBroker) -> None:
    script = f"""
import logging
logging.basicConfig(format="%(levelname)s %(message)s")
from kafka import KafkaProducer
producer = KafkaProducer(bootstrap_servers={broker.bootstrap_servers!r}, linger_ms=60000)
producer.partitions_for("t")
for _ in range(5):
    producer.send("t", b"v")
"""
    done = subprocess.run([sys.executable, "-X", "dev", "-W", "error", "-c", script], capture_output=True, text=True, timeout=30, check=True)
    assert done.stderr == ""
    assert len(broker.records("t")) == 5


@pytest.mark.parametrize("is_delivered", [True, False])
def test_nothing_is_left_of_a_producer_that_nobody_refers_to(broker: KafkaBroker, is_delivered: bool) -> None:
    def use() -> list[weakref.ref[Any]]:
        with KafkaProducer(bootstrap_servers=broker.bootstrap_servers, linger_ms=0 if is_delivered else 60_000) as producer:
            future = producer.send("t", b"v", partition=1)
            if is_delivered:
                future.get(10)
            else:
                producer.close(0)
                assert isinstance(future.exception, IllegalStateError)
            return [weakref.ref(producer), weakref.ref(producer._accumulator.queue(TopicPartition("t", 1)))]

    kept = use()
    gc.collect()
    assert [reference() for reference in kept] == [None, None]
