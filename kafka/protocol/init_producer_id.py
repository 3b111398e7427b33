"""InitProducerId, versions 0 to 6 (KIP-98; v3 a producer's own id and epoch, KIP-360; v6 two-phase commit, KIP-939).

Imported by: testing.  Imports: protocol.schema.
"""

from __future__ import annotations

from kafka.protocol.schema import Request, Response, boolean, int16, int32, int64, string


class InitProducerIdResponse(Response):
    API_KEY = 22
    VALID_VERSIONS = (0, 6)
    FLEXIBLE_FROM = 2
    throttle_time_ms: int = int32()
    error_code: int = int16()
    producer_id: int = int64(default=-1)
    producer_epoch: int = int16()
    ongoing_txn_producer_id: int = int64("6+", default=-1)
    ongoing_txn_producer_epoch: int = int16("6+", default=-1)


class InitProducerIdRequest(Request):
    API_KEY = 22
    VALID_VERSIONS = (0, 6)
    FLEXIBLE_FROM = 2
    RESPONSE = InitProducerIdResponse
    transactional_id: str | None = string(nullable="0+")
    transaction_timeout_ms: int = int32()
    producer_id: int = int64("3+", default=-1)
    producer_epoch: int = int16("3+", default=-1)
    enable2_pc: bool = boolean("6+")
    keep_prepared_txn: bool = boolean("6+")
