"""An interpreter of Kafka's message definitions (common/message/*.json in kafka-clients' jars) that shares no code with kafka.protocol."""

from __future__ import annotations

import functools
import json
import os
import random
import re
import struct
import uuid
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

REPOSITORY = Path.home() / ".m2" / "repository" / "org" / "apache" / "kafka" / "kafka-clients"
FETCHED = Path(__file__).parent.parent / "broker" / ".jars" / "definitions"

NUMBERS = {"int8": "b", "int16": "h", "int32": "i", "int64": "q"}
ZERO_ID = uuid.UUID(int=0)
RENAMED = {("TxnOffsetCommitRequest", "GenerationId"): "GenerationIdOrMemberEpoch"}
"""Fields that newer definitions have another name for: {(message, older name): newer name}."""
UNKNOWN_TAG = 77


# --- finding the jars -----------------------------------------------------------------------------------------------


def jars() -> dict[str, Path]:
    """{release: jar} of the first place that has any: KAFKA_CLIENTS_JARS, what tests/broker has fetched, Maven's repository."""
    named = [Path(name) for name in os.environ.get("KAFKA_CLIENTS_JARS", "").split(os.pathsep) if name]
    for place in (named, FETCHED.glob("kafka-clients-*.jar"), REPOSITORY.glob("*/kafka-clients-*.jar")):
        found = {match[1]: path for path in place if (match := re.fullmatch(r"kafka-clients-([\d.]+)\.jar", path.name))}
        if found:
            return found
    return {}


@functools.cache
def definition(jar: Path, name: str) -> dict[str, Any]:
    with zipfile.ZipFile(jar) as opened:
        text = opened.read(f"common/message/{name}.json").decode()
    without_comments = re.sub(r"^[ \t]*//.*$", "", text, flags=re.MULTILINE).lstrip()
    loaded: dict[str, Any] = json.JSONDecoder().raw_decode(without_comments)[0]  # one of them has a brace too many at its end
    for field in loaded["fields"]:
        field["name"] = RENAMED.get((name, field["name"]), field["name"])
    shared = {struct["name"]: struct["fields"] for struct in loaded.get("commonStructs", [])}
    for fields in (loaded["fields"], *shared.values()):
        _spell_out(fields, shared)
    return loaded


def _spell_out(fields: list[dict[str, Any]], shared: dict[str, Any]) -> None:
    """Give the fields of what the definition names once for several places."""
    for field in fields:
        inner = field.get("fields") or shared.get(field["type"].removeprefix("[]"))
        if inner:
            field["fields"] = inner
            _spell_out(inner, shared)


def highest_versions(jar: Path) -> dict[int, int]:
    """{API key: highest version that brokers list}."""
    found = {}
    with zipfile.ZipFile(jar) as opened:
        for name in opened.namelist():
            if not re.fullmatch(r"common/message/\w+Request\.json", name):
                continue
            told = dict(re.findall(r'^ *"(apiKey|validVersions|latestVersionUnstable)": *"?([\w-]+)', opened.read(name).decode(), re.MULTILINE))
            found[int(told["apiKey"])] = span(told["validVersions"])[1] - (told.get("latestVersionUnstable") == "true")
    return found


# --- reading definitions --------------------------------------------------------------------------------------------


def span(versions: str) -> tuple[int, int]:
    if versions == "none":
        return 1, 0
    if versions.endswith("+"):
        return int(versions[:-1]), 10**6
    first, _, last = versions.partition("-")
    return int(first), int(last or first)


def is_in(version: int, versions: str) -> bool:
    first, last = span(versions)
    return first <= version <= last


class Shape(NamedTuple):
    """One field in one version."""

    name: str
    type: str
    is_array: bool
    is_nullable: bool
    tag: int | None
    default: Any
    fields: list[dict[str, Any]]


def snake_case(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def default_of(field: dict[str, Any], kind: str, is_array: bool) -> Any:
    told = field.get("default")
    if is_array:
        return []
    if told == "null":
        return None
    if kind in NUMBERS:
        return int(str(told), 0) if told is not None else 0
    if kind == "bool":
        return str(told).lower() == "true"
    return {"string": told or "", "bytes": b"", "records": None, "uuid": ZERO_ID}.get(kind, {})


def shapes(fields: list[dict[str, Any]], version: int) -> list[Shape]:
    """The fields that a version has."""
    found = []
    for field in fields:
        if not is_in(version, field["versions"]):
            continue
        is_array = field["type"].startswith("[]")
        kind = field["type"][2:] if is_array else field["type"]
        tag = field["tag"] if is_in(version, field.get("taggedVersions", "none")) else None
        is_nullable = is_in(version, field.get("nullableVersions", "none"))
        default = default_of(field, kind, is_array)
        found.append(Shape(snake_case(field["name"]), kind, is_array, is_nullable, tag, default, field.get("fields", [])))
    return found


# --- values ---------------------------------------------------------------------------------------------------------


def random_values(fields: list[dict[str, Any]], version: int, chance: random.Random) -> dict[str, Any]:
    return {shape.name: _random_value(shape, version, chance) for shape in shapes(fields, version)}


def _random_value(shape: Shape, version: int, chance: random.Random) -> Any:
    if shape.is_nullable and chance.random() < 0.25:
        return None
    if shape.tag is not None and chance.random() < 0.4:
        return empty_values(shape.fields, version) if shape.fields and not shape.is_array else shape.default
    if shape.is_array:
        return [_random_one(shape, version, chance) for _ in range(chance.choice((0, 1, 2, 3, 4, 130)) if not shape.fields else chance.randrange(4))]
    return _random_one(shape, version, chance)


def _random_one(shape: Shape, version: int, chance: random.Random) -> Any:
    if shape.fields:
        return random_values(shape.fields, version, chance)
    if shape.type in NUMBERS:
        bits = 8 * struct.calcsize(NUMBERS[shape.type])
        return chance.choice((0, 1, -1, -(1 << bits - 1), (1 << bits - 1) - 1, chance.getrandbits(bits - 1)))
    if shape.type == "bool":
        return chance.random() < 0.5
    if shape.type == "string":
        return "".join(chance.choice("aZ-. é漢🎉") for _ in range(chance.choice((0, 1, 5, 127, 300))))
    if shape.type == "uuid":
        return uuid.UUID(int=chance.getrandbits(128))
    return chance.randbytes(chance.choice((0, 1, 126, 127, 128, 300)))


def empty_values(fields: list[dict[str, Any]], version: int) -> dict[str, Any]:
    """What a struct has where nothing is said."""
    return {
        shape.name: empty_values(shape.fields, version) if shape.fields and not shape.is_array else shape.default for shape in shapes(fields, version)
    }


# --- writing --------------------------------------------------------------------------------------------------------


def varint(number: int) -> bytes:
    groups = []
    while True:
        groups.append(number & 127)
        number >>= 7
        if not number:
            break
    return bytes(group | 128 for group in groups[:-1]) + bytes(groups[-1:])


def _length(length: int | None, is_flexible: bool, code: str) -> bytes:
    if is_flexible:
        return varint(0 if length is None else length + 1)
    return struct.pack(">" + code, -1 if length is None else length)


def encode(fields: list[dict[str, Any]], values: dict[str, Any], version: int, is_flexible: bool, *, adds_unknown_tags: bool = False) -> bytes:
    """The bytes of a struct; `adds_unknown_tags`: with a tagged field that nobody knows, as a newer release may write."""
    out = b""
    tagged = {}
    for shape in shapes(fields, version):
        value = values[shape.name]
        written = _encode_value(shape, value, version, is_flexible, adds_unknown_tags)
        if shape.tag is None:
            out += written
        elif value != (empty_values(shape.fields, version) if shape.fields and not shape.is_array else shape.default):
            tagged[shape.tag] = written
    if not is_flexible:
        return out
    if adds_unknown_tags:
        tagged[UNKNOWN_TAG] = b"from the future"
    return out + varint(len(tagged)) + b"".join(varint(tag) + varint(len(tagged[tag])) + tagged[tag] for tag in sorted(tagged))


def _encode_value(shape: Shape, value: Any, version: int, is_flexible: bool, adds_unknown_tags: bool) -> bytes:
    one = shape._replace(is_array=False, is_nullable=False)
    if shape.is_array:
        items = b"".join(_encode_value(one, item, version, is_flexible, adds_unknown_tags) for item in value or ())
        return _length(None if value is None else len(value), is_flexible, "i") + items
    if shape.fields:
        return encode(shape.fields, value, version, is_flexible, adds_unknown_tags=adds_unknown_tags)
    if shape.type in NUMBERS:
        return struct.pack(">" + NUMBERS[shape.type], value)
    if shape.type == "bool":
        return b"\1" if value else b"\0"
    if shape.type == "uuid":
        return bytes(value.bytes)
    encoded = value.encode() if isinstance(value, str) else value
    return _length(None if value is None else len(encoded), is_flexible, "h" if shape.type == "string" else "i") + (encoded or b"")


# --- reading --------------------------------------------------------------------------------------------------------


class Reader:
    """Takes bytes from the front."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def take(self, count: int) -> bytes:
        taken, self.data = self.data[:count], self.data[count:]
        if len(taken) != count:
            raise EOFError(f"{count} bytes were wanted")
        return taken

    def number(self, code: str) -> int:
        return int(struct.unpack(">" + code, self.take(struct.calcsize(code)))[0])

    def varint(self) -> int:
        byte = self.take(1)[0]
        return byte if byte < 128 else byte - 128 + (self.varint() << 7)

    def length(self, is_flexible: bool, code: str) -> int:
        return self.varint() - 1 if is_flexible else self.number(code)


def decode(fields: list[dict[str, Any]], reader: Reader, version: int, is_flexible: bool) -> dict[str, Any]:
    values = empty_values(fields, version)
    present = shapes(fields, version)
    for shape in present:
        if shape.tag is None:
            values[shape.name] = _decode_value(shape, reader, version, is_flexible)
    by_tag = {shape.tag: shape for shape in present}
    for _ in range(reader.varint() if is_flexible else 0):
        shape = by_tag[reader.varint()]
        inner = Reader(reader.take(reader.varint()))
        values[shape.name] = _decode_value(shape, inner, version, is_flexible)
        if inner.data:
            raise ValueError(f"{shape.name}: {len(inner.data)} bytes too many")
    return values


def _decode_value(shape: Shape, reader: Reader, version: int, is_flexible: bool) -> Any:
    if shape.is_array:
        count = reader.length(is_flexible, "i")
        one = shape._replace(is_array=False, is_nullable=False)
        return None if count < 0 else [_decode_value(one, reader, version, is_flexible) for _ in range(count)]
    if shape.fields:
        return decode(shape.fields, reader, version, is_flexible)
    if shape.type in NUMBERS:
        return reader.number(NUMBERS[shape.type])
    if shape.type == "bool":
        return reader.take(1) != b"\0"
    if shape.type == "uuid":
        return uuid.UUID(bytes=reader.take(16))
    length = reader.length(is_flexible, "h" if shape.type == "string" else "i")
    if length < 0:
        return None
    return reader.take(length).decode() if shape.type == "string" else reader.take(length)
