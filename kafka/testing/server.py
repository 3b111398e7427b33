"""Loopback sockets of a cluster's nodes, and the thread that serves them all.

Imported by: testing.broker.  Imports: testing.{cluster,endpoint,outbox}.
"""

from __future__ import annotations

import errno
import logging
import math
import os
import selectors
import socket
import struct
import threading
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any, Callable, cast

from kafka.testing.cluster import Cluster, Node
from kafka.testing.endpoint import Endpoint
from kafka.testing.outbox import Buffer, End

log = logging.getLogger(__name__)

_BACKLOG = 128
_READ_BYTES = 256 * 1024
_MOST_BUFFERS = 512  # of one sendmsg(); the least IOV_MAX in use is 1024
_LOOK_S = 1.0  # how often who waits for the server's thread looks whether it lives
_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # struct linger: on, 0 s


class Server:
    """Listening sockets, connections and the thread that serves them; it is started once and stopped once.

    Threads: listen(), hang_up(), look_at_all(), wake() and stop() any but its own, everything else its own.
    """

    def __init__(self, cluster: Cluster, nodes: Iterable[Node]) -> None:
        """OSError where a node's port is taken; nothing is left behind then."""
        self._cluster = cluster
        self._selector = selectors.DefaultSelector()
        self._is_stopping = False
        self._clients: set[_Client] = set()
        self._waiting: dict[_Client, None] = {}  # those with an answer held back
        self._buffer = memoryview(bytearray(_READ_BYTES))
        self._listeners: dict[int, socket.socket] = {}  # by node id
        self._errands: deque[_Errand] = deque()  # any thread adds, the server's takes
        self._alarm, self._bell = socket.socketpair()
        try:
            for node in nodes:
                self._listen(node)
        except BaseException:
            self._close_all()
            raise
        self._alarm.setblocking(False)
        self._bell.setblocking(False)
        self._selector.register(self._alarm, _READ, self._run_errands)
        self._thread = threading.Thread(target=self._run, name="kafka-testing-broker", daemon=True)
        self._thread.start()
        cluster.faults.watch(self.look_at_all)

    def listen(self, node: Node) -> None:
        """Serve this node too; OSError where its port is taken."""
        self._do(lambda: self._listen(node))

    def hang_up(self, node: Node) -> None:
        """Close the node's port and every connection to it."""
        self._do(lambda: self._hang_up(node))

    def wake(self) -> None:
        """Have a look at the answers that are held back: something has changed that they may wait for."""
        try:
            self._bell.send(b"\0")
        except OSError:
            pass  # it is awake already, or has ended by itself

    def look_at_all(self) -> None:
        """Have every connection take note of a change in the cluster's faults; it has when this returns."""
        if threading.current_thread() is self._thread:
            self._errands.append(_Errand(self._look_at_all))  # when it has done what it is at
            self.wake()
            return
        try:
            self._do(self._look_at_all)
        except RuntimeError:
            pass  # it has stopped, and there are no connections

    def stop(self) -> None:
        self._cluster.faults.unwatch(self.look_at_all)
        self._is_stopping = True
        self.wake()
        self._thread.join()

    def _do(self, action: Callable[[], None]) -> None:
        """Run it on the server's thread and wait; what it raises is raised here.  RuntimeError on that thread, which cannot wait for itself."""
        if threading.current_thread() is self._thread:
            raise RuntimeError("Code of a fault runs on the brokers' thread, which does not start or stop brokers while it serves a request")
        errand = _Errand(action)
        self._errands.append(errand)
        self.wake()
        while not errand.is_done.wait(_LOOK_S):
            if not self._thread.is_alive():
                raise RuntimeError("The test broker has stopped")
        if errand.error is not None:
            raise errand.error

    def _run_errands(self, mask: int) -> None:
        try:
            self._alarm.recv(_READ_BYTES)
        except BlockingIOError:
            pass
        while self._errands:
            self._errands.popleft().run()

    def _listen(self, node: Node) -> None:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            if os.name == "posix":  # elsewhere this would let two programs have one port
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(node.address)
            listener.listen(_BACKLOG)
            listener.setblocking(False)
        except BaseException:
            listener.close()
            raise
        node.port = listener.getsockname()[1]
        self._listeners[node.node_id] = listener
        self._selector.register(listener, _READ, lambda mask: self._accept(listener, node))

    def _hang_up(self, node: Node) -> None:
        listener = self._listeners.pop(node.node_id, None)
        if listener is not None:
            self._selector.unregister(listener)
            listener.close()
        for client in [client for client in self._clients if client.node is node]:
            self._drop(client)

    def _run(self) -> None:
        try:
            while not self._is_stopping:
                for key, mask in self._selector.select(self._timeout_s()):
                    if cast(socket.socket, key.fileobj).fileno() >= 0:  # not closed by what came before it
                        key.data(mask)
                if self._waiting:
                    self._look_again()
        except Exception:
            log.exception("The test broker at %s has stopped", self._cluster.bootstrap_servers)
        finally:
            self._close_all()

    def _timeout_s(self) -> float | None:
        due_s = min((client.endpoint.deadline_s for client in self._waiting), default=math.inf)
        return None if due_s == math.inf else max(0.0, due_s - self._cluster.clock.monotonic())

    def _accept(self, listener: socket.socket, node: Node) -> None:
        try:
            sock, _ = listener.accept()
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                raise
            return  # the client has gone away in the meantime
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client = _Client(sock, node, Endpoint(self._cluster, node))
        except OSError:
            sock.close()  # the client has gone away
            return
        except Exception:
            log.exception("The test broker failed on a new connection and closes it")
            sock.close()
            return
        self._clients.add(client)
        self._selector.register(sock, _READ, lambda mask: self._serve(client, mask))
        self._guarded(client, _nothing)  # a fault may have hit it already

    def _serve(self, client: _Client, mask: int) -> None:
        self._guarded(client, lambda: client.read(self._buffer) if mask & _READ and client.endpoint.is_reading else None)

    def _look_at_all(self) -> None:
        for client in list(self._clients):
            self._guarded(client, client.endpoint.look_again)

    def _look_again(self) -> None:
        """Those who wait may have got what they wait for, or have waited long enough."""
        for client in list(self._waiting):
            self._guarded(client, client.endpoint.look_again)

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
        endpoint = client.endpoint
        if endpoint.end is not None and (is_done or endpoint.end is End.RESET):
            self._drop(client, endpoint.end)
            return
        # Who does not read answers is not served further.
        self._select(client, _WRITE if not is_done else _READ if endpoint.is_reading else 0)
        if endpoint.deadline_s < math.inf:
            self._waiting[client] = None
        else:
            self._waiting.pop(client, None)

    def _select(self, client: _Client, mask: int) -> None:
        """Have its socket looked at for these events."""
        if mask == client.mask:
            return
        if not mask:
            self._selector.unregister(client.sock)
        elif client.mask:
            self._selector.modify(client.sock, mask, self._selector.get_key(client.sock).data)
        else:
            self._selector.register(client.sock, mask, lambda found: self._serve(client, found))
        client.mask = mask

    def _drop(self, client: _Client, end: End = End.CLOSE) -> None:
        self._waiting.pop(client, None)
        self._clients.remove(client)
        self._select(client, 0)
        if end is End.RESET:
            client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        client.sock.close()

    def _close_all(self) -> None:
        for client in list(self._clients):
            self._drop(client)
        for listener in self._listeners.values():
            listener.close()
        self._selector.close()
        self._alarm.close()
        self._bell.close()


class _Errand:
    """Something that another thread wants done on the server's.

    Threads: the server's runs it, the other one waits.
    """

    def __init__(self, action: Callable[[], None]) -> None:
        self._action = action
        self.is_done = threading.Event()
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            self._action()
        except Exception as error:  # noqa: BLE001 - whoever waits is told
            self.error = error
        finally:
            self.is_done.set()


def _nothing() -> None:
    """There is nothing to do but to look what comes of it."""


class _Client:
    """One accepted socket and the endpoint behind it.

    Threads: the broker's.
    """

    def __init__(self, sock: socket.socket, node: Node, endpoint: Endpoint) -> None:
        self.sock = sock
        self.node = node
        self.endpoint = endpoint
        self.mask = _READ
        self._output: deque[Buffer] = deque()

    def read(self, buffer: memoryview) -> None:
        """Hand on what has come; OSError where the connection is lost."""
        try:
            count = self.sock.recv_into(buffer)
        except BlockingIOError:
            return
        if count:
            self.endpoint.receive(buffer[:count])
        else:
            self.endpoint.receive_end()

    def write(self) -> bool:
        """Send what the socket takes; False if there is more."""
        self._output.extend(self.endpoint.take_output())
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
