"""A cluster on sockets or in memory, and a client of it that knows bytes: what holds for one holds for the other."""

from __future__ import annotations

import selectors
import socket
import time
from collections import deque
from typing import Any

from kafka.protocol.framing import FrameDecoder
from kafka.testing import Cluster, KafkaCluster, MemoryTransport, VirtualClock
from kafka.testing.memory import MemoryStream
from tests.testing.wire import frame_of, response_in

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class Client:
    """A connection: send() and read() take part in what sockets do, ask() in what requests are."""

    def __init__(self) -> None:
        self._decoder = FrameDecoder(1 << 30)
        self._frames: deque[bytes] = deque()

    def send(self, data: bytes, timeout_s: float = 5) -> int:
        """How much was taken before the time was over."""
        raise NotImplementedError

    def read(self, timeout_s: float = 5) -> bytes | None:
        """What has come, b"" for the end; None where nothing comes in that time.  ConnectionResetError for a reset."""
        raise NotImplementedError

    def read_all(self, timeout_s: float = 5) -> bytes:
        """What comes until the end, or a reset, or silence for so long."""
        found = b""
        try:
            while True:
                part = self.read(timeout_s)
                if not part:
                    return found
                found += part
        except ConnectionError:
            return found

    def close(self) -> None:
        raise NotImplementedError

    def frame(self, timeout_s: float = 5) -> bytes | None:
        """The next answer; None where none comes in that time."""
        while not self._frames:
            data = self.read(timeout_s)
            if data is None:
                return None
            if not data:
                raise EOFError
            self._frames.extend(self._decoder.feed(data))
        return self._frames.popleft()

    def ask(self, request: Any, version: int, timeout_s: float = 5) -> Any:
        self.send(frame_of(request, version))
        return self.answer(request, version, timeout_s)

    def answer(self, request: Any, version: int, timeout_s: float = 5) -> Any:
        frame = self.frame(timeout_s)
        return None if frame is None else response_in(request, version, frame)


class SocketClient(Client):
    def __init__(self, address: tuple[str, int]) -> None:
        super().__init__()
        self.socket = socket.create_connection(address, 10)

    def send(self, data: bytes, timeout_s: float = 5) -> int:
        self.socket.settimeout(timeout_s)
        sent = 0
        try:
            while sent < len(data):
                sent += self.socket.send(data[sent : sent + 65536])
        except socket.timeout:
            pass
        return sent

    def read(self, timeout_s: float = 5) -> bytes | None:
        self.socket.settimeout(timeout_s)
        try:
            return self.socket.recv(1 << 20)
        except socket.timeout:
            return None

    def close(self) -> None:
        self.socket.close()


class MemoryClient(Client):
    def __init__(self, transport: MemoryTransport, address: tuple[str, int]) -> None:
        super().__init__()
        ((family, resolved),) = transport.resolve(*address)
        self._clock = transport.clock
        self.stream: MemoryStream = transport.connect(family, resolved, ())
        self._selector = transport.selector()
        self._selector.register(self.stream, WRITE)
        assert self._selector.select(10)
        self.stream.finish_connect()

    def send(self, data: bytes, timeout_s: float = 5) -> int:
        end_s = self._clock.monotonic() + timeout_s
        sent = 0
        while sent < len(data) and self._wait(WRITE, max(0.0, end_s - self._clock.monotonic())):
            try:
                sent += self.stream.send([memoryview(data)[sent:]])
            except BlockingIOError:
                continue
        return sent

    def read(self, timeout_s: float = 5) -> bytes | None:
        if not self._wait(READ, timeout_s):
            return None
        buffer = bytearray(1 << 20)
        return bytes(buffer[: self.stream.recv_into(memoryview(buffer))])

    def close(self) -> None:
        self.stream.close()

    def _wait(self, events: int, timeout_s: float) -> bool:
        self._selector.modify(self.stream, events)
        return bool(self._selector.select(timeout_s))


class SocketNetwork:
    """Real sockets, and time that passes: `unit_s` is as long as a test should wait to be sure that nothing comes."""

    unit_s = 0.05

    def __init__(self, **options: Any) -> None:
        self.broker = KafkaCluster(**{"brokers": 1, **options})
        self.broker.start()
        self.cluster: Cluster = self.broker.cluster
        self._clients: list[SocketClient] = []

    def connect(self, node_id: int = 1) -> Client:
        client = SocketClient(self.cluster.nodes[node_id].address)
        self._clients.append(client)
        return client

    def now_s(self) -> float:
        return time.monotonic()

    def close(self) -> None:
        for client in self._clients:
            client.close()
        self.broker.stop()


class MemoryNetwork:
    """Virtual time."""

    unit_s = 1.0

    def __init__(self, **options: Any) -> None:
        self.clock = VirtualClock()
        self.cluster = Cluster(clock=self.clock, **options)
        self.transport = MemoryTransport(self.cluster, self.clock)

    def connect(self, node_id: int = 1) -> Client:
        return MemoryClient(self.transport, self.cluster.nodes[node_id].address)

    def now_s(self) -> float:
        return self.clock.monotonic()

    def close(self) -> None:
        """Nothing runs."""


NETWORKS = {"sockets": SocketNetwork, "memory": MemoryNetwork}
