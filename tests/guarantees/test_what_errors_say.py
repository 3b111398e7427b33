"""Promise 2: a failed record's error says whether the record may be in the log, and how it came to fail."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from kafka.errors import (
    BrokerResponseError,
    IllegalStateError,
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    NotEnoughReplicasAfterAppendError,
    NotEnoughReplicasError,
    NotLeaderForPartitionError,
    RequestTimedOutError,
    TopicAuthorizationFailedError,
    UnknownError,
    UnsupportedVersionError,
)
from kafka.producer.delivery import is_written_for_sure_not
from kafka.structs import TopicPartition
from kafka.testing import MockProducer, faults
from tests.scenarios.stage import Stage

SILENT = {"request_timeout_ms": 1000}


def said(error: BaseException | None) -> tuple[Any, ...]:
    assert isinstance(error, KafkaError)
    return error.persisted, error.attempts, error.elapsed, error.topic_partition


def failed(stage: Stage, fault: Any, **configs: Any) -> KafkaError:
    """What a record fails with while brokers answer Produce like this."""
    producer = stage.producer(**configs)
    producer.partitions_for("t")
    with stage.cluster.faults.add(fault, api="Produce"):
        future = producer.send("t", b"v")
        producer.flush()
    error = future.exception
    assert isinstance(error, KafkaError)
    return error


@pytest.mark.parametrize(
    ("refusal", "acks", "persisted"),
    [
        (NotEnoughReplicasError, "all", "no"),
        (TopicAuthorizationFailedError, 1, "no"),
        (NotLeaderForPartitionError, 1, "no"),
        (NotLeaderForPartitionError, "all", "maybe"),  # it may have appended, and lost its place while it waited for the others
        (NotEnoughReplicasAfterAppendError, "all", "maybe"),
        (RequestTimedOutError, "all", "maybe"),
        (UnknownError, 1, "maybe"),
    ],
)
def test_a_refusal_says_whether_the_record_may_be_written(refusal: type[BrokerResponseError], acks: Any, persisted: str) -> None:
    error = failed(Stage(), faults.Error(refusal), acks=acks)
    assert type(error) is refusal
    assert said(error) == (persisted, 1, 0.0, TopicPartition("t", 0))
    assert type(error.last_error) is refusal


@pytest.mark.parametrize("fault", [faults.DropRequest(), faults.DropReply()], ids=["lost on its way there", "lost on its way back"])
def test_a_record_without_an_answer_may_be_written(fault: Any) -> None:
    error = failed(Stage(), fault, **SILENT)
    assert isinstance(error, RequestTimedOutError)
    assert said(error) == ("maybe", 1, 1.0, TopicPartition("t", 0))


def test_one_attempt_without_an_answer_is_enough_whatever_later_ones_are_told() -> None:
    stage = Stage()
    producer = stage.producer(retries=2, retry_backoff_ms=100, **SILENT)
    producer.partitions_for("t")
    stage.cluster.faults.add(faults.DropReply(), api="Produce", times=1)
    stage.cluster.faults.add(faults.Error(NotEnoughReplicasError), api="Produce", skip=1)
    future = producer.send("t", b"v")
    producer.flush()
    assert said(future.exception)[:2] == ("maybe", 3)
    assert len(stage.cluster.records("t")) == 1


def test_retries_that_are_all_refused_leave_nothing_written() -> None:
    error = failed(Stage(), faults.Error(NotEnoughReplicasError), acks="all", retries=3, retry_backoff_ms=100)
    assert said(error) == ("no", 4, pytest.approx(0.3), TopicPartition("t", 0))


def test_a_record_that_was_never_sent_is_not_written() -> None:
    stage = Stage()
    producer = stage.producer(retries=5, delivery_timeout_ms=2000, **SILENT)
    producer.send("t", b"v").get()
    stage.link.cut()
    stage.link.refuse()
    future = producer.send("t", b"lost")
    with stage.takes(2.0):
        producer.flush()
    assert isinstance(future.exception, KafkaTimeoutError)
    assert said(future.exception) == ("no", 0, pytest.approx(2.0), TopicPartition("t", 0))


def test_an_expired_record_names_what_went_wrong_last() -> None:
    error = failed(Stage(), faults.Error(NotEnoughReplicasError), acks="all", retries=100, delivery_timeout_ms=1500, **SILENT)
    assert isinstance(error, KafkaTimeoutError)
    assert isinstance(error.last_error, NotEnoughReplicasError)
    assert said(error)[::2] == ("no", pytest.approx(1.5))


def test_a_record_that_expires_while_its_answer_is_awaited_may_be_written() -> None:
    error = failed(Stage(), faults.DropReply(), retries=1, delivery_timeout_ms=1500, **SILENT)
    assert said(error) == ("maybe", 2, pytest.approx(1.5), TopicPartition("t", 0))


def test_it_may_be_written_too_where_that_was_the_only_attempt() -> None:
    stage = Stage()
    producer = stage.producer(retries=1, delivery_timeout_ms=1200, **SILENT)
    producer.send("t", b"v").get()
    stage.cluster.faults.add(faults.DropReply(), api="Produce")
    stage.link.cut()
    stage.link.refuse()
    future = producer.send("t", b"late")
    stage.clock.run_for(0.5)
    stage.link.heal()
    with stage.takes(0.7):
        producer.flush()
    assert said(future.exception)[:2] == ("maybe", 1)
    assert len(stage.cluster.records("t")) == 2


def test_a_lost_connection_says_maybe_and_each_batch_of_the_request_has_an_error_of_its_own() -> None:
    stage = Stage(latency_s=0.01, default_partitions=2)
    producer = stage.producer()
    producer.partitions_for("t")
    futures = [producer.send("t", b"v", partition=partition) for partition in (0, 1)]
    stage.clock.run_for(0.05)
    futures = [producer.send("t", b"v", partition=partition) for partition in (0, 1)]
    stage.clock.run_for(0.005)
    stage.link.cut()
    producer.flush()
    assert [type(future.exception) for future in futures] == [KafkaConnectionError] * 2
    assert [said(future.exception)[3] for future in futures] == [TopicPartition("t", 0), TopicPartition("t", 1)]
    assert [said(future.exception)[:2] for future in futures] == [("maybe", 1)] * 2


@pytest.mark.parametrize(("waits_for_an_answer", "expected"), [(True, ("maybe", 1)), (False, ("no", 0))])
def test_what_a_close_gives_up_says_whether_it_was_sent(waits_for_an_answer: bool, expected: tuple[str, int]) -> None:
    stage = Stage(latency_s=0.01)
    producer = stage.producer(linger_ms=0 if waits_for_an_answer else 60_000)
    producer.partitions_for("t")
    future = producer.send("t", b"v")
    stage.clock.run_for(0.005)
    producer.close(0)
    assert isinstance(future.exception, IllegalStateError)
    assert said(future.exception)[:2] == expected


def test_records_that_fail_in_send_and_in_callbacks_say_so_too() -> None:
    stage = Stage()
    producer = stage.producer(max_request_size=1000, buffer_memory=1000)
    too_large = producer.send("t", b"x" * 2000)
    in_callback: list[Any] = []
    producer.send("t", b"x" * 500).add_callback(lambda _: in_callback.extend(producer.send("new", b"x" * 500) for _ in range(3)))
    producer.flush()
    assert isinstance(too_large.exception, MessageSizeTooLargeError)
    assert said(too_large.exception) == ("no", 0, 0.0, TopicPartition("t", -1))
    assert said(in_callback[-1].exception) == ("no", 0, 0.0, TopicPartition("new", -1))


def test_the_details_survive_pickling_and_change_no_words() -> None:
    error = failed(Stage(), faults.Error(NotEnoughReplicasError), acks="all")
    again = pickle.loads(pickle.dumps(error))
    assert (again, said(again)) == (error, said(error))
    assert str(error) == str(error.last_error)


def test_other_errors_say_nothing() -> None:
    error = KafkaTimeoutError("x")
    assert (error.persisted, error.attempts, error.elapsed, error.topic_partition, error.last_error) == (None,) * 5


def test_a_mock_producer_fills_in_the_same() -> None:
    producer = MockProducer()
    producer.fail_next(NotEnoughReplicasError("x"))
    assert said(producer.send("t", b"v").exception)[:2] == ("no", 1)


@pytest.mark.parametrize("acks", [0, 1, -1])
def test_nothing_but_what_is_listed_is_taken_for_not_written(acks: int) -> None:
    every = BrokerResponseError.__subclasses__()
    surely_not = {error for error in every if is_written_for_sure_not(error, acks)}
    assert not {RequestTimedOutError, UnknownError, NotEnoughReplicasAfterAppendError} & surely_not
    assert UnsupportedVersionError in surely_not


