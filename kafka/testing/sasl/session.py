"""How far a connection's authentication has come.

Imported by: testing.connection, testing.exchange, testing.handlers.  Imports: _clock, testing.sasl.
"""

from __future__ import annotations

import math
import random
from enum import Enum

from kafka._clock import Clock
from kafka.testing.sasl import Sasl
from kafka.testing.sasl.abc import AuthenticationFailed, ServerMechanism

_SASL_HANDSHAKE, _API_VERSIONS, _SASL_AUTHENTICATE = 17, 18, 36


class SaslState(Enum):
    """Of a connection to a broker that wants authentication."""

    NEW = "nobody knows who it is"
    TOLD = "nobody knows who it is, and it knows the versions"
    TALKING = "a mechanism is chosen"
    DONE = "the client has proved who it is"
    TALKING_AGAIN = "it proves that once more"
    FAILED = "the connection is to be closed"


TRANSITIONS: dict[SaslState, frozenset[SaslState]] = {
    SaslState.NEW: frozenset({SaslState.TOLD, SaslState.TALKING, SaslState.FAILED}),
    SaslState.TOLD: frozenset({SaslState.TALKING, SaslState.FAILED}),
    SaslState.TALKING: frozenset({SaslState.DONE, SaslState.FAILED}),
    SaslState.DONE: frozenset({SaslState.TALKING_AGAIN, SaslState.FAILED}),
    SaslState.TALKING_AGAIN: frozenset({SaslState.DONE, SaslState.FAILED}),
    SaslState.FAILED: frozenset(),
}

_ALLOWED: dict[SaslState, frozenset[int]] = {
    SaslState.NEW: frozenset({_SASL_HANDSHAKE, _API_VERSIONS}),
    SaslState.TOLD: frozenset({_SASL_HANDSHAKE}),
    SaslState.TALKING: frozenset({_SASL_AUTHENTICATE}),
    SaslState.TALKING_AGAIN: frozenset({_SASL_AUTHENTICATE}),
    SaslState.FAILED: frozenset(),
}
"""The APIs that may be asked; all of them in DONE."""


class SaslSession:
    """One connection's authentication, and when it ends.

    Differs from a broker: a client may authenticate again as often as it likes, not once a second only.
    Threads: the broker's.
    """

    def __init__(self, sasl: Sasl, clock: Clock, chance: random.Random, *, tells_versions_once: bool = True) -> None:
        """`tells_versions_once`: as Kafka does since 1.0 (KIP-152)."""
        self._sasl = sasl
        self._clock = clock
        self._chance = chance
        self._tells_versions_once = tells_versions_once
        self.state = SaslState.NEW
        self.principal: str | None = None
        self._mechanism_name = ""
        self._mechanism: ServerMechanism | None = None
        self._is_raw = False
        self._lifetime_s: float | None = None
        self._expires_s = math.inf

    @property
    def takes_tokens(self) -> bool:
        """Whether the next frame is a token without a header, as after version 0 of SaslHandshake."""
        return self._is_raw and self.state in (SaslState.TALKING, SaslState.TALKING_AGAIN)

    @property
    def mechanisms(self) -> list[str]:
        return list(self._sasl.mechanisms)

    @property
    def may_begin(self) -> bool:
        """Whether SaslHandshake is in its place: at first, and later where sessions end (KIP-368)."""
        return self.state in (SaslState.NEW, SaslState.TOLD) or (self.state is SaslState.DONE and self._lifetime_s is not None)

    @property
    def is_talking(self) -> bool:
        return self.state in (SaslState.TALKING, SaslState.TALKING_AGAIN)

    def allows(self, api_key: int) -> bool:
        """Whether a request for this API may be served now; if not, the connection is closed, with words where the two are talking."""
        if self.state is SaslState.DONE:
            return api_key == _SASL_HANDSHAKE or self._clock.monotonic() < self._expires_s
        return api_key in _ALLOWED[self.state]

    def tell_versions(self) -> None:
        """ApiVersions is answered."""
        if self.state is SaslState.NEW and self._tells_versions_once:
            self._go(SaslState.TOLD)

    def begin(self, mechanism: str, *, is_raw: bool) -> bool:
        """Choose a mechanism; False where it is not offered.  Where it is not the one of before, that comes to light with the next request."""
        again = self.state is SaslState.DONE
        if mechanism not in self._sasl.mechanisms or (again and mechanism != self._mechanism_name):
            self._go(SaslState.FAILED)
            return mechanism in self._sasl.mechanisms
        self._mechanism_name, self._is_raw = mechanism, is_raw
        self._mechanism = self._sasl.mechanism(mechanism, self._chance)
        self._go(SaslState.TALKING_AGAIN if again else SaslState.TALKING)
        return True

    def respond(self, message: bytes) -> bytes:
        """The mechanism's answer; AuthenticationFailed, with words, where that is the end."""
        try:
            if self._mechanism is None:
                raise AuthenticationFailed
            answer = self._mechanism.respond(message)
            if self._mechanism.principal is not None:
                self._finish(self._mechanism.principal, self._mechanism.lifetime_s)
        except AuthenticationFailed as error:
            occasion = "re-authentication" if self.state is SaslState.TALKING_AGAIN else "authentication"
            self._go(SaslState.FAILED)
            general = f"Authentication failed during {occasion} due to invalid credentials with SASL mechanism {self._mechanism_name}"
            raise AuthenticationFailed(error.words or general) from None
        return answer

    @property
    def lifetime_ms(self) -> int:
        """How long the session lasts from its beginning, as the client is told; 0 for ever, or where it has not begun."""
        return 0 if self._lifetime_s is None or self.state is not SaslState.DONE else round(self._lifetime_s * 1000)

    def _finish(self, principal: str, proof_lifetime_s: float | None) -> None:
        if self.state is SaslState.TALKING_AGAIN and principal != self.principal:
            raise AuthenticationFailed(f"Cannot change principals during re-authentication from User.{self.principal}: User.{principal}")
        lifetimes_s = [seconds for seconds in (proof_lifetime_s, self._sasl.session_lifetime_s) if seconds is not None]
        self.principal = principal
        self._lifetime_s = min(lifetimes_s) if lifetimes_s else None
        self._expires_s = math.inf if self._lifetime_s is None else self._clock.monotonic() + self._lifetime_s
        self._go(SaslState.DONE)

    def _go(self, state: SaslState) -> None:
        if state not in TRANSITIONS[self.state]:
            raise RuntimeError(f"Authentication goes from {self.state.name} to {state.name}")
        self.state = state
