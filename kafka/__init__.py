"""A Kafka producer: `from kafka import KafkaProducer`."""

import logging

from kafka._accel import IMPLEMENTATION as __impl__
from kafka.admin import KafkaAdminClient
from kafka.client.client import KafkaClient
from kafka.client.connection import BrokerConnection
from kafka.consumer import KafkaConsumer
from kafka.partitioner import HashedPartitioner, LegacyPartitioner, Murmur2Partitioner, RoundRobinPartitioner
from kafka.producer import KafkaProducer
from kafka.serializer import Deserializer, Serializer
from kafka.structs import OffsetAndMetadata, TopicPartition
from kafka.version import __version__

logging.getLogger("kafka").addHandler(logging.NullHandler())

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
