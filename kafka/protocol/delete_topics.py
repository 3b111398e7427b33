"""DeleteTopics, versions 0 to 6 (v5 error messages, KIP-599; v6 by topic id, KIP-516).

Imported by: testing.  Imports: protocol.schema.
"""

from __future__ import annotations

import uuid

from kafka.protocol.schema import Request, Response, Struct, array, int16, int32, string, uuid_


class DeletableTopicResult(Struct):
    name: str | None = string(nullable="6+")
    topic_id: uuid.UUID = uuid_("6+")
    error_code: int = int16()
    error_message: str | None = string("5+", nullable="5+", default=None)


class DeleteTopicsResponse(Response):
    API_KEY = 20
    VALID_VERSIONS = (0, 6)
    FLEXIBLE_FROM = 4
    throttle_time_ms: int = int32("1+")
    responses: list[DeletableTopicResult] = array(DeletableTopicResult)


class DeleteTopicState(Struct):
    name: str | None = string("6+", nullable="6+", default=None)
    topic_id: uuid.UUID = uuid_("6+")


class DeleteTopicsRequest(Request):
    API_KEY = 20
    VALID_VERSIONS = (0, 6)
    FLEXIBLE_FROM = 4
    RESPONSE = DeleteTopicsResponse
    topics: list[DeleteTopicState] = array(DeleteTopicState, "6+")
    topic_names: list[str] = array(string(), "0-5")
    timeout_ms: int = int32()
