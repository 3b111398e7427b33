"""No hostile or broken peer can crash the producer, make it spin, allocate without bound, or hang it."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import struct
import threading
import time
import tracemalloc
from collections.abc import Iterator
from typing import Any, Callable

import pytest

from kafka import KafkaProducer
from kafka._transport import SocketTransport
from kafka.errors import KafkaError, KafkaTimeoutError, NoBrokersAvailable
from kafka.protocol.metadata import MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic
from kafka.testing import KafkaBroker, faults
from tests.scenarios.stage import Stage

Make = Callable[..., KafkaProducer]
MOST_TURNS_PER_S = 100
SURPRISES = ("Unexpected error", "Traceback")


def surprises(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Lines about errors that nobody foresaw."""
    return [record.getMessage() for record in caplog.records if record.exc_info or any(word in record.getMessage() for word in SURPRISES)]


# --- answers that are well-formed and untrue ------------------------------------------------------------------------


def partitions_of(response: Any) -> list[MetadataResponsePartition]:
    return [partition for topic in response.topics for partition in topic.partitions]


def each_partition(**values: Any) -> Callable[[Any], None]:
    def change(response: Any) -> None:
        for partition in partitions_of(response):
            for name, value in values.items():
                setattr(partition, name, value)

    return change


def each_broker(**values: Any) -> Callable[[Any], None]:
    def change(response: Any) -> None:
        for broker in response.brokers:
            for name, value in values.items():
                setattr(broker, name, value)

    return change


def set_topics(topics: Callable[[Any], list[Any]]) -> Callable[[Any], None]:
    def change(response: Any) -> None:
        response.topics = topics(response)

    return change


def many_brokers(response: Any) -> None:
    response.brokers += [MetadataResponseBroker(node_id=number, host="nowhere", port=number) for number in range(100, 3000)]


def foreign_topics(response: Any) -> None:
    response.topics += [
        MetadataResponseTopic(name=f"never-asked-{number}", partitions=[MetadataResponsePartition(partition_index=0, leader_id=1)])
        for number in range(2000)
    ]


def doubled(response: Any) -> None:
    response.brokers += response.brokers
    for topic in response.topics:
        topic.partitions += topic.partitions


LIES: dict[str, Callable[[Any], None]] = {
    "no brokers": lambda response: response.brokers.clear(),
    "brokers that do not exist": each_broker(host="nowhere.example", port=1),
    "brokers of port 0": each_broker(port=0),
    "brokers of a negative port": each_broker(port=-5),
    "brokers of an impossible port": each_broker(port=2**31 - 1),
    "brokers without a name": each_broker(host=""),
    "brokers of one id": each_broker(node_id=1),
    "brokers of negative ids": each_broker(node_id=-7),
    "thousands of brokers": many_brokers,
    "everything twice": doubled,
    "a leader that is no broker": each_partition(leader_id=12345),
    "a leader of the smallest id": each_partition(leader_id=-(2**31)),
    "negative partitions": each_partition(partition_index=-3),
    "partitions of a huge number": each_partition(partition_index=2**31 - 1),
    "partitions all the same": each_partition(partition_index=0),
    "unknown errors of partitions": each_partition(error_code=32_000),
    "leader epochs that go back": each_partition(leader_epoch=0),
    "no partitions": lambda response: [topic.partitions.clear() for topic in response.topics],
    "no topics": set_topics(lambda response: []),
    "topics never asked for": foreign_topics,
    "other topics": set_topics(lambda response: [MetadataResponseTopic(name="other")]),
    "topics without a name": set_topics(lambda response: [MetadataResponseTopic(name="")]),
    "unknown errors of topics": lambda response: [setattr(topic, "error_code", 31_000) for topic in response.topics],
    "a controller that is no broker": lambda response: setattr(response, "controller_id", 999),
    "a throttle of a month": lambda response: setattr(response, "throttle_time_ms", 10_000),
    "a negative throttle": lambda response: setattr(response, "throttle_time_ms", -(2**31)),
}


def told(lie: Callable[[Any], Any]) -> faults.Change:
    def change(request: Any, response: Any) -> Any:
        lie(response)
        return response

    return faults.Change(change)


@pytest.mark.parametrize("is_known", [False, True], ids=["from the start", "after the truth"])
@pytest.mark.parametrize("lie", LIES)
def test_lying_metadata_does_no_lasting_harm(lie: str, is_known: bool, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "kafka")
    stage = Stage(brokers=2, latency_s=0.001, default_partitions=2)
    producer = stage.producer(
        api_version=(2, 6), retries=1_000_000, request_timeout_ms=1000, delivery_timeout_ms=5000, max_block_ms=1000, metadata_max_age_ms=500
    )
    if is_known:
        producer.send("t", b"before").get(5)
    futures = []
    with stage.cluster.faults.add(told(LIES[lie]), api="Metadata"):
        began_s, turns = stage.now_s, stage.turns
        while stage.now_s < began_s + 10:
            try:
                futures.append(producer.send("t", b"v"))
            except KafkaTimeoutError:
                pass  # nothing is known of the topic
            stage.clock.run_for(0.5)
        assert stage.turns - turns < MOST_TURNS_PER_S * (stage.now_s - began_s), "it spins"
    stage.clock.run_for(12)  # what was said to be throttled is over, and what was sent has expired
    assert all(future.is_done for future in futures)
    with stage_takes_at_most(stage, 5):
        producer.send("t", b"after").get(5)
    producer.close(5)
    assert not surprises(caplog)
    assert producer._accumulator.memory.used_bytes == 0


@contextlib.contextmanager
def stage_takes_at_most(stage: Stage, seconds: float) -> Iterator[None]:
    began_s = stage.now_s
    yield
    assert stage.now_s - began_s <= seconds


PRODUCE_LIES: dict[str, Callable[[Any], None]] = {
    "another topic": lambda response: [setattr(topic, "name", "other") for topic in response.responses],
    "another partition": lambda response: [setattr(topic.partition_responses[0], "index", 77) for topic in response.responses],
    "nothing": lambda response: response.responses.clear(),
    "everything twice": lambda response: response.responses.extend(list(response.responses)),
    "an unknown error": lambda response: [setattr(topic.partition_responses[0], "error_code", 30_000) for topic in response.responses],
    "a negative offset": lambda response: [setattr(topic.partition_responses[0], "base_offset", -(2**63)) for topic in response.responses],
    "the largest offset": lambda response: [setattr(topic.partition_responses[0], "base_offset", 2**63 - 1) for topic in response.responses],
    "a negative throttle": lambda response: setattr(response, "throttle_time_ms", -1),
}


@pytest.mark.parametrize("lie", PRODUCE_LIES)
def test_answers_to_produce_that_are_untrue_give_each_record_an_outcome(lie: str, caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage(latency_s=0.001)
    producer = stage.producer(retries=2, request_timeout_ms=1000, delivery_timeout_ms=5000)
    producer.send("t", b"before").get(5)
    with stage.cluster.faults.add(told(PRODUCE_LIES[lie]), api="Produce"):
        futures = [producer.send("t", b"%d" % number) for number in range(5)]
        turns = stage.turns
        stage.clock.run_for(6)
        assert stage.turns - turns < MOST_TURNS_PER_S * 6
    for future in futures:
        assert future.is_done
        if future.succeeded():
            assert future.get(0).topic == "t"
        else:
            assert isinstance(future.exception, KafkaError)
    producer.send("t", b"after").get(5)
    assert not surprises(caplog)


# --- peers that do not read -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [faults.StopReading(), faults.Freeze(), faults.HalfOpen()], ids=["not read", "frozen", "half open"])
def test_a_broker_that_takes_nothing_costs_no_more_than_buffer_memory(fault: Any, broker: KafkaBroker, make_producer: Make) -> None:
    limit = 1_000_000
    producer = make_producer(buffer_memory=limit, max_block_ms=300, retries=10, request_timeout_ms=20_000, linger_ms=10)
    producer.send("t", b"v", partition=0).get(10)
    rule = broker.faults.add(fault)
    broker.faults.add(faults.DropRequest(), api="Produce")
    tracemalloc.start()
    try:
        with pytest.raises(KafkaTimeoutError, match="buffer_memory"):
            while True:
                producer.send("t", b"x" * 10_000, partition=0)
                assert producer._accumulator.memory.used_bytes <= limit
        _, most_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most_bytes < 4 * limit
    assert rule.hits or isinstance(fault, faults.HalfOpen)
    began_s = time.monotonic()
    producer.close(0)
    assert time.monotonic() - began_s < 5
    assert producer._accumulator.memory.used_bytes == 0


# --- bytes that are no answers --------------------------------------------------------------------------------------

Behaviour = Callable[[socket.socket], None]


class Peer:
    """A server on a loopback port that does as it likes with each connection, until that ends."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self.accepted = 0
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._open: list[socket.socket] = []

    def __enter__(self) -> Peer:
        self._start(self._accept)
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        self._listener.close()

    def _start(self, function: Callable[..., None], *arguments: Any) -> None:
        self._threads.append(threading.Thread(target=function, args=arguments))
        self._threads[-1].start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.accepted += 1
            self._open.append(connection)
            self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            self._behaviour(connection)


def until_it_ends(connection: socket.socket) -> None:
    while connection.recv(65536):
        pass


def says(data: bytes) -> Behaviour:
    """Sends this when it has been asked, and waits for the end."""

    def behave(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(data)
        until_it_ends(connection)

    return behave


def says_without_end(data: Callable[[], bytes]) -> Behaviour:
    def behave(connection: socket.socket) -> None:
        while True:
            connection.sendall(data())

    return behave


def drip(connection: socket.socket) -> None:
    """A frame of the largest size that is allowed, a byte at a time."""
    connection.sendall(struct.pack(">i", 900_000))
    while True:
        connection.sendall(b"x")
        time.sleep(0.002)


def close(connection: socket.socket) -> None:
    """The connection ends as soon as it is there."""


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


PEERS: dict[str, Behaviour] = {
    "says nothing": until_it_ends,
    "closes at once": close,
    "resets at once": reset,
    "closes when asked": lambda connection: connection.recv(1) and None,
    "HTTP": says(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"),
    "SSH": says(b"SSH-2.0-OpenSSH_9.6\r\n"),
    "a TLS alert": says(b"\x15\x03\x01\x00\x02\x02\x46"),
    "a frame of 2 GiB": says(struct.pack(">i", 2**31 - 1) + b"x" * 1000),
    "a frame of a negative size": says(struct.pack(">i", -1)),
    "an empty frame": says(struct.pack(">i", 0)),
    "a frame of one byte": says(struct.pack(">i", 1) + b"x"),
    "another correlation id": says(struct.pack(">ii", 8, 12345) + b"\0" * 4),
    "the right id and nothing": says(struct.pack(">ii", 4, 0)),
    "the right id and noise": says(struct.pack(">ii", 104, 0) + b"\0\0" + b"\xff" * 98),
    "a count of 2 billion": says(struct.pack(">iihi", 10, 0, 0, 2**31 - 1)),
    "empty frames without end": says_without_end(lambda: bytes(65536)),
    "noise without end": says_without_end(lambda: os.urandom(65536)),
    "zeros behind a true size": says_without_end(lambda: struct.pack(">i", 500_000) + bytes(500_000)),
    "a byte at a time": drip,
}


@pytest.mark.parametrize("behaviour", PEERS)
def test_no_peer_makes_the_constructor_hang_spin_or_take_memory(behaviour: str, caplog: pytest.LogCaptureFixture) -> None:
    with Peer(PEERS[behaviour]) as peer:
        began_s = time.monotonic()
        tracemalloc.start()
        try:
            with pytest.raises(NoBrokersAvailable):
                KafkaProducer(bootstrap_servers=peer.address, api_version_auto_timeout_ms=600, receive_message_max_bytes=1_000_000)
            _, most_bytes = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert time.monotonic() - began_s < 5  # the peer is in this process, and some never pause
        assert peer.accepted < 30, "it connects again ever more slowly"
    assert most_bytes < 8_000_000
    assert not surprises(caplog)


@pytest.mark.parametrize("behaviour", PEERS)
def test_no_peer_holds_up_a_producer_that_runs(behaviour: str, caplog: pytest.LogCaptureFixture) -> None:
    with Peer(PEERS[behaviour]) as peer:
        producer = KafkaProducer(bootstrap_servers=peer.address, api_version=(2, 6), max_block_ms=500)
        began_s = time.monotonic()
        with pytest.raises(KafkaTimeoutError):
            producer.send("t", b"v")
        producer.flush(0.5)
        producer.close(0.5)
        assert time.monotonic() - began_s < 6
        assert producer._sender.terminated.is_open
    assert not surprises(caplog)


@pytest.mark.parametrize(
    ("host", "port"),
    [
        *((name, 9092) for name in ("a\0b", "x" * 300, "", "..", "\udcff")),
        *(("127.0.0.1", port) for port in (70_000, -1, 2**31 - 1)),
    ],
)
def test_names_and_ports_that_cannot_be_are_errors_of_the_network(host: str, port: int) -> None:
    """Metadata may name anything: what comes of it must be an OSError, here or when connecting."""
    transport = SocketTransport(lambda: None)  # type: ignore[arg-type, return-value]
    with contextlib.suppress(OSError):
        for family, address in transport.resolve(host, port):
            with contextlib.suppress(OSError):
                transport.connect(family, address, ()).close()
