"""PLAIN (RFC 4616): user name and password as they are.

Imported by: testing.sasl.  Imports: testing.sasl.abc.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping

from kafka.testing.sasl.abc import AuthenticationFailed, ServerMechanism


class Plain(ServerMechanism):
    """One message, and an empty answer.

    Threads: the broker's.
    """

    def __init__(self, users: Mapping[str, str]) -> None:
        self._users = users

    def respond(self, message: bytes) -> bytes:
        tokens = message.decode(errors="replace").split("\0", 3)
        if len(tokens) != 3:
            raise AuthenticationFailed(f"Invalid SASL/PLAIN response: expected 3 tokens, got {len(tokens)}")
        identity, user, password = tokens
        if not user or not password:
            raise AuthenticationFailed(f"Authentication failed: {'password' if user else 'username'} not specified")
        expected = self._users.get(user)
        if expected is None or not hmac.compare_digest(expected.encode(), password.encode()):
            raise AuthenticationFailed("Authentication failed: Invalid username or password")
        if identity not in ("", user):
            raise AuthenticationFailed("Authentication failed: Client requested an authorization id that is different from username")
        self.principal = user
        return b""
