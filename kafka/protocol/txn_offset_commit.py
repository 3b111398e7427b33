"""TxnOffsetCommit, versions 0 to 6 (KIP-98; v3 the consumer's group metadata, KIP-447; v5 without AddOffsetsToTxn, KIP-890; v6 topic ids).

Imported by: testing.  Imports: protocol.schema.
"""

from __future__ import annotations

import uuid

from kafka.protocol.schema import Request, Response, Struct, array, int16, int32, int64, string, uuid_


class TxnOffsetCommitResponsePartition(Struct):
    partition_index: int = int32()
    error_code: int = int16()


class TxnOffsetCommitResponseTopic(Struct):
    name: str = string("0-5")
    topic_id: uuid.UUID = uuid_("6+")
    partitions: list[TxnOffsetCommitResponsePartition] = array(TxnOffsetCommitResponsePartition)


class TxnOffsetCommitResponse(Response):
    API_KEY = 28
    VALID_VERSIONS = (0, 6)
    FLEXIBLE_FROM = 3
    throttle_time_ms: int = int32()
    topics: list[TxnOffsetCommitResponseTopic] = array(TxnOffsetCommitResponseTopic)


class TxnOffsetCommitRequestPartition(Struct):
    partition_index: int = int32()
    committed_offset: int = int64()
    committed_leader_epoch: int = int32("2+", default=-1)
    committed_metadata: str | None = string(nullable="0+")


class TxnOffsetCommitRequestTopic(Struct):
    name: str = string("0-5")
    topic_id: uuid.UUID = uuid_("6+")
    partitions: list[TxnOffsetCommitRequestPartition] = array(TxnOffsetCommitRequestPartition)


class TxnOffsetCommitRequest(Request):
    API_KEY = 28
    VALID_VERSIONS = (0, 6)
    FLEXIBLE_FROM = 3
    RESPONSE = TxnOffsetCommitResponse
    transactional_id: str = string()
    group_id: str = string()
    producer_id: int = int64()
    producer_epoch: int = int16()
    generation_id_or_member_epoch: int = int32("3+", default=-1)
    member_id: str = string("3+")
    group_instance_id: str | None = string("3+", nullable="3+", default=None)
    topics: list[TxnOffsetCommitRequestTopic] = array(TxnOffsetCommitRequestTopic)
