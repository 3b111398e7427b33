"""Every message that kafka.protocol has, and ways to build them from plain values."""

from __future__ import annotations

from typing import Any

from kafka.protocol.add_offsets_to_txn import AddOffsetsToTxnRequest
from kafka.protocol.add_partitions_to_txn import AddPartitionsToTxnRequest
from kafka.protocol.api_versions import ApiVersionsRequest
from kafka.protocol.create_partitions import CreatePartitionsRequest
from kafka.protocol.create_topics import CreateTopicsRequest
from kafka.protocol.delete_groups import DeleteGroupsRequest
from kafka.protocol.delete_topics import DeleteTopicsRequest
from kafka.protocol.describe_configs import DescribeConfigsRequest
from kafka.protocol.describe_groups import DescribeGroupsRequest
from kafka.protocol.end_txn import EndTxnRequest
from kafka.protocol.fetch import FetchRequest
from kafka.protocol.find_coordinator import FindCoordinatorRequest
from kafka.protocol.heartbeat import HeartbeatRequest
from kafka.protocol.init_producer_id import InitProducerIdRequest
from kafka.protocol.join_group import JoinGroupRequest
from kafka.protocol.leave_group import LeaveGroupRequest
from kafka.protocol.list_groups import ListGroupsRequest
from kafka.protocol.list_offsets import ListOffsetsRequest
from kafka.protocol.metadata import MetadataRequest
from kafka.protocol.offset_commit import OffsetCommitRequest
from kafka.protocol.offset_fetch import OffsetFetchRequest
from kafka.protocol.offset_for_leader_epoch import OffsetForLeaderEpochRequest
from kafka.protocol.produce import ProduceRequest
from kafka.protocol.sasl_authenticate import SaslAuthenticateRequest
from kafka.protocol.sasl_handshake import SaslHandshakeRequest
from kafka.protocol.schema import Field, Message, Request, Struct
from kafka.protocol.sync_group import SyncGroupRequest
from kafka.protocol.txn_offset_commit import TxnOffsetCommitRequest

REQUESTS: list[type[Request]] = [
    ProduceRequest,
    FetchRequest,
    ListOffsetsRequest,
    MetadataRequest,
    SaslHandshakeRequest,
    ApiVersionsRequest,
    SaslAuthenticateRequest,
    AddOffsetsToTxnRequest,
    AddPartitionsToTxnRequest,
    CreatePartitionsRequest,
    CreateTopicsRequest,
    DeleteGroupsRequest,
    DeleteTopicsRequest,
    DescribeConfigsRequest,
    DescribeGroupsRequest,
    EndTxnRequest,
    FindCoordinatorRequest,
    HeartbeatRequest,
    InitProducerIdRequest,
    JoinGroupRequest,
    LeaveGroupRequest,
    ListGroupsRequest,
    OffsetCommitRequest,
    OffsetFetchRequest,
    OffsetForLeaderEpochRequest,
    SyncGroupRequest,
    TxnOffsetCommitRequest,
]
MESSAGES: list[type[Message]] = [message for request in REQUESTS for message in (request, request.RESPONSE)]
EVERY_VERSION = [(message, version) for message in MESSAGES for version in range(message.VALID_VERSIONS[0], message.VALID_VERSIONS[1] + 1)]
EVERY_VERSION_IDS = [f"{message.__name__}-{version}" for message, version in EVERY_VERSION]


def build(struct_class: type[Struct], values: dict[str, Any]) -> Any:
    """An instance with these values; dicts in it become instances too."""
    return struct_class(**{name: _built(struct_class.FIELDS[name], value) for name, value in values.items()})


def _built(field: Field, value: Any) -> Any:
    if isinstance(value, dict):
        return build(field.element, value)
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [build(field.element, item) for item in value]
    return value
