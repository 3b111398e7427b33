"""What applications import from kafka-python's module of this name.

Imported by: applications.  Imports: producer.arguments.
"""

from __future__ import annotations

import binascii
import weakref
from types import MethodType
from typing import Any

from kafka.producer.arguments import check_topic as ensure_valid_topic_name

__all__ = ["WeakMethod", "crc32", "ensure_valid_topic_name"]


def crc32(data: bytes | bytearray | memoryview) -> int:
    """CRC-32 as the signed number that messages of the old formats carry."""
    crc = binascii.crc32(data)
    return crc - 2**32 if crc >= 2**31 else crc


class WeakMethod:
    """A bound method that does not keep its object alive; to be called as long as that lives, ReferenceError afterwards.

    Equal to another of the same method and object. Threads: any.
    """

    def __init__(self, object_dot_method: MethodType) -> None:
        self._method = weakref.WeakMethod(object_dot_method)
        self._hash = hash(object_dot_method)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        method = self._method()
        if method is None:
            raise ReferenceError("The object of this method is gone")
        return method(*args, **kwargs)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, WeakMethod) and self._method == other._method
