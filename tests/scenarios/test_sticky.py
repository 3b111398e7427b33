"""Partitioners that hear of batches: told before one is begun, so that records without a key fill one batch after the other."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterable
from typing import Any, Callable

import pytest

from kafka import KafkaProducer
from kafka.partitioner import DefaultPartitioner, Partitioner, StickyPartitioner
from kafka.testing import KafkaBroker
from tests.scenarios.stage import Stage

Make = Callable[..., KafkaProducer]


class Listening(DefaultPartitioner):
    """Sends all to `number`, and remembers what it was told."""

    def __init__(self, number: int = 0) -> None:
        self.number = number
        self.told: list[tuple[str, int]] = []

    def partition(self, topic: str, *arguments: Any) -> int:
        return self.number

    def on_new_batch(self, topic: str, cluster: Any, prev_partition: int) -> None:
        assert cluster.partitions_for_topic(topic)
        self.told.append((topic, prev_partition))


def runs(partitions: Iterable[int]) -> list[tuple[int, int]]:
    """(partition, how many records went there in a row), in the order of sending."""
    return [(partition, len(list(group))) for partition, group in itertools.groupby(partitions)]


def test_records_without_a_key_fill_one_batch_and_then_go_to_another_partition() -> None:
    stage = Stage(default_partitions=4)
    producer = stage.producer(partitioner=StickyPartitioner(), linger_ms=1000, batch_size=1000)

    futures = [producer.send("t", b"x" * 90) for _ in range(400)]
    producer.flush()

    seen = runs(future.get().partition for future in futures)
    assert len(seen) == len(stage.cluster.batches("t"))
    assert {count for _, count in seen[:-1]} == {9}  # of 1000 bytes; the last batch is what is left
    assert len({partition for partition, _ in seen}) == 4


def test_a_batch_that_is_full_does_not_linger_when_the_next_goes_elsewhere() -> None:
    stage = Stage(default_partitions=4)
    producer = stage.producer(partitioner=StickyPartitioner(), linger_ms=1000, batch_size=1000)
    producer.partitions_for("t")

    futures = [producer.send("t", b"x" * 90) for _ in range(10)]

    with stage.takes(0):
        futures[0].get()
    assert not futures[-1].is_done
    with stage.takes(1):
        futures[-1].get()


def test_a_batch_that_was_sent_is_followed_by_one_of_another_partition() -> None:
    stage = Stage(default_partitions=3)
    producer = stage.producer(partitioner=StickyPartitioner())
    seen = [producer.send("t", b"v").get().partition for _ in range(20)]
    assert all(count == 1 for _, count in runs(seen))


def test_records_with_a_key_go_where_the_default_puts_them(broker: KafkaBroker, make_producer: Make) -> None:
    sticky = make_producer(partitioner=StickyPartitioner(), batch_size=300)
    for number in range(50):
        key = b"%d" % number
        assert sticky.send("t", b"v", key).get(10).partition == DefaultPartitioner()(key, [0, 1, 2], [])


def test_a_partitioner_is_told_of_each_batch_before_it_is_begun_and_of_nothing_else() -> None:
    stage = Stage(default_partitions=3)
    partitioner = Listening()
    producer = stage.producer(partitioner=partitioner, linger_ms=1000, batch_size=1000)

    for _ in range(9):
        producer.send("t", b"x" * 90)
    assert partitioner.told == [("t", 0)]
    producer.send("t", b"x" * 90, partition=0)  # begins a batch, but nobody was asked where it goes
    producer.send("t", b"x" * 90)
    assert partitioner.told == [("t", 0)]
    producer.flush()
    producer.send("u", b"v")
    producer.send("t", b"v")
    assert partitioner.told == [("t", 0), ("u", 0), ("t", 0)]
    producer.close()


def test_what_on_new_batch_changes_is_asked_for_again() -> None:
    class Moving(Listening):
        def on_new_batch(self, topic: str, cluster: Any, prev_partition: int) -> None:
            super().on_new_batch(topic, cluster, prev_partition)
            self.number = (prev_partition + 1) % 3

    stage = Stage(default_partitions=3)
    producer = stage.producer(partitioner=Moving(), batch_size=0)
    futures = [producer.send("t", b"v") for _ in range(6)]
    assert [future.get().partition for future in futures] == [1, 2, 0, 1, 2, 0]


def test_an_error_of_on_new_batch_is_raised_by_send_and_hinders_no_later_record() -> None:
    class Fails(Listening):
        error: Exception | None = KeyError("mine")

        def on_new_batch(self, topic: str, cluster: Any, prev_partition: int) -> None:
            if self.error is not None:
                raise self.error

    stage = Stage()
    partitioner = Fails()
    producer = stage.producer(partitioner=partitioner)
    with pytest.raises(KeyError, match="mine"):
        producer.send("t", b"v")
    partitioner.error = None
    assert producer.send("t", b"v").get().offset == 0
    assert producer._accumulator.memory.used_bytes == 0


def test_no_lock_is_held_while_a_partitioner_is_told(make_producer: Make) -> None:
    class SendsElsewhere(Listening):
        producer: KafkaProducer
        sent: Any = None

        def on_new_batch(self, topic: str, cluster: Any, prev_partition: int) -> None:
            if topic == "t":
                thread = threading.Thread(target=self.send_and_wait)
                thread.start()
                thread.join(10)

        def send_and_wait(self) -> None:
            self.sent = self.producer.send("other", b"v").get(5)

    partitioner = SendsElsewhere()
    partitioner.producer = make_producer(partitioner=partitioner)
    assert partitioner.producer.send("t", b"v").get(10).offset == 0
    assert partitioner.sent.topic == "other"


def test_the_empty_on_new_batch_of_the_base_class_costs_nothing() -> None:
    class Plain(Partitioner):
        def partition(self, *arguments: Any) -> int:
            return 0

    stage = Stage()
    assert not stage.producer(partitioner=Plain())._router.hears_of_batches
    assert not stage.producer()._router.hears_of_batches
    assert stage.producer(partitioner=StickyPartitioner())._router.hears_of_batches


def test_threads_that_share_a_sticky_partitioner_lose_nothing(broker: KafkaBroker, make_producer: Make) -> None:
    producer = make_producer(partitioner=StickyPartitioner(), batch_size=500, linger_ms=5)

    def send() -> None:
        for number in range(500):
            producer.send("t", b"%d" % number)

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    producer.flush(20)

    assert len(broker.records("t")) == 2000
    assert {record.partition for record in broker.records("t")} == {0, 1, 2}
