"""kafka.serializer: what becomes bytes, and in which form serializers are called."""

from __future__ import annotations

from typing import Any

import pytest

from kafka.serializer import DefaultSerializer, Deserializer, DeserializeWrapper, JsonSerializer, Serializer, SerializeWrapper, call_form


class TwoArguments(Serializer):
    def serialize(self, topic: str, value: Any) -> Any:  # type: ignore[override]
        return (topic, value)


class ThreeArguments(Serializer):
    def serialize(self, topic: str, headers: Any, value: Any) -> Any:  # type: ignore[override]
        return (topic, headers, value)


class WithAnOption(Serializer):
    def serialize(self, topic: str, value: Any, strict: bool = False) -> Any:  # type: ignore[override]
        return (topic, value, strict)


@pytest.mark.parametrize(
    ("serializer", "expected"),
    [
        (lambda value: ("function", value), ("function", "v")),
        (TwoArguments(), ("t", "v")),
        (ThreeArguments(), ("t", ["h"], "v")),
        (WithAnOption(), ("t", "v", False)),
        (str.encode, b"v"),
        (SerializeWrapper(str.upper), "V"),
        (DefaultSerializer(), b"v"),
        (JsonSerializer(), b'"v"'),
    ],
)
def test_each_form_is_found_out(serializer: Any, expected: Any) -> None:
    assert call_form(serializer)("t", ["h"], "v") == expected


def test_a_type_error_inside_is_the_serializers_own() -> None:
    calls = []

    class Fails:
        def serialize(self, topic: str, value: Any) -> Any:
            calls.append(value)
            raise TypeError("mine")

    with pytest.raises(TypeError, match="mine"):
        call_form(Fails())("t", None, 1)
    assert calls == [1]


@pytest.mark.parametrize("data", [b"b", bytearray(b"b"), memoryview(b"b"), None])
def test_the_default_serializer_passes_bytes_and_none(data: Any) -> None:
    assert DefaultSerializer().serialize("t", None, data) is data


def test_the_default_serializer_encodes_text_and_nothing_else() -> None:
    assert DefaultSerializer("latin-1").serialize("t", None, "\u00e9") == b"\xe9"
    assert DefaultSerializer().deserialize("t", None, b"\xc3\xa9") == "\u00e9"
    assert DefaultSerializer().deserialize("t", None, None) is None
    with pytest.raises(AttributeError):
        DefaultSerializer().serialize("t", None, 5)


def test_json_both_ways_and_none_stays_none() -> None:
    assert JsonSerializer().deserialize("t", None, JsonSerializer().serialize("t", None, {"a": [1, None]})) == {"a": [1, None]}
    assert JsonSerializer().serialize("t", None, None) is None
    assert JsonSerializer().deserialize("t", None, None) is None
    assert DeserializeWrapper(int).deserialize("t", None, b"5") == 5


def test_the_base_class_serializes_nothing() -> None:
    with pytest.raises(NotImplementedError):
        Serializer().serialize("t", None, 1)


def test_the_base_classes_take_any_configuration() -> None:
    class Configured(TwoArguments):
        def __init__(self, **config: Any) -> None:
            super().__init__(**config)
            self.encoding = config["encoding"]

    assert Configured(encoding="utf-8", strict=True).encoding == "utf-8"
    assert call_form(TwoArguments(encoding="utf-8"))("t", None, "v") == ("t", "v")
    assert isinstance(Deserializer(encoding="utf-8"), Deserializer)
