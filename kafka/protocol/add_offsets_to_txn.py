"""AddOffsetsToTxn, versions 0 to 4 (KIP-98; v4 KIP-890).

Imported by: testing.  Imports: protocol.schema.
"""

from __future__ import annotations

from kafka.protocol.schema import Request, Response, int16, int32, int64, string


class AddOffsetsToTxnResponse(Response):
    API_KEY = 25
    VALID_VERSIONS = (0, 4)
    FLEXIBLE_FROM = 3
    throttle_time_ms: int = int32()
    error_code: int = int16()


class AddOffsetsToTxnRequest(Request):
    API_KEY = 25
    VALID_VERSIONS = (0, 4)
    FLEXIBLE_FROM = 3
    RESPONSE = AddOffsetsToTxnResponse
    transactional_id: str = string()
    producer_id: int = int64()
    producer_epoch: int = int16()
    group_id: str = string()
