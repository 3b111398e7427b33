"""A placeholder: this library consumes nothing.

Imported by: kafka, applications.  Imports: the file of this folder.
"""

from __future__ import annotations

from kafka.consumer.group import KafkaConsumer

__all__ = ["KafkaConsumer"]
