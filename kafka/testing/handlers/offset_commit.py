"""OffsetCommit, versions 0-10.

Behaviour: members of the group's generation commit, and where a group has no members, anybody.
Differs from a broker: offsets are kept for ever, whatever retention is asked for, and stand in no topic; version 0 keeps them where the others do.
Imported by: testing.handlers.  Imports: errors, protocol, testing.{cluster,exchange,groups,offsets,transactions}.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from kafka.errors import (
    BrokerResponseError,
    IllegalGenerationError,
    NoError,
    OffsetMetadataTooLargeError,
    UnknownTopicIdError,
    UnknownTopicOrPartitionError,
)
from kafka.protocol.offset_commit import OffsetCommitRequestTopic, OffsetCommitResponse, OffsetCommitResponsePartition, OffsetCommitResponseTopic
from kafka.testing.cluster import Topic
from kafka.testing.exchange import Call
from kafka.testing.groups import Identity
from kafka.testing.handlers.join_group import check_group
from kafka.testing.offsets import CommittedOffset
from kafka.testing.transactions import TopicPartition

VERSIONS = (0, 10)

_MOST_METADATA_BYTES = 4096  # offset.metadata.max.bytes
_FIRST_WITH_TOPIC_IDS = 10


def handle(call: Call) -> OffsetCommitResponse:
    request = call.request
    try:
        check_group(call, request.group_id)
        check_member(call, in_transaction=False)
    except BrokerResponseError as error:
        return OffsetCommitResponse(topics=[_topic(asked, [error.errno] * len(asked.partitions)) for asked in request.topics])
    return OffsetCommitResponse(topics=[_commit(call, asked) for asked in request.topics])


def check_member(call: Call, *, in_transaction: bool) -> None:
    """Whether who sends OffsetCommit or TxnOffsetCommit may commit for the group; raises the error it is answered with."""
    request = call.request
    group = call.cluster.groups.find(request.group_id)
    generation = request.generation_id_or_member_epoch
    if group is None and generation >= 0:
        raise IllegalGenerationError(f"There is no group {request.group_id}")
    group = group or call.cluster.groups.get(request.group_id)
    group.check_commit(Identity(request.member_id, request.group_instance_id), generation, in_transaction=in_transaction)


def _commit(call: Call, asked: OffsetCommitRequestTopic) -> OffsetCommitResponseTopic:
    keep = functools.partial(call.cluster.offsets.commit, call.request.group_id)
    return _topic(asked, commit_each(call, asked, keep, by_id=call.version >= _FIRST_WITH_TOPIC_IDS))


def commit_each(call: Call, asked: Any, keep: Callable[[TopicPartition, CommittedOffset], None], *, by_id: bool) -> list[int | None]:
    """Have each offset kept of a topic in OffsetCommit or TxnOffsetCommit that may be; the error codes of its partitions."""
    topic = call.cluster.topic_by_id(asked.topic_id) if by_id else call.cluster.topics.get(asked.name)
    codes = []
    for partition in asked.partitions:
        code = UnknownTopicIdError.errno if by_id and topic is None else _code_of(topic, partition)
        if topic is not None and code == NoError.errno:
            offset = CommittedOffset(partition.committed_offset, partition.committed_leader_epoch, partition.committed_metadata or "")
            keep((topic.name, partition.partition_index), offset)
        codes.append(code)
    return codes


def _code_of(topic: Topic | None, asked: Any) -> int | None:
    """Whether the offset may be kept: the error code of UnknownTopicOrPartitionError, OffsetMetadataTooLargeError or NoError."""
    if topic is None or not 0 <= asked.partition_index < len(topic.partitions):
        return UnknownTopicOrPartitionError.errno
    if len((asked.committed_metadata or "").encode()) > _MOST_METADATA_BYTES:
        return OffsetMetadataTooLargeError.errno
    return NoError.errno


def _topic(asked: OffsetCommitRequestTopic, codes: list[int | None]) -> OffsetCommitResponseTopic:
    partitions = [
        OffsetCommitResponsePartition(partition_index=partition.partition_index, error_code=code) for partition, code in zip(asked.partitions, codes)
    ]
    return OffsetCommitResponseTopic(name=asked.name, topic_id=asked.topic_id, partitions=partitions)
