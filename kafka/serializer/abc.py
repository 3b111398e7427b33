"""What serializers and deserializers are.

Imported by: serializer.*, applications.  Imports: nothing of ours.
"""

from __future__ import annotations

from typing import Any


class Serializer:
    """Turns a key or value into bytes: serialize(topic, value), or serialize(topic, headers, value).

    Threads: any thread that sends.
    """

    def __init__(self, **config: Any) -> None:
        """Takes what a derived class is configured with; nothing of it is kept."""

    def serialize(self, topic: str, *arguments: Any) -> Any:
        raise NotImplementedError

    def close(self) -> None:
        """The producer is closed."""


class Deserializer:
    """Turns bytes into a key or value: deserialize(topic, data), or deserialize(topic, headers, data).

    Threads: any.
    """

    def __init__(self, **config: Any) -> None:
        """As for Serializer."""

    def deserialize(self, topic: str, *arguments: Any) -> Any:
        raise NotImplementedError

    def close(self) -> None:
        """The consumer is closed."""
