"""SaslHandshake, versions 0-1.

Behaviour: chooses a mechanism that the cluster offers, again where sessions end; another one is refused and the connection closed. After
version 0 tokens come without headers (KIP-43), after version 1 in SaslAuthenticate (KIP-152). Error 34 on a listener without SASL.
Differs from a broker: no GSSAPI, and so no tokens without a handshake.
Imported by: testing.handlers.  Imports: errors, protocol, testing.exchange.
"""

from __future__ import annotations

from kafka.errors import IllegalSaslStateError, UnsupportedSaslMechanismError
from kafka.protocol.sasl_handshake import SaslHandshakeResponse
from kafka.testing.exchange import Call

VERSIONS = (0, 1)


def handle(call: Call) -> SaslHandshakeResponse:
    session = call.session
    if session is None or not session.may_begin:
        return SaslHandshakeResponse(error_code=IllegalSaslStateError.errno)
    is_offered = session.begin(call.request.mechanism, is_raw=call.version == 0)
    return SaslHandshakeResponse(error_code=0 if is_offered else UnsupportedSaslMechanismError.errno, mechanisms=session.mechanisms)
