"""Topics that brokers say do not exist: how long send() waits for them, what it says then, and how often brokers are asked."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable

import pytest

from kafka import KafkaProducer
from kafka.errors import KafkaError, KafkaTimeoutError, LeaderNotAvailableError, UnknownTopicError, UnknownTopicOrPartitionError
from kafka.protocol.metadata import MetadataRequest
from kafka.testing import KafkaBroker, MockProducer
from kafka.testing.exchange import Answer, Call
from kafka.testing.handlers import SERVED
from tests.scenarios.stage import Stage

LATENCY_S = 0.01
PAUSES_S = [0.2, 0.4, 0.8, 1.0]
"""At most between questions, but for a fifth of chance."""


def without_topics(**options: Any) -> Stage:
    return Stage(latency_s=LATENCY_S, auto_create_topics=False, **options)


def metadata_requests(stage: Stage, topic: str) -> int:
    return sum(topic in [asked.name for asked in request.body.topics or ()] for request in stage.cluster.requests.of("Metadata"))


CALLS: dict[str, Callable[[KafkaProducer], Any]] = {
    "send()": lambda producer: producer.send("nosuch", b"v"),
    "send() to a partition": lambda producer: producer.send("nosuch", b"v", partition=3),
    "partitions_for()": lambda producer: producer.partitions_for("nosuch"),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("retries", [0, 1, 4])
def test_a_call_fails_with_the_first_answer_too_many(call: str, retries: int) -> None:
    stage = without_topics()
    producer = stage.producer(unknown_topic_retries=retries)
    words = rf"Topic nosuch does not exist: the brokers' last answer was UnknownTopicOrPartitionError, {retries + 1} time"
    began_s = stage.now_s
    with pytest.raises(UnknownTopicError, match=words):
        CALLS[call](producer)
    assert metadata_requests(stage, "nosuch") == retries + 1
    assert stage.now_s - began_s < 0.1 + 1.2 * sum(PAUSES_S[:retries])
    producer.close()


@pytest.mark.parametrize("kind", [KafkaTimeoutError, TimeoutError, KafkaError, UnknownTopicOrPartitionError, UnknownTopicError])
def test_what_catches_the_error_without_the_option_catches_it_with_it(kind: type[Exception]) -> None:
    producer = without_topics().producer(unknown_topic_retries=0)
    with pytest.raises(kind):
        producer.send("nosuch", b"v")
    producer.close()


def test_without_the_option_send_waits_for_max_block_ms_and_names_the_last_answer() -> None:
    stage = without_topics()
    producer = stage.producer(max_block_ms=7000)
    with stage.takes(7.0), pytest.raises(KafkaTimeoutError, match=r"nosuch: the brokers' last answer was UnknownTopicOrPartitionError") as caught:
        producer.send("nosuch", b"v")
    assert not isinstance(caught.value, UnknownTopicError)
    producer.close()


def test_the_next_call_fails_at_once_and_leaves_nothing_behind() -> None:
    stage = without_topics()
    producer = stage.producer(unknown_topic_retries=2)
    with pytest.raises(UnknownTopicError):
        producer.send("nosuch", b"v")
    for _ in range(100):
        with stage.takes(0.0), pytest.raises(UnknownTopicError):
            producer.send("nosuch", b"v")
    assert len(producer._metadata._waiters) <= 1
    producer.close()


def test_a_topic_that_is_made_later_is_found_without_anybody_waiting() -> None:
    stage = without_topics()
    producer = stage.producer(unknown_topic_retries=0)
    with pytest.raises(UnknownTopicError):
        producer.send("late", b"v")
    stage.cluster.create_topic("late", 1)
    stage.clock.run_for(1.5)
    with stage.takes(0.0):
        future = producer.send("late", b"v")
    assert future.get(10).offset == 0
    producer.close()


def test_a_topic_that_is_made_before_the_last_question_is_sent_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """Brokers that make topics when they are asked for them answer at first that there is none."""
    stage = without_topics()
    producer = stage.producer(unknown_topic_retries=4)
    served = SERVED[MetadataRequest.API_KEY]

    def make_it_at_the_fifth_question(call: Call) -> Answer:
        if metadata_requests(stage, "made") == 5:
            stage.cluster.create_topic("made", 1)
        return served.handle(call)

    monkeypatch.setitem(SERVED, MetadataRequest.API_KEY, served._replace(handle=make_it_at_the_fifth_question))
    assert producer.send("made", b"v").get(10).offset == 0
    assert metadata_requests(stage, "made") == 5
    producer.close()


def test_only_answers_in_a_row_count(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = without_topics()
    producer = stage.producer(unknown_topic_retries=2, max_block_ms=8000)
    served = SERVED[MetadataRequest.API_KEY]
    asked = 0

    def every_third_time_there_is_no_leader(call: Call) -> Answer:
        nonlocal asked
        asked += 1
        answer: Any = served.handle(call)
        if asked % 3 == 0:
            for topic in answer.topics:
                topic.error_code = LeaderNotAvailableError.errno
        return answer

    monkeypatch.setitem(SERVED, MetadataRequest.API_KEY, served._replace(handle=every_third_time_there_is_no_leader))
    with stage.takes(8.0), pytest.raises(KafkaTimeoutError) as caught:
        producer.send("nosuch", b"v")
    assert not isinstance(caught.value, UnknownTopicError)
    assert asked > 6
    producer.close()


def test_brokers_that_do_not_answer_say_nothing_about_a_topic() -> None:
    stage = without_topics()
    producer = stage.producer(unknown_topic_retries=0, max_block_ms=3000, api_version=(2, 8))
    stage.link.cut()
    stage.link.refuse()
    with stage.takes(3.0), pytest.raises(KafkaTimeoutError) as caught:
        producer.send("nosuch", b"v")
    assert not isinstance(caught.value, UnknownTopicError)
    producer.close()


def test_a_topic_that_was_known_and_is_deleted_counts_from_its_end_on() -> None:
    stage = without_topics()
    stage.cluster.create_topic("t", 1)
    producer = stage.producer(unknown_topic_retries=2)
    producer.send("t", b"v").get(10)
    stage.cluster.delete_topic("t")
    producer._metadata.request_update()
    stage.clock.run_for(5)
    with stage.takes(0.0), pytest.raises(UnknownTopicError):
        producer.send("t", b"v")
    stage.cluster.create_topic("t", 1)
    stage.clock.run_for(1.5)
    assert producer.send("t", b"v").get(10).offset == 0
    stage.cluster.delete_topic("t")
    producer._metadata.request_update()
    stage.clock.run_for(3 * LATENCY_S)
    assert producer._metadata.unknown_answers("t") == 1  # not the earlier ones too
    producer.close()


def test_a_topic_that_is_not_wanted_any_more_begins_anew() -> None:
    stage = without_topics()
    stage.cluster.create_topic("t", 1)
    producer = stage.producer(unknown_topic_retries=2, metadata_max_age_ms=60_000)
    with pytest.raises(UnknownTopicError):
        producer.send("nosuch", b"v")
    stage.clock.run_for(400)
    assert "nosuch" not in producer._metadata.wanted_topics()
    assert "nosuch" not in producer._metadata.snapshot.errors
    assert producer._metadata.unknown_answers("nosuch") == 0
    before = metadata_requests(stage, "nosuch")
    with pytest.raises(UnknownTopicError):
        producer.send("nosuch", b"v")
    assert metadata_requests(stage, "nosuch") == before + 3
    producer.close()


def test_a_record_sent_in_a_callback_fails_as_soon_and_gives_its_room_back() -> None:
    stage = without_topics()
    stage.cluster.create_topic("t", 1)
    producer = stage.producer(unknown_topic_retries=2)
    sent: list[Any] = []
    producer.send("t", b"v").add_callback(lambda _: sent.extend(producer.send("nosuch", b"v", partition=p) for p in (None, 0))).get(10)
    began_s = stage.now_s
    for future in sent:
        with pytest.raises(UnknownTopicError, match="Topic nosuch does not exist") as caught:
            future.get(30)
        assert (caught.value.persisted, caught.value.attempts) == ("no", 0)
        assert caught.value.topic_partition.topic == "nosuch"
    assert stage.now_s - began_s < 0.1 + 1.2 * sum(PAUSES_S[:2])
    assert producer.status().buffered_bytes == 0
    producer.flush(1)
    producer.close()


def test_topics_that_exist_are_not_concerned() -> None:
    stage = without_topics()
    stage.cluster.create_topic("t", 1)
    producer = stage.producer(unknown_topic_retries=0)
    with pytest.raises(UnknownTopicError):
        producer.send("nosuch", b"v")
    assert [producer.send("t", b"v").get(10).offset for _ in range(10)] == list(range(10))
    producer.close()


def test_a_mock_producers_topics_all_exist() -> None:
    with MockProducer(unknown_topic_retries=0) as producer:
        assert producer.send("nosuch", b"v").get(0).offset == 0


# --- how often brokers are asked, and when nothing has to be waited for -------------------------------------------------


def all_at_once(threads: int, call: Callable[[], Any]) -> list[BaseException | None]:
    """What each of so many threads that call at the same time gets."""
    together = threading.Barrier(threads)

    def run(_: int) -> BaseException | None:
        together.wait(30)
        try:
            call()
        except KafkaError as error:
            return error
        return None

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(run, range(threads)))


def test_100_threads_that_wait_for_a_topic_cost_two_requests_a_second_in_all() -> None:
    with KafkaBroker(auto_create_topics=False) as broker, KafkaProducer(bootstrap_servers=broker.bootstrap_servers, max_block_ms=4000) as producer:
        before, began_s = len(broker.requests("Metadata")), time.monotonic()
        errors = all_at_once(100, lambda: producer.send("nosuch", b"v"))
        took_s = time.monotonic() - began_s
        asked = len(broker.requests("Metadata")) - before
    assert all(isinstance(error, KafkaTimeoutError) and "nosuch" in str(error) for error in errors)
    assert all("UnknownTopicOrPartitionError" in str(error) for error in errors)
    assert 2 <= asked <= 2 * took_s


def test_100_threads_fail_together_with_the_answers_that_one_of_them_would_need() -> None:
    with KafkaBroker(auto_create_topics=False) as broker:
        with KafkaProducer(bootstrap_servers=broker.bootstrap_servers, unknown_topic_retries=4, max_block_ms=60_000) as producer:
            before, began_s = len(broker.requests("Metadata")), time.monotonic()
            errors = all_at_once(100, lambda: producer.send("nosuch", b"v"))
            took_s = time.monotonic() - began_s
            asked = len(broker.requests("Metadata")) - before
        assert [type(error) for error in errors] == [UnknownTopicError] * 100
        assert 5 <= asked <= 5 + 1.25 * took_s  # it goes on, once a second


@pytest.mark.parametrize("age_s", [0.0, 1000.0])
def test_with_all_brokers_down_a_record_for_a_known_topic_is_taken_at_once(age_s: float) -> None:
    stage = Stage(brokers=2, latency_s=LATENCY_S)
    producer = stage.producer(metadata_max_age_ms=300_000, retries=5)
    producer.partitions_for("t")
    for link in stage.links:
        link.cut()
        link.refuse()
    stage.clock.run_for(age_s)
    with stage.takes(0.0):
        futures = [producer.send("t", b"%d" % number, key=b"k") for number in range(100)]
        assert producer.partitions_for("t") == {0}
    for link in stage.links:
        link.heal()
    assert [future.get(60).offset for future in futures] == list(range(100))
    producer.close()


def test_after_partitions_for_send_does_not_wait() -> None:
    stage = Stage(latency_s=LATENCY_S)
    producer = stage.producer(max_block_ms=5000)
    assert producer.partitions_for("t") == {0}
    with stage.takes(0.0):
        future = producer.send("t", b"v")
    assert future.get(10).offset == 0
    producer.close()
