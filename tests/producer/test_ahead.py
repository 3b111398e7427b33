"""producer.ahead: what threads that wait for room compress, and what becomes of it."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from kafka import KafkaProducer, codec, record
from kafka._clock import SystemClock
from kafka.errors import KafkaTimeoutError
from kafka.future import Home
from kafka.producer import config as producer_config
from kafka.producer.accumulator import BatchSizes, RecordAccumulator
from kafka.producer.ahead import CompressedAhead
from kafka.producer.batch import BatchState, ProducerBatch
from kafka.producer.memory import BufferMemory, MemoryWaiter
from kafka.structs import TopicPartition
from kafka.testing import KafkaBroker, faults
from tests.scenarios.stage import Stage

TP = TopicPartition("t", 0)
GZIP = codec.require("gzip")


class Spy:
    """gzip, with what is to happen while it compresses."""

    id, name = GZIP.id, GZIP.name

    def __init__(self) -> None:
        self.compressed = 0
        self.meanwhile: Any = lambda: None

    def compress(self, data: Any) -> bytes:
        self.compressed += 1
        self.meanwhile()
        return GZIP.compress(data)


def accumulator(spy: Any, batches: int, magic: int = 2) -> RecordAccumulator:
    """With so many full batches of one partition, and an open one behind them."""
    sizes = BatchSizes(sendable=1000, most=1000)
    made = RecordAccumulator(
        home=Home(SystemClock()), memory=BufferMemory(1 << 20), sizes=sizes, magic=magic, wake=lambda: None, codec=spy
    )
    queue = made.queue(TP)
    while queue.backlog <= batches:
        made.append(queue, 1000 + queue.backlog, None, b"v" * 100, (), -1, 0.0)
    return made


def fill(target: RecordAccumulator) -> None:
    memory = target.memory
    assert memory.reserve(memory.limit_bytes - memory.used_bytes)


def batches_of(target: RecordAccumulator) -> list[ProducerBatch]:
    return target.queue(TP).waiting()


@pytest.mark.parametrize("magic", [0, 1, 2])
def test_what_was_made_ahead_is_what_the_io_thread_would_make(magic: int) -> None:
    target = accumulator(GZIP, batches=4, magic=magic)
    third = batches_of(target)[2]
    assert target.ahead.compress_one(target.queue(TP))
    made = target.ahead.take(third)
    assert made is not None
    third.seal()
    without = third.assemble(GZIP, magic)
    assert b"".join(third.assemble(GZIP, magic, made)) == b"".join(without) == b"".join(made)
    assert [len(list(view.records)) for view in record.read(b"".join(made))] == [third.record_count]


def test_a_format_that_was_given_up_meanwhile_is_not_sent() -> None:
    target = accumulator(GZIP, batches=4)
    third = batches_of(target)[2]
    target.ahead.compress_one(target.queue(TP))
    third.seal()
    sent = b"".join(third.assemble(GZIP, 1, target.ahead.take(third)))
    assert [view.magic for view in record.read(sent)] == [1]


def test_the_io_thread_s_next_batches_and_open_ones_are_left_to_it() -> None:
    for full in range(3):
        target = accumulator(GZIP, batches=full)
        assert not target.ahead.compress_one(target.queue(TP))
    target = accumulator(GZIP, batches=3)
    assert target.ahead.compress_one(target.queue(TP))
    assert [target.ahead.take(batch) is not None for batch in batches_of(target)] == [False, False, True, False]


def test_no_more_than_four_batches_are_held_twice() -> None:
    target = accumulator(GZIP, batches=10)
    queue = target.queue(TP)
    assert [target.ahead.compress_one(queue) for _ in range(5)] == [True] * 4 + [False]
    assert [target.ahead.take(batch) is not None for batch in batches_of(target)] == [False] * 2 + [True] * 4 + [False] * 5
    assert target.ahead.compress_one(queue)


def test_batches_whose_fate_was_decided_meanwhile_are_forgotten() -> None:
    spy = Spy()
    target = accumulator(spy, batches=3)
    third = batches_of(target)[2]
    spy.meanwhile = third.seal  # as the I/O thread does that takes it
    assert target.ahead.compress_one(target.queue(TP))
    assert target.ahead.take(third) is None
    spy.meanwhile = lambda: None
    target = accumulator(spy, batches=7)
    for batch in batches_of(target):
        target.ahead.compress_one(target.queue(TP))
        target.ahead.forget(batch)
    assert spy.compressed > 5


def test_two_threads_never_compress_the_same_batch() -> None:
    spy = Spy()
    target = accumulator(spy, batches=6)
    queue = target.queue(TP)
    both = threading.Barrier(2, timeout=30)
    spy.meanwhile = both.wait
    threads = [threading.Thread(target=target.ahead.compress_one, args=(queue,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    made = [target.ahead.take(batch) for batch in batches_of(target)]
    assert [bool(one) for one in made] == [False, False, True, True, False, False, False]


@pytest.mark.parametrize("error", [MemoryError("no room"), ValueError("bad")])
def test_what_cannot_be_compressed_is_left_for_the_io_thread_to_fail(error: Exception) -> None:
    def fail() -> None:
        raise error

    spy = Spy()
    target = accumulator(spy, batches=3)
    spy.meanwhile = fail
    assert not target.ahead.compress_one(target.queue(TP))
    spy.meanwhile = lambda: None
    assert target.ahead.compress_one(target.queue(TP))


def test_an_interrupt_while_compressing_leaves_room_line_and_batch_as_they_were() -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    spy = Spy()
    target = accumulator(spy, batches=3)
    fill(target)
    spy.meanwhile = interrupt
    with pytest.raises(KeyboardInterrupt):
        target.append(target.queue(TP), 1, None, b"v" * 5000, (), -1, 30.0)
    assert spy.compressed == 1
    assert not any(not waiter.is_decided for waiter in target.memory.waiters)
    assert target.memory.used_bytes == target.memory.limit_bytes
    assert target.ahead.take(batches_of(target)[2]) is None


def test_who_waits_gets_room_before_the_next_batch_is_compressed(monkeypatch: pytest.MonkeyPatch) -> None:
    granted: list[int] = []
    place = MemoryWaiter(1500)
    spy = Spy()
    spy.meanwhile = lambda: granted.append(place.held_bytes)
    monkeypatch.setattr(producer_config, "chosen_codec", lambda config: spy)
    producer = Stage().producer(batch_size=0, buffer_memory=3000, max_in_flight_requests_per_connection=1)
    producer.partitions_for("t")
    for _ in range(2):
        producer.send("t", b"x" * 900)
    producer._accumulator.memory.join_queue(place)
    producer.flush()
    assert granted == [0, 1500]


def test_a_thread_whose_time_is_nearly_up_waits_and_does_nothing_else() -> None:
    spy = Spy()
    target = accumulator(spy, batches=6)
    fill(target)
    with pytest.raises(KafkaTimeoutError):
        target.append(target.queue(TP), 1, None, b"v" * 5000, (), -1, 0.05)
    assert spy.compressed == 0


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_records_sent_while_there_is_no_room_arrive_whole_and_in_order(compression: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    compress_one = CompressedAhead.compress_one
    monkeypatch.setattr(CompressedAhead, "compress_one", lambda self, queue: made.append(compress_one(self, queue)) or made[-1])
    with KafkaBroker() as broker:
        broker.faults.add(faults.DelayReply(0.01), api="Produce")
        with KafkaProducer(
            bootstrap_servers=broker.bootstrap_servers, compression_type=compression, batch_size=2000, buffer_memory=40_000, acks="all"
        ) as producer:
            for number in range(3000):
                producer.send("t", b"%06d" % number * 30, partition=0)
        assert [record.value for record in broker.records("t")] == [b"%06d" % number * 30 for number in range(3000)]
    assert any(made)


def test_a_batch_that_went_out_is_open_to_nobody() -> None:
    target = accumulator(GZIP, batches=3)
    for batch in batches_of(target):
        batch.seal()
    assert {batch.state for batch in batches_of(target)} == {BatchState.SEALED}
    assert not target.ahead.compress_one(target.queue(TP))
