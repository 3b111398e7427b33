"""Brokers that move, names that hang, flows that a network forgets, connections that end while idle: no record pays for it."""

from __future__ import annotations

import itertools
import os
import selectors
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any, Callable

import pytest

from kafka import KafkaProducer
from kafka.errors import KafkaTimeoutError, RebootstrapRequiredError
from kafka.testing import KafkaBroker, faults
from kafka.testing.memory import MemoryStream, MemoryTransport
from tests.scenarios.stage import Stage

Make = Callable[..., KafkaProducer]


# --- addresses ------------------------------------------------------------------------------------------------------


def move(stage: Stage, node_id: int, host: str) -> None:
    """The node is restarted under another address; at the old one nobody listens."""
    node = stage.cluster.nodes[node_id]
    stage.transport.link(node.address).cut()
    node.host = host


@pytest.mark.parametrize("retries", [0, 1000])
def test_a_cluster_all_of_whose_brokers_have_moved_is_found_through_the_bootstrap_names(retries: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was bootstrapped from is a name, which is looked up anew (KIP-899)."""
    stage = Stage(brokers=3, latency_s=0.005)
    there = {"kafka.example": stage.cluster.nodes[1].host}
    usual = MemoryTransport.resolve
    monkeypatch.setattr(MemoryTransport, "resolve", lambda network, host, port: usual(network, there.get(host, host), port))
    producer = stage.producer(
        bootstrap_servers=f"kafka.example:{stage.cluster.nodes[1].port}", retries=retries, max_block_ms=10_000, request_timeout_ms=10_000
    )
    producer.send("t", b"before").get(5)
    for node_id in stage.cluster.nodes:
        move(stage, node_id, f"moved-{node_id}")
    there["kafka.example"] = "moved-1"
    moved_s = stage.now_s
    future = producer.send("t", b"after")
    assert future.get(10).offset == 1
    assert stage.now_s - moved_s < 10


def test_a_broker_that_sends_its_clients_back_to_the_bootstrap_servers_is_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    """KIP-1102: the nodes known belong to a cluster that is no more, and live."""
    stage = Stage(brokers=2, latency_s=0.005)
    producer = stage.producer(metadata_max_age_ms=1000, retries=1000, bootstrap_servers=stage.cluster.bootstrap_servers)
    producer.send("t", b"before").get(5)

    def send_back(request: Any, response: Any) -> Any:
        response.error_code = RebootstrapRequiredError.errno
        return response

    began = stage.cluster.faults.next_connection()
    rule = stage.cluster.faults.add(faults.Change(send_back), api="Metadata")
    stage.clock.run_for(3)
    assert rule.hits > 1
    assert stage.cluster.faults.next_connection() > began + 1, "bootstrap servers are connected to"
    assert rule.hits < 20
    rule.remove()
    stage.clock.run_for(2)
    assert producer.send("t", b"after").get(5).offset == 1
    settled = stage.cluster.faults.next_connection()
    stage.clock.run_for(3)
    assert stage.cluster.faults.next_connection() == settled + 1, "the nodes are asked again"


def test_a_name_whose_look_up_hangs_holds_up_no_other_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    usual, may_end = socket.getaddrinfo, threading.Event()

    def hang(host: str, *arguments: Any, **more: Any) -> Any:
        if host == "slow.example":
            may_end.wait(20)
        return usual("127.0.0.1", *arguments, **more)

    with KafkaBroker(brokers=2) as cluster:
        cluster.create_topic("fast", 1)
        cluster.create_topic("slow", 1)
        cluster.cluster.topics["fast"].partitions[0].leader = 1
        cluster.cluster.topics["slow"].partitions[0].leader = 2
        monkeypatch.setattr(socket, "getaddrinfo", hang)

        def rename(request: Any, response: Any) -> Any:
            for broker in response.brokers:
                broker.host = "slow.example" if broker.node_id == 2 else "fast.example"
            return response

        cluster.faults.add(faults.Change(rename), api="Metadata")
        producer = KafkaProducer(bootstrap_servers=cluster.bootstrap_servers)
        try:
            waiting = producer.send("slow", b"v")
            for _ in range(20):
                assert producer.send("fast", b"v").get(5)
            assert not waiting.is_done
            may_end.set()
            assert waiting.get(10).offset == 0
        finally:
            may_end.set()
            producer.close(5)


def test_the_next_address_of_a_name_is_tried_where_the_first_is_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with IPv6 that leads nowhere, which comes first; one attempt tries them all (KIP-602)."""
    usual = socket.getaddrinfo
    with KafkaBroker() as broker, socket.socket() as dead:
        dead.bind(("127.0.0.1", 0))  # and does not listen

        def both(host: str, port: Any, *arguments: Any, **more: Any) -> Any:
            found = usual("127.0.0.1", port, *arguments, **more)
            return [(*entry[:4], dead.getsockname()) for entry in found] + found if host == "two.example" else usual(host, port, *arguments, **more)

        monkeypatch.setattr(socket, "getaddrinfo", both)
        port = broker.bootstrap_servers.rpartition(":")[2]
        with KafkaProducer(bootstrap_servers=f"two.example:{port}", reconnect_backoff_ms=5000) as producer:
            assert producer.send("t", b"v").get(5)


def test_an_answer_without_brokers_changes_nothing() -> None:
    stage = Stage(brokers=2, latency_s=0.005)
    producer = stage.producer(metadata_max_age_ms=500)
    producer.send("t", b"before").get(5)

    def empty(request: Any, response: Any) -> Any:
        response.brokers.clear()
        return response

    rule = stage.cluster.faults.add(faults.Change(empty), api="Metadata", times=1)
    stage.clock.run_for(2)
    assert rule.hits == 1
    for _ in range(10):
        assert producer.send("t", b"v").get(1)


def test_one_of_three_brokers_that_accepts_and_never_answers_costs_seconds_at_most() -> None:
    for seed in range(100):
        stage = Stage(brokers=3, latency_s=0.005, seed=seed)
        stage.cluster.create_topic("t")
        stage.cluster.topics["t"].partitions[0].leader = 1
        stage.cluster.faults.add(faults.Freeze(), node=2 + seed % 2)
        producer = stage.producer(api_version_auto_timeout_ms=10_000)
        producer.send("t", b"v").get(5)
        assert stage.now_s < 5, f"seed {seed}"
        producer.close(0)


# --- flows that are forgotten -----------------------------------------------------------------------------------------


class ForgetfulNetwork:
    """NAT, or a load balancer: flows that exist lead nowhere from some moment on, without a word to anybody; new ones are served."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._forgotten: set[int] = set()
        self._known: set[int] = set()
        usual_send, usual_receive = MemoryStream.send, MemoryStream._receive

        def send(stream: MemoryStream, buffers: Sequence[Any]) -> int:
            self._known.add(stream.fileno())
            return sum(map(len, buffers)) if stream.fileno() in self._forgotten else usual_send(stream, buffers)

        def receive(stream: MemoryStream, data: bytes) -> None:
            if stream.fileno() not in self._forgotten:
                usual_receive(stream, data)

        monkeypatch.setattr(MemoryStream, "send", send)
        monkeypatch.setattr(MemoryStream, "_receive", receive)

    def forget(self) -> None:
        self._forgotten |= self._known


@pytest.mark.parametrize("acks", [0, 1, "all"])
@pytest.mark.parametrize("brokers", [1, 3])
@pytest.mark.parametrize("retries", [0, 5])
@pytest.mark.parametrize("idle_s", [65, 200, 400, 530])
def test_a_flow_that_was_forgotten_while_idle_costs_seconds_and_no_record(
    idle_s: float, retries: int, brokers: int, acks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage(brokers=brokers, latency_s=0.005)
    network = ForgetfulNetwork(monkeypatch)
    producer = stage.producer(retries=retries, acks=acks)
    producer.send("t", b"before").get(5)
    stage.clock.run_for(idle_s)
    network.forget()
    began_s = stage.now_s
    producer.send("t", b"after idleness").get(5)
    producer.send("another", b"v").get(5)
    assert stage.now_s - began_s < 5
    assert [record.value for record in stage.cluster.records("t")] == [b"before", b"after idleness"]
    producer.close(1)


def test_a_connection_that_lives_is_asked_for_proof_once_after_idleness_and_costs_one_round_trip() -> None:
    stage = Stage(latency_s=0.01)
    producer = stage.producer()
    producer.send("t", b"v").get()
    stage.clock.run_for(61)
    asked = len(stage.cluster.requests.of("Metadata"))
    with stage.takes(0.04):
        producer.send("t", b"v").get()
    with stage.takes(0.02):
        producer.send("t", b"v").get()
    assert len(stage.cluster.requests.of("Metadata")) == asked + 1


def connected(chosen: selectors.BaseSelector) -> Iterator[socket.socket]:
    """The producer's connections, of which there is one at least, each as a socket of the test's."""
    descriptors = [key.fd for key in chosen.get_map().values() if key.data is not None]
    assert descriptors
    for descriptor in descriptors:
        with socket.socket(fileno=os.dup(descriptor)) as sock:
            yield sock


def test_a_socket_has_what_lets_the_system_notice_a_peer_that_vanished(broker: KafkaBroker, make_producer: Make) -> None:
    chosen = selectors.SelectSelector()
    producer = make_producer(socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)], request_timeout_ms=20_000, selector=lambda: chosen)
    producer.send("t", b"v").get(10)
    for sock in connected(chosen):
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        if hasattr(socket, "TCP_KEEPIDLE"):
            assert [sock.getsockopt(socket.IPPROTO_TCP, getattr(socket, f"TCP_KEEP{name}")) for name in ("IDLE", "INTVL", "CNT")] == [60, 15, 4]
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 20_000


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="this system has no such option")
def test_what_the_user_says_of_that_is_kept(broker: KafkaBroker, make_producer: Make) -> None:
    mine = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 0), (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 1234)]
    chosen = selectors.SelectSelector()
    producer = make_producer(socket_options=mine, selector=lambda: chosen)
    producer.send("t", b"v").get(10)
    assert {(sock.getsockopt(*mine[0][:2]), sock.getsockopt(*mine[1][:2])) for sock in connected(chosen)} == {(0, 1234)}


# --- connections that end -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_reset", [False, True], ids=["end", "reset"])
def test_a_broker_that_closes_idle_connections_fails_no_record_and_is_no_warning(is_reset: bool, caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage(latency_s=0.005)
    producer = stage.producer(retries=0)
    producer.send("t", b"first").get()
    for number in range(100):
        stage.clock.run_for(1.0)
        with stage.cluster.faults.add(faults.Cut(reset=is_reset)):
            pass  # every connection there is; what follows it meets no fault
        if number % 2:
            stage.clock.run_for(0.1)
        else:  # the I/O thread was stopped before it could see the end
            stage.clock.advance(0.1)
            stage.transport.timeline.run_due(stage.now_s)
        assert producer.send("t", b"%d" % number).get(5)
    assert not [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")]


def test_a_broker_that_drops_the_connection_at_each_record_is_come_back_to_ever_more_slowly() -> None:
    stage = Stage(latency_s=0.001)
    stage.cluster.create_topic("t")
    producer = stage.producer(retries=1000)
    producer.partitions_for("t")
    rule = stage.cluster.faults.add(faults.Cut(), api="Produce")
    began = stage.cluster.faults.next_connection()
    producer.send("t", b"v")
    stage.clock.run_for(10)
    assert 3 <= rule.hits <= 15
    assert stage.cluster.faults.next_connection() - began <= 2 * 15, "the bootstrap server is asked too"
    producer.close(0)


def test_a_dead_broker_is_not_stormed() -> None:
    """A SYN a second at last, and not all clients at the same time."""
    times: list[list[float]] = []
    for seed in range(10):
        stage = Stage(seed=seed)
        producer = stage.producer()
        producer.send("t", b"v").get()
        stage.link.refuse()
        stage.link.cut()
        attempts: list[float] = []
        usual = stage.transport.connect

        def connect(*arguments: Any, stage: Stage = stage, attempts: list[float] = attempts, usual: Any = usual) -> Any:
            attempts.append(stage.now_s)
            return usual(*arguments)

        stage.transport.connect = connect  # type: ignore[method-assign]
        producer.send("t", b"v")
        stage.clock.run_for(30)
        assert len(attempts) < 90, "of the node's address and the bootstrap server's"
        times.append([at_s for at_s in attempts if at_s > 10])
        producer.close(0)
    assert len(set(itertools.chain(*times))) > 0.9 * sum(map(len, times))


# --- send() and the constructor without brokers ---------------------------------------------------------------------------


def test_a_hundred_threads_that_wait_for_one_topic_ask_a_few_times_a_second() -> None:
    with KafkaBroker(auto_create_topics=False) as broker, KafkaProducer(bootstrap_servers=broker.bootstrap_servers, max_block_ms=1500) as producer:
        asked = len(broker.requests("Metadata"))
        errors = errors_of_threads(producer, 100)
        assert len(broker.requests("Metadata")) - asked < 12  # 1.5 s, the first of them in quick succession
    assert len(errors) == 100
    assert all("topic missing" in error and "UnknownTopicOrPartitionError" in error for error in errors)


def errors_of_threads(producer: KafkaProducer, count: int) -> list[str]:
    """What so many threads that send to a topic that does not come are told."""
    errors: list[str] = []

    def send() -> None:
        try:
            producer.send("missing", b"v")
        except KafkaTimeoutError as error:
            errors.append(str(error))

    threads = [threading.Thread(target=send) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    return errors


def test_send_to_a_known_topic_returns_at_once_while_every_broker_is_down(broker: KafkaBroker, make_producer: Make) -> None:
    producer = make_producer(retries=5, delivery_timeout_ms=120_000)
    producer.send("t", b"v").get(10)
    broker.stop()
    took: list[float] = []
    for _ in range(50):
        began_s = time.perf_counter()
        producer.send("t", b"v")
        took.append(time.perf_counter() - began_s)
        time.sleep(0.005)
    assert sorted(took)[25] < 0.001
    assert max(took) < 0.25
    broker.start()
    producer.flush(20)
    assert len(broker.records("t")) == 51


def test_a_constructor_that_is_told_the_version_is_ready_at_once_and_delivers_when_brokers_come_20_seconds_later() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        took = []
        for _ in range(5):
            began_s = time.perf_counter()
            producer = KafkaProducer(bootstrap_servers="{}:{}".format(*nobody.getsockname()), api_version=(2, 6))
            took.append(time.perf_counter() - began_s)
            producer.close(0)
        assert min(took) < 0.010
    stage = Stage(latency_s=0.005)
    stage.link.refuse()
    producer = stage.producer(api_version=(2, 6))
    stage.transport.timeline.plan(20.0, stage.link.heal)
    future = producer.send("t", b"v")  # blocks until metadata comes
    assert 20 < stage.now_s < 22
    assert future.get(1).offset == 0
