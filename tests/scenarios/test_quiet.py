"""Nothing busy-loops: the CPU a producer takes while nothing can be done.

KAFKA_TESTS_QUIET_S is how long each state is watched (2 s unless set).
"""

from __future__ import annotations

import os
import socket
import threading
import time
from typing import Any, Callable

import pytest

from kafka import KafkaProducer
from kafka.errors import KafkaTimeoutError
from kafka.testing import KafkaBroker

Make = Callable[..., KafkaProducer]

WATCHED_S = float(os.environ.get("KAFKA_TESTS_QUIET_S", "2"))
MOST_SHARE = 0.01
HALF_A_TICK_S = 0.005


def assert_quiet() -> None:
    before_s = time.process_time()
    threading.Event().wait(WATCHED_S)
    used_s = time.process_time() - before_s
    assert used_s <= WATCHED_S * MOST_SHARE + HALF_A_TICK_S, f"{used_s:.3f} s of CPU in {WATCHED_S:g} s"


@pytest.fixture
def refused_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def test_idle(producer: KafkaProducer) -> None:
    producer.send("t", b"v").get(10)
    assert_quiet()


def test_refused(make_producer: Make, refused_port: int) -> None:
    producer = make_producer(bootstrap_servers=f"127.0.0.1:{refused_port}", api_version=(2, 8), max_block_ms=0)
    with pytest.raises(KafkaTimeoutError):
        producer.send("t", b"v")
    assert_quiet()


def test_refused_with_records_waiting(broker: KafkaBroker, make_producer: Make) -> None:
    producer = make_producer(retries=1000)
    producer.send("t", b"v").get(10)
    broker.stop()
    for _ in range(100):
        producer.send("t", b"v")
    assert_quiet()
    producer.close(0)


def test_unreachable(make_producer: Make) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = "{}:{}".format(*silent.getsockname())
        producer = make_producer(bootstrap_servers=address, api_version=(2, 8), max_block_ms=0)
        with pytest.raises(KafkaTimeoutError):
            producer.send("t", b"v")
        assert_quiet()
        producer.close(0)


def test_leaderless(broker: KafkaBroker, make_producer: Make) -> None:
    producer = make_producer(retries=1000)
    producer.send("t", b"v").get(10)
    for partition in broker.cluster.topics["t"].partitions:
        partition.leader = -1
    producer._metadata.request_update().result(10)
    future = producer.send("t", b"v")
    assert_quiet()
    assert not future.is_done
    producer.close(0)


def test_buffer_full(broker: KafkaBroker, make_producer: Make) -> None:
    producer = make_producer(buffer_memory=2000, retries=1000, max_block_ms=60_000)
    producer.send("t", b"v").get(10)
    broker.stop()
    stopped: list[Any] = []

    def fill() -> None:
        try:
            while True:
                producer.send("t", b"x" * 500)
        except Exception as error:  # noqa: BLE001 - close() below ends it
            stopped.append(error)

    thread = threading.Thread(target=fill)
    thread.start()
    while not producer._accumulator.memory.waiters:
        threading.Event().wait(0.01)
    assert_quiet()
    producer.close(0)
    thread.join(10)
    assert stopped
