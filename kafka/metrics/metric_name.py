"""What a metric is called.

Imported by: metrics.  Imports: errors.
"""

from __future__ import annotations

from typing import Any

from kafka.errors import InvalidArgumentTypeError, InvalidArgumentValueError


class MetricName:
    """A metric's name, group and tags, which identify it, and a description, which does not.  Cannot be changed.

    Threads: any.
    """

    __slots__ = ("_description", "_group", "_hash", "_name", "_tags")

    def __init__(self, name: str, group: str, description: str | None = None, tags: dict[str, Any] | None = None) -> None:
        if not name or not group:
            raise InvalidArgumentValueError(f"A metric needs a name and a group: {name!r}, {group!r}")
        if tags is not None and not isinstance(tags, dict):
            raise InvalidArgumentTypeError(f"The tags of metric {name!r} must be a dict, not {type(tags).__name__}")
        self._name = name
        self._group = group
        self._description = description
        self._tags: dict[str, Any] = dict(tags or {})
        self._hash = hash((name, group, frozenset(self._tags.items())))

    @property
    def name(self) -> str:
        return self._name

    @property
    def group(self) -> str:
        return self._group

    @property
    def description(self) -> str | None:
        return self._description

    @property
    def tags(self) -> dict[str, Any]:
        """A copy: changing it changes nothing."""
        return dict(self._tags)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, MetricName):
            return NotImplemented
        return self._hash == other._hash and self._name == other._name and self._group == other._group and self._tags == other._tags

    def __reduce__(self) -> tuple[Any, ...]:
        return MetricName, (self._name, self._group, self._description, self._tags)  # the hash is another one in each process

    def __repr__(self) -> str:
        return f"MetricName(name={self._name}, group={self._group}, description={self._description}, tags={self._tags})"
