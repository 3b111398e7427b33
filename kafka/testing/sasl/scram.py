"""SCRAM-SHA-256 and SCRAM-SHA-512 (RFC 5802, RFC 7677).

Differs from a broker: no delegation tokens; the client's last message must repeat its header, as the RFC wants and brokers do not check.

Imported by: testing.sasl.  Imports: testing.sasl.abc.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import random
from collections.abc import Mapping
from typing import NamedTuple

from kafka.testing.sasl.abc import AuthenticationFailed, ServerMechanism

LEAST_ITERATIONS = 4096
_NONCE_BYTES = 18
_SALT_BYTES = 16


class ScramSecret(NamedTuple):
    """What a broker keeps of a password."""

    salt: bytes
    iterations: int
    stored_key: bytes
    server_key: bytes


class ScramSecrets:
    """Secrets made from passwords when they are first needed: that takes milliseconds.

    Threads: the broker's.
    """

    def __init__(self, iterations: int) -> None:
        """ValueError for fewer iterations than a client may accept (RFC 7677)."""
        if iterations < LEAST_ITERATIONS:
            raise ValueError(f"SCRAM has at least {LEAST_ITERATIONS} iterations, not {iterations}")
        self._iterations = iterations
        self._made: dict[tuple[str, str, str], ScramSecret] = {}

    def of(self, digest: str, user: str, password: str) -> ScramSecret:
        key = (digest, user, password)
        if key not in self._made:
            salt = hashlib.sha256(user.encode()).digest()[:_SALT_BYTES]  # the same in every run
            salted = hashlib.pbkdf2_hmac(digest, password.encode(), salt, self._iterations)
            stored_key = hashlib.new(digest, _hmac(digest, salted, b"Client Key")).digest()
            self._made[key] = ScramSecret(salt, self._iterations, stored_key, _hmac(digest, salted, b"Server Key"))
        return self._made[key]


class Scram(ServerMechanism):
    """Two messages and two answers.

    Threads: the broker's.
    """

    def __init__(self, digest: str, users: Mapping[str, str], secrets: ScramSecrets, chance: random.Random) -> None:
        """`digest`: "sha256" or "sha512"."""
        self._digest = digest
        self._users = users
        self._secrets = secrets
        self._chance = chance
        self._user = ""
        self._header = ""  # "n,,": what the client says of channel binding and authorization
        self._nonce = ""
        self._secret: ScramSecret | None = None
        self._conversation = ""  # client's first message and server's first, as they are signed

    def respond(self, message: bytes) -> bytes:
        try:
            text = message.decode()
            return self._challenge(text) if self._secret is None else self._signature(text, self._secret)
        except (ValueError, KeyError, binascii.Error):
            raise AuthenticationFailed from None

    def _challenge(self, text: str) -> bytes:
        binding, identity, bare = text.split(",", 2)
        attributes = _attributes(bare)
        self._header = f"{binding},{identity},"
        self._user = attributes["n"].replace("=2C", ",").replace("=3D", "=")
        if binding != "n" or not attributes["r"] or self._user not in self._users:
            raise AuthenticationFailed
        if identity not in ("", f"a={attributes['n']}"):
            raise AuthenticationFailed("Authentication failed: Client requested an authorization id that is different from username")
        self._secret = secret = self._secrets.of(self._digest, self._user, self._users[self._user])
        self._nonce = attributes["r"] + base64.b64encode(self._chance.getrandbits(8 * _NONCE_BYTES).to_bytes(_NONCE_BYTES, "big")).decode()
        challenge = f"r={self._nonce},s={base64.b64encode(secret.salt).decode()},i={secret.iterations}"
        self._conversation = f"{bare},{challenge}"
        return challenge.encode()

    def _signature(self, text: str, secret: ScramSecret) -> bytes:
        without_proof, _, proof = text.rpartition(",p=")
        attributes = _attributes(without_proof)
        if base64.b64decode(attributes["c"], validate=True).decode() != self._header or attributes["r"] != self._nonce:
            raise AuthenticationFailed
        signed = f"{self._conversation},{without_proof}".encode()
        mask = _hmac(self._digest, secret.stored_key, signed)
        given = base64.b64decode(proof, validate=True)
        client_key = bytes(a ^ b for a, b in zip(given, mask))
        if len(given) != len(mask) or not hmac.compare_digest(hashlib.new(self._digest, client_key).digest(), secret.stored_key):
            raise AuthenticationFailed
        self.principal = self._user
        return b"v=" + base64.b64encode(_hmac(self._digest, secret.server_key, signed))


def _attributes(text: str) -> dict[str, str]:
    """{"n": "user", ...}; ValueError where there is something else."""
    pairs = [part.split("=", 1) for part in text.split(",")]
    return {name: value for name, value in pairs}


def _hmac(digest: str, key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, digest).digest()
