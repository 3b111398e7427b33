"""The producer: facade, accumulator, sender.  Applications import KafkaProducer from here or from kafka."""

from kafka.producer.kafka import KafkaProducer

__all__ = ["KafkaProducer"]
