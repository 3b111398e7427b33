"""JoinGroup, versions 0 to 9 (v1 rebalance time-out, KIP-62; v4 member id first, KIP-394; v5 static members, KIP-345).

Imported by: testing.  Imports: protocol.schema.
"""

from __future__ import annotations

from kafka.protocol.schema import Request, Response, Struct, array, boolean, data, int16, int32, string


class JoinGroupResponseMember(Struct):
    member_id: str = string()
    group_instance_id: str | None = string("5+", nullable="5+", default=None)
    metadata: bytes = data()


class JoinGroupResponse(Response):
    API_KEY = 11
    VALID_VERSIONS = (0, 9)
    FLEXIBLE_FROM = 6
    throttle_time_ms: int = int32("2+")
    error_code: int = int16()
    generation_id: int = int32(default=-1)
    protocol_type: str | None = string("7+", nullable="7+", default=None)
    protocol_name: str | None = string(nullable="7+")
    leader: str = string()
    skip_assignment: bool = boolean("9+")
    member_id: str = string()
    members: list[JoinGroupResponseMember] = array(JoinGroupResponseMember)


class JoinGroupRequestProtocol(Struct):
    name: str = string()
    metadata: bytes = data()


class JoinGroupRequest(Request):
    API_KEY = 11
    VALID_VERSIONS = (0, 9)
    FLEXIBLE_FROM = 6
    RESPONSE = JoinGroupResponse
    group_id: str = string()
    session_timeout_ms: int = int32()
    rebalance_timeout_ms: int = int32("1+", default=-1)
    member_id: str = string()
    group_instance_id: str | None = string("5+", nullable="5+", default=None)
    protocol_type: str = string()
    protocols: list[JoinGroupRequestProtocol] = array(JoinGroupRequestProtocol)
    reason: str | None = string("8+", nullable="8+", default=None)
