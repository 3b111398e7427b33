"""A broker's end of one connection, without I/O: bytes in, bytes out, as the network and faults let them through.

Imported by: testing.{broker,memory}.  Imports: testing.{cluster,condition,connection,outbox,tls}.
"""

from __future__ import annotations

import math

from kafka.testing.cluster import Cluster, Node
from kafka.testing.condition import Condition
from kafka.testing.connection import ServerConnection
from kafka.testing.outbox import Buffer, End
from kafka.testing.tls import ServerTls


class Endpoint:
    """What sockets and MemoryTransport have to do with a connection.

    After each call take_output() is to be sent, then `end` looked at.
    Threads: the broker's.
    """

    def __init__(self, cluster: Cluster, node: Node) -> None:
        self._condition = Condition(cluster.faults, node_id=node.node_id, clock=cluster.clock)
        self._connection = ServerConnection(cluster, node, self._condition)
        self._tls = None if cluster.ssl_context is None else ServerTls(cluster.ssl_context)
        self._received_bytes = 0
        self._sent_bytes = 0
        self._written: list[Buffer] = []  # output from before a freeze
        self.end: End | None = None
        """How to end the connection, once what was taken is sent."""
        self._look()

    @property
    def connection(self) -> int:
        """Its number among the cluster's connections."""
        return self._condition.number

    @property
    def is_reading(self) -> bool:
        """Whether to read from the client; if not, its bytes stay where they are."""
        return self.end is None and self._condition.is_reading

    @property
    def deadline_s(self) -> float:
        """When look_again() must be called, on the cluster's clock; inf if it need not."""
        if self.end is not None:
            return math.inf
        own_s = math.inf if self._condition.is_frozen else self._connection.deadline_s
        return min(own_s, self._condition.until_s)

    def receive(self, data: Buffer) -> None:
        """Bytes have come."""
        self._look()
        if self.end is not None:
            return
        if self._condition.is_forgotten:
            self.end = End.RESET
            return
        limit_bytes, end = self._received_limit()
        room = limit_bytes - self._received_bytes
        self._received_bytes += len(data)
        if len(data) < room:
            self._read(data)
            if self._condition.is_frozen:  # by a request: what was answered before it is gone already
                self._written += self._connection.take_output()
            self._look()
        else:
            self._read(memoryview(data)[: int(room)])
            self.end = end

    def receive_end(self) -> None:
        """The client has closed its end."""
        if self._condition.is_forgotten:
            self.end = End.RESET
        else:
            self._connection.receive_end()

    def look_again(self) -> None:
        """Time has passed, a rule has changed, or something was written that a request may wait for."""
        self._look()
        if self.end is None and not self._condition.is_frozen:
            self._connection.look_again()
            self._look()

    def take_output(self) -> list[Buffer]:
        """What to send, once."""
        if self.end is not None:
            return []
        output, self._written = self._written, []
        if not self._condition.is_frozen:
            output += self._connection.take_output()
        ended = self._connection.ended
        if self._tls is not None:
            output = self._tls.encrypt(output)
            if ended is End.CLOSE:
                output += self._tls.say_goodbye()
        size = sum(map(len, output))
        limit_bytes, end = self._sent_limit()
        if self._sent_bytes + size >= limit_bytes:
            output = _first(output, int(limit_bytes) - self._sent_bytes)
            self.end = end
        elif ended is not None:
            self.end = ended
        self._sent_bytes += size
        return output

    def _read(self, data: Buffer) -> None:
        if self._tls is None:
            self._connection.receive(data)
            return
        plaintext = self._tls.decrypt(data)
        if plaintext:
            self._connection.receive(plaintext)
        if self._tls.has_ended:
            self._connection.receive_end()

    def _look(self) -> None:
        """Take note of what has befallen the connection; a limit that is passed ends it."""
        self._condition.look()
        for passed, (limit_bytes, end) in ((self._received_bytes, self._received_limit()), (self._sent_bytes, self._sent_limit())):
            if passed >= limit_bytes and self.end is None:
                self.end = end

    def _received_limit(self) -> tuple[float, End]:
        if self._condition.is_well:
            return _NEVER
        return min(((limit.received_bytes, limit.end) for limit in self._condition.limits()), key=_bytes, default=_NEVER)

    def _sent_limit(self) -> tuple[float, End]:
        if self._condition.is_well:
            return _NEVER
        return min(((limit.sent_bytes, limit.end) for limit in self._condition.limits()), key=_bytes, default=_NEVER)


_NEVER = (math.inf, End.RESET)


def _bytes(limit: tuple[float, End]) -> float:
    return limit[0]


def _first(buffers: list[Buffer], count: int) -> list[Buffer]:
    """The first `count` bytes."""
    taken: list[Buffer] = []
    for buffer in buffers:
        if count <= 0:
            break
        taken.append(memoryview(buffer)[:count])
        count -= len(buffer)
    return taken
