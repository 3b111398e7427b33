"""OAUTHBEARER (RFC 7628): a token, which the test checks.

Imported by: testing.sasl.  Imports: testing.sasl.abc.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Callable, NamedTuple, Optional

from kafka.testing.sasl.abc import AuthenticationFailed, ServerMechanism

_FIRST = re.compile(r"n,(?:a=(?P<identity>[^,\x01]*))?,\x01(?P<pairs>(?:[A-Za-z]+=[^\x01]*\x01)+)\x01")
_BEARER = re.compile(r"[Bb]earer +(?P<token>[-\w.~+/]+=*)")
_REFUSAL = '{"status":"invalid_token"}'
_GOODBYE = b"\x01"


class AcceptedToken(NamedTuple):
    """Who a token stands for, and how long from now it is good; None for ever."""

    principal: str
    lifetime_s: float | None = None


TokenChecker = Callable[[str, Mapping[str, str]], Optional[AcceptedToken]]
"""Called with a token and the extensions that came with it (KIP-342), in the broker's thread; None refuses."""


class OAuthBearer(ServerMechanism):
    """One message and an empty answer, or a refusal that the client acknowledges.

    Threads: the broker's.
    """

    def __init__(self, check: TokenChecker | None) -> None:
        self._check = check
        self._is_refused = False

    def respond(self, message: bytes) -> bytes:
        if self._is_refused:
            raise AuthenticationFailed(_REFUSAL if message == _GOODBYE else None)
        found = _FIRST.fullmatch(message.decode(errors="replace"))
        if found is None:
            raise AuthenticationFailed
        extensions = dict(pair.split("=", 1) for pair in found["pairs"].rstrip("\x01").split("\x01"))
        bearer = _BEARER.fullmatch(extensions.pop("auth", ""))
        if bearer is None:
            raise AuthenticationFailed
        accepted = self._check(bearer["token"], extensions) if self._check is not None else None
        if accepted is None:
            self._is_refused = True
            return _REFUSAL.encode()
        identity = found["identity"]
        if identity and identity != accepted.principal:
            differ = f"an authorization id ({identity}) that is different from the token's principal name ({accepted.principal})"
            raise AuthenticationFailed(f"Authentication failed: Client requested {differ}")
        self.principal, self.lifetime_s = accepted
        return b""
