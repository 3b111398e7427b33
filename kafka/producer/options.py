"""How an option is declared, and the checks it may name.

Imported by: producer.config.  Imports: errors.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, Callable, NamedTuple

from kafka.errors import KafkaConfigurationError

Check = Callable[[str, Any], None]


class Option(NamedTuple):
    """One option of the producer, declared once: everything else that knows of it reads this."""

    name: str
    default: Any
    check: Check
    unit: str
    group: str
    doc: str


def refuse(name: str, value: Any, wanted: str) -> KafkaConfigurationError:
    """The error of an option's bad value; secrets are not shown."""
    shown = "the given value" if "password" in name else repr(value)
    return KafkaConfigurationError(f"{name}: {shown} is not valid, it must be {wanted}")


def number(low: float, high: float = float("inf")) -> Check:
    """An int or float from `low` to `high`, and no bool."""

    def check(name: str, value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
            raise refuse(name, value, f"a number from {low} on" if high == float("inf") else f"a number from {low} to {high}")

    return check


def integer(low: int, high: float = float("inf")) -> Check:
    """An int from `low` to `high`, and no bool."""

    def check(name: str, value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise refuse(name, value, f"an integer from {low} on" if high == float("inf") else f"an integer from {low} to {high}")

    return check


def level(levels: range, *besides: int) -> Check:
    """An int out of `levels`, or one of `besides`, and no bool."""

    def check(name: str, value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, int) or (value not in levels and value not in besides):
            raise refuse(name, value, " or ".join([*map(str, besides), f"an integer from {levels[0]} to {levels[-1]}"]))

    return check


def integer_or_infinity(name: str, value: Any) -> None:
    if value != float("inf"):
        integer(0)(name, value)


def optional(check: Check) -> Check:
    def check_if_given(name: str, value: Any) -> None:
        if value is not None:
            check(name, value)

    return check_if_given


def one_of(*allowed: Any) -> Check:
    def check(name: str, value: Any) -> None:
        if isinstance(value, bool) or not any(type(value) is type(a) and value == a for a in allowed):
            raise refuse(name, value, "one of " + ", ".join(map(repr, allowed)))

    return check


def boolean(name: str, value: Any) -> None:
    if not isinstance(value, bool):
        raise refuse(name, value, "True or False")


def text(name: str, value: Any) -> None:
    if not isinstance(value, str):
        raise refuse(name, value, "a str")


def readable_file(name: str, value: Any) -> None:
    if not isinstance(value, (str, os.PathLike)):
        raise refuse(name, value, "the path of a file")
    if not os.access(value, os.R_OK):
        raise KafkaConfigurationError(f"{name}: cannot read the file {os.fspath(value)!r}")


def function(name: str, value: Any) -> None:
    if not callable(value):
        raise refuse(name, value, "a callable")


def serializer(name: str, value: Any) -> None:
    if not callable(value) and not callable(getattr(value, "serialize", None)):
        raise refuse(name, value, "a callable or an object with a serialize() method")


def partitioner(name: str, value: Any) -> None:
    if not callable(value) and not callable(getattr(value, "partition", None)):
        raise refuse(name, value, "a callable or an object with a partition() method")


def sequence_of(check: Check) -> Check:
    def check_all(name: str, value: Any) -> None:
        if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Sequence):
            raise refuse(name, value, "a list")
        for item in value:
            check(name, item)

    return check_all


def socket_option(name: str, value: Any) -> None:
    if not isinstance(value, tuple) or len(value) not in (3, 4):
        raise refuse(name, value, "a list of tuples of arguments for socket.setsockopt")


def servers(name: str, value: Any) -> None:
    if isinstance(value, str):
        return
    if not isinstance(value, Sequence) or isinstance(value, (bytes, bytearray)) or not value or not all(isinstance(item, str) for item in value):
        raise refuse(name, value, "a 'host[:port]' string or a list of them")


def api_version(name: str, value: Any) -> None:
    if isinstance(value, str):
        one_of("auto", "0.9")(name, value)
    elif not isinstance(value, tuple) or not 2 <= len(value) <= 4 or not all(isinstance(part, int) and part >= 0 for part in value):
        raise refuse(name, value, "None, 'auto', or a tuple of 2 to 4 integers such as (2, 8)")


def anything(name: str, value: Any) -> None:
    """Checked where it is used, which is at construction too."""


def not_built_yet(*accepted: Any) -> Check:
    """An option of later producers that may be given at the values that change nothing."""

    def check(name: str, value: Any) -> None:
        if not any(value == a and isinstance(value, bool) == isinstance(a, bool) for a in accepted):
            raise KafkaConfigurationError(f"{name}: {value!r} is not built yet; only {' or '.join(map(repr, accepted))} is accepted")

    return check
