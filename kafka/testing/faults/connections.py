"""Faults of a connection, with or without a request.

Without `api`, `topic` or `partition` every connection that the rule is for meets it, those that exist at once and others when they are
accepted. With one of them the request decides when.
Imported by: testing.faults.  Imports: testing.{condition,exchange,outbox,rules}.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from kafka.testing.condition import ByteLimit, ConnectionFault, Effect
from kafka.testing.exchange import NEVER, Answer, Call, Handler, Later
from kafka.testing.outbox import End
from kafka.testing.rules import Hit, check_not_negative


@dataclass(frozen=True)
class _Lasting(ConnectionFault):
    seconds: float | None = None
    """None for as long as the rule is in force."""

    def __post_init__(self) -> None:
        check_not_negative(self, seconds=self.seconds)

    @property
    def lasts_s(self) -> float:
        return math.inf if self.seconds is None else self.seconds


@dataclass(frozen=True)
class StopReading(_Lasting):
    """The broker reads nothing any more, so that the client's writes fill up all buffers; answers that are due still go out.

    A request that meets it is served, and nothing behind it.
    """

    effect: ClassVar[Effect] = Effect.MUTE

    def serve(self, hit: Hit, call: Call, usual: Handler) -> Answer:
        hit.condition.catch(hit.rule)
        return usual(call)


@dataclass(frozen=True)
class Freeze(_Lasting):
    """The broker neither reads nor writes, as a process that is stopped (SIGSTOP): connections are made, and nothing comes.

    Afterwards all goes on where it was. A request that meets it is served then.
    """

    effect: ClassVar[Effect] = Effect.FREEZE

    def serve(self, hit: Hit, call: Call, usual: Handler) -> Answer:
        hit.condition.catch(hit.rule)
        return Later(hit.condition.until_s, lambda is_due: None if hit.condition.is_frozen else usual(call))


@dataclass(frozen=True)
class HalfOpen(ConnectionFault):
    """The broker has forgotten the connection, as one does that has lost power: no word comes any more, and the client's next bytes are
    answered with a reset.  Removing the rule does not bring the connection back.

    A request that meets it is not served.
    """

    effect: ClassVar[Effect] = Effect.FORGET

    def serve(self, hit: Hit, call: Call, usual: Handler) -> Answer:
        hit.condition.catch(hit.rule)
        return NEVER


@dataclass(frozen=True)
class Cut(ConnectionFault):
    """The connection ends when so many bytes have come, or gone, since it was made: of TLS those of the handshake too, as they are on
    the wire.  Without a number it ends at once.

    A request that meets it is not served where the connection ends at once.
    """

    received_bytes: int | None = None
    sent_bytes: int | None = None
    reset: bool = True
    """False for an end in good order."""
    effect: ClassVar[Effect] = Effect.CUT

    def __post_init__(self) -> None:
        check_not_negative(self, received_bytes=self.received_bytes, sent_bytes=self.sent_bytes)

    @property
    def limit(self) -> ByteLimit | None:
        end = End.RESET if self.reset else End.CLOSE
        if self.received_bytes is None and self.sent_bytes is None:
            return ByteLimit(0, 0, end)
        received = math.inf if self.received_bytes is None else self.received_bytes
        return ByteLimit(received, math.inf if self.sent_bytes is None else self.sent_bytes, end)

    def serve(self, hit: Hit, call: Call, usual: Handler) -> Answer:
        hit.condition.catch(hit.rule)
        if self.received_bytes is None and self.sent_bytes is None:
            return NEVER
        return usual(call)
