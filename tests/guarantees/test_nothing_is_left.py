"""Promises 4 and 5: nothing grows with time: not memory with records, topics or failures, not threads and descriptors with producers."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
import threading
import weakref
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import pytest

import kafka
from kafka import KafkaProducer
from kafka.errors import KafkaError, NotEnoughReplicasError
from kafka.metrics.stats.sampled_stat import Sample
from kafka.testing import KafkaBroker, faults
from tests.scenarios.stage import Stage

Make = Callable[..., KafkaProducer]
NOT_OURS = ("kafka.testing", "kafka.protocol")


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


needs_proc = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="this system does not show a process its memory and files")


@contextlib.contextmanager
def without_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def test_records_that_nobody_looks_after_are_delivered_in_flat_memory(broker: KafkaBroker, make_producer: Make) -> None:
    """No call besides send(): no poll(), no error for a full queue."""
    count = 1_000_000 if kafka.__impl__ == "compiled" else 100_000
    producer = make_producer(buffer_memory=8 << 20, max_block_ms=60_000)
    producer.partitions_for("t")
    last = None

    def send(number: int) -> None:
        nonlocal last
        for _ in range(number):
            last = producer.send("t", b"0123456789", partition=0)
        producer.flush(60)

    send(count // 10)
    with without_collector():
        before = sys.getallocatedblocks()
        send(count)
        assert sys.getallocatedblocks() - before < count / 2, "the broker, in this process, keeps batches; nobody keeps records"
    assert last is not None
    assert last.get(0).offset == count + count // 10 - 1
    assert producer.status().buffered_bytes == 0


def objects_of_ours() -> Counter[str]:
    """Those of the library, by class; what the test's brokers keep of requests is theirs.

    Without the two samples at most of each metric, which are counted by its KafkaMetric: real time decides whether there is one or two.
    """
    kinds = [type(thing) for thing in gc.get_objects()]
    ours = [kind for kind in kinds if str(kind.__module__).startswith("kafka.") and not str(kind.__module__).startswith(NOT_OURS)]
    return Counter(kind.__qualname__ for kind in ours if kind is not Sample)


@pytest.mark.parametrize("trouble", ["retries", "time-outs", "refusals", "connections"])
def test_failures_and_retries_leave_nothing_behind(trouble: str) -> None:
    stage = Stage(latency_s=0.001)
    producer = stage.producer(retries=3 if trouble == "retries" else 0, request_timeout_ms=500, delivery_timeout_ms=2000, retry_backoff_ms=10)
    producer.send("t", b"v").get()

    def go_through(times: int) -> None:
        for _ in range(times):
            if trouble == "retries":
                stage.cluster.faults.add(faults.Error(NotEnoughReplicasError), api="Produce", times=2)
            elif trouble == "time-outs":
                stage.cluster.faults.add(faults.DropReply(), api="Produce", times=1)
            elif trouble == "refusals":
                stage.cluster.faults.add(faults.Error(NotEnoughReplicasError), api="Produce", times=1)
            else:
                stage.cluster.faults.add(faults.Cut(), api="Produce", times=1)
            with contextlib.suppress(KafkaError):
                producer.send("t", b"v").get()
        stage.clock.run_for(400)
        stage.cluster.faults.clear()
        gc.collect()

    go_through(100)
    before = objects_of_ours()
    go_through(300)
    assert not {kind: number for kind, number in (objects_of_ours() - before).items() if number > 30}


def test_a_record_that_has_its_outcome_is_freed_without_the_collector(broker: KafkaBroker, make_producer: Make) -> None:
    producer = make_producer(retries=0)
    producer.send("t", b"v").get(10)
    with without_collector():
        for fault in (None, faults.Error(NotEnoughReplicasError)):
            called: list[Any] = []
            if fault is not None:
                broker.faults.add(fault, api="Produce", times=1)
            future = producer.send("t", b"v").add_both(called.append)
            gone = weakref.ref(future)
            producer.flush(10)
            assert called
            del future
            called.clear()
            producer.send("t", b"v").get(10)  # the I/O thread has let go of what it was about by then
            assert gone() is None


@pytest.mark.filterwarnings("ignore:unclosed KafkaProducer:ResourceWarning")
@needs_proc
@pytest.mark.parametrize("is_closed", [True, False], ids=["closed", "let go of"])
def test_producers_that_come_and_go_leave_no_thread_and_no_descriptor(is_closed: bool, broker: KafkaBroker) -> None:
    def one() -> None:
        producer = KafkaProducer(bootstrap_servers=broker.bootstrap_servers)
        producer.send("t", b"v").get(10)
        if is_closed:
            producer.close(5)

    def settle() -> None:
        gc.collect()
        for thread in threading.enumerate():
            if thread.name.endswith("-network-thread") and thread.name not in others:
                thread.join(10)

    others = {thread.name for thread in threading.enumerate()}
    one()
    settle()
    threads, files = threading.active_count(), open_files()
    for _ in range(40):
        one()
    settle()
    assert threading.active_count() <= threads
    wait_until(lambda: open_files() <= files + 2)  # the broker closes its ends in its own time


def wait_until(condition: Callable[[], bool]) -> None:
    for _ in range(500):
        if condition():
            return
        threading.Event().wait(0.02)
    raise AssertionError("it does not come true")


@pytest.mark.filterwarnings("ignore:unclosed KafkaProducer:ResourceWarning")
def test_a_collector_that_runs_at_every_allocation_meets_no_lock_that_is_held(broker: KafkaBroker, make_producer: Make) -> None:
    """Finalizers run wherever an object is made: on the I/O thread, and in the middle of a send()."""
    producer = make_producer(batch_size=500)
    before = gc.get_threshold()
    gc.set_threshold(1)
    try:
        futures = []
        for number in range(300):
            futures.append(producer.send("t", b"%d" % number, partition=0))
            if number % 100 == 50:
                KafkaProducer(bootstrap_servers=broker.bootstrap_servers, api_version=(2, 6))  # let go of at once, while others send
        producer.flush(30)
    finally:
        gc.set_threshold(*before)
    assert all(future.succeeded() for future in futures)
    gc.collect()
    for thread in threading.enumerate():
        if thread.name.endswith("-network-thread") and not thread.name.startswith(producer.config["client_id"] + "-"):
            thread.join(30)  # those let go of end by themselves
            assert not thread.is_alive()


@pytest.mark.filterwarnings("ignore:unclosed KafkaProducer:ResourceWarning")
def test_a_producer_whose_last_reference_goes_on_its_own_thread_ends(broker: KafkaBroker) -> None:
    holder: list[Any] = [KafkaProducer(bootstrap_servers=broker.bootstrap_servers, linger_ms=50)]
    [thread] = [thread for thread in threading.enumerate() if thread.name == f"{holder[0].config['client_id']}-network-thread"]
    gone = weakref.ref(holder[0])
    done = threading.Event()

    def let_go(_: Any) -> None:
        holder.clear()
        gc.collect()
        done.set()

    future = holder[0].send("t", b"v").add_callback(let_go)
    assert done.wait(10)
    thread.join(10)
    assert not thread.is_alive()
    assert gone() is None
    assert future.succeeded()
