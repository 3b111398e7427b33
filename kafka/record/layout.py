"""Where things stand in record batches and messages; the only place that says so.

Imported by: record.*.  Imports: nothing of ours.
"""

from __future__ import annotations

import struct

# --- any format: an offset and a size come first, and the magic stands at the same place --------------------------------
LOG_OVERHEAD = struct.Struct(">qi")
"""(base offset, size of what follows)"""
MAGIC_AT = 16

# --- format 2 (KIP-98) --------------------------------------------------------------------------------------------------
BATCH_HEADER = struct.Struct(">qiibIhiqqqhii")
"""(base offset, length, leader epoch, magic, crc, attributes, last offset delta, base timestamp, max timestamp,
producer id, producer epoch, base sequence, number of records)"""
BATCH_LENGTH_COUNTS_FROM = 12
LEADER_EPOCH_AT = 12
CRC_AT = 17
CRC_COVERS_FROM = 21

CODEC_MASK = 0x07
LOG_APPEND_TIME = 0x08
TRANSACTIONAL = 0x10
CONTROL = 0x20

# --- formats 0 and 1 ----------------------------------------------------------------------------------------------------
MESSAGE_CRC_AT = 12
MESSAGE_CRC_COVERS_FROM = 16
MESSAGE_HEADER = {0: struct.Struct(">qiIbb"), 1: struct.Struct(">qiIbbq")}
"""(offset, size, crc, magic, attributes[, timestamp]), then key and value with their sizes before them"""
LENGTH = struct.Struct(">i")

NO_TIMESTAMP = -1
