"""The cluster does not limit a test: in time of the processor, beside bare sockets that do the same in the same run."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Callable

import pytest

from kafka.protocol.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from kafka.record.crc32c import crc32c
from kafka.testing import Certificates, KafkaBroker, KafkaCluster, Sasl
from tests.testing.wire import RawClient, batch, frame_of

BATCHES = 4000
MOST_TIMES_BARE_SOCKETS = 6  # it takes 2 to 4 times as long
MOST_S = 0.05


@contextmanager
def bare_sockets(requests: int) -> Iterator[str]:
    """Where a thread takes so many requests, checks their sums and answers as briefly as a broker; what it took is kept, as there."""

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            for _ in range(requests):
                size = int.from_bytes(connection.recv(4, socket.MSG_WAITALL), "big")
                taken.append(connection.recv(size, socket.MSG_WAITALL))
                crc32c(taken[-1])
                connection.sendall(b"\0\0\0\x2c" + bytes(44))

    taken: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        thread.join()
    assert len(taken) == requests


@contextmanager
def a_broker(requests: int, partitions: int) -> Iterator[str]:
    with KafkaBroker() as broker:
        broker.create_topic("t", partitions)
        yield broker.bootstrap_servers
        assert sum(partition.log.next_offset for partition in broker.cluster.topics["t"].partitions) == 16 * requests * partitions


def seconds_for(server: str, frame: bytes, requests: int) -> float:
    """Of the processor, for so many requests, 16 at a time; the client's own work counts too."""
    room = threading.Semaphore(16)
    with RawClient(server) as client:
        began_s = time.process_time()

        def send() -> None:
            for _ in range(requests):
                room.acquire()
                client.send(frame)

        sender = threading.Thread(target=send)
        sender.start()
        for _ in range(requests):
            assert client.frame() is not None
            room.release()
        sender.join()
        return time.process_time() - began_s


@pytest.mark.parametrize("partitions", [1, 8], ids=["a batch per request", "eight batches per request"])
def test_a_batch_of_16_kib_costs_a_few_times_what_bare_sockets_take_for_it(partitions: int) -> None:
    records = batch([os.urandom(1000)] * 16)
    data = [PartitionProduceData(index=index, records=records) for index in range(partitions)]
    frame = frame_of(ProduceRequest(acks=1, timeout_ms=1000, topic_data=[TopicProduceData(name="t", partition_data=data)]), 9)
    requests = BATCHES // partitions

    def times_bare_sockets() -> float:
        with a_broker(requests, partitions) as server:
            took_s = seconds_for(server, frame, requests)
        with bare_sockets(requests) as server:
            return took_s / seconds_for(server, frame, requests)

    assert min(times_bare_sockets() for _ in range(2)) < MOST_TIMES_BARE_SOCKETS


def best_of(count: int, action: Callable[[], Any]) -> float:
    """The shortest time that it took, in seconds."""
    times_s = []
    for _ in range(count):
        began_s = time.perf_counter()
        action()
        times_s.append(time.perf_counter() - began_s)
    return min(times_s)


@pytest.mark.parametrize("brokers", [1, 3])
def test_a_cluster_starts_and_stops_in_50_ms(brokers: int) -> None:
    def start_and_stop() -> None:
        with KafkaCluster(brokers=brokers):
            pass

    assert best_of(5, start_and_stop) < MOST_S


def test_a_cluster_with_tls_and_sasl_starts_and_stops_in_50_ms() -> None:
    def start_and_stop() -> None:
        certificates = Certificates()
        with KafkaBroker(ssl_context=certificates.server_context(), sasl=Sasl({"alice": "secret"})):
            pass
        certificates.remove()

    assert best_of(5, start_and_stop) < MOST_S


def test_a_cluster_stops_in_50_ms_whatever_its_connections_do() -> None:
    def stop() -> None:
        for client in clients:
            client.send(b"\0\0\0\x10\0")
        broker.stop()

    times_s = []
    for _ in range(5):
        with KafkaBroker() as broker:
            clients = [RawClient(broker.bootstrap_servers) for _ in range(20)]
            times_s.append(best_of(1, stop))
        for client in clients:
            client.__exit__()
    assert min(times_s) < MOST_S
