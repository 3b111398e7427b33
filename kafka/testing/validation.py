"""What a broker checks before it appends, without looking at single records where that is not needed.

Imported by: testing.log.  Imports: errors, record.
"""

from __future__ import annotations

from kafka import record
from kafka.errors import (
    CorruptRecordError,
    InvalidRecordError,
    MessageSizeTooLargeError,
    UnsupportedCompressionTypeError,
)
from kafka.record import RecordBatchView

_FIRST_WITH_MAGIC_2 = 3  # of Produce; from it on nothing else is taken
_FIRST_WITH_ZSTD = 7  # KIP-110
_ZSTD_ID = 4


def checked(records: memoryview | None, version: int, max_bytes: int) -> list[RecordBatchView]:
    """The batch, or the messages of an old format, of one partition in a Produce request of this version.

    CorruptRecordError, InvalidRecordError, MessageSizeTooLargeError or UnsupportedCompressionTypeError, as Kafka has them.
    """
    data = memoryview(b"") if records is None else records
    batches = list(record.split(data))
    if version >= _FIRST_WITH_MAGIC_2:
        _check_kind(batches, version)
    elif any(batch.magic > 1 for batch in batches):
        raise CorruptRecordError(f"Produce {version} is older than message format 2")
    if sum(batch.size_bytes for batch in batches) != len(data):
        raise CorruptRecordError("The last batch is cut off")
    for batch in batches:
        if batch.size_bytes > max_bytes:
            raise MessageSizeTooLargeError(f"The batch has {batch.size_bytes} bytes, and at most {max_bytes} are taken")
        if not batch.crc_ok:
            raise CorruptRecordError("The checksum does not match")
        if batch.magic > 1:
            _check_header(batch)
    return batches


def _check_kind(batches: list[RecordBatchView], version: int) -> None:
    if len(batches) != 1:
        raise InvalidRecordError(f"Produce {version} takes exactly one batch for a partition, not {len(batches)}")
    if batches[0].magic != 2:
        raise InvalidRecordError(f"Produce {version} takes message format 2 only, not {batches[0].magic}")
    if batches[0].codec_id > _ZSTD_ID:
        raise UnsupportedCompressionTypeError(f"There is no codec {batches[0].codec_id}")
    if batches[0].codec_id == _ZSTD_ID and version < _FIRST_WITH_ZSTD:
        raise UnsupportedCompressionTypeError(f"Produce {version} is older than zstd")


def _check_header(batch: RecordBatchView) -> None:
    if batch.base_offset != 0:
        raise InvalidRecordError(f"The batch's base offset is {batch.base_offset} instead of 0")
    if batch.count < 1 or batch.count != batch.last_offset_delta + 1:
        raise InvalidRecordError(f"The batch says that it has {batch.count} records, with offsets from 0 to {batch.last_offset_delta}")
    if batch.is_control:
        raise InvalidRecordError("Clients must not write control batches")
    if batch.producer_id >= 0 and batch.base_sequence < 0:
        raise InvalidRecordError(f"Producer {batch.producer_id} sent sequence number {batch.base_sequence}")
