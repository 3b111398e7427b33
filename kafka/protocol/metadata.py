"""Metadata, versions 0 to 13: brokers, topics, leaders (v7 leader epochs, KIP-320; v10 topic ids, KIP-516; v13 KIP-1102).

Imported by: client, testing.  Imports: protocol.schema.
"""

from __future__ import annotations

import uuid

from kafka.protocol.schema import Request, Response, Struct, array, boolean, int16, int32, string, uuid_

NOT_ASKED = -2147483648
"""Authorized operations that were not asked for."""


class MetadataRequestTopic(Struct):
    topic_id: uuid.UUID = uuid_("10+")
    name: str | None = string(nullable="10+")


class MetadataResponseBroker(Struct):
    node_id: int = int32()
    host: str = string()
    port: int = int32()
    rack: str | None = string("1+", nullable="1+", default=None)


class MetadataResponsePartition(Struct):
    error_code: int = int16()
    partition_index: int = int32()
    leader_id: int = int32()
    leader_epoch: int = int32("7+", default=-1)
    replica_nodes: list[int] = array(int32())
    isr_nodes: list[int] = array(int32())
    offline_replicas: list[int] = array(int32(), "5+")


class MetadataResponseTopic(Struct):
    error_code: int = int16()
    name: str | None = string(nullable="12+")
    topic_id: uuid.UUID = uuid_("10+")
    is_internal: bool = boolean("1+")
    partitions: list[MetadataResponsePartition] = array(MetadataResponsePartition)
    topic_authorized_operations: int = int32("8+", default=NOT_ASKED)


class MetadataResponse(Response):
    API_KEY = 3
    VALID_VERSIONS = (0, 13)
    FLEXIBLE_FROM = 9
    throttle_time_ms: int = int32("3+")
    brokers: list[MetadataResponseBroker] = array(MetadataResponseBroker)
    cluster_id: str | None = string("2+", nullable="2+", default=None)
    controller_id: int = int32("1+", default=-1)
    topics: list[MetadataResponseTopic] = array(MetadataResponseTopic)
    cluster_authorized_operations: int = int32("8-10", default=NOT_ASKED)
    error_code: int = int16("13+")


class MetadataRequest(Request):
    """In version 0 an empty list of topics means all; from 1 on None does."""

    API_KEY = 3
    VALID_VERSIONS = (0, 13)
    FLEXIBLE_FROM = 9
    RESPONSE = MetadataResponse
    topics: list[MetadataRequestTopic] | None = array(MetadataRequestTopic, nullable="1+")
    allow_auto_topic_creation: bool = boolean("4+", default=True)
    include_cluster_authorized_operations: bool = boolean("8-10")
    include_topic_authorized_operations: bool = boolean("8+")
