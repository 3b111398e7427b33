"""A Kafka for tests: KafkaCluster and KafkaBroker on real sockets for any client, or a Cluster behind MemoryTransport in VirtualClock's time.

Imported by: applications' tests.  Imports: testing.*.
Threads: a KafkaCluster has one of its own; everything else runs in the caller's.
"""

from __future__ import annotations

from kafka.testing.broker import KafkaBroker, KafkaCluster
from kafka.testing.clock import VirtualClock
from kafka.testing.cluster import Cluster, Record
from kafka.testing.memory import MemoryTransport
from kafka.testing.request_log import ReceivedRequest

__all__ = ["Cluster", "KafkaBroker", "KafkaCluster", "MemoryTransport", "ReceivedRequest", "Record", "VirtualClock"]
