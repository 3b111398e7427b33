"""Every error of the library, and those that brokers report by number.

One class serves the styles of all generations of the API: an error that was an AssertionError in one and a ValueError in
another is both, and whether an error may pass is told by base classes and by the attributes `retriable` and `invalid_metadata`.
Imported by: every layer.  Imports: nothing of ours.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

if TYPE_CHECKING:
    from kafka.structs import TopicPartition

if sys.version_info >= (3, 11):

    class _TimedOut(TimeoutError):
        """Both time-out errors of the standard library, which are one from Python 3.11 on."""

else:
    import concurrent.futures

    class _TimedOut(TimeoutError, concurrent.futures.TimeoutError):
        """Both time-out errors of the standard library, which are one from Python 3.11 on."""


class KafkaError(RuntimeError):
    """The base of all errors; equal to another of the same class and arguments, and usable in sets and dicts.

    Threads: any.
    """

    retriable: ClassVar[bool] = False
    """Whether the same request may succeed later."""
    invalid_metadata: ClassVar[bool] = False
    """Whether what is known of the cluster must be asked for anew."""

    persisted: str | None = None
    """Of an error that a record failed with: "no" where no broker has written it, "maybe" where one may have. None in other errors, as below."""
    attempts: int | None = None
    """How often the record was handed to a broker."""
    elapsed: float | None = None
    """Seconds from send() to the failure; for a record in a batch, from the batch's first record on."""
    topic_partition: TopicPartition | None = None
    """Where the record was to go; partition -1 where that was not decided."""
    last_error: KafkaError | None = None
    """What went wrong last: a broker's answer, or that there was none. None where nothing was tried."""

    def __str__(self) -> str:
        return f"{type(self).__name__}: {_text(self.args)}" if self.args else type(self).__name__

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.args == getattr(other, "args", ())

    def __hash__(self) -> int:
        return hash((type(self), len(self.args)))  # an argument may be a list


def _text(args: tuple[Any, ...]) -> str:
    return str(args[0]) if len(args) == 1 else str(args)


# --- bases ----------------------------------------------------------------------------------------------------------


class RetriableError(KafkaError):
    """May succeed when tried again."""

    retriable = True


class InvalidMetadataError(RetriableError):
    """May succeed when tried again with fresh metadata."""

    invalid_metadata = True


class IllegalArgumentError(KafkaError):
    """A call's arguments are not valid."""


class InvalidArgumentValueError(IllegalArgumentError, AssertionError, ValueError):
    """An argument of the right type has a value that is not valid."""


class InvalidArgumentTypeError(IllegalArgumentError, AssertionError, TypeError):
    """An argument's type is not valid."""


# --- errors that this side finds ------------------------------------------------------------------------------------


class IllegalStateError(KafkaError, AssertionError):
    """The object's state does not allow the call, for instance after close()."""


class KafkaConfigurationError(KafkaError, AssertionError, ValueError):
    """Options are unknown, not valid, or contradict each other."""


class KafkaTimeoutError(RetriableError, _TimedOut):
    """Something did not happen in the time that was given."""


class FailedPartition(NamedTuple):
    """Records of one partition that failed with errors of one class; `error` is the first of them."""

    topic_partition: TopicPartition
    records: int
    error: BaseException


class RecordsNotDeliveredError(KafkaError):
    """Records that were sent before a flush(raise_errors=True) have failed.

    `failures` has a FailedPartition for each partition and class of error, in the order in which they came.
    """

    failures: tuple[FailedPartition, ...] = ()

    @property
    def records(self) -> int:
        """How many records there are."""
        return sum(failure.records for failure in self.failures)


class KafkaConnectionError(InvalidMetadataError):
    """A connection could not be made, or was lost."""


class NoBrokersAvailable(InvalidMetadataError, KafkaTimeoutError):
    """None of the bootstrap servers could be talked to in time."""


class NodeNotReadyError(RetriableError):
    """The connection to a broker cannot be used yet."""


class Cancelled(RetriableError):
    """A request was given up before it was answered."""


class TooManyInFlightRequests(RetriableError):
    """As many requests wait for an answer as may."""


class StaleMetadata(InvalidMetadataError):
    """What is known of the cluster is not enough for this."""


class MetadataEmptyBrokerList(RetriableError):
    """A broker's answer names no brokers."""


class KafkaProtocolError(KafkaError):
    """The other side does not keep to the protocol."""


class CorrelationIdError(RetriableError, KafkaProtocolError):
    """An answer belongs to no request, or not to the oldest one."""


class InvalidReceiveError(KafkaProtocolError):
    """What was received cannot be a response of Kafka."""


class UnrecognizedBrokerVersion(KafkaError):
    """It cannot be told which release a broker is."""


class UnknownBrokerIdError(KafkaError):
    """The cluster has no broker of this id."""


class UnsupportedCodecError(KafkaError):
    """A compression codec cannot be used."""


class UnknownCodecError(UnsupportedCodecError, AssertionError, ValueError):
    """There is no compression codec of this name."""


class CodecUnavailableError(UnsupportedCodecError, AssertionError, ImportError):
    """The package that a compression codec needs is not installed; a RuntimeError, an AssertionError and an ImportError."""


class QuotaViolationError(KafkaError):
    """A metric is out of the bounds that were set for it."""


class TransactionAbortedError(KafkaError):
    """The record's transaction was aborted before it was sent."""


class CommitFailedError(KafkaError):
    """A consumer's offsets could not be committed."""


class NoOffsetForPartitionError(KafkaError):
    """A consumer has no position in a partition."""


class LogTruncationError(KafkaError):
    """A partition's log was cut below a consumer's position."""


# --- errors that brokers report -------------------------------------------------------------------------------------


class BrokerResponseError(KafkaError):
    """An error that Kafka has a number for: `errno`, the name `message`, and what it means, `description`.

    Numbers and names: org.apache.kafka.common.protocol.Errors; where Kafka renamed one, the description ends with the new name.
    Threads: any.
    """

    errno: int | None = None
    message: str | None = None
    description: str | None = None

    def __str__(self) -> str:
        return f"[Error {self.errno}] {super().__str__()}"


class AuthorizationError(BrokerResponseError):
    """The client is known, but may not do this."""


class UnknownError(BrokerResponseError):
    errno, message = -1, "UNKNOWN"
    description = "The broker met an error it has no number for; its log tells more (UNKNOWN_SERVER_ERROR)."


class NoError(BrokerResponseError):
    errno, message = 0, "NO_ERROR"
    description = "Success (NONE)."


class OffsetOutOfRangeError(BrokerResponseError):
    errno, message = 1, "OFFSET_OUT_OF_RANGE"
    description = "The partition's log does not hold this offset."


class CorruptRecordError(BrokerResponseError):
    errno, message = 2, "CORRUPT_MESSAGE"
    description = "A record's checksum or size is wrong, or it has no key and the topic is compacted."


class UnknownTopicOrPartitionError(InvalidMetadataError, BrokerResponseError):
    errno, message = 3, "UNKNOWN_TOPIC_OR_PARTITION"
    description = "The broker does not have this topic or partition."


class UnknownTopicError(UnknownTopicOrPartitionError, KafkaTimeoutError):  # type: ignore[misc]  # errno: an OSError has one too
    """Brokers have said as often as `unknown_topic_retries` allows that there is no such topic.

    Also a KafkaTimeoutError: without that option the same call waits for max_block_ms, and fails with one.
    """


class InvalidFetchRequestError(BrokerResponseError):
    errno, message = 4, "INVALID_FETCH_SIZE"
    description = "The number of bytes to fetch is not valid."


class LeaderNotAvailableError(InvalidMetadataError, BrokerResponseError):
    errno, message = 5, "LEADER_NOT_AVAILABLE"
    description = "The partition has no leader at the moment: an election is going on."


class NotLeaderForPartitionError(InvalidMetadataError, BrokerResponseError):
    errno, message = 6, "NOT_LEADER_FOR_PARTITION"
    description = "The broker does not lead this partition, nor follow it (NOT_LEADER_OR_FOLLOWER)."


class RequestTimedOutError(RetriableError, BrokerResponseError, _TimedOut):
    errno, message = 7, "REQUEST_TIMED_OUT"
    description = "The request was not answered, or not replicated, in time."


class BrokerNotAvailableError(BrokerResponseError):
    errno, message = 8, "BROKER_NOT_AVAILABLE"
    description = "The broker is not alive."


class ReplicaNotAvailableError(InvalidMetadataError, BrokerResponseError):
    errno, message = 9, "REPLICA_NOT_AVAILABLE"
    description = "The broker should have a replica of the partition but has none yet."


class MessageSizeTooLargeError(BrokerResponseError):
    errno, message = 10, "MESSAGE_SIZE_TOO_LARGE"
    description = "A record or batch is larger than what is accepted (MESSAGE_TOO_LARGE)."


class StaleControllerEpochError(BrokerResponseError):
    errno, message = 11, "STALE_CONTROLLER_EPOCH"
    description = "The cluster has another controller by now."


class OffsetMetadataTooLargeError(BrokerResponseError):
    errno, message = 12, "OFFSET_METADATA_TOO_LARGE"
    description = "The text that goes with a committed offset is too long."


class StaleLeaderEpochCodeError(BrokerResponseError):
    """What releases before 2.2 took error 13 for, which they did not think would pass; brokers' answers are the class derived from it."""

    errno, message = 13, "STALE_LEADER_EPOCH_CODE"
    description = "The broker lost the connection to another one (NETWORK_EXCEPTION)."


class NetworkExceptionError(InvalidMetadataError, StaleLeaderEpochCodeError):
    errno, message = 13, "NETWORK_EXCEPTION"
    description = "The connection was lost before the answer came."


class CoordinatorLoadInProgressError(RetriableError, BrokerResponseError):
    errno, message = 14, "COORDINATOR_LOAD_IN_PROGRESS"
    description = "The coordinator is loading its state and cannot answer yet."


class CoordinatorNotAvailableError(RetriableError, BrokerResponseError):
    errno, message = 15, "COORDINATOR_NOT_AVAILABLE"
    description = "There is no coordinator at the moment."


class NotCoordinatorError(RetriableError, BrokerResponseError):
    errno, message = 16, "NOT_COORDINATOR"
    description = "Another broker is the coordinator."


class InvalidTopicError(BrokerResponseError):
    errno, message = 17, "INVALID_TOPIC"
    description = "The topic's name is not valid, or it must not be used this way (INVALID_TOPIC_EXCEPTION)."


class RecordListTooLargeError(BrokerResponseError):
    errno, message = 18, "RECORD_LIST_TOO_LARGE"
    description = "The batch is larger than a log segment of the topic."


class NotEnoughReplicasError(RetriableError, BrokerResponseError):
    errno, message = 19, "NOT_ENOUGH_REPLICAS"
    description = "Fewer replicas are in sync than min.insync.replicas asks for; nothing was written."


class NotEnoughReplicasAfterAppendError(RetriableError, BrokerResponseError):
    errno, message = 20, "NOT_ENOUGH_REPLICAS_AFTER_APPEND"
    description = "The records were written, but to fewer in-sync replicas than min.insync.replicas asks for."


class InvalidRequiredAcksError(BrokerResponseError):
    errno, message = 21, "INVALID_REQUIRED_ACKS"
    description = "acks is none of -1, 0 and 1."


class IllegalGenerationError(BrokerResponseError):
    errno, message = 22, "ILLEGAL_GENERATION"
    description = "The generation is not the group's present one."


class InconsistentGroupProtocolError(BrokerResponseError):
    errno, message = 23, "INCONSISTENT_GROUP_PROTOCOL"
    description = "The member's protocols do not fit those of the group."


class InvalidGroupIdError(BrokerResponseError):
    errno, message = 24, "INVALID_GROUP_ID"
    description = "The group's id is not valid."


class UnknownMemberIdError(BrokerResponseError):
    errno, message = 25, "UNKNOWN_MEMBER_ID"
    description = "The group has no such member."


class InvalidSessionTimeoutError(BrokerResponseError):
    errno, message = 26, "INVALID_SESSION_TIMEOUT"
    description = "The session time-out is outside the range that the broker allows."


class RebalanceInProgressError(BrokerResponseError):
    errno, message = 27, "REBALANCE_IN_PROGRESS"
    description = "The group is being balanced anew: the member must rejoin."


class InvalidCommitOffsetSizeError(BrokerResponseError):
    errno, message = 28, "INVALID_COMMIT_OFFSET_SIZE"
    description = "The offsets to commit take too many bytes."


class TopicAuthorizationFailedError(AuthorizationError):
    errno, message = 29, "TOPIC_AUTHORIZATION_FAILED"
    description = "The client may not do this with the topic."


class GroupAuthorizationFailedError(AuthorizationError):
    errno, message = 30, "GROUP_AUTHORIZATION_FAILED"
    description = "The client may not use this group."


class ClusterAuthorizationFailedError(AuthorizationError):
    errno, message = 31, "CLUSTER_AUTHORIZATION_FAILED"
    description = "The client may not do this with the cluster."


class InvalidTimestampError(BrokerResponseError):
    errno, message = 32, "INVALID_TIMESTAMP"
    description = "A record's timestamp is further from the broker's clock than the topic allows."


class UnsupportedSaslMechanismError(BrokerResponseError):
    errno, message = 33, "UNSUPPORTED_SASL_MECHANISM"
    description = "The broker does not offer this SASL mechanism."


class IllegalSaslStateError(BrokerResponseError):
    errno, message = 34, "ILLEGAL_SASL_STATE"
    description = "The request does not fit the state of the SASL exchange."


class UnsupportedVersionError(BrokerResponseError):
    errno, message = 35, "UNSUPPORTED_VERSION"
    description = "The other side does not know this version of the request or format."


class TopicAlreadyExistsError(BrokerResponseError):
    errno, message = 36, "TOPIC_ALREADY_EXISTS"
    description = "There is a topic of this name already."


class InvalidPartitionsError(BrokerResponseError):
    errno, message = 37, "INVALID_PARTITIONS"
    description = "The number of partitions is not valid."


class InvalidReplicationFactorError(BrokerResponseError):
    errno, message = 38, "INVALID_REPLICATION_FACTOR"
    description = "The replication factor is below 1 or above the number of brokers."


class InvalidReplicationAssignmentError(BrokerResponseError):
    errno, message = 39, "INVALID_REPLICATION_ASSIGNMENT"
    description = "The assignment of replicas to brokers is not valid (INVALID_REPLICA_ASSIGNMENT)."


class InvalidConfigurationError(BrokerResponseError):
    errno, message = 40, "INVALID_CONFIG"
    description = "A setting of the broker or topic is not valid."


class NotControllerError(RetriableError, BrokerResponseError):
    errno, message = 41, "NOT_CONTROLLER"
    description = "Another broker is the controller."


class InvalidRequestError(BrokerResponseError):
    errno, message = 42, "INVALID_REQUEST"
    description = "The broker cannot accept the request as it is; its log says why."


class UnsupportedForMessageFormatError(BrokerResponseError):
    errno, message = 43, "UNSUPPORTED_FOR_MESSAGE_FORMAT"
    description = "The topic's message format cannot do this."


class PolicyViolationError(BrokerResponseError):
    errno, message = 44, "POLICY_VIOLATION"
    description = "A policy of the cluster forbids this."


class OutOfOrderSequenceNumberError(BrokerResponseError):
    errno, message = 45, "OUT_OF_ORDER_SEQUENCE_NUMBER"
    description = "A batch is missing before this one of the same producer."


class DuplicateSequenceNumberError(BrokerResponseError):
    errno, message = 46, "DUPLICATE_SEQUENCE_NUMBER"
    description = "The batch was written already."


class InvalidProducerEpochError(BrokerResponseError):
    errno, message = 47, "INVALID_PRODUCER_EPOCH"
    description = "The producer's epoch is old."


class InvalidTxnStateError(BrokerResponseError):
    errno, message = 48, "INVALID_TXN_STATE"
    description = "The transaction's state does not allow this."


class InvalidProducerIdMappingError(BrokerResponseError):
    errno, message = 49, "INVALID_PRODUCER_ID_MAPPING"
    description = "The producer id does not belong to the transactional id."


class InvalidTransactionTimeoutError(BrokerResponseError):
    errno, message = 50, "INVALID_TRANSACTION_TIMEOUT"
    description = "The transaction's time-out is longer than the broker's transaction.max.timeout.ms."


class ConcurrentTransactionsError(RetriableError, BrokerResponseError):
    errno, message = 51, "CONCURRENT_TRANSACTIONS"
    description = "Another operation on the same transaction is not finished yet."


class TransactionCoordinatorFencedError(BrokerResponseError):
    errno, message = 52, "TRANSACTION_COORDINATOR_FENCED"
    description = "The transaction has another coordinator by now."


class TransactionalIdAuthorizationFailedError(AuthorizationError):
    errno, message = 53, "TRANSACTIONAL_ID_AUTHORIZATION_FAILED"
    description = "The client may not use this transactional id."


class SecurityDisabledError(BrokerResponseError):
    errno, message = 54, "SECURITY_DISABLED"
    description = "The broker has no authorizer."


class OperationNotAttemptedError(BrokerResponseError):
    errno, message = 55, "OPERATION_NOT_ATTEMPTED"
    description = "Not tried, since another operation of the same request failed."


class KafkaStorageError(InvalidMetadataError, BrokerResponseError):
    errno, message = 56, "KAFKA_STORAGE_ERROR"
    description = "The broker's disk failed."


class LogDirNotFoundError(BrokerResponseError):
    errno, message = 57, "LOG_DIR_NOT_FOUND"
    description = "The broker has no such log directory."


class SaslAuthenticationFailedError(BrokerResponseError):
    errno, message = 58, "SASL_AUTHENTICATION_FAILED"
    description = "The broker refused the credentials."


class UnknownProducerIdError(BrokerResponseError):
    errno, message = 59, "UNKNOWN_PRODUCER_ID"
    description = "The broker remembers nothing of the producer: its last records were deleted."


class ReassignmentInProgressError(BrokerResponseError):
    errno, message = 60, "REASSIGNMENT_IN_PROGRESS"
    description = "The partition is being moved."


class DelegationTokenAuthDisabledError(BrokerResponseError):
    errno, message = 61, "DELEGATION_TOKEN_AUTH_DISABLED"
    description = "The broker has delegation tokens switched off."


class DelegationTokenNotFoundError(BrokerResponseError):
    errno, message = 62, "DELEGATION_TOKEN_NOT_FOUND"
    description = "The broker has no such delegation token."


class DelegationTokenOwnerMismatchError(BrokerResponseError):
    errno, message = 63, "DELEGATION_TOKEN_OWNER_MISMATCH"
    description = "The principal may not renew this delegation token."


class DelegationTokenRequestNotAllowedError(BrokerResponseError):
    errno, message = 64, "DELEGATION_TOKEN_REQUEST_NOT_ALLOWED"
    description = "Delegation tokens are not given over connections authenticated this way."


class DelegationTokenAuthorizationFailedError(AuthorizationError):
    errno, message = 65, "DELEGATION_TOKEN_AUTHORIZATION_FAILED"
    description = "The client may not use this delegation token."


class DelegationTokenExpiredError(BrokerResponseError):
    errno, message = 66, "DELEGATION_TOKEN_EXPIRED"
    description = "The delegation token has expired."


class InvalidPrincipalTypeError(BrokerResponseError):
    errno, message = 67, "INVALID_PRINCIPAL_TYPE"
    description = "The broker does not know this kind of principal."


class NonEmptyGroupError(BrokerResponseError):
    errno, message = 68, "NON_EMPTY_GROUP"
    description = "The group has members."


class GroupIdNotFoundError(BrokerResponseError):
    errno, message = 69, "GROUP_ID_NOT_FOUND"
    description = "There is no such group."


class FetchSessionIdNotFoundError(RetriableError, BrokerResponseError):
    errno, message = 70, "FETCH_SESSION_ID_NOT_FOUND"
    description = "There is no such fetch session."


class InvalidFetchSessionEpochError(RetriableError, BrokerResponseError):
    errno, message = 71, "INVALID_FETCH_SESSION_EPOCH"
    description = "The fetch session is at another epoch."


class ListenerNotFoundError(InvalidMetadataError, BrokerResponseError):
    errno, message = 72, "LISTENER_NOT_FOUND"
    description = "The leader has no listener of the name that the client is connected through."


class TopicDeletionDisabledError(BrokerResponseError):
    errno, message = 73, "TOPIC_DELETION_DISABLED"
    description = "The cluster does not let topics be deleted."


class FencedLeaderEpochError(InvalidMetadataError, BrokerResponseError):
    errno, message = 74, "FENCED_LEADER_EPOCH"
    description = "The client's leader epoch is older than the broker's."


class UnknownLeaderEpochError(InvalidMetadataError, BrokerResponseError):
    errno, message = 75, "UNKNOWN_LEADER_EPOCH"
    description = "The client's leader epoch is newer than the broker's."


class UnsupportedCompressionTypeError(BrokerResponseError):
    errno, message = 76, "UNSUPPORTED_COMPRESSION_TYPE"
    description = "The request's version does not allow the compression that is used."


class StaleBrokerEpochError(BrokerResponseError):
    errno, message = 77, "STALE_BROKER_EPOCH"
    description = "The broker was restarted meanwhile."


class OffsetNotAvailableError(RetriableError, BrokerResponseError):
    errno, message = 78, "OFFSET_NOT_AVAILABLE"
    description = "A new leader does not know its high watermark yet."


class MemberIdRequiredError(BrokerResponseError):
    errno, message = 79, "MEMBER_ID_REQUIRED"
    description = "The member must join with the id that it was given."


class PreferredLeaderNotAvailableError(InvalidMetadataError, BrokerResponseError):
    errno, message = 80, "PREFERRED_LEADER_NOT_AVAILABLE"
    description = "The preferred leader is not available."


class GroupMaxSizeReachedError(BrokerResponseError):
    errno, message = 81, "GROUP_MAX_SIZE_REACHED"
    description = "The group is full."


class FencedInstanceIdError(BrokerResponseError):
    errno, message = 82, "FENCED_INSTANCE_ID"
    description = "Another consumer has taken over this group.instance.id."


class EligibleLeadersNotAvailableError(InvalidMetadataError, BrokerResponseError):
    errno, message = 83, "ELIGIBLE_LEADERS_NOT_AVAILABLE"
    description = "None of the replicas that may lead is available."


class ElectionNotNeededError(InvalidMetadataError, BrokerResponseError):
    errno, message = 84, "ELECTION_NOT_NEEDED"
    description = "The partition has the leader that was asked for."


class NoReassignmentInProgressError(BrokerResponseError):
    errno, message = 85, "NO_REASSIGNMENT_IN_PROGRESS"
    description = "The partition is not being moved."


class GroupSubscribedToTopicError(BrokerResponseError):
    errno, message = 86, "GROUP_SUBSCRIBED_TO_TOPIC"
    description = "Offsets cannot be deleted while the group reads the topic."


class InvalidRecordError(BrokerResponseError):
    errno, message = 87, "INVALID_RECORD"
    description = "The broker's checks refused a record of the batch."


class UnstableOffsetCommitError(RetriableError, BrokerResponseError):
    errno, message = 88, "UNSTABLE_OFFSET_COMMIT"
    description = "Offsets of an open transaction stand in the way."


class ThrottlingQuotaExceededError(RetriableError, BrokerResponseError):
    errno, message = 89, "THROTTLING_QUOTA_EXCEEDED"
    description = "A quota is used up for now."


class ProducerFencedError(BrokerResponseError):
    errno, message = 90, "PRODUCER_FENCED"
    description = "A newer producer has taken over the transactional id."


class ResourceNotFoundError(BrokerResponseError):
    errno, message = 91, "RESOURCE_NOT_FOUND"
    description = "What the request is about does not exist."


class DuplicateResourceError(BrokerResponseError):
    errno, message = 92, "DUPLICATE_RESOURCE"
    description = "The request names the same thing twice."


class UnacceptableCredentialError(BrokerResponseError):
    errno, message = 93, "UNACCEPTABLE_CREDENTIAL"
    description = "The new credentials do not meet the broker's rules."


class InconsistentVoterSetError(BrokerResponseError):
    errno, message = 94, "INCONSISTENT_VOTER_SET"
    description = "The sender or receiver is not one of the expected voters."


class InvalidUpdateVersionError(BrokerResponseError):
    errno, message = 95, "INVALID_UPDATE_VERSION"
    description = "The version to update to is not valid."


class FeatureUpdateFailedError(BrokerResponseError):
    errno, message = 96, "FEATURE_UPDATE_FAILED"
    description = "The controller could not update the cluster's features."


class PrincipalDeserializationFailureError(BrokerResponseError):
    errno, message = 97, "PRINCIPAL_DESERIALIZATION_FAILURE"
    description = "The principal of a forwarded request could not be read: the brokers' security settings differ."


class SnapshotNotFoundError(BrokerResponseError):
    errno, message = 98, "SNAPSHOT_NOT_FOUND"
    description = "There is no such snapshot."


class PositionOutOfRangeError(BrokerResponseError):
    errno, message = 99, "POSITION_OUT_OF_RANGE"
    description = "The position lies outside the snapshot."


class UnknownTopicIdError(InvalidMetadataError, BrokerResponseError):
    errno, message = 100, "UNKNOWN_TOPIC_ID"
    description = "The broker does not have the topic of this id."


class DuplicateBrokerRegistrationError(BrokerResponseError):
    errno, message = 101, "DUPLICATE_BROKER_REGISTRATION"
    description = "Another broker uses this broker id."


class BrokerIdNotRegisteredError(BrokerResponseError):
    errno, message = 102, "BROKER_ID_NOT_REGISTERED"
    description = "No broker is registered with this id."


class InconsistentTopicIdError(InvalidMetadataError, BrokerResponseError):
    errno, message = 103, "INCONSISTENT_TOPIC_ID"
    description = "The log belongs to a topic of another id."


class InconsistentClusterIdError(BrokerResponseError):
    errno, message = 104, "INCONSISTENT_CLUSTER_ID"
    description = "The broker belongs to another cluster."


class TransactionalIdNotFoundError(BrokerResponseError):
    errno, message = 105, "TRANSACTIONAL_ID_NOT_FOUND"
    description = "There is no such transactional id."


class FetchSessionTopicIdError(RetriableError, BrokerResponseError):
    errno, message = 106, "FETCH_SESSION_TOPIC_ID_ERROR"
    description = "The fetch session mixes topics with and without ids."


class IneligibleReplicaError(BrokerResponseError):
    errno, message = 107, "INELIGIBLE_REPLICA"
    description = "A replica may not be among those in sync."


class NewLeaderElectedError(BrokerResponseError):
    errno, message = 108, "NEW_LEADER_ELECTED"
    description = "The change was made, and the partition has a new leader."


class OffsetMovedToTieredStorageError(BrokerResponseError):
    errno, message = 109, "OFFSET_MOVED_TO_TIERED_STORAGE"
    description = "The offset has moved to tiered storage."


class FencedMemberEpochError(BrokerResponseError):
    errno, message = 110, "FENCED_MEMBER_EPOCH"
    description = "The coordinator shut the member out: it must give up its partitions and rejoin."


class UnreleasedInstanceIdError(BrokerResponseError):
    errno, message = 111, "UNRELEASED_INSTANCE_ID"
    description = "Another member of the group still uses the instance id."


class UnsupportedAssignorError(BrokerResponseError):
    errno, message = 112, "UNSUPPORTED_ASSIGNOR"
    description = "The group does not know the assignor, or not in this version."


class StaleMemberEpochError(BrokerResponseError):
    errno, message = 113, "STALE_MEMBER_EPOCH"
    description = "The member's epoch is old: the next heartbeat brings the new one."


class MismatchedEndpointTypeError(BrokerResponseError):
    errno, message = 114, "MISMATCHED_ENDPOINT_TYPE"
    description = "The request went to the wrong kind of endpoint."


class UnsupportedEndpointTypeError(BrokerResponseError):
    errno, message = 115, "UNSUPPORTED_ENDPOINT_TYPE"
    description = "This kind of endpoint is not supported yet."


class UnknownControllerIdError(BrokerResponseError):
    errno, message = 116, "UNKNOWN_CONTROLLER_ID"
    description = "There is no controller of this id."


class UnknownSubscriptionIdError(BrokerResponseError):
    errno, message = 117, "UNKNOWN_SUBSCRIPTION_ID"
    description = "The subscription that telemetry was sent for is old or unknown."


class TelemetryTooLargeError(BrokerResponseError):
    errno, message = 118, "TELEMETRY_TOO_LARGE"
    description = "The telemetry is larger than the broker accepts."


class InvalidRegistrationError(BrokerResponseError):
    errno, message = 119, "INVALID_REGISTRATION"
    description = "The controller does not accept the broker's registration."


class TransactionAbortableError(BrokerResponseError):
    errno, message = 120, "TRANSACTION_ABORTABLE"
    description = "The transaction failed; the producer may go on after aborting it."


class InvalidRecordStateError(BrokerResponseError):
    errno, message = 121, "INVALID_RECORD_STATE"
    description = "The record cannot be acknowledged in its state."


class ShareSessionNotFoundError(RetriableError, BrokerResponseError):
    errno, message = 122, "SHARE_SESSION_NOT_FOUND"
    description = "There is no such share session."


class InvalidShareSessionEpochError(RetriableError, BrokerResponseError):
    errno, message = 123, "INVALID_SHARE_SESSION_EPOCH"
    description = "The share session is at another epoch."


class FencedStateEpochError(BrokerResponseError):
    errno, message = 124, "FENCED_STATE_EPOCH"
    description = "The coordinator has the state at another epoch."


class InvalidVoterKeyError(BrokerResponseError):
    errno, message = 125, "INVALID_VOTER_KEY"
    description = "The voter's key is not that of the replica."


class DuplicateVoterError(BrokerResponseError):
    errno, message = 126, "DUPLICATE_VOTER"
    description = "The voter is one already."


class VoterNotFoundError(BrokerResponseError):
    errno, message = 127, "VOTER_NOT_FOUND"
    description = "There is no such voter."


class InvalidRegularExpressionError(BrokerResponseError):
    errno, message = 128, "INVALID_REGULAR_EXPRESSION"
    description = "The regular expression is not valid."


class RebootstrapRequiredError(BrokerResponseError):
    errno, message = 129, "REBOOTSTRAP_REQUIRED"
    description = "What the client knows of the cluster is old: it must begin again from its bootstrap servers."


class StreamsInvalidTopologyError(BrokerResponseError):
    errno, message = 130, "STREAMS_INVALID_TOPOLOGY"
    description = "The Streams topology is not valid."


class StreamsInvalidTopologyEpochError(BrokerResponseError):
    errno, message = 131, "STREAMS_INVALID_TOPOLOGY_EPOCH"
    description = "The epoch of the Streams topology is not valid."


class StreamsTopologyFencedError(BrokerResponseError):
    errno, message = 132, "STREAMS_TOPOLOGY_FENCED"
    description = "The epoch of the Streams topology is old."


class ShareSessionLimitReachedError(RetriableError, BrokerResponseError):
    errno, message = 133, "SHARE_SESSION_LIMIT_REACHED"
    description = "The broker holds as many share sessions as it may."


class GroupDeletionFailedError(BrokerResponseError):
    errno, message = 134, "GROUP_DELETION_FAILED"
    description = "The group could not be deleted; the answer says why."


class StreamsTopologyDescriptionUpdateFailedError(BrokerResponseError):
    errno, message = 135, "STREAMS_TOPOLOGY_DESCRIPTION_UPDATE_FAILED"
    description = "The broker could not take over the description of the Streams topology; the answer says why."


class ControllerIdNotRegisteredError(BrokerResponseError):
    errno, message = 136, "CONTROLLER_ID_NOT_REGISTERED"
    description = "No controller is registered with this id."


class IncompatibleBrokerVersion(UnsupportedVersionError):
    """The broker is too old, or too new, for what was asked of it."""


class UnrecognizedBrokerError(UnknownError):
    """The base of the classes made for numbers that are not in this file."""

    def __reduce__(self) -> str | tuple[Any, ...]:
        if self.errno in _unrecognized:
            return _revived, (self.errno, self.args), self.__dict__
        return super().__reduce__()


def _revived(errno: int, args: tuple[Any, ...]) -> BrokerResponseError:
    return for_code(errno)(*args)


def _iter_broker_errors() -> Iterator[type[BrokerResponseError]]:
    """Every class in this file that stands for a number, bases before what is derived from them."""
    return _with_numbers(BrokerResponseError)


def _with_numbers(base: type[BrokerResponseError]) -> Iterator[type[BrokerResponseError]]:
    if base is UnrecognizedBrokerError:
        return
    if "errno" in vars(base) and base.errno is not None:
        yield base
    for derived in base.__subclasses__():
        if derived.__module__ == __name__:
            yield from _with_numbers(derived)


kafka_errors: dict[int, type[BrokerResponseError]] = {error.errno: error for error in _iter_broker_errors() if error.errno is not None}
"""Class by number; NoError is 0 and UnknownError -1."""

_unrecognized: dict[int, type[BrokerResponseError]] = {}


def for_code(error_code: int) -> type[BrokerResponseError]:
    """The class of an error number; for one that Kafka did not have yet, always the same new subclass of UnrecognizedBrokerError."""
    known = kafka_errors.get(error_code) or _unrecognized.get(error_code)
    if known is not None:
        return known
    made = type(
        UnrecognizedBrokerError.__name__,
        (UnrecognizedBrokerError,),
        {
            "__module__": __name__,
            "errno": error_code,
            "message": "UNRECOGNIZED",
            "description": f"This library does not know error {error_code}; the broker is newer.",
        },
    )
    return _unrecognized.setdefault(error_code, made)


# --- names of earlier generations -----------------------------------------------------------------------------------


class KafkaUnavailableError(KafkaError):
    """1.x: none of the hosts could be reached."""


class FailedPayloadsError(KafkaError):
    """1.x: the payload, the first argument, could not be sent."""

    def __init__(self, payload: Any, *args: Any) -> None:
        super().__init__(payload, *args)
        self.payload = payload


class BufferUnderflowError(KafkaError):
    """1.x: a message ends too early."""


class ChecksumError(KafkaError):
    """1.x: a checksum is wrong."""


class ConsumerFetchSizeTooSmall(KafkaError):
    """1.x: a message is larger than what is fetched at once."""


class ConsumerNoMoreData(KafkaError):
    """1.x: the partition has been read to its end."""


class ConsumerTimeout(KafkaError, _TimedOut):
    """1.x: no message came in time."""


class ProtocolError(KafkaError):
    """1.x: a message cannot be encoded or decoded."""


class AsyncProducerQueueFull(KafkaError):
    """1.x: the queue of an asynchronous producer is full; the messages not taken are in `failed_msgs`."""

    def __init__(self, failed_msgs: Any, *args: Any) -> None:
        super().__init__(failed_msgs, *args)
        self.failed_msgs = failed_msgs


ConnectionError = KafkaConnectionError
CorruptRecordException = InvalidMessageError = CorruptRecordError
GroupLoadInProgressError = CoordinatorLoadInProgressError
GroupCoordinatorNotAvailableError = CoordinatorNotAvailableError
NotCoordinatorForGroupError = NotCoordinatorError
AuthenticationMethodNotSupported = UnsupportedSaslMechanismError
AuthenticationFailedError = SaslAuthenticationFailedError

RETRY_BACKOFF_ERROR_TYPES: tuple[type[KafkaError], ...] = (
    KafkaUnavailableError,
    LeaderNotAvailableError,
    KafkaConnectionError,
    FailedPayloadsError,
)
RETRY_REFRESH_ERROR_TYPES: tuple[type[KafkaError], ...] = (
    NotLeaderForPartitionError,
    UnknownTopicOrPartitionError,
    LeaderNotAvailableError,
    KafkaConnectionError,
)
RETRY_ERROR_TYPES = RETRY_BACKOFF_ERROR_TYPES + RETRY_REFRESH_ERROR_TYPES


def as_kafka_error(error: BaseException) -> KafkaError:
    """What futures and waiters are told of an error: itself where it is one of the library's, else an UnknownError that it is the cause of."""
    if isinstance(error, KafkaError):
        return error
    wrapped = UnknownError(f"Unexpected error in the producer: {error!r}")
    wrapped.__cause__ = error
    return wrapped


def check_error(response: Any) -> None:
    """1.x: raise a response that is an exception, or the error that its `error` number stands for."""
    if isinstance(response, Exception):
        raise response
    if response.error:
        raise for_code(response.error)(response)
