"""No wake-up is lost, and waking never blocks: whatever the I/O thread is doing."""

from __future__ import annotations

import random
import select
import threading
import time
from typing import Any, Callable

import pytest

from kafka import KafkaProducer
from kafka._transport import SocketTransport

Make = Callable[..., KafkaProducer]


def test_a_record_sent_to_an_idle_producer_goes_out_at_once_however_long_that_was_idle(make_producer: Make) -> None:
    """A lost wake-up shows as a record that waits for the next one, or for a timer that is minutes away."""
    producer = make_producer()
    producer.send("t", b"v").get(10)
    chance = random.Random(1)
    took: list[float] = []
    for _ in range(3000):
        pause_s = chance.choice((0.0, 0.0, 0.00002, 0.0001, 0.001))
        if pause_s:
            time.sleep(chance.random() * pause_s)
        began_s = time.perf_counter()
        producer.send("t", b"v").get(20)
        took.append(time.perf_counter() - began_s)
    took.sort()
    assert took[len(took) * 9 // 10] < 0.1
    assert took[-1] < 10, "none had to wait for another"


def test_threads_that_send_to_an_idle_producer_at_once_are_all_heard(make_producer: Make) -> None:
    producer = make_producer()
    producer.send("t", b"v").get(10)
    together = threading.Barrier(4)
    slowest: list[float] = []

    def work() -> None:
        longest_s = 0.0
        for _ in range(200):
            together.wait(30)
            began_s = time.perf_counter()
            producer.send("t", b"v").get(20)
            longest_s = max(longest_s, time.perf_counter() - began_s)
        slowest.append(longest_s)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(slowest) == 4
    assert max(slowest) < 10


def test_send_returns_while_the_io_thread_is_stuck(make_producer: Make) -> None:
    """In a debugger, say, or in a callback that does not return: waking must not fill up a pipe that nobody empties."""
    producer = make_producer(batch_size=200, linger_ms=60_000)
    stuck, may_go_on = threading.Event(), threading.Event()

    def get_stuck(_: Any) -> None:
        stuck.set()
        may_go_on.wait(30)

    producer.send("t", b"v", partition=0).add_callback(get_stuck)
    producer.send("t", b"x" * 200, partition=0)  # it goes to the next batch, so that the first is sent: after its callback is there
    assert stuck.wait(10)
    began_s = time.monotonic()
    futures = [producer.send("t", b"x" * 50) for _ in range(20_000)]
    assert time.monotonic() - began_s < 20
    assert not any(future.is_done for future in futures)
    may_go_on.set()
    producer.flush(30)
    assert all(future.succeeded() for future in futures)


@pytest.mark.parametrize("drains", [False, True])
def test_a_waker_never_blocks_and_is_readable_after_any_number_of_calls(drains: bool) -> None:
    waker = SocketTransport(lambda: None).waker()  # type: ignore[arg-type, return-value]
    try:
        for number in range(100_000 if not drains else 1000):
            waker.wake()
            if drains and number % 3 == 0:
                waker.drain()
        waker.drain()
        waker.wake()
        assert select.select([waker.fileno()], [], [], 5)[0]
    finally:
        waker.close()
        waker.wake()  # nobody is there, and nothing happens
