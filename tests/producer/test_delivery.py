"""producer.delivery: what each answer means, for every class of error there is."""

from __future__ import annotations

import pytest

from kafka import errors
from kafka.errors import KafkaError
from kafka.producer.delivery import SPECIAL_OUTCOMES, Outcome, outcome_for

ALL_ERRORS = sorted((e for e in vars(errors).values() if isinstance(e, type) and issubclass(e, KafkaError)), key=lambda e: e.__name__)


@pytest.mark.parametrize("error", ALL_ERRORS, ids=lambda e: e.__name__)
def test_every_error_has_an_outcome_that_its_nature_explains(error: type[KafkaError]) -> None:
    first_try, no_retries, used_up = outcome_for(error, 1, 3), outcome_for(error, 1, 0), outcome_for(error, 4, 3)
    if error in SPECIAL_OUTCOMES:
        assert first_try is no_retries is used_up is SPECIAL_OUTCOMES[error]
    elif error.invalid_metadata:
        assert first_try is Outcome.RETRY_AFTER_METADATA
        assert no_retries is used_up is Outcome.FAIL_AND_ASK_METADATA
    elif error.retriable:
        assert first_try is Outcome.RETRY
        assert no_retries is used_up is Outcome.FAIL
    else:
        assert first_try is no_retries is used_up is Outcome.FAIL


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (errors.NotLeaderForPartitionError, Outcome.RETRY_AFTER_METADATA),
        (errors.UnknownTopicOrPartitionError, Outcome.RETRY_AFTER_METADATA),
        (errors.LeaderNotAvailableError, Outcome.RETRY_AFTER_METADATA),
        (errors.KafkaConnectionError, Outcome.RETRY_AFTER_METADATA),
        (errors.RequestTimedOutError, Outcome.RETRY),
        (errors.NotEnoughReplicasError, Outcome.RETRY),
        (errors.NotEnoughReplicasAfterAppendError, Outcome.RETRY),
        (errors.MessageSizeTooLargeError, Outcome.SPLIT),
        (errors.RecordListTooLargeError, Outcome.SPLIT),
        (errors.DuplicateSequenceNumberError, Outcome.SUCCEED),
        (errors.TopicAuthorizationFailedError, Outcome.FAIL),
        (errors.InvalidRequiredAcksError, Outcome.FAIL),
        (errors.UnknownError, Outcome.FAIL),
    ],
)
def test_the_answers_that_producers_meet(error: type[KafkaError], outcome: Outcome) -> None:
    assert outcome_for(error, 1, 5) is outcome


def test_infinite_retries_are_never_used_up() -> None:
    assert outcome_for(errors.RequestTimedOutError, 10**9, float("inf")) is Outcome.RETRY


def test_an_exception_that_is_no_error_of_kafka_fails() -> None:
    assert outcome_for(ValueError, 1, 5) is Outcome.FAIL
