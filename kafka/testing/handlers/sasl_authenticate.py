"""SaslAuthenticate, versions 0-2.

Behaviour: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 and OAUTHBEARER (see testing.sasl), with a session's lifetime from version 1 on (KIP-368);
who proves nothing gets error 58 and is disconnected. Error 34 where nothing is to be authenticated.
Differs from a broker: the error comes at once, not after connection.failed.authentication.delay.ms.
Imported by: testing.handlers.  Imports: errors, protocol, testing.{exchange,sasl}.
"""

from __future__ import annotations

from kafka.errors import IllegalSaslStateError, SaslAuthenticationFailedError
from kafka.protocol.sasl_authenticate import SaslAuthenticateResponse
from kafka.testing.exchange import Call
from kafka.testing.sasl.abc import AuthenticationFailed

VERSIONS = (0, 2)


def handle(call: Call) -> SaslAuthenticateResponse:
    session = call.session
    if session is None or not session.is_talking:
        words = "SaslAuthenticate request received after successful authentication"
        return SaslAuthenticateResponse(error_code=IllegalSaslStateError.errno, error_message=words)
    try:
        answer = session.respond(call.request.auth_bytes)
    except AuthenticationFailed as error:
        return SaslAuthenticateResponse(error_code=SaslAuthenticationFailedError.errno, error_message=error.words)
    return SaslAuthenticateResponse(auth_bytes=answer, session_lifetime_ms=session.lifetime_ms)
