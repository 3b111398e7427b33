"""LeaveGroup, versions 0 to 5 (v3 several members at once, KIP-345; v5 a reason, KIP-800).

Imported by: testing.  Imports: protocol.schema.
"""

from __future__ import annotations

from kafka.protocol.schema import Request, Response, Struct, array, int16, int32, string


class MemberResponse(Struct):
    member_id: str = string("3+")
    group_instance_id: str | None = string("3+", nullable="3+")
    error_code: int = int16("3+")


class LeaveGroupResponse(Response):
    API_KEY = 13
    VALID_VERSIONS = (0, 5)
    FLEXIBLE_FROM = 4
    throttle_time_ms: int = int32("1+")
    error_code: int = int16()
    members: list[MemberResponse] = array(MemberResponse, "3+")


class MemberIdentity(Struct):
    member_id: str = string("3+")
    group_instance_id: str | None = string("3+", nullable="3+", default=None)
    reason: str | None = string("5+", nullable="5+", default=None)


class LeaveGroupRequest(Request):
    API_KEY = 13
    VALID_VERSIONS = (0, 5)
    FLEXIBLE_FROM = 4
    RESPONSE = LeaveGroupResponse
    group_id: str = string()
    member_id: str = string("0-2")
    members: list[MemberIdentity] = array(MemberIdentity, "3+")
