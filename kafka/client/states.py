"""States of a connection, as a table.

Imported by: client.connection, client.client, docs.  Imports: nothing of ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum


class ConnectionState(Enum):
    """Where a connection is."""

    DISCONNECTED = "disconnected"  # may connect once its backoff is over
    RESOLVING = "resolving"  # waits for the addresses of the host's name
    CONNECTING = "connecting"  # waits for TCP; one address after the other
    TLS_HANDSHAKE = "TLS handshake"
    NEGOTIATING = "negotiating"  # asks for the broker's versions
    AUTHENTICATING = "authenticating"
    READY = "ready"
    CLOSED = "closed"  # for good

    __hash__ = object.__hash__  # Enum's own is Python code, and sets of states are looked into in every turn


_S = ConnectionState

TRANSITIONS: Mapping[ConnectionState, frozenset[ConnectionState]] = {
    _S.DISCONNECTED: frozenset({_S.RESOLVING, _S.CLOSED}),
    _S.RESOLVING: frozenset({_S.CONNECTING, _S.DISCONNECTED, _S.CLOSED}),
    _S.CONNECTING: frozenset({_S.TLS_HANDSHAKE, _S.NEGOTIATING, _S.DISCONNECTED, _S.CLOSED}),
    _S.TLS_HANDSHAKE: frozenset({_S.NEGOTIATING, _S.DISCONNECTED, _S.CLOSED}),
    _S.NEGOTIATING: frozenset({_S.AUTHENTICATING, _S.READY, _S.DISCONNECTED, _S.CLOSED}),
    _S.AUTHENTICATING: frozenset({_S.READY, _S.DISCONNECTED, _S.CLOSED}),
    _S.READY: frozenset({_S.DISCONNECTED, _S.CLOSED}),
    _S.CLOSED: frozenset(),
}

SETTING_UP = frozenset({_S.RESOLVING, _S.CONNECTING, _S.TLS_HANDSHAKE, _S.NEGOTIATING, _S.AUTHENTICATING})
"""On the way to READY; bounded by the set-up time-out."""
SHAKING_HANDS = frozenset({_S.NEGOTIATING, _S.AUTHENTICATING})
