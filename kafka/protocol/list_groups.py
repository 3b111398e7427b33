"""ListGroups, versions 0 to 5 (v4 by state, KIP-518; v5 by type, KIP-848).

Imported by: testing.  Imports: protocol.schema.
"""

from __future__ import annotations

from kafka.protocol.schema import Request, Response, Struct, array, int16, int32, string


class ListedGroup(Struct):
    group_id: str = string()
    protocol_type: str = string()
    group_state: str = string("4+")
    group_type: str = string("5+")


class ListGroupsResponse(Response):
    API_KEY = 16
    VALID_VERSIONS = (0, 5)
    FLEXIBLE_FROM = 3
    throttle_time_ms: int = int32("1+")
    error_code: int = int16()
    groups: list[ListedGroup] = array(ListedGroup)


class ListGroupsRequest(Request):
    API_KEY = 16
    VALID_VERSIONS = (0, 5)
    FLEXIBLE_FROM = 3
    RESPONSE = ListGroupsResponse
    states_filter: list[str] = array(string(), "4+")
    types_filter: list[str] = array(string(), "5+")
