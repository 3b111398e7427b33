"""Messages as classes: a field is declared once with its versions, and codecs are put together per version when first used.

Names, versions, nullability, tags and defaults are those of the official definitions (common/message/*.json), which a test compares.
Imported by: protocol.*.  Imports: protocol.primitives.
"""

from __future__ import annotations

import struct
import uuid
from typing import Any, ClassVar, NamedTuple, TypeVar

from kafka.errors import UnsupportedVersionError
from kafka.protocol import primitives
from kafka.protocol.primitives import Buffer, ProtocolDecodeError, Reader, Writer, read_unsigned_varint, unsigned_varint

NO_UUID = uuid.UUID(int=0)
_NEWEST = 32767
_Self = TypeVar("_Self", bound="Struct")


def parse_versions(text: str) -> tuple[int, int]:
    """(first, last) of '3+', '0-12' or '8'; an empty range for ''."""
    if not text:
        return 1, 0
    if text.endswith("+"):
        return int(text[:-1]), _NEWEST
    first, _, last = text.partition("-")
    return int(first), int(last or first)


class Field(NamedTuple):
    """One field of a struct; `kind` is a struct code, 'string', 'bytes', 'records', 'uuid', 'array' or 'struct'."""

    kind: str
    versions: tuple[int, int]
    nullable: tuple[int, int]
    default: Any
    tag: int | None
    tagged: tuple[int, int]
    element: Any = None

    def default_value(self) -> Any:
        if self.kind == "struct":
            return None if self.default is None else self.element()
        return list(self.default) if isinstance(self.default, list) else self.default


def _within(version: int, versions: tuple[int, int]) -> bool:
    return versions[0] <= version <= versions[1]


def _field(kind: str, versions: str, nullable: str, default: Any, tag: int | None, element: Any = None) -> Any:
    tagged = parse_versions(versions) if tag is not None else (1, 0)
    return Field(kind, parse_versions(versions), parse_versions(nullable), default, tag, tagged, element)


def int8(versions: str = "0+", *, default: int = 0, tag: int | None = None) -> Any:
    return _field("b", versions, "", default, tag)


def int16(versions: str = "0+", *, default: int = 0, tag: int | None = None) -> Any:
    return _field("h", versions, "", default, tag)


def int32(versions: str = "0+", *, default: int = 0, tag: int | None = None) -> Any:
    return _field("i", versions, "", default, tag)


def int64(versions: str = "0+", *, default: int = 0, tag: int | None = None) -> Any:
    return _field("q", versions, "", default, tag)


def boolean(versions: str = "0+", *, default: bool = False, tag: int | None = None) -> Any:
    return _field("?", versions, "", default, tag)


def string(versions: str = "0+", *, nullable: str = "", default: str | None = "", tag: int | None = None) -> Any:
    return _field("string", versions, nullable, default, tag)


def data(versions: str = "0+", *, nullable: str = "", default: bytes | None = b"", tag: int | None = None) -> Any:
    return _field("bytes", versions, nullable, default, tag)


def records(versions: str = "0+", *, nullable: str = "0+") -> Any:
    """Record batches: given as buffers that are passed on uncopied, read as a view of the frame."""
    return _field("records", versions, nullable, None, None)


def uuid_(versions: str = "0+", *, tag: int | None = None) -> Any:
    return _field("uuid", versions, "", NO_UUID, tag)


def array(element: Any, versions: str = "0+", *, nullable: str = "", tag: int | None = None) -> Any:
    """`element`: a Struct class, or a field made by one of these functions."""
    return _field("array", versions, nullable, [], tag, element)


def struct_(element: Any, versions: str = "0+", *, nullable: str = "", tag: int | None = None) -> Any:
    return _field("struct", versions, nullable, element, tag, element)


class Struct:
    """Base of everything declared: fields are class attributes made by the functions above, values are instance attributes.

    Fields that a version does not have are not written, and have their defaults when read.
    """

    FIELDS: ClassVar[dict[str, Field]] = {}
    _codecs: ClassVar[dict[tuple[int, bool], tuple[Writer, Reader]]]

    def __init_subclass__(cls) -> None:
        cls.FIELDS = {name: value for name, value in vars(cls).items() if isinstance(value, Field)}
        cls._codecs = {}

    def __init__(self, **values: Any) -> None:
        unknown = values.keys() - self.FIELDS.keys()
        if unknown:
            raise TypeError(f"{type(self).__name__} has no field {', '.join(sorted(unknown))}")
        for name, field in self.FIELDS.items():
            setattr(self, name, values[name] if name in values else field.default_value())

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={self._shown(name)}' for name in self.FIELDS)})"

    def _shown(self, name: str) -> str:
        """Neither payloads nor secrets come into logs and tracebacks."""
        value = getattr(self, name)
        if value is None or self.FIELDS[name].kind not in ("bytes", "records"):
            return repr(value)
        return f"<{sum(map(len, value)) if isinstance(value, (list, tuple)) else len(value)} bytes>"

    @classmethod
    def codec(cls, version: int, flexible: bool) -> tuple[Writer, Reader]:
        """How this struct is written and read in a version; made once."""
        known = cls._codecs.get((version, flexible))
        if known is None:
            known = cls._codecs[version, flexible] = _struct_codec(cls, version, flexible)
        return known


class Message(Struct):
    """A request or a response."""

    API_KEY: ClassVar[int]
    VALID_VERSIONS: ClassVar[tuple[int, int]]
    FLEXIBLE_FROM: ClassVar[int | None] = None

    @classmethod
    def is_flexible(cls, version: int) -> bool:
        return cls.FLEXIBLE_FROM is not None and version >= cls.FLEXIBLE_FROM

    def encode_chain(self, version: int) -> list[Buffer]:
        """The body as buffers in order; records are among them as they were given.  UnsupportedVersionError for a version not declared."""
        self._check(version)
        out: list[Buffer] = []
        self.codec(version, self.is_flexible(version))[0](out, self)
        return out

    def encode(self, version: int) -> bytes:
        """The body as bytes."""
        return b"".join(self.encode_chain(version))

    @classmethod
    def decode(cls: type[_Self], version: int, buffer: Buffer, offset: int = 0) -> _Self:
        """The message in `buffer` from `offset` on; ProtocolDecodeError where there is none.

        Bytes behind it are left unread, as brokers and other clients do: librdkafka 2.16 sends some with Metadata, and servers answer some.
        """
        message: Any = cls
        message._check(version)
        view = memoryview(buffer)
        value: _Self
        try:
            value, _ = message.codec(version, message.is_flexible(version))[1](view, offset)
        except RecursionError as error:
            raise ProtocolDecodeError(f"{cls.__name__} v{version} is nested too deeply") from error
        return value

    @classmethod
    def _check(cls, version: int) -> None:
        first, last = cls.VALID_VERSIONS
        if not first <= version <= last:
            raise UnsupportedVersionError(f"{cls.__name__} is known from version {first} to {last}, not {version}")


class Response(Message):
    """What a broker answers."""


class Request(Message):
    """What a client asks."""

    RESPONSE: ClassVar[type[Response]]
    NEWEST_ASKED: ClassVar[int | None] = None
    """The newest version that this library asks itself, where it does not ask the newest declared."""


def _value_codec(field: Field, version: int, flexible: bool) -> tuple[Writer, Reader]:
    nullable = _within(version, field.nullable)
    if field.kind == "string":
        return primitives.string(compact=flexible, nullable=nullable)
    if field.kind == "records":
        return primitives.data(compact=flexible, nullable=nullable)
    if field.kind == "bytes":
        return primitives.copied(primitives.data(compact=flexible, nullable=nullable))
    if field.kind == "uuid":
        return primitives.write_uuid, primitives.read_uuid
    if field.kind == "struct":
        codec: tuple[Writer, Reader] = field.element.codec(version, flexible)
        return codec
    if field.kind == "array":
        element = field.element
        inner = _value_codec(element, version, flexible) if isinstance(element, Field) else element.codec(version, flexible)
        return primitives.array(inner, compact=flexible, nullable=nullable)
    return primitives.fixed(field.kind)


class _Run(NamedTuple):
    """Neighbouring fields of constant size, written and read in one go."""

    names: tuple[str, ...]
    layout: struct.Struct


def _plan(cls: type[Struct], version: int, flexible: bool) -> list[_Run | tuple[str, Writer, Reader]]:
    plan: list[_Run | tuple[str, Writer, Reader]] = []
    names: list[str] = []
    codes = ""

    def end_run() -> None:
        nonlocal names, codes
        if names:
            plan.append(_Run(tuple(names), struct.Struct(">" + codes)))
        names, codes = [], ""

    for name, field in cls.FIELDS.items():
        if not _within(version, field.versions) or (flexible and _within(version, field.tagged)):
            continue
        if len(field.kind) == 1:
            names.append(name)
            codes += field.kind
        else:
            end_run()
            plan.append((name, *_value_codec(field, version, flexible)))
    end_run()
    return plan


def _struct_codec(cls: type[Struct], version: int, flexible: bool) -> tuple[Writer, Reader]:
    plan = _plan(cls, version, flexible)
    tagged = {
        field.tag: (name, field, *_value_codec(field, version, flexible))
        for name, field in cls.FIELDS.items()
        if flexible and field.tag is not None and _within(version, field.tagged) and _within(version, field.versions)
    }
    defaults = {name: field.default for name, field in cls.FIELDS.items() if not isinstance(field.default, list) and field.kind != "struct"}
    made_anew = {name: field for name, field in cls.FIELDS.items() if name not in defaults}
    present = {name for step in plan for name in (step.names if isinstance(step, _Run) else (step[0],))}
    missing = [name for name in made_anew if name not in present]

    def write(out: list[Buffer], value: Any) -> None:
        attributes = vars(value)
        for step in plan:
            if isinstance(step, _Run):
                out.append(step.layout.pack(*[attributes[name] for name in step.names]))
            else:
                step[1](out, attributes[step[0]])
        if flexible:
            _write_tags(out, attributes, tagged)

    def read(buffer: memoryview, position: int) -> tuple[Any, int]:
        attributes = dict(defaults)
        for name in missing:
            attributes[name] = made_anew[name].default_value()
        for step in plan:
            if isinstance(step, _Run):
                end = primitives.need(buffer, position, step.layout.size)
                attributes.update(zip(step.names, step.layout.unpack_from(buffer, position)))
                position = end
            else:
                attributes[step[0]], position = step[2](buffer, position)
        if flexible:
            position = _read_tags(buffer, position, attributes, tagged)
        value = cls.__new__(cls)
        value.__dict__ = attributes
        return value, position

    return write, read


def _write_tags(out: list[Buffer], attributes: dict[str, Any], tagged: dict[int, tuple[str, Field, Writer, Reader]]) -> None:
    given = [(tag, *tagged[tag]) for tag in sorted(tagged) if attributes[tagged[tag][0]] != tagged[tag][1].default_value()]
    out.append(unsigned_varint(len(given)))
    for tag, name, _, write, _ in given:
        content: list[Buffer] = []
        write(content, attributes[name])
        out.append(unsigned_varint(tag) + unsigned_varint(sum(map(len, content))))
        out.extend(content)


def _read_tags(buffer: memoryview, position: int, attributes: dict[str, Any], tagged: dict[int, tuple[str, Field, Writer, Reader]]) -> int:
    count, position = read_unsigned_varint(buffer, position)
    for _ in range(count):
        tag, position = read_unsigned_varint(buffer, position)
        size, position = read_unsigned_varint(buffer, position)
        end = primitives.need(buffer, position, size)
        if tag in tagged:
            name, _, _, read = tagged[tag]
            attributes[name], stopped = read(buffer[:end], position)
            if stopped != end:
                raise ProtocolDecodeError(f"Tagged field {name} has {end - stopped} bytes too many")
        position = end
    return position
