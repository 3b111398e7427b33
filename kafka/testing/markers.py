"""Control batches, by which a log tells where transactions end (KIP-98).

Imported by: testing.log.  Imports: record.
"""

from __future__ import annotations

import struct

from kafka.record import layout
from kafka.record.batch_v2 import FormatV2
from kafka.record.crc32c import crc32c

_KEY = struct.Struct(">hh")  # version, type
_VALUE = struct.Struct(">hi")  # version, the coordinator's epoch
_ABORT, _COMMIT = 0, 1
_FLAGS = struct.Struct(">h")


def marker(*, producer_id: int, producer_epoch: int, is_commit: bool, coordinator_epoch: int, time_ms: int) -> bytes:
    """The batch with the one record that ends a transaction."""
    message_format = FormatV2()
    record = message_format.encode(
        0, time_ms, time_ms, _KEY.pack(0, _COMMIT if is_commit else _ABORT), _VALUE.pack(0, coordinator_epoch), ()
    )  # fmt: skip
    buffers = message_format.assemble(
        [record], 1, base_timestamp_ms=time_ms, max_timestamp_ms=time_ms, codec=None, producer_id=producer_id, producer_epoch=producer_epoch
    )
    made = bytearray(b"".join(buffers))
    _FLAGS.pack_into(made, layout.CRC_COVERS_FROM, layout.TRANSACTIONAL | layout.CONTROL)
    struct.pack_into(">I", made, layout.CRC_AT, crc32c(bytes(made[layout.CRC_COVERS_FROM :])))
    return bytes(made)
