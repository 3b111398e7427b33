"""Faults of an answer's bytes.

Imported by: testing.faults.  Imports: testing.{outbox,rules}.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from kafka.testing.outbox import Delivery, End
from kafka.testing.rules import Fault, check_not_negative

_CORRELATION_ID = slice(4, 8)


@dataclass(frozen=True)
class WrongCorrelationId(Fault):
    """The answer belongs to another request, by its correlation id."""

    offset: int = 1
    """What is added to the true one."""

    def deliver(self, delivery: Delivery, chance: random.Random) -> None:
        frame = bytearray(delivery.frame)
        true_id = int.from_bytes(frame[_CORRELATION_ID], "big")
        frame[_CORRELATION_ID] = ((true_id + self.offset) % 2**32).to_bytes(4, "big")
        delivery.frame = bytes(frame)


@dataclass(frozen=True)
class Garbage(Fault):
    """Behind its first bytes the answer is noise, of the same length, drawn from the cluster's seed; or it is `data`."""

    keep_bytes: int = 8
    """8: its size and correlation id are true; 0: not even its size is."""
    data: bytes | None = None
    """What stands there instead of noise."""

    def __post_init__(self) -> None:
        check_not_negative(self, keep_bytes=self.keep_bytes)

    def deliver(self, delivery: Delivery, chance: random.Random) -> None:
        kept, rest = delivery.frame[: self.keep_bytes], delivery.frame[self.keep_bytes :]
        delivery.frame = kept + (bytes(chance.getrandbits(8) for _ in rest) if self.data is None else self.data)


@dataclass(frozen=True)
class Trickle(Fault):
    """The answer comes in small pieces, one at a time; answers behind it wait."""

    piece_bytes: int = 1
    pause_s: float = 0.001

    def __post_init__(self) -> None:
        if self.piece_bytes < 1 or self.pause_s < 0:
            raise ValueError(f"Nothing trickles in pieces of {self.piece_bytes} bytes, {self.pause_s} s apart")

    def deliver(self, delivery: Delivery, chance: random.Random) -> None:
        delivery.piece_bytes, delivery.pause_s = self.piece_bytes, self.pause_s


@dataclass(frozen=True)
class CutReply(Fault):
    """The broker does what is asked, and the connection ends after so many bytes of the answer (its size included)."""

    after_bytes: int = 0
    reset: bool = True
    """False for an end in good order."""

    def __post_init__(self) -> None:
        check_not_negative(self, after_bytes=self.after_bytes)

    def deliver(self, delivery: Delivery, chance: random.Random) -> None:
        delivery.cut_at, delivery.end = self.after_bytes, End.RESET if self.reset else End.CLOSE
