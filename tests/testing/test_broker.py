"""KafkaBroker: real sockets, real clients, and no trace when it is stopped."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Iterator
from typing import Any, Optional

import pytest
from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition

from kafka.protocol.metadata import MetadataRequest
from kafka.testing import KafkaBroker
from tests.testing.test_connection import fetch
from tests.testing.wire import RawClient, batch, frame_of, outcome, produce


@pytest.fixture
def broker() -> Iterator[KafkaBroker]:
    with KafkaBroker() as running:
        yield running


def broker_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "kafka-testing-broker"]


# --- librdkafka -------------------------------------------------------------------------------------------------------


Sent = tuple[Optional[bytes], bytes, list[tuple[str, Any]]]
"""Key, value, headers."""


def deliver(bootstrap_servers: str, topic: str, records: list[Sent], **options: Any) -> None:
    """Produce to partition 0 and wait; any error fails the test."""
    errors: list[Any] = []
    producer = Producer({"bootstrap.servers": bootstrap_servers, "linger.ms": 5, "log_level": 0, **options})
    for key, value, headers in records:
        producer.produce(topic, value, key, partition=0, headers=headers, on_delivery=lambda error, _: errors.append(error))
    assert producer.flush(20) == 0
    assert errors == [None] * len(records)


def consume(bootstrap_servers: str, topic: str, count: int) -> list[Any]:
    consumer = Consumer({
        "bootstrap.servers": bootstrap_servers, "group.id": "tests", "enable.auto.commit": False,
        "check.crcs": True, "fetch.wait.max.ms": 20, "log_level": 0,
    })  # fmt: skip
    found: list[Any] = []
    try:
        consumer.assign([TopicPartition(topic, 0, 0)])
        deadline_s = time.monotonic() + 20
        while len(found) < count and time.monotonic() < deadline_s:
            found += consumer.consume(count, 0.2)
    finally:
        consumer.close()
    assert [message.error() for message in found] == [None] * count
    return found


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_librdkafka_writes_and_reads_with_every_codec(broker: KafkaBroker, codec: str) -> None:
    sent: list[Sent] = [(b"k%d" % n if n % 2 else None, b"v%d" % n * 20, [("h", b"%d" % n)]) for n in range(300)]

    deliver(broker.bootstrap_servers, "t", sent, **{"compression.type": codec})

    assert [(r.offset, r.key, r.value, r.headers) for r in broker.records("t")] == [(n, *record) for n, record in enumerate(sent)]
    read = consume(broker.bootstrap_servers, "t", 300)
    assert [(m.offset(), m.key(), m.value(), m.headers()) for m in read] == [(n, *record) for n, record in enumerate(sent)]
    assert [m.timestamp()[1] for m in read] == [r.timestamp for r in broker.records("t")]


@pytest.mark.parametrize("acks", [0, 1, -1])
def test_librdkafka_writes_with_every_kind_of_acknowledgement(broker: KafkaBroker, acks: int) -> None:
    deliver(broker.bootstrap_servers, "t", [(None, b"%d" % n, []) for n in range(100)], acks=acks)
    assert [m.value() for m in consume(broker.bootstrap_servers, "t", 100)] == [b"%d" % n for n in range(100)]


@pytest.mark.parametrize(("magic", "version"), [(0, 0), (1, 2), (2, 9)])
def test_librdkafka_reads_every_format(broker: KafkaBroker, magic: int, version: int) -> None:
    broker.create_topic("t")
    values: list[bytes | None] = [b"a" * 50, b"b" * 50, b"c" * 50]
    with RawClient(broker.bootstrap_servers) as client:
        for _ in range(2):
            assert outcome(client.ask(produce(batch(values, magic=magic)), version)).error_code == 0

    assert [(m.offset(), m.value()) for m in consume(broker.bootstrap_servers, "t", 6)] == list(enumerate(values * 2))


def test_librdkafka_sees_the_time_of_appending(broker: KafkaBroker) -> None:
    broker.create_topic("t", timestamp_type="LogAppendTime")
    before = int(time.time() * 1000)
    with RawClient(broker.bootstrap_servers) as client:
        client.ask(produce(batch([b"a"], at_ms=1000)), 9)

    (message,) = consume(broker.bootstrap_servers, "t", 1)

    kind, timestamp = message.timestamp()
    assert kind == 2
    assert before <= timestamp <= int(time.time() * 1000)


def test_librdkafka_is_told_that_a_batch_is_too_large() -> None:
    errors: list[Any] = []
    with KafkaBroker(max_message_bytes=1000) as broker:
        producer = Producer({"bootstrap.servers": broker.bootstrap_servers, "log_level": 0})
        producer.produce("t", b"x" * 1000, on_delivery=lambda error, _: errors.append(error and error.code()))
        producer.flush(10)
        assert errors == [KafkaError.MSG_SIZE_TOO_LARGE]
        assert broker.records("t") == []


def test_several_brokers_share_a_topic() -> None:
    with KafkaBroker(brokers=3, default_partitions=6) as broker:
        producer = Producer({"bootstrap.servers": broker.bootstrap_servers, "log_level": 0})
        for n in range(60):
            producer.produce("t", b"%d" % n, partition=n % 6)
        assert producer.flush(10) == 0
        assert [(r.partition, r.offset) for r in broker.records("t")] == [(p, o) for p in range(6) for o in range(10)]
        assert {p.leader for p in broker.cluster.topics["t"].partitions} == {1, 2, 3}


# --- sockets ----------------------------------------------------------------------------------------------------------


def test_a_broken_batch_is_refused_over_the_wire(broker: KafkaBroker) -> None:
    broker.create_topic("t")
    data = bytearray(batch([b"a"]))
    data[-2] ^= 0xFF
    with RawClient(broker.bootstrap_servers) as client:
        assert outcome(client.ask(produce(bytes(data)), 9)).error_code == 2
        assert outcome(client.ask(produce(batch([b"a"])), 9)).error_code == 0
    assert len(broker.batches("t")) == 1


def test_a_connection_that_breaks_the_rules_is_closed_and_others_go_on(broker: KafkaBroker) -> None:
    with RawClient(broker.bootstrap_servers) as good, RawClient(broker.bootstrap_servers) as bad:
        bad.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        assert bad.frame() is None
        assert good.ask(MetadataRequest(topics=None), 9).topics == []


def test_a_client_that_is_reset_does_not_disturb_the_broker(broker: KafkaBroker) -> None:
    host, port = broker.bootstrap_servers.split(":")
    for _ in range(3):
        rude = socket.create_connection((host, int(port)))
        rude.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        rude.sendall(frame_of(MetadataRequest(topics=None), 9))
        rude.close()
    with RawClient(broker.bootstrap_servers) as client:
        assert client.ask(MetadataRequest(topics=None), 9) is not None


def test_a_client_that_reads_answers_late_gets_them_all(broker: KafkaBroker) -> None:
    broker.create_topic("t")
    with RawClient(broker.bootstrap_servers) as client:
        client.ask(produce(batch([b"x" * 1_000_000])), 9)
        client.send(frame_of(fetch(), 12) * 40)  # more than sockets hold
        client.send(frame_of(produce(batch([b"after"])), 9))

        sizes = [len(client.frame() or b"") for _ in range(41)]

    assert min(sizes[:40]) == max(sizes[:40]) > 1_000_000
    assert len(broker.batches("t")) == 2


def test_start_and_stop_leave_nothing_behind() -> None:
    began_s = time.perf_counter()
    broker = KafkaBroker()
    broker.start()
    broker.start()
    started_s = time.perf_counter()
    assert len(broker_threads()) == 1
    assert broker_threads()[0].daemon
    with RawClient(broker.bootstrap_servers) as client:
        assert client.ask(MetadataRequest(topics=None), 9)
        stopping_s = time.perf_counter()
        broker.stop()
        broker.stop()
        stopped_s = time.perf_counter()
        assert client.frame() is None
    assert broker_threads() == []
    print(f"start {(started_s - began_s) * 1000:.1f} ms, stop {(stopped_s - stopping_s) * 1000:.1f} ms")  # noqa: T201


def test_data_and_port_stay_over_a_restart(broker: KafkaBroker) -> None:
    before = broker.bootstrap_servers
    deliver(before, "t", [(None, b"a", [])])
    with RawClient(before):  # a connection that is open when it stops
        broker.stop()
    assert [r.value for r in broker.records("t")] == [b"a"]
    with pytest.raises(ConnectionRefusedError):
        RawClient(before)

    broker.start()

    assert broker.bootstrap_servers == before
    deliver(before, "t", [(None, b"b", [])])
    assert [(r.offset, r.value) for r in broker.records("t")] == [(0, b"a"), (1, b"b")]


def test_a_port_that_another_program_took_meanwhile_is_an_error(broker: KafkaBroker) -> None:
    host, port = broker.bootstrap_servers.split(":")
    broker.stop()
    with socket.create_server((host, int(port))), pytest.raises(OSError, match="in use"):
        broker.start()
    assert broker_threads() == []
    broker.start()
    deliver(broker.bootstrap_servers, "t", [(None, b"a", [])])


def test_nothing_but_the_loopback_interface_listens(broker: KafkaBroker) -> None:
    assert broker.bootstrap_servers.startswith("127.0.0.1:")


def test_there_is_no_address_before_the_start() -> None:
    with pytest.raises(RuntimeError, match="start"):
        _ = KafkaBroker().bootstrap_servers


def test_a_topic_that_does_not_exist_has_no_records(broker: KafkaBroker) -> None:
    assert broker.records("t") == []
    assert broker.batches("t") == []


def test_the_repr_says_where_and_whether(broker: KafkaBroker) -> None:
    assert repr(broker) == f"<KafkaBroker at {broker.bootstrap_servers}, running>"
    broker.stop()
    assert "stopped" in repr(broker)
