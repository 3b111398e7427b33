"""OffsetFetch, versions 0-10.

Behaviour: the offsets that a group has committed, -1 where it has none; with `require_stable` error 88 where a transaction may still change one
(KIP-447).
Differs from a broker: member ids and epochs of the consumer protocol (KIP-848) do not exist, so that version 9's are not looked at.
Imported by: testing.handlers.  Imports: errors, protocol, testing.{exchange,offsets}.
"""

from __future__ import annotations

from typing import Any

from kafka.errors import BrokerResponseError, NoError, UnknownTopicIdError, UnstableOffsetCommitError
from kafka.protocol.offset_fetch import (
    OffsetFetchRequestGroup,
    OffsetFetchResponse,
    OffsetFetchResponseGroup,
    OffsetFetchResponsePartition,
    OffsetFetchResponsePartitions,
    OffsetFetchResponseTopic,
    OffsetFetchResponseTopics,
)
from kafka.protocol.schema import NO_UUID
from kafka.testing.exchange import Call
from kafka.testing.handlers.join_group import check_group
from kafka.testing.offsets import CommittedOffset

VERSIONS = (0, 10)

_FIRST_WITH_ERROR, _FIRST_WITH_GROUPS, _FIRST_WITH_TOPIC_IDS = 2, 8, 10
_NONE = CommittedOffset(-1, -1, "")


def handle(call: Call) -> OffsetFetchResponse:
    request = call.request
    if call.version >= _FIRST_WITH_GROUPS:
        return OffsetFetchResponse(groups=[_group(call, asked) for asked in request.groups])
    try:
        check_group(call, request.group_id)
    except BrokerResponseError as error:
        if call.version >= _FIRST_WITH_ERROR:
            return OffsetFetchResponse(error_code=error.errno)
        refused = [OffsetFetchResponseTopic(name=asked.name, partitions=_refused(asked.partition_indexes, error)) for asked in request.topics]
        return OffsetFetchResponse(topics=refused)
    return OffsetFetchResponse(
        topics=[
            OffsetFetchResponseTopic(
                name=name, partitions=[_partition(OffsetFetchResponsePartition, call, request.group_id, (name, index)) for index in indexes]
            )
            for name, indexes in _wanted(call, request.group_id, request.topics)
        ]
    )


def _refused(indexes: list[int], error: BrokerResponseError) -> list[OffsetFetchResponsePartition]:
    return [OffsetFetchResponsePartition(partition_index=index, committed_offset=-1, error_code=error.errno) for index in indexes]


def _wanted(call: Call, group_id: str, asked: Any) -> list[tuple[str, list[int]]]:
    """The partitions asked for by topic: all that there are offsets for, where none are named."""
    if asked is not None:
        return [(topic.name, topic.partition_indexes) for topic in asked]
    found: dict[str, list[int]] = {}
    for name, index in sorted(call.cluster.offsets.of(group_id)):
        found.setdefault(name, []).append(index)
    return list(found.items())


def _group(call: Call, asked: OffsetFetchRequestGroup) -> OffsetFetchResponseGroup:
    try:
        check_group(call, asked.group_id)
    except BrokerResponseError as error:
        return OffsetFetchResponseGroup(group_id=asked.group_id, error_code=error.errno)
    return OffsetFetchResponseGroup(group_id=asked.group_id, topics=_topics(call, asked))


def _topics(call: Call, asked: OffsetFetchRequestGroup) -> list[OffsetFetchResponseTopics]:
    if call.version < _FIRST_WITH_TOPIC_IDS or asked.topics is None:
        return [_topic(call, asked.group_id, name, indexes) for name, indexes in _wanted(call, asked.group_id, asked.topics)]
    topics = []
    for wanted in asked.topics:
        topic = call.cluster.topic_by_id(wanted.topic_id)
        if topic is not None:
            topics.append(_topic(call, asked.group_id, topic.name, wanted.partition_indexes))
            continue
        unknown = [
            OffsetFetchResponsePartitions(partition_index=index, committed_offset=-1, error_code=UnknownTopicIdError.errno)
            for index in wanted.partition_indexes
        ]
        topics.append(OffsetFetchResponseTopics(topic_id=wanted.topic_id, partitions=unknown))
    return topics


def _topic(call: Call, group_id: str, name: str, indexes: list[int]) -> OffsetFetchResponseTopics:
    known = call.cluster.topics.get(name)
    partitions = [_partition(OffsetFetchResponsePartitions, call, group_id, (name, index)) for index in indexes]
    return OffsetFetchResponseTopics(name=name, topic_id=known.topic_id if known else NO_UUID, partitions=partitions)


def _partition(kind: Any, call: Call, group_id: str, partition: tuple[str, int]) -> Any:
    offsets = call.cluster.offsets
    is_unstable = call.request.require_stable and offsets.is_unstable(group_id, partition)
    found = _NONE if is_unstable else offsets.of(group_id).get(partition, _NONE)
    return kind(
        partition_index=partition[1],
        committed_offset=found.offset,
        committed_leader_epoch=found.leader_epoch,
        metadata=found.metadata,
        error_code=UnstableOffsetCommitError.errno if is_unstable else NoError.errno,
    )
