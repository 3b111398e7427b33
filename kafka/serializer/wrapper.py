"""Functions as serializers.

Imported by: serializer, applications.  Imports: serializer.abc.
"""

from __future__ import annotations

from typing import Any, Callable

from kafka.serializer.abc import Deserializer, Serializer


class SerializeWrapper(Serializer):
    """A Serializer that calls f(value).

    Threads: any.
    """

    def __init__(self, func: Callable[[Any], Any]) -> None:
        self._func = func

    def serialize(self, topic: str, *arguments: Any) -> Any:
        return self._func(arguments[-1])


class DeserializeWrapper(Deserializer):
    """A Deserializer that calls f(data).

    Threads: any.
    """

    def __init__(self, func: Callable[[Any], Any]) -> None:
        self._func = func

    def deserialize(self, topic: str, *arguments: Any) -> Any:
        return self._func(arguments[-1])
