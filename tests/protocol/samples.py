"""Random instances of any message, made from its declared fields."""

from __future__ import annotations

import random
import struct
import uuid
from typing import Any

from kafka.protocol.schema import Field, Struct


def sample(struct_class: type[Struct], version: int, chance: random.Random) -> Any:
    """An instance whose fields have other values than their defaults, where the version has them."""
    given = {name: _value(field, version, chance) for name, field in struct_class.FIELDS.items() if is_in(version, field.versions)}
    return struct_class(**given)


def is_in(version: int, versions: tuple[int, int]) -> bool:
    return versions[0] <= version <= versions[1]


def _value(field: Field, version: int, chance: random.Random) -> Any:
    if field.kind == "array":
        count = chance.randrange(1, 3)
        return [_value(field.element, version, chance) if isinstance(field.element, Field) else sample(field.element, version, chance)
                for _ in range(count)]  # fmt: skip
    if field.kind == "struct":
        return sample(field.element, version, chance)
    if field.kind == "?":
        return True
    if len(field.kind) == 1:
        return chance.getrandbits(8 * struct.calcsize(field.kind) - 1)
    if field.kind == "uuid":
        return uuid.UUID(int=chance.getrandbits(128))
    return f"text {chance.random()}" if field.kind == "string" else chance.randbytes(chance.randrange(1, 40))
