"""What a broker has to send on a connection: at once, or slowly, or only so much of it.

Imported by: testing.{connection,endpoint,faults,rules}.  Imports: nothing of ours.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, Union

Buffer = Union[bytes, bytearray, memoryview]


class End(Enum):
    """How a broker ends a connection."""

    CLOSE = "in good order"
    RESET = "with a reset"


@dataclass
class Delivery:
    """One answer, as it is to be sent.

    Threads: the broker's.
    """

    frame: bytes
    """With its size before it."""
    piece_bytes: int = 0
    """How much is sent at a time; 0 for all at once."""
    pause_s: float = 0.0
    """From one piece to the next."""
    cut_at: int | None = None
    """After how many bytes the connection ends."""
    end: End = End.RESET


class _Slow(NamedTuple):
    left: memoryview
    piece_bytes: int
    pause_s: float


class Outbox:
    """Bytes in the order they were put, each as soon as it may be sent.

    Threads: the broker's.
    """

    def __init__(self) -> None:
        self._queue: deque[Buffer | _Slow | End] = deque()
        self._free_s = -math.inf  # when the next may be sent
        self.end: End | None = None
        """How the connection ends, once all that stands before that is taken."""

    @property
    def next_s(self) -> float:
        """When take() has something; inf where nothing was put."""
        return self._free_s if self._queue else math.inf

    def put(self, buffers: list[Buffer]) -> None:
        self._queue.extend(buffers)

    def put_end(self, end: End) -> None:
        self._queue.append(end)

    def deliver(self, delivery: Delivery) -> None:
        frame = delivery.frame if delivery.cut_at is None else delivery.frame[: delivery.cut_at]
        if delivery.piece_bytes and frame:
            self._queue.append(_Slow(memoryview(frame), delivery.piece_bytes, delivery.pause_s))
        elif frame:
            self._queue.append(frame)
        if delivery.cut_at is not None:
            self.put_end(delivery.end)

    def clear(self) -> None:
        self._queue.clear()

    def take(self, now_s: float) -> list[Buffer]:
        """What may be sent by now."""
        taken: list[Buffer] = []
        queue = self._queue
        while queue and self._free_s <= now_s and self.end is None:
            first = queue.popleft()
            if isinstance(first, End):
                self.end = first
                queue.clear()
            elif isinstance(first, _Slow):
                taken.append(first.left[: first.piece_bytes])
                self._free_s = now_s + first.pause_s
                if len(first.left) > first.piece_bytes:
                    queue.appendleft(first._replace(left=first.left[first.piece_bytes :]))
            else:
                taken.append(first)
        return taken
