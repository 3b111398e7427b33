"""send() where SendPath takes the record at once, the compiled one or its Python twin, against send() that goes through all the steps."""

from __future__ import annotations

import os
import random
import time
from collections import deque
from enum import Enum
from pathlib import Path
from typing import Any, Callable

import pytest

from kafka.partitioner.murmur2 import murmur2
from kafka.testing import KafkaBroker
from tests.parity.twins import COMPILED, EACH, PYTHON, Twin, attempt

INT64_MAX = 2**63 - 1
GOLDEN = Path(__file__).parent.parent / "golden" / "murmur2.txt"


class Text(str):
    __slots__ = ()


class Name(str, Enum):
    HEADER = "header"


class Data(bytes):
    """A subclass whose instances stay what they are when bytes() is asked for a copy."""

    def __bytes__(self) -> bytes:
        return self


class Number(int):
    pass


Arguments = dict[str, Any]

# What SendPath takes.
PLAIN: dict[str, Arguments] = {
    "value": {"value": b"v"},
    "empty value": {"value": b""},
    "key and value": {"value": b"v", "key": b"k"},
    "key alone": {"key": b"k"},
    "empty key and null": {"key": b""},
    "no headers": {"value": b"v", "headers": []},
    "headers None": {"value": b"v", "headers": None},
    "partition 0": {"value": b"v", "partition": 0},
    "last partition": {"value": b"v", "key": b"k", "partition": 2},
    "timestamp 0": {"value": b"v", "timestamp_ms": 0},
    "largest timestamp": {"value": b"v", "timestamp_ms": INT64_MAX},
    "long value": {"value": b"x" * 65535, "key": b"k"},
    "chained value": {"value": b"x" * 65536, "key": b"k"},
    "value beyond batch_size": {"value": b"x" * 100_000, "key": b"k"},
    "nearly as large as a request": {"value": b"x" * 1_048_400, "key": b"k"},
}

# Of these, what its Python twin does not: it is rare, and each question costs every record.
LEFT_BY_PYTHON = {"key alone", "empty key and null", "no headers"}

# What it leaves to send(), whatever that makes of it.
OTHER: dict[str, Arguments] = {
    "nothing": {},
    "str value": {"value": "v"},
    "int value": {"value": 1},
    "bytearray": {"value": bytearray(b"v"), "key": bytearray(b"k")},
    "memoryview": {"value": memoryview(b"vvv")[1:], "key": memoryview(b"k")},
    "memoryview of numbers": {"value": memoryview(b"12345678").cast("I")},
    "subclass of bytes": {"value": Data(b"v"), "key": Data(b"k")},
    "str key": {"value": b"v", "key": "k"},
    "headers": {"value": b"v", "headers": [("h", b"1"), ("é", None), ("h", b"")]},
    "header named by a subclass of str": {"value": b"v", "headers": [(Text("h"), b"1")]},
    "header named by an enum": {"value": b"v", "headers": [(Name.HEADER, Data(b"1"))]},
    "header of a memoryview": {"value": b"v", "headers": [("h", memoryview(b"1"))]},
    "header with half a pair": {"value": b"v", "headers": [("\ud800", b"1")]},
    "header of str": {"value": b"v", "headers": [("h", "1")]},
    "header in a list": {"value": b"v", "headers": [["h", b"1"]]},
    "headers in a tuple": {"value": b"v", "headers": (("h", b"1"),)},
    "headers in an empty tuple": {"value": b"v", "headers": ()},
    "headers in a dict": {"value": b"v", "headers": {"h": b"1"}},
    "headers in an empty dict": {"value": b"v", "headers": {}},
    "headers in a str": {"value": b"v", "headers": "h"},
    "headers that are a partition": {"value": b"v", "headers": 1},
    "headers that are a partition, and its timestamp": {"value": b"v", "headers": 1, "partition": 77},
    "headers that are True": {"value": b"v", "headers": True},
    "partition out of range": {"value": b"v", "partition": 3},
    "partition far out of range": {"value": b"v", "partition": 2**31},
    "partition beyond 64 bits": {"value": b"v", "partition": 2**64},
    "partition below 64 bits": {"value": b"v", "partition": -(2**64)},
    "negative partition": {"value": b"v", "partition": -1},
    "partition True": {"value": b"v", "partition": True},
    "partition of a subclass of int": {"value": b"v", "partition": Number(1)},
    "partition 1.0": {"value": b"v", "partition": 1.0},
    "partition '1'": {"value": b"v", "partition": "1"},
    "negative timestamp": {"value": b"v", "timestamp_ms": -1},
    "timestamp beyond 63 bits": {"value": b"v", "timestamp_ms": 2**63},
    "timestamp beyond 64 bits": {"value": b"v", "timestamp_ms": 2**64 + 5},
    "timestamp below 64 bits": {"value": b"v", "timestamp_ms": -(2**64)},
    "timestamp True": {"value": b"v", "timestamp_ms": True},
    "timestamp of a subclass of int": {"value": b"v", "timestamp_ms": Number(5)},
    "timestamp 1.5": {"value": b"v", "timestamp_ms": 1.5},
    "timestamp '1'": {"value": b"v", "timestamp_ms": "1"},
    "subclass of str as topic": {"topic": Text("t"), "value": b"v"},
    "topic of bytes": {"topic": b"t", "value": b"v"},
    "topic None": {"topic": None, "value": b"v"},
    "empty topic": {"topic": "", "value": b"v"},
    "illegal topic": {"topic": "a b", "value": b"v"},
    "another topic": {"topic": "another", "value": b"v", "key": b"k"},
    "list as topic": {"topic": ["t"], "value": b"v"},
    "larger than a request": {"value": b"x" * 1_048_576},
    "larger than a request in the end": {"value": b"x" * 1_048_500, "key": b"k"},
}


def call(producer: Any, arguments: Arguments) -> Any:
    """send(), which takes the short way where that takes the record."""
    return producer.send(**{"topic": "t", **arguments})


def call_slowly(producer: Any, arguments: Arguments) -> Any:
    """send() as it is where SendPath leaves everything to it."""
    defaults = {"topic": "t", "value": None, "key": None, "headers": None, "partition": None, "timestamp_ms": None}
    return producer._send(**{**defaults, **arguments})


WAYS: list[tuple[Twin, Callable[[Any, Arguments], Any]]] = [(PYTHON, call_slowly), (PYTHON, call), (COMPILED, call_slowly), (COMPILED, call)]


def warm(twin: Twin, partitions: int, **configs: Any) -> tuple[Any, Any]:
    """A producer whose batches are open already and known to SendPath."""
    producer, cluster = twin.stage(partitions=partitions, **{"linger_ms": 600_000, **configs})
    for partition in range(partitions):
        producer.send("t", b"first", partition=partition)
    return producer, cluster


def told(outcome: Any) -> Any:
    """A future's outcome, or what was raised."""
    if isinstance(outcome, tuple):
        return outcome
    error = outcome.exception
    sizes = tuple(getattr(outcome, name) for name in ("_key_size", "_value_size", "_header_size", "_timestamp_ms"))
    return outcome.is_done, None if outcome.value is None else tuple(outcome.value), error and (type(error).__name__, str(error)), sizes


@pytest.mark.parametrize("arguments", [*PLAIN.values(), *OTHER.values()], ids=[*PLAIN, *OTHER])
def test_any_arguments_give_the_same_bytes_results_and_exceptions(arguments: Arguments) -> None:
    """Where neither key nor partition is given, chance decides: then there is one partition."""
    is_chosen = arguments.get("key") is not None or "partition" in arguments or isinstance(arguments.get("headers"), int)
    partitions = 3 if is_chosen else 1
    seen = []
    for twin, way in WAYS:
        producer, cluster = warm(twin, partitions)
        outcomes = [attempt(lambda: way(producer, arguments)) for _ in range(3)]  # noqa: B023 - called at once
        used = producer._accumulator.memory.used_bytes
        producer.flush()
        before_close = [told(outcome) for outcome in outcomes]
        producer.close()
        topics = ("t", "another")
        seen.append((before_close, used, producer._accumulator.memory.used_bytes, [cluster.batches(topic) for topic in topics]))
    assert seen[1:] == [seen[0]] * 3
    assert seen[0][2] == 0


@EACH
@pytest.mark.parametrize("name", PLAIN)
def test_a_plain_record_is_taken_at_once(twin: Twin, name: str) -> None:
    producer, _ = warm(twin, 3)
    full = {"value": None, "key": None, "headers": None, "partition": None, "timestamp_ms": None, **PLAIN[name]}
    is_small = len(full["value"] or b"") < 16384  # compiled code leaves it to send() to announce a record that may fill its batch
    is_plain = twin is COMPILED or name not in LEFT_BY_PYTHON
    assert (producer._append_at_once("t", *full.values()) is not None) == (is_small and is_plain)


@EACH
@pytest.mark.parametrize("arguments", OTHER.values(), ids=list(OTHER))
def test_anything_else_is_left_to_send(twin: Twin, arguments: Arguments) -> None:
    producer, _ = warm(twin, 3)
    full = {"topic": "t", "value": None, "key": None, "headers": None, "partition": None, "timestamp_ms": None, **arguments}
    assert producer._append_at_once(*full.values()) is None


def test_a_closed_producer_refuses_in_the_same_words() -> None:
    seen = []
    for twin, way in WAYS:
        producer, _ = warm(twin, 3)
        producer.close()
        seen.append([attempt(lambda: way(producer, arguments)) for arguments in (*PLAIN.values(), *OTHER.values())])  # noqa: B023
    assert seen[1:] == [seen[0]] * 3
    assert seen[0][0][0] == "IllegalStateError"


def test_a_failed_producer_refuses_with_what_it_failed_of() -> None:
    seen = []
    for twin, way in WAYS:
        producer, _ = warm(twin, 3)
        producer._accumulator.refusal = twin.errors.IllegalStateError("The producer failed: of this")
        seen.append(attempt(lambda: way(producer, {"value": b"v"})))  # noqa: B023
    assert seen == [("IllegalStateError", "IllegalStateError: The producer failed: of this")] * len(WAYS)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@EACH
def test_in_a_forked_child_the_parents_path_is_closed(twin: Twin) -> None:
    producer, _ = warm(twin, 3)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writing, repr(producer._append_at_once("t", b"v", None, None, None, None)).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    with open(reading, "rb") as pipe:
        assert pipe.read() == b"None"
    assert producer._append_at_once("t", b"v", None, None, None, None) is not None


@pytest.mark.parametrize("now", [0, 1_600_000_000, 1_600_000_000.1239, 1e9 + 0.0005, 5.0])
def test_a_replaced_clock_is_looked_at(now: float, broker: KafkaBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    stamps = []
    for twin, way in WAYS:
        with twin.KafkaProducer(bootstrap_servers=broker.bootstrap_servers) as producer:
            producer.send("t", b"first", partition=0).get(10)
            with monkeypatch.context() as patch:
                patch.setattr(time, "time", lambda: now)
                futures = [way(producer, {"value": b"v", "partition": 0}) for _ in range(10)]
            stamps.append([future.get(10).timestamp for future in futures])
            assert abs(producer.send("t", b"v").get(10).timestamp - time.time() * 1000) < 60_000
    assert stamps == [[int(now * 1000)] * 10] * len(WAYS)


def test_a_clock_that_was_exchanged_behind_its_name_is_looked_at(broker: KafkaBroker) -> None:
    """time_machine leaves time.time in its place and exchanges what it calls."""
    time_machine: Any = pytest.importorskip("time_machine")
    for twin, way in WAYS:
        with twin.KafkaProducer(bootstrap_servers=broker.bootstrap_servers) as producer:
            producer.send("t", b"first", partition=0).get(10)
            with time_machine.travel(1_000_000_000, tick=False):
                futures = [way(producer, {"value": b"v", "partition": 0}) for _ in range(3)]
            assert [future.get(10).timestamp for future in futures] == [1_000_000_000_000] * 3
            assert producer.send("t", b"v").get(10).timestamp > 1_600_000_000_000


@EACH
def test_what_a_replaced_clock_raises_gets_out(twin: Twin, broker: KafkaBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> float:
        raise OSError("no clock")

    with twin.KafkaProducer(bootstrap_servers=broker.bootstrap_servers) as producer:
        producer.send("t", b"first", partition=0).get(10)
        clocks: list[Callable[[], Any]] = [broken, lambda: "noon", lambda: float("nan"), lambda: float("inf")]
        if twin is COMPILED:
            clocks.append(lambda: 1e300)  # which Python code finds too large when it writes the batch
        for clock in clocks:
            with monkeypatch.context() as patch:
                patch.setattr(time, "time", clock)
                fast = attempt(lambda: producer.send("t", b"v"))
                slow = attempt(lambda: producer._send("t", b"v", None, None, None, None))
            assert fast[0] == slow[0]
        producer.send("t", b"v").get(10)


@pytest.mark.parametrize("partitions", [1, 2, 3, 7, 100])
def test_random_traffic_gives_the_same_bytes(partitions: int) -> None:
    rng = random.Random(partitions)
    traffic: list[Arguments] = []
    for _ in range(600):
        value = rng.choice([None, b"", rng.randbytes(rng.choice([1, 60, 300, 9000]))])
        arguments: Arguments = {"value": value, "key": rng.randbytes(rng.randrange(40))}
        if rng.random() < 0.3:
            arguments["partition"] = rng.randrange(partitions)
        if rng.random() < 0.3:
            arguments["timestamp_ms"] = rng.choice([0, 1000, INT64_MAX, rng.randrange(INT64_MAX)])
        if rng.random() < 0.1:
            arguments["headers"] = [("h", rng.randbytes(5))]
        traffic.append(arguments)
    seen = []
    for twin, way in WAYS:
        producer, cluster = twin.stage(partitions=partitions, linger_ms=600_000)
        futures = []
        for number, arguments in enumerate(traffic):
            futures.append(way(producer, arguments))
            if number % 150 == 149:
                producer.flush()
        producer.flush()
        seen.append(([told(future) for future in futures], cluster.batches("t")))
        assert producer._accumulator.memory.used_bytes == 0
        producer.close()
    assert seen[1:] == [seen[0]] * 3


# --- SendPath by itself -------------------------------------------------------------------------------------------------


def accumulator_of_a_path(twin: Twin, room_bytes: int = 1 << 30) -> Any:
    return twin.accumulator.RecordAccumulator(
        home=twin.home(),
        memory=twin.memory.BufferMemory(room_bytes),
        sizes=twin.accumulator.BatchSizes(1 << 20, 1 << 20),
        magic=2,
        wake=lambda: None,
    )


def path_to(twin: Twin, queues: list[Any], available: list[Any] | None = None, **options: Any) -> Any:
    accumulator = options.pop("accumulator", None) or accumulator_of_a_path(twin)
    for name in ("interrupting", "deferred", "unplaced"):
        setattr(accumulator, name, options.pop(name, getattr(accumulator, name)))
    usual = {"time": None, "monotonic": None, "most_bytes": 1 << 20, "notices_full": False, "seed": 5}
    path = twin.send_path.SendPath(accumulator=accumulator, **{**usual, **options})
    path.put("t", queues, queues if available is None else available)
    return path


def open_queues(twin: Twin, count: int) -> list[Any]:
    queues = []
    for number in range(count):
        queue = twin.accumulator.PartitionQueue(twin.TopicPartition("t", number))
        queue.records = twin.records.RecordBuffer(twin.record.format_for(2), twin.result(), 1000, 1 << 20, 1 << 20)
        queues.append(queue)
    return queues


def chosen(path: Any, queues: list[Any], key: bytes | None, before: list[int]) -> int:
    assert path.append("t", b"v", key, None, None, 5) is not None
    [number] = [n for n, queue in enumerate(queues) if queue.records.appended != before[n]]
    before[number] += 1
    return number


@EACH
@pytest.mark.parametrize("count", [1, 2, 3, 64, 1009])
def test_keys_go_where_javas_client_sends_them(twin: Twin, count: int) -> None:
    queues = open_queues(twin, count)
    path, before = path_to(twin, queues), [0] * count
    for line in GOLDEN.read_text().splitlines():
        key, hashed = line.split(" ")
        assert chosen(path, queues, bytes.fromhex(key), before) == (int(hashed) & 0x7FFFFFFF) % count


@EACH
def test_keys_of_every_length_are_hashed_as_in_python(twin: Twin) -> None:
    queues = open_queues(twin, 251)
    path, before = path_to(twin, queues), [0] * 251
    rng = random.Random(4)
    for length in range(65):
        for _ in range(20):
            key = rng.randbytes(length)
            assert chosen(path, queues, key, before) == (murmur2(key) & 0x7FFFFFFF) % 251


@EACH
def test_more_keys_than_anybody_remembers_go_where_they_went(twin: Twin) -> None:
    queues = open_queues(twin, 7)
    path, before = path_to(twin, queues), [0] * 7
    for _ in range(2):
        for number in range(5000):
            key = b"%d" % number
            assert chosen(path, queues, key, before) == (murmur2(key) & 0x7FFFFFFF) % 7


@EACH
def test_records_without_a_key_are_spread_over_the_partitions_that_have_a_leader(twin: Twin) -> None:
    queues = open_queues(twin, 10)
    path = path_to(twin, queues, available=queues[::2])
    for _ in range(20_000):
        assert path.append("t", b"v", None, None, None, 5) is not None
    counts = [queue.records.appended for queue in queues]
    assert counts[1::2] == [0] * 5
    assert all(3600 < count < 4400 for count in counts[::2])


@EACH
def test_keys_go_to_partitions_without_a_leader_too(twin: Twin) -> None:
    queues = open_queues(twin, 10)
    path, before = path_to(twin, queues, available=queues[:1]), [0] * 10
    assert {chosen(path, queues, b"%d" % n, before) for n in range(200)} == set(range(10))


@EACH
def test_nothing_is_taken_past_records_that_wait_to_be_placed(twin: Twin) -> None:
    queues = open_queues(twin, 1)
    for name in ("interrupting", "deferred") if twin is COMPILED else ("interrupting",):  # on the I/O thread, which defers, Python code takes none
        waiting: deque[Any] = deque()
        path = path_to(twin, queues, **{name: waiting})
        assert path.append("t", b"v", None, None, None, 5) is not None
        waiting.append(object())
        assert path.append("t", b"v", None, None, None, 5) is None
        waiting.clear()
        assert path.append("t", b"v", None, None, None, 5) is not None


@EACH
def test_a_batch_that_takes_no_more_is_followed_by_another(twin: Twin) -> None:
    [queue] = queues = open_queues(twin, 1)
    path = path_to(twin, queues)
    queue.records.seal()
    assert path.append("t", b"v", None, None, None, 5) is not None
    [second] = queue.waiting()
    assert (queue.open, queue.records, second.records.appended) == (second, second.records, 1)
    queue.records = queue.open = None
    assert path.append("t", b"w", None, None, None, 5) is not None
    assert path.append("t", b"x", None, None, None, 5) is not None
    assert [batch.records.appended for batch in queue.waiting()] == [1, 2]
    first, second = queue.waiting()
    assert first.precedes(second)


@EACH
def test_no_batch_is_begun_between_the_steps_of_another_append(twin: Twin) -> None:
    [queue] = queues = open_queues(twin, 1)
    accumulator = accumulator_of_a_path(twin)
    path = path_to(twin, queues, accumulator=accumulator)
    queue.records.seal()
    accumulator.is_appending = True
    assert path.append("t", b"v", None, None, None, 5) is None
    assert not queue.waiting()
    assert not accumulator.fresh
    accumulator.is_appending = False
    assert path.append("t", b"v", None, None, None, 5) is not None
    assert queue.waiting() == list(accumulator.fresh)


def test_no_batch_is_begun_without_room_or_in_another_format_or_for_a_topic_with_a_limit() -> None:
    twin = COMPILED
    [queue] = queues = open_queues(twin, 1)
    queue.records.seal()
    accumulator = accumulator_of_a_path(twin, room_bytes=100)
    path = path_to(twin, queues, accumulator=accumulator)
    assert path.append("t", b"v" * 100, None, None, None, 5) is None
    accumulator.size_limits["t"] = 1000
    assert path.append("t", b"v", None, None, None, 5) is None
    accumulator.size_limits.clear()
    accumulator.adopt_format(1)
    assert path.append("t", b"v", None, None, None, 5) is None
    accumulator.adopt_format(2)
    assert path.append("t", b"v", None, None, None, 5) is not None


@pytest.mark.parametrize("magic", [0, 1])
def test_no_batch_is_begun_for_brokers_with_an_old_format(magic: int) -> None:
    twin = COMPILED
    [queue] = queues = open_queues(twin, 1)
    queue.records = None
    accumulator = accumulator_of_a_path(twin)
    accumulator.adopt_format(magic)
    path = path_to(twin, queues, accumulator=accumulator)
    assert path.append("t", b"v", None, None, None, 5) is None
    assert not queue.waiting()
    accumulator.adopt_format(2)
    assert path.append("t", b"v", None, None, None, 5) is not None


def test_a_batch_that_is_not_compiled_is_left_to_python() -> None:
    twin = COMPILED
    queues = open_queues(twin, 1)
    path = path_to(twin, queues)
    queues[0].records = object()
    assert path.append("t", b"v", None, None, None, 5) is None


@EACH
def test_a_cleared_path_knows_nothing_and_a_closed_one_takes_nothing_more(twin: Twin) -> None:
    queues = open_queues(twin, 1)
    path = path_to(twin, queues)
    assert path.has("t")
    path.clear()
    assert not path.has("t")
    assert path.append("t", b"v", None, None, None, 5) is None
    path.put("t", queues, queues)
    assert path.append("t", b"v", None, None, None, 5) is not None
    path.close()
    path.put("t", queues, queues)
    assert path.append("t", b"v", None, None, None, 5) is None


@EACH
def test_what_is_no_queue_is_refused(twin: Twin) -> None:
    path = path_to(twin, open_queues(twin, 1))
    with pytest.raises(TypeError, match="not a PartitionQueue"):
        path.put("u", [object()], [object()])
    with pytest.raises(TypeError):
        path.put(None, [], [])
    path.put("u", open_queues(twin, 1), [])
    assert not path.has("u")
