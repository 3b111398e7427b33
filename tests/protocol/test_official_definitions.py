"""Our tables and bytes against the official definitions of two releases: one that still has the old versions, and a new one."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import pytest

from kafka.protocol.schema import Field, Message, Struct
from kafka.protocol.versions import RELEASES
from tests.protocol import official
from tests.protocol.messages import EVERY_VERSION, EVERY_VERSION_IDS, MESSAGES, build

WITH_OLD_VERSIONS, NEW = "3.9.1", "4.4.0"
KINDS = {"b": "int8", "h": "int16", "i": "int32", "q": "int64", "?": "bool"}
ROUNDS = 6


@pytest.fixture(scope="module")
def jars() -> dict[str, Path]:
    found = official.jars()
    if not {WITH_OLD_VERSIONS, NEW} <= found.keys():
        reason = f"the official definitions (kafka-clients {WITH_OLD_VERSIONS} and {NEW}) are not here: see tests/broker/kafka_jars.py"
        if os.environ.get("KAFKA_TESTS_REQUIRE_BROKERS", "") not in ("", "0"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@pytest.fixture
def definitions(jars: dict[str, Path], message: type[Message]) -> list[dict[str, Any]]:
    return [official.definition(jars[release], message.__name__) for release in (WITH_OLD_VERSIONS, NEW)]


@pytest.fixture
def of_version(definitions: list[dict[str, Any]], version: int) -> list[dict[str, Any]]:
    """Those of the definitions that have this version: at least one."""
    known = [definition for definition in definitions if official.is_in(version, definition["validVersions"])]
    assert known, "no release has this version"
    return known


@pytest.mark.parametrize("message", MESSAGES)
def test_api_keys_and_flexible_versions_are_the_official_ones(message: type[Message], definitions: list[dict[str, Any]]) -> None:
    for definition in definitions:
        flexible = definition["flexibleVersions"]
        assert definition["apiKey"] == message.API_KEY
        assert (None if flexible == "none" else official.span(flexible)[0]) == message.FLEXIBLE_FROM


@pytest.mark.parametrize("message", MESSAGES)
def test_our_versions_are_official_ones(message: type[Message], definitions: list[dict[str, Any]]) -> None:
    spans = [official.span(definition["validVersions"]) for definition in definitions]

    assert min(first for first, _ in spans) <= message.VALID_VERSIONS[0]
    assert message.VALID_VERSIONS[1] <= max(last for _, last in spans)


def our_shape(struct_class: type[Struct], version: int) -> list[Any]:
    return [_our_field(name, field, version) for name, field in struct_class.FIELDS.items() if _is_in(version, field.versions)]


def _is_in(version: int, versions: tuple[int, int]) -> bool:
    return versions[0] <= version <= versions[1]


def _our_field(name: str, field: Field, version: int) -> Any:
    is_array = field.kind == "array"
    kind: Any = KINDS.get(field.kind, field.kind)
    default = field.default_value()
    if is_array and isinstance(field.element, Field):
        kind = KINDS.get(field.element.kind, field.element.kind)
    elif is_array or kind == "struct":
        kind = our_shape(field.element, version)
        default = default if is_array else "fresh"
    tag = field.tag if _is_in(version, field.tagged) else None
    return name, kind, is_array, _is_in(version, field.nullable), tag, default


def official_shape(fields: list[dict[str, Any]], version: int) -> list[Any]:
    return [
        (
            shape.name,
            official_shape(shape.fields, version) if shape.fields else shape.type,
            shape.is_array,
            shape.is_nullable,
            shape.tag,
            "fresh" if shape.fields and not shape.is_array else shape.default,
        )
        for shape in official.shapes(fields, version)
    ]


@pytest.mark.parametrize(("message", "version"), EVERY_VERSION, ids=EVERY_VERSION_IDS)
def test_fields_have_the_official_order_types_nullability_tags_and_defaults(
    message: type[Message], version: int, of_version: list[dict[str, Any]]
) -> None:
    for definition in of_version:
        assert our_shape(message, version) == official_shape(definition["fields"], version)


@pytest.mark.parametrize(("message", "version"), EVERY_VERSION, ids=EVERY_VERSION_IDS)
def test_random_values_have_the_official_bytes_both_ways(message: type[Message], version: int, of_version: list[dict[str, Any]]) -> None:
    chance = random.Random(f"{message.__name__} {version}")
    for definition in of_version:
        fields = definition["fields"]
        is_flexible = official.is_in(version, definition["flexibleVersions"])
        for _ in range(ROUNDS):
            values = official.random_values(fields, version, chance)
            expected = official.encode(fields, values, version, is_flexible)

            ours = build(message, values)
            encoded = ours.encode(version)

            assert encoded == expected
            assert message.decode(version, expected) == ours
            reader = official.Reader(encoded)
            assert official.decode(fields, reader, version, is_flexible) == values
            assert not reader.data


@pytest.mark.parametrize(("message", "version"), EVERY_VERSION, ids=EVERY_VERSION_IDS)
def test_tagged_fields_of_newer_releases_are_skipped(message: type[Message], version: int, of_version: list[dict[str, Any]]) -> None:
    if not message.is_flexible(version):
        return
    fields = of_version[-1]["fields"]
    values = official.random_values(fields, version, random.Random(version))

    encoded = official.encode(fields, values, version, True, adds_unknown_tags=True)

    assert message.decode(version, encoded) == build(message, values)


def test_releases_list_the_official_highest_versions(jars: dict[str, Path]) -> None:
    compared = []
    for name, jar in jars.items():
        release = tuple(map(int, name.split(".")[:2]))
        if release < (2, 4):
            continue  # not every message was defined this way before
        highest = official.highest_versions(jar)
        assert RELEASES[release] == {key: highest[key] for key in RELEASES[release]}, name
        compared.append(release)
    assert {(3, 9), (4, 4)} <= set(compared)
