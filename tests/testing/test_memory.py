"""MemoryTransport: streams and selectors behave as sockets do, in virtual time."""

from __future__ import annotations

import functools
import selectors
import socket
from typing import Any

import pytest

from kafka._clock import Latch
from kafka._transport import Transport
from kafka.protocol.metadata import MetadataRequest, MetadataRequestTopic
from kafka.testing.clock import VirtualClock, VirtualStandstillError
from kafka.testing.cluster import Cluster
from kafka.testing.memory import Link, MemoryStream, MemoryTransport
from tests.testing.test_connection import fetch, offsets_in
from tests.testing.wire import batch, frame_of, produce, response_in

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
ADDRESS = ("broker-1", 9092)
QUESTION = MetadataRequest(topics=[MetadataRequestTopic(name="t")])


@pytest.fixture
def transport(cluster: Cluster, clock: VirtualClock) -> MemoryTransport:
    return MemoryTransport(cluster, clock)


def slow(cluster: Cluster, clock: VirtualClock) -> MemoryTransport:
    """One second to the broker, two back."""
    made = MemoryTransport(cluster, clock, latency_s=1.0)
    made.link(ADDRESS).from_broker_s = 2.0
    return made


class Peer:
    """A client on a transport, with a selector of its own."""

    def __init__(self, transport: MemoryTransport, address: tuple[str, int] = ADDRESS) -> None:
        ((family, resolved),) = transport.resolve(*address)
        self.clock = transport.clock
        self.stream = transport.connect(family, resolved, ())
        self.selector = transport.selector()
        self.selector.register(self.stream, WRITE)

    def connected(self) -> Peer:
        assert self.selector.select(10)
        self.stream.finish_connect()
        self.selector.modify(self.stream, READ)
        return self

    def send_all(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            try:
                left = left[self.stream.send([left]) :]
            except BlockingIOError:
                self.wait(WRITE)

    def read(self, timeout_s: float = 10) -> bytes | None:
        """What there is after a wait; None after the time-out."""
        if not self.wait(READ, timeout_s):
            return None
        buffer = bytearray(1 << 20)
        return bytes(buffer[: self.stream.recv_into(memoryview(buffer))])

    def wait(self, events: int, timeout_s: float = 10) -> bool:
        self.selector.modify(self.stream, events)
        return bool(self.selector.select(timeout_s))


def link_of(transport: MemoryTransport) -> Link:
    return transport.link(ADDRESS)


def test_it_is_a_transport(transport: MemoryTransport) -> None:
    seen: Transport = transport
    assert seen.resolves_at_once


def test_a_request_is_answered(transport: MemoryTransport) -> None:
    peer = Peer(transport).connected()
    peer.send_all(frame_of(QUESTION, 9))

    answered = peer.read()

    assert answered
    assert [t.name for t in response_in(QUESTION, 9, answered[4:]).topics] == ["t"]
    assert peer.clock.monotonic() == 0


def test_latency_counts_for_each_way(cluster: Cluster, clock: VirtualClock) -> None:
    peer = Peer(slow(cluster, clock)).connected()
    assert clock.monotonic() == 3.0
    peer.send_all(frame_of(QUESTION, 9))

    assert peer.read()
    assert clock.monotonic() == 6.0


def test_nothing_overtakes_when_a_link_becomes_faster(cluster: Cluster, clock: VirtualClock) -> None:
    transport = slow(cluster, clock)
    peer = Peer(transport).connected()
    frame = frame_of(QUESTION, 9)
    peer.send_all(frame[:10])
    link_of(transport).to_broker_s = 0.0
    peer.send_all(frame[10:])

    assert peer.read()


def test_select_waits_for_its_time_out_in_no_time(transport: MemoryTransport) -> None:
    selector = transport.selector()
    assert selector.select(5) == []
    assert selector.select(0) == []
    assert selector.select(-1) == []
    assert transport.clock.monotonic() == 5.0


def test_a_select_that_can_never_end_is_an_error_and_no_hang(transport: MemoryTransport) -> None:
    with pytest.raises(VirtualStandstillError):
        transport.selector().select(None)


def test_a_stream_is_writable_when_connected_and_readable_when_something_came(cluster: Cluster, clock: VirtualClock) -> None:
    transport = slow(cluster, clock)
    peer = Peer(transport)
    peer.selector.modify(peer.stream, READ | WRITE, "data")
    with pytest.raises(BlockingIOError):
        peer.stream.finish_connect()
    with pytest.raises(BlockingIOError):
        peer.stream.send([b"x"])
    assert peer.selector.select(2.9) == []

    ((key, events),) = peer.selector.select(1)
    assert (key.fileobj, key.data, events) == (peer.stream, "data", WRITE)
    peer.stream.send([frame_of(QUESTION, 9)])
    assert [events for _, events in peer.selector.select(0)] == [WRITE]
    clock.advance(3)
    assert [events for _, events in peer.selector.select(0)] == [READ | WRITE]


def test_reading_nothing_blocks(transport: MemoryTransport) -> None:
    with pytest.raises(BlockingIOError):
        Peer(transport).connected().stream.recv_into(memoryview(bytearray(10)))


def test_a_full_stream_takes_a_part_and_then_nothing(cluster: Cluster, clock: VirtualClock) -> None:
    transport = MemoryTransport(cluster, clock, latency_s=1.0, capacity_bytes=10)
    peer = Peer(transport).connected()

    assert peer.stream.send([b"abc", bytearray(b"defg"), memoryview(b"hijklm")]) == 10
    with pytest.raises(BlockingIOError):
        peer.stream.send([b"x"])
    assert not peer.wait(WRITE, 0.9)
    assert peer.wait(WRITE, 0.2)


def test_large_requests_and_answers_pass_through_a_narrow_stream(cluster: Cluster, clock: VirtualClock) -> None:
    peer = Peer(MemoryTransport(cluster, clock, capacity_bytes=7)).connected()
    frame = frame_of(QUESTION, 9)

    peer.send_all(frame)

    received = b""
    while len(received) < 4 or len(received) < 4 + int.from_bytes(received[:4], "big"):
        part = peer.read()
        assert part
        assert len(part) <= 7
        received += part
    assert response_in(QUESTION, 9, received[4:]).topics[0].name == "t"


# --- ends -------------------------------------------------------------------------------------------------------------


def test_the_brokers_answer_comes_before_the_end(transport: MemoryTransport) -> None:
    peer = Peer(transport).connected()
    peer.send_all(frame_of(QUESTION, 9))
    peer.stream.shutdown_write()

    assert peer.read()
    assert peer.read() == b""
    assert peer.read() == b""
    with pytest.raises(BrokenPipeError):
        peer.stream.send([b"x"])


def test_what_is_no_request_ends_the_stream(transport: MemoryTransport) -> None:
    peer = Peer(transport).connected()
    peer.send_all(b"GET / HTTP/1.1\r\n\r\n")
    assert peer.read() == b""


def test_what_was_sent_before_close_arrives(cluster: Cluster, clock: VirtualClock) -> None:
    peer = Peer(slow(cluster, clock)).connected()
    peer.send_all(frame_of(produce(batch([b"a"]), acks=0), 9))
    peer.stream.close()
    peer.selector.unregister(peer.stream)
    peer.selector.select(2)
    assert [r.value for r in cluster.records("t")] == [b"a"]


def test_closing_with_answers_unread_loses_what_is_under_way(cluster: Cluster, clock: VirtualClock) -> None:
    peer = Peer(slow(cluster, clock)).connected()
    peer.send_all(frame_of(QUESTION, 9))
    assert peer.wait(READ)
    peer.send_all(frame_of(produce(batch([b"a"]), acks=0), 9))
    peer.stream.close()
    peer.selector.unregister(peer.stream)
    peer.selector.select(2)
    assert cluster.records("t") == []


def test_a_closed_stream_is_of_no_use(transport: MemoryTransport) -> None:
    stream = Peer(transport).connected().stream
    stream.close()
    stream.close()
    assert stream.fileno() == -1
    for use in (lambda: stream.send([b"x"]), lambda: stream.recv_into(memoryview(bytearray(1))), stream.shutdown_write):
        with pytest.raises(OSError, match="Bad file descriptor"):
            use()


# --- broken links -----------------------------------------------------------------------------------------------------


def test_a_refused_connection_is_writable_and_says_why(cluster: Cluster, clock: VirtualClock) -> None:
    transport = slow(cluster, clock)
    link_of(transport).refuse()
    peer = Peer(transport)
    assert peer.wait(WRITE)
    assert clock.monotonic() == 3.0
    with pytest.raises(ConnectionRefusedError):
        peer.stream.finish_connect()

    link_of(transport).heal()
    Peer(transport).connected()


def test_a_host_without_a_broker_refuses(transport: MemoryTransport) -> None:
    with pytest.raises(socket.gaierror):
        transport.resolve("elsewhere", 9092)
    transport.link(("elsewhere", 9092))
    peer = Peer(transport, ("elsewhere", 9092))
    assert peer.wait(WRITE)
    with pytest.raises(ConnectionRefusedError):
        peer.stream.finish_connect()


def test_an_unreachable_host_never_answers_until_it_is_healed(transport: MemoryTransport) -> None:
    link_of(transport).make_unreachable()
    peer = Peer(transport)
    assert not peer.wait(WRITE, 1000)

    link_of(transport).heal()
    peer.connected()


def test_what_is_sent_to_a_host_that_became_unreachable_arrives_when_it_is_healed(cluster: Cluster, transport: MemoryTransport) -> None:
    peer = Peer(transport).connected()
    link_of(transport).make_unreachable()
    peer.send_all(frame_of(produce(batch([b"a"])), 9))
    peer.send_all(frame_of(produce(batch([b"b"])), 9))
    assert peer.read(100) is None
    assert cluster.records("t") == []

    link_of(transport).heal()
    assert peer.read()
    assert [r.value for r in cluster.records("t")] == [b"a", b"b"]


def test_what_is_under_way_when_a_host_is_healed_does_not_overtake_what_was_held(cluster: Cluster, clock: VirtualClock) -> None:
    transport = slow(cluster, clock)
    peer = Peer(transport).connected()
    link_of(transport).make_unreachable()
    peer.send_all(frame_of(produce(batch([b"held"])), 9))
    assert peer.read(100) is None
    peer.send_all(frame_of(produce(batch([b"under way"])), 9))
    link_of(transport).heal()
    assert peer.read()
    assert [r.value for r in cluster.records("t")] == [b"held", b"under way"]


def test_a_stream_to_an_unreachable_host_fills_up(cluster: Cluster, clock: VirtualClock) -> None:
    transport = MemoryTransport(cluster, clock, capacity_bytes=100)
    peer = Peer(transport).connected()
    link_of(transport).make_unreachable()
    assert peer.stream.send([b"x" * 1000]) == 100
    assert not peer.wait(WRITE, 1000)


def test_a_cut_resets_both_ways(cluster: Cluster, clock: VirtualClock) -> None:
    transport = slow(cluster, clock)
    peer = Peer(transport).connected()
    peer.send_all(frame_of(produce(batch([b"lost"])), 9))

    link_of(transport).cut()

    assert [events for _, events in peer.selector.select(0)] == [READ]
    with pytest.raises(ConnectionResetError):
        peer.stream.recv_into(memoryview(bytearray(1)))
    with pytest.raises(ConnectionResetError):
        peer.stream.send([b"x"])
    transport.selector().select(10)
    assert cluster.records("t") == []
    Peer(transport).connected()


# --- brokers that stop ------------------------------------------------------------------------------------------------


def test_a_broker_that_stops_closes_its_connections_and_listens_no_more(clock: VirtualClock) -> None:
    cluster = Cluster(clock=clock, brokers=2)
    cluster.create_topic("t", 2)
    transport = MemoryTransport(cluster, clock)
    first, second = Peer(transport).connected(), Peer(transport, ("broker-2", 9092)).connected()

    cluster.stop_node(1)

    assert first.read() == b""
    peer = Peer(transport)
    assert peer.wait(WRITE)
    with pytest.raises(ConnectionRefusedError):
        peer.stream.finish_connect()
    second.send_all(frame_of(QUESTION, 9))
    answered = second.read()
    assert answered
    assert {p.leader_id for p in response_in(QUESTION, 9, answered[4:]).topics[0].partitions} == {2}

    cluster.start_node(1)
    first.send_all(b"x")
    first.selector.select(0)
    with pytest.raises(ConnectionResetError):
        first.send_all(b"x")
    Peer(transport).connected()


@pytest.mark.parametrize("change", [lambda cluster: cluster.move_leader("t", 0, 2), lambda cluster: cluster.delete_topic("t")])
def test_a_fetch_that_waits_is_told_when_the_partition_goes(clock: VirtualClock, change: Any) -> None:
    cluster = Cluster(clock=clock, brokers=2)
    cluster.create_topic("t", 1)
    consumer = Peer(MemoryTransport(cluster, clock)).connected()
    request = fetch(wait_ms=60_000)
    consumer.send_all(frame_of(request, 12))
    assert consumer.read(1) is None

    change(cluster)

    answered = consumer.read()
    assert answered
    assert response_in(request, 12, answered[4:]).responses[0].partitions[0].error_code in (3, 6)
    assert clock.monotonic() == 1.0


# --- waiting answers, wakers, selectors -------------------------------------------------------------------------------


def test_a_fetch_is_answered_when_another_connection_brings_a_record(transport: MemoryTransport) -> None:
    consumer, producer = Peer(transport).connected(), Peer(transport).connected()
    request = fetch(wait_ms=60_000)
    consumer.send_all(frame_of(request, 12))
    assert consumer.read(1) is None

    producer.send_all(frame_of(produce(batch([b"a"])), 9))

    answered = consumer.read()
    assert answered
    assert offsets_in(response_in(request, 12, answered[4:])) == [0]
    assert transport.clock.monotonic() == 1.0


def test_a_fetch_is_answered_when_its_time_is_over(transport: MemoryTransport) -> None:
    consumer = Peer(transport).connected()
    consumer.send_all(frame_of(fetch(wait_ms=500), 12) + frame_of(fetch(wait_ms=250), 12))
    assert consumer.read()
    assert transport.clock.monotonic() == 0.5
    assert consumer.read()
    assert transport.clock.monotonic() == 0.75


def test_a_waker_makes_select_return(transport: MemoryTransport) -> None:
    selector, waker = transport.selector(), transport.waker()
    selector.register(waker, READ, "waker")
    waker.wake()
    waker.wake()
    assert [(key.data, events) for key, events in selector.select(5)] == [("waker", READ)]
    waker.drain()
    assert selector.select(5) == []
    assert transport.clock.monotonic() == 5.0
    waker.close()


def test_within_a_wait_the_clock_moves_when_every_step_sleeps(cluster: Cluster, clock: VirtualClock) -> None:
    transport = slow(cluster, clock)
    peers = [Peer(transport) for _ in range(2)]
    latch = Latch()
    connected: list[MemoryStream] = []

    def turn(peer: Peer) -> None:
        if peer.selector.select(60) and peer.stream not in connected:
            connected.append(peer.stream)
        if len(connected) == 2:
            latch.open()

    for peer in peers:
        clock.add_step(functools.partial(turn, peer))

    assert clock.wait(latch, 10)
    assert clock.monotonic() == 3.0


def test_answers_that_have_come_can_be_read_after_a_reset(transport: MemoryTransport) -> None:
    peer = Peer(transport).connected()
    peer.send_all(frame_of(QUESTION, 9))
    assert peer.wait(READ)
    link_of(transport).cut()
    assert peer.read()
    with pytest.raises(ConnectionResetError):
        peer.read()


def test_what_is_sent_after_the_broker_has_closed_is_reset(transport: MemoryTransport) -> None:
    peer = Peer(transport).connected()
    peer.send_all(b"GET / HTTP/1.1\r\n\r\n")
    assert peer.read() == b""
    peer.send_all(b"more")
    peer.selector.select(0)
    with pytest.raises(ConnectionResetError):
        peer.send_all(b"still more")


def test_a_selector_knows_what_is_registered(transport: MemoryTransport) -> None:
    selector, stream = transport.selector(), Peer(transport).stream
    key = selector.register(stream, READ, 1)
    assert selector.get_key(stream) == key
    assert selector.modify(stream, WRITE, 2).data == 2
    with pytest.raises(KeyError):
        selector.register(stream, READ)
    with pytest.raises(ValueError, match="Invalid events"):
        selector.modify(stream, 0)
    selector = transport.selector()
    with pytest.raises(KeyError):
        selector.unregister(stream)
    selector.register(stream, READ)
    stream.close()
    assert selector.unregister(stream).fileobj is stream
    with pytest.raises(ValueError, match="closed"):
        selector.register(stream, READ)
    selector.close()


def test_two_runs_are_the_same() -> None:
    def run() -> list[tuple[float, bytes | None]]:
        clock = VirtualClock()
        cluster = Cluster(clock=clock)
        cluster.create_topic("t")
        peer = Peer(MemoryTransport(cluster, clock, latency_s=0.003, capacity_bytes=50)).connected()
        seen: list[tuple[float, bytes | None]] = []
        for _ in range(5):
            peer.send_all(frame_of(produce(batch([b"x" * 500])), 9))
            seen.append((clock.monotonic(), peer.read()))
        return seen

    assert run() == run()
