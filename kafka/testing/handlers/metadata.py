"""Metadata, versions 0-13.

Behaviour: names every broker that runs, and the topics asked for by name or id; makes those that do not exist where cluster and client allow it.
A topic that is made is told of with the next answer where the cluster has a version to be like, and with this one where not.
Differs from a broker: a new topic has its leaders at once; everybody may do everything.
Imported by: testing.handlers.  Imports: errors, protocol, testing.{cluster,exchange,operations,releases}.
"""

from __future__ import annotations

from kafka.errors import InvalidTopicError, LeaderNotAvailableError, NoError, UnknownTopicIdError, UnknownTopicOrPartitionError
from kafka.protocol.metadata import (
    MetadataRequest,
    MetadataRequestTopic,
    MetadataResponse,
    MetadataResponseBroker,
    MetadataResponsePartition,
    MetadataResponseTopic,
)
from kafka.testing.cluster import NO_LEADER, Cluster, Topic, is_legal
from kafka.testing.exchange import Call
from kafka.testing.operations import ON_CLUSTER, ON_TOPIC, if_asked
from kafka.testing.releases import FIRST_WITH_KRAFT, Release

VERSIONS = (0, 13)

_FIRST_WITH_BROKERS_ALONE = (0, 9)  # without any topic 0.8 lists no broker


def handle(call: Call) -> MetadataResponse:
    cluster, request = call.cluster, call.request
    topics = [_topic(cluster, asked, request.allow_auto_topic_creation) for asked in _wanted(cluster, request, call.version)]
    for topic in topics:
        topic.topic_authorized_operations = if_asked(request.include_topic_authorized_operations and not topic.error_code, ON_TOPIC)
    is_known = bool(cluster.topics) or cluster.release >= _FIRST_WITH_BROKERS_ALONE
    return MetadataResponse(
        brokers=[MetadataResponseBroker(node_id=node.node_id, host=node.host, port=node.port) for node in cluster.running_nodes() if is_known],
        cluster_id=cluster.cluster_id,
        controller_id=cluster.controller_id,
        topics=topics,
        cluster_authorized_operations=if_asked(request.include_cluster_authorized_operations, ON_CLUSTER),
    )


def _wanted(cluster: Cluster, request: MetadataRequest, version: int) -> list[MetadataRequestTopic]:
    asked: list[MetadataRequestTopic] | None = request.topics
    if asked is None or (version == 0 and not asked):  # version 0 has no null: it asks for all with an empty list
        return [MetadataRequestTopic(name=name) for name in list(cluster.topics)]
    return asked


def _topic(cluster: Cluster, asked: MetadataRequestTopic, may_create: bool) -> MetadataResponseTopic:
    name = asked.name
    if name is None:
        topic = cluster.topic_by_id(asked.topic_id)
        if topic is None:
            return MetadataResponseTopic(error_code=UnknownTopicIdError.errno, name=None, topic_id=asked.topic_id)
    elif not is_legal(name):
        return MetadataResponseTopic(error_code=InvalidTopicError.errno, name=name)
    else:
        is_new = name not in cluster.topics
        topic = cluster.find_topic(name, may_create=may_create)
        if topic is not None and is_new and cluster.version is not None:
            return MetadataResponseTopic(error_code=_code_while_made(cluster.version), name=name)
    if topic is None:
        return MetadataResponseTopic(error_code=UnknownTopicOrPartitionError.errno, name=name)
    return MetadataResponseTopic(error_code=NoError.errno, name=topic.name, topic_id=topic.topic_id, partitions=_partitions(cluster, topic))


def _code_while_made(release: Release) -> int | None:
    """What a broker says while a topic that was asked for is being made."""
    return UnknownTopicOrPartitionError.errno if release >= FIRST_WITH_KRAFT else LeaderNotAvailableError.errno


def _partitions(cluster: Cluster, topic: Topic) -> list[MetadataResponsePartition]:
    return [
        MetadataResponsePartition(
            error_code=LeaderNotAvailableError.errno if partition.leader == NO_LEADER else NoError.errno,
            partition_index=partition.index,
            leader_id=partition.leader,
            leader_epoch=partition.leader_epoch,
            replica_nodes=partition.replicas,
            isr_nodes=partition.isr,
            offline_replicas=[node_id for node_id in partition.replicas if not cluster.nodes[node_id].is_running],
        )
        for partition in topic.partitions
    ]
