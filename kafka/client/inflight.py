"""Requests of one connection: those on their way out, and those whose answers are awaited, in order.

Imported by: client.connection, client.channel.  Imports: errors, protocol.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from typing import Any, Callable, Protocol, Union

from kafka.errors import CorrelationIdError, KafkaError

Buffer = Union[bytes, bytearray, memoryview]
OnResponse = Callable[[Any, Any], None]
OnWritten = Callable[[], None]

_MOST_BUFFERS = 1024  # given to a stream at a time


class OnFailure(Protocol):
    def __call__(self, error: KafkaError, started: bool) -> None: ...


class Outgoing:
    """A frame on its way into the socket; the list of its buffers is its own from then on.

    Threads: the I/O thread.
    """

    __slots__ = ("_at", "_buffers", "is_started", "is_written", "size_bytes")

    def __init__(self, buffers: list[Buffer]) -> None:
        self._buffers = buffers
        self._at = 0  # the first that is not sent
        self.size_bytes = sum(map(len, buffers))
        self.is_started = False
        """Whether its first byte may have left."""
        self.is_written = False
        """Whether its last byte is in the socket."""

    def next_buffers(self) -> list[Buffer]:
        return self._buffers[self._at : self._at + _MOST_BUFFERS]

    def advance(self, count: int) -> bool:
        """Forget `count` bytes that were sent; True if none are left."""
        self.is_started = True
        buffers = self._buffers
        while self._at < len(buffers):
            first = buffers[self._at]
            size = len(first)
            if count < size:
                if count:
                    buffers[self._at] = memoryview(first)[count:]
                return False
            count -= size
            buffers[self._at] = b""
            self._at += 1
        return True


class Request(Outgoing):
    """A request, what it expects, and whom to tell.

    Threads: the I/O thread.
    """

    __slots__ = ("correlation_id", "deadline_s", "expects_response", "is_counted", "is_excused", "on_failure", "on_response", "on_written",
                 "queued_at_s", "request_class", "version")  # fmt: skip

    def __init__(
        self,
        buffers: list[Buffer],
        correlation_id: int,
        request_class: type[Any],
        version: int,
        queued_at_s: float,
        deadline_s: float,
        is_counted: bool,
        on_response: OnResponse,
        on_failure: OnFailure,
        on_written: OnWritten | None,
    ) -> None:
        super().__init__(buffers)
        self.correlation_id = correlation_id
        self.request_class = request_class
        self.version = version
        self.queued_at_s = queued_at_s
        self.deadline_s = deadline_s
        self.is_counted = is_counted
        self.is_excused = False
        """A pause has kept it from leaving, and its time was counted anew: that happens once."""
        self.expects_response = on_written is None
        self.on_response = on_response
        self.on_failure = on_failure
        self.on_written = on_written


class InFlight:
    """Requests in the order they were sent, which is the order of their answers (one connection, one broker thread).

    A request that expects no answer is here until it is written.
    Threads: the I/O thread; len() and `counted` may be read by any.
    """

    def __init__(self) -> None:
        self._requests: deque[Request] = deque()
        self.counted = 0
        """How many of them count against max_in_flight_requests_per_connection."""

    def __len__(self) -> int:
        return len(self._requests)

    def __iter__(self) -> Iterator[Request]:
        return iter(self._requests)

    def add(self, request: Request) -> None:
        self._requests.append(request)
        self.counted += request.is_counted

    def match(self, correlation_id: int) -> Request:
        """The request that this answer is for; CorrelationIdError where it is not the oldest's."""
        for request in self._requests:
            if request.expects_response:
                if request.correlation_id != correlation_id:
                    raise CorrelationIdError(f"An answer has correlation id {correlation_id}, expected was {request.correlation_id}")
                self.remove(request)
                return request
        raise CorrelationIdError(f"An answer with correlation id {correlation_id} came although none was awaited")

    def remove(self, request: Request) -> None:
        if self._requests[0] is request:
            self._requests.popleft()
        else:
            self._requests.remove(request)
        self.counted -= request.is_counted

    def take_all(self) -> list[Request]:
        taken = list(self._requests)
        self._requests.clear()
        self.counted = 0
        return taken

    def first_expired(self, now_s: float) -> Request | None:
        for request in self._requests:
            if request.deadline_s <= now_s:
                return request
        return None

    def excuse(self, since_s: float, now_s: float) -> None:
        """The process was stopped: count the time anew of what was queued since then, and of what had not left."""
        for request in self._requests:
            if not request.is_excused and (request.queued_at_s >= since_s or not request.is_written):
                request.is_excused = True
                request.deadline_s += now_s - request.queued_at_s

    def next_deadline_s(self) -> float:
        due_s = math.inf
        for request in self._requests:
            if request.deadline_s < due_s:
                due_s = request.deadline_s
        return due_s

    def oldest_wait_s(self, now_s: float) -> float:
        """How long the oldest has been waiting."""
        return now_s - self._requests[0].queued_at_s if self._requests else 0.0
