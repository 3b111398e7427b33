"""Queues are retired at any moment, by a thread that plays the I/O thread, while others send by routes that are out of date."""

from __future__ import annotations

import functools
import gc
import threading
from collections import deque
from typing import Any

import pytest

import kafka
from kafka import record
from kafka._clock import SystemClock
from kafka._handover import take_all
from kafka.future import Home
from kafka.producer.accumulator import BatchSizes, RecordAccumulator
from kafka.producer.batch import BatchState, ProducerBatch
from kafka.producer.memory import BufferMemory
from kafka.structs import TopicPartition
from tests.stress.test_send_path import PARTITIONS, Senders, check_order, path_to, run_together

TOPIC_PARTITIONS = [TopicPartition("t", number) for number in range(PARTITIONS)]


class Retiring:
    """Plays the I/O thread: takes batches, gives them outcomes, and retires the topic whenever that can be done."""

    def __init__(self, accumulator: RecordAccumulator, is_over: threading.Event) -> None:
        self.values: dict[TopicPartition, list[bytes]] = {name: [] for name in TOPIC_PARTITIONS}
        self.retired = 0
        self._has_retired = threading.Condition()
        self._accumulator = accumulator
        self._is_over = is_over

    def run(self) -> None:
        accumulator = self._accumulator
        while not self._is_over.is_set() or accumulator.fresh:
            accumulator.memory.serve_waiters()
            for batch in take_all(accumulator.fresh):
                while batch.partition is not None and batch.partition.backlog:
                    self._finish(batch.partition.take_first())
            if accumulator.retire(["t"]):
                with self._has_retired:
                    self.retired += 1
                    self._has_retired.notify_all()

    def await_the_next_time(self) -> None:
        with self._has_retired:
            seen = self.retired
            assert self._has_retired.wait_for(lambda: self.retired > seen, 60)

    def _finish(self, batch: ProducerBatch) -> None:
        assert not batch.partition.is_retired, "what is retired had nothing"
        batch.seal()
        batch.transition(BatchState.IN_FLIGHT)
        data = b"".join(batch.assemble(None, 2))
        values = self.values[batch.topic_partition]
        offset = len(values)
        values.extend(one.value for view in record.read(data) for one in view.records)
        batch.transition(BatchState.SUCCEEDED)
        batch.records.drop()
        self._accumulator.memory.release(batch.size_bytes)
        result = batch.result
        batch.let_go()
        result.succeed(offset)


@pytest.mark.parametrize("holds", ["old queues", "new queues"])
@pytest.mark.parametrize("room_bytes", [700, 20_000], ids=["room for few", "room for some"])
@pytest.mark.usefixtures("restless")
def test_no_record_goes_to_a_queue_that_is_retired(room_bytes: int, holds: str) -> None:
    sizes = BatchSizes(sendable=300, most=300)
    accumulator = RecordAccumulator(home=Home(SystemClock()), memory=BufferMemory(room_bytes), sizes=sizes, magic=2, wake=lambda: None)

    class Queues(deque[Any]):
        def __getitem__(self, number: Any) -> Any:
            return accumulator.queue(TOPIC_PARTITIONS[number])

        def __iter__(self) -> Any:
            return map(accumulator.queue, TOPIC_PARTITIONS)

    def value_of(name: str, number: int) -> bytes:
        if number % 100 == 99:  # nobody appends at last, so that there is such a time, whatever thread has its turn when
            retiring.await_the_next_time()
        return b"%s.%d.%s" % (name.encode(), number, b"." * (number % 70))

    queues: Any = list(Queues()) if holds == "old queues" else Queues()
    senders = Senders(accumulator, queues, value_of)
    retiring = Retiring(accumulator, senders.are_over)
    run_together(*(functools.partial(senders.run, name) for name in senders.sent), retiring.run, senders.clear)
    assert retiring.retired > 10
    for values in retiring.values.values():
        check_order(values, senders.sent)
    for sent in senders.sent.values():
        for _, value, future in sent:
            where = future.get(0)
            assert retiring.values[where.topic_partition][where.offset] == value
    assert accumulator.memory.used_bytes == 0


@pytest.mark.skipif(kafka.__impl__ != "compiled", reason="of the compiled way alone")
def test_a_batch_that_is_begun_while_the_collector_runs_code_that_sends_is_in_its_place() -> None:
    """Up to Python 3.11 any allocation may run it, those between the steps of beginning a batch too."""
    sizes = BatchSizes(sendable=80, most=80)  # two records each
    accumulator = RecordAccumulator(home=Home(SystemClock()), memory=BufferMemory(1 << 26), sizes=sizes, magic=2, wake=lambda: None)
    queue = accumulator.queue(TopicPartition("t", 0))
    path = path_to(accumulator)
    path.put("t", [queue], [queue])

    def send() -> Any:
        return path.append("t", b"v", None, None, 0, 1000) or accumulator.append(queue, 1000, None, b"v", (), -1, 0.0)

    inner: list[Any] = []

    def collected(phase: str, info: Any) -> None:
        if phase == "start" and len(inner) < 2000:
            inner.append(send())

    before = gc.get_threshold()
    gc.callbacks.append(collected)
    try:
        for number in range(1000):
            gc.set_threshold(1 + number % 9)
            send()
    finally:
        gc.set_threshold(*before)
        gc.callbacks.remove(collected)
    sent_inside = [future for future in inner if future is not None]  # else it is to be deferred
    assert sent_inside
    numbers = [batch.number for batch in queue.waiting()]
    assert sum(batch.records.appended for batch in queue.waiting()) == 1000 + len(sent_inside)
    assert numbers == sorted(numbers)
    assert queue.open is queue.waiting()[-1]
    for batch in queue.waiting():
        batch.seal()
    assert accumulator.memory.used_bytes == sum(batch.size_bytes for batch in queue.waiting())


@pytest.mark.skipif(kafka.__impl__ != "compiled", reason="of the compiled way alone")
def test_a_queue_that_is_retired_while_a_batch_is_begun_in_it_gets_none() -> None:
    """Up to Python 3.11 an allocation may run the collector, and that code which has the topic forgotten."""
    sizes = BatchSizes(sendable=80, most=80)
    accumulator = RecordAccumulator(home=Home(SystemClock()), memory=BufferMemory(1 << 26), sizes=sizes, magic=2, wake=lambda: None)
    path = path_to(accumulator)

    def retire(phase: str, info: Any) -> None:
        accumulator.retire(["t"])
        path.clear()

    before = gc.get_threshold()
    for number in range(300):
        queues = [accumulator.queue(TopicPartition("t", 0))]
        path.put("t", queues, list(queues))
        del queues
        gc.callbacks.append(retire)
        try:
            gc.set_threshold(1 + number % 5)
            future = path.append("t", b"v", None, None, None, 1000)
        finally:
            gc.set_threshold(*before)
            gc.callbacks.remove(retire)
        if future is None:
            continue
        [batch] = take_all(accumulator.fresh)
        assert batch.partition is accumulator.queue(TopicPartition("t", 0))
        assert batch.partition.take_first() is batch
        batch.seal()
        for state in (BatchState.IN_FLIGHT, BatchState.SUCCEEDED):
            batch.transition(state)
        accumulator.memory.release(batch.size_bytes)
        batch.let_go()
    assert accumulator.memory.used_bytes == 0
