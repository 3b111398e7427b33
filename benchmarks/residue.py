"""Where the time of a record and of a batch goes inside this library, without broker and I/O thread: `python -m benchmarks.residue`.

Each line is the best of several rounds of one step, done again and again on one thread; docs/performance.rst quotes them.
"""

from __future__ import annotations

import time
from typing import Any, Callable

import kafka
from kafka._clock import SystemClock
from kafka.future import Home
from kafka.producer.accumulator import BatchSizes, RecordAccumulator
from kafka.producer.memory import BufferMemory
from kafka.producer.partition_queue import PartitionQueue
from kafka.producer.send_path import SendPath
from kafka.protocol.produce import PartitionProduceResponse, ProduceResponse, TopicProduceResponse
from kafka.protocol.produce_batches import ProduceAnswer, ProduceBatches
from kafka.structs import TopicPartition

RECORDS = 300_000
BATCHES = 10_000
ROUNDS = 5
VERSION = 12
VALUE = b"x" * 100


class Bench:
    """An accumulator with one partition whose open batch has no end, and the ways into it."""

    def __init__(self) -> None:
        self.accumulator = RecordAccumulator(
            home=Home(SystemClock()), memory=BufferMemory(1 << 40), sizes=BatchSizes(16384, 1 << 30), magic=2, wake=lambda: None
        )
        self.queue = self.accumulator.queue(TopicPartition("t", 0))
        self.begun_ms = 0
        self.begin()
        self.append = self._send_path()

    def begin(self) -> None:
        """A new batch, of one record."""
        batch = self.queue.open
        if batch is not None:
            batch.seal()
            batch.records.drop()
        self.queue.open = self.queue.records = None
        while self.queue.backlog:
            self.queue.take_first()
        self.accumulator.fresh.clear()
        self.begun_ms = int(time.time() * 1000)
        self.accumulator.append(self.queue, self.begun_ms, None, VALUE, (), -1, 0.0)

    def _send_path(self) -> Callable[..., Any]:
        options = {"time": None, "monotonic": None, "most_bytes": 1 << 20, "notices_full": False, "seed": 1}
        path = SendPath(accumulator=self.accumulator, **options)
        path.put("t", [self.queue], [self.queue])
        append: Callable[..., Any] = path.append
        return append

    def send(self, topic: str, value: Any = None, key: Any = None, headers: Any = None, partition: Any = None, timestamp_ms: Any = None) -> Any:
        """What KafkaProducer.send() is for a plain record: a Python method around one call."""
        append = self.append
        return append(topic, value, key, headers, partition, timestamp_ms)


def best(step: Callable[[], None], count: int, prepare: Callable[[], None]) -> float:
    """Seconds for one of the `count` things that a call of `step` does."""
    seconds = []
    for _ in range(ROUNDS):
        prepare()
        began_s = time.perf_counter()
        step()
        seconds.append((time.perf_counter() - began_s) / count)
    return min(seconds)


def per_record(bench: Bench) -> list[tuple[str, float]]:  # noqa: C901 - a loop for each step, so that no call comes in between
    repeat = range(RECORDS)
    append, send = bench.append, bench.send

    def nothing() -> None:
        for _ in repeat:
            pass

    def with_timestamp() -> None:
        begun_ms = bench.begun_ms
        for _ in repeat:
            append("t", VALUE, None, None, None, begun_ms)

    def without() -> None:
        for _ in repeat:
            append("t", VALUE, None, None, None, None)

    def dropped() -> None:
        for _ in repeat:
            send("t", VALUE)

    def kept() -> None:
        bench.kept = [send("t", VALUE) for _ in repeat]  # type: ignore[attr-defined]

    def with_callback() -> None:
        for _ in repeat:
            send("t", VALUE).add_callback(_ignore)

    def complete() -> None:
        batch = bench.queue.open
        if batch is not None:
            batch.result.succeed(0)

    def callbacks_there() -> None:
        bench.begin()
        with_callback()

    steps = (
        ("the loop itself", nothing, bench.begin),
        ("bytes and future, timestamp given", with_timestamp, bench.begin),
        ("and the clock read", without, bench.begin),
        ("and the Python method around it: send(), future dropped", dropped, bench.begin),
        ("and the future kept in a list", kept, bench.begin),
        ("send() and add_callback()", with_callback, bench.begin),
        ("completion: RecordMetadata made, callback called", complete, callbacks_there),
    )
    return [(name, best(step, RECORDS, prepare)) for name, step, prepare in steps]


def per_batch() -> list[tuple[str, float]]:
    bench = Bench()
    accumulator = bench.accumulator
    queues = [PartitionQueue(TopicPartition("t", number)) for number in range(BATCHES)]

    def forget() -> None:
        accumulator.fresh.clear()
        for queue in queues:
            queue.open = queue.records = None
            while queue.backlog:
                queue.take_first()

    def begin() -> None:
        for queue in queues:
            accumulator.append(queue, 1000, None, VALUE, (), -1, 0.0)

    def begun() -> None:
        forget()
        begin()

    def finish() -> None:
        for batch in accumulator.fresh:
            batch.seal()
            batch.assemble(None, 2)

    begun()
    finish()
    batches = [batch.assemble(None, 2) for batch in accumulator.fresh]
    answers = [PartitionProduceResponse(index=number, base_offset=7) for number in range(BATCHES)]
    answer = ProduceResponse(responses=[TopicProduceResponse(name="t", partition_responses=answers)]).encode(VERSION)

    def encode() -> None:
        request = ProduceBatches(VERSION, 1, 30000)
        for number, buffers in enumerate(batches):
            request.add("t", number, buffers, sum(map(len, buffers)))
        request.encode_chain(VERSION)

    def decode() -> None:
        ProduceAnswer.decode(VERSION, answer)

    steps = (
        ("begin a batch: the first record of a partition, by way of append()", begin, forget),
        ("seal it, header and CRC-32C", finish, begun),
        ("its part of a Produce request", encode, _nothing),
        ("its part of the answer", decode, _nothing),
    )
    return [(name, best(step, BATCHES, prepare)) for name, step, prepare in steps]


def _ignore(metadata: Any) -> None:
    """A callback that does nothing."""


def _nothing() -> None:
    """Nothing to prepare."""


def main() -> None:
    print(f"{kafka.__impl__}, {len(VALUE)}-byte values, one thread, best of {ROUNDS}")
    for name, seconds in per_record(Bench()):
        print(f"  {seconds * 1e9:7.0f} ns a record  {name}")
    for name, seconds in per_batch():
        print(f"  {seconds * 1e6:7.2f} us a batch   {name}")


if __name__ == "__main__":
    main()
