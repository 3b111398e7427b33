"""OffsetCommit, versions 0 to 10 (v1 group generations; v6 leader epochs, KIP-320; v7 static members, KIP-345; v10 topic ids).

Imported by: testing.  Imports: protocol.schema.
"""

from __future__ import annotations

import uuid

from kafka.protocol.schema import Request, Response, Struct, array, int16, int32, int64, string, uuid_


class OffsetCommitResponsePartition(Struct):
    partition_index: int = int32()
    error_code: int = int16()


class OffsetCommitResponseTopic(Struct):
    name: str = string("0-9")
    topic_id: uuid.UUID = uuid_("10+")
    partitions: list[OffsetCommitResponsePartition] = array(OffsetCommitResponsePartition)


class OffsetCommitResponse(Response):
    API_KEY = 8
    VALID_VERSIONS = (0, 10)
    FLEXIBLE_FROM = 8
    throttle_time_ms: int = int32("3+")
    topics: list[OffsetCommitResponseTopic] = array(OffsetCommitResponseTopic)


class OffsetCommitRequestPartition(Struct):
    partition_index: int = int32()
    committed_offset: int = int64()
    committed_leader_epoch: int = int32("6+", default=-1)
    commit_timestamp: int = int64("1", default=-1)
    committed_metadata: str | None = string(nullable="0+")


class OffsetCommitRequestTopic(Struct):
    name: str = string("0-9")
    topic_id: uuid.UUID = uuid_("10+")
    partitions: list[OffsetCommitRequestPartition] = array(OffsetCommitRequestPartition)


class OffsetCommitRequest(Request):
    API_KEY = 8
    VALID_VERSIONS = (0, 10)
    FLEXIBLE_FROM = 8
    RESPONSE = OffsetCommitResponse
    group_id: str = string()
    generation_id_or_member_epoch: int = int32("1+", default=-1)
    member_id: str = string("1+")
    group_instance_id: str | None = string("7+", nullable="7+", default=None)
    retention_time_ms: int = int64("2-4", default=-1)
    topics: list[OffsetCommitRequestTopic] = array(OffsetCommitRequestTopic)
