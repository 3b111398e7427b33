"""Which of three ways a serializer wants to be called, found out once.

Imported by: serializer.  Imports: nothing of ours.
"""

from __future__ import annotations

import inspect
from typing import Any, Callable

CallForm = Callable[[str, Any, Any], Any]


def call_form(serializer: Any) -> CallForm:
    """f(topic, headers, value) for a serializer that is f(value), or has serialize(topic, value) or serialize(topic, headers, value).

    What the serializer raises is raised.
    """
    method = getattr(serializer, "serialize", None)
    if not callable(method):
        return lambda topic, headers, value: serializer(value)
    if _takes_headers(method):
        return lambda topic, headers, value: method(topic, headers, value)
    return lambda topic, headers, value: method(topic, value)


def _takes_headers(method: Callable[..., Any]) -> bool:
    try:
        parameters = inspect.signature(method).parameters.values()
    except (TypeError, ValueError):
        return True  # compiled code that does not tell: the newest form
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return True
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    required = [p for p in positional if p.default is p.empty]
    return len(required) >= 3 or (len(positional) >= 3 and len(required) != 2)
