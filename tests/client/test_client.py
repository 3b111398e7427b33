"""client.client over real loopback sockets, against servers that do as scripted."""

from __future__ import annotations

import math
import os
import random
import selectors
import socket
import struct
import threading
import time
from collections.abc import Iterator
from typing import Any, Callable

import pytest

from kafka._clock import SystemClock
from kafka._transport import SocketTransport
from kafka.client.client import KafkaClient
from kafka.client.metrics import ClientMetrics
from kafka.client.options import client_options
from kafka.cluster import ClusterMetadata
from kafka.errors import (
    CorrelationIdError,
    KafkaConnectionError,
    KafkaError,
    KafkaProtocolError,
    NoBrokersAvailable,
    NodeNotReadyError,
    RequestTimedOutError,
)
from kafka.producer.config import resolve
from kafka.protocol.api_versions import ApiVersion, ApiVersionsRequest, ApiVersionsResponse
from kafka.protocol.framing import has_flexible_response_header, read_request_header, response_frame
from kafka.protocol.metadata import MetadataRequest, MetadataResponse, MetadataResponseBroker
from kafka.protocol.produce import PartitionProduceData, ProduceRequest, ProduceResponse, TopicProduceData
from kafka.testing import KafkaBroker

CLASSES: dict[int, Any] = {c.API_KEY: c for c in (ApiVersionsRequest, MetadataRequest, ProduceRequest)}
Script = Callable[[socket.socket, Any, Any], None]


class ScriptedBroker:
    """Answers ApiVersions and Metadata; what it does with Produce, or instead of anything, is the test's."""

    def __init__(self, on_produce: Script | None = None, on_any: Script | None = None) -> None:
        self.on_produce, self.on_any = on_produce, on_any
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.connections: list[socket.socket] = []
        self.requests: list[type] = []
        self.accepted = threading.Semaphore(0)
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections.append(connection)
            self.accepted.release()
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection.makefile("rb") as stream:
                while size := stream.read(4):
                    self._answer(connection, stream.read(struct.unpack(">i", size)[0]))
        except (OSError, ValueError, struct.error, KafkaError):
            pass  # the test is over, or cut the connection

    def _answer(self, connection: socket.socket, frame: bytes) -> None:
        header = read_request_header(frame, is_flexible=lambda key, version: CLASSES[key].is_flexible(version))
        request = CLASSES[header.api_key].decode(header.version, frame, header.body_offset)
        self.requests.append(type(request))
        if self.on_any is not None:
            self.on_any(connection, header, request)
        elif isinstance(request, ProduceRequest) and self.on_produce is not None:
            self.on_produce(connection, header, request)
        elif not isinstance(request, ProduceRequest) or request.acks:
            send(connection, header, request, self.response(request))

    def response(self, request: Any) -> Any:
        if isinstance(request, ApiVersionsRequest):
            ranges = {0: (0, 11), 3: (0, 12), 18: (0, 4)}
            return ApiVersionsResponse(api_keys=[ApiVersion(api_key=k, min_version=a, max_version=b) for k, (a, b) in ranges.items()])
        if isinstance(request, MetadataRequest):
            return MetadataResponse(brokers=[MetadataResponseBroker(node_id=7, host="127.0.0.1", port=self.port)])
        return ProduceResponse(throttle_time_ms=0)

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)  # closing alone does not wake a thread in accept()
        self._acceptor.join(5)
        self.listener.close()
        for connection in self.connections:
            connection.close()


def send(
    connection: socket.socket, header: Any, request: Any, response: Any, correlation_id: int | None = None, version: int | None = None
) -> None:
    version = header.version if version is None else version
    flexible = has_flexible_response_header(type(request), version)
    number = header.correlation_id if correlation_id is None else correlation_id
    connection.sendall(b"".join(response_frame(number, flexible, response.encode_chain(version))))


class Outcomes:
    """What became of the requests."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def on_response(self, response: Any, node_id: Any) -> None:
        self.seen.append(response)

    def on_failure(self, error: KafkaError, started: bool) -> None:
        self.seen.append((type(error), started, str(error)))

    def on_written(self) -> None:
        self.seen.append("written")


@pytest.fixture
def scripted() -> Iterator[Callable[..., ScriptedBroker]]:
    made: list[ScriptedBroker] = []

    def make(**given: Any) -> ScriptedBroker:
        made.append(ScriptedBroker(**given))
        return made[-1]

    yield make
    for broker in made:
        broker.close()


@pytest.fixture
def make_client() -> Iterator[Callable[..., KafkaClient]]:
    made: list[KafkaClient] = []

    def make(servers: str, **configs: Any) -> KafkaClient:
        config = resolve({"bootstrap_servers": servers, **configs})
        made.append(
            KafkaClient(
                options=client_options(config),
                clock=SystemClock(),
                random=random.Random(1),
                transport=SocketTransport(config["selector"]),
                cluster=ClusterMetadata(),
                metrics=ClientMetrics(),
            )
        )
        return made[-1]

    yield make
    for client in made:
        client.close()


def until(client: KafkaClient, condition: Callable[[], Any], limit_s: float = 10) -> None:
    deadline_s = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline_s, "it does not come"
        client.poll(max(0.0, min(client.next_deadline_s(time.monotonic()) - time.monotonic(), 0.05)))


def ready(client: KafkaClient, node_id: int = 7) -> KafkaClient:
    client.bootstrap(time.monotonic() + 10)

    def is_ready() -> bool:
        client.connect(node_id, time.monotonic())
        return client.can_send(node_id, time.monotonic())

    until(client, is_ready)
    return client


def produce(client: KafkaClient, outcomes: Outcomes, *, acks: int = 1, size: int = 10, **given: Any) -> None:
    data = [TopicProduceData(name="t", partition_data=[PartitionProduceData(index=0, records=[b"r" * size])])]
    client.send(
        7, ProduceRequest(acks=acks, timeout_ms=1000, topic_data=data), on_response=outcomes.on_response, on_failure=outcomes.on_failure,
        on_written=outcomes.on_written if acks == 0 else None, **given,
    )  # fmt: skip


def test_requests_are_pipelined_and_answered_in_order(scripted: Any, make_client: Any) -> None:
    broker, outcomes = scripted(), Outcomes()
    client = ready(make_client(f"127.0.0.1:{broker.port}", max_in_flight_requests_per_connection=3))
    for _ in range(3):
        assert client.can_send(7, time.monotonic())
        produce(client, outcomes)
    assert not client.can_send(7, time.monotonic())
    assert client.ready_in_s(7, time.monotonic()) == float("inf")
    until(client, lambda: len(outcomes.seen) == 3)
    assert all(isinstance(response, ProduceResponse) for response in outcomes.seen)
    assert client.can_send(7, time.monotonic())
    assert client.in_flight_request_count() == 0


def test_a_request_that_needs_no_answer_is_done_when_it_is_written(scripted: Any, make_client: Any) -> None:
    broker, outcomes = scripted(), Outcomes()
    client = ready(make_client(f"127.0.0.1:{broker.port}"))
    produce(client, outcomes, acks=0, size=3_000_000)
    client.poll(0)
    until(client, lambda: outcomes.seen)
    assert outcomes.seen == ["written"]


def test_a_cut_after_the_first_byte_fails_as_started(scripted: Any, make_client: Any) -> None:
    outcomes = Outcomes()
    broker = scripted(on_produce=lambda connection, header, request: connection.shutdown(socket.SHUT_RDWR))
    client = ready(make_client(f"127.0.0.1:{broker.port}"))
    produce(client, outcomes)
    until(client, lambda: outcomes.seen)
    assert outcomes.seen[0][:2] == (KafkaConnectionError, True)
    assert "node 7" in outcomes.seen[0][2]


def test_a_cut_before_the_first_byte_fails_as_not_started(scripted: Any, make_client: Any) -> None:
    broker, outcomes = scripted(), Outcomes()
    client = ready(make_client(f"127.0.0.1:{broker.port}", send_buffer_bytes=4096))
    produce(client, outcomes, size=30_000_000)
    produce(client, outcomes)
    client.poll(0)
    for connection in broker.connections:
        connection.shutdown(socket.SHUT_RDWR)
    until(client, lambda: len(outcomes.seen) == 2)
    assert [seen[:2] for seen in outcomes.seen] == [(KafkaConnectionError, True), (KafkaConnectionError, False)]


def test_a_request_without_an_answer_times_out_and_closes_the_connection(scripted: Any, make_client: Any) -> None:
    outcomes = Outcomes()
    broker = scripted(on_produce=lambda connection, header, request: None)
    client = ready(make_client(f"127.0.0.1:{broker.port}"))
    produce(client, outcomes, timeout_s=0.2)
    produce(client, outcomes, timeout_s=20)
    until(client, lambda: len(outcomes.seen) == 2)
    assert [seen[:2] for seen in outcomes.seen] == [(RequestTimedOutError, True), (KafkaConnectionError, True)]
    assert not client.can_send(7, time.monotonic())


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (lambda c, h, r: send(c, h, r, ProduceResponse(), correlation_id=h.correlation_id + 5), "correlation id"),
        (lambda c, h, r: c.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "HTTP"),
        (lambda c, h, r: c.sendall(struct.pack(">i", 2**31 - 1)), "2147483647"),
        (lambda c, h, r: c.sendall(struct.pack(">i", -5)), "-5"),
        (lambda c, h, r: c.sendall(struct.pack(">ii", 6, h.correlation_id) + b"\xff\xff"), ""),
        (lambda c, h, r: c.sendall(struct.pack(">i", 2) + b"\0\0"), "2 bytes"),
    ],
    ids=["correlation id", "HTTP", "huge", "negative", "garbage", "short"],
)
def test_what_is_no_answer_ends_the_connection_and_says_why(scripted: Any, make_client: Any, script: Script, words: str) -> None:
    outcomes = Outcomes()
    broker = scripted(on_produce=script)
    client = ready(make_client(f"127.0.0.1:{broker.port}"))
    produce(client, outcomes)
    until(client, lambda: outcomes.seen)
    kind, started, text = outcomes.seen[0]
    assert issubclass(kind, (KafkaConnectionError, KafkaProtocolError, CorrelationIdError))
    assert started
    assert words in text


def test_a_throttled_node_is_left_alone(scripted: Any, make_client: Any) -> None:
    outcomes = Outcomes()
    broker = scripted(on_produce=lambda c, h, r: send(c, h, r, ProduceResponse(throttle_time_ms=30_000)))
    client = ready(make_client(f"127.0.0.1:{broker.port}"))
    produce(client, outcomes)
    until(client, lambda: outcomes.seen)
    assert not client.can_send(7, time.monotonic())
    assert 0 < client.ready_in_s(7, time.monotonic()) <= 30
    assert client.can_send(7, time.monotonic() + 30)


def test_an_idle_connection_is_closed_and_comes_back_when_needed(scripted: Any, make_client: Any) -> None:
    broker = scripted()
    client = ready(make_client(f"127.0.0.1:{broker.port}", connections_max_idle_ms=100))
    until(client, lambda: not client.can_send(7, time.monotonic()))
    ready(client)


def test_nobody_there_is_told_with_every_address_and_reason(make_client: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as first, socket.create_server(("127.0.0.1", 0)) as second:
        ports = [server.getsockname()[1] for server in (first, second)]
    client = make_client(",".join(f"127.0.0.1:{port}" for port in ports))
    with pytest.raises(NoBrokersAvailable) as caught:
        client.bootstrap(time.monotonic() + 0.3)
    for port in ports:
        assert f"127.0.0.1:{port}: " in str(caught.value)
    assert "refused" in str(caught.value).lower()


def test_a_server_that_never_answers_does_not_hide_the_one_that_does(scripted: Any, make_client: Any) -> None:
    silent = scripted(on_any=lambda connection, header, request: None)
    broker = scripted()
    for seed_order in (f"127.0.0.1:{silent.port},127.0.0.1:{broker.port}", f"127.0.0.1:{broker.port},127.0.0.1:{silent.port}"):
        client = make_client(seed_order)
        began_s = time.monotonic()
        client.bootstrap(began_s + 10)
        assert time.monotonic() - began_s < 4


@pytest.mark.parametrize("closes", [True, False], ids=["0.8.2 closes", "0.9 is silent"])
def test_brokers_too_old_to_be_asked_are_recognised_once(scripted: Any, make_client: Any, closes: bool) -> None:
    def old(connection: socket.socket, header: Any, request: Any) -> None:
        if isinstance(request, ApiVersionsRequest):
            if closes:
                connection.shutdown(socket.SHUT_RDWR)
        else:
            send(connection, header, request, broker.response(request), version=0)

    broker = scripted(on_any=old)
    client = make_client(f"127.0.0.1:{broker.port}")
    client.bootstrap(time.monotonic() + 10)
    assert client.api_version == ((0, 8, 2) if closes else (0, 9))
    ready(client)
    assert broker.requests.count(ApiVersionsRequest) == 1
    assert client.version_for(7, ProduceRequest) == (0 if closes else 1)


@pytest.mark.parametrize("closings", [1, 2, 3, 5])
def test_a_broker_that_closes_on_the_question_for_its_versions_is_not_taken_for_old_if_it_is_not(
    scripted: Any, make_client: Any, closings: int
) -> None:
    def restarting(connection: socket.socket, header: Any, request: Any) -> None:
        if isinstance(request, ApiVersionsRequest) and broker.requests.count(ApiVersionsRequest) <= closings:
            connection.shutdown(socket.SHUT_RDWR)
        else:
            send(connection, header, request, broker.response(request))

    broker = scripted(on_any=restarting)
    client = ready(make_client(f"127.0.0.1:{broker.port}"))
    assert broker.requests.count(ApiVersionsRequest) > closings
    assert client.api_version == (3, 9)
    assert client.version_for(7, ProduceRequest) == 11


@pytest.mark.parametrize("acks", [0, 1])
def test_an_old_broker_that_was_replaced_by_a_new_one_is_recognised_when_it_refuses(
    scripted: Any, make_client: Any, monkeypatch: pytest.MonkeyPatch, acks: int
) -> None:
    monkeypatch.setattr("kafka.client.connection._STABLE_S", math.inf)  # however long this takes
    is_old = threading.Event()
    is_old.set()

    def replaced(connection: socket.socket, header: Any, request: Any) -> None:
        if is_old.is_set() and isinstance(request, ApiVersionsRequest):
            connection.shutdown(socket.SHUT_RDWR)
        elif is_old.is_set():
            send(connection, header, request, broker.response(request), version=0)
        elif isinstance(request, ProduceRequest) and header.version < 3:
            connection.shutdown(socket.SHUT_RDWR)
        else:
            send(connection, header, request, broker.response(request))

    broker, outcomes = scripted(on_any=replaced), Outcomes()
    client = ready(make_client(f"127.0.0.1:{broker.port}"))
    assert client.version_for(7, ProduceRequest) == 0
    is_old.clear()
    produce(client, outcomes, acks=acks)
    until(client, lambda: outcomes.seen and not client.can_send(7, time.monotonic()))
    ready(client)
    assert client.version_for(7, ProduceRequest) == 11
    assert client.api_version == (3, 9)


def test_what_the_user_says_of_old_brokers_is_believed_whatever_they_do(scripted: Any, make_client: Any) -> None:
    def close_on_produce(connection: socket.socket, header: Any, request: Any) -> None:
        connection.shutdown(socket.SHUT_RDWR)

    broker, outcomes = scripted(on_produce=close_on_produce), Outcomes()
    client = ready(make_client(f"127.0.0.1:{broker.port}", api_version=(0, 9)))
    produce(client, outcomes)
    until(client, lambda: outcomes.seen)
    ready(client)
    assert ApiVersionsRequest not in broker.requests
    assert client.version_for(7, ProduceRequest) == 1


def test_wake_interrupts_a_poll_from_another_thread(scripted: Any, make_client: Any) -> None:
    broker = scripted()
    client = ready(make_client(f"127.0.0.1:{broker.port}"))
    until(client, lambda: client.next_deadline_s(time.monotonic()) > time.monotonic() + 30)
    began_s = time.monotonic()
    threading.Timer(0.05, client.wake).start()
    client.poll(30)
    assert time.monotonic() - began_s < 5
    client.wake()
    client.wake()
    client.poll(30)
    assert time.monotonic() - began_s < 5


def test_sending_to_a_node_that_is_not_connected_is_refused(scripted: Any, make_client: Any) -> None:
    broker = scripted()
    client = make_client(f"127.0.0.1:{broker.port}")
    client.bootstrap(time.monotonic() + 10)
    with pytest.raises(NodeNotReadyError):
        produce(client, Outcomes())
    assert client.bootstrap_connected()


def test_closing_fails_what_is_in_flight_and_may_be_done_twice(scripted: Any, make_client: Any) -> None:
    outcomes = Outcomes()
    broker = scripted(on_produce=lambda connection, header, request: None)
    client = ready(make_client(f"127.0.0.1:{broker.port}"))
    produce(client, outcomes)
    client.poll(0)
    client.close()
    client.close()
    assert outcomes.seen[0][:2] == (KafkaConnectionError, True)


def test_the_selector_option_is_what_waits(make_client: Any) -> None:
    made: list[Any] = []

    class Mine(selectors.SelectSelector):
        def __init__(self) -> None:
            super().__init__()
            made.append(self)

    with KafkaBroker() as broker:
        make_client(broker.bootstrap_servers, selector=Mine).bootstrap(time.monotonic() + 10)
    assert len(made) == 1


def test_socket_options_and_buffers_reach_the_socket(scripted: Any, make_client: Any) -> None:
    broker, chosen = scripted(), selectors.SelectSelector()
    ready(
        make_client(
            f"127.0.0.1:{broker.port}",
            receive_buffer_bytes=8192,
            send_buffer_bytes=16384,
            socket_options=[(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\1\0\0\0")],
            selector=lambda: chosen,
        )
    )
    [descriptor] = [key.fd for key in chosen.get_map().values() if key.data is not None and key.data.node_id == 7]
    with socket.socket(fileno=os.dup(descriptor)) as sock:
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) in (8192, 16384)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) in (16384, 32768)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8) == b"\1\0\0\0\1\0\0\0"
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
