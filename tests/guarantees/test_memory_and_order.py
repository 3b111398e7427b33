"""Promises 3 and 4: order per partition with one request in flight under every fault; memory bounded whatever stalls, and given back once."""

from __future__ import annotations

import os
import random
import threading
import tracemalloc
from pathlib import Path
from typing import Any, Callable

import pytest

import kafka
from kafka import KafkaProducer
from kafka.errors import KafkaError, KafkaTimeoutError, NotEnoughReplicasError, NotLeaderForPartitionError
from kafka.record.layout import BATCH_HEADER
from kafka.testing import KafkaBroker, faults
from tests.scenarios.stage import Stage

Make = Callable[..., KafkaProducer]
STATM = Path("/proc/self/statm")
LITTLE_BYTES = 3000 if kafka.__impl__ == "compiled" else 6000


def resident_bytes() -> int:
    return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


TROUBLES: tuple[Any, ...] = (
    faults.Error(NotEnoughReplicasError),
    faults.Error(NotLeaderForPartitionError),
    faults.DropRequest(),
    faults.DropReply(),
    faults.CutReply(),
    faults.DelayReply(0.001, up_to_s=1.5),
)


@pytest.mark.parametrize("seed", range(20))
def test_order_is_kept_with_one_request_in_flight_whatever_happens(seed: int) -> None:
    chance = random.Random(seed)
    stage = Stage(latency_s=0.005, brokers=2, seed=seed)
    producer = stage.producer(
        retries=1_000_000, max_in_flight_requests_per_connection=1, request_timeout_ms=1000, delivery_timeout_ms=600_000, batch_size=200
    )
    producer.partitions_for("t")
    for fault in TROUBLES:
        stage.cluster.faults.add(fault, api="Produce", probability=0.1)
    futures = []
    for number in range(300):
        futures.append(producer.send("t", b"%d" % number))
        if chance.random() < 0.05:
            stage.clock.run_for(chance.random())
        if chance.random() < 0.02:
            stage.cluster.move_leader("t", 0)
    producer.flush()
    assert all(future.succeeded() for future in futures)
    written = [int(record.value or b"") for record in stage.cluster.records("t")]
    assert list(dict.fromkeys(written)) == list(range(300))  # what is there twice was there before
    assert producer.status().buffered_bytes == 0


@pytest.mark.parametrize("seed", range(10))
def test_whatever_becomes_of_records_their_room_is_given_back_once(seed: int) -> None:
    chance = random.Random(seed)
    stage = Stage(latency_s=0.005, brokers=2, default_partitions=3, seed=seed, max_message_bytes=2000)
    limit = 20_000
    producer = stage.producer(retries=2, request_timeout_ms=500, delivery_timeout_ms=2000, max_block_ms=300, buffer_memory=limit)
    producer.partitions_for("t")
    for fault in TROUBLES:
        stage.cluster.faults.add(fault, api="Produce", probability=0.15)
    sent, refused = [], 0
    for _ in range(400):
        try:
            sent.append(producer.send("t", b"x" * chance.randrange(2500)))
        except KafkaTimeoutError:
            refused += 1
        pieces = sum(not future.is_done for future in sent) if producer._accumulator.size_limits else 0  # at most, of batches that were split
        assert producer.status().buffered_bytes <= limit + pieces * BATCH_HEADER.size
        if chance.random() < 0.1:
            stage.clock.run_for(chance.random())
    producer.flush()
    assert {future.succeeded() for future in sent} == {True, False}
    assert producer.status().buffered_bytes == 0


def test_no_acknowledged_record_is_missing_and_what_is_surely_not_written_is_not() -> None:
    for seed in range(10):
        stage = Stage(latency_s=0.005, brokers=2, seed=seed)
        producer = stage.producer(retries=1, request_timeout_ms=500, delivery_timeout_ms=1500, batch_size=0)
        producer.partitions_for("t")
        for fault in TROUBLES:
            stage.cluster.faults.add(fault, api="Produce", probability=0.15)
        futures = {b"%d" % number: producer.send("t", b"%d" % number) for number in range(200)}
        producer.flush()
        stage.cluster.faults.clear()
        stage.clock.run_for(10)
        written = {record.value for record in stage.cluster.records("t")}
        errors = {value: future.exception for value, future in futures.items()}
        assert {value for value, error in errors.items() if error is None} <= written
        assert not {value for value, error in errors.items() if isinstance(error, KafkaError) and error.persisted == "no"} & written
        assert {error.persisted for error in errors.values() if isinstance(error, KafkaError)} == {"no", "maybe"}


@pytest.mark.parametrize("compression", [None, "gzip"])
def test_what_a_slow_socket_still_sends_of_a_record_that_has_failed_is_not_overwritten_by_later_ones(compression: str | None) -> None:
    """Partial writes, expiry in their middle, new records in the freed room: whatever is stored is whole, and of one send()."""
    for seed in range(10):
        chance = random.Random(seed)
        stage = Stage(latency_s=0.05, seed=seed)
        stage.transport.capacity_bytes = 700
        producer = stage.producer(
            request_timeout_ms=900, batch_size=4000, buffer_memory=40_000, max_block_ms=5000, compression_type=compression, max_request_size=20_000
        )
        sent: dict[bytes, Any] = {}
        producer.partitions_for("t")
        for number in range(200):
            value = bytearray(b"%d-" % number + chance.randbytes(chance.randrange(1500)))
            try:
                sent[bytes(value)] = producer.send("t", value, key=b"%d" % number)
            except KafkaTimeoutError:
                pass
            value[:] = b"#" * len(value)  # the caller's own again
            if chance.random() < 0.3:
                stage.clock.run_for(chance.random() * 0.3)
        stage.clock.run_for(10)
        assert {future.succeeded() for future in sent.values()} == {True, False}
        for record in stage.cluster.records("t"):  # the broker has checked the checksums of what it stored
            assert (record.value or b"") in sent
            assert (record.value or b"").startswith((record.key or b"?") + b"-")


def test_memory_stays_under_buffer_memory_and_a_stated_overhead_while_everything_stalls(broker: KafkaBroker, make_producer: Make) -> None:
    limit, size = 4 << 20, 1000
    producer = make_producer(buffer_memory=limit, max_block_ms=200, retries=1000)
    producer.send("t", b"v").get(10)
    payload = b"x" * size
    rule = broker.faults.add(faults.DropRequest(), api="Produce")
    tracemalloc.start()
    try:
        with pytest.raises(KafkaTimeoutError):
            while True:
                producer.send("t", payload)  # as a program that keeps no futures
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert used < 2 * limit + (1 << 20)  # what a batch has encoded, and once more what a request in flight is sent from
    rule.remove()
    producer.close(0)
    assert producer.status().buffered_bytes == 0


@pytest.mark.skipif(not STATM.exists(), reason="this system does not show a process its memory")
def test_a_small_record_in_each_of_many_partitions_takes_little_memory(broker: KafkaBroker, make_producer: Make) -> None:
    partitions = 10_000
    broker.create_topic("many", partitions)
    producer = make_producer(linger_ms=60_000)
    producer.partitions_for("many")
    producer.send("many", b"v" * 100, partition=0)
    before = resident_bytes()
    for number in range(partitions):
        producer.send("many", b"v" * 100, partition=number)
    assert resident_bytes() - before < partitions * LITTLE_BYTES
    producer.close(30)


def test_without_time_to_wait_send_says_at_once_that_there_is_no_room(broker: KafkaBroker, make_producer: Make) -> None:
    producer = make_producer(buffer_memory=20_000, max_block_ms=0, retries=1000, api_version=(2, 8))
    is_known = False
    while not is_known:
        try:
            is_known = bool(producer.partitions_for("t"))
        except KafkaTimeoutError:
            pass  # metadata is on its way
    rule = broker.faults.add(faults.DropRequest(), api="Produce")
    taken = 0
    with pytest.raises(KafkaTimeoutError, match="buffer_memory=20000"):
        while taken < 1000:
            producer.send("t", b"x" * 300)
            taken += 1
    assert 40 < taken < 70
    rule.remove()
    producer.close(0)


def test_a_hundred_threads_that_wait_for_room_all_go_on_in_order_when_the_broker_is_well(broker: KafkaBroker, make_producer: Make) -> None:
    producer = make_producer(buffer_memory=20_000, max_block_ms=60_000, retries=1000, request_timeout_ms=500, max_in_flight_requests_per_connection=1)
    producer.partitions_for("t")
    rule = broker.faults.add(faults.DropRequest(), api="Produce")
    futures: list[Any] = []

    def send(number: int) -> None:
        futures.extend([producer.send("t", b"%03d-%d" % (number, step) + b"x" * 300, partition=0) for step in range(5)])

    threads = [threading.Thread(target=send, args=(number,)) for number in range(100)]
    for thread in threads:
        thread.start()
    rule.wait()
    while not producer.status().threads_waiting_for_room:
        pass
    rule.remove()
    for thread in threads:
        thread.join(30)
    producer.flush(30)
    assert len(futures) == 500
    assert all(future.succeeded() for future in futures)
    written = list(dict.fromkeys((record.value or b"")[:5] for record in broker.records("t")))
    for number in range(100):
        assert [value for value in written if value.startswith(b"%03d-" % number)] == [b"%03d-%d" % (number, step) for step in range(5)]
    assert producer.status().buffered_bytes == 0
