"""A network in memory, in virtual time: no threads, no sockets, every run the same.

Imported by: testing, tests.  Imports: _transport, testing.{clock,cluster,endpoint,memory_selector,outbox,timeline}.
"""

from __future__ import annotations

import errno
import functools
import itertools
import math
import os
import selectors
import socket
from collections import deque
from collections.abc import Sequence
from typing import Any

from kafka._transport import SocketOption
from kafka.testing.clock import VirtualClock
from kafka.testing.cluster import Cluster, Node
from kafka.testing.endpoint import Endpoint
from kafka.testing.memory_selector import BOTH, MemorySelector, MemoryWaker
from kafka.testing.outbox import End
from kafka.testing.timeline import Action, Timeline

Address = tuple[str, int]

_FIRST_FD = 1_000_000_000  # no real file has such a number, so that a mix-up with the system's is noticed


class Link:
    """The way to one address, which a test may slow down, break and heal.

    Threads: one.
    """

    def __init__(self, network: MemoryTransport, address: Address, *, latency_s: float) -> None:
        self.address = address
        self.to_broker_s = latency_s
        """How long bytes take to the broker."""
        self.from_broker_s = latency_s
        """How long its answers take."""
        self.is_refused = False
        self.is_unreachable = False
        self._network = network
        self._under_way: dict[bool, deque[Action]] = {True: deque(), False: deque()}  # to the broker, and from it, in the order they were sent
        self._held = {True: 0, False: 0}  # how many of them were due while the link was unreachable
        self._last_s = {True: 0.0, False: 0.0}  # when the last bytes arrive at the broker, and from it
        self._streams: dict[MemoryStream, None] = {}  # in the order they were connected

    def refuse(self) -> None:
        """From now on nobody listens; connections that exist stay."""
        self.is_refused = True

    def make_unreachable(self) -> None:
        """Nothing comes through any more, and no end hears of it; heal() lets go on what was sent, as TCP's repetitions do."""
        self.is_unreachable = True

    def heal(self) -> None:
        """Undo refuse() and make_unreachable()."""
        self.is_refused = self.is_unreachable = False
        for is_to_broker, held in self._held.items():
            self._held[is_to_broker] = 0
            for _ in range(held):
                self._plan_arrival(is_to_broker)

    def cut(self) -> None:
        """Reset every connection; what is under way in either direction is lost."""
        for stream in list(self._streams):
            stream.reset(_error(ConnectionResetError, errno.ECONNRESET))

    def to_broker(self, action: Action) -> None:
        """Run `action` when something sent now is at the broker."""
        self._plan(True, action)

    def from_broker(self, action: Action) -> None:
        """Run `action` when something that the broker sends now is at the client."""
        self._plan(False, action)

    def _plan(self, is_to_broker: bool, action: Action) -> None:
        self._under_way[is_to_broker].append(action)
        self._plan_arrival(is_to_broker)

    def _plan_arrival(self, is_to_broker: bool) -> None:
        """Of whatever is the next one by then: nothing overtakes what was held."""
        network = self._network
        delay_s = self.to_broker_s if is_to_broker else self.from_broker_s
        at_s = max(network.now_s() + delay_s, self._last_s[is_to_broker])  # never before what was sent earlier
        self._last_s[is_to_broker] = at_s
        network.timeline.plan(at_s, functools.partial(self._arrive, is_to_broker))

    def _arrive(self, is_to_broker: bool) -> None:
        if self.is_unreachable:
            self._held[is_to_broker] += 1
        else:
            self._under_way[is_to_broker].popleft()()

    def add(self, stream: MemoryStream) -> None:
        self._streams[stream] = None

    def discard(self, stream: MemoryStream) -> None:
        self._streams.pop(stream, None)

    def streams(self) -> list[MemoryStream]:
        return list(self._streams)


class MemoryTransport:
    """Connects clients to the brokers of a Cluster, by the addresses these have there.

    Threads: one.
    """

    resolves_at_once = True

    def __init__(self, cluster: Cluster, clock: VirtualClock, *, latency_s: float = 0.0, capacity_bytes: int = 65536) -> None:
        """`latency_s` is for one way. A stream takes `capacity_bytes` that have not arrived, and gives as many in one read."""
        self.cluster = cluster
        self.clock = clock
        self.timeline = Timeline()
        self.capacity_bytes = capacity_bytes
        self._latency_s = latency_s
        self._links: dict[Address, Link] = {}
        self._fds = itertools.count(_FIRST_FD)
        self._waiting: dict[MemoryStream, float] = {}  # those whose broker holds an answer back, and until when
        cluster.faults.watch(self.look_at_all)
        cluster.watch(self.look_at_all)

    def link(self, address: Address) -> Link:
        """The link to this address, made where there is none: a host that no broker has is then known, but refuses."""
        if address not in self._links:
            self._links[address] = Link(self, address, latency_s=self._latency_s)
        return self._links[address]

    def now_s(self) -> float:
        """The network's time: it went on while a client did not look, after VirtualClock.advance()."""
        running_s = self.timeline.running_s
        return self.clock.monotonic() if running_s is None else running_s

    def new_fd(self) -> int:
        return next(self._fds)

    # --- kafka._transport.Transport -----------------------------------------------------------------------------

    def resolve(self, host: str, port: int) -> list[tuple[int, Any]]:
        known = (address for address in itertools.chain(self._links, self.cluster.addresses()))
        if not any(host == name for name, _ in known):
            raise socket.gaierror(socket.EAI_NONAME, f"{host} is not in this network")
        return [(int(socket.AF_INET), (host, port))]

    def connect(self, family: int, address: Any, options: Sequence[SocketOption]) -> MemoryStream:
        stream = MemoryStream(self, self.link(address))
        stream.begin()
        return stream

    def selector(self) -> MemorySelector:
        return MemorySelector(self.clock, self.timeline)

    def waker(self) -> MemoryWaker:
        return MemoryWaker(self.new_fd())

    # --- the brokers' side --------------------------------------------------------------------------------------

    def served(self, stream: MemoryStream) -> None:
        """A broker has dealt with bytes of this stream; others may have waited for what that changed."""
        self.keep_time(stream)
        for other in list(self._waiting):
            other.look_again()

    def look_at_all(self) -> None:
        """Have every connection take note of a change in the cluster or its faults."""
        for link in list(self._links.values()):
            for stream in link.streams():
                stream.look_again()

    def keep_time(self, stream: MemoryStream) -> None:
        """See to it that the broker looks again when a request that it holds back is due."""
        deadline_s = stream.answer_due_s
        if deadline_s == math.inf:
            self._waiting.pop(stream, None)
        elif self._waiting.get(stream) != deadline_s:
            self._waiting[stream] = deadline_s
            self.timeline.plan(deadline_s, stream.look_again)


class MemoryStream:
    """A client's end of a connection.

    Threads: one.
    """

    def __init__(self, network: MemoryTransport, link: Link) -> None:
        self._network = network
        self._link = link
        self._fd = network.new_fd()
        self._endpoint: Endpoint | None = None
        self._node: Node | None = None  # whose end it is
        self._is_connected = False
        self._error: OSError | None = None
        self._received = bytearray()
        self._has_ended = False
        self._unread: deque[bytes] = deque()  # what has come to the broker, which does not read; b"" is the client's end
        self._unarrived_bytes = 0  # sent and not read
        self._is_shut = False
        self._is_closed = False
        self.connection = 0
        """Its number as the cluster counts connections, once it has been accepted."""

    def fileno(self) -> int:
        return -1 if self._is_closed else self._fd

    def begin(self) -> None:
        """Set out to connect."""
        link = self._link
        link.add(self)
        link.to_broker(self._arrive)

    def finish_connect(self) -> None:
        if self._error is not None:
            raise self._error
        if not self._is_connected:
            raise _error(BlockingIOError, errno.EINPROGRESS)

    def send(self, buffers: Sequence[bytes | bytearray | memoryview]) -> int:
        self._check_usable()
        if self._is_shut:
            raise _error(BrokenPipeError, errno.EPIPE)
        room = self._network.capacity_bytes - self._unarrived_bytes
        if room <= 0 or not self._is_connected:
            raise _error(BlockingIOError, errno.EAGAIN)
        taken = bytearray()
        for buffer in buffers:
            taken += memoryview(buffer)[: room - len(taken)]
            if len(taken) == room:
                break
        data = bytes(taken)
        self._unarrived_bytes += len(data)
        self._link.to_broker(lambda: self._deliver(data))
        return len(data)

    def recv_into(self, buffer: memoryview) -> int:
        count = min(len(self._received), len(buffer), self._network.capacity_bytes)
        if count:
            buffer[:count] = self._received[:count]
            del self._received[:count]
            return count
        self._check_usable()
        if self._has_ended:
            return 0
        raise _error(BlockingIOError, errno.EAGAIN)

    def shutdown_write(self) -> None:
        self._check_usable()
        if not self._is_shut:
            self._is_shut = True
            self._link.to_broker(self._deliver_end)

    def close(self) -> None:
        """As a kernel does: what was sent still arrives, unless answers were left unread, which makes it a reset."""
        if self._is_closed:
            return
        self._is_closed = True
        if self._received:
            self._drop_connection()
        elif not self._is_shut:
            self._link.to_broker(self._deliver_end)

    def reset(self, error: OSError) -> None:
        """The connection is gone, with all that is under way; what has come can still be read, as on Linux."""
        self._error = error
        self._drop_connection()

    def readiness(self) -> int:
        """The selector's events that are true now."""
        if self._error is not None:
            return BOTH
        if not self._is_connected:
            return 0
        readable = selectors.EVENT_READ if self._received or self._has_ended else 0
        writable = selectors.EVENT_WRITE if self._unarrived_bytes < self._network.capacity_bytes else 0
        return readable | writable

    # --- the broker's end ---------------------------------------------------------------------------------------

    @property
    def answer_due_s(self) -> float:
        """When the broker must look at a request that it holds back; inf without one."""
        return math.inf if self._endpoint is None else self._endpoint.deadline_s

    def look_again(self) -> None:
        """Time has passed, or something has happened that a request held back by the broker may have waited for."""
        if self._node is not None and not self._node.is_running:
            self._hang_up()
        if self._endpoint is not None:
            self._endpoint.look_again()
            self._send_answers(self._endpoint)
            self._read()
        self._network.keep_time(self)

    def _send_answers(self, endpoint: Endpoint) -> None:
        output = b"".join(endpoint.take_output())
        if output:
            self._link.from_broker(lambda: self._receive(output))
        if endpoint.end is not None:
            self._drop_connection()
            self._link.from_broker(self._receive_end if endpoint.end is End.CLOSE else self._receive_reset)

    def _arrive(self) -> None:
        """The request to connect is at the broker."""
        link = self._link
        if self._is_closed or self._error is not None:
            return
        node = None if link.is_refused else self._network.cluster.node_at(link.address)
        if node is not None:
            self._endpoint = Endpoint(self._network.cluster, node)
            self.connection = self._endpoint.connection
            self._node = node
            link.from_broker(self._accepted)
            self.look_again()  # a fault may have hit it already
        else:
            link.from_broker(lambda: self.reset(_error(ConnectionRefusedError, errno.ECONNREFUSED)))

    def _accepted(self) -> None:
        self._is_connected = self._error is None

    def _deliver(self, data: bytes) -> None:
        if self._endpoint is not None:
            self._unread.append(data)
            self._read()
            return
        self._unarrived_bytes -= len(data)
        if data and self._error is None:  # the broker has closed its end, or the client this one
            self._link.from_broker(self._receive_reset)

    def _deliver_end(self) -> None:
        self._deliver(b"")

    def _read(self) -> None:
        """The broker takes what has come, as long as it reads."""
        while self._unread and self._endpoint is not None and self._endpoint.is_reading:
            data = self._unread.popleft()
            self._unarrived_bytes -= len(data)
            if data:
                self._endpoint.receive(data)
            else:
                self._endpoint.receive_end()
            self._send_answers(self._endpoint)
            self._network.served(self)

    def _receive(self, data: bytes) -> None:
        if not self._is_closed and self._error is None:
            self._received += data

    def _receive_end(self) -> None:
        self._has_ended = True

    def _receive_reset(self) -> None:
        self.reset(_error(ConnectionResetError, errno.ECONNRESET))

    def _hang_up(self) -> None:
        """The broker has stopped: its system closes what it had open."""
        self._drop_connection()
        self._link.from_broker(self._receive_end)

    def _drop_connection(self) -> None:
        self._endpoint = self._node = None
        self._link.discard(self)

    def _check_usable(self) -> None:
        if self._is_closed:
            raise _error(OSError, errno.EBADF)
        if self._error is not None:
            raise self._error


def _error(kind: type[OSError], number: int) -> OSError:
    return kind(number, os.strerror(number))
