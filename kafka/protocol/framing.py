"""Frames: a size, a header, a body; and how whole frames are found in a stream of bytes.

Imported by: client, testing.  Imports: protocol.primitives, protocol.schema.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Sequence
from typing import Any, NamedTuple

from kafka.protocol import primitives
from kafka.protocol.primitives import Buffer, ProtocolDecodeError, read_unsigned_varint, unsigned_varint

_SIZE = struct.Struct(">i")
_HEADER = struct.Struct(">ihhi")  # with the size before it
_REQUEST = struct.Struct(">hhi")
_API_VERSIONS = 18
_NO_TAGS = b"\0"
_read_client_id = primitives.string(compact=False, nullable=True)[1]

_FOREIGN_STARTS = {
    b"HTTP": "an HTTP server answered",
    b"\x15\x03": "a TLS alert: the port speaks TLS",
    b"\x16\x03": "a TLS handshake: the port speaks TLS",
    b"SSH-": "an SSH server answered",
}


def request_frame(api_key: int, version: int, correlation_id: int, client_id: str | None, flexible: bool, body: Sequence[Buffer]) -> list[Buffer]:
    """Buffers of a whole request: size, header (version 1, or 2 where flexible, KIP-482), and the body's buffers as they are."""
    head = _rest_of_header(client_id, flexible)
    size = _HEADER.size - _SIZE.size + len(head) + sum(map(len, body))
    return [_HEADER.pack(size, api_key, version, correlation_id) + head, *body]


@functools.lru_cache(maxsize=16)
def _rest_of_header(client_id: str | None, flexible: bool) -> bytes:
    name = b"" if client_id is None else client_id.encode()
    return struct.pack(">h", -1 if client_id is None else len(name)) + name + (_NO_TAGS if flexible else b"")


class RequestHeader(NamedTuple):
    """What stands before a request's body; `body_offset` is where that begins in the frame."""

    api_key: int
    version: int
    correlation_id: int
    client_id: str | None
    body_offset: int


def read_request_header(frame: Buffer, *, is_flexible: Any) -> RequestHeader:
    """The header of a request's frame (without size); `is_flexible(api_key, version)` tells which form it has."""
    view = memoryview(frame)
    primitives.need(view, 0, _REQUEST.size)
    api_key, version, correlation_id = _REQUEST.unpack_from(view)
    client_id, position = _read_client_id(view, _REQUEST.size)
    if is_flexible(api_key, version):
        position = _skip_tags(view, position)
    return RequestHeader(api_key, version, correlation_id, client_id, position)


def response_frame(correlation_id: int, flexible_header: bool, body: Sequence[Buffer]) -> list[Buffer]:
    """Buffers of a whole response; the header of ApiVersions' is never flexible (KIP-511)."""
    head = struct.pack(">i", correlation_id) + (_NO_TAGS if flexible_header else b"")
    return [_SIZE.pack(len(head) + sum(map(len, body))) + head, *body]


@functools.lru_cache(maxsize=1024)
def has_flexible_response_header(message: Any, version: int) -> bool:
    """Whether tags stand between correlation id and body in answers to this message or class."""
    return message.API_KEY != _API_VERSIONS and bool(message.is_flexible(version))


def read_correlation_id(frame: Buffer) -> int:
    """The correlation id of a response's frame."""
    view = memoryview(frame)
    primitives.need(view, 0, _SIZE.size)
    correlation_id: int = _SIZE.unpack_from(view)[0]
    return correlation_id


def response_body_offset(request_class: Any, version: int, frame: Buffer) -> int:
    """Where the body begins in a response's frame."""
    flexible = has_flexible_response_header(request_class, version)
    if len(frame) > _SIZE.size and (not flexible or frame[_SIZE.size] == 0):
        return _SIZE.size + int(flexible)
    view = memoryview(frame)
    primitives.need(view, 0, _SIZE.size)
    return _skip_tags(view, _SIZE.size) if flexible else _SIZE.size


def _skip_tags(view: memoryview, position: int) -> int:
    count, position = read_unsigned_varint(view, position)
    for _ in range(count):
        _, position = read_unsigned_varint(view, position)
        size, position = read_unsigned_varint(view, position)
        position = primitives.need(view, position, size)
    return position


class FrameDecoder:
    """Cuts a stream of bytes into frames.

    Threads: one.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._kept = bytearray()

    def feed(self, received: Buffer) -> list[bytes]:
        """The frames, without their sizes, that are whole now; ProtocolDecodeError for a size that cannot be."""
        kept = self._kept
        if not kept and len(received) >= _SIZE.size:
            (size,) = _SIZE.unpack_from(received)
            if size == len(received) - _SIZE.size and size <= self._max_bytes:  # one frame and nothing else, as most often
                return [bytes(received[_SIZE.size :])]
        kept += received
        frames = []
        position = 0
        while len(kept) - position >= _SIZE.size:
            (size,) = _SIZE.unpack_from(kept, position)
            if not 0 <= size <= self._max_bytes:
                raise ProtocolDecodeError(self._bad_size(size, bytes(kept[position : position + 8])))
            end = position + _SIZE.size + size
            if end > len(kept):
                break
            frames.append(bytes(memoryview(kept)[position + _SIZE.size : end]))
            position = end
        if position:
            del kept[:position]
        return frames

    @property
    def kept_bytes(self) -> int:
        """Bytes of a frame that is not whole yet."""
        return len(self._kept)

    def _bad_size(self, size: int, start: bytes) -> str:
        hint = next((f"; {what}" for begin, what in _FOREIGN_STARTS.items() if start.startswith(begin)), "")
        return f"A frame of {size} bytes was announced, and at most {self._max_bytes} are taken{hint}"


__all__ = [
    "FrameDecoder",
    "RequestHeader",
    "has_flexible_response_header",
    "read_correlation_id",
    "read_request_header",
    "request_frame",
    "response_body_offset",
    "response_frame",
    "unsigned_varint",
]
