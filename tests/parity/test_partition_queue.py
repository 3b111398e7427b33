"""The batches that wait in a partition's queue: a deque in Python, linked through themselves when compiled."""

from __future__ import annotations

import gc
import random
import weakref
from typing import Any

import pytest

from tests.parity.twins import COMPILED, EACH, Twin, same


def batch_for(twin: Twin, queue: Any, number: int = -1, part: tuple[int, ...] = ()) -> Any:
    records = twin.records.new_records(twin.record.format_for(2), twin.result(), 1000, 1000, 1000)
    return twin.batch.ProducerBatch(queue, records, 0.0, number, part)


def queue_of(twin: Twin) -> Any:
    return twin.accumulator.PartitionQueue(twin.TopicPartition("t", 0))


def seen_of(queue: Any) -> Any:
    return queue.backlog, queue.first and queue.first.name, [batch.name for batch in queue.waiting()], queue.is_idle


@pytest.mark.parametrize("seed", range(20))
def test_whatever_is_done_to_a_queue_the_same_batches_wait_in_the_same_order(seed: int) -> None:
    def play(twin: Twin) -> list[Any]:
        rng = random.Random(seed)
        queue, taken, seen = queue_of(twin), [], []
        for number in range(300):
            what = rng.choice(["enqueue", "enqueue", "take", "put back", "remove", "split", "remove what is not there"])
            if what == "enqueue":
                queue.enqueue(batch_for(twin, queue, number))
            elif what == "take" and queue.backlog:
                taken.append(queue.take_first())
            elif what == "put back" and taken:
                queue.put_back(taken.pop(rng.randrange(len(taken))))
            elif what == "split" and taken:
                whole = taken.pop()
                for part in reversed(range(rng.randrange(1, 4))):
                    queue.put_back(batch_for(twin, queue, whole.number, (*whole.part, part)))
            elif what == "remove" and queue.backlog:
                assert queue.remove(rng.choice(queue.waiting()))
            else:
                assert not queue.remove(batch_for(twin, queue, number))
            seen.append(seen_of(queue))
        return seen

    same(play)


@EACH
def test_batches_wait_behind_those_that_were_made_before_them(twin: Twin) -> None:
    queue = queue_of(twin)
    first, second, third = [batch_for(twin, queue) for _ in range(3)]
    queue.enqueue(third)
    queue.put_back(second)
    queue.put_back(first)
    assert queue.waiting() == [first, second, third]
    parts = [batch_for(twin, queue, second.number, part) for part in [(0,), (1,), (1, 0), (2,)]]
    assert queue.remove(second)
    for part in reversed(parts):
        queue.put_back(part)
    assert queue.waiting() == [first, *parts, third]


@EACH
def test_from_an_empty_queue_nothing_is_taken(twin: Twin) -> None:
    queue = queue_of(twin)
    for _ in range(2):
        with pytest.raises(IndexError):
            queue.take_first()
        queue.enqueue(batch_for(twin, queue))
        queue.take_first()
    assert (queue.first, queue.backlog, queue.waiting()) == (None, 0, [])


@EACH
def test_a_retired_queue_has_no_open_batch(twin: Twin) -> None:
    queue = queue_of(twin)
    queue.open = batch = batch_for(twin, queue)
    queue.records = batch.records
    assert not queue.is_retired
    queue.retire()
    assert (queue.open, queue.records, queue.is_retired) == (None, None, True)


@EACH
def test_a_queue_is_idle_when_nothing_waits_or_flies_or_can_be_appended_to(twin: Twin) -> None:
    queue = queue_of(twin)
    assert queue.is_idle
    for busy, idle in ((("in_flight", 1), ("in_flight", 0)), (("probe", object()), ("probe", None)), (("place", object()), ("place", None))):
        setattr(queue, *busy)
        assert not queue.is_idle
        setattr(queue, *idle)
        assert queue.is_idle
    queue.open = batch_for(twin, queue)
    assert not queue.is_idle
    for state in (twin.batch.BatchState.SEALED, twin.batch.BatchState.ABORTED):
        queue.open.transition(state)
    assert queue.is_idle


@EACH
def test_a_queue_of_any_length_is_freed_with_all_its_batches(twin: Twin) -> None:
    queue = queue_of(twin)
    for _ in range(200_000 if twin is COMPILED else 200):
        batch = batch_for(twin, queue)
        batch.let_go()  # else the batches and their queue keep each other
        queue.enqueue(batch)
    alive = weakref.ref(queue)
    del queue, batch
    gc.collect()
    assert alive() is None



def test_what_is_no_batch_is_not_linked() -> None:
    queue = queue_of(COMPILED)
    for link in (queue.enqueue, queue.put_back):
        with pytest.raises(TypeError):
            link(object())
    assert queue.waiting() == []
