"""The seam to the network, as Python code and compiled: what it promises to the client."""

from __future__ import annotations

import selectors
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

import kafka
from kafka import _transport
from kafka._transport import PythonSocketStream, SocketStream, SocketTransport

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
IS_COMPILED = kafka.__impl__ == "compiled" and sys.platform == "linux"


@pytest.fixture(params=list(dict.fromkeys([PythonSocketStream, SocketStream])), ids=lambda kind: kind.__module__)
def pair(request: pytest.FixtureRequest) -> Iterator[tuple[Any, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    stream = request.param(ours)
    yield stream, theirs
    stream.close()
    theirs.close()


@pytest.fixture(params=[selectors.SelectSelector, selectors.DefaultSelector])
def transport(request: pytest.FixtureRequest) -> SocketTransport:
    return SocketTransport(request.param)


def test_the_system_s_selector_is_the_compiled_one_where_there_is_one() -> None:
    made, chosen = SocketTransport(selectors.DefaultSelector), SocketTransport(selectors.SelectSelector)
    for transport, is_compiled in ((made, IS_COMPILED), (chosen, False)):
        with_selector, with_waker = transport.selector(), transport.waker()
        assert type(with_selector).__module__ == ("kafka._speedups.sockets" if is_compiled else "selectors")
        assert type(with_waker).__module__ == ("kafka._speedups.sockets" if is_compiled else "kafka._transport")
        with_selector.close()
        with_waker.close()
    assert SocketStream.__module__ == ("kafka._speedups.sockets" if IS_COMPILED else "kafka._transport")


def test_a_chain_is_sent_as_it_lies_in_memory(pair: Any) -> None:
    stream, peer = pair
    assert stream.send([b"head", bytearray(b"-body-"), memoryview(b"xtailx")[1:5], b""]) == 14
    assert stream.send([b"alone"]) == 5
    assert peer.recv(100) == b"head-body-tailalone"


def test_a_chain_longer_than_the_system_takes_is_sent_in_part(pair: Any) -> None:
    stream, peer = pair
    assert stream.send([b"x"] * 3000) == 1024
    assert len(peer.recv(5000)) == 1024


@pytest.mark.parametrize("size", [100, 1 << 20])
def test_a_full_socket_takes_what_fits_and_then_says_that_it_would_block(pair: Any, size: int) -> None:
    stream, peer = pair
    sent, piece = 0, bytes(range(256)) * (size // 256 + 1)
    with pytest.raises(BlockingIOError):
        while True:
            sent += stream.send([piece, piece])
    peer.setblocking(False)
    received = bytearray()
    while len(received) < sent:
        received += peer.recv(1 << 20)
    expected = (piece * 2) * (sent // (2 * len(piece)) + 2)
    assert len(received) == sent
    if size < 1 << 20:  # whole pieces but for the last
        assert bytes(received) == expected[:sent]


def test_reading_fills_the_buffer_says_would_block_and_tells_the_end(pair: Any) -> None:
    stream, peer = pair
    buffer = bytearray(8)
    with pytest.raises(BlockingIOError):
        stream.recv_into(memoryview(buffer))
    peer.sendall(b"0123456789")
    assert stream.recv_into(memoryview(buffer)) == 8
    assert stream.recv_into(memoryview(buffer)) == 2
    assert buffer == b"89234567"
    peer.close()
    assert stream.recv_into(memoryview(buffer)) == 0


def test_a_peer_that_is_gone_is_an_error_and_no_signal(pair: Any) -> None:
    stream, peer = pair
    peer.close()
    with pytest.raises((BrokenPipeError, ConnectionResetError)):
        stream.send([b"x"])


def test_a_closed_stream_touches_no_descriptor(pair: Any) -> None:
    stream, _ = pair
    stream.close()
    assert stream.fileno() == -1
    for use in (lambda: stream.send([b"x"]), lambda: stream.recv_into(memoryview(bytearray(1)))):
        with pytest.raises(OSError, match="Bad file descriptor"):
            use()


@pytest.mark.parametrize("bad", [["words"], [None], [b"x", 7]])
def test_what_is_no_buffer_is_refused_before_anything_is_sent(pair: Any, bad: list[Any]) -> None:
    stream, peer = pair
    with pytest.raises(TypeError):
        stream.send(bad)
    peer.setblocking(False)
    with pytest.raises(BlockingIOError):
        peer.recv(1)


def test_each_wake_interrupts_one_select(transport: SocketTransport) -> None:
    selector, waker = transport.selector(), transport.waker()
    selector.register(waker, READ, None)
    assert selector.select(0.0) == []
    for _ in range(3):
        threading.Thread(target=waker.wake).start()
        [(key, mask)] = selector.select(10.0)
        assert (key.data, mask) == (None, READ)
        waker.drain()
        assert selector.select(0.0) == []
    waker.wake()
    waker.wake()
    assert len(selector.select(0.0)) == 1
    waker.drain()
    assert selector.select(0.0) == []
    selector.unregister(waker)
    waker.close()
    waker.wake()  # nobody is there any more
    selector.close()


def test_the_selector_tells_what_was_asked_for_and_nothing_else(transport: SocketTransport) -> None:
    selector = transport.selector()
    ours, theirs = socket.socketpair()
    stream = SocketStream(ours)
    selector.register(stream, READ | WRITE, "it")
    assert [(key.data, key.fd, mask) for key, mask in selector.select(0.0)] == [("it", ours.fileno(), WRITE)]
    theirs.send(b"x")
    assert [mask for _, mask in selector.select(5.0)] == [READ | WRITE]
    selector.modify(stream, READ, "that")
    assert [(key.data, mask) for key, mask in selector.select(0.0)] == [("that", READ)]
    theirs.close()
    assert [mask for _, mask in selector.select(0.0)] == [READ]
    with pytest.raises(KeyError):
        selector.register(stream, READ, None)
    selector.unregister(stream)
    assert selector.select(0.0) == []
    for refused in (selector.unregister, lambda it: selector.modify(it, READ)):
        with pytest.raises(KeyError):
            refused(stream)
    stream.close()
    selector.close()


def test_a_signal_handler_s_exception_comes_out_of_select(transport: SocketTransport) -> None:
    class Rung(Exception):
        """Raised by the handler."""

    def ring(*_: Any) -> None:
        raise Rung

    selector = transport.selector()
    before = signal.signal(signal.SIGALRM, ring)
    try:
        with pytest.raises(Rung):
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            selector.select(30.0)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
        selector.close()


def test_gevent_s_and_other_selectors_are_used_as_they_are() -> None:
    made: list[Any] = []

    class Mine(selectors.SelectSelector):
        def __init__(self) -> None:
            super().__init__()
            made.append(self)

    selector, waker = SocketTransport(Mine).selector(), SocketTransport(Mine).waker()
    assert made == [selector]
    assert isinstance(waker, _transport.SocketWaker)
    selector.close()
    waker.close()
