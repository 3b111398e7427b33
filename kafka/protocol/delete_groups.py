"""DeleteGroups, versions 0 to 3 (KIP-229).

Imported by: testing.  Imports: protocol.schema.
"""

from __future__ import annotations

from kafka.protocol.schema import Request, Response, Struct, array, int16, int32, string


class DeletableGroupResult(Struct):
    group_id: str = string()
    error_code: int = int16()
    error_message: str | None = string("3+", nullable="3+", default=None)


class DeleteGroupsResponse(Response):
    API_KEY = 42
    VALID_VERSIONS = (0, 3)
    FLEXIBLE_FROM = 2
    throttle_time_ms: int = int32()
    results: list[DeletableGroupResult] = array(DeletableGroupResult)


class DeleteGroupsRequest(Request):
    API_KEY = 42
    VALID_VERSIONS = (0, 3)
    FLEXIBLE_FROM = 2
    RESPONSE = DeleteGroupsResponse
    groups_names: list[str] = array(string())
