"""Metadata, versions 0-13.

Behaviour: names every broker, and the topics asked for; makes those that do not exist where cluster and client allow it.
Differs from a broker: a new topic has its leaders at once; authorisation does not exist; topics are not found by id.
Imported by: testing.handlers.  Imports: errors, protocol, testing.{cluster,exchange}.
"""

from __future__ import annotations

from kafka.errors import InvalidTopicError, NoError, UnknownTopicOrPartitionError
from kafka.protocol.metadata import (
    MetadataRequest,
    MetadataRequestTopic,
    MetadataResponse,
    MetadataResponseBroker,
    MetadataResponsePartition,
    MetadataResponseTopic,
)
from kafka.testing.cluster import Cluster, Topic, is_legal
from kafka.testing.exchange import Call

VERSIONS = (0, 13)


def handle(call: Call) -> MetadataResponse:
    cluster, request = call.cluster, call.request
    return MetadataResponse(
        brokers=[MetadataResponseBroker(node_id=node.node_id, host=node.host, port=node.port) for node in cluster.nodes.values()],
        cluster_id=cluster.cluster_id,
        controller_id=cluster.controller_id,
        topics=[_topic(cluster, name, request.allow_auto_topic_creation) for name in _wanted(cluster, request, call.version)],
    )


def _wanted(cluster: Cluster, request: MetadataRequest, version: int) -> list[str | None]:
    asked: list[MetadataRequestTopic] | None = request.topics
    if asked is None or (version == 0 and not asked):  # version 0 has no null: it asks for all with an empty list
        return list(cluster.topics)
    return [topic.name for topic in asked]


def _topic(cluster: Cluster, name: str | None, may_create: bool) -> MetadataResponseTopic:
    if name is None or not is_legal(name):
        return MetadataResponseTopic(error_code=InvalidTopicError.errno, name=name)
    topic = cluster.find_topic(name, may_create=may_create)
    if topic is None:
        return MetadataResponseTopic(error_code=UnknownTopicOrPartitionError.errno, name=name)
    return MetadataResponseTopic(error_code=NoError.errno, name=name, topic_id=topic.topic_id, partitions=_partitions(topic))


def _partitions(topic: Topic) -> list[MetadataResponsePartition]:
    return [
        MetadataResponsePartition(
            partition_index=partition.index,
            leader_id=partition.leader,
            leader_epoch=partition.leader_epoch,
            replica_nodes=partition.replicas,
            isr_nodes=partition.replicas,
        )
        for partition in topic.partitions
    ]
