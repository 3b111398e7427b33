"""SaslHandshake, versions 0 and 1 (KIP-43; after v1 tokens travel in SaslAuthenticate, KIP-152).

Imported by: client, testing.  Imports: protocol.schema.
"""

from __future__ import annotations

from kafka.protocol.schema import Request, Response, array, int16, string


class SaslHandshakeResponse(Response):
    API_KEY = 17
    VALID_VERSIONS = (0, 1)
    error_code: int = int16()
    mechanisms: list[str] = array(string())


class SaslHandshakeRequest(Request):
    API_KEY = 17
    VALID_VERSIONS = (0, 1)
    RESPONSE = SaslHandshakeResponse
    mechanism: str = string()
