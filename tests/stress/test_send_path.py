"""Many threads and signal handlers on a record's way, with whichever implementation is in use: none lost, none doubled, order kept."""

from __future__ import annotations

import functools
import gc
import itertools
import random
import signal
import sys
import threading
from collections import Counter, defaultdict, deque
from collections.abc import Iterable
from typing import Any, Callable

import pytest

from kafka import KafkaProducer, record
from kafka._clock import SystemClock
from kafka.future import Home
from kafka.producer.accumulator import BatchSizes, RecordAccumulator
from kafka.producer.memory import BufferMemory
from kafka.producer.send_path import SendPath
from kafka.structs import TopicPartition
from kafka.testing import KafkaBroker

Make = Callable[..., KafkaProducer]

THREADS, RECORDS, PARTITIONS = 4, 12_000, 3


def run_together(*works: Callable[[], None]) -> None:
    """Run each in a thread of its own; what one of them raises is raised here."""
    failures: list[BaseException] = []

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - of a thread, raised below
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(work,), daemon=True) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    if failures:
        raise failures[0]
    assert not any(thread.is_alive() for thread in threads)


def check_order(values: list[bytes], senders: Iterable[str]) -> None:
    """In a partition's values, b"sender.number....", the numbers of each sender ascend."""
    numbers: dict[str, list[int]] = defaultdict(list)
    for value in values:
        sender, number, _ = value.decode().split(".", 2)
        numbers[sender].append(int(number))
    for sender in senders:
        assert numbers[sender] == sorted(set(numbers[sender])), sender


class Drain:
    """Plays the I/O thread: seals and takes batches at any moment, reads them, gives their records offsets."""

    def __init__(self, accumulator: RecordAccumulator, queues: list[Any], is_over: threading.Event) -> None:
        self.values: list[list[bytes]] = [[] for _ in queues]
        self._is_over = is_over
        self._accumulator = accumulator
        self._queues = queues

    def run(self) -> None:
        while not self._is_over.is_set() or any(queue.backlog for queue in self._queues):
            self._accumulator.memory.serve_waiters()
            self._accumulator.fresh.clear()
            for queue, values in zip(self._queues, self.values):
                if queue.backlog:
                    self._take(queue.take_first(), values)

    def _take(self, batch: Any, values: list[bytes]) -> None:
        batch.seal()
        data = b"".join(batch.assemble(None, 2))
        found = [one.value for view in record.read(data) for one in view.records]
        assert len(found) == batch.record_count
        offset = len(values)
        values.extend(found)
        size_bytes = batch.size_bytes
        batch.records.drop()
        self._accumulator.memory.release(size_bytes)
        batch.result.succeed(offset)


class Senders:
    """Threads that append by the short way, and where it leaves a record to it, through the accumulator."""

    def __init__(self, accumulator: RecordAccumulator, queues: list[Any], value_of: Callable[[str, int], bytes]) -> None:
        self.sent: dict[str, list[tuple[int, bytes, Any]]] = {f"thread{number}": [] for number in range(THREADS)}
        self.are_over = threading.Event()
        self.at_once = Counter[str]()
        self.path = path_to(accumulator)
        self._accumulator = accumulator
        self._queues = queues
        self._value_of = value_of
        self._left = deque(self.sent)

    def run(self, name: str) -> None:
        try:
            for number in range(RECORDS):
                value = self._value_of(name, number)
                self.sent[name].append((number % PARTITIONS, value, self._send(name, number % PARTITIONS, value)))
        finally:
            self._left.remove(name)
            if not self._left:
                self.are_over.set()

    def _send(self, name: str, partition: int, value: bytes) -> Any:
        future = self.path.append("t", value, None, None, partition, 1000)
        if future is not None:
            self.at_once[name] += 1
            return future
        if not self.path.has("t"):
            queues = list(self._queues)
            self.path.put("t", queues, queues)
        return self._accumulator.append(self._queues[partition], 1000, None, value, (), -1, 30.0)

    def clear(self) -> None:
        """What a listener to metadata does, again and again."""
        while not self.are_over.wait(0.0005):
            self.path.clear()


def path_to(accumulator: RecordAccumulator) -> Any:
    options: dict[str, Any] = {"time": None, "monotonic": None, "most_bytes": 1 << 20, "notices_full": False, "seed": 1}
    return SendPath(accumulator=accumulator, **options)


@pytest.mark.parametrize("room_bytes", [20_000, 1 << 26], ids=["little room", "much room"])
@pytest.mark.parametrize("batch_bytes", [300, 16384], ids=["small batches", "large batches"])
@pytest.mark.usefixtures("restless")
def test_batches_are_sealed_and_the_path_is_cleared_while_threads_send(room_bytes: int, batch_bytes: int) -> None:
    sizes = BatchSizes(sendable=batch_bytes, most=batch_bytes)
    accumulator = RecordAccumulator(home=Home(SystemClock()), memory=BufferMemory(room_bytes), sizes=sizes, magic=2, wake=lambda: None)
    queues = [accumulator.queue(TopicPartition("t", number)) for number in range(PARTITIONS)]
    senders = Senders(
        accumulator, queues, lambda name, number: b"%s.%d.%s" % (name.encode(), number, b"." * (number % 70 if number % 400 else 9000 % batch_bytes))
    )
    drain = Drain(accumulator, queues, senders.are_over)

    run_together(drain.run, senders.clear, *(functools.partial(senders.run, name) for name in senders.sent))

    everything = [value for records in senders.sent.values() for _, value, _ in records]
    assert sorted(value for values in drain.values for value in values) == sorted(everything)
    for values in drain.values:
        check_order(values, senders.sent)
    for partition, value, future in itertools.chain.from_iterable(senders.sent.values()):
        assert drain.values[partition][future.get(0).offset] == value
    assert accumulator.memory.used_bytes == 0
    assert min(senders.at_once.values()) > RECORDS / 100


@pytest.mark.parametrize("configs", [{}, {"linger_ms": 2}, {"batch_size": 500}, {"buffer_memory": 30_000}], ids=str)
@pytest.mark.usefixtures("restless")
def test_a_producer_keeps_every_record_while_metadata_changes(configs: dict[str, Any], broker: KafkaBroker, make_producer: Make) -> None:
    producer = make_producer(metadata_max_age_ms=60_000, retry_backoff_ms=0, **configs)
    sent: dict[str, list[tuple[bytes, Any]]] = {f"thread{number}": [] for number in range(THREADS)}
    called = Counter[str]()
    is_over = threading.Event()
    left = deque(sent)

    def send(name: str) -> None:
        try:
            for number in range(3000):
                value = b"%s.%d.%s" % (name.encode(), number, b"x" * (number % 90))
                key = None if number % 3 == 0 else b"%d" % (number % 17)
                future = producer.send("t", value, key, partition=number % PARTITIONS if number % 2 else None)
                if number % 10 == 0:
                    future.add_callback(lambda _: called.update([name]))
                sent[name].append((value, future))
        finally:
            left.remove(name)
            if not left:
                is_over.set()

    def change() -> None:
        while not is_over.is_set():
            producer._metadata.request_update().result(10)

    run_together(change, *(lambda name=name: send(name) for name in sent))
    producer.flush(30)

    where = {(found.partition, found.offset): found.value for found in broker.records("t")}
    assert sorted(where.values()) == sorted(value for records in sent.values() for value, _ in records)
    for records in sent.values():
        for value, future in records:
            metadata = future.get(0)
            assert where[metadata.partition, metadata.offset] == value
    for partition in range(PARTITIONS):
        check_order([value for (there, _), value in sorted(where.items()) if there == partition], sent)
    assert called == dict.fromkeys(sent, 300)
    assert producer._accumulator.memory.used_bytes == 0


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there are no interval timers")
@pytest.mark.parametrize("configs", [{}, {"linger_ms": 5}, {"batch_size": 400}, {"buffer_memory": 40_000}], ids=str)
def test_signal_handlers_send_in_the_middle_of_a_tight_loop(configs: dict[str, Any], broker: KafkaBroker, make_producer: Make) -> None:
    producer = make_producer(**configs)
    producer.send("t", b"handler.0.", partition=0).get(10)
    sent: list[Any] = []
    in_handler: list[Any] = []
    is_handling = False

    def handle(*_: Any) -> None:
        nonlocal is_handling
        if not is_handling:
            is_handling = True
            for _ in range(2):
                in_handler.append(producer.send("t", b"handler.%d." % (len(in_handler) + 1), partition=0))
            is_handling = False

    before = signal.signal(signal.SIGALRM, handle)
    signal.setitimer(signal.ITIMER_REAL, 0.0007, 0.0011)
    try:
        while len(in_handler) < 120 or len(sent) < 10_000:
            for _ in range(100):
                sent.append(producer.send("t", b"main.%d." % len(sent), partition=0))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    producer.flush(30)

    values = [found.value for found in broker.records("t")]
    assert sorted(values) == sorted([*(b"handler.%d." % n for n in range(len(in_handler) + 1)), *(b"main.%d." % n for n in range(len(sent)))])
    check_order(values, ["main", "handler"])
    for number, future in enumerate(sent):
        assert values[future.get(0).offset] == b"main.%d." % number
    for number, future in enumerate(in_handler):
        assert values[future.get(0).offset] == b"handler.%d." % (number + 1)
    assert producer._accumulator.memory.used_bytes == 0


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there are no interval timers")
@pytest.mark.skipif(sys.version_info < (3, 10), reason="an interrupt may skip the end of a with or finally there, as docs/guarantees.rst says")
@pytest.mark.parametrize("configs", [{}, {"linger_ms": 5}, {"batch_size": 400}, {"buffer_memory": 40_000}, {"buffer_memory": 400}], ids=str)
def test_interrupts_in_the_middle_of_a_tight_loop_lose_no_room_and_no_order(
    configs: dict[str, Any], broker: KafkaBroker, make_producer: Make
) -> None:
    producer = make_producer(**configs)
    producer.send("t", b"main.0.", partition=0).get(10)
    chance = random.Random(7)
    sent: dict[int, Any] = {}
    number = 0

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    gc.disable()  # nothing gets out of what the collector calls, and tools have it call
    try:
        for _ in range(400):
            try:
                signal.setitimer(signal.ITIMER_REAL, chance.uniform(0.00001, 0.0004))
                for _ in range(1000):
                    number += 1  # of a record whose send() is interrupted nobody knows whether it is sent
                    sent[number] = producer.send("t", b"main.%d." % number, b"k" if number % 3 else None, partition=0)
                signal.setitimer(signal.ITIMER_REAL, 0)
            except KeyboardInterrupt:
                assert not producer._accumulator.is_appending
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        gc.enable()
    producer.flush(30)

    values = [found.value for found in broker.records("t")]
    check_order([value or b"" for value in values], ["main"])
    assert len(sent) > 400
    for one, future in sent.items():
        assert values[future.get(0).offset] == b"main.%d." % one
    assert producer._accumulator.memory.used_bytes == 0
