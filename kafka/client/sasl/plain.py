"""PLAIN: the password as it is (RFC 4616), so use TLS with it.

Imported by: client.sasl.  Imports: client.sasl.abc.
"""

from __future__ import annotations

from kafka.client.sasl.abc import SaslMechanism
from kafka.errors import KafkaConfigurationError


class PlainMechanism(SaslMechanism):
    """Says user name and password; the broker's answer is empty.

    Threads: the I/O thread.
    """

    name = "PLAIN"

    def __init__(self, username: str, password: str) -> None:
        for option, text in (("sasl_plain_username", username), ("sasl_plain_password", password)):
            if "\0" in text:
                raise KafkaConfigurationError(f"{option}: must not hold a NUL character")
        self._message = b"\0".join((b"", username.encode(), password.encode()))

    def first_message(self) -> bytes:
        return self._message

    def respond(self, challenge: bytes) -> bytes | None:
        return None
