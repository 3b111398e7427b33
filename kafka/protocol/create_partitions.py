"""CreatePartitions, versions 0 to 3 (KIP-195).

Imported by: testing.  Imports: protocol.schema.
"""

from __future__ import annotations

from kafka.protocol.schema import Request, Response, Struct, array, boolean, int16, int32, string


class CreatePartitionsTopicResult(Struct):
    name: str = string()
    error_code: int = int16()
    error_message: str | None = string(nullable="0+", default=None)


class CreatePartitionsResponse(Response):
    API_KEY = 37
    VALID_VERSIONS = (0, 3)
    FLEXIBLE_FROM = 2
    throttle_time_ms: int = int32()
    results: list[CreatePartitionsTopicResult] = array(CreatePartitionsTopicResult)


class CreatePartitionsAssignment(Struct):
    broker_ids: list[int] = array(int32())


class CreatePartitionsTopic(Struct):
    name: str = string()
    count: int = int32()
    assignments: list[CreatePartitionsAssignment] | None = array(CreatePartitionsAssignment, nullable="0+")


class CreatePartitionsRequest(Request):
    API_KEY = 37
    VALID_VERSIONS = (0, 3)
    FLEXIBLE_FROM = 2
    RESPONSE = CreatePartitionsResponse
    topics: list[CreatePartitionsTopic] = array(CreatePartitionsTopic)
    timeout_ms: int = int32()
    validate_only: bool = boolean()
