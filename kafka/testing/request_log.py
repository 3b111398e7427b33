"""The requests that brokers were sent.

Imported by: testing.{broker,cluster,connection}.  Imports: nothing of ours.
"""

from __future__ import annotations

import itertools
from collections import deque
from typing import Any, NamedTuple

KEPT_OF_EACH_API = 10_000


class ReceivedRequest(NamedTuple):
    """A request as it arrived; `body` has the fields of Kafka's definition of it, in snake case."""

    api: str
    version: int
    node_id: int
    client_id: str | None
    correlation_id: int
    arrived_s: float
    """On the clock of the cluster, time.monotonic() where that is a real one."""
    body: Any


class RequestLog:
    """The newest requests of each API.

    Threads: the broker's adds, any reads.
    """

    def __init__(self) -> None:
        self._kept: dict[str, deque[tuple[int, ReceivedRequest]]] = {}
        self._numbers = itertools.count()

    def add(self, request: ReceivedRequest) -> None:
        self._kept.setdefault(request.api, deque(maxlen=KEPT_OF_EACH_API)).append((next(self._numbers), request))

    def of(self, api: str | None) -> list[ReceivedRequest]:
        """Those of one API, or all, in the order of their arrival."""
        if api is not None:
            return [request for _, request in tuple(self._kept.get(api, ()))]
        everything = [numbered for kept in tuple(self._kept.values()) for numbered in tuple(kept)]
        return [request for _, request in sorted(everything, key=lambda numbered: numbered[0])]
