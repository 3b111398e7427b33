"""ListOffsets, versions 0-7.

Behaviour: earliest (-2), latest (-1), of the largest timestamp (-3, from version 7 on), or the first record not older than a time.
Differs from a broker: version 0 with a time gives the offset of a record, not of a segment.
Imported by: testing.handlers.  Imports: errors, protocol, testing.{cluster,exchange,log}.
"""

from __future__ import annotations

from kafka.errors import BrokerResponseError, NotLeaderForPartitionError, UnknownTopicOrPartitionError
from kafka.protocol.list_offsets import (
    ListOffsetsPartition,
    ListOffsetsPartitionResponse,
    ListOffsetsResponse,
    ListOffsetsTopicResponse,
)
from kafka.testing.cluster import Partition
from kafka.testing.exchange import Call
from kafka.testing.log import Position

VERSIONS = (0, 7)

_LATEST, _EARLIEST, _OF_MAX_TIMESTAMP = -1, -2, -3


def handle(call: Call) -> ListOffsetsResponse:
    return ListOffsetsResponse(
        topics=[
            ListOffsetsTopicResponse(name=topic.name, partitions=[_answer(call, topic.name, asked) for asked in topic.partitions])
            for topic in call.request.topics
        ]
    )


def _answer(call: Call, topic: str, asked: ListOffsetsPartition) -> ListOffsetsPartitionResponse:
    partition = call.cluster.partition(topic, asked.partition_index)
    error: type[BrokerResponseError] | None = None
    if partition is None:
        error = UnknownTopicOrPartitionError
    elif partition.leader != call.node.node_id:
        error = NotLeaderForPartitionError
    if partition is None or error is not None:
        return ListOffsetsPartitionResponse(partition_index=asked.partition_index, error_code=error.errno if error else 0)
    found = _find(partition, asked.timestamp)
    return ListOffsetsPartitionResponse(
        partition_index=asked.partition_index,
        old_style_offsets=[found.offset] if found.offset >= 0 else [],
        timestamp=found.timestamp_ms,
        offset=found.offset,
        leader_epoch=partition.leader_epoch,
    )


def _find(partition: Partition, timestamp_ms: int) -> Position:
    log = partition.log
    if timestamp_ms == _LATEST:
        return Position(log.next_offset, -1)
    if timestamp_ms == _EARLIEST:
        return Position(log.start_offset, -1)
    if timestamp_ms == _OF_MAX_TIMESTAMP:
        return log.newest()
    return log.first_since(timestamp_ms)
