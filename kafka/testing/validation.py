"""What a broker checks before it appends, without looking at single records where that is not needed.

Imported by: testing.log, testing.handlers.  Imports: errors, record, testing.{releases,topic_config}.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from kafka import record
from kafka.errors import (
    BrokerResponseError,
    CodecUnavailableError,
    CorruptRecordError,
    InvalidRecordError,
    InvalidTimestampError,
    MessageSizeTooLargeError,
    UnknownError,
    UnsupportedCompressionTypeError,
)
from kafka.record import RecordBatchView
from kafka.testing.releases import Release
from kafka.testing.topic_config import TimestampType, TopicConfig

_FIRST_WITH_MAGIC_2 = 3  # of Produce; from it on nothing else is taken
_FIRST_WITH_ZSTD = 7  # KIP-110
_ZSTD_ID = 4

_FIRST_THAT_TAKES_APPENDED_TIMES: Release = (3, 6)
_FIRST_WITH_LATEST_TIME: Release = (4, 0)
_FURTHEST_AHEAD_MS = 3_600_000  # log.message.timestamp.after.max.ms, KIP-937


class RefusedRecords(Exception):
    """An error that some records of a batch have made (KIP-467)."""

    def __init__(self, error: BrokerResponseError, indexes: Sequence[int]) -> None:
        super().__init__(error)
        self.error = error
        self.indexes = list(indexes)
        """Where the records stand in the batch."""


class Bounds(NamedTuple):
    """What a batch is held to."""

    config: TopicConfig
    max_bytes: int
    now_ms: int
    release: Release | None
    """The release of Kafka to be like; without one, times are not looked at."""


def batches_of(records: memoryview | None, version: int) -> list[RecordBatchView]:
    """The batch, or the messages of an old format, of one partition in a Produce request of this version; what is cut off at the end is not there.

    What Kafka looks at before it asks whose partition it is: CorruptRecordError, InvalidRecordError, UnsupportedCompressionTypeError.
    """
    batches = list(record.split(memoryview(b"") if records is None else records))
    if version >= _FIRST_WITH_MAGIC_2:
        _check_kind(batches, version)
    elif any(batch.magic > 1 for batch in batches):
        raise CorruptRecordError(f"Produce {version} is older than message format 2")
    return batches


def check(batches: Sequence[RecordBatchView], bounds: Bounds) -> None:
    """What Kafka looks at before it appends; checksums were taken when the batches were read.

    CorruptRecordError, InvalidRecordError, MessageSizeTooLargeError, UnknownError for what cannot be decompressed, and RefusedRecords.
    """
    for batch in batches:
        if batch.magic > 1 and batch.base_offset != 0:
            raise InvalidRecordError(f"The batch's base offset is {batch.base_offset} instead of 0")
        if batch.size_bytes > bounds.max_bytes:
            raise MessageSizeTooLargeError(f"The batch has {batch.size_bytes} bytes, and at most {bounds.max_bytes} are taken")
        if not batch.crc_ok:
            raise CorruptRecordError("The checksum does not match")
        if batch.magic > 1:
            _check_header(batch)
        _check_body(batch)
        _check_records(batch, bounds)


def _check_kind(batches: list[RecordBatchView], version: int) -> None:
    if len(batches) != 1:
        raise InvalidRecordError(f"Produce {version} takes exactly one batch for a partition, not {len(batches)}")
    if batches[0].magic != 2:
        raise InvalidRecordError(f"Produce {version} takes message format 2 only, not {batches[0].magic}")
    if batches[0].codec_id == _ZSTD_ID and version < _FIRST_WITH_ZSTD:
        raise UnsupportedCompressionTypeError(f"Produce {version} is older than zstd")


def _check_header(batch: RecordBatchView) -> None:
    if batch.count < 1 or batch.count != batch.last_offset_delta + 1:
        raise InvalidRecordError(f"The batch says that it has {batch.count} records, with offsets from 0 to {batch.last_offset_delta}")
    if batch.is_control:
        raise InvalidRecordError("Clients must not write control batches")
    if batch.producer_id >= 0 and batch.base_sequence < 0:
        raise InvalidRecordError(f"Producer {batch.producer_id} sent sequence number {batch.base_sequence}")


def _check_body(batch: RecordBatchView) -> None:
    """Kafka decompresses what it is sent, and has no better word for what it cannot."""
    if batch.codec_id > _ZSTD_ID:
        raise UnknownError(f"There is no codec {batch.codec_id}")
    if batch.codec_id and batch.magic > 1:
        try:
            batch.body()
        except CodecUnavailableError:
            pass  # here nobody can look inside
        except CorruptRecordError as error:
            raise UnknownError(str(error)) from None


def _check_records(batch: RecordBatchView, bounds: Bounds) -> None:
    if bounds.config.is_compacted:
        keyless = [index for index, found in enumerate(batch.records) if found.key is None]
        if keyless:
            raise RefusedRecords(InvalidRecordError("Compacted topics take records with keys only"), keyless)
    if bounds.release is None or bounds.config.timestamp_type is TimestampType.LOG_APPEND_TIME:
        return
    if batch.timestamp_type and bounds.release < _FIRST_THAT_TAKES_APPENDED_TIMES:
        raise RefusedRecords(InvalidTimestampError("The batch says that its time is the broker's"), range(batch.count))
    latest_ms = bounds.now_ms + _FURTHEST_AHEAD_MS
    if bounds.release >= _FIRST_WITH_LATEST_TIME and batch.max_timestamp > latest_ms:
        late = [index for index, found in enumerate(batch.records) if found.timestamp > latest_ms]
        raise RefusedRecords(InvalidTimestampError(f"Times are at most {_FURTHEST_AHEAD_MS} ms ahead"), late)
