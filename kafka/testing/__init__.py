"""A Kafka for tests: KafkaCluster and KafkaBroker on real sockets for any client, or a Cluster behind MemoryTransport in VirtualClock's time.

MockProducer does without any Kafka.
Imported by: applications' tests.  Imports: testing.*.
Threads: a KafkaCluster has one of its own; everything else runs in the caller's.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from kafka.testing.broker import KafkaBroker, KafkaCluster
from kafka.testing.certificates import Certificates
from kafka.testing.clock import VirtualClock
from kafka.testing.cluster import Cluster, Record
from kafka.testing.memory import MemoryTransport
from kafka.testing.request_log import ReceivedRequest
from kafka.testing.sasl import AcceptedToken, Sasl

if TYPE_CHECKING:
    from kafka.testing.mock_producer import MockProducer, SentRecord

__all__ = [
    "AcceptedToken",
    "Certificates",
    "Cluster",
    "KafkaBroker",
    "KafkaCluster",
    "MemoryTransport",
    "MockProducer",
    "ReceivedRequest",
    "Record",
    "Sasl",
    "SentRecord",
    "VirtualClock",
]

_WITH_A_PRODUCER = {"MockProducer": "kafka.testing.mock_producer", "SentRecord": "kafka.testing.mock_producer"}
"""What imports the producer, which the broker does without: loaded when it is first asked for."""


def __getattr__(name: str) -> Any:
    if name not in _WITH_A_PRODUCER:
        raise AttributeError(f"module 'kafka.testing' has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(_WITH_A_PRODUCER[name]), name)
    return value
