"""Batches that grow beyond batch_size while they wait for the wire, and brokers that do not take them so large; in virtual time."""

from __future__ import annotations

import random
import threading
from typing import Any, NamedTuple

import pytest

from kafka import KafkaProducer
from kafka.errors import KafkaTimeoutError, MessageSizeTooLargeError, NoError, NotEnoughReplicasError, RecordListTooLargeError, for_code
from kafka.testing import KafkaBroker
from kafka.testing.exchange import Answer, Call, Handler, Silence
from tests.scenarios.stage import Stage, answer_produce_with, refusal

LATENCY_S = 0.05
BATCH_SIZE = 16384  # the default
MAX_REQUEST_SIZE = 1048576  # the default


class Arrival(NamedTuple):
    """A batch that a broker got, and what it said."""

    at_s: float
    topic: str
    partition: int
    size_bytes: int
    error: type[Exception]


@pytest.fixture
def arrivals(monkeypatch: pytest.MonkeyPatch) -> list[Arrival]:
    """What the brokers of this test get, in order."""
    got: list[Arrival] = []

    def note(call: Call, usual: Handler) -> Answer:
        answer = usual(call)
        said = {} if isinstance(answer, Silence) else {(t.name, p.index): p.error_code for t in answer.responses for p in t.partition_responses}
        for topic in call.request.topic_data:
            for data in topic.partition_data:
                error = for_code(said.get((topic.name, data.index), 0))
                got.append(Arrival(call.cluster.clock.monotonic(), topic.name, data.index, len(data.records), error))
        return answer

    answer_produce_with(monkeypatch, note)
    return got


def make_stage(**cluster: Any) -> Stage:
    stage = Stage(latency_s=LATENCY_S, **cluster)
    stage.transport.capacity_bytes = 1 << 30  # a request arrives whole
    return stage


def begin(stage: Stage, topic: str = "t", **configs: Any) -> KafkaProducer:
    """A producer that has sent one record to each partition: connections and metadata are there."""
    producer = stage.producer(**configs)
    for partition in sorted(producer.partitions_for(topic)):
        producer.send(topic, b"first", partition=partition)
    producer.flush()
    stage.clock.run_for(1)
    return producer


def numbered(count: int, size: int = 500) -> list[bytes]:
    return [b"%06d" % number + b"." * (size - 6) for number in range(count)]


def stored(stage: Stage, topic: str = "t", partition: int = 0) -> list[bytes | None]:
    """The values of a partition without the first."""
    return [record.value for record in stage.cluster.records(topic) if record.partition == partition][1:]


def used_bytes(producer: KafkaProducer) -> int:
    return producer._accumulator.memory.used_bytes


# --- growing ------------------------------------------------------------------------------------------------------------


def test_a_batch_grows_while_in_flight_is_full(arrivals: list[Arrival]) -> None:
    stage = make_stage()
    producer = begin(stage, max_in_flight_requests_per_connection=1)
    arrivals.clear()
    producer.send("t", b"on its way")
    stage.clock.run_for(0.01)
    for value in numbered(400):
        producer.send("t", value)
        stage.clock.run_for(0.0001)
    producer.flush()
    assert len(arrivals) == 2
    assert arrivals[1].size_bytes > 10 * BATCH_SIZE
    assert stored(stage)[1:] == numbered(400)


def test_batches_grow_to_what_a_request_takes(arrivals: list[Arrival]) -> None:
    stage = make_stage(max_message_bytes=10_000_000)
    producer = begin(stage)
    for value in numbered(6000):
        producer.send("t", value)
    producer.flush()
    assert max(arrival.size_bytes for arrival in arrivals) > 0.99 * MAX_REQUEST_SIZE
    assert all(arrival.size_bytes <= MAX_REQUEST_SIZE for arrival in arrivals)
    assert stored(stage) == numbered(6000)


@pytest.mark.parametrize(
    ("configs", "most"),
    [
        pytest.param({"batch_size": 16384}, 16384, id="batch_size"),
        pytest.param({"batch_size": 3000}, 3000, id="a smaller batch_size"),
        pytest.param({"max_batch_size": 40_000}, 40_000, id="max_batch_size"),
        pytest.param({"batch_size": 3000, "max_batch_size": 5000}, 5000, id="both"),
        pytest.param({"max_request_size": 20_000}, 20_000, id="max_request_size"),
        pytest.param({"acks": 0}, 16384, id="acks=0"),
    ],
)
def test_no_batch_is_larger_than_the_options_say(configs: dict[str, Any], most: int, arrivals: list[Arrival]) -> None:
    stage = make_stage()
    producer = begin(stage, **configs)
    for value in numbered(1000):
        producer.send("t", value)
    producer.flush()
    stage.clock.run_for(1)
    assert 0.8 * most < max(arrival.size_bytes for arrival in arrivals) <= most
    assert stored(stage) == numbered(1000)


def test_with_batch_size_0_every_record_is_alone(arrivals: list[Arrival]) -> None:
    stage = make_stage()
    producer = begin(stage, batch_size=0)
    arrivals.clear()
    for value in numbered(20):
        producer.send("t", value)
    producer.flush()
    assert len(arrivals) == 20
    assert stored(stage) == numbered(20)


# --- splitting ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [MessageSizeTooLargeError, RecordListTooLargeError])
@pytest.mark.parametrize("waits", ["flush", "get of the last", "get of the first", "close"])
@pytest.mark.parametrize("max_message_bytes", [100_000, 5000, 700])
def test_a_refused_batch_is_split_in_order_without_any_retry(
    waits: str, max_message_bytes: int, error: type[Exception], arrivals: list[Arrival], monkeypatch: pytest.MonkeyPatch
) -> None:
    if error is RecordListTooLargeError:
        monkeypatch.setattr("kafka.testing.validation.MessageSizeTooLargeError", RecordListTooLargeError)
    stage = make_stage(max_message_bytes=max_message_bytes)
    producer = begin(stage, retries=0)
    seen: list[int] = []
    futures = [producer.send("t", value).add_callback(lambda metadata: seen.append(metadata.offset)) for value in numbered(1000)]
    if waits == "flush":
        producer.flush()
    elif waits == "get of the last":
        assert futures[-1].get(60).offset == 1000
    elif waits == "get of the first":
        assert futures[0].get(60).offset == 1
        producer.flush()
    else:
        producer.close()
    assert [future.get(0).offset for future in futures] == list(range(1, 1001))
    assert seen == list(range(1, 1001))
    assert stored(stage) == numbered(1000)
    assert error in {arrival.error for arrival in arrivals}
    assert used_bytes(producer) == 0


def test_keys_headers_and_timestamps_are_kept_across_a_split() -> None:
    stage = make_stage(max_message_bytes=3000)
    producer = begin(stage)
    sent = []
    for number in range(200):
        key = None if number % 3 else b"k%d" % number
        value = b"v" * 40 if number % 5 or key is None else None
        headers = [("name", b"x"), ("né", None)] if number % 7 == 0 else []
        timestamp_ms = 1000 + (number * 37) % 100
        future = producer.send("t", value, key, headers, 0, timestamp_ms)
        sent.append((key, value, headers, timestamp_ms, future))
    producer.flush()
    records = stage.cluster.records("t")[1:]
    assert [(r.key, r.value, list(r.headers), r.timestamp) for r in records] == [one[:4] for one in sent]
    for record, (key, value, _, timestamp_ms, future) in zip(records, sent):
        metadata = future.get(0)
        sizes = (-1 if key is None else len(key), -1 if value is None else len(value))
        assert (metadata.offset, metadata.timestamp) == (record.offset, timestamp_ms)
        assert (metadata.serialized_key_size, metadata.serialized_value_size) == sizes


def test_the_limit_is_remembered_for_the_topic_alone(arrivals: list[Arrival]) -> None:
    stage = make_stage(max_message_bytes=100_000)
    producer = begin(stage)
    begin_other = producer.send("other", b"first")
    begin_other.get()
    for value in numbered(1000):
        producer.send("t", value)
    producer.flush()
    arrivals.clear()
    for value in numbered(3000):
        producer.send("t", value)
    producer.flush()
    assert {arrival.error for arrival in arrivals} == {NoError}
    assert max(arrival.size_bytes for arrival in arrivals) > BATCH_SIZE  # they still grow
    arrivals.clear()
    for value in numbered(1000):
        producer.send("other", value)
    producer.flush()
    assert arrivals[0].error is MessageSizeTooLargeError
    assert stored(stage, "other") == numbered(1000)


@pytest.mark.parametrize("at", [0, 1, 250, 499])
def test_a_record_that_is_too_large_by_itself_fails_alone(at: int, arrivals: list[Arrival]) -> None:
    stage = make_stage(max_message_bytes=50_000)
    producer = begin(stage)
    values = numbered(500)
    values[at] = b"x" * 60_000
    futures = [producer.send("t", value) for value in values]
    seen: list[int] = []
    for number, future in enumerate(futures):
        future.add_both(lambda _, number=number: seen.append(number))
    producer.flush()
    failed = [number for number, future in enumerate(futures) if future.failed()]
    assert failed == [at]
    with pytest.raises(MessageSizeTooLargeError):
        futures[at].get(0)
    assert stored(stage) == [value for number, value in enumerate(values) if number != at]
    assert sorted(seen) == list(range(500))
    assert used_bytes(producer) == 0


@pytest.mark.parametrize("with_key", [False, True])
def test_the_largest_record_that_a_topic_takes_is_taken_and_the_next_size_says_whose_limit_it_is(with_key: bool) -> None:
    limit = 5000
    stage = make_stage(max_message_bytes=limit)
    producer = begin(stage)
    content = {"key": b"k" * 40, "headers": [("name", b"of some length")]} if with_key else {}
    size = limit - 200
    while producer.send("t", b"x" * size, **content).get().offset >= 0:
        size += 1
        future = producer.send("t", b"x" * size, **content)
        producer.flush()
        if future.failed():
            break
    error = future.exception
    assert isinstance(error, MessageSizeTooLargeError)
    assert error.topic_partition == ("t", 0)
    assert error.persisted == "no"
    for said in (f"{limit + 1} bytes", "max.message.bytes", "topic t", "max_request_size"):
        assert said in str(error)


def test_records_that_are_all_too_large_all_fail() -> None:
    stage = make_stage(max_message_bytes=1000)
    producer = begin(stage)
    futures = [producer.send("t", b"x" * 2000) for _ in range(20)]
    producer.flush()
    assert all(isinstance(future.exception, MessageSizeTooLargeError) for future in futures)
    assert producer.send("t", b"small").get().offset == 1
    assert used_bytes(producer) == 0


def test_a_split_is_no_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    """With one retry each piece has one failure to spare, however often its records were in a batch that was refused."""
    failed_once: set[bytes] = set()

    def fail_once(call: Call, usual: Handler) -> Answer:
        data = bytes(call.request.topic_data[0].partition_data[0].records)
        if len(data) > 3000:
            return refusal(call, MessageSizeTooLargeError)
        if data not in failed_once:
            failed_once.add(data)
            return refusal(call, NotEnoughReplicasError)
        return usual(call)

    stage = make_stage()
    producer = begin(stage, retries=1, max_in_flight_requests_per_connection=1)
    answer_produce_with(monkeypatch, fail_once)
    futures = [producer.send("t", value) for value in numbered(100)]
    producer.flush()
    assert [future.exception for future in futures] == [None] * 100
    assert len(failed_once) > 10
    assert stored(stage) == numbered(100)


def test_partitions_of_one_request_are_split_by_themselves(arrivals: list[Arrival]) -> None:
    stage = make_stage(max_message_bytes=20_000, default_partitions=3)
    producer = begin(stage)
    counts = {0: 10, 1: 500, 2: 100}
    for partition, count in counts.items():
        for value in numbered(count):
            producer.send("t", value, partition=partition)
    producer.flush()
    for partition, count in counts.items():
        assert stored(stage, partition=partition) == numbered(count)
    assert MessageSizeTooLargeError not in {arrival.error for arrival in arrivals if arrival.partition == 0}
    assert used_bytes(producer) == 0


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_compressed_batches_are_split_by_what_they_take_on_the_wire(codec: str, arrivals: list[Arrival]) -> None:
    stage = make_stage(max_message_bytes=30_000)
    producer = begin(stage, compression_type=codec)
    rng = random.Random(1)
    values = [b"%06d" % number + rng.randbytes(50) * 8 for number in range(1500)]
    futures = [producer.send("t", value) for value in values]
    producer.flush()
    assert [future.get(0).offset for future in futures] == list(range(1, 1501))
    assert stored(stage) == values
    assert MessageSizeTooLargeError in {arrival.error for arrival in arrivals}
    assert used_bytes(producer) == 0
    arrivals.clear()
    for value in values:
        producer.send("t", value)
    producer.flush()
    assert {arrival.error for arrival in arrivals} == {NoError}


def test_delivery_timeout_counts_from_the_first_record_across_splits(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent_for_small_ones(call: Call, usual: Handler) -> Answer:
        size = sum(len(data.records) for topic in call.request.topic_data for data in topic.partition_data)
        return refusal(call, MessageSizeTooLargeError) if size > 20_000 else Silence.NO_ANSWER

    stage = make_stage()
    producer = begin(stage, retries=1000, delivery_timeout_ms=3000, request_timeout_ms=2000)
    answer_produce_with(monkeypatch, silent_for_small_ones)
    futures = [producer.send("t", value) for value in numbered(500)]
    with stage.takes(3):
        producer.flush()
    for future in futures:
        with pytest.raises(KafkaTimeoutError, match=r"expired: 3\.\d+ seconds"):
            future.get(0)
    assert used_bytes(producer) == 0


def test_time_outs_of_waiting_hold_across_a_split(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse_large(call: Call, usual: Handler) -> Answer:
        size = sum(len(data.records) for topic in call.request.topic_data for data in topic.partition_data)
        return refusal(call, MessageSizeTooLargeError) if size > 20_000 else Silence.NO_ANSWER

    stage = make_stage()
    producer = begin(stage, request_timeout_ms=30_000)
    answer_produce_with(monkeypatch, refuse_large)
    futures = [producer.send("t", value) for value in numbered(500)]
    with stage.takes(1.5), pytest.raises(KafkaTimeoutError):
        futures[7].get(1.5)
    with stage.takes(0.5), pytest.raises(KafkaTimeoutError):
        producer.flush(0.5)
    with stage.takes(1):
        producer.close(1)
    assert all(future.failed() for future in futures)
    assert used_bytes(producer) == 0


def test_a_full_buffer_gets_room_from_pieces_of_a_split_batch() -> None:
    stage = make_stage(max_message_bytes=20_000)
    producer = begin(stage, buffer_memory=300_000)
    futures = [producer.send("t", value) for value in numbered(3000)]
    producer.flush()
    assert [future.get(0).offset for future in futures] == list(range(1, 3001))
    assert stored(stage) == numbered(3000)
    assert used_bytes(producer) == 0


# --- probing ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("codec", [None, "gzip"])
@pytest.mark.parametrize("seed", range(5))
def test_nothing_is_in_flight_behind_a_batch_larger_than_any_acknowledged(seed: int, codec: str | None, arrivals: list[Arrival]) -> None:
    rng = random.Random(seed)
    stage = make_stage(max_message_bytes=rng.choice([40_000, 10_000_000]))
    producer = begin(stage, compression_type=codec)
    count = 0
    for _ in range(200):
        for _ in range(rng.choice([1, 5, 40, 200])):
            producer.send("t", b"%06d" % count + rng.randbytes(200))
            count += 1
        stage.clock.run_for(rng.choice([0, 0.001, 0.02, 0.07, 0.3]))
    producer.flush()
    overlaps = 0
    for position, behind in enumerate(arrivals):
        acknowledged = [a.size_bytes for a in arrivals if a.error is NoError and a.at_s <= behind.at_s - 2 * LATENCY_S + 1e-6]
        for ahead in arrivals[:position]:
            if behind.at_s - ahead.at_s < 2 * LATENCY_S - 1e-6:
                overlaps += 1
                assert ahead.size_bytes <= max(acknowledged)
    assert overlaps > 10
    assert [int(value[:6]) for value in stored(stage) if value] == list(range(count))
    assert used_bytes(producer) == 0


def test_batches_no_larger_than_one_that_was_acknowledged_go_out_behind_each_other(arrivals: list[Arrival]) -> None:
    stage = make_stage()
    producer = begin(stage, batch_size=5000)
    for value in numbered(9):
        producer.send("t", value)
    producer.flush()
    arrivals.clear()
    for value in numbered(45):
        producer.send("t", value)
    producer.flush()
    assert len(arrivals) == 5
    assert len({arrival.at_s for arrival in arrivals}) == 1


def test_with_acks_0_nothing_is_probed(arrivals: list[Arrival]) -> None:
    stage = make_stage()
    producer = begin(stage, acks=0)
    arrivals.clear()
    for value in numbered(1000):
        producer.send("t", value)
    producer.flush()
    stage.clock.run_for(1)
    assert len(arrivals) > 20
    assert arrivals[-1].at_s - arrivals[0].at_s < LATENCY_S


def test_a_probe_that_fails_holds_nothing_up(arrivals: list[Arrival]) -> None:
    stage = make_stage()
    producer = begin(stage, request_timeout_ms=2000)
    lost = [producer.send("t", value) for value in numbered(100)]
    stage.clock.run_for(0.001)
    stage.link.make_unreachable()
    stage.clock.run_for(0.01)
    with pytest.raises(Exception, match=r"."):
        lost[0].get()
    stage.link.heal()
    assert producer.send("t", b"after").get().offset >= 1
    assert used_bytes(producer) == 0


# --- with threads -------------------------------------------------------------------------------------------------------


def test_threads_that_wait_across_a_split_go_on() -> None:
    with KafkaBroker(max_message_bytes=20_000) as broker, KafkaProducer(bootstrap_servers=broker.bootstrap_servers, linger_ms=50) as producer:
        producer.send("t", b"first").get(10)
        failures: list[BaseException] = []

        def work(number: int) -> None:
            try:
                for turn in range(5):
                    futures = [producer.send("t", b"%d.%d.%d " % (number, turn, n) + b"." * 400) for n in range(200)]
                    if number % 2:
                        producer.flush(30)
                        assert all(future.is_done for future in futures)
                    offsets = [future.get(30).offset for future in futures]
                    assert offsets == sorted(offsets)
            except BaseException as error:  # noqa: BLE001 - of a thread, reported below
                failures.append(error)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert not failures
        assert not any(thread.is_alive() for thread in threads)
        assert used_bytes(producer) == 0
        values = [record.value for record in broker.records("t")][1:]
        assert len(values) == len(set(values)) == 4000


def test_flush_finds_a_split_batch_or_its_pieces_at_any_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = make_stage(max_message_bytes=20_000)
    producer = begin(stage)
    seen: list[bool] = []

    count_room = producer._accumulator.memory.take_beyond_limit

    def noting(size_bytes: int) -> None:
        seen.append(producer._accumulator.is_idle)
        count_room(size_bytes)

    for value in numbered(200):
        producer.send("t", value, partition=0)
    monkeypatch.setattr(producer._accumulator.memory, "take_beyond_limit", noting)
    producer.flush()
    assert len(seen) > 1  # one for each piece
    assert not any(seen)
    assert stored(stage) == numbered(200)
