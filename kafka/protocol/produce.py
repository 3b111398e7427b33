"""Produce, versions 0 to 13: record batches for partitions (v3 message format 2; v7 zstd, KIP-110; v8 KIP-467; v10 KIP-951; v13 KIP-516).

Imported by: producer.sender, client, testing.  Imports: protocol.schema.
"""

from __future__ import annotations

import uuid
from typing import ClassVar

from kafka.protocol.schema import Request, Response, Struct, array, int16, int32, int64, records, string, struct_, uuid_


class PartitionProduceData(Struct):
    index: int = int32()
    records: object = records()


class TopicProduceData(Struct):
    name: str = string("0-12")
    topic_id: uuid.UUID = uuid_("13+")
    partition_data: list[PartitionProduceData] = array(PartitionProduceData)


class BatchIndexAndErrorMessage(Struct):
    batch_index: int = int32("8+")
    batch_index_error_message: str | None = string("8+", nullable="8+", default=None)


class LeaderIdAndEpoch(Struct):
    leader_id: int = int32("10+", default=-1)
    leader_epoch: int = int32("10+", default=-1)


class PartitionProduceResponse(Struct):
    index: int = int32()
    error_code: int = int16()
    base_offset: int = int64()
    log_append_time_ms: int = int64("2+", default=-1)
    log_start_offset: int = int64("5+", default=-1)
    record_errors: list[BatchIndexAndErrorMessage] = array(BatchIndexAndErrorMessage, "8+")
    error_message: str | None = string("8+", nullable="8+", default=None)
    current_leader: LeaderIdAndEpoch = struct_(LeaderIdAndEpoch, "10+", tag=0)


class TopicProduceResponse(Struct):
    name: str = string("0-12")
    topic_id: uuid.UUID = uuid_("13+")
    partition_responses: list[PartitionProduceResponse] = array(PartitionProduceResponse)


class NodeEndpoint(Struct):
    node_id: int = int32("10+")
    host: str = string("10+")
    port: int = int32("10+")
    rack: str | None = string("10+", nullable="10+", default=None)


class ProduceResponse(Response):
    API_KEY = 0
    VALID_VERSIONS = (0, 13)
    FLEXIBLE_FROM = 9
    responses: list[TopicProduceResponse] = array(TopicProduceResponse)
    throttle_time_ms: int = int32("1+")
    node_endpoints: list[NodeEndpoint] = array(NodeEndpoint, "10+", tag=0)


class ProduceRequest(Request):
    API_KEY = 0
    VALID_VERSIONS = (0, 13)
    FLEXIBLE_FROM = 9
    RESPONSE = ProduceResponse
    NEWEST_ASKED: ClassVar[int] = 12  # version 13 names topics by id
    transactional_id: str | None = string("3+", nullable="3+", default=None)
    acks: int = int16()
    timeout_ms: int = int32()
    topic_data: list[TopicProduceData] = array(TopicProduceData)
