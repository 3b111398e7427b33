"""OffsetForLeaderEpoch, versions 0-4.

Behaviour: where a leader epoch, or the newest one before it, ended (KIP-101); -1 for one that is not known.
Differs from a broker: since replicas share one log, no client ever finds that its records were lost.
Imported by: testing.handlers.  Imports: errors, protocol, testing.exchange.
"""

from __future__ import annotations

from kafka.errors import BrokerResponseError
from kafka.protocol.offset_for_leader_epoch import (
    EpochEndOffset,
    OffsetForLeaderEpochResponse,
    OffsetForLeaderPartition,
    OffsetForLeaderTopicResult,
)
from kafka.testing.exchange import Call

VERSIONS = (0, 4)


def handle(call: Call) -> OffsetForLeaderEpochResponse:
    return OffsetForLeaderEpochResponse(
        topics=[
            OffsetForLeaderTopicResult(topic=topic.topic, partitions=[_end(call, topic.topic, asked) for asked in topic.partitions])
            for topic in call.request.topics
        ]
    )


def _end(call: Call, topic: str, asked: OffsetForLeaderPartition) -> EpochEndOffset:
    try:
        partition = call.led(call.cluster.topics.get(topic), asked.partition, asked.current_leader_epoch)
    except BrokerResponseError as error:
        return EpochEndOffset(partition=asked.partition, error_code=error.errno)
    epoch, offset = partition.log.end_of_epoch(asked.leader_epoch)
    return EpochEndOffset(partition=asked.partition, leader_epoch=epoch, end_offset=offset)
