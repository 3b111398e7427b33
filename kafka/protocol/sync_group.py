"""SyncGroup, versions 0 to 5 (v3 static members, KIP-345; v5 protocol names, KIP-559).

Imported by: testing.  Imports: protocol.schema.
"""

from __future__ import annotations

from kafka.protocol.schema import Request, Response, Struct, array, data, int16, int32, string


class SyncGroupResponse(Response):
    API_KEY = 14
    VALID_VERSIONS = (0, 5)
    FLEXIBLE_FROM = 4
    throttle_time_ms: int = int32("1+")
    error_code: int = int16()
    protocol_type: str | None = string("5+", nullable="5+", default=None)
    protocol_name: str | None = string("5+", nullable="5+", default=None)
    assignment: bytes = data()


class SyncGroupRequestAssignment(Struct):
    member_id: str = string()
    assignment: bytes = data()


class SyncGroupRequest(Request):
    API_KEY = 14
    VALID_VERSIONS = (0, 5)
    FLEXIBLE_FROM = 4
    RESPONSE = SyncGroupResponse
    group_id: str = string()
    generation_id: int = int32()
    member_id: str = string()
    group_instance_id: str | None = string("3+", nullable="3+", default=None)
    protocol_type: str | None = string("5+", nullable="5+", default=None)
    protocol_name: str | None = string("5+", nullable="5+", default=None)
    assignments: list[SyncGroupRequestAssignment] = array(SyncGroupRequestAssignment)
