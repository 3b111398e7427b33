"""Text as UTF-8 or another encoding, bytes as they are.

Imported by: serializer, applications.  Imports: serializer.abc.
"""

from __future__ import annotations

from typing import Any

from kafka.serializer.abc import Deserializer, Serializer


class DefaultSerializer(Serializer, Deserializer):
    """str is encoded; bytes, bytearray, memoryview and None pass; anything else is an AttributeError.

    Threads: any.
    """

    def __init__(self, encoding: str = "utf-8") -> None:
        self._encoding = encoding

    def serialize(self, topic: str, *arguments: Any) -> Any:
        data = arguments[-1]
        if data is None or isinstance(data, (bytes, bytearray, memoryview)):
            return data
        return data.encode(self._encoding)

    def deserialize(self, topic: str, *arguments: Any) -> Any:
        data = arguments[-1]
        return None if data is None else bytes(data).decode(self._encoding)
