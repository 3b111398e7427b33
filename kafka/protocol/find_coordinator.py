"""FindCoordinator, versions 0 to 6 (v1 transactional ids, KIP-98; v4 several at once, KIP-699).

Imported by: testing.  Imports: protocol.schema.
"""

from __future__ import annotations

from kafka.protocol.schema import Request, Response, Struct, array, int8, int16, int32, string


class Coordinator(Struct):
    key: str = string("4+")
    node_id: int = int32("4+")
    host: str = string("4+")
    port: int = int32("4+")
    error_code: int = int16("4+")
    error_message: str | None = string("4+", nullable="4+")


class FindCoordinatorResponse(Response):
    API_KEY = 10
    VALID_VERSIONS = (0, 6)
    FLEXIBLE_FROM = 3
    throttle_time_ms: int = int32("1+")
    error_code: int = int16("0-3")
    error_message: str | None = string("1-3", nullable="1-3")
    node_id: int = int32("0-3")
    host: str = string("0-3")
    port: int = int32("0-3")
    coordinators: list[Coordinator] = array(Coordinator, "4+")


class FindCoordinatorRequest(Request):
    API_KEY = 10
    VALID_VERSIONS = (0, 6)
    FLEXIBLE_FROM = 3
    RESPONSE = FindCoordinatorResponse
    key: str = string("0-3")
    key_type: int = int8("1+")
    coordinator_keys: list[str] = array(string(), "4+")
