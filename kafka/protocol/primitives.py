"""The types that Kafka's messages are made of: how each is written and read, bounded by the frame it stands in.

A writer appends to a list of buffers, a reader gives (value, next position).
Imported by: protocol.schema, protocol.framing.  Imports: errors.
"""

from __future__ import annotations

import struct
import uuid
from typing import Any, Callable, Union

from kafka.errors import KafkaProtocolError

Buffer = Union[bytes, bytearray, memoryview]
Writer = Callable[[list[Buffer], Any], None]
Reader = Callable[[memoryview, int], "tuple[Any, int]"]

_MOST_VARINT_BYTES = 5


class ProtocolDecodeError(KafkaProtocolError):
    """What came is not the message that was expected; where it was cut or cannot be."""


def need(buffer: memoryview, position: int, size: int) -> int:
    """The position behind `size` bytes; ProtocolDecodeError where the frame ends before."""
    end = position + size
    if size < 0 or end > len(buffer):
        raise ProtocolDecodeError(f"{size} bytes were announced at byte {position} of a frame of {len(buffer)}")
    return end


def fixed(code: str) -> tuple[Writer, Reader]:
    """A number of constant size, by its struct code."""
    layout = struct.Struct(">" + code)
    pack, unpack, size = layout.pack, layout.unpack_from, layout.size

    def write(out: list[Buffer], value: Any) -> None:
        out.append(pack(value))

    def read(buffer: memoryview, position: int) -> tuple[Any, int]:
        end = need(buffer, position, size)
        return unpack(buffer, position)[0], end

    return write, read


def unsigned_varint(value: int) -> bytes:
    """Seven bits a byte, low ones first."""
    if value < 0x80:
        return bytes((value,))
    out = bytearray()
    while value > 0x7F:
        out.append((value & 0x7F) | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def read_unsigned_varint(buffer: memoryview, position: int) -> tuple[int, int]:
    if position < len(buffer) and buffer[position] < 0x80:
        return buffer[position], position + 1  # nearly all of them
    value = 0
    for index in range(_MOST_VARINT_BYTES):
        end = need(buffer, position, 1)
        byte = buffer[position]
        position = end
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            if value > 0xFFFFFFFF:
                break
            return value, position
    raise ProtocolDecodeError(f"A variable-length number at byte {position} is longer than {_MOST_VARINT_BYTES} bytes or larger than 32 bits")


def _length_code(code: str, *, compact: bool) -> tuple[Callable[[list[Buffer], int], None], Callable[[memoryview, int], tuple[int, int]]]:
    """A length, -1 for null: a number of constant size, or an unsigned varint of one more (KIP-482)."""
    if not compact:
        return fixed(code)

    def write(out: list[Buffer], length: int) -> None:
        out.append(unsigned_varint(length + 1))

    def read(buffer: memoryview, position: int) -> tuple[int, int]:
        value, position = read_unsigned_varint(buffer, position)
        return value - 1, position

    return write, read


def string(*, compact: bool, nullable: bool) -> tuple[Writer, Reader]:
    """UTF-8 text with its length in bytes before it."""
    write_length, read_length = _length_code("h", compact=compact)

    def write(out: list[Buffer], value: Any) -> None:
        if value is None and nullable:
            write_length(out, -1)
            return
        encoded = value.encode()
        write_length(out, len(encoded))
        out.append(encoded)

    def read(buffer: memoryview, position: int) -> tuple[Any, int]:
        length, position = read_length(buffer, position)
        if length == -1 and nullable:
            return None, position
        end = need(buffer, position, length)
        try:
            return str(buffer[position:end], "utf-8"), end
        except UnicodeDecodeError as error:
            raise ProtocolDecodeError(f"The text at byte {position} is not UTF-8") from error

    return write, read


def data(*, compact: bool, nullable: bool) -> tuple[Writer, Reader]:
    """Bytes with their length before them; a list of buffers is written as if joined; read as a view of the frame."""
    write_length, read_length = _length_code("i", compact=compact)

    def write(out: list[Buffer], value: Any) -> None:
        if value is None and nullable:
            write_length(out, -1)
        elif isinstance(value, (list, tuple)):
            write_length(out, sum(map(len, value)))
            out.extend(value)
        else:
            write_length(out, len(value))
            out.append(value)

    def read(buffer: memoryview, position: int) -> tuple[Any, int]:
        length, position = read_length(buffer, position)
        if length == -1 and nullable:
            return None, position
        end = need(buffer, position, length)
        return buffer[position:end], end

    return write, read


def copied(codec: tuple[Writer, Reader]) -> tuple[Writer, Reader]:
    """As data(), but read as bytes of its own."""
    write, read_view = codec

    def read(buffer: memoryview, position: int) -> tuple[Any, int]:
        view, end = read_view(buffer, position)
        return None if view is None else bytes(view), end

    return write, read


def array(element: tuple[Writer, Reader], *, compact: bool, nullable: bool) -> tuple[Writer, Reader]:
    """Elements with their number before them."""
    write_length, read_length = _length_code("i", compact=compact)
    write_element, read_element = element

    def write(out: list[Buffer], value: Any) -> None:
        if value is None and nullable:
            write_length(out, -1)
            return
        write_length(out, len(value))
        for item in value:
            write_element(out, item)

    def read(buffer: memoryview, position: int) -> tuple[Any, int]:
        length, position = read_length(buffer, position)
        if length == -1 and nullable:
            return None, position
        need(buffer, position, length)  # every element takes a byte at least
        items = []
        for _ in range(length):
            item, position = read_element(buffer, position)
            items.append(item)
        return items, position

    return write, read


def write_uuid(out: list[Buffer], value: Any) -> None:
    out.append(value.bytes)


def read_uuid(buffer: memoryview, position: int) -> tuple[Any, int]:
    end = need(buffer, position, 16)
    return uuid.UUID(bytes=bytes(buffer[position:end])), end
