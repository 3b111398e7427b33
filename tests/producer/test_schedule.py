"""Lines of ready partitions: first come first served, in whichever order partitions leave, and with the leader they have now."""

from __future__ import annotations

import itertools
from typing import Any

from kafka._clock import SystemClock
from kafka.future import Home
from kafka.producer.batch import BatchState, ProducerBatch
from kafka.producer.future import FutureProduceResult
from kafka.producer.partition_queue import PartitionQueue
from kafka.producer.records import new_records
from kafka.producer.schedule import ReadyLine, Schedule
from kafka.record import format_for
from kafka.structs import TopicPartition


def queue_of(partition: int, batches: int = 1) -> PartitionQueue:
    queue = PartitionQueue(TopicPartition("t", partition))
    for _ in range(batches):
        result = FutureProduceResult(queue.topic_partition, Home(SystemClock()))
        records = new_records(format_for(2), result, 0, 1000, 1000)
        records.append(None, 0, 0, None, b"value", (), -1)
        queue.enqueue(ProducerBatch(queue, records, 0.0))
    return queue


def schedule_for(leaders: dict[int, int | None]) -> Schedule:
    def leader_of(partition: TopicPartition) -> int | None:
        return leaders[partition.partition]

    return Schedule(linger_s=0.0, keeps_order=False, leader_of=leader_of, longest_wait_s=30.0)


def partitions(batches: list[ProducerBatch]) -> list[int]:
    return [batch.topic_partition.partition for batch in batches]


def test_whoever_leaves_a_line_the_others_keep_their_order() -> None:
    for leaving in itertools.permutations(range(4)):
        line: Any = ReadyLine()
        queues = [PartitionQueue(TopicPartition("t", number)) for number in range(4)]
        for queue in queues:
            line.append(queue)
        left = list(queues)
        for number in leaving:
            line.remove(queues[number])
            left.remove(queues[number])
            assert list(line) == left
            assert queues[number].place is None
        line.append(queues[0])
        assert (line.first, line.last) == (queues[0], queues[0])


def test_partitions_are_served_in_the_order_in_which_they_became_ready() -> None:
    schedule = schedule_for(dict.fromkeys(range(5), 1))
    queues = [queue_of(number, batches=2) for number in range(5)]
    for number in (3, 0, 4, 1, 2):
        schedule.consider(queues[number], 1.0)
    size = queues[0].first.records.open_bytes
    first = schedule.take(1, 2 * size)
    assert partitions(first) == [3, 0]
    assert all(batch.state is BatchState.SEALED for batch in first)
    for batch in first:
        schedule.consider(batch.partition, 1.0)
    assert partitions(schedule.take(1, 100 * size)) == [4, 1, 2, 3, 0]
    assert schedule.leaders() == []


def test_a_partition_goes_to_the_leader_it_has_when_it_is_sent() -> None:
    leaders: dict[int, int | None] = {0: 1, 1: 1, 2: None}
    schedule = schedule_for(leaders)
    queues = [queue_of(number, batches=2) for number in range(3)]
    for queue in queues:
        schedule.consider(queue, 1.0)
    assert sorted(schedule.leaders()) == [-1, 1]
    leaders.update({0: 2, 2: 2})
    schedule.rehome(1.0)
    assert partitions(schedule.take(1, 1 << 20)) == [1]
    assert partitions(schedule.take(2, 1 << 20)) == [0, 2]
    leaders[1] = 2
    schedule.rehome(1.0)  # while the partition stands in no line
    schedule.consider(queues[1], 1.0)
    assert partitions(schedule.take(2, 1 << 20)) == [1]


def test_a_partition_whose_batch_has_failed_leaves_its_line() -> None:
    schedule = schedule_for({0: 1, 1: 1})
    queues = [queue_of(number) for number in range(2)]
    for queue in queues:
        schedule.consider(queue, 1.0)
    schedule.forget(queues[0].first)
    assert partitions(schedule.take(1, 1 << 20)) == [1]
    assert schedule.leaders() == []
