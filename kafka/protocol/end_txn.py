"""EndTxn, versions 0 to 5 (KIP-98; v5 gives the next epoch, KIP-890).

Imported by: testing.  Imports: protocol.schema.
"""

from __future__ import annotations

from kafka.protocol.schema import Request, Response, boolean, int16, int32, int64, string


class EndTxnResponse(Response):
    API_KEY = 26
    VALID_VERSIONS = (0, 5)
    FLEXIBLE_FROM = 3
    throttle_time_ms: int = int32()
    error_code: int = int16()
    producer_id: int = int64("5+", default=-1)
    producer_epoch: int = int16("5+", default=-1)


class EndTxnRequest(Request):
    API_KEY = 26
    VALID_VERSIONS = (0, 5)
    FLEXIBLE_FROM = 3
    RESPONSE = EndTxnResponse
    transactional_id: str = string()
    producer_id: int = int64()
    producer_epoch: int = int16()
    committed: bool = boolean()
