"""What threads leave for each other in deques, by single atomic steps.

Imported by: cluster, producer.{accumulator,failures,sender}.  Imports: nothing of ours.
"""

from __future__ import annotations

from collections import deque
from typing import TypeVar

_T = TypeVar("_T")


def take_all(queue: deque[_T]) -> list[_T]:
    """Take what is in the queue; entries that others add meanwhile may be among it."""
    taken: list[_T] = []
    while queue:
        try:
            taken.append(queue.popleft())
        except IndexError:
            break  # another thread took the last one
    return taken
