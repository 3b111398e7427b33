"""A broker's end of a connection: frames, versions, order of answers, and what else the APIs say."""

from __future__ import annotations

from typing import Any

import pytest

from kafka.protocol.api_versions import ApiVersionsRequest, ApiVersionsResponse
from kafka.protocol.fetch import FetchPartition, FetchRequest, FetchTopic
from kafka.protocol.framing import FrameDecoder
from kafka.protocol.list_offsets import ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic
from kafka.protocol.metadata import MetadataRequest, MetadataRequestTopic, MetadataResponse
from kafka.record import read
from kafka.testing.clock import VirtualClock
from kafka.testing.cluster import Cluster
from kafka.testing.connection import MAX_REQUEST_BYTES, ServerConnection
from kafka.testing.handlers import SERVED
from tests.testing.wire import NOW_MS, answer, ask, asking_versions, batch, frame_of, outcome, produce


def metadata(*names: str, **fields: Any) -> MetadataRequest:
    return MetadataRequest(topics=[MetadataRequestTopic(name=name) for name in names], **fields)


def fetch(offset: int = 0, *, partition: int = 0, wait_ms: int = 0, min_bytes: int = 1, partition_bytes: int = 1 << 20, **fields: Any) -> Any:
    asked = FetchPartition(partition=partition, fetch_offset=offset, partition_max_bytes=partition_bytes)
    return FetchRequest(max_wait_ms=wait_ms, min_bytes=min_bytes, topics=[FetchTopic(topic="t", partitions=[asked])], **fields)


def fetched(response: Any) -> Any:
    (topic,) = response.responses
    (partition,) = topic.partitions
    return partition


def offsets_in(response: Any) -> list[int]:
    return [found.offset for part in read(fetched(response).records) for found in part.records]


# --- frames and versions ----------------------------------------------------------------------------------------------


def test_every_served_version_is_known_to_the_protocol() -> None:
    for served in SERVED.values():
        low, high = served.request_class.VALID_VERSIONS
        assert low <= served.versions[0] <= served.versions[1] <= high


def test_requests_may_come_byte_by_byte_or_many_at_once(connection: ServerConnection) -> None:
    frames = frame_of(metadata("t"), 9) + frame_of(metadata("t"), 1)
    for position in range(len(frames)):
        connection.receive(frames[position : position + 1])
    one_by_one = b"".join(connection.take_output())

    connection.receive(frames)

    assert b"".join(connection.take_output()) == one_by_one
    assert len(FrameDecoder(1 << 20).feed(one_by_one)) == 2


@pytest.mark.parametrize("version", range(6))
def test_api_versions_lists_what_is_served(connection: ServerConnection, version: int) -> None:
    response = ask(connection, asking_versions(), version)
    assert {api.api_key: (api.min_version, api.max_version) for api in response.api_keys} == {key: served.versions for key, served in SERVED.items()}


@pytest.mark.parametrize(("name", "version", "code"), [("no/name", 3, 42), ("", 4, 42), ("-x", 3, 42), ("a.b-c", 3, 0), ("", 2, 0)])
def test_a_clients_software_has_a_proper_name(connection: ServerConnection, name: str, version: int, code: int) -> None:
    request = ApiVersionsRequest(client_software_name=name, client_software_version="1")
    assert ask(connection, request, version).error_code == code


@pytest.mark.parametrize(
    ("cluster_id", "node_id", "code"),
    [(Cluster.cluster_id, 1, 0), (Cluster.cluster_id, 2, 129), ("other", 1, 129), (None, 7, 0), ("other", -1, 0)],
)
def test_a_client_that_meant_another_broker_is_told_so(connection: ServerConnection, cluster_id: str | None, node_id: int, code: int) -> None:
    request = asking_versions()
    request.cluster_id, request.node_id = cluster_id, node_id
    assert ask(connection, request, 5).error_code == code


def test_api_versions_too_new_is_answered_with_error_35_in_version_0(connection: ServerConnection) -> None:
    frame = bytearray(frame_of(ApiVersionsRequest(), 4))
    frame[6:8] = (99).to_bytes(2, "big")

    connection.receive(bytes(frame))

    (answered,) = FrameDecoder(1 << 20).feed(b"".join(connection.take_output()))
    response = ApiVersionsResponse.decode(0, answered, 4)
    assert response.error_code == 35
    assert [(api.api_key, api.min_version, api.max_version) for api in response.api_keys] == [(18, 0, 5)]
    assert not connection.is_closing


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\0\0\0\x0a" + b"\0\x03\0\x63" + b"\0" * 6, id="version too new"),
        pytest.param(b"\0\0\0\x0a" + b"\x03\xe7\0\0" + b"\0" * 6, id="unknown API"),
        pytest.param(b"\0\0\0\x02\0\0", id="shorter than a header"),
        pytest.param((MAX_REQUEST_BYTES + 1).to_bytes(4, "big"), id="too large"),
        pytest.param(b"\xff\xff\xff\xff", id="negative size"),
        pytest.param(b"\0\0\0\x0c" + b"\0\x03\0\x01" + b"\0\0\0\1" + b"\xff\xff" + b"\x7f\xff", id="cut body"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="not Kafka"),
    ],
)
def test_what_is_no_request_closes_the_connection(connection: ServerConnection, data: bytes) -> None:
    connection.receive(data)

    assert connection.is_closing
    assert connection.take_output() == []
    connection.receive(frame_of(metadata(), 1))
    assert connection.take_output() == []


def test_a_cluster_can_be_limited_to_old_versions(clock: VirtualClock) -> None:
    cluster = Cluster(clock=clock, api_versions={0: (0, 2), 3: (0, 1), 18: (0, 0)})
    response = ask(ServerConnection(cluster, cluster.nodes[1]), ApiVersionsRequest(), 0)
    assert {api.api_key: (api.min_version, api.max_version) for api in response.api_keys} == {0: (0, 2), 3: (0, 1), 18: (0, 0)}

    newer = ServerConnection(cluster, cluster.nodes[1])
    assert ask(newer, metadata("t"), 2) is None
    assert newer.is_closing


def test_a_cluster_without_api_versions_answers_what_is_too_new_as_0_8_and_0_9_do(clock: VirtualClock) -> None:
    cluster = Cluster(clock=clock, api_versions={0: (0, 1), 3: (0, 0)})
    connection = ServerConnection(cluster, cluster.nodes[1])
    connection.receive(frame_of(metadata(), 1))
    frame = b"".join(connection.take_output())
    assert len(MetadataResponse.decode(0, frame, 8).brokers) == 1
    connection.receive(frame_of(ApiVersionsRequest(), 0))
    assert connection.is_closing


# --- Metadata ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", range(14))
def test_metadata_names_brokers_and_leaders(clock: VirtualClock, version: int) -> None:
    cluster = Cluster(clock=clock, brokers=3)
    cluster.create_topic("t", 4)

    response = ask(ServerConnection(cluster, cluster.nodes[2]), metadata("t"), version)

    assert [(b.node_id, b.host, b.port) for b in response.brokers] == [(n, f"broker-{n}", 9092) for n in (1, 2, 3)]
    (topic,) = response.topics
    assert [(p.partition_index, p.leader_id) for p in topic.partitions] == [(0, 1), (1, 2), (2, 3), (3, 1)]
    assert topic.partitions[1].replica_nodes == [2, 3, 1]


def test_asking_for_a_topic_makes_it(clock: VirtualClock) -> None:
    cluster = Cluster(clock=clock, default_partitions=3)
    response = ask(ServerConnection(cluster, cluster.nodes[1]), metadata("new"), 9)
    assert (response.topics[0].error_code, len(response.topics[0].partitions)) == (0, 3)


@pytest.mark.parametrize(
    ("auto_create", "fields", "name", "code"),
    [
        (False, {}, "new", 3),
        (True, {"allow_auto_topic_creation": False}, "new", 3),
        (True, {}, "bad name!", 17),
        (True, {}, "..", 17),
        (True, {}, "x" * 250, 17),
    ],
    ids=["not by this cluster", "not for this client", "illegal", "dots", "long"],
)
def test_a_topic_that_cannot_be_made_is_an_error(clock: VirtualClock, auto_create: bool, fields: dict[str, Any], name: str, code: int) -> None:
    cluster = Cluster(clock=clock, auto_create_topics=auto_create)
    response = ask(ServerConnection(cluster, cluster.nodes[1]), metadata(name, **fields), 9)
    assert [(t.name, t.error_code, t.partitions) for t in response.topics] == [(name, code, [])]
    assert cluster.topics == {}


@pytest.mark.parametrize(
    ("version", "topics", "names"), [(0, [], ["t", "u"]), (1, [], []), (1, None, ["t", "u"]), (12, None, ["t", "u"]), (12, [], [])]
)
def test_all_topics_or_none_are_named(cluster: Cluster, connection: ServerConnection, version: int, topics: Any, names: list[str]) -> None:
    cluster.create_topic("u")
    assert [topic.name for topic in ask(connection, MetadataRequest(topics=topics), version).topics] == names


@pytest.mark.parametrize(("name", "partitions"), [("t", 1), ("", 1), ("a/b", 1), ("u", 0)])
def test_create_topic_refuses_what_cannot_be(cluster: Cluster, name: str, partitions: int) -> None:
    with pytest.raises(ValueError, match="opic"):
        cluster.create_topic(name, partitions)


# --- Fetch ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", range(4, 13))
def test_fetch_gives_whole_batches_from_the_one_with_the_offset(connection: ServerConnection, version: int) -> None:
    for _ in range(3):
        ask(connection, produce(batch([b"a", b"b"])), 9)

    response = ask(connection, fetch(3), version)

    assert offsets_in(response) == [2, 3, 4, 5]
    assert (fetched(response).error_code, fetched(response).high_watermark) == (0, 6)


@pytest.mark.parametrize(("magic", "version", "code"), [(0, 0, 0), (1, 1, 35), (1, 2, 0), (2, 3, 35), (2, 4, 0)])
def test_fetch_does_not_convert_to_older_formats(connection: ServerConnection, magic: int, version: int, code: int) -> None:
    ask(connection, produce(batch([b"a"], magic=magic)), {0: 0, 1: 2, 2: 9}[magic])
    assert fetched(ask(connection, fetch(), version)).error_code == code


def test_fetch_keeps_to_its_limits_but_always_gives_one_batch(connection: ServerConnection) -> None:
    data = batch([b"x" * 100])
    for _ in range(5):
        ask(connection, produce(data), 9)

    assert offsets_in(ask(connection, fetch(partition_bytes=1), 12)) == [0]
    assert offsets_in(ask(connection, fetch(partition_bytes=2 * len(data)), 12)) == [0, 1]
    assert offsets_in(ask(connection, fetch(max_bytes=3 * len(data) + 1), 12)) == [0, 1, 2]


@pytest.mark.parametrize(("offset", "partition", "code"), [(2, 0, 1), (-1, 0, 1), (0, 7, 3)])
def test_fetch_of_what_is_not_there_is_an_error_at_once(connection: ServerConnection, offset: int, partition: int, code: int) -> None:
    ask(connection, produce(batch([b"a"])), 9)
    assert fetched(ask(connection, fetch(offset, partition=partition, wait_ms=500), 12)).error_code == code


def test_fetch_waits_for_a_record(cluster: Cluster, connection: ServerConnection) -> None:
    request = fetch(wait_ms=500)
    assert ask(connection, request, 12) is None
    assert connection.deadline_s == 0.5
    connection.look_again()
    assert connection.take_output() == []

    ask(ServerConnection(cluster, cluster.nodes[1]), produce(batch([b"a"])), 9)
    connection.look_again()

    assert offsets_in(answer(connection, request, 12)) == [0]
    assert connection.deadline_s == float("inf")


def test_fetch_gives_up_waiting_in_time(connection: ServerConnection, clock: VirtualClock) -> None:
    request = fetch(wait_ms=500, min_bytes=1000)
    ask(connection, produce(batch([b"a"])), 9)
    assert ask(connection, request, 12) is None

    clock.advance(0.5)
    connection.look_again()

    assert offsets_in(answer(connection, request, 12)) == [0]


def test_requests_behind_one_that_waits_are_answered_after_it(connection: ServerConnection, clock: VirtualClock) -> None:
    connection.receive(frame_of(fetch(wait_ms=500), 12) + frame_of(metadata("t"), 9))
    assert connection.take_output() == []

    clock.advance(1)
    connection.look_again()

    assert len(FrameDecoder(1 << 20).feed(b"".join(connection.take_output()))) == 2


def test_a_session_is_not_known(connection: ServerConnection) -> None:
    assert ask(connection, fetch(session_id=5), 12).error_code == 70


# --- ListOffsets ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("timestamp", "found"),
    [(-1, (3, -1)), (-2, (0, -1)), (-3, (1, NOW_MS + 50)), (NOW_MS, (0, NOW_MS)), (NOW_MS + 1, (1, NOW_MS + 50)), (NOW_MS + 51, (-1, -1))],
    ids=["latest", "earliest", "of the largest time", "at a time", "after a time", "too late"],
)
def test_offsets_are_found(connection: ServerConnection, timestamp: int, found: tuple[int, int]) -> None:
    for after_ms in (0, 50, 7):
        assert outcome(ask(connection, produce(batch([b"a"], at_ms=NOW_MS + after_ms)), 9)).error_code == 0

    asked = ListOffsetsPartition(partition_index=0, timestamp=timestamp)
    response = ask(connection, ListOffsetsRequest(replica_id=-1, topics=[ListOffsetsTopic(name="t", partitions=[asked])]), 7)

    (partition,) = response.topics[0].partitions
    assert (partition.error_code, partition.offset, partition.timestamp) == (0, *found)


@pytest.mark.parametrize("version", range(8))
def test_list_offsets_of_every_version(connection: ServerConnection, version: int) -> None:
    ask(connection, produce(batch([b"a"])), 9)
    asked = [ListOffsetsPartition(partition_index=index, timestamp=-1) for index in (0, 9)]
    response = ask(connection, ListOffsetsRequest(replica_id=-1, topics=[ListOffsetsTopic(name="t", partitions=asked)]), version)
    known, unknown = response.topics[0].partitions
    assert (known.old_style_offsets == [1]) if version == 0 else (known.offset == 1)
    assert unknown.error_code == 3
