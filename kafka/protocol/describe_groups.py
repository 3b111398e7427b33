"""DescribeGroups, versions 0 to 6 (v3 authorised operations, KIP-430; v4 static members, KIP-345; v6 error messages, KIP-1043).

Imported by: testing.  Imports: protocol.schema.
"""

from __future__ import annotations

from kafka.protocol.schema import Request, Response, Struct, array, boolean, data, int16, int32, string


class DescribedGroupMember(Struct):
    member_id: str = string()
    group_instance_id: str | None = string("4+", nullable="4+", default=None)
    client_id: str = string()
    client_host: str = string()
    member_metadata: bytes = data()
    member_assignment: bytes = data()


class DescribedGroup(Struct):
    error_code: int = int16()
    error_message: str | None = string("6+", nullable="6+", default=None)
    group_id: str = string()
    group_state: str = string()
    protocol_type: str = string()
    protocol_data: str = string()
    members: list[DescribedGroupMember] = array(DescribedGroupMember)
    authorized_operations: int = int32("3+", default=-2147483648)


class DescribeGroupsResponse(Response):
    API_KEY = 15
    VALID_VERSIONS = (0, 6)
    FLEXIBLE_FROM = 5
    throttle_time_ms: int = int32("1+")
    groups: list[DescribedGroup] = array(DescribedGroup)


class DescribeGroupsRequest(Request):
    API_KEY = 15
    VALID_VERSIONS = (0, 6)
    FLEXIBLE_FROM = 5
    RESPONSE = DescribeGroupsResponse
    groups: list[str] = array(string())
    include_authorized_operations: bool = boolean("3+")
