"""What a batch's answer means for it: decisions only, taken by the sender.

Imported by: producer.sender, producer.config.  Imports: errors, producer.batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from kafka.errors import (
    ClusterAuthorizationFailedError,
    CorruptRecordError,
    DuplicateSequenceNumberError,
    FencedLeaderEpochError,
    InvalidProducerEpochError,
    InvalidRecordError,
    InvalidRequiredAcksError,
    InvalidTimestampError,
    InvalidTopicError,
    KafkaError,
    KafkaTimeoutError,
    LeaderNotAvailableError,
    MessageSizeTooLargeError,
    NoError,
    NotEnoughReplicasError,
    NotLeaderForPartitionError,
    OutOfOrderSequenceNumberError,
    PolicyViolationError,
    ProducerFencedError,
    RecordListTooLargeError,
    ReplicaNotAvailableError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailedError,
    UnknownProducerIdError,
    UnknownTopicOrPartitionError,
    UnsupportedCompressionTypeError,
    UnsupportedForMessageFormatError,
    UnsupportedVersionError,
)
from kafka.producer.batch import ProducerBatch
from kafka.structs import TopicPartition


@dataclass(frozen=True)
class DeliveryPolicy:
    """How hard delivery is tried; times in seconds."""

    acks: int
    retries: float
    retry_backoff_s: float
    request_timeout_s: float
    linger_s: float
    delivery_timeout_s: float | None
    """Bounds everything from a batch's creation on; None with retries=0 unless it was asked for."""
    max_block_s: float
    max_request_bytes: int
    keeps_order: bool
    """One batch of a partition in flight at a time: max_in_flight_requests_per_connection=1."""

    @property
    def longest_wait_s(self) -> float:
        """How long a batch may wait to be sent, or sent again, from its creation on; a record may wait so long too."""
        return self.linger_s + self.request_timeout_s if self.delivery_timeout_s is None else self.delivery_timeout_s

    @property
    def deferral_bound(self) -> tuple[float, str]:
        """How long a record may wait for metadata where send() does not, and the options that say so."""
        if self.max_block_s <= self.longest_wait_s:
            return self.max_block_s, "max_block_ms"
        return self.longest_wait_s, "linger_ms + request_timeout_ms" if self.delivery_timeout_s is None else "delivery_timeout_ms"


class Outcome(Enum):
    """What becomes of a batch."""

    SUCCEED = "succeed"
    RETRY = "retry after the backoff"
    RETRY_AFTER_METADATA = "ask for metadata, and retry after the backoff"
    SPLIT = "send the records again in smaller batches; fail where it is one record"
    FAIL = "fail"
    FAIL_AND_ASK_METADATA = "fail, and ask for metadata so that the next batch finds its leader"


SPECIAL_OUTCOMES: dict[type[KafkaError], Outcome] = {
    NoError: Outcome.SUCCEED,
    DuplicateSequenceNumberError: Outcome.SUCCEED,  # an earlier attempt was written
    MessageSizeTooLargeError: Outcome.SPLIT,
    RecordListTooLargeError: Outcome.SPLIT,
}
"""Errors whose outcome their own `retriable` and `invalid_metadata` do not tell."""


NEVER_WRITTEN: frozenset[type[KafkaError]] = frozenset(
    {
        ClusterAuthorizationFailedError,
        CorruptRecordError,
        InvalidProducerEpochError,
        InvalidRecordError,
        InvalidRequiredAcksError,
        InvalidTimestampError,
        InvalidTopicError,
        MessageSizeTooLargeError,
        NotEnoughReplicasError,
        OutOfOrderSequenceNumberError,
        PolicyViolationError,
        ProducerFencedError,
        RecordListTooLargeError,
        TopicAuthorizationFailedError,
        TransactionalIdAuthorizationFailedError,
        UnknownProducerIdError,
        UnsupportedCompressionTypeError,
        UnsupportedForMessageFormatError,
        UnsupportedVersionError,
    }
)
"""What a leader, or this side, says instead of appending."""

WRITTEN_BY_A_LEADER_AT_MOST: frozenset[type[KafkaError]] = frozenset(
    {FencedLeaderEpochError, LeaderNotAvailableError, NotLeaderForPartitionError, ReplicaNotAvailableError, UnknownTopicOrPartitionError}
)
"""What a broker says instead of appending, and with acks='all' also where it stopped to lead the partition while it waited for the others."""


def is_written_for_sure_not(error: type[BaseException], acks: int) -> bool:
    """Whether an attempt that ended with this error has left nothing in any log."""
    return error in NEVER_WRITTEN or (acks != -1 and error in WRITTEN_BY_A_LEADER_AT_MOST)


def outcome_for(error: type[BaseException], attempts: int, retries: float) -> Outcome:
    """What an answer means for a batch that has been attempted `attempts` times; any class of error may be asked for."""
    if issubclass(error, KafkaError) and error in SPECIAL_OUTCOMES:
        return SPECIAL_OUTCOMES[error]
    may_retry = bool(getattr(error, "retriable", False)) and attempts <= retries
    if getattr(error, "invalid_metadata", False):
        return Outcome.RETRY_AFTER_METADATA if may_retry else Outcome.FAIL_AND_ASK_METADATA
    return Outcome.RETRY if may_retry else Outcome.FAIL


def expired_error(batch: ProducerBatch, now_s: float, why: str) -> KafkaTimeoutError:
    """The error of a batch that was given up: how long it waited, how often it was tried, and what stood in the way."""
    last = f"; last error: {batch.last_error}" if batch.last_error is not None else ""
    error = KafkaTimeoutError(
        f"Batch for {batch.topic_partition} containing {batch.record_count} record(s) expired: {now_s - batch.created_s:.3f} seconds have passed "
        f"since batch creation, {batch.attempts} attempt(s) were made, {why}{last}"
    )
    error.__cause__ = batch.last_error
    return error


def missing_answer_error(batch: ProducerBatch) -> KafkaError:
    """The broker answered the request without a word about this batch."""
    return UnknownTopicOrPartitionError(f"The broker's answer does not name {batch.topic_partition}")


def too_large_error(batch: ProducerBatch, error: KafkaError) -> KafkaError:
    """The broker takes no batch so large, and this one has a single record: how large it is, and whose limit that is. Brokers do not say which."""
    topic = batch.topic_partition.topic
    told = type(error)(
        f"A record of {batch.wire_bytes} bytes for {batch.topic_partition} is larger than the broker takes: max.message.bytes of the topic "
        f"{topic}, or message.max.bytes of the broker where the topic has none, must be raised for it, and max_request_size of this producer "
        "kept in step"
    )
    told.__cause__ = error
    return told


def too_large_compressed_error(topic_partition: TopicPartition, size_bytes: int, wire_bytes: int, codec: str, limit: int) -> KafkaError:
    """max_request_size was kept for what compression makes of a record, and that is not enough."""
    return MessageSizeTooLargeError(
        f"The message for {topic_partition} is {size_bytes} bytes when serialized and {wire_bytes} bytes when compressed with {codec}, which is "
        f"larger than the maximum request size you have configured with the max_request_size configuration ({limit}, held against what is "
        "compressed as check_size_after_compression says)"
    )


def errors_of_records(answer: Any, error: KafkaError) -> dict[int, BaseException] | None:
    """Errors of single records by their position, where the broker names culprits (KIP-467, Produce 8); None where it does not.

    The others of the batch then fail because of them: `bystander_error` is theirs.
    """
    culprits = getattr(answer, "record_errors", None)
    if not culprits:
        return None
    if len(culprits) == 1:
        return {culprits[0].batch_index: type(error)(culprits[0].batch_index_error_message or str(answer.error_message))}
    return {c.batch_index: InvalidRecordError(c.batch_index_error_message or str(answer.error_message)) for c in culprits}


def bystander_error(error: KafkaError) -> KafkaError:
    """What a record fails with when others of its batch were refused by name."""
    bystander = KafkaError("Failed to append record because it was part of a batch which had one or more invalid records")
    bystander.__cause__ = error
    return bystander
