"""One file for each API: its versions, how it behaves, and where that differs from a real broker.

Imported by: testing.connection.  Imports: testing.handlers.*.
"""

from __future__ import annotations

from typing import Any, NamedTuple

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
from kafka.protocol.sync_group import SyncGroupRequest
from kafka.protocol.txn_offset_commit import TxnOffsetCommitRequest
from kafka.testing.exchange import Handler
from kafka.testing.handlers import (
    add_offsets_to_txn,
    add_partitions_to_txn,
    api_versions,
    create_partitions,
    create_topics,
    delete_groups,
    delete_topics,
    describe_configs,
    describe_groups,
    end_txn,
    fetch,
    find_coordinator,
    heartbeat,
    init_producer_id,
    join_group,
    leave_group,
    list_groups,
    list_offsets,
    metadata,
    offset_commit,
    offset_fetch,
    offset_for_leader_epoch,
    produce,
    sasl_authenticate,
    sasl_handshake,
    sync_group,
    txn_offset_commit,
)


class Served(NamedTuple):
    """An API that the broker serves."""

    request_class: Any
    handle: Handler
    versions: tuple[int, int]
    is_locked: bool = True
    """Whether the cluster's lock is held while it works; not where it runs code of the user's."""


SERVED: dict[int, Served] = {
    served.request_class.API_KEY: served
    for served in (
        Served(ProduceRequest, produce.handle, produce.VERSIONS),
        Served(FetchRequest, fetch.handle, fetch.VERSIONS),
        Served(ListOffsetsRequest, list_offsets.handle, list_offsets.VERSIONS),
        Served(MetadataRequest, metadata.handle, metadata.VERSIONS),
        Served(SaslHandshakeRequest, sasl_handshake.handle, sasl_handshake.VERSIONS),
        Served(SaslAuthenticateRequest, sasl_authenticate.handle, sasl_authenticate.VERSIONS, is_locked=False),
        Served(OffsetCommitRequest, offset_commit.handle, offset_commit.VERSIONS),
        Served(OffsetFetchRequest, offset_fetch.handle, offset_fetch.VERSIONS),
        Served(FindCoordinatorRequest, find_coordinator.handle, find_coordinator.VERSIONS),
        Served(JoinGroupRequest, join_group.handle, join_group.VERSIONS),
        Served(HeartbeatRequest, heartbeat.handle, heartbeat.VERSIONS),
        Served(LeaveGroupRequest, leave_group.handle, leave_group.VERSIONS),
        Served(SyncGroupRequest, sync_group.handle, sync_group.VERSIONS),
        Served(DescribeGroupsRequest, describe_groups.handle, describe_groups.VERSIONS),
        Served(ListGroupsRequest, list_groups.handle, list_groups.VERSIONS),
        Served(ApiVersionsRequest, api_versions.handle, api_versions.VERSIONS),
        Served(CreateTopicsRequest, create_topics.handle, create_topics.VERSIONS),
        Served(DeleteTopicsRequest, delete_topics.handle, delete_topics.VERSIONS),
        Served(DescribeConfigsRequest, describe_configs.handle, describe_configs.VERSIONS),
        Served(CreatePartitionsRequest, create_partitions.handle, create_partitions.VERSIONS),
        Served(InitProducerIdRequest, init_producer_id.handle, init_producer_id.VERSIONS),
        Served(OffsetForLeaderEpochRequest, offset_for_leader_epoch.handle, offset_for_leader_epoch.VERSIONS),
        Served(AddPartitionsToTxnRequest, add_partitions_to_txn.handle, add_partitions_to_txn.VERSIONS),
        Served(AddOffsetsToTxnRequest, add_offsets_to_txn.handle, add_offsets_to_txn.VERSIONS),
        Served(EndTxnRequest, end_txn.handle, end_txn.VERSIONS),
        Served(TxnOffsetCommitRequest, txn_offset_commit.handle, txn_offset_commit.VERSIONS),
        Served(DeleteGroupsRequest, delete_groups.handle, delete_groups.VERSIONS),
    )
}


API_NAMES: dict[int, str] = {key: served.request_class.__name__.removesuffix("Request") for key, served in SERVED.items()}


def api_name(api: str | int) -> str:
    """The name, as Kafka's definitions have it, of an API given by name or key; ValueError for what is not served."""
    found = next((name for key, name in API_NAMES.items() if api in (key, name, f"{name}Request")), None)
    if found is None:
        raise ValueError(f"{api!r} is no API that the broker serves: {', '.join(API_NAMES.values())}")
    return found
