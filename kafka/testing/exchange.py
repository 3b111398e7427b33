"""What a connection asks of a handler, and what a handler may answer.

Imported by: testing.connection, testing.handlers.  Imports: testing.cluster.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, Callable, NamedTuple, Union

from kafka.testing.cluster import Cluster, Node


class Call(NamedTuple):
    """A request that has arrived."""

    cluster: Cluster
    node: Node
    version: int
    request: Any
    versions: Mapping[int, tuple[int, int]]
    """{API key: (lowest, highest version)} of all that is served."""
    client_id: str | None


class Silence(Enum):
    """Answers without words."""

    NO_ANSWER = "the client does not expect any"
    CLOSE = "close the connection"


class Later(NamedTuple):
    """The answer is held back."""

    deadline_s: float
    """When it must be given, on the clock of the cluster."""
    look: Callable[[bool], Any]
    """Gives the answer, None while it is not worth giving, or another Later; with True it must not be None."""


Answer = Union[Any, Silence, Later]
Handler = Callable[[Call], Answer]
