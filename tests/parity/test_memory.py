"""What is in use of buffer_memory, and a partition's queue."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.parity.twins import EACH, Twin, attempt, same

steps = st.tuples(
    st.sampled_from(["reserve", "unreserve", "reset_reserved", "take", "take_beyond_limit", "release", "wait", "serve"]),
    st.sampled_from([0, 1, 50, 99, 100, 101, 1 << 40]),
)


@settings(derandomize=True, deadline=None, max_examples=300)
@given(history=st.lists(steps, max_size=30), limit=st.sampled_from([0, 100, 1 << 41]))
def test_any_history_is_counted_alike(history: list[tuple[str, int]], limit: int) -> None:
    def play(twin: Twin) -> list[Any]:
        memory = twin.memory.BufferMemory(limit)
        seen: list[Any] = [memory.limit_bytes]
        for name, size in history:
            if name == "wait":
                memory.join_queue(twin.memory.MemoryWaiter(size))
            elif name == "serve":
                memory.serve_waiters()
            else:
                seen.append(getattr(memory, name)(size))
            seen.append((memory.used_bytes, memory.reserved_bytes, len(memory.waiters)))
        return seen

    same(play)


@EACH
def test_counters_are_not_to_be_written_from_outside(twin: Twin) -> None:
    assert attempt(lambda: setattr(twin.memory.BufferMemory(1), "used_bytes", 5))[0] == "AttributeError"


@EACH
def test_a_queue_has_no_open_batch_at_first_and_holds_what_it_is_given(twin: Twin) -> None:
    queue = twin.accumulator.PartitionQueue(twin.TopicPartition("t", 0))
    assert (queue.open, queue.records, queue.in_flight) == (None, None, 0)
    batch = object()
    queue.open = queue.records = batch
    assert (queue.open, queue.records) == (batch, batch)
    assert not hasattr(queue, "__dict__")
    assert {queue: 1}[queue] == 1
