"""Promises of kafka.errors: names, numbers, flags and bases of every generation of the API, and what an error shows."""

from __future__ import annotations

import concurrent.futures
import copy
import inspect
import pickle

import pytest

from kafka import errors
from kafka.errors import BrokerResponseError, KafkaError, for_code, kafka_errors

NEWEST_ERROR_NUMBER = 136  # org.apache.kafka.common.protocol.Errors of Apache Kafka 4.4

ALL_CLASSES = sorted(
    {found for _, found in inspect.getmembers(errors, inspect.isclass) if issubclass(found, KafkaError)}, key=lambda found: found.__name__
)

RETRIABLE = {3, 5, 6, 7, 9, 13, 14, 15, 16, 19, 20, 41, 51, 56, 70, 71, 72, 74, 75, 78, 80, 83, 84, 88, 89, 100, 103, 106, 122, 123, 133}
INVALID_METADATA = {3, 5, 6, 9, 13, 56, 72, 74, 75, 80, 83, 84, 100, 103}
AUTHORIZATION = {29, 30, 31, 53, 65}


def test_every_number_of_kafka_has_a_class_of_its_own():
    assert sorted(kafka_errors) == list(range(-1, NEWEST_ERROR_NUMBER + 1))
    assert len(set(kafka_errors.values())) == len(kafka_errors)


def test_every_broker_error_has_number_name_and_description():
    for number, error in kafka_errors.items():
        assert error.errno == number
        assert error.message.isupper()
        assert error.description.endswith(".")
    assert len({error.message for error in kafka_errors.values()}) == len(kafka_errors)


@pytest.mark.parametrize(
    ("name", "number", "message"),
    [
        ("UnknownError", -1, "UNKNOWN"),
        ("NoError", 0, "NO_ERROR"),
        ("CorruptRecordError", 2, "CORRUPT_MESSAGE"),
        ("NotLeaderForPartitionError", 6, "NOT_LEADER_FOR_PARTITION"),
        ("RequestTimedOutError", 7, "REQUEST_TIMED_OUT"),
        ("MessageSizeTooLargeError", 10, "MESSAGE_SIZE_TOO_LARGE"),
        ("NetworkExceptionError", 13, "NETWORK_EXCEPTION"),
        ("InvalidTopicError", 17, "INVALID_TOPIC"),
        ("RecordListTooLargeError", 18, "RECORD_LIST_TOO_LARGE"),
        ("TopicAuthorizationFailedError", 29, "TOPIC_AUTHORIZATION_FAILED"),
        ("UnsupportedVersionError", 35, "UNSUPPORTED_VERSION"),
        ("InvalidConfigurationError", 40, "INVALID_CONFIG"),
        ("DuplicateSequenceNumberError", 46, "DUPLICATE_SEQUENCE_NUMBER"),
        ("KafkaStorageError", 56, "KAFKA_STORAGE_ERROR"),
        ("SaslAuthenticationFailedError", 58, "SASL_AUTHENTICATION_FAILED"),
        ("InvalidRecordError", 87, "INVALID_RECORD"),
        ("UnknownTopicIdError", 100, "UNKNOWN_TOPIC_ID"),
        ("TransactionAbortableError", 120, "TRANSACTION_ABORTABLE"),
        ("RebootstrapRequiredError", 129, "REBOOTSTRAP_REQUIRED"),
        ("ControllerIdNotRegisteredError", 136, "CONTROLLER_ID_NOT_REGISTERED"),
    ],
)
def test_numbers_and_names_are_kafkas(name, number, message):
    error = getattr(errors, name)

    assert for_code(number) is error
    assert (error.errno, error.message) == (number, message)


@pytest.mark.parametrize("number", sorted(kafka_errors))
def test_what_a_broker_error_asks_for_is_told_by_attributes_and_by_bases(number):
    error = kafka_errors[number]

    assert error.retriable == issubclass(error, errors.RetriableError) == (number in RETRIABLE)
    assert error.invalid_metadata == issubclass(error, errors.InvalidMetadataError) == (number in INVALID_METADATA)
    assert issubclass(error, errors.AuthorizationError) == (number in AUTHORIZATION)


@pytest.mark.parametrize(
    ("error", "bases", "retriable", "invalid_metadata"),
    [
        (errors.KafkaError, (RuntimeError,), False, False),
        (errors.KafkaTimeoutError, (TimeoutError, concurrent.futures.TimeoutError), True, False),
        (errors.RequestTimedOutError, (TimeoutError, concurrent.futures.TimeoutError), True, False),
        (errors.NoBrokersAvailable, (errors.KafkaTimeoutError, TimeoutError, concurrent.futures.TimeoutError), True, True),
        (errors.KafkaConnectionError, (), True, True),
        (errors.StaleMetadata, (), True, True),
        (errors.NodeNotReadyError, (), True, False),
        (errors.Cancelled, (), True, False),
        (errors.TooManyInFlightRequests, (), True, False),
        (errors.MetadataEmptyBrokerList, (), True, False),
        (errors.CorrelationIdError, (errors.KafkaProtocolError,), True, False),
        (errors.KafkaProtocolError, (), False, False),
        (errors.InvalidReceiveError, (errors.KafkaProtocolError,), False, False),
        (errors.IllegalStateError, (AssertionError,), False, False),
        (errors.InvalidArgumentValueError, (errors.IllegalArgumentError, AssertionError, ValueError), False, False),
        (errors.InvalidArgumentTypeError, (errors.IllegalArgumentError, AssertionError, TypeError), False, False),
        (errors.KafkaConfigurationError, (AssertionError, ValueError), False, False),
        (errors.UnknownCodecError, (errors.UnsupportedCodecError, AssertionError, ValueError), False, False),
        (errors.CodecUnavailableError, (errors.UnsupportedCodecError, AssertionError, RuntimeError), False, False),
        (errors.IncompatibleBrokerVersion, (errors.UnsupportedVersionError,), False, False),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else None,
)
def test_one_class_is_caught_in_the_style_of_every_generation(error, bases, retriable, invalid_metadata):
    assert issubclass(error, (KafkaError,))
    assert all(issubclass(error, base) for base in bases)
    assert (error.retriable, error.invalid_metadata) == (retriable, invalid_metadata)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (KafkaError(), "KafkaError"),
        (KafkaError("x"), "KafkaError: x"),
        (KafkaError("x", 1), "KafkaError: ('x', 1)"),
        (errors.KafkaTimeoutError("x"), "KafkaTimeoutError: x"),
        (errors.KafkaTimeoutError("x", "y"), "KafkaTimeoutError: ('x', 'y')"),
        (errors.NoBrokersAvailable(), "NoBrokersAvailable"),
        (errors.IllegalStateError("closed"), "IllegalStateError: closed"),
        (errors.InvalidArgumentTypeError("topic"), "InvalidArgumentTypeError: topic"),
        (errors.MessageSizeTooLargeError(), "[Error 10] MessageSizeTooLargeError"),
        (errors.MessageSizeTooLargeError("2 MB"), "[Error 10] MessageSizeTooLargeError: 2 MB"),
        (errors.RequestTimedOutError("after 30 s"), "[Error 7] RequestTimedOutError: after 30 s"),
        (for_code(999)("x"), "[Error 999] UnrecognizedBrokerError: x"),
    ],
    ids=str,
)
def test_an_error_shows_its_class_and_what_it_was_made_with(error, text):
    assert str(error) == text


def test_a_time_out_made_like_an_os_error_keeps_its_own_number():
    error = errors.RequestTimedOutError(110, "Connection timed out")

    assert error.args == (110, "Connection timed out")
    assert error.errno == 7


@pytest.mark.parametrize("args", [(), ("x",), ("x", 2), (["no", "hash"],)], ids=repr)
@pytest.mark.parametrize("error", [*ALL_CLASSES, for_code(999)], ids=lambda error: error.__name__)
def test_every_error_can_be_compared_hashed_copied_and_pickled(error, args):
    if error in (errors.FailedPayloadsError, errors.AsyncProducerQueueFull):
        args = (None, *args)
    made = error(*args)

    assert made == error(*args)
    assert hash(made) == hash(error(*args))
    assert made != error(*args, "more")
    assert made != RuntimeError(*args)
    for twin in (pickle.loads(pickle.dumps(made)), copy.copy(made)):
        assert twin == made
        assert (type(twin), twin.args) == (error, made.args)


def test_errors_of_different_classes_are_not_equal():
    assert errors.KafkaTimeoutError("x") != errors.NoBrokersAvailable("x")


def test_an_unknown_number_has_a_class_that_stays_the_same():
    error = for_code(4711)

    assert error is for_code(4711)
    assert error is not for_code(4712)
    assert issubclass(error, errors.UnrecognizedBrokerError)
    assert issubclass(error, errors.UnknownError)
    assert issubclass(error, BrokerResponseError)
    assert (error.errno, error.retriable, error.__name__) == (4711, False, "UnrecognizedBrokerError")
    assert 4711 not in kafka_errors


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("ConnectionError", "KafkaConnectionError"),
        ("InvalidMessageError", "CorruptRecordError"),
        ("CorruptRecordException", "CorruptRecordError"),
        ("GroupLoadInProgressError", "CoordinatorLoadInProgressError"),
        ("GroupCoordinatorNotAvailableError", "CoordinatorNotAvailableError"),
        ("NotCoordinatorForGroupError", "NotCoordinatorError"),
        ("AuthenticationFailedError", "SaslAuthenticationFailedError"),
        ("AuthenticationMethodNotSupported", "UnsupportedSaslMechanismError"),
    ],
)
def test_a_renamed_error_is_caught_by_its_old_name(old, new):
    assert getattr(errors, old) is getattr(errors, new)


def test_error_13_is_caught_by_its_first_name_which_stood_for_no_error_that_may_pass():
    assert issubclass(for_code(13), errors.StaleLeaderEpochCodeError)
    assert (errors.StaleLeaderEpochCodeError.errno, errors.StaleLeaderEpochCodeError.retriable) == (13, False)
    assert not errors.StaleLeaderEpochCodeError.invalid_metadata


def test_the_broker_errors_can_be_iterated_as_in_1_x():
    for_code(4713)  # a class made for an unknown number is not among them

    assert {error.errno: error for error in errors._iter_broker_errors()} == kafka_errors


@pytest.mark.parametrize(
    "name",
    [
        "AsyncProducerQueueFull",
        "BufferUnderflowError",
        "ChecksumError",
        "CommitFailedError",
        "ConsumerFetchSizeTooSmall",
        "ConsumerNoMoreData",
        "ConsumerTimeout",
        "FailedPayloadsError",
        "KafkaUnavailableError",
        "LogTruncationError",
        "NoOffsetForPartitionError",
        "ProtocolError",
        "QuotaViolationError",
        "SecurityDisabledError",
        "TransactionAbortedError",
        "UnknownBrokerIdError",
        "UnrecognizedBrokerVersion",
        "UnsupportedCodecError",
    ],
)
def test_names_of_every_generation_are_errors_of_kafka(name):
    assert issubclass(getattr(errors, name), KafkaError)


def test_check_error_raises_what_a_response_of_1_x_carries():
    class Response:
        error = 0

    errors.check_error(Response())
    Response.error = 3
    with pytest.raises(errors.UnknownTopicOrPartitionError):
        errors.check_error(Response())
    with pytest.raises(KeyError):
        errors.check_error(KeyError("a response that is an exception"))


def test_retry_groups_of_1_x_hold_what_may_pass():
    assert errors.KafkaConnectionError in errors.RETRY_BACKOFF_ERROR_TYPES
    assert errors.NotLeaderForPartitionError in errors.RETRY_REFRESH_ERROR_TYPES
    assert set(errors.RETRY_ERROR_TYPES) == {*errors.RETRY_BACKOFF_ERROR_TYPES, *errors.RETRY_REFRESH_ERROR_TYPES}
