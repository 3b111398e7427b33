"""What a SASL mechanism is to a session.

Imported by: testing.sasl.*.  Imports: nothing of ours.
"""

from __future__ import annotations

import abc


class AuthenticationFailed(Exception):
    """Its text is what the client is told."""


class ServerMechanism(abc.ABC):
    """One authentication, from the client's first message to its end.

    Threads: the broker's.
    """

    principal: str | None = None
    """Who it is, once that is proved."""
    lifetime_s: float | None = None
    """For how long the proof is good; None for ever."""

    @abc.abstractmethod
    def respond(self, message: bytes) -> bytes:
        """The answer to the client's message; AuthenticationFailed where it proves nothing."""


def invalid_credentials(mechanism: str) -> AuthenticationFailed:
    """In Kafka's words."""
    return AuthenticationFailed(f"Authentication failed during authentication due to invalid credentials with SASL mechanism {mechanism}")
