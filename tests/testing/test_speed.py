"""The cluster does not limit a test: measured in time of the processor, so that a busy machine changes nothing."""

from __future__ import annotations

import os
import threading
import time
from typing import Any, Callable

import pytest

from kafka.protocol.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from kafka.testing import Certificates, KafkaBroker, KafkaCluster, Sasl
from tests.testing.wire import RawClient, batch, frame_of

LEAST_MB_PER_S = 100
BATCHES = 4000
MOST_S = 0.05


def megabytes_per_s(partitions: int) -> float:
    """Of 16 KiB batches, one for each partition in a request, 16 requests at a time; the client's own work counts too."""
    records = batch([os.urandom(1000)] * 16)
    data = [PartitionProduceData(index=index, records=records) for index in range(partitions)]
    frame = frame_of(ProduceRequest(acks=1, timeout_ms=1000, topic_data=[TopicProduceData(name="t", partition_data=data)]), 9)
    count = BATCHES // partitions
    with KafkaBroker() as broker:
        broker.create_topic("t", partitions)
        with RawClient(broker.bootstrap_servers) as client:
            room = threading.Semaphore(16)
            began_s = time.process_time()

            def send() -> None:
                for _ in range(count):
                    room.acquire()
                    client.send(frame)

            sender = threading.Thread(target=send)
            sender.start()
            for _ in range(count):
                assert client.frame() is not None
                room.release()
            sender.join()
            took_s = time.process_time() - began_s
        assert sum(partition.log.next_offset for partition in broker.cluster.topics["t"].partitions) == 16 * count * partitions
    return count * partitions * len(records) / took_s / 1e6


@pytest.mark.parametrize("partitions", [1, 8], ids=["a batch per request", "eight batches per request"])
def test_100_megabytes_of_16_kib_batches_pass_in_a_second(partitions: int) -> None:
    assert max(megabytes_per_s(partitions) for _ in range(2)) > LEAST_MB_PER_S


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
