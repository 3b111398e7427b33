"""What a connection looks like from outside, at a moment.

Imported by: client.client, producer.status.  Imports: nothing of ours.
"""

from __future__ import annotations

from typing import NamedTuple


class BrokerStatus(NamedTuple):
    """A broker and the connection to it."""

    node_id: int | str
    """The broker's id; 'bootstrap-0' and so on for a bootstrap server that is connected to under no id yet."""
    host: str
    port: int
    state: str
    """disconnected, resolving, connecting, TLS handshake, negotiating, authenticating, ready, closed."""
    requests_in_flight: int
    last_error: BaseException | None
    """Why the last connection was lost, or could not be made; it may be long ago where the state is ready."""
    retry_in_s: float
    """Seconds until it is connected to again, where it is disconnected; else 0."""
    throttled_for_s: float
    """Seconds for which it has asked to be left alone (a quota); else 0."""
    is_busy: bool
    """It has as many requests to answer as max_in_flight_requests_per_connection allows."""
