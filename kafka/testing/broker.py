"""Brokers on loopback sockets, all served by one thread.

Imported by: testing.  Imports: _clock, testing.{cluster,connection}.
"""

from __future__ import annotations

import errno
import logging
import math
import os
import selectors
import socket
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Callable

from kafka._clock import SystemClock
from kafka.testing.cluster import MAX_MESSAGE_BYTES, Cluster, Node, Record
from kafka.testing.connection import Buffer, ServerConnection

log = logging.getLogger(__name__)

_HOST = "127.0.0.1"
_BACKLOG = 128
_READ_BYTES = 256 * 1024
_MOST_BUFFERS = 512  # of one sendmsg(); the least IOV_MAX in use is 1024
_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class KafkaBroker:
    """An in-process Kafka on the loopback interface, which any Kafka client can use; see testing.handlers for what it does.

    Data and port stay the same over stop() and start().
    Threads: any; one daemon thread of its own serves while it runs.
    """

    def __init__(
        self,
        *,
        brokers: int = 1,
        default_partitions: int = 1,
        auto_create_topics: bool = True,
        max_message_bytes: int = MAX_MESSAGE_BYTES,
        api_versions: Mapping[int, tuple[int, int]] | None = None,
    ) -> None:
        """Nothing listens before start(), which `with` calls.

        brokers: how many share the topics. default_partitions: of a topic made without a number. auto_create_topics: whether asking
        for a topic's metadata makes it. max_message_bytes: the largest batch. api_versions: {API key: (lowest, highest version)} to
        speak, instead of all.
        """
        self.cluster = Cluster(
            clock=SystemClock(),
            brokers=brokers,
            default_partitions=default_partitions,
            auto_create_topics=auto_create_topics,
            max_message_bytes=max_message_bytes,
            api_versions=api_versions,
        )
        for node in self.cluster.nodes.values():
            node.host, node.port = _HOST, 0
        self._server: _Server | None = None

    def __repr__(self) -> str:
        state = "stopped" if self._server is None else "running"
        return f"<KafkaBroker at {self.cluster.bootstrap_servers}, {state}>"

    def __enter__(self) -> KafkaBroker:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.stop()

    @property
    def bootstrap_servers(self) -> str:
        """Where clients find it, "127.0.0.1:port", with commas between several; RuntimeError before the first start()."""
        if any(node.port == 0 for node in self.cluster.nodes.values()):
            raise RuntimeError("The broker has no port before start()")
        return self.cluster.bootstrap_servers

    def start(self) -> None:
        """Listen and serve; again on the same port after a stop().  OSError where another program has taken it meanwhile."""
        if self._server is None:
            self._server = _Server(self.cluster)

    def stop(self) -> None:
        """Close every connection and stop listening; data stays readable."""
        server, self._server = self._server, None
        if server is not None:
            server.stop()

    def create_topic(self, name: str, partitions: int | None = None, *, timestamp_type: str = "CreateTime") -> None:
        """Make a topic, whose records have the producer's time, or the broker's with "LogAppendTime".

        ValueError where it exists or the name is no topic's.
        """
        self.cluster.create_topic(name, partitions, timestamp_type=timestamp_type)

    def records(self, topic: str) -> list[Record]:
        """All records, by partition and offset; an empty list where there is no such topic."""
        return self.cluster.records(topic)

    def batches(self, topic: str) -> list[bytes]:
        """Each batch (of message formats 0 and 1: each partition's share of a request) as it was received."""
        return self.cluster.batches(topic)


class _Server:
    """Listening sockets, connections and the thread that serves them; it is started once and stopped once.

    Threads: stop() any, everything else its own.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._selector = selectors.DefaultSelector()
        self._is_stopping = False
        self._clients: set[_Client] = set()
        self._waiting: dict[_Client, None] = {}  # those with an answer held back
        self._buffer = memoryview(bytearray(_READ_BYTES))
        self._listeners: list[socket.socket] = []
        self._alarm, self._bell = socket.socketpair()
        try:
            for node in cluster.nodes.values():
                self._listen(node)
        except BaseException:
            self._close_all()
            raise
        self._selector.register(self._alarm, _READ, lambda mask: self._alarm.recv(_READ_BYTES))
        self._thread = threading.Thread(target=self._run, name="kafka-testing-broker", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._is_stopping = True
        try:
            self._bell.send(b"\0")
        except OSError:
            pass  # the thread has ended by itself
        self._thread.join()

    def _listen(self, node: Node) -> None:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._listeners.append(listener)
        if os.name == "posix":  # elsewhere this would let two programs have one port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(node.address)
        listener.listen(_BACKLOG)
        listener.setblocking(False)
        node.port = listener.getsockname()[1]
        self._selector.register(listener, _READ, lambda mask: self._accept(listener, node))

    def _run(self) -> None:
        try:
            while not self._is_stopping:
                for key, mask in self._selector.select(self._timeout_s()):
                    key.data(mask)
                if self._waiting:
                    self._look_again()
        except Exception:
            log.exception("The test broker at %s has stopped", self._cluster.bootstrap_servers)
        finally:
            self._close_all()

    def _timeout_s(self) -> float | None:
        due_s = min((client.connection.deadline_s for client in self._waiting), default=math.inf)
        return None if due_s == math.inf else max(0.0, due_s - self._cluster.clock.monotonic())

    def _accept(self, listener: socket.socket, node: Node) -> None:
        try:
            sock, _ = listener.accept()
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                raise
            return  # the client has gone away in the meantime
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client = _Client(sock, ServerConnection(self._cluster, node))
        self._clients.add(client)
        self._selector.register(sock, _READ, lambda mask: self._serve(client, mask))

    def _serve(self, client: _Client, mask: int) -> None:
        self._guarded(client, lambda: client.read(self._buffer) if mask & _READ else None)

    def _look_again(self) -> None:
        """Those who wait may have got what they wait for, or have waited long enough."""
        for client in list(self._waiting):
            self._guarded(client, client.connection.look_again)

    def _guarded(self, client: _Client, action: Callable[[], Any]) -> None:
        """Do something for a client, and send what comes of it."""
        try:
            action()
            is_done = client.write()
        except OSError:
            self._drop(client)
            return
        except Exception:
            log.exception("The test broker failed on a request and closes its connection")
            self._drop(client)
            return
        if client.connection.is_closing and is_done:
            self._drop(client)
            return
        mask = _READ if is_done else _WRITE  # who does not read answers is not served further
        if mask != client.mask:
            client.mask = mask
            self._selector.modify(client.sock, mask, self._selector.get_key(client.sock).data)
        if client.connection.deadline_s < math.inf:
            self._waiting[client] = None
        else:
            self._waiting.pop(client, None)

    def _drop(self, client: _Client) -> None:
        self._waiting.pop(client, None)
        self._clients.remove(client)
        self._selector.unregister(client.sock)
        client.sock.close()

    def _close_all(self) -> None:
        for client in list(self._clients):
            self._drop(client)
        for listener in self._listeners:
            listener.close()
        self._selector.close()
        self._alarm.close()
        self._bell.close()


class _Client:
    """One accepted socket and the connection behind it.

    Threads: the broker's.
    """

    def __init__(self, sock: socket.socket, connection: ServerConnection) -> None:
        self.sock = sock
        self.connection = connection
        self.mask = _READ
        self._output: deque[Buffer] = deque()

    def read(self, buffer: memoryview) -> None:
        """Hand on what has come; OSError where the connection is lost."""
        try:
            count = self.sock.recv_into(buffer)
        except BlockingIOError:
            return
        if count:
            self.connection.receive(buffer[:count])
        else:
            self.connection.receive_end()

    def write(self) -> bool:
        """Send what the socket takes; False if there is more."""
        self._output.extend(self.connection.take_output())
        try:
            while self._output:
                self._forget(_send(self.sock, list(self._output)[:_MOST_BUFFERS]))
        except BlockingIOError:
            return False
        return True

    def _forget(self, count: int) -> None:
        output = self._output
        while output and count >= len(output[0]):
            count -= len(output.popleft())
        if count:
            output[0] = memoryview(output[0])[count:]


def _send(sock: socket.socket, buffers: Sequence[Buffer]) -> int:
    if hasattr(sock, "sendmsg"):
        return sock.sendmsg(buffers)
    return sock.send(buffers[0])
