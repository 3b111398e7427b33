"""producer.accumulator and producer.batch: appending, sealing, room, and interruptions at any point."""

from __future__ import annotations

import gc
import itertools
import threading
import weakref
from typing import Any

import pytest

from kafka import record
from kafka._clock import Latch, SystemClock
from kafka.errors import IllegalStateError, KafkaTimeoutError
from kafka.future import Home
from kafka.producer.accumulator import BatchSizes, RecordAccumulator
from kafka.producer.batch import TRANSITIONS, BatchState, ProducerBatch
from kafka.producer.memory import BufferMemory
from kafka.producer.partition_queue import PartitionQueue
from kafka.structs import TopicPartition

TP = TopicPartition("t", 0)


def accumulator(limit: int = 1 << 20, batch_size: int = 16384) -> RecordAccumulator:
    sizes = BatchSizes(sendable=batch_size, most=batch_size)
    return RecordAccumulator(home=Home(SystemClock()), memory=BufferMemory(limit), sizes=sizes, magic=2, wake=lambda: None)


def append(target: RecordAccumulator, value: bytes = b"v", wait_s: float = 0.0, timestamp_ms: int = 1000) -> Any:
    return target.append(target.queue(TP), timestamp_ms, None, value, (), -1, wait_s)


def stored(batch: ProducerBatch) -> list[bytes | None]:
    data = b"".join(batch.assemble(None, 2))
    return [r.value for view in record.read(data) for r in view.records]


def test_records_of_a_partition_share_a_batch_until_it_is_full() -> None:
    target = accumulator(batch_size=400)
    for number in range(10):
        append(target, b"%03d" % number + b"." * 97)
    batches = target.queue(TP).waiting()
    for batch in batches:
        batch.seal()
    assert [batch.record_count for batch in batches] == [3, 3, 3, 1]
    assert [value[:3] for batch in batches for value in stored(batch) if value] == [b"%03d" % n for n in range(10)]
    assert all(batch.size_bytes <= 400 for batch in batches)
    assert sum(batch.size_bytes for batch in batches) == target.memory.used_bytes


def test_a_sealed_batch_takes_nothing_more_and_the_next_record_begins_another() -> None:
    target = accumulator()
    append(target, b"first")
    [batch] = target.queue(TP).waiting()
    batch.seal()
    append(target, b"second")
    assert stored(batch) == [b"first"]
    assert len(target.queue(TP).waiting()) == 2


def test_timestamps_keep_the_first_and_the_greatest() -> None:
    target = accumulator()
    for timestamp in (1000, 5000, 2000, 500):
        append(target, timestamp_ms=timestamp)
    [batch] = target.queue(TP).waiting()
    batch.seal()
    [view] = record.read(b"".join(batch.assemble(None, 2)))
    assert (view.base_timestamp, view.max_timestamp) == (1000, 5000)
    assert [r.timestamp for r in view.records] == [1000, 5000, 2000, 500]


def test_appending_and_sealing_race_without_losing_or_doubling_a_record() -> None:
    target = accumulator(limit=1 << 30)
    queue = target.queue(TP)
    sealed: list[ProducerBatch] = []
    stop = threading.Event()

    def seal() -> None:
        while not stop.is_set() or queue.backlog:
            if queue.backlog:
                batch = queue.take_first()
                batch.seal()
                sealed.append(batch)

    def send(thread: int) -> None:
        for number in range(3000):
            futures.append((append(target, b"%d %d" % (thread, number)), thread, number))  # noqa: PERF401 - threads meet in here

    futures: list[Any] = []
    sealer = threading.Thread(target=seal)
    senders = [threading.Thread(target=send, args=(n,)) for n in range(3)]
    sealer.start()
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    stop.set()
    sealer.join()

    values = {batch.result: stored(batch) for batch in sealed}
    for future, thread, number in futures:
        assert values[future._completion][future._position] == b"%d %d" % (thread, number)
    assert sum(batch.record_count for batch in sealed) == 9000
    assert sum(batch.size_bytes for batch in sealed) == target.memory.used_bytes


def test_an_interrupting_append_of_the_same_thread_is_told_to_defer(monkeypatch: pytest.MonkeyPatch) -> None:
    target = accumulator()
    inner: list[Any] = []
    begin_batch = target.new_batch

    def interrupted(*arguments: Any) -> ProducerBatch:
        inner.append(append(target))  # as a signal handler does in the middle of an append
        return begin_batch(*arguments)

    monkeypatch.setattr(target, "new_batch", interrupted)
    assert append(target) is not None
    assert inner == [None]


def test_no_room_in_time_names_the_limit() -> None:
    target = accumulator(limit=300)
    append(target, b"x" * 200)
    with pytest.raises(KafkaTimeoutError, match=r"Failed to allocate memory within the configured max blocking time.*buffer_memory=300"):
        append(target, b"x" * 200, wait_s=0.01)
    assert target.memory.used_bytes == 61 + 209


def test_a_waiting_thread_goes_on_when_there_is_room() -> None:
    target = accumulator(limit=300)
    append(target, b"x" * 200)
    [batch] = target.queue(TP).waiting()
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(append(target, b"y" * 200, wait_s=10)))
    thread.start()
    while not target.memory.waiters:
        Latch().block(0.001)
    assert target.queue(TP).take_first() is batch
    batch.seal()
    target.memory.release(batch.size_bytes)
    target.memory.serve_waiters()
    thread.join(10)
    assert results[0] is not None
    assert target.memory.used_bytes == 61 + 209


def test_refusal_reaches_those_who_wait() -> None:
    target = accumulator(limit=300)
    append(target, b"x" * 200)
    target.refusal = IllegalStateError("closed")
    target.is_terminated = True
    with pytest.raises(IllegalStateError, match="closed"):
        append(target)


def test_what_comes_after_the_end_fails_at_once() -> None:
    target = accumulator()
    target.is_terminated = True
    future = append(target)
    assert isinstance(future.exception, IllegalStateError)


@pytest.mark.parametrize(("before", "after"), list(itertools.product(BatchState, BatchState)), ids=lambda s: s.name)
def test_every_pair_of_states(before: BatchState, after: BatchState) -> None:
    batch = accumulator().new_batch(PartitionQueue(TP), 0)
    batch.state = before
    if after in TRANSITIONS[before]:
        batch.transition(after)
        assert batch.state is after
    else:
        with pytest.raises(IllegalStateError, match="cannot go from"):
            batch.transition(after)
        assert batch.state is before


@pytest.mark.parametrize("magic", [0, 1])
def test_a_batch_is_rewritten_for_an_older_broker(magic: int) -> None:
    target = accumulator()
    futures = [append(target, b"%d" % n, timestamp_ms=1000 + n) for n in range(3)]
    [batch] = target.queue(TP).waiting()
    batch.seal()
    data = b"".join(batch.assemble(None, magic))
    views = list(record.read(data))
    assert [view.magic for view in views] == [magic] * 3
    assert [r.value for view in views for r in view.records] == [b"0", b"1", b"2"]
    batch.result.succeed(10)
    assert [f.get().timestamp for f in futures] == ([1000, 1001, 1002] if magic else [-1, -1, -1])
    assert all(isinstance(f.get().checksum, int) for f in futures)


@pytest.mark.parametrize("circle", ["an error's traceback", "an attribute"])
def test_a_future_that_stands_in_a_circle_is_collected(circle: str) -> None:
    class Payload:
        pass

    def use() -> weakref.ref[Payload]:
        target, payload = accumulator(), Payload()
        future = append(target)
        [batch] = target.queue(TP).waiting()
        batch.fail(KafkaTimeoutError("expired"))
        if circle == "an attribute":
            payload.future, future.payload = future, payload  # type: ignore[attr-defined]
        else:
            try:
                future.get()
            except KafkaTimeoutError:
                pass  # the error, which the batch's result keeps, refers to this frame, and with it to future and payload
        return weakref.ref(payload)

    seen = use()
    gc.collect()
    assert seen() is None
