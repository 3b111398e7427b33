"""Serializers: what turns keys and values into bytes.

Imported by: producer, applications.  Imports: serializer.*.
"""

from kafka.serializer.abc import Deserializer, Serializer
from kafka.serializer.call_form import call_form as call_form
from kafka.serializer.default import DefaultSerializer
from kafka.serializer.json import JsonSerializer
from kafka.serializer.wrapper import DeserializeWrapper, SerializeWrapper

__all__ = [
    "DefaultSerializer",
    "DeserializeWrapper",
    "Deserializer",
    "JsonSerializer",
    "SerializeWrapper",
    "Serializer",
]
