"""What a SASL mechanism is to a session.

Imported by: testing.sasl.*.  Imports: nothing of ours.
"""

from __future__ import annotations

import abc


class AuthenticationFailed(Exception):
    """The client has not proved who it is."""

    def __init__(self, words: str | None = None) -> None:
        """`words`: what it is told; None for what brokers say so as to give nothing away."""
        super().__init__(words)
        self.words = words


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

