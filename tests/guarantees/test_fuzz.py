"""Streams of answers that were mutated, truncated and spliced: decoders raise their own error alone, and the producer gives every record an outcome.

`make fuzz` runs as many cases of each test as CASES says (100,000), other ones each time; the suite runs some hundred, the same each time.
"""

from __future__ import annotations

import logging
import os
import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kafka.errors import KafkaError
from kafka.protocol.api_versions import ApiVersionsRequest
from kafka.protocol.framing import FrameDecoder, has_flexible_response_header, response_body_offset, response_frame
from kafka.protocol.metadata import MetadataRequest
from kafka.protocol.primitives import ProtocolDecodeError
from kafka.protocol.produce import ProduceRequest
from kafka.protocol.produce_batches import ProduceAnswer
from kafka.protocol.sasl_authenticate import SaslAuthenticateRequest
from kafka.protocol.sasl_handshake import SaslHandshakeRequest
from kafka.testing.memory import MemoryStream
from tests.protocol.samples import sample
from tests.scenarios.stage import Stage

CASES = os.environ.get("KAFKA_FUZZ_CASES")
MANY = settings(
    max_examples=int(CASES or 300),
    derandomize=CASES is None,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
FEWER = settings(MANY, max_examples=int(CASES or 150))
MOST_BYTES = 100_000

REQUESTS: list[Any] = [ApiVersionsRequest, MetadataRequest, ProduceRequest, SaslHandshakeRequest, SaslAuthenticateRequest]
ANSWERS = [(request, version) for request in REQUESTS for version in range(request.VALID_VERSIONS[0], request.VALID_VERSIONS[1] + 1)]

TELLING = [b"\0", b"\1", b"\x7f", b"\x80", b"\xff", b"\xff" * 2, b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\xff" * 4, b"\xff\xff\xff\xff\x0f", b"\0" * 8]
SCALE = 1 << 16
Mutation = tuple[str, int, int, bytes]
mutations = st.lists(
    st.tuples(
        st.sampled_from(["put", "insert", "delete", "repeat", "truncate", "splice"]),
        st.integers(0, SCALE),
        st.integers(0, 12),
        st.binary(max_size=6) | st.sampled_from(TELLING),
    ),
    min_size=1,
    max_size=4,
)


def mutated(data: bytes, changes: list[Mutation], other: bytes) -> bytes:
    """The bytes after these changes; what is spliced in comes from `other`."""
    for kind, place, size, put in changes:
        at = place * len(data) // SCALE
        if kind == "put":
            data = data[:at] + put + data[at + len(put) :]
        elif kind == "insert":
            data = data[:at] + put + data[at:]
        elif kind == "delete":
            data = data[:at] + data[at + size :]
        elif kind == "repeat":
            data = data[:at] + data[at : at + size] * 2 + data[at + size :]
        elif kind == "truncate":
            data = data[:at]
        else:
            cut = place * len(other) // SCALE
            data = data[:at] + other[cut:]
    return data


def frame(request: Any, version: int, seed: int, correlation_id: int) -> bytes:
    answer = sample(request.RESPONSE, version, random.Random(seed))
    return b"".join(response_frame(correlation_id, has_flexible_response_header(request, version), answer.encode_chain(version)))


def pieces(data: bytes, sizes: list[int]) -> Iterator[bytes]:
    at = 0
    for size in sizes:
        yield data[at : at + size]
        at += size
    yield data[at:]


@MANY
@given(
    asked=st.lists(st.sampled_from(ANSWERS), min_size=1, max_size=4),
    seed=st.integers(0, 1000),
    changes=mutations,
    sizes=st.lists(st.integers(0, 40), max_size=6),
)
def test_a_stream_of_answers_gives_frames_within_it_and_no_error_but_the_decoders_own(
    asked: list[tuple[Any, int]], seed: int, changes: list[Mutation], sizes: list[int]
) -> None:
    frames = [frame(request, version, seed + number, number) for number, (request, version) in enumerate(asked)]
    stream = mutated(b"".join(frames), changes, frames[0])
    decoder = FrameDecoder(MOST_BYTES)
    taken, position = 0, 0
    try:
        for piece in pieces(stream, sizes):
            position += len(piece)
            for body in decoder.feed(piece):
                start = taken + 4
                assert body == stream[start : start + len(body)]
                taken = start + len(body)
                assert taken <= position, "never beyond what was received"
                for request, version in asked:
                    decode_all(request, version, body)
    except ProtocolDecodeError:
        pass


def decode_all(request: Any, version: int, body: bytes) -> None:
    try:
        offset = response_body_offset(request, version, body)
        request.RESPONSE.decode(version, body, offset)
        if request is ProduceRequest:
            ProduceAnswer.decode(version, body, offset)
    except ProtocolDecodeError:
        pass


class Tampering:
    """Changes one answer on its way to the producer: the n-th that comes from any broker; the stream may end behind it."""

    def __init__(self, number: int, changes: list[Mutation], ends: bool) -> None:
        self.left = number
        self._changes = changes
        self._ends = ends
        self._last = b""

    def receive(self, stream: MemoryStream, data: bytes, usual: Any) -> None:
        self.left -= 1
        if self.left == -1:
            data = mutated(data, self._changes, self._last)
        self._last = data
        usual(stream, data)
        if self.left == -1 and self._ends:
            stream._receive_end()


@FEWER
@given(number=st.integers(0, 9), changes=mutations, ends=st.booleans(), retries=st.sampled_from([0, 3]))
def test_one_answer_that_was_tampered_with_leaves_no_record_without_outcome(
    number: int, changes: list[Mutation], ends: bool, retries: int
) -> None:
    surprises: list[str] = []

    class Surprises(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.exc_info or "Unexpected" in record.getMessage():
                surprises.append(self.format(record))

    handler, logger = Surprises(), logging.getLogger("kafka")
    usual = MemoryStream._receive
    with pytest.MonkeyPatch.context() as patch:
        logger.addHandler(handler)
        try:
            stage = Stage(latency_s=0.001)
            tampering = Tampering(number, changes, ends)
            patch.setattr(MemoryStream, "_receive", lambda stream, data: tampering.receive(stream, data, usual))
            use(stage, retries, measures=number % 2 == 0)
        finally:
            logger.removeHandler(handler)
    assert not surprises, surprises[0]


def use(stage: Stage, retries: int, *, measures: bool) -> None:
    limits = {"request_timeout_ms": 500, "max_block_ms": 3000, "api_version_auto_timeout_ms": 3000, "metadata_max_age_ms": 400}
    try:
        producer = stage.producer(retries=retries, delivery_timeout_ms=1500, metrics_enabled=measures, **limits)
    except KafkaError:
        return  # what the broker said of itself made no sense
    began_s, turns = stage.now_s, stage.turns
    futures: list[Any] = []
    for size in (10, 20, 30):
        try:
            futures.append(producer.send("t", b"v" * size))
        except KafkaError:
            pass
        stage.clock.run_for(0.3)
    settle(stage, futures)
    stage.link.cut()  # new connections, new answers
    stage.clock.run_for(0.2)
    futures.append(producer.send("t", b"after"))
    settle(stage, futures)
    assert stage.turns - turns < 200 * (stage.now_s - began_s), "it spins"
    producer.close(1)
    assert producer._accumulator.memory.used_bytes == 0


def settle(stage: Stage, futures: list[Any]) -> None:
    """Let time pass until each record has its outcome, which is sooner than this."""
    until_s = stage.now_s + 5
    while not all(future.is_done for future in futures):
        assert stage.now_s < until_s
        stage.clock.run_for(0.1)
