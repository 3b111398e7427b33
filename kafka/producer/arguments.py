"""Checks of what callers pass to the producer's methods: at once, by name, in classes that old and new callers catch.

Imported by: producer.kafka.  Imports: errors, serializer.
"""

from __future__ import annotations

import inspect
import re
from typing import Any, Callable

from kafka.errors import InvalidArgumentTypeError, InvalidArgumentValueError
from kafka.producer.records import Headers
from kafka.serializer import call_form

ROOM_FOR_OVERHEAD = 128
"""More than a record without headers needs besides key and value in any message format, its batch's header included."""

_LONGEST_TOPIC = 249
_TOPIC_CHARACTERS = re.compile(r"[a-zA-Z0-9._-]+\Z")
_INT64_MAX = 2**63 - 1


def check_topic(topic: Any) -> None:
    """Raise for what can be no topic's name."""
    if topic is None:
        raise InvalidArgumentTypeError("All topics must not be None")
    if not isinstance(topic, str):
        raise InvalidArgumentTypeError(f"All topics must be strings, not {type(topic).__name__}")
    if not topic:
        raise InvalidArgumentValueError("All topics must be non-empty strings")
    if topic in (".", ".."):
        raise InvalidArgumentValueError('Topic name cannot be "." or ".."')
    if len(topic) > _LONGEST_TOPIC:
        raise InvalidArgumentValueError(f'Topic name is illegal, it is longer than {_LONGEST_TOPIC} characters: "{topic[:20]}..." has {len(topic)}')
    if not _TOPIC_CHARACTERS.match(topic):
        raise InvalidArgumentValueError(f'Topic name "{topic}" is illegal, it contains a character other than ASCII alphanumerics, ".", "_" and "-"')


def old_positional_form(partition: int, timestamp_or_partition: Any, timestamp_ms: Any) -> tuple[None, int, Any]:
    """(headers, partition, timestamp_ms) where the fourth argument was a partition: what came fifth is the timestamp.

    Nothing tells whether the fifth was given by position, as then, or as partition=, by somebody who gives two partitions.
    """
    if isinstance(partition, bool) or (timestamp_or_partition is not None and timestamp_ms is not None):
        raise InvalidArgumentTypeError(f"headers must be list-type, not {type(partition).__name__}")
    return None, int(partition), timestamp_or_partition if timestamp_ms is None else timestamp_ms


def check_headers_type(headers: Any) -> None:
    """Raise for headers that are no sequence; an empty one means none."""
    if not isinstance(headers, (list, tuple)):
        raise InvalidArgumentTypeError(f"headers must be list-type, not {type(headers).__name__}")


def checked_headers(headers: Any, magic: int) -> tuple[Headers, int]:
    """A copy of the headers, and their size as RecordMetadata counts it; raises for what no record can carry."""
    check_headers_type(headers)
    copied = []
    size = 0
    for item in headers:
        if not isinstance(item, tuple) or len(item) != 2 or not isinstance(item[0], str):
            raise InvalidArgumentTypeError(f"All headers items must be (str, bytes) tuples, and this one is {_shape(item)}")
        name, value = item
        if type(name) is not str:
            name = str.__str__(name)
        if value is not None and type(value) is not bytes:
            value = bytes_of(f"value of header {name!r}", value)
        copied.append((name, value))
        size += _header_name_size(name) + (0 if value is None else len(value))
    if magic < 2:
        raise InvalidArgumentValueError(
            "Headers not supported in v0/v1: headers need brokers of Kafka 0.11 or newer (and an api_version that allows them)"
        )
    return tuple(copied), size


def _header_name_size(name: str) -> int:
    try:
        return len(name.encode())
    except UnicodeEncodeError:
        raise InvalidArgumentValueError(f"The name of header {name!r} cannot be encoded in UTF-8: it holds half of a surrogate pair") from None


def _shape(item: Any) -> str:
    if isinstance(item, tuple):
        return f"({', '.join(type(part).__name__ for part in item)})"
    return f"of type {type(item).__name__}"


def bytes_of(what: str, data: Any) -> bytes:
    """A copy of bytes-like data; InvalidArgumentTypeError names what it was for anything else."""
    if isinstance(data, (bytes, bytearray, memoryview)):
        return memoryview(data).tobytes()  # bytes() of a subclass may be the subclass again
    raise InvalidArgumentTypeError(
        f"Unsupported type for serialized {what}: {type(data)}; {what} must be bytes, bytearray, memoryview or None (or a serializer must make it so)"
    )


def check_timestamp(timestamp_ms: Any) -> None:
    """Raise for what is no timestamp in whole milliseconds."""
    if isinstance(timestamp_ms, bool) or not isinstance(timestamp_ms, int):
        raise InvalidArgumentTypeError(f"timestamp_ms should be int, but {type(timestamp_ms)} provided")
    if not 0 <= timestamp_ms <= _INT64_MAX:
        raise InvalidArgumentValueError(f"timestamp_ms must be from 0 to {_INT64_MAX}, not {timestamp_ms}")


def check_timeout(timeout: Any) -> None:
    """Raise for what is no time-out in seconds."""
    if timeout is None:
        return
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)):
        raise InvalidArgumentTypeError(f"Invalid timeout: it must be a number of seconds or None, not {type(timeout).__name__}")
    if not timeout >= 0:
        raise InvalidArgumentValueError(f"Invalid timeout: {timeout}")


def call_form_or_none(serializer: Any) -> Callable[[str, Any, Any], Any] | None:
    """The one way to call this serializer, found out once; None where there is none."""
    return None if serializer is None else call_form(serializer)


def null_value_refusal() -> InvalidArgumentValueError:
    """The error of a value that is None where brokers do not know such."""
    return InvalidArgumentValueError("Null messages require kafka >= 0.8.1: value is None, and api_version is older")


def close_all(*given: Any) -> None:
    """Call close() of those of the user's objects that have it, each once, as producers always did; the first error is raised in the end."""
    errors = []
    for thing in {id(thing): thing for thing in given if not inspect.isclass(thing)}.values():
        close = getattr(thing, "close", None)
        if callable(close):
            try:
                close()
            except Exception as error:  # noqa: BLE001 - raised below
                errors.append(error)
    if errors:
        raise errors[0]
