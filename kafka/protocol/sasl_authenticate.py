"""SaslAuthenticate, versions 0 to 2 (KIP-152; v1 session lifetime, KIP-368).

Imported by: client, testing.  Imports: protocol.schema.
"""

from __future__ import annotations

from kafka.protocol.schema import Request, Response, data, int16, int64, string


class SaslAuthenticateResponse(Response):
    API_KEY = 36
    VALID_VERSIONS = (0, 2)
    FLEXIBLE_FROM = 2
    error_code: int = int16()
    error_message: str | None = string(nullable="0+")
    auth_bytes: bytes = data()
    session_lifetime_ms: int = int64("1+")


class SaslAuthenticateRequest(Request):
    API_KEY = 36
    VALID_VERSIONS = (0, 2)
    FLEXIBLE_FROM = 2
    RESPONSE = SaslAuthenticateResponse
    auth_bytes: bytes = data()
