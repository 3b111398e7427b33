"""JSON, None for None.

Imported by: serializer, applications.  Imports: serializer.abc.
"""

from __future__ import annotations

import json
from typing import Any

from kafka.serializer.abc import Deserializer, Serializer


class JsonSerializer(Serializer, Deserializer):
    """Whatever json.dumps() takes, as UTF-8; what it raises is raised.

    Threads: any.
    """

    def serialize(self, topic: str, *arguments: Any) -> Any:
        data = arguments[-1]
        return None if data is None else json.dumps(data).encode()

    def deserialize(self, topic: str, *arguments: Any) -> Any:
        data = arguments[-1]
        return None if data is None else json.loads(bytes(data))
