"""APIs by name.

Imported by: testing.rules.  Imports: protocol.
"""

from __future__ import annotations

from kafka.protocol.schema import Request


def api_key(name: str | int) -> int:
    """The number of "Produce", or of 0; ValueError for a name or number that no API of kafka.protocol has."""
    known = {kind.__name__[: -len("Request")]: kind.API_KEY for kind in Request.__subclasses__()}
    if isinstance(name, int) and name in known.values():
        return name
    if name not in known:
        raise ValueError(f"There is no API {name!r}; there are {', '.join(sorted(known))}")
    return known[str(name)]
