"""A Kafka producer: `from kafka import KafkaProducer`.

Names are loaded when they are first asked for, so that `import kafka` costs next to nothing; submodules too, as in `kafka.errors.KafkaError`
after `import kafka` alone.
"""

import importlib
import logging
from typing import TYPE_CHECKING, Any

from kafka._accel import IMPLEMENTATION as __impl__
from kafka.version import __version__

if TYPE_CHECKING:
    from kafka.admin import KafkaAdminClient
    from kafka.client.client import KafkaClient
    from kafka.client.connection import BrokerConnection
    from kafka.consumer import KafkaConsumer
    from kafka.partitioner import HashedPartitioner, LegacyPartitioner, Murmur2Partitioner, RoundRobinPartitioner
    from kafka.producer import KafkaProducer
    from kafka.serializer import Deserializer, Serializer
    from kafka.structs import OffsetAndMetadata, TopicPartition

logging.getLogger("kafka").addHandler(logging.NullHandler())

_HOMES = {
    "BrokerConnection": "kafka.client.connection",
    "Deserializer": "kafka.serializer",
    "HashedPartitioner": "kafka.partitioner",
    "KafkaAdminClient": "kafka.admin",
    "KafkaClient": "kafka.client.client",
    "KafkaConsumer": "kafka.consumer",
    "KafkaProducer": "kafka.producer",
    "LegacyPartitioner": "kafka.partitioner",
    "Murmur2Partitioner": "kafka.partitioner",
    "OffsetAndMetadata": "kafka.structs",
    "RoundRobinPartitioner": "kafka.partitioner",
    "Serializer": "kafka.serializer",
    "TopicPartition": "kafka.structs",
}
_SUBMODULES = frozenset(
    {"admin", "client", "client_async", "cluster", "codec", "common", "consumer", "errors", "future", "metrics", "net", "oauth", "partitioner",
     "producer", "protocol", "record", "sasl", "serializer", "structs", "testing", "util"}
)  # fmt: skip

__all__ = [
    "BrokerConnection",
    "Deserializer",
    "HashedPartitioner",
    "KafkaAdminClient",
    "KafkaClient",
    "KafkaConsumer",
    "KafkaProducer",
    "LegacyPartitioner",
    "Murmur2Partitioner",
    "OffsetAndMetadata",
    "RoundRobinPartitioner",
    "Serializer",
    "TopicPartition",
    "__impl__",
    "__version__",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        value = getattr(importlib.import_module(_HOMES[name]), name)
    elif name in _SUBMODULES:
        value = importlib.import_module(f"kafka.{name}")
    else:
        raise AttributeError(f"module 'kafka' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_SUBMODULES})
