"""Heartbeat, versions 0 to 4 (v3 static members, KIP-345).

Imported by: testing.  Imports: protocol.schema.
"""

from __future__ import annotations

from kafka.protocol.schema import Request, Response, int16, int32, string


class HeartbeatResponse(Response):
    API_KEY = 12
    VALID_VERSIONS = (0, 4)
    FLEXIBLE_FROM = 4
    throttle_time_ms: int = int32("1+")
    error_code: int = int16()


class HeartbeatRequest(Request):
    API_KEY = 12
    VALID_VERSIONS = (0, 4)
    FLEXIBLE_FROM = 4
    RESPONSE = HeartbeatResponse
    group_id: str = string()
    generation_id: int = int32()
    member_id: str = string()
    group_instance_id: str | None = string("3+", nullable="3+", default=None)
