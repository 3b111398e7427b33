"""ListOffsets, versions 0-11.

Behaviour: earliest (-2, and -4, since nothing is elsewhere), latest (-1; with isolation level 1 the last stable one), of the largest timestamp
(-3, from version 7 on), or the first record not older than a time.
Differs from a broker: version 0 with a time gives the offset of a record, not of a segment. There is no tiered storage: -5 and -6 find nothing.
Imported by: testing.handlers.  Imports: errors, protocol, testing.{exchange,log}.
"""

from __future__ import annotations

from kafka.errors import BrokerResponseError
from kafka.protocol.list_offsets import (
    ListOffsetsPartition,
    ListOffsetsPartitionResponse,
    ListOffsetsResponse,
    ListOffsetsTopicResponse,
)
from kafka.testing.exchange import Call
from kafka.testing.log import PartitionLog, Position

VERSIONS = (0, 11)

_LATEST, _EARLIEST, _OF_MAX_TIMESTAMP, _EARLIEST_LOCAL = -1, -2, -3, -4
_READ_COMMITTED = 1


def handle(call: Call) -> ListOffsetsResponse:
    return ListOffsetsResponse(
        topics=[
            ListOffsetsTopicResponse(name=topic.name, partitions=[_answer(call, topic.name, asked) for asked in topic.partitions])
            for topic in call.request.topics
        ]
    )


def _answer(call: Call, topic: str, asked: ListOffsetsPartition) -> ListOffsetsPartitionResponse:
    try:
        partition = call.led(call.cluster.topics.get(topic), asked.partition_index, asked.current_leader_epoch)
        found = _find(partition.log, asked.timestamp, only_committed=call.request.isolation_level == _READ_COMMITTED)
    except BrokerResponseError as error:
        return ListOffsetsPartitionResponse(partition_index=asked.partition_index, error_code=error.errno)
    return ListOffsetsPartitionResponse(
        partition_index=asked.partition_index,
        old_style_offsets=[found.offset] if found.offset >= 0 else [],
        timestamp=found.timestamp_ms,
        offset=found.offset,
        leader_epoch=partition.leader_epoch if found.offset >= 0 else -1,
    )


def _find(log: PartitionLog, timestamp_ms: int, *, only_committed: bool) -> Position:
    if timestamp_ms == _LATEST:
        return Position(log.last_stable_offset if only_committed else log.next_offset, -1)
    if timestamp_ms in (_EARLIEST, _EARLIEST_LOCAL):
        return Position(log.start_offset, -1)
    if timestamp_ms == _OF_MAX_TIMESTAMP:
        return log.newest()
    if timestamp_ms < 0:
        return Position(-1, -1)
    return log.first_since(timestamp_ms)
