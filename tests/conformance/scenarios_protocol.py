"""Versions, connections, metadata."""

from __future__ import annotations

import struct
import uuid
from collections.abc import Iterator
from typing import Any

from kafka.protocol.api_versions import ApiVersionsRequest
from kafka.protocol.describe_groups import DescribeGroupsRequest
from kafka.protocol.metadata import MetadataRequest, MetadataRequestTopic
from tests.conformance.peer import Peer
from tests.conformance.script import Seen, scenario
from tests.testing.wire import frame_of

UNHEARD_OF_API = 999
CLIENTS_APIS = (0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 19, 20, 22, 23, 24, 25, 26, 28, 32, 37, 42)


@scenario()
def versions_that_are_told(peer: Peer) -> Iterator[Seen]:
    for version in (0, 3):
        answer = peer.ask(ApiVersionsRequest(client_software_name="tests", client_software_version="1.0"), version)
        told = {entry.api_key: [entry.min_version, entry.max_version] for entry in answer.api_keys}
        yield f"ApiVersions {version}", {str(key): told.get(key) for key in CLIENTS_APIS}


@scenario()
def versions_that_are_not_spoken(peer: Peer) -> Iterator[Seen]:
    too_new = frame_of(ApiVersionsRequest(client_software_name="tests", client_software_version="1.0"), 3)
    with peer.connect() as client:
        client.send(too_new[:6] + struct.pack(">h", 99) + too_new[8:])
        frame = client.frame() or b""
    error, count = struct.unpack_from(">hi", frame, 4)
    keys = [struct.unpack_from(">hhh", frame, 10 + 6 * index)[0] for index in range(count)]
    yield "ApiVersions 99", {"error": error, "apis": keys}
    yield "a name that is none", peer.ask(ApiVersionsRequest(client_software_name="no/name", client_software_version="1"), 3).error_code
    metadata = frame_of(MetadataRequest(topics=None), 9)
    yield "Metadata 99 closes", peer.closes_on(metadata[:6] + struct.pack(">h", 99) + metadata[8:])
    yield "an API that nobody knows closes", peer.closes_on(metadata[:4] + struct.pack(">h", UNHEARD_OF_API) + metadata[6:])
    yield "half a request that is said to be whole closes", peer.closes_on(struct.pack(">i", len(metadata) - 6) + metadata[4:-2])
    yield "a size below nothing closes", peer.closes_on(struct.pack(">i", -1))


@scenario()
def bytes_behind_a_request(peer: Peer) -> Iterator[Seen]:
    request = frame_of(MetadataRequest(topics=[]), 9)
    with peer.connect() as client:
        client.send(struct.pack(">i", len(request) - 4 + 3) + request[4:] + b"\1\2\3")
        yield "they are not minded", client.frame() is not None


def _topic(answer: Any) -> Any:
    (topic,) = answer.topics
    return topic


@scenario()
def metadata_of_topics(peer: Peer) -> Iterator[Seen]:
    topic = peer.new_topic(partitions=3)
    found = _topic(peer.ask(MetadataRequest(topics=[MetadataRequestTopic(name=topic)])))
    yield "a topic", {
        "error": found.error_code,
        "internal": found.is_internal,
        "has an id": found.topic_id != uuid.UUID(int=0),
        "partitions": sorted([one.partition_index, one.error_code, one.leader_epoch] for one in found.partitions),
        "replicas": sorted([len(one.replica_nodes), len(one.isr_nodes), len(one.offline_replicas)] for one in found.partitions),
    }
    for name in (peer.new_name(), "a/b", "", ".", "..", "x" * 249, "x" * 250):
        answer = peer.ask(MetadataRequest(topics=[MetadataRequestTopic(name=name)], allow_auto_topic_creation=False))
        yield f"no topic: {name[:3]!r} of {len(name)}", [_topic(answer).error_code, len(_topic(answer).partitions)]
    yield "nothing is asked", len(peer.ask(MetadataRequest(topics=[])).topics)
    yield "all are asked", topic in [one.name for one in peer.ask(MetadataRequest(topics=None)).topics]


@scenario()
def what_one_may_do(peer: Peer) -> Iterator[Seen]:
    """Where nobody asks who one is, everything."""
    topic = peer.new_topic()
    for asks in (False, True):
        request = MetadataRequest(
            topics=[MetadataRequestTopic(name=topic)], include_cluster_authorized_operations=asks, include_topic_authorized_operations=asks
        )
        answer = peer.ask(request, 9)
        yield f"metadata, asked {asks}", [answer.cluster_authorized_operations, _topic(answer).topic_authorized_operations]
        described = peer.settled(
            DescribeGroupsRequest(groups=["nobody's"], include_authorized_operations=asks), lambda one: one.groups[0].error_code
        )
        yield f"groups, asked {asks}", described.groups[0].authorized_operations


@scenario()
def topics_that_are_made_by_asking(peer: Peer) -> Iterator[Seen]:
    name = peer.new_name()
    request = MetadataRequest(topics=[MetadataRequestTopic(name=name)])
    yield "the first answer", _topic(peer.ask(request)).error_code
    later = peer.settled(request, lambda answer: _topic(answer).error_code, not_yet={3, 5})
    yield "a later one", [_topic(later).error_code, len(_topic(later).partitions)]
    for bad in ("a/b", ".", "x" * 250):
        yield f"no topic's name: {bad[:3]}", _topic(peer.ask(MetadataRequest(topics=[MetadataRequestTopic(name=bad)]))).error_code


@scenario(since="4.0")
def metadata_by_topic_id(peer: Peer) -> Iterator[Seen]:
    topic = peer.new_topic()
    by_id = MetadataRequestTopic(topic_id=peer.topic_id(topic), name=None)
    found = _topic(peer.ask(MetadataRequest(topics=[by_id]), 12))
    yield "a topic", [found.error_code, found.name == topic, len(found.partitions)]
    unknown = _topic(peer.ask(MetadataRequest(topics=[MetadataRequestTopic(topic_id=uuid.uuid4(), name=None)]), 12))
    yield "nobody's id", [unknown.error_code, unknown.name, len(unknown.partitions)]
