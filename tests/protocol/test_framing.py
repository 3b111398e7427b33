"""Frames and headers."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from kafka.protocol.api_versions import ApiVersionsRequest
from kafka.protocol.framing import (
    FrameDecoder,
    has_flexible_response_header,
    read_correlation_id,
    read_request_header,
    request_frame,
    response_body_offset,
    response_frame,
)
from kafka.protocol.primitives import ProtocolDecodeError
from kafka.protocol.produce import ProduceRequest
from kafka.protocol.sasl_handshake import SaslHandshakeRequest


@pytest.mark.parametrize(
    ("client_id", "flexible", "expected"),
    [
        pytest.param("me", False, "00000010 0000 0008 00000007 0002 6d65 626f6479", id="header 1"),
        pytest.param("me", True, "00000011 0000 0008 00000007 0002 6d65 00 626f6479", id="header 2: the client's id is never compact"),
        pytest.param("", False, "0000000e 0000 0008 00000007 0000 626f6479", id="empty client id"),
        pytest.param(None, True, "0000000f 0000 0008 00000007 ffff 00 626f6479", id="no client id"),
        pytest.param("ü", False, "00000010 0000 0008 00000007 0002 c3bc 626f6479", id="sizes count bytes"),
    ],
)
def test_requests_have_this_header(client_id: str | None, flexible: bool, expected: str) -> None:
    frame = b"".join(request_frame(0, 8, 7, client_id, flexible, [b"bo", memoryview(b"dy")]))

    assert frame.hex() == expected.replace(" ", "")
    header = read_request_header(frame[4:], is_flexible=lambda api_key, version: flexible)
    assert (header.api_key, header.version, header.correlation_id, header.client_id) == (0, 8, 7, client_id)
    assert frame[4 + header.body_offset :] == b"body"


def test_a_request_without_a_body_is_a_whole_frame() -> None:
    assert b"".join(request_frame(18, 0, 1, "c", False, [])).hex() == "0000000b0012000000000001000163"


def test_the_body_is_framed_uncopied() -> None:
    body: list[bytes | bytearray | memoryview] = [b"small", bytearray(b"big" * 1000)]

    assert all(any(buffer is part for buffer in request_frame(0, 9, 1, "c", True, body)) for part in body)


@pytest.mark.parametrize(
    ("request_class", "version", "is_flexible"),
    [
        pytest.param(ProduceRequest, 8, False, id="Produce 8"),
        pytest.param(ProduceRequest, 9, True, id="Produce 9"),
        pytest.param(ApiVersionsRequest, 3, False, id="ApiVersions 3 keeps the old header (KIP-511)"),
        pytest.param(SaslHandshakeRequest, 1, False, id="SaslHandshake is never flexible"),
    ],
)
def test_responses_have_this_header(request_class: Any, version: int, is_flexible: bool) -> None:
    assert has_flexible_response_header(request_class, version) is is_flexible

    frame = b"".join(response_frame(9, is_flexible, [b"body"]))

    assert frame == struct.pack(">ii", 9 if is_flexible else 8, 9) + (b"\0" if is_flexible else b"") + b"body"
    assert read_correlation_id(frame[4:]) == 9
    assert frame[4:][response_body_offset(request_class, version, frame[4:]) :] == b"body"


def test_tags_in_a_header_are_skipped() -> None:
    frame = struct.pack(">i", 9) + b"\2\0\1x\x05\2yz" + b"body"

    assert frame[response_body_offset(ProduceRequest, 9, frame) :] == b"body"


@pytest.mark.parametrize("frame", [b"", b"\0\0\0"], ids=["empty", "three bytes"])
def test_an_answer_shorter_than_its_header_raises_a_decode_error(frame: bytes) -> None:
    with pytest.raises(ProtocolDecodeError):
        read_correlation_id(frame)
    with pytest.raises(ProtocolDecodeError):
        response_body_offset(ProduceRequest, 9, frame)


def framed(*bodies: bytes) -> bytes:
    return b"".join(struct.pack(">i", len(body)) + body for body in bodies)


def test_several_frames_in_one_piece_are_told_apart() -> None:
    assert FrameDecoder(100).feed(framed(b"one", b"", b"three")) == [b"one", b"", b"three"]


@pytest.mark.parametrize("piece", [1, 2, 3, 5, 7])
def test_a_cut_frame_is_kept_until_the_rest_comes(piece: int) -> None:
    decoder = FrameDecoder(100)
    stream = framed(b"one", b"twenty-two bytes there", b"", b"x")

    frames = [frame for start in range(0, len(stream), piece) for frame in decoder.feed(stream[start : start + piece])]

    assert frames == [b"one", b"twenty-two bytes there", b"", b"x"]
    assert decoder.kept_bytes == 0


def test_frames_do_not_change_with_the_buffer_they_were_read_into() -> None:
    decoder = FrameDecoder(100)
    buffer = bytearray(framed(b"one") + framed(b"two")[:5])
    (first,) = decoder.feed(memoryview(buffer))

    buffer[:] = b"?" * len(buffer)

    assert first == b"one"
    assert decoder.feed(b"wo") == [b"two"]


def test_a_frame_of_the_greatest_size_is_taken() -> None:
    assert FrameDecoder(5).feed(framed(b"12345")) == [b"12345"]


@pytest.mark.parametrize(
    ("received", "words"),
    [
        pytest.param(b"\xff\xff\xff\xff", "-1", id="negative"),
        pytest.param(struct.pack(">i", 1001), "1001", id="too large"),
        pytest.param(b"HTTP/1.1 400 Bad Request", "HTTP", id="a web server"),
        pytest.param(b"\x15\x03\x03\x00\x02\x02\x46", "TLS", id="a TLS alert"),
        pytest.param(b"\x16\x03\x01\x02\x00", "TLS", id="a TLS handshake"),
    ],
)
def test_a_size_that_cannot_be_raises_at_once_and_says_what_may_be_wrong(received: bytes, words: str) -> None:
    with pytest.raises(ProtocolDecodeError, match=words) as raised:
        FrameDecoder(1000).feed(received)

    assert str(struct.unpack(">i", received[:4])[0]) in str(raised.value)
