"""Topics that one may not see, or not write to: a failed future at once, and no harm to other topics."""

from __future__ import annotations

from typing import Any

import pytest

from kafka.errors import AuthorizationError, TopicAuthorizationFailedError
from kafka.protocol.metadata import MetadataRequest, MetadataResponseTopic
from kafka.testing.exchange import Answer, Call, Handler
from kafka.testing.handlers import SERVED
from tests.scenarios.stage import Stage, answer_produce_with, refusal


@pytest.fixture
def hidden(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Names of topics that brokers do not let the client see."""
    names: set[str] = set()
    served = SERVED[MetadataRequest.API_KEY]

    def respond(call: Call) -> Any:
        response: Any = served.handle(call)
        response.topics = [
            MetadataResponseTopic(error_code=TopicAuthorizationFailedError.errno, name=topic.name) if topic.name in names else topic
            for topic in response.topics
        ]
        return response

    monkeypatch.setitem(SERVED, MetadataRequest.API_KEY, served._replace(handle=respond))
    return names


def test_a_topic_that_one_may_not_see_gives_a_failed_future_and_no_wait(hidden: set[str]) -> None:
    hidden.add("secret")
    stage = Stage()
    producer = stage.producer()

    with stage.takes(0):
        for _ in range(3):
            future = producer.send("secret", b"v")
            assert future.is_done
            assert isinstance(future.exception, TopicAuthorizationFailedError)
            assert isinstance(future.exception, AuthorizationError)
            assert "secret" in str(future.exception)
            with pytest.raises(TopicAuthorizationFailedError):
                producer.partitions_for("secret")
    assert producer.send("open", b"v").get().offset == 0


def test_a_right_that_is_granted_later_is_noticed(hidden: set[str]) -> None:
    hidden.add("secret")
    stage = Stage()
    producer = stage.producer()
    assert producer.send("secret", b"before").failed()

    hidden.clear()
    stage.clock.run_for(1)

    assert producer.send("secret", b"after").get().offset == 0
    assert [record.value for record in stage.cluster.records("secret")] == [b"after"]


def test_a_topic_that_one_may_see_and_not_write_to_fails_the_record_whatever_retries_says(monkeypatch: pytest.MonkeyPatch) -> None:
    attempts: list[str] = []

    def respond(call: Call, usual: Handler) -> Answer:
        names = [topic.name for topic in call.request.topic_data]
        attempts.extend(names)
        return refusal(call, TopicAuthorizationFailedError) if "read-only" in names else usual(call)

    answer_produce_with(monkeypatch, respond)
    stage = Stage()
    producer = stage.producer(retries=5)

    with pytest.raises(TopicAuthorizationFailedError, match="read-only"):
        producer.send("read-only", b"v").get()
    assert producer.send("open", b"v").get().offset == 0
    assert attempts == ["read-only", "open"]
