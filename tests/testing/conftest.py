"""A cluster in virtual time and a connection to its only broker."""

from __future__ import annotations

import pytest

from kafka.testing.clock import VirtualClock
from kafka.testing.cluster import Cluster
from kafka.testing.connection import ServerConnection


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def cluster(clock: VirtualClock) -> Cluster:
    """One broker with topic t of two partitions."""
    made = Cluster(clock=clock)
    made.create_topic("t", 2)
    return made


@pytest.fixture
def connection(cluster: Cluster) -> ServerConnection:
    return ServerConnection(cluster, cluster.nodes[1])
