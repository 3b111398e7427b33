"""What comes from the network may be anything: only ProtocolDecodeError may come of it, and no memory for what was not sent."""

from __future__ import annotations

import random
import struct
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kafka.protocol.framing import FrameDecoder, read_request_header, response_body_offset
from kafka.protocol.metadata import MetadataResponse
from kafka.protocol.primitives import ProtocolDecodeError
from kafka.protocol.produce import ProduceRequest, ProduceResponse
from kafka.protocol.schema import Message
from tests.protocol.messages import EVERY_VERSION, EVERY_VERSION_IDS
from tests.protocol.samples import sample

GENEROUS = settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
HUGE = 0x7FFFFFFF
MOST_FOR_NOTHING = 64 * 1024


@GENEROUS
@given(case=st.sampled_from(EVERY_VERSION), seed=st.integers(0, 50), data=st.data())
def test_changed_bytes_decode_or_raise_a_decode_error(case: tuple[type[Message], int], seed: int, data: st.DataObject) -> None:
    message, version = case
    encoded = bytearray(sample(message, version, random.Random(seed)).encode(version))
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(0, max(len(encoded) - 1, 0)))
        put = data.draw(st.binary(max_size=5) | st.sampled_from([b"\xff" * 4, b"\x7f\xff\xff\xff", b"\x80" * 6, b"\xff\xfe"]))
        encoded[position : position + data.draw(st.integers(0, 5))] = put

    try:
        message.decode(version, bytes(encoded))
    except ProtocolDecodeError:
        pass


@GENEROUS
@given(case=st.sampled_from(EVERY_VERSION), noise=st.binary(max_size=200))
def test_noise_decodes_or_raises_a_decode_error(case: tuple[type[Message], int], noise: bytes) -> None:
    message, version = case
    for decode in (
        lambda: message.decode(version, noise),
        lambda: read_request_header(noise, is_flexible=lambda api_key, version: version % 2 == 0),
        lambda: response_body_offset(message, version, noise),
        lambda: FrameDecoder(1000).feed(noise),
    ):
        try:
            decode()
        except ProtocolDecodeError:
            pass


@pytest.mark.parametrize(("message", "version"), EVERY_VERSION, ids=EVERY_VERSION_IDS)
def test_a_message_that_is_cut_anywhere_raises_a_decode_error(message: type[Message], version: int) -> None:
    encoded = sample(message, version, random.Random(version)).encode(version)

    for end in range(len(encoded)):
        with pytest.raises(ProtocolDecodeError):
            message.decode(version, encoded[:end])


@pytest.mark.parametrize(("message", "version"), EVERY_VERSION, ids=EVERY_VERSION_IDS)
def test_bytes_left_over_are_ignored(message: type[Message], version: int) -> None:
    original = sample(message, version, random.Random(version))

    assert message.decode(version, original.encode(version) + b"\0rest") == original


@pytest.mark.parametrize(
    ("message", "version", "data"),
    [
        pytest.param(ProduceResponse, 0, struct.pack(">i", HUGE), id="items"),
        pytest.param(ProduceResponse, 0, struct.pack(">i", -2), id="items below null"),
        pytest.param(ProduceResponse, 0, struct.pack(">i", -1), id="null where it is not allowed"),
        pytest.param(ProduceResponse, 9, b"\xff\xff\xff\xff\x0f", id="compact items"),
        pytest.param(ProduceResponse, 9, b"\xff\xff\xff\xff\xff\x0f", id="a varint of six bytes"),
        pytest.param(ProduceResponse, 9, b"\xff\xff\xff\xff\x7f", id="a varint of more than 32 bits"),
        pytest.param(ProduceResponse, 9, b"\0", id="compact null where it is not allowed"),
        pytest.param(ProduceResponse, 9, b"\1\0\0\0\0\xff\xff\xff\xff\x0f", id="tagged fields"),
        pytest.param(ProduceResponse, 9, b"\1\0\0\0\0\1\5\xff\xff\xff\xff\x0f", id="the size of a tagged field"),
        pytest.param(ProduceResponse, 0, struct.pack(">ih", 1, 0x7FFF) + b"x", id="a string"),
        pytest.param(ProduceRequest, 0, struct.pack(">hiih1sii", 1, 1, 1, 1, b"t", 1, 0) + struct.pack(">i", HUGE), id="records"),
        pytest.param(MetadataResponse, 0, struct.pack(">iih", 1, 1, 2) + b"\xc3\x28" + b"\0" * 8, id="text that is not UTF-8"),
    ],
)
def test_lengths_that_cannot_be_raise_before_memory_is_taken(message: type[Message], version: int, data: bytes) -> None:
    message().encode(version)  # puts the codec together

    tracemalloc.start()
    try:
        with pytest.raises(ProtocolDecodeError):
            message.decode(version, data)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert most < MOST_FOR_NOTHING


def test_a_tagged_field_must_fill_its_size() -> None:
    partition = b"\2" + b"\0" * 14 + b"\xff" * 16 + b"\1\0" + b"\1\0\x0a" + b"\0\0\0\3\0\0\0\4\0\0"  # ten bytes for a leader of nine
    with pytest.raises(ProtocolDecodeError, match="current_leader"):
        ProduceResponse.decode(10, b"\2\2t" + partition + b"\0" + b"\0\0\0\0" + b"\0")
