"""What a SASL mechanism is to the handshake.

Imported by: client.sasl, client.handshake.  Imports: nothing of ours.
"""

from __future__ import annotations

import abc


class SaslMechanism(abc.ABC):
    """One authentication, from its first message to its end; made anew for each connection.

    Threads: the I/O thread.
    """

    name: str

    @abc.abstractmethod
    def first_message(self) -> bytes:
        """What the client says first."""

    @abc.abstractmethod
    def respond(self, challenge: bytes) -> bytes | None:
        """The answer to the broker's message, or None where there is nothing left to say; SaslAuthenticationFailedError
        where the broker has not proved itself."""
