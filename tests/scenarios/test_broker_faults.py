"""The producer before a broker that fails in every way that kafka.testing knows: with retries no record is lost, whatever happens once."""

from __future__ import annotations

from typing import Any

import pytest

from kafka.errors import NotEnoughReplicasError, NotLeaderForPartitionError
from kafka.testing import Certificates, KafkaBroker, faults
from kafka.testing.rules import Fault
from tests.scenarios.stage import Stage

ONCE: list[tuple[str, Fault, dict[str, Any]]] = [
    ("error", faults.Error(NotEnoughReplicasError), {"api": "Produce"}),
    ("not the leader", faults.Error(NotLeaderForPartitionError), {"api": "Produce"}),
    ("no metadata", faults.Error(NotLeaderForPartitionError), {"api": "Metadata"}),
    ("request dropped", faults.DropRequest(), {"api": "Produce"}),
    ("reply dropped", faults.DropReply(), {"api": "Produce"}),
    ("handshake dropped", faults.DropReply(), {"api": "ApiVersions"}),
    ("metadata dropped", faults.DropReply(), {"api": "Metadata"}),
    ("request delayed", faults.DelayRequest(0.7), {"api": "Produce"}),
    ("reply delayed", faults.DelayReply(0.7), {"api": "Produce"}),
    ("throttled", faults.Throttle(0.7), {"api": "Produce"}),
    ("wrong leader", faults.WrongLeader(2), {}),
    ("no leader", faults.WrongLeader(-1), {}),
    ("request cut", faults.CutRequest(50), {"api": "Produce"}),
    ("reply cut", faults.CutReply(9), {"api": "Produce"}),
    ("reply cut, metadata", faults.CutReply(30, reset=False), {"api": "Metadata"}),
    ("wrong correlation id", faults.WrongCorrelationId(), {"api": "Produce"}),
    ("garbage", faults.Garbage(), {"api": "Produce"}),
    ("garbage from the first byte", faults.Garbage(0), {"api": "Produce"}),
    ("garbage, metadata", faults.Garbage(), {"api": "Metadata"}),
    ("garbage, versions", faults.Garbage(), {"api": "ApiVersions"}),
    ("another protocol", faults.Garbage(0, data=b"HTTP/1.1 400 Bad Request\r\n\r\n"), {"api": "ApiVersions"}),
    ("byte by byte", faults.Trickle(), {}),
    ("not read", faults.StopReading(0.7), {"api": "Produce"}),
    ("frozen", faults.Freeze(0.7), {"api": "Produce"}),
    ("frozen from the start", faults.Freeze(0.7), {}),
    ("half open", faults.HalfOpen(), {"api": "Produce"}),
    ("half open from the start", faults.HalfOpen(), {}),
    ("cut", faults.Cut(), {"api": "Produce"}),
    ("cut from the start", faults.Cut(), {}),
]


def test_every_fault_is_in_the_table() -> None:
    assert {type(fault).__name__ for _, fault, _ in ONCE} == {*faults.__all__} - {"Change"}


@pytest.mark.parametrize("skip", [0, 1])
@pytest.mark.parametrize(("fault", "where"), [row[1:] for row in ONCE], ids=[row[0] for row in ONCE])
def test_what_goes_wrong_once_loses_no_record_in_memory(fault: Fault, where: dict[str, Any], skip: int) -> None:
    stage = Stage(brokers=2, latency_s=0.002)
    stage.cluster.create_topic("t")
    rule = stage.cluster.faults.add(fault, skip=skip, times=1, **where)
    producer = stage.producer(retries=100, request_timeout_ms=500, delivery_timeout_ms=60_000, max_in_flight_requests_per_connection=1)
    futures = []
    for number in range(20):
        futures.append(producer.send("t", b"%d" % number))
        stage.clock.run_for(0.1)
    producer.flush(60)
    assert rule.hits == 1
    records = stage.cluster.records("t")
    assert [records[future.get(0).offset].value for future in futures] == [b"%d" % number for number in range(20)]
    producer.close(5)


@pytest.mark.parametrize(("fault", "where"), [row[1:] for row in ONCE], ids=[row[0] for row in ONCE])
def test_what_goes_wrong_once_loses_no_record_on_sockets(fault: Fault, where: dict[str, Any], make_producer: Any, broker: KafkaBroker) -> None:
    broker.create_topic("t", 1)
    producer = make_producer(retries=100, request_timeout_ms=300, delivery_timeout_ms=20_000, max_in_flight_requests_per_connection=1)
    assert producer.send("t", b"before").get(10).offset == len(broker.records("t")) - 1  # 0, unless it had to be sent again
    rule = broker.faults.add(fault, times=1, **where)
    futures = [producer.send("t", b"%d" % number) for number in range(5)]
    if "api" in where and where["api"] != "Produce":
        broker.faults.add(faults.Cut(), times=1)  # so that it asks again
    producer.flush(20)
    records = broker.records("t")
    assert [records[future.get(0).offset].value for future in futures] == [b"%d" % number for number in range(5)]
    assert rule.hits <= 1


def test_leaders_that_stop_and_move_lose_no_record() -> None:
    stage = Stage(brokers=3, latency_s=0.002)
    stage.cluster.create_topic("t")
    producer = stage.producer(retries=100, delivery_timeout_ms=60_000, max_in_flight_requests_per_connection=1)
    futures = []
    for number in range(60):
        futures.append(producer.send("t", b"%d" % number))
        if number % 20 == 5:
            stage.cluster.stop_node(stage.cluster.topics["t"].partitions[0].leader)
        if number % 20 == 10:
            stage.cluster.move_leader("t", 0)
        if number % 20 == 15:
            for node_id in stage.cluster.nodes:
                stage.cluster.start_node(node_id)
        stage.clock.run_for(0.1)
    producer.flush(60)
    records = stage.cluster.records("t")
    assert [records[future.get(0).offset].value for future in futures] == [b"%d" % number for number in range(60)]
    assert stage.cluster.topics["t"].partitions[0].leader_epoch == 6
    producer.close(5)


# --- the sweep ----------------------------------------------------------------------------------------------------------


BOOTSTRAP, LEADER = 1, 2
"""The connections that a producer makes."""


def exchange(fault: Fault, connection: int, certificates: Certificates | None) -> tuple[Stage, list[bytes | None]]:
    """A record sent by a new producer, one connection of which has the fault."""
    stage = Stage(ssl_context=None if certificates is None else certificates.server_context())
    stage.cluster.create_topic("t")
    stage.cluster.faults.add(fault, connection=connection)
    options = {} if certificates is None else {"security_protocol": "SSL", "ssl_context": certificates.client_context(), "ssl_check_hostname": False}
    if certificates is not None:
        options["ssl_context"].check_hostname = False  # the node is called broker-1
    producer = stage.producer(retries=10, request_timeout_ms=500, delivery_timeout_ms=60_000, **options)
    producer.send("t", b"v").get(60)
    producer.close(5)
    return stage, [record.value for record in stage.cluster.records("t")]


@pytest.mark.slow
@pytest.mark.parametrize("reset", [True, False], ids=["reset", "end"])
@pytest.mark.parametrize("field", ["received_bytes", "sent_bytes"])
@pytest.mark.parametrize("connection", [BOOTSTRAP, LEADER], ids=["bootstrap", "leader"])
@pytest.mark.parametrize("step", [1, 29], ids=["plain", "TLS"])
def test_a_connection_that_is_cut_anywhere_loses_no_record(field: str, reset: bool, connection: int, step: int) -> None:
    certificates = Certificates() if step > 1 else None
    written: list[int] = []
    unharmed = 0
    for count in range(0, 20_000, step):
        stage, values = exchange(faults.Cut(**{field: count, "reset": reset}), connection, certificates)
        assert set(values) == {b"v"}, f"cut at {count}"
        written.append(len(values))
        unharmed += stage.cluster.faults.next_connection() - 1 == LEADER
        if unharmed > 20:
            break
    assert unharmed > 20, "the sweep goes past the end of the exchange"
    assert max(written) == 2 or connection == BOOTSTRAP or step > 1, "a lost answer is a record written twice"
