"""A cluster's brokers, leaders and topics, and what its version makes of it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from kafka.protocol.api_versions import ApiVersionsRequest, ApiVersionsResponse
from kafka.protocol.framing import FrameDecoder
from kafka.protocol.metadata import MetadataRequest, MetadataRequestTopic
from kafka.testing import KafkaBroker, KafkaCluster, faults
from kafka.testing.clock import VirtualClock
from kafka.testing.cluster import Cluster
from kafka.testing.connection import ServerConnection, served_versions
from kafka.testing.handlers import SERVED
from kafka.testing.releases import release_of, versions_of
from tests.broker.free_ports import free_port
from tests.protocol import official
from tests.testing.test_connection import fetch, fetched, metadata
from tests.testing.wire import RawClient, ask, batch, frame_of, outcome, produce

NOT_LEADER, NOT_ENOUGH_REPLICAS, LEADER_NOT_AVAILABLE, UNKNOWN_TOPIC_ID = 6, 19, 5, 100


@pytest.fixture
def three(clock: VirtualClock) -> Cluster:
    """Topic t of three partitions, led by 1, 2 and 3."""
    made = Cluster(clock=clock, brokers=3)
    made.create_topic("t", 3)
    return made


def leaders(cluster: Cluster, topic: str = "t") -> list[int]:
    return [partition.leader for partition in cluster.topics[topic].partitions]


def asked_of(cluster: Cluster, node_id: int, request: Any, version: int) -> Any:
    return ask(ServerConnection(cluster, cluster.nodes[node_id]), request, version)


# --- leaders ----------------------------------------------------------------------------------------------------------


def test_a_moved_leader_takes_records_and_the_old_one_does_not(three: Cluster) -> None:
    assert three.move_leader("t", 0) == 2
    assert three.move_leader("t", 0, 3) == 3

    codes = [outcome(asked_of(three, node_id, produce(batch([b"a"])), 9)).error_code for node_id in (1, 2, 3)]

    assert codes == [NOT_LEADER, NOT_LEADER, 0]
    (topic,) = asked_of(three, 1, metadata("t"), 9).topics
    assert (topic.partitions[0].leader_id, topic.partitions[0].leader_epoch) == (3, 2)


def test_a_batch_carries_the_epoch_of_the_leader_that_took_it(three: Cluster) -> None:
    asked_of(three, 1, produce(batch([b"a"])), 9)
    three.move_leader("t", 0)
    asked_of(three, 2, produce(batch([b"b"])), 9)

    records = fetched(asked_of(three, 2, fetch(), 12)).records

    first_bytes = len(batch([b"a"]))
    assert [bytes(records[at + 12 : at + 16]) for at in (0, first_bytes)] == [b"\0\0\0\0", b"\0\0\0\1"]


@pytest.mark.parametrize(("partition", "node_id"), [(9, None), (0, 9)])
def test_a_leader_cannot_be_moved_where_nothing_is(three: Cluster, partition: int, node_id: int | None) -> None:
    with pytest.raises(ValueError, match="There is no"):
        three.move_leader("t", partition, node_id)


def test_a_leader_cannot_be_moved_to_a_broker_that_is_stopped(three: Cluster) -> None:
    three.stop_node(2)
    with pytest.raises(ValueError, match="in sync"):
        three.move_leader("t", 0, 2)
    assert three.move_leader("t", 0) == 3


def test_others_lead_what_a_stopped_broker_led_until_nobody_can(three: Cluster) -> None:
    three.stop_node(1)
    assert leaders(three) == [2, 2, 3]
    three.stop_node(2)
    assert leaders(three) == [3, 3, 3]
    three.stop_node(3)
    assert leaders(three) == [-1, -1, -1]

    three.start_node(1)  # it was not in sync when the last one went
    assert leaders(three) == [-1, -1, -1]
    (topic,) = asked_of(three, 1, metadata("t"), 9).topics
    assert {(p.error_code, p.leader_id) for p in topic.partitions} == {(LEADER_NOT_AVAILABLE, -1)}
    assert topic.partitions[0].isr_nodes == [3]
    assert topic.partitions[0].offline_replicas == [2, 3]

    three.start_node(3)
    assert leaders(three) == [3, 3, 3]
    (topic,) = asked_of(three, 1, metadata("t"), 9).topics
    assert sorted(topic.partitions[0].isr_nodes) == [1, 3]  # the one that came first has caught up with it


def test_metadata_names_the_brokers_that_run(three: Cluster) -> None:
    three.stop_node(1)
    response = asked_of(three, 2, metadata("t"), 9)
    assert [broker.node_id for broker in response.brokers] == [2, 3]
    assert response.controller_id == 2
    assert response.topics[0].partitions[0].isr_nodes == [2, 3]


def test_acks_all_wants_enough_replicas_in_sync(clock: VirtualClock) -> None:
    cluster = Cluster(clock=clock, brokers=3, min_insync_replicas=2)
    cluster.create_topic("t")
    cluster.create_topic("strict", config={"min.insync.replicas": 3})

    cluster.stop_node(3)
    assert outcome(asked_of(cluster, 1, produce(batch([b"a"])), 9)).error_code == 0
    assert outcome(asked_of(cluster, 2, produce(batch([b"a"]), topic="strict"), 9)).error_code == NOT_ENOUGH_REPLICAS

    cluster.stop_node(2)
    assert outcome(asked_of(cluster, 1, produce(batch([b"a"])), 9)).error_code == NOT_ENOUGH_REPLICAS
    assert outcome(asked_of(cluster, 1, produce(batch([b"a"]), acks=1), 9)).error_code == 0
    assert len(cluster.records("t")) == 2


# --- topics -----------------------------------------------------------------------------------------------------------


def test_a_topic_made_again_is_empty_and_has_another_id(three: Cluster) -> None:
    asked_of(three, 1, produce(batch([b"a"])), 9)
    first_id = three.topics["t"].topic_id
    by_id = MetadataRequest(topics=[MetadataRequestTopic(topic_id=first_id, name=None)])
    assert asked_of(three, 1, by_id, 12).topics[0].name == "t"

    three.delete_topic("t")
    assert three.records("t") == []
    three.create_topic("t")

    assert three.topics["t"].topic_id != first_id
    assert three.records("t") == []
    assert asked_of(three, 1, by_id, 12).topics[0].error_code == UNKNOWN_TOPIC_ID


def test_ids_of_topics_are_the_same_in_every_run(clock: VirtualClock) -> None:
    ids = []
    for _ in range(2):
        cluster = Cluster(clock=clock)
        cluster.create_topic("t")
        cluster.delete_topic("t")
        ids.append(cluster.create_topic("t").topic_id)
    assert ids[0] == ids[1]


def test_a_topic_grows_by_empty_partitions(three: Cluster) -> None:
    asked_of(three, 1, produce(batch([b"a"])), 9)
    three.add_partitions("t", 5)
    assert len(asked_of(three, 1, metadata("t"), 9).topics[0].partitions) == 5
    assert [record.value for record in three.records("t")] == [b"a"]
    with pytest.raises(ValueError, match="would not be more"):
        three.add_partitions("t", 5)


def test_replicas_are_on_as_many_brokers_as_were_asked_for(three: Cluster) -> None:
    three.create_topic("two", 3, replication_factor=2)
    assert [partition.replicas for partition in three.topics["two"].partitions] == [[2, 3], [3, 1], [1, 2]]
    with pytest.raises(ValueError, match="do not fit"):
        three.create_topic("four", replication_factor=4)


@pytest.mark.parametrize(
    "config", [{"max.massage.bytes": 1}, {"max.message.bytes": "many"}, {"min.insync.replicas": 0}, {"message.timestamp.type": "Never"}]
)
def test_what_is_no_config_of_a_topic_is_refused(three: Cluster, config: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"config|number|at least|TimestampType"):
        three.create_topic("strange", config=config)
    assert "strange" not in three.topics


def test_a_topics_own_limit_goes_before_the_clusters(three: Cluster) -> None:
    data = batch([b"x" * 1000])
    three.create_topic("small", config={"max.message.bytes": len(data) - 1})
    three.max_message_bytes = len(data)
    assert outcome(asked_of(three, 2, produce(data, topic="small"), 9)).error_code == 10
    assert outcome(asked_of(three, 1, produce(data), 9)).error_code == 0


# --- versions ---------------------------------------------------------------------------------------------------------


def test_each_release_lists_the_official_versions() -> None:
    jars = official.jars()
    compared = []
    for name, jar in jars.items():
        release = release_of(name)
        if release < (2, 4):
            continue  # not every message was defined this way before
        highest = official.highest_versions(jar)
        ours = versions_of(release)
        assert {key: high for key, (_, high) in ours.items()} == {key: highest[key] for key in ours}, name
        compared.append(release)
    assert compared or not jars


@pytest.mark.parametrize("name", ["0.8.2", "0.9.0.1", "0.10.2", "1.1", "2.8.2", "3.9", "4.4.0"])
def test_a_version_lists_what_that_release_has(clock: VirtualClock, name: str) -> None:
    cluster = Cluster(clock=clock, version=name)
    connection = ServerConnection(cluster, cluster.nodes[1])
    if release_of(name) < (0, 10):
        assert ask(connection, ApiVersionsRequest(), 0) is None
        assert connection.is_closing is (release_of(name) < (0, 9))
        return

    listed = {api.api_key: (api.min_version, api.max_version) for api in ask(connection, ApiVersionsRequest(), 0).api_keys}

    assert listed == served_versions(cluster)
    known = versions_of(release_of(name))
    for key, (low, high) in listed.items():
        assert (low, high) == (max(SERVED[key].versions[0], known[key][0]), min(SERVED[key].versions[1], known[key][1]))


@pytest.mark.parametrize("name", ["0.7", "5.0", "newest", "", "4.4.x"])
def test_a_version_that_is_not_known_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="Kafka"):
        KafkaBroker(version=name)


def test_0_8_lists_no_broker_before_there_is_a_topic(clock: VirtualClock) -> None:
    cluster = Cluster(clock=clock, version="0.8.2", auto_create_topics=False)
    assert asked_of(cluster, 1, metadata(), 0).brokers == []
    cluster.create_topic("t")
    assert len(asked_of(cluster, 1, metadata(), 0).brokers) == 1


def test_4_x_closes_the_connection_on_produce_versions_that_it_lists(clock: VirtualClock) -> None:
    cluster = Cluster(clock=clock, version="4.4")
    cluster.create_topic("t")
    connection = ServerConnection(cluster, cluster.nodes[1])
    assert served_versions(cluster)[0][0] == 0
    assert ask(connection, produce(batch([b"a"], magic=1)), 2) is None
    assert connection.is_closing


@pytest.mark.parametrize(("name", "listed"), [("2.3", []), ("2.4", [(18, 0, 3)])])
def test_api_versions_too_new_is_answered_with_a_range_from_2_4_on(clock: VirtualClock, name: str, listed: list[tuple[int, int, int]]) -> None:
    cluster = Cluster(clock=clock, version=name)
    connection = ServerConnection(cluster, cluster.nodes[1])
    connection.receive(frame_of(ApiVersionsRequest(), 4))
    (frame,) = FrameDecoder(1 << 20).feed(b"".join(connection.take_output()))

    response = ApiVersionsResponse.decode(0, frame, 4)

    assert response.error_code == 35
    assert [(api.api_key, api.min_version, api.max_version) for api in response.api_keys] == listed


# --- sockets ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def cluster() -> Iterator[KafkaCluster]:
    with on_free_ports(KafkaCluster()) as running:
        running.create_topic("t")
        yield running


def on_free_ports(cluster: KafkaCluster) -> KafkaCluster:
    """Before its start: no other program is given the port of a broker that is stopped."""
    for node_id in cluster.cluster.nodes:
        cluster.start(node_id, port=free_port())
    return cluster


def client_of(cluster: KafkaCluster, node_id: int) -> RawClient:
    return RawClient(cluster.bootstrap_servers.split(",")[node_id - 1])


def test_a_cluster_has_three_brokers_and_a_broker_is_one() -> None:
    assert len(KafkaCluster().cluster.nodes) == 3
    assert len(KafkaBroker().cluster.nodes) == 1


def test_a_stopped_broker_hangs_up_and_comes_back_at_its_port(cluster: KafkaCluster) -> None:
    before = cluster.bootstrap_servers
    with client_of(cluster, 1) as first, client_of(cluster, 2) as second:
        assert first.ask(metadata("t"), 9).topics[0].partitions[0].leader_id == 1
        cluster.stop(1)
        assert first.frame() is None
        assert second.ask(metadata("t"), 9).topics[0].partitions[0].leader_id == 2
        assert outcome(second.ask(produce(batch([b"a"])), 9)).error_code == 0
    with pytest.raises(ConnectionRefusedError):
        client_of(cluster, 1)

    cluster.start(1)

    assert cluster.bootstrap_servers == before
    with client_of(cluster, 1) as first:
        assert [b.node_id for b in first.ask(metadata("t"), 9).brokers] == [1, 2, 3]
        assert outcome(first.ask(produce(batch([b"a"])), 9)).error_code == NOT_LEADER
    assert (cluster.leader("t"), len(cluster.records("t"))) == (2, 1)


def test_a_broker_may_come_back_at_another_port(cluster: KafkaCluster) -> None:
    before = cluster.bootstrap_servers.split(",")
    cluster.stop(2)
    cluster.start(2, port=0)
    after = cluster.bootstrap_servers.split(",")
    assert after[1] != before[1]
    assert (after[0], after[2]) == (before[0], before[2])
    with client_of(cluster, 1) as first, client_of(cluster, 2) as second:
        told = [f"{b.host}:{b.port}" for b in first.ask(metadata("t"), 9).brokers]
        assert second.ask(metadata("t"), 9) is not None
    assert told == after


def test_a_port_that_is_taken_leaves_the_broker_stopped(cluster: KafkaCluster) -> None:
    cluster.stop(3)
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(OSError, match="in use"):
        cluster.start(3, port=other.getsockname()[1])
    with client_of(cluster, 1) as first:
        assert [b.node_id for b in first.ask(metadata("t"), 9).brokers] == [1, 2]
    cluster.start(3)
    with client_of(cluster, 3) as third:
        assert third.ask(metadata("t"), 9) is not None


@pytest.mark.parametrize("node_id", [1, None])
def test_what_runs_cannot_be_given_another_port(cluster: KafkaCluster, node_id: int | None) -> None:
    before = cluster.bootstrap_servers
    with pytest.raises(RuntimeError, match="port when it is stopped"):
        cluster.start(node_id, port=0)
    cluster.start(node_id)
    assert cluster.bootstrap_servers == before


@pytest.mark.parametrize(("node_id", "port"), [(2, 70_000), (2, -1), (None, 65_536), (None, 65_534), (2, "9092")])
def test_a_port_that_cannot_be_is_refused(node_id: int | None, port: Any) -> None:
    cluster = KafkaCluster()
    cluster.stop(2 if node_id else None)
    with pytest.raises(ValueError, match="port"):
        cluster.start(node_id, port=port)
    with cluster:
        assert all(address.startswith("127.0.0.1:") for address in cluster.bootstrap_servers.split(","))


def test_after_a_start_on_a_port_that_is_taken_the_ports_are_what_they_were() -> None:
    cluster = KafkaCluster(brokers=2)
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        with pytest.raises(OSError, match="in use"):
            cluster.start(port=taken)
        with pytest.raises(RuntimeError, match="start"):
            _ = cluster.bootstrap_servers
        with on_free_ports(cluster):
            before = cluster.bootstrap_servers
        with pytest.raises(OSError, match="in use"):
            cluster.start(port=taken)
        assert cluster.bootstrap_servers == before
        with cluster, client_of(cluster, 2) as second:
            assert second.ask(metadata("t"), 9) is not None


def test_a_broker_that_has_never_run_has_no_address() -> None:
    cluster = KafkaCluster(brokers=2)
    cluster.stop(1)
    with cluster:
        (address,) = cluster.bootstrap_servers.split(",")
        with RawClient(address) as second:
            assert [f"{b.host}:{b.port}" for b in second.ask(metadata("t"), 9).brokers] == [address]
        cluster.start(1)
        assert cluster.bootstrap_servers.split(",")[1:] == [address]


def test_a_port_given_before_the_start_is_for_it() -> None:
    free = free_port()
    cluster = KafkaCluster(brokers=2)
    cluster.start(2, port=free)
    with cluster:
        assert cluster.bootstrap_servers.endswith(f":{free}")


def test_what_goes_wrong_on_the_brokers_thread_is_raised_where_it_was_asked_for(cluster: KafkaCluster) -> None:
    cluster.stop(2)
    node = cluster.cluster.nodes[2]
    before, host = node.port, node.host
    node.host = None  # type: ignore[assignment]
    with pytest.raises(TypeError):
        cluster.start(2)
    node.host = host
    assert (node.is_running, node.port) == (False, before)
    cluster.start(2)
    with client_of(cluster, 1) as first, client_of(cluster, 2) as second:
        assert first.ask(metadata("t"), 9) is not None
        assert second.ask(metadata("t"), 9) is not None


def test_a_connection_that_cannot_be_served_is_closed_and_others_go_on(cluster: KafkaCluster, caplog: pytest.LogCaptureFixture) -> None:
    cluster.cluster.ssl_context = "x"  # type: ignore[assignment]
    with client_of(cluster, 1) as refused:
        assert refused.frame() is None
    assert "failed on a new connection" in caplog.text
    cluster.cluster.ssl_context = None
    with client_of(cluster, 1) as first:
        assert first.ask(metadata("t"), 9) is not None


def test_who_waits_for_records_hears_of_an_election_at_once(cluster: KafkaCluster) -> None:
    with client_of(cluster, 1) as first:
        codes: list[int] = []
        waiting = threading.Thread(target=lambda: codes.append(fetched(first.ask(fetch(wait_ms=60_000), 12)).error_code))
        waiting.start()
        while not cluster.requests("Fetch"):
            pass
        cluster.move_leader("t")
        waiting.join(10)
    assert codes == [NOT_LEADER]


def test_code_of_a_fault_may_move_leaders_and_is_told_that_it_cannot_stop_brokers(cluster: KafkaCluster) -> None:
    seen: list[object] = []

    def look_on(request: Any, response: Any) -> Any:
        seen.append(cluster.move_leader("t"))
        try:
            cluster.stop(3)
        except RuntimeError as error:
            seen.append(str(error))
        return response

    with cluster.faults.add(faults.Change(look_on), api="Metadata", times=1), client_of(cluster, 1) as first:
        answered = first.ask(metadata("t"), 9)

    assert seen[0] == 2
    assert "thread" in str(seen[1])
    assert [broker.node_id for broker in answered.brokers] == [1, 2, 3]
    assert cluster.leader("t") == 2
    assert all(node.is_running for node in cluster.cluster.nodes.values())


def test_requests_are_kept_with_who_sent_them_where(cluster: KafkaCluster) -> None:
    with client_of(cluster, 2) as second:
        second.ask(metadata("t"), 9)
        second.ask(produce(batch([b"a"])), 9)
        second.ask(metadata("u"), 8)

    assert [(r.api, r.version, r.node_id, r.client_id) for r in cluster.requests()] == [
        ("Metadata", 9, 2, "tests"), ("Produce", 9, 2, "tests"), ("Metadata", 8, 2, "tests"),
    ]  # fmt: skip
    assert [r.body.topics[0].name for r in cluster.requests("Metadata")] == ["t", "u"]
    assert cluster.requests(0) == cluster.requests("ProduceRequest") == [cluster.requests()[1]]
    with pytest.raises(ValueError, match="no API"):
        cluster.requests("Produced")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"max_message_bytes": -1}, "max_message_bytes=-1"),
        ({"min_insync_replicas": 0}, "min_insync_replicas=0"),
        ({"sasl": "PLAIN"}, "sasl must be"),
        ({"version": 2.8}, "version must be a string"),
        ({"api_versions": {"Produce": (0, 2)}}, "api_versions"),
        ({"api_versions": {0: (5, 2)}}, "api_versions"),
        ({"api_versions": {999: (0, 1)}}, "There is no API 999"),
    ],
)
def test_an_option_that_cannot_be_is_refused_by_name(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        KafkaBroker(**options)
