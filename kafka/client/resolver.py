"""Names to addresses without holding up the I/O thread.

Imported by: client.connection, client.client.  Imports: client.addresses, _transport.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Any, Callable, NamedTuple

from kafka._transport import Transport
from kafka.client.addresses import Address, is_literal

SocketAddress = tuple[int, Any]


class Resolution(NamedTuple):
    """What became of one look-up: addresses to try in turn, or why there are none."""

    address: Address
    found: list[SocketAddress]
    error: OSError | None


class Resolver:
    """Looks names up, each in a short-lived thread of its own so that one that hangs holds up no other.

    Threads: the I/O thread, or the constructor's before it exists; look-ups run in their own and hand over by deque.append.
    """

    def __init__(self, *, transport: Transport, client_id: str, wake: Callable[[], None]) -> None:
        self._transport = transport
        self._thread_name = f"{client_id}-resolver"
        self._wake = wake
        self.done: deque[Resolution] = deque()
        self._running: set[Address] = set()

    def resolve(self, address: Address) -> Resolution | None:
        """The answer if it can be had at once; None if a thread has gone for it, and take_done() will give it."""
        if self._transport.resolves_at_once or is_literal(address.host):
            return self._look_up(address)
        if address in self._running:
            return None
        thread = threading.Thread(target=self._run, args=(address,), name=self._thread_name, daemon=True)
        self._running.add(address)
        try:
            thread.start()
        except RuntimeError:  # no thread can be had any more: too many, or the interpreter is ending
            self._running.discard(address)
            return self._look_up(address)
        return None

    def take_done(self) -> list[Resolution]:
        """Look-ups that have ended since the last call."""
        done = []
        while self.done:
            resolution = self.done.popleft()
            self._running.discard(resolution.address)
            done.append(resolution)
        return done

    def _run(self, address: Address) -> None:
        self.done.append(self._look_up(address))
        self._wake()

    def _look_up(self, address: Address) -> Resolution:
        try:
            found = self._transport.resolve(address.host, address.port)
        except OSError as error:
            return Resolution(address, [], error)
        if not found:
            return Resolution(address, [], OSError(f"{address.host} has no addresses"))
        return Resolution(address, found, None)
