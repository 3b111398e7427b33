"""Fetch, versions 0 to 18 (v4 message format 2; v7 sessions, KIP-227; v12 KIP-595; v13 topic ids, KIP-516; v16 KIP-951).

Imported by: testing.  Imports: protocol.schema.
"""

from __future__ import annotations

import uuid

from kafka.protocol.schema import Request, Response, Struct, array, int8, int16, int32, int64, records, string, struct_, uuid_


class FetchPartition(Struct):
    partition: int = int32()
    current_leader_epoch: int = int32("9+", default=-1)
    fetch_offset: int = int64()
    last_fetched_epoch: int = int32("12+", default=-1)
    log_start_offset: int = int64("5+", default=-1)
    partition_max_bytes: int = int32()
    replica_directory_id: uuid.UUID = uuid_("17+", tag=0)
    high_watermark: int = int64("18+", default=0x7FFFFFFFFFFFFFFF, tag=1)


class FetchTopic(Struct):
    topic: str = string("0-12")
    topic_id: uuid.UUID = uuid_("13+")
    partitions: list[FetchPartition] = array(FetchPartition)


class ForgottenTopic(Struct):
    topic: str = string("7-12")
    topic_id: uuid.UUID = uuid_("13+")
    partitions: list[int] = array(int32(), "7+")


class EpochEndOffset(Struct):
    epoch: int = int32("12+", default=-1)
    end_offset: int = int64("12+", default=-1)


class FetchLeaderIdAndEpoch(Struct):
    leader_id: int = int32("12+", default=-1)
    leader_epoch: int = int32("12+", default=-1)


class SnapshotId(Struct):
    end_offset: int = int64(default=-1)
    epoch: int = int32(default=-1)


class AbortedTransaction(Struct):
    producer_id: int = int64("4+")
    first_offset: int = int64("4+")


class PartitionData(Struct):
    partition_index: int = int32()
    error_code: int = int16()
    high_watermark: int = int64()
    last_stable_offset: int = int64("4+", default=-1)
    log_start_offset: int = int64("5+", default=-1)
    diverging_epoch: EpochEndOffset = struct_(EpochEndOffset, "12+", tag=0)
    current_leader: FetchLeaderIdAndEpoch = struct_(FetchLeaderIdAndEpoch, "12+", tag=1)
    snapshot_id: SnapshotId = struct_(SnapshotId, "12+", tag=2)
    aborted_transactions: list[AbortedTransaction] | None = array(AbortedTransaction, "4+", nullable="4+")
    preferred_read_replica: int = int32("11+", default=-1)
    records: object = records()


class FetchableTopicResponse(Struct):
    topic: str = string("0-12")
    topic_id: uuid.UUID = uuid_("13+")
    partitions: list[PartitionData] = array(PartitionData)


class FetchNodeEndpoint(Struct):
    node_id: int = int32("16+")
    host: str = string("16+")
    port: int = int32("16+")
    rack: str | None = string("16+", nullable="16+", default=None)


class FetchResponse(Response):
    API_KEY = 1
    VALID_VERSIONS = (0, 18)
    FLEXIBLE_FROM = 12
    throttle_time_ms: int = int32("1+")
    error_code: int = int16("7+")
    session_id: int = int32("7+")
    responses: list[FetchableTopicResponse] = array(FetchableTopicResponse)
    node_endpoints: list[FetchNodeEndpoint] = array(FetchNodeEndpoint, "16+", tag=0)


class ReplicaState(Struct):
    replica_id: int = int32("15+", default=-1)
    replica_epoch: int = int64("15+", default=-1)


class FetchRequest(Request):
    API_KEY = 1
    VALID_VERSIONS = (0, 18)
    FLEXIBLE_FROM = 12
    RESPONSE = FetchResponse
    cluster_id: str | None = string("12+", nullable="12+", default=None, tag=0)
    replica_id: int = int32("0-14", default=-1)
    replica_state: ReplicaState = struct_(ReplicaState, "15+", tag=1)
    max_wait_ms: int = int32()
    min_bytes: int = int32()
    max_bytes: int = int32("3+", default=0x7FFFFFFF)
    isolation_level: int = int8("4+")
    session_id: int = int32("7+")
    session_epoch: int = int32("7+", default=-1)
    topics: list[FetchTopic] = array(FetchTopic)
    forgotten_topics_data: list[ForgottenTopic] = array(ForgottenTopic, "7+")
    rack_id: str = string("11+")
