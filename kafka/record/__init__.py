"""Record batches: bytes in, bytes out, in message formats 0, 1 and 2.

Imported by: producer, testing, applications.  Imports: record.*.
"""

from kafka.record.formats import Format, convert, format_for
from kafka.record.memory_records import MemoryRecords, MemoryRecordsBuilder
from kafka.record.reading import ReadRecord, RecordBatchView, read, set_base_offset, split

__all__ = [
    "Format",
    "MemoryRecords",
    "MemoryRecordsBuilder",
    "ReadRecord",
    "RecordBatchView",
    "convert",
    "format_for",
    "read",
    "set_base_offset",
    "split",
]
