"""What faults have made of one connection.

Imported by: testing.{connection,endpoint}.  Imports: _clock, testing.{outbox,rules}.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from enum import Enum
from typing import ClassVar, NamedTuple

from kafka._clock import Clock
from kafka.testing.outbox import End
from kafka.testing.rules import Asked, Fault, Faults, Rule


class Effect(Enum):
    """What happens to a connection."""

    MUTE = "nothing is read"
    FREEZE = "nothing is read or written"
    FORGET = "nothing is read or written, and the next byte is answered with a reset"
    CUT = "it ends after some bytes"


class ByteLimit(NamedTuple):
    """After how many bytes a connection ends, and how; inf for never."""

    received_bytes: float
    sent_bytes: float
    end: End


class ConnectionFault(Fault):
    """A fault of this kind lasts: until its rule is removed, or its time is over.

    Threads: any; it never changes.
    """

    is_of_connections = True
    effect: ClassVar[Effect]

    @property
    def lasts_s(self) -> float:
        return math.inf

    @property
    def limit(self) -> ByteLimit | None:
        """After how many bytes the connection ends."""
        return None


class _Caught(NamedTuple):
    rule: Rule | None
    effect: Effect
    until_s: float
    limit: ByteLimit | None


class Condition:
    """Who a connection is, and what it suffers from.

    Threads: the broker's.
    """

    def __init__(self, faults: Faults, *, node_id: int, clock: Clock) -> None:
        self.number = faults.next_connection()
        """Among the cluster's connections, from 1."""
        self.node_id = node_id
        self.client_id: str | None = None
        """As its last request said."""
        self._faults = faults
        self._clock = clock
        self._known: tuple[Rule, ...] = ()  # the rules that were looked at last
        self._known_client_id: str | None = None
        self._considered: set[int] = set()
        self._caught: list[_Caught] = []
        self._is_forgotten = False

    # --- what it suffers from ---------------------------------------------------------------------------------------

    @property
    def is_well(self) -> bool:
        """Whether it suffers from nothing."""
        return not self._caught and not self._is_forgotten

    @property
    def is_forgotten(self) -> bool:
        return self._is_forgotten

    @property
    def is_frozen(self) -> bool:
        return self._is_forgotten or any(caught.effect is Effect.FREEZE for caught in self._caught)

    @property
    def is_reading(self) -> bool:
        """Whether the broker takes what the client sends.  Of a forgotten connection it does, to answer with a reset."""
        return self._is_forgotten or not any(caught.effect in (Effect.MUTE, Effect.FREEZE) for caught in self._caught)

    @property
    def until_s(self) -> float:
        """When look() must be called; inf if it need not."""
        return math.inf if self._is_forgotten else min((caught.until_s for caught in self._caught), default=math.inf)

    def limits(self) -> Iterator[ByteLimit]:
        return (caught.limit for caught in self._caught if caught.limit is not None)

    # --- how it comes to that ---------------------------------------------------------------------------------------

    def look(self) -> None:
        """Take note of rules that came or went, and of the time."""
        if self._faults.rules is not self._known or self.client_id != self._known_client_id:
            self._known, self._known_client_id = self._faults.rules, self.client_id
            self._consider()
        if self._caught:
            now_s = self._clock.monotonic()
            self._caught = [caught for caught in self._caught if now_s < caught.until_s and not (caught.rule is not None and caught.rule.is_removed)]

    def catch(self, rule: Rule) -> None:
        """The connection has met this rule, whose fault is a ConnectionFault."""
        fault = rule.fault
        if not isinstance(fault, ConnectionFault):
            raise TypeError(f"{fault!r} is no fault of connections")
        if fault.effect is Effect.FORGET:
            self._is_forgotten = True
        self._caught.append(_Caught(rule, fault.effect, self._clock.monotonic() + fault.lasts_s, fault.limit))

    def mute(self, seconds: float) -> None:
        """Read nothing for so long."""
        self._caught.append(_Caught(None, Effect.MUTE, self._clock.monotonic() + seconds, None))

    def _consider(self) -> None:
        asked = Asked(self.number, self.node_id, self.client_id)
        for rule in self._known:
            if rule.number not in self._considered and not rule.is_for_requests and rule.concerns(asked):
                self._considered.add(rule.number)
                if rule.take(self.number):
                    self.catch(rule)
