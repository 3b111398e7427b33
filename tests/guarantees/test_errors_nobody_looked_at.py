"""Promise 9: errors nobody looked at are not silent: one line per burst, on_delivery_error, flush(raise_errors=True)."""

from __future__ import annotations

import gc
import logging
import subprocess
import sys
from typing import Any, Callable

import pytest

from kafka.errors import KafkaTimeoutError, MessageSizeTooLargeError, NotEnoughReplicasError, RecordsNotDeliveredError
from kafka.future import Future
from kafka.structs import TopicPartition
from kafka.testing import KafkaBroker, MockProducer, faults
from tests.scenarios.stage import Stage


@pytest.fixture
def errors(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """What has been logged as an ERROR so far."""
    caplog.set_level(logging.ERROR, "kafka")
    return lambda: [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


def refusing(stage: Stage, **where: Any) -> Any:
    return stage.cluster.faults.add(faults.Error(NotEnoughReplicasError), api="Produce", **where)


def send_and_lose(producer: Any, topic: str = "t", count: int = 10) -> None:
    for _ in range(count):
        producer.send(topic, b"v", partition=0)
    producer.flush()


def test_records_nobody_looked_at_are_told_in_one_line(errors: Any) -> None:
    stage = Stage()
    producer = stage.producer(batch_size=0)
    with refusing(stage):
        send_and_lose(producer)
        send_and_lose(producer, "other", 3)
        stage.clock.run_for(2)
    [line] = errors()
    assert line.startswith("13 record(s) were not delivered, and nobody looked at their futures: 10 for topic t: [Error 19] NotEnoughReplicasError: ")
    assert "; 3 for topic other: [Error 19] NotEnoughReplicasError: " in line


def get(future: Any) -> None:
    with pytest.raises(NotEnoughReplicasError):
        future.get()


LOOKS: dict[str, Callable[[Any], Any]] = {
    "exception": lambda future: future.exception,
    "failed()": lambda future: future.failed(),
    "get()": get,
    "errback": lambda future: future.add_errback(lambda error: None),
    "done callback that looks": lambda future: future.add_done_callback(lambda done: done.exception),
    "chain": lambda future: future.chain(Future()),
}




@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("when", ["before", "after"])
def test_an_error_that_somebody_looks_at_is_not_told(errors: Any, look: str, when: str) -> None:
    if (look, when) in [("exception", "before"), ("failed()", "before"), ("get()", "before")]:
        when = "after"  # before the record has failed there is nothing to see
    stage = Stage()
    producer = stage.producer(linger_ms=100)
    producer.partitions_for("t")
    with refusing(stage):
        futures = [producer.send("t", b"v") for _ in range(3)]
        if when == "before":
            for future in futures:
                LOOKS[look](future)
        producer.flush()
        if when == "after":
            for future in futures:
                LOOKS[look](future)
        del futures, future
        gc.collect()
        stage.clock.run_for(100)
    assert errors() == []


@pytest.mark.parametrize("glance", ["add_callback", "is_done", "value"])
def test_what_shows_no_error_is_no_look(errors: Any, glance: str) -> None:
    stage = Stage()
    producer = stage.producer()
    with refusing(stage):
        future = producer.send("t", b"v")
        producer.flush()
        if glance == "add_callback":
            future.add_callback(lambda _: None)
        else:
            getattr(future, glance)
        del future
        stage.clock.run_for(2)
    assert len(errors()) == 1


def test_only_what_was_not_looked_at_is_counted_and_not_before_its_futures_are_gone(errors: Any) -> None:
    stage = Stage()
    producer = stage.producer(linger_ms=100)
    producer.partitions_for("t")
    with refusing(stage):
        futures = [producer.send("t", b"v") for _ in range(5)]
        producer.flush()
        stage.clock.run_for(100)
        assert errors() == []
        for future in futures[:2]:
            assert future.failed()
        del futures, future
        stage.clock.run_for(2)
    assert errors()[0].startswith("3 record(s)")


def test_an_outage_is_told_ever_more_rarely_and_no_record_is_left_out(errors: Any) -> None:
    stage = Stage()
    producer = stage.producer()
    producer.partitions_for("t")
    with refusing(stage):
        for _ in range(600):
            producer.send("t", b"v")
            stage.clock.run_for(1)
    stage.clock.run_for(1000)
    counts = [int(line.split()[0]) for line in errors()]
    assert sum(counts) == 600
    assert 3 <= len(counts) <= 7
    send_and_lose(producer)  # delivered: nothing to tell
    stage.clock.run_for(1000)
    assert len(errors()) == len(counts)


def test_a_record_that_failed_in_send_is_told_too(errors: Any) -> None:
    stage = Stage()
    producer = stage.producer(max_request_size=1000)
    producer.send("t", b"x" * 2000)
    stage.clock.run_for(2)
    [line] = errors()
    assert "1 for topic t: [Error 10] MessageSizeTooLargeError" in line


def test_futures_that_outlive_their_producer_are_told_when_they_are_let_go(errors: Any) -> None:
    stage = Stage()
    producer = stage.producer()
    with refusing(stage):
        future = producer.send("t", b"v")
        producer.close()
    assert errors() == []
    del future
    assert len(errors()) == 1


def test_futures_that_are_still_there_at_exit_are_told_then(broker: KafkaBroker) -> None:
    script = f"""
import logging
logging.basicConfig(format="%(levelname)s %(message)s", level=logging.ERROR)
from kafka import KafkaProducer
producer = KafkaProducer(bootstrap_servers={broker.bootstrap_servers!r}, max_request_size=1000)
future = producer.send("t", b"x" * 2000)
seen = producer.send("t", b"x" * 2000).exception
"""
    done = subprocess.run([sys.executable, "-X", "dev", "-W", "error", "-c", script], capture_output=True, text=True, timeout=30, check=True)
    [line] = done.stderr.splitlines()
    assert line.startswith("ERROR 1 record(s) were not delivered, and nobody looked at their futures: 1 for topic t: [Error 10] MessageSize")


class Wordless(Exception):
    """Can be neither told nor copied."""

    def __str__(self) -> str:
        raise ZeroDivisionError

    def __reduce__(self) -> Any:
        raise ZeroDivisionError


def test_an_error_without_words_fails_its_record_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    def partitioner(key: Any, every: Any, available: Any) -> int:
        if key == b"bad":
            raise Wordless
        return int(available[0])

    stage = Stage()
    producer = stage.producer(partitioner=partitioner)
    inside: list[Any] = []
    producer.send("t", b"v").add_callback(lambda _: inside.append(producer.send("t", b"v", key=b"bad")))
    producer.flush()
    producer.flush()
    assert isinstance(inside[0].exception, Wordless)


# --- on_delivery_error ------------------------------------------------------------------------------------------------


def test_on_delivery_error_hears_of_each_record_that_fails_and_of_no_other() -> None:
    stage = Stage()
    heard: list[Any] = []
    producer = stage.producer(on_delivery_error=heard.append, max_request_size=1000)
    send_and_lose(producer)
    assert heard == []
    with refusing(stage):
        send_and_lose(producer)
    assert [(type(error), error.topic_partition, error.attempts) for error in heard] == [
        (NotEnoughReplicasError, TopicPartition("t", 0), 1)
    ] * 10
    producer.send("t", b"x" * 2000)
    assert type(heard[-1]) is MessageSizeTooLargeError


def test_what_on_delivery_error_raises_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage()
    calls: list[Any] = []

    def hook(error: BaseException) -> None:
        calls.append(error)
        raise SystemExit

    producer = stage.producer(on_delivery_error=hook)
    with refusing(stage):
        send_and_lose(producer, count=3)
    assert len(calls) == 3
    assert "Error in on_delivery_error" in caplog.text
    assert producer.send("t", b"v").get().offset == 0


def test_on_delivery_error_may_send() -> None:
    stage = Stage()
    producer: Any = None
    again: list[Any] = []

    def hook(error: Any) -> None:
        again.append(producer.send("dead-letters", b"v"))

    producer = stage.producer(on_delivery_error=hook)
    with refusing(stage, topic="t"):
        send_and_lose(producer, count=3)
        producer.flush()
    assert [future.succeeded() for future in again] == [True] * 3


# --- flush(raise_errors=True) -----------------------------------------------------------------------------------------


def test_a_flush_that_raises_errors_names_what_failed_once(errors: Any) -> None:
    stage = Stage()
    producer = stage.producer()
    with refusing(stage):
        for _ in range(10):
            producer.send("t", b"v", partition=0)
        with pytest.raises(RecordsNotDeliveredError, match=r"10 record\(s\) were not delivered: 10 of t-0 \(\[Error 19\] NotEnough") as caught:
            producer.flush(raise_errors=True)
    [failure] = caught.value.failures
    assert (failure.topic_partition, failure.records, type(failure.error)) == (TopicPartition("t", 0), 10, NotEnoughReplicasError)
    assert caught.value.records == 10
    assert caught.value.__cause__ is failure.error
    producer.flush(raise_errors=True)
    producer.send("t", b"v")
    producer.flush(raise_errors=True)
    stage.clock.run_for(100)
    assert errors() == []  # whoever asked was told


def test_it_knows_of_what_failed_before_it_was_called_and_of_records_that_never_were_in_a_batch() -> None:
    stage = Stage()
    producer = stage.producer(max_request_size=1000)
    with refusing(stage):
        send_and_lose(producer, count=3)
    producer.send("t", b"x" * 2000)
    with pytest.raises(RecordsNotDeliveredError) as caught:
        producer.flush(raise_errors=True)
    assert [(failure.records, type(failure.error)) for failure in caught.value.failures] == [
        (3, NotEnoughReplicasError), (1, MessageSizeTooLargeError),
    ]  # fmt: skip


def test_after_close_it_still_raises_what_failed() -> None:
    stage = Stage()
    producer = stage.producer()
    with refusing(stage):
        producer.send("t", b"v")
        producer.close()
    with pytest.raises(RecordsNotDeliveredError):
        producer.flush(raise_errors=True)
    producer.flush(raise_errors=True)


def test_a_flush_that_runs_out_of_time_leaves_the_errors_for_the_next() -> None:
    stage = Stage()
    producer = stage.producer(max_request_size=1000, request_timeout_ms=1000)
    producer.partitions_for("t")
    producer.send("t", b"x" * 2000)
    with stage.cluster.faults.add(faults.DropRequest(), api="Produce"):
        producer.send("t", b"v")
        with pytest.raises(KafkaTimeoutError):
            producer.flush(0.5, raise_errors=True)
        with pytest.raises(RecordsNotDeliveredError) as caught:
            producer.flush(raise_errors=True)
    assert caught.value.records == 2


def test_a_mock_producer_has_the_same_hook_and_flush() -> None:
    heard: list[Any] = []
    producer = MockProducer(on_delivery_error=heard.append)
    producer.fail_next(NotEnoughReplicasError("x"))
    producer.send("t", b"v")
    assert heard == [NotEnoughReplicasError("x")]
    with pytest.raises(RecordsNotDeliveredError):
        producer.flush(raise_errors=True)
    producer.flush(raise_errors=True)
