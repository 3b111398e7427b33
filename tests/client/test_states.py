"""client.states: the table of a connection, every pair of it."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from kafka.client.addresses import Address
from kafka.client.connection import BrokerConnection
from kafka.client.states import TRANSITIONS, ConnectionState
from kafka.errors import IllegalStateError


class Tools:
    """As much of ConnectionTools as the constructor reads."""

    class options:
        client_id = "c"
        reconnect_backoff_s = 0.05
        reconnect_backoff_max_s = 1.0
        connections_max_idle_s = 540.0

    random: Any = None
    metrics: Any = None
    clock: Any = None


@pytest.mark.parametrize(("before", "after"), list(itertools.product(ConnectionState, ConnectionState)), ids=lambda s: s.name)
def test_every_pair_of_states(before: ConnectionState, after: ConnectionState) -> None:
    connection = BrokerConnection(1, Address("h", 1), Tools())  # type: ignore[arg-type]
    connection.state = before
    if after in TRANSITIONS[before]:
        connection._transition(after)
        assert connection.state is after
    else:
        with pytest.raises(IllegalStateError):
            connection._transition(after)
        assert connection.state is before


def test_closed_is_for_good_and_every_state_has_a_row() -> None:
    assert set(TRANSITIONS) == set(ConnectionState)
    assert not TRANSITIONS[ConnectionState.CLOSED]
