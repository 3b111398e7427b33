"""producer.memory: the bound, and the order in which waiting threads are served."""

from __future__ import annotations

import random

from kafka.producer.memory import BufferMemory, MemoryWaiter


def in_line(memory: BufferMemory, size_bytes: int) -> MemoryWaiter:
    waiter = MemoryWaiter(size_bytes)
    memory.join_queue(waiter)
    return waiter


def test_room_is_refused_beyond_the_limit() -> None:
    memory = BufferMemory(100)
    assert memory.reserve(60)
    assert not memory.reserve(41)
    assert memory.reserve(40)
    assert memory.used_bytes == 100


def test_the_longest_waiter_is_served_first_and_nobody_overtakes() -> None:
    memory = BufferMemory(100)
    memory.reserve(100)
    large, small = in_line(memory, 80), in_line(memory, 10)

    memory.release(20)
    memory.serve_waiters()
    assert not large.latch.is_open
    assert not small.latch.is_open
    assert not memory.reserve(1)

    memory.release(70)
    memory.serve_waiters()
    assert large.latch.is_open
    assert small.latch.is_open
    assert memory.used_bytes == 100


def test_a_waiter_that_gave_up_holds_nobody_up() -> None:
    memory = BufferMemory(100)
    memory.reserve(100)
    gone, next_one = in_line(memory, 100), in_line(memory, 10)
    assert gone.give_up()

    memory.release(10)
    memory.serve_waiters()

    assert next_one.latch.is_open
    assert memory.used_bytes == 100


def test_a_grant_and_giving_up_exclude_each_other() -> None:
    memory = BufferMemory(10)
    waiter = in_line(memory, 10)
    memory.serve_waiters()
    assert not waiter.give_up()
    assert memory.used_bytes == 10


def test_who_asks_again_hears_what_was_decided() -> None:
    granted, gone = MemoryWaiter(10), MemoryWaiter(10)
    for _ in range(2):
        assert (granted.grant(), granted.give_up()) == (True, False)
        assert (gone.give_up(), gone.grant()) == (True, False)
    assert (granted.held_bytes, gone.held_bytes) == (10, 0)


def test_turned_away_waiters_go_on_without_room() -> None:
    memory = BufferMemory(10)
    memory.reserve(10)
    waiter = in_line(memory, 5)
    memory.turn_away_waiters()
    assert waiter.latch.is_open
    assert waiter.give_up()
    assert memory.used_bytes == 10


def test_after_any_history_what_is_in_use_is_what_was_not_given_back() -> None:
    chance = random.Random(7)
    memory = BufferMemory(1000)
    held: list[int] = []
    for _ in range(20_000):
        size = chance.randrange(1, 200)
        choice = chance.random()
        if (choice < 0.4 and memory.reserve(size)) or (choice < 0.6 and memory.take(size)):
            held.append(size)
        elif held:
            freed = held.pop(chance.randrange(len(held)))
            if chance.random() < 0.5:
                memory.release(freed)
            else:
                memory.unreserve(freed)
        assert memory.used_bytes == sum(held) <= 1000
