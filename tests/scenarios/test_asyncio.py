"""One producer, any number of asyncio loops: futures are awaited in each, and cancelling, or closing a loop, harms nobody."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import Any, Callable

import pytest

from kafka import KafkaProducer
from kafka.errors import KafkaError, NotEnoughReplicasError
from kafka.testing import KafkaBroker, faults

Make = Callable[..., KafkaProducer]


def test_four_loops_in_four_threads_await_what_they_sent(broker: KafkaBroker, make_producer: Make) -> None:
    producer = make_producer()
    got: list[list[Any]] = []

    async def work(name: int) -> list[Any]:
        one_by_one = [await producer.send("t", b"%d-%d" % (name, number)) for number in range(200)]
        together = await asyncio.gather(*(_awaited(producer.send("t", b"%d+%d" % (name, number))) for number in range(2000)))
        return one_by_one + list(together)

    threads = [threading.Thread(target=lambda name=name: got.append(asyncio.run(work(name)))) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(50)
    places = [(metadata.partition, metadata.offset) for metadatas in got for metadata in metadatas]
    assert len(places) == len(set(places)) == 4 * 2200 == len(broker.records("t"))


async def _awaited(future: Any) -> Any:
    return await future


def test_an_error_is_raised_where_it_is_awaited_and_counts_as_looked_at(
    broker: KafkaBroker, make_producer: Make, caplog: pytest.LogCaptureFixture
) -> None:
    producer = make_producer()
    producer.send("t", b"v").get(10)
    broker.faults.add(faults.Error(NotEnoughReplicasError), api="Produce", times=1)

    async def send() -> None:
        await producer.send("t", b"v")

    with pytest.raises(KafkaError):
        asyncio.run(send())
    producer.close(5)
    assert "nobody looked" not in caplog.text


def test_a_task_that_is_cancelled_takes_nothing_back(broker: KafkaBroker, make_producer: Make) -> None:
    """Neither its own record, which is on its way, nor those of others in the same batch."""
    producer = make_producer(linger_ms=50)
    producer.send("t", b"v", partition=0).get(10)
    rule = broker.faults.add(faults.Freeze(), api="Produce")

    async def send_three() -> list[Any]:
        tasks = [asyncio.create_task(_awaited(producer.send("t", b"%d" % number, partition=0))) for number in range(3)]
        await asyncio.get_running_loop().run_in_executor(None, rule.wait)
        tasks[1].cancel()
        rule.remove()
        return await asyncio.gather(*tasks, return_exceptions=True)

    first, cancelled, last = asyncio.run(send_three())
    assert (first.offset, last.offset) == (1, 3)
    assert isinstance(cancelled, asyncio.CancelledError)
    assert [record.value for record in broker.records("t")][-3:] == [b"0", b"1", b"2"]
    assert producer.send("t", b"after", partition=0).get(10).offset == 4


def test_a_loop_that_is_closed_before_the_answer_harms_nobody(broker: KafkaBroker, make_producer: Make, caplog: pytest.LogCaptureFixture) -> None:
    producer = make_producer()
    producer.send("t", b"v").get(10)
    rule = broker.faults.add(faults.Freeze(), api="Produce")
    sent: list[Any] = []

    async def leave_early() -> None:
        sent.append(producer.send("t", b"v"))
        await asyncio.wait_for(_awaited(sent[0]), 0.01)

    with pytest.raises((asyncio.TimeoutError, TimeoutError)):
        asyncio.run(leave_early())
    rule.remove()
    assert sent[0].get(10).topic == "t"
    assert producer.send("t", b"v").get(10)
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING and record.name.startswith("kafka")]
