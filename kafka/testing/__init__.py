"""A Kafka for tests: KafkaBroker on real sockets for any client, or a Cluster behind MemoryTransport in VirtualClock's time.

Imported by: applications' tests.  Imports: testing.*.
Threads: a KafkaBroker has one of its own; everything else runs in the caller's.
"""

from __future__ import annotations

from kafka.testing.broker import KafkaBroker
from kafka.testing.clock import VirtualClock
from kafka.testing.cluster import Cluster, Record
from kafka.testing.memory import MemoryTransport

__all__ = ["Cluster", "KafkaBroker", "MemoryTransport", "Record", "VirtualClock"]
