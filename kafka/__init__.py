"""A Kafka producer: `from kafka import KafkaProducer`."""

import logging

from kafka.admin import KafkaAdminClient
from kafka.client.client import KafkaClient
from kafka.client.connection import BrokerConnection
from kafka.consumer import KafkaConsumer
from kafka.producer import KafkaProducer
from kafka.serializer import Deserializer, Serializer
from kafka.structs import OffsetAndMetadata, TopicPartition
from kafka.version import __version__

logging.getLogger("kafka").addHandler(logging.NullHandler())

__all__ = [
    "BrokerConnection",
    "Deserializer",
    "KafkaAdminClient",
    "KafkaClient",
    "KafkaConsumer",
    "KafkaProducer",
    "OffsetAndMetadata",
    "Serializer",
    "TopicPartition",
    "__version__",
]
