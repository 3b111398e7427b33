"""cluster.faults: every kind does what it says, on sockets and in memory alike, to whom it is for, and as often."""

from __future__ import annotations

import contextlib
import dataclasses
import queue
import threading
from collections.abc import Iterator
from typing import Any, Callable

import pytest

from kafka.errors import LeaderNotAvailableError, NotEnoughReplicasError, NotLeaderForPartitionError
from kafka.protocol.metadata import MetadataRequest, MetadataRequestTopic
from kafka.protocol.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from kafka.testing import VirtualClock, faults
from kafka.testing.cluster import Cluster
from kafka.testing.rules import Fault, Rule
from tests.guarantees.budgets import assert_keeps
from tests.testing.networks import NETWORKS, Client, MemoryNetwork
from tests.testing.test_connection import fetch
from tests.testing.wire import CORRELATION_ID, batch, frame_of, outcome, produce

METADATA = MetadataRequest(topics=[MetadataRequestTopic(name="t")])
ONE = produce(batch([b"a"]))
BIG = produce(batch([b"x" * 500_000]))


@pytest.fixture(params=NETWORKS)
def network(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Two brokers; topic t has two partitions, led by 1 and 2, and its records the time at which they were written."""
    made = NETWORKS[request.param](brokers=2)
    made.cluster.create_topic("t", 2, timestamp_type="LogAppendTime")
    yield made
    made.close()


@pytest.fixture
def client(network: Any) -> Client:
    """A connection to broker 1."""
    connected = network.connect()
    assert isinstance(connected, Client)
    return connected


def values(network: Any) -> list[bytes | None]:
    return [record.value for record in network.cluster.records("t")]


def now_ms(network: Any) -> int:
    """On the clock of records' timestamps."""
    return int(network.cluster.clock.time() * 1000)


def written_ms(network: Any) -> int:
    """When the only record was written, which does not depend on when this test has a look."""
    (record,) = network.cluster.records("t")
    return int(record.timestamp)


def code(client: Client, request: Any = ONE) -> int:
    return int(outcome(client.ask(request, 9)).error_code)


# --- whom it is for, and how often ----------------------------------------------------------------------------------


def test_a_fault_lasts_as_long_as_its_block(network: Any, client: Client) -> None:
    with network.cluster.faults.add(faults.Error(NotEnoughReplicasError), api="Produce") as rule:
        assert [code(client), code(client)] == [19, 19]
        assert rule.hits == 2
    assert code(client) == 0
    assert values(network) == [b"a"]
    assert rule.hits == 2


def test_the_nth_request_is_counted_among_those_that_it_is_for(network: Any, client: Client) -> None:
    network.cluster.faults.add(faults.Error(19), api="Produce", skip=2, times=2)
    codes = []
    for _ in range(6):
        client.ask(METADATA, 9)
        codes.append(code(client))
    assert codes == [0, 0, 19, 19, 0, 0]


def test_an_api_may_be_given_by_its_number(network: Any, client: Client) -> None:
    network.cluster.faults.add(faults.Error(19), api=0)
    assert code(client) == 19


def test_of_a_request_for_several_partitions_only_those_meant_are_refused(network: Any, client: Client) -> None:
    network.cluster.create_topic("u", 4)
    mine = [p.index for p in network.cluster.topics["u"].partitions if p.leader == 1]
    data = [PartitionProduceData(index=index, records=batch([b"%d" % index])) for index in mine]
    request = ProduceRequest(acks=-1, timeout_ms=1000, topic_data=[TopicProduceData(name="u", partition_data=data)])

    network.cluster.faults.add(faults.Error(NotLeaderForPartitionError), topic="u", partition=mine[0])

    (topic,) = client.ask(request, 9).responses
    assert {p.index: p.error_code for p in topic.partition_responses} == {mine[0]: 6, mine[1]: 0}
    assert [r.partition for r in network.cluster.records("u")] == [mine[1]]
    assert code(client) == 0


@pytest.mark.parametrize(
    ("where", "codes"),
    [({"node": 2}, [0, 19]), ({"connection": 2}, [0, 19]), ({"client_id": "tests"}, [19, 19]), ({"client_id": "x"}, [0, 0])],
)
def test_brokers_connections_and_clients_are_told_apart(network: Any, where: dict[str, Any], codes: list[int]) -> None:
    network.cluster.faults.add(faults.Error(19), api="Produce", **where)
    assert [code(network.connect(node_id), produce(batch([b"a"]), partition=node_id - 1)) for node_id in (1, 2)] == codes


def test_each_connection_may_be_counted_by_itself(network: Any) -> None:
    network.cluster.faults.add(faults.Error(19), api="Produce", skip=1, times=1, each_connection=True)
    for _ in range(3):
        client = network.connect()
        assert [code(client) for _ in range(3)] == [0, 19, 0]


def test_several_faults_of_one_request_are_all_met(network: Any, client: Client) -> None:
    network.cluster.faults.add(faults.DelayReply(network.unit_s))
    network.cluster.faults.add(faults.Error(19), api="Produce")
    network.cluster.faults.add(faults.WrongCorrelationId(), api="Produce")
    began_s = network.now_s()
    client.send(frame_of(ONE, 9))
    frame = client.frame()
    assert frame is not None
    assert int.from_bytes(frame[:4], "big") == CORRELATION_ID + 1
    assert network.now_s() - began_s >= network.unit_s
    assert values(network) == []


def test_chance_is_the_same_for_the_same_seed() -> None:
    def codes(seed: int) -> list[int]:
        network = MemoryNetwork(seed=seed)
        network.cluster.create_topic("t")
        network.cluster.faults.add(faults.Error(19), api="Produce", probability=0.5)
        client = network.connect()
        return [code(client) for _ in range(40)]

    assert codes(1) == codes(1)
    assert codes(1) != codes(2)
    assert 10 < codes(1).count(19) < 30


def test_a_rule_may_be_waited_for(network: Any, client: Client) -> None:
    rule = network.cluster.faults.add(faults.DropRequest(), api="Produce")
    for connection in (client, network.connect()):
        connection.send(frame_of(ONE, 9))
        if isinstance(network, MemoryNetwork):
            connection.read(0)
    rule.wait(2)
    with pytest.raises(TimeoutError, match=r"2 of 3 .*DropRequest"):
        if isinstance(network, MemoryNetwork):
            network.clock.add_step(lambda: network.clock.sleep_until(1e9))
        rule.wait(3, timeout_s=0.01)


def test_all_faults_may_be_ended_at_once(network: Any, client: Client) -> None:
    for error in (19, 20):
        network.cluster.faults.add(faults.Error(error), api="Produce")
    assert len(network.cluster.faults.rules) == 2
    network.cluster.faults.clear()
    assert network.cluster.faults.rules == ()
    assert code(client) == 0
    assert repr(network.cluster.faults) == "<Faults: none>"


@pytest.mark.parametrize(
    ("fault", "conditions"),
    [
        (faults.Error(19), {"api": "Produces"}),
        (faults.Error(19), {"skip": -1}),
        (faults.Error(19), {"times": 0}),
        (faults.Error(19), {"probability": 1.5}),
        (faults.CutRequest(3), {"topic": "t"}),
        (faults.Error, {}),
    ],
)
def test_conditions_that_cannot_be_are_refused(cluster: Cluster, fault: Any, conditions: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        cluster.faults.add(fault, **conditions)
    assert cluster.faults.rules == ()


@pytest.mark.parametrize(
    "make",
    [
        lambda: faults.Error("NOT_LEADER"),  # type: ignore[arg-type]
        lambda: faults.DelayReply(-1),
        lambda: faults.DelayRequest(2, 1),
        lambda: faults.Trickle(0),
    ],
)
def test_faults_that_cannot_be_are_refused(make: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        make()


# --- the broker's work ----------------------------------------------------------------------------------------------


def test_an_error_without_answer_closes_the_connection(network: Any, client: Client) -> None:
    network.cluster.faults.add(faults.Error(19), api="Produce")
    client.send(frame_of(produce(batch([b"a"]), acks=0), 9))
    assert client.read() == b""
    assert values(network) == []


def test_an_error_of_metadata_is_its_topics(network: Any, client: Client) -> None:
    with network.cluster.faults.add(faults.Error(LeaderNotAvailableError), topic="t"):
        (topic,) = client.ask(METADATA, 9).topics
        assert (topic.error_code, topic.partitions) == (5, [])
    with network.cluster.faults.add(faults.Error(LeaderNotAvailableError), topic="t", partition=1, api="Metadata"):
        (topic,) = client.ask(METADATA, 9).topics
        assert [(p.error_code, p.leader_id) for p in topic.partitions] == [(0, 1), (5, -1)]


def test_a_fetch_with_an_error_does_not_wait(network: Any, client: Client) -> None:
    network.cluster.faults.add(faults.Error(NotLeaderForPartitionError), topic="t", partition=0)
    began_s = network.now_s()
    (topic,) = client.ask(fetch(wait_ms=60_000), 12).responses
    assert topic.partitions[0].error_code == 6
    assert network.now_s() - began_s < 10


def test_a_request_that_is_dropped_has_no_effect_and_no_answer(network: Any, client: Client) -> None:
    network.cluster.faults.add(faults.DropRequest(), api="Produce", times=1)
    client.send(frame_of(ONE, 9) + frame_of(METADATA, 9))
    assert client.read(network.unit_s) is None, "brokers answer in order"
    assert values(network) == []
    assert code(network.connect()) == 0


def test_a_reply_that_is_dropped_leaves_the_effect(network: Any, client: Client) -> None:
    network.cluster.faults.add(faults.DropReply(), api="Produce", times=1)
    client.send(frame_of(ONE, 9) + frame_of(METADATA, 9))
    assert client.read(network.unit_s) is None, "brokers answer in order"
    assert code(network.connect()) == 0, "which the same thread does later"
    assert values(network) == [b"a", b"a"]


@pytest.mark.parametrize(("fault", "written"), [(faults.DropRequest(), 0), (faults.DropReply(), 1)])
def test_a_request_that_wants_no_answer_holds_nothing_up(network: Any, client: Client, fault: Fault, written: int) -> None:
    network.cluster.faults.add(fault, api="Produce")
    client.send(frame_of(produce(batch([b"a"]), acks=0), 9))
    assert client.ask(METADATA, 9) is not None
    assert len(values(network)) == written


def test_a_request_that_is_delayed_has_its_effect_late(network: Any, client: Client) -> None:
    network.cluster.faults.add(faults.DelayRequest(2 * network.unit_s), api="Produce")
    began_ms = now_ms(network)
    client.send(frame_of(ONE, 9) + frame_of(METADATA, 9))
    assert outcome(client.answer(ONE, 9)).error_code == 0
    assert client.answer(METADATA, 9) is not None
    assert written_ms(network) >= began_ms + 2000 * network.unit_s


def test_a_reply_that_is_delayed_has_its_effect_at_once(network: Any, client: Client) -> None:
    network.cluster.faults.add(faults.DelayReply(3 * network.unit_s), api="Produce")
    began_s = network.now_s()
    client.send(frame_of(ONE, 9) + frame_of(METADATA, 9))
    assert network.connect().ask(METADATA, 9) is not None, "which the same thread does later"
    assert values(network) == [b"a"]
    assert outcome(client.answer(ONE, 9)).error_code == 0
    assert network.now_s() - began_s >= 3 * network.unit_s
    assert client.answer(METADATA, 9) is not None


def test_a_delay_may_be_drawn() -> None:
    network = MemoryNetwork()
    network.cluster.faults.add(faults.DelayReply(1.0, up_to_s=2.0))
    client, taken = network.connect(), []
    for _ in range(20):
        began_s = network.now_s()
        client.ask(METADATA, 9)
        taken.append(network.now_s() - began_s)
    assert len(set(taken)) == 20
    assert 1.0 <= min(taken) < 1.3 < 1.7 < max(taken) <= 2.0


def test_a_long_poll_is_delayed_after_its_own_wait() -> None:
    network = MemoryNetwork()
    network.cluster.create_topic("t")
    network.cluster.faults.add(faults.DelayReply(1.0), api="Fetch")
    assert network.connect().ask(fetch(wait_ms=500), 12) is not None
    assert network.now_s() == 1.5


def test_throttling_says_so_and_reads_nothing_meanwhile(network: Any) -> None:
    mute_s = 4 * network.unit_s

    def throttled_once() -> float:
        client = network.connect()
        network.cluster.faults.add(faults.Throttle(mute_s), api="Produce", times=1)
        began_s = network.now_s()
        response = client.ask(ONE, 9)
        took_s: float = network.now_s() - began_s
        assert response.throttle_time_ms == 1000 * mute_s
        client.send(frame_of(METADATA, 9))
        if client.frame(network.unit_s) is None:
            assert client.answer(METADATA, 9) is not None
        assert network.now_s() - began_s >= mute_s
        return took_s

    assert_keeps(0.0, mute_s, throttled_once)


def test_a_wrong_leader_is_named_and_does_not_lead(network: Any, client: Client) -> None:
    with network.cluster.faults.add(faults.WrongLeader(2, leader_epoch=9), topic="t", partition=0) as rule:
        (topic,) = client.ask(METADATA, 9).topics
        assert [(p.leader_id, p.leader_epoch) for p in topic.partitions] == [(2, 9), (2, 0)]
        assert code(network.connect(2)) == 6
        assert code(client) == 0
    assert rule.hits == 1, "it is Metadata's only"
    (topic,) = client.ask(METADATA, 9).topics
    assert topic.partitions[0].leader_id == 1


def test_an_answer_may_be_changed_by_code(network: Any, client: Client) -> None:
    threads = []

    def change(request: Any, response: Any) -> Any:
        threads.append(network.cluster.lock.acquire(blocking=False))
        network.cluster.lock.release()
        response.responses[0].partition_responses[0].base_offset = request.timeout_ms
        return response

    network.cluster.faults.add(faults.Change(change), api="Produce")
    assert outcome(client.ask(ONE, 9)).base_offset == 1000
    assert threads == [True]


def test_code_that_changes_an_answer_holds_no_lock() -> None:
    network = NETWORKS["sockets"]()
    network.cluster.create_topic("t")
    locked: list[bool] = []

    def change(request: Any, response: Any) -> Any:
        other = threading.Thread(target=lambda: locked.append(network.cluster.lock.acquire(timeout=5)) or network.cluster.lock.release())
        other.start()
        other.join()
        return response

    network.cluster.faults.add(faults.Change(change))
    assert network.connect().ask(fetch(wait_ms=20), 12) is not None
    network.close()
    assert locked == [True]


def test_a_rule_may_be_added_by_the_brokers_thread(network: Any, client: Client) -> None:
    def change(request: Any, response: Any) -> Any:
        network.cluster.faults.add(faults.Error(19), api="Produce")
        return response

    network.cluster.faults.add(faults.Change(change), api="Metadata")
    assert client.ask(METADATA, 9) is not None
    assert code(client) == 19


def test_answers_keep_their_order_when_one_of_them_adds_a_rule(network: Any, client: Client) -> None:
    def change(request: Any, response: Any) -> Any:
        network.cluster.faults.add(faults.DelayReply(network.unit_s), api="Produce", times=1)
        return response

    network.cluster.faults.add(faults.Change(change), times=3)
    client.send(frame_of(METADATA, 9) + frame_of(ONE, 9) + frame_of(METADATA, 9) + frame_of(ONE, 9))
    assert client.answer(METADATA, 9).topics[0].name == "t"
    assert outcome(client.answer(ONE, 9)).base_offset == 0
    assert client.answer(METADATA, 9).topics[0].name == "t"
    assert outcome(client.answer(ONE, 9)).base_offset == 1


# --- an answer's bytes ----------------------------------------------------------------------------------------------


def test_an_answer_may_have_another_correlation_id(network: Any, client: Client) -> None:
    network.cluster.faults.add(faults.WrongCorrelationId(-80), times=1)
    client.send(frame_of(METADATA, 9) * 2)
    assert [int.from_bytes((client.frame() or b"")[:4], "big") for _ in range(2)] == [2**32 - 3, CORRELATION_ID]


def test_garbage_keeps_what_it_is_told_to(network: Any, client: Client) -> None:
    client.send(frame_of(METADATA, 9))
    true = client.frame()
    network.cluster.faults.add(faults.Garbage(), times=1)
    client.send(frame_of(METADATA, 9))
    noise = client.frame()
    assert true is not None
    assert noise is not None
    assert (len(noise), noise[:4]) == (len(true), true[:4])
    assert noise != true
    network.cluster.faults.add(faults.Garbage(0, data=b"HTTP/1.1 400 Bad Request"), times=1)
    client.send(frame_of(METADATA, 9))
    assert client.read() == b"HTTP/1.1 400 Bad Request"


def test_noise_is_the_same_for_the_same_seed() -> None:
    def noise() -> bytes | None:
        network = MemoryNetwork(seed=5)
        network.cluster.faults.add(faults.Garbage(0))
        client = network.connect()
        client.send(frame_of(METADATA, 9))
        return client.read()

    assert noise() == noise()


def test_an_answer_comes_byte_by_byte(network: Any, client: Client) -> None:
    client.send(frame_of(METADATA, 9))
    size = len(client.frame() or b"") + 4
    network.cluster.faults.add(faults.Trickle(pause_s=network.unit_s / 50), times=1)
    began_s = network.now_s()
    client.send(frame_of(METADATA, 9) * 2)
    parts = [client.read() or b"" for _ in range(size)] if isinstance(network, MemoryNetwork) else []
    if parts:
        assert [len(part) for part in parts] == [1] * size
        client._frames.extend(client._decoder.feed(b"".join(parts)))
    assert len(client.frame() or b"") == size - 4
    assert len(client.frame() or b"") == size - 4, "what is behind waits"
    assert network.now_s() - began_s >= (size - 1) * network.unit_s / 50 * 0.999


@pytest.mark.parametrize("reset", [True, False], ids=["reset", "end"])
@pytest.mark.parametrize("count", [0, 1, 4, 11])
def test_a_connection_ends_at_any_byte_of_an_answer(network: Any, count: int, reset: bool) -> None:
    with network.cluster.faults.add(faults.CutReply(count, reset=reset), api="Produce"):
        client = network.connect()
        client.send(frame_of(ONE, 9))
        received = b""
        while len(received) < count:
            received += client.read() or b""
        assert len(received) == count
        if reset:
            with pytest.raises(ConnectionResetError):
                client.read()
        else:
            assert client.read() == b""
        assert values(network) == [b"a"], "what was asked is done"
    assert code(network.connect()) == 0


# --- a request's bytes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reset", [True, False], ids=["reset", "end"])
@pytest.mark.parametrize("after", [None, 0, 5, 40, 10_000], ids=["all of it", "0", "5", "40", "more than it has"])
def test_a_connection_ends_at_any_byte_of_a_request(network: Any, after: int | None, reset: bool) -> None:
    with network.cluster.faults.add(faults.CutRequest(after, reset=reset), api="Produce", times=1) as rule:
        client = network.connect()
        assert client.ask(METADATA, 9) is not None
        client.send(frame_of(ONE, 9))
        if reset:
            with pytest.raises(ConnectionResetError):
                client.read()
        else:
            assert client.read() == b""
        assert rule.hits == 1
    assert values(network) == []
    assert code(network.connect()) == 0


def test_a_connection_ends_in_the_middle_of_a_request(network: Any, client: Client) -> None:
    network.cluster.faults.add(faults.CutRequest(1000), api="Produce")
    frame = frame_of(BIG, 9)
    client.send(frame[:999])
    assert client.read(network.unit_s) is None
    client.send(frame[999:1000])
    with pytest.raises(ConnectionResetError):
        client.read()


# --- connections ----------------------------------------------------------------------------------------------------


def test_a_broker_that_does_not_read_fills_the_client_up(network: Any, client: Client) -> None:
    assert client.ask(METADATA, 9) is not None
    frame = frame_of(BIG, 9) * 20
    with network.cluster.faults.add(faults.StopReading()):
        sent = client.send(frame, network.unit_s)
        assert sent < len(frame)
        assert client.read(network.unit_s) is None
    client.send(frame[sent:])
    assert [outcome(client.answer(BIG, 9)).error_code for _ in range(20)] == [0] * 20


def test_a_request_that_stops_the_reading_is_answered(network: Any, client: Client) -> None:
    with network.cluster.faults.add(faults.StopReading(), api="Produce"):
        client.send(frame_of(ONE, 9) + frame_of(METADATA, 9))
        assert outcome(client.answer(ONE, 9)).error_code == 0
        assert client.frame(network.unit_s) is None
    assert client.answer(METADATA, 9) is not None


def test_a_frozen_broker_is_silent_and_goes_on_where_it_was(network: Any, client: Client) -> None:
    other = network.connect(2)
    with network.cluster.faults.add(faults.Freeze(), node=1):
        client.send(frame_of(ONE, 9))
        new = network.connect()
        new.send(frame_of(ONE, 9))
        assert client.read(network.unit_s) is None
        assert new.read(network.unit_s) is None
        assert other.ask(METADATA, 9) is not None
        assert values(network) == []
    assert outcome(client.answer(ONE, 9)).error_code == 0
    assert outcome(new.answer(ONE, 9)).error_code == 0


def test_answers_wait_in_a_frozen_broker(network: Any, client: Client) -> None:
    frozen: queue.SimpleQueue[Rule] = queue.SimpleQueue()

    def freeze(request: Any, response: Any) -> Any:
        """By the broker's thread, so that the answer is not due yet, however slow this one is."""
        frozen.put(network.cluster.faults.add(faults.Freeze()))
        return response

    network.cluster.faults.add(faults.DelayReply(2 * network.unit_s), api="Produce", times=1)
    network.cluster.faults.add(faults.Change(freeze), api="Produce", times=1)
    client.send(frame_of(ONE, 9))
    assert client.read(4 * network.unit_s) is None
    frozen.get(timeout=10).remove()
    assert outcome(client.answer(ONE, 9)).error_code == 0


def test_a_freeze_ends_by_itself(network: Any, client: Client) -> None:
    network.cluster.faults.add(faults.Freeze(3 * network.unit_s), api="Produce", times=1)
    began_ms = now_ms(network)
    client.send(frame_of(METADATA, 9) + frame_of(ONE, 9))
    assert client.answer(METADATA, 9) is not None
    assert outcome(client.answer(ONE, 9)).error_code == 0
    assert written_ms(network) >= began_ms + 3000 * network.unit_s


def test_a_client_id_is_enough_to_freeze_whom_it_is_for(network: Any, client: Client) -> None:
    with network.cluster.faults.add(faults.Freeze(), client_id="tests") as rule:
        client.send(frame_of(ONE, 9))
        assert client.read(network.unit_s) is None
        rule.wait()
        assert (values(network), rule.hits) == ([], 1)
    assert outcome(client.answer(ONE, 9)).error_code == 0


def test_a_half_open_connection_is_silent_until_the_client_says_something(network: Any, client: Client) -> None:
    client.send(frame_of(fetch(wait_ms=60_000), 12))
    end_s = network.now_s() + 10
    while not network.cluster.requests.of("Fetch"):
        assert client.read(network.unit_s / 10) is None
        assert network.now_s() < end_s
    with network.cluster.faults.add(faults.HalfOpen(), times=1):
        assert code(network.connect()) == 0, "what the fetch waits for"
        assert client.read(network.unit_s) is None
    client.send(frame_of(METADATA, 9))
    with pytest.raises(ConnectionResetError):
        client.read()
    assert code(network.connect()) == 0


def test_a_request_may_be_the_last_of_a_connection_that_is_forgotten(network: Any, client: Client) -> None:
    rule = network.cluster.faults.add(faults.HalfOpen(), api="Produce", skip=1)
    assert code(client) == 0
    client.send(frame_of(ONE, 9))
    assert client.read(network.unit_s) is None
    rule.wait()  # or both were read at once, and no byte came after what is forgotten
    client.send(frame_of(ONE, 9))
    with pytest.raises(ConnectionResetError):
        client.read()
    assert values(network) == [b"a"]


@pytest.mark.parametrize("reset", [True, False], ids=["reset", "end"])
def test_connections_are_cut_at_once(network: Any, client: Client, reset: bool) -> None:
    other = network.connect(2)
    assert client.ask(METADATA, 9) is not None
    with network.cluster.faults.add(faults.Cut(reset=reset), node=1) as rule:
        assert rule.hits == 1
    if reset:
        with pytest.raises(ConnectionResetError):
            client.read()
    else:
        assert client.read() == b""
    assert other.ask(METADATA, 9) is not None
    assert code(network.connect()) == 0


def test_a_request_that_meets_a_cut_is_not_served(network: Any, client: Client) -> None:
    network.cluster.faults.add(faults.Cut(), api="Produce", skip=1)
    assert code(client) == 0
    client.send(frame_of(ONE, 9))
    with pytest.raises(ConnectionResetError):
        client.read()
    assert values(network) == [b"a"]


def test_a_request_may_begin_the_count_of_bytes(network: Any, client: Client) -> None:
    network.cluster.faults.add(faults.Cut(sent_bytes=10_000), api="Produce", times=1)
    assert code(client) == 0
    received = 0
    with pytest.raises((ConnectionResetError, EOFError)):
        while True:
            client.send(frame_of(METADATA, 9))
            received += len(client.frame() or b"")
    assert 9_000 < received < 10_000


def test_a_connection_is_cut_after_so_many_bytes_from_the_client(network: Any) -> None:
    frame = frame_of(ONE, 9)
    for count in (len(frame) - 1, len(frame), len(frame) + 1):
        with network.cluster.faults.add(faults.Cut(received_bytes=count)):
            client = network.connect()
            client.send(frame + frame[:20])
            assert client.read_all() == b""
    assert values(network) == [b"a", b"a"], "what has come whole is done"


def test_a_connection_is_cut_after_so_many_bytes_to_the_client(network: Any) -> None:
    for count in (1, 10, 30):
        with network.cluster.faults.add(faults.Cut(sent_bytes=count)):
            client = network.connect()
            client.send(frame_of(METADATA, 9))
            assert len(client.read_all()) == count


def test_connections_that_are_cut_when_they_are_made_end_after_so_many(network: Any) -> None:
    with network.cluster.faults.add(faults.Cut(), times=2):
        for _ in range(2):
            with contextlib.suppress(ConnectionResetError):  # while it connects, or then
                assert network.connect().read_all() == b""
        assert network.connect().ask(METADATA, 9) is not None


# --- all of them ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", faults.__all__)
def test_every_fault_says_what_it_is(name: str) -> None:
    kind = getattr(faults, name)
    assert issubclass(kind, Fault)
    assert dataclasses.is_dataclass(kind)
    assert kind.__doc__
    assert not kind.__doc__.startswith(f"{name}(")


def test_a_stopped_cluster_takes_faults_and_has_them_when_it_starts() -> None:
    network = NETWORKS["sockets"]()
    network.broker.stop()
    network.cluster.create_topic("t")
    network.cluster.faults.add(faults.Error(19), api="Produce")
    network.broker.start()
    assert code(network.connect()) == 19
    network.close()


def test_time_goes_by_the_clusters_clock(cluster: Cluster, clock: VirtualClock) -> None:
    assert cluster.faults.clock is clock


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (lambda: faults.Throttle(-1), "Throttle: seconds"),
        (lambda: faults.Freeze(-1), "Freeze: seconds"),
        (lambda: faults.StopReading(-1), "StopReading: seconds"),
        (lambda: faults.Cut(received_bytes=-1), "Cut: received_bytes"),
        (lambda: faults.Cut(sent_bytes=-1), "Cut: sent_bytes"),
        (lambda: faults.CutReply(-1), "CutReply: after_bytes"),
        (lambda: faults.CutRequest(-1), "CutRequest: after_bytes"),
        (lambda: faults.Garbage(-3), "Garbage: keep_bytes"),
        (lambda: faults.Error(99999), "99999 is no error code"),
        (lambda: faults.Change(None), "Change: None"),  # type: ignore[arg-type]
    ],
)
def test_a_fault_that_cannot_be_is_refused_when_it_is_made(fault: Callable[[], Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        fault()


@pytest.mark.parametrize(
    ("conditions", "said"),
    [
        ({"node": 7}, "node=7"),
        ({"partition": -1}, "partition=-1"),
        ({"connection": 0}, "connection=0"),
        ({"api": 9999}, "There is no API 9999"),
        ({"api": "Produce"}, "api=0"),
    ],
)
def test_conditions_that_nothing_can_meet_are_refused(conditions: dict[str, Any], said: str) -> None:
    cluster = Cluster(clock=VirtualClock())
    with pytest.raises(ValueError, match=said):
        cluster.faults.add(faults.WrongLeader(-1), **conditions)
