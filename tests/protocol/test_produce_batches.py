"""protocol.produce_batches against protocol.produce: the same bytes, the same answers, the same refusals."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from kafka.errors import UnsupportedVersionError
from kafka.protocol.primitives import ProtocolDecodeError
from kafka.protocol.produce import (
    BatchIndexAndErrorMessage,
    LeaderIdAndEpoch,
    NodeEndpoint,
    PartitionProduceData,
    PartitionProduceResponse,
    ProduceRequest,
    ProduceResponse,
    TopicProduceData,
    TopicProduceResponse,
)
from kafka.protocol.produce_batches import PartitionAnswer, ProduceAnswer, ProduceBatches

VERSIONS = range(13)
EVERY_VERSION = pytest.mark.parametrize("version", VERSIONS)

TOPICS: dict[str, list[tuple[int, list[bytes]]]] = {
    "t": [(0, [b"header", b"records"]), (7, [b"x" * 200])],
    "another-topic": [(2**31 - 1, [b"h", b"", b"y" * 20_000])],
}


def by_schema(topics: dict[str, list[tuple[int, list[bytes]]]], acks: int) -> ProduceRequest:
    data = [TopicProduceData(name=n, partition_data=[PartitionProduceData(index=i, records=b) for i, b in ps]) for n, ps in topics.items()]
    return ProduceRequest(transactional_id=None, acks=acks, timeout_ms=30_000, topic_data=data)


def request(version: int, acks: int, topics: Mapping[str, Sequence[tuple[int, list[Any]]]]) -> ProduceBatches:
    made = ProduceBatches(version, acks, 30_000)
    for name, partitions in topics.items():
        for partition, buffers in partitions:
            made.add(name, partition, buffers, sum(map(len, buffers)))
    return made


@EVERY_VERSION
@pytest.mark.parametrize("acks", [-1, 0, 1])
@pytest.mark.parametrize(
    "topics",
    [TOPICS, {}, {"t": [(0, [b""])]}, {f"t{n}": [(n, [b"z" * n])] for n in range(200)}],
    ids=["two", "none", "empty", "many"],
)
def test_requests_have_the_schemas_bytes(version: int, acks: int, topics: dict[str, list[tuple[int, list[bytes]]]]) -> None:
    written = b"".join(request(version, acks, topics).encode_chain(version))
    assert written == by_schema(topics, acks).encode(version)


@EVERY_VERSION
def test_topics_may_come_in_turn(version: int) -> None:
    mixed = ProduceBatches(version, 1, 30_000)
    for number in range(5):
        for name in ("one", "two"):
            mixed.add(name, number, [b"h" * number, b"r"], number + 1)
    topics = {name: [(number, [b"h" * number, b"r"]) for number in range(5)] for name in ("one", "two")}
    assert b"".join(mixed.encode_chain(version)) == by_schema(topics, 1).encode(version)


def test_batches_are_passed_on_uncopied() -> None:
    records = memoryview(b"r" * 1000)
    assert any(buffer is records for buffer in request(12, 1, {"t": [(0, [b"h", records])]}).encode_chain(12))


@pytest.mark.parametrize("version", [-1, 13])
def test_a_version_not_declared_is_refused(version: int) -> None:
    with pytest.raises(UnsupportedVersionError):
        ProduceBatches(version, 1, 30_000)


def test_what_was_written_for_a_version_is_that_versions_alone() -> None:
    with pytest.raises(UnsupportedVersionError):
        request(8, 1, TOPICS).encode_chain(9)


def answer(*, error_code: int = 0, record_errors: bool = False, leader: bool = False, count: int = 3) -> ProduceResponse:
    partitions = [
        PartitionProduceResponse(
            index=number,
            error_code=error_code if number == 1 else 0,
            base_offset=1000 + number,
            log_append_time_ms=-1 if number else 1234,
            log_start_offset=5,
            record_errors=[BatchIndexAndErrorMessage(batch_index=2, batch_index_error_message="bad")] if record_errors and number == 1 else [],
            error_message="no" if record_errors and number == 1 else None,
            current_leader=LeaderIdAndEpoch(leader_id=4, leader_epoch=9) if leader else LeaderIdAndEpoch(),
        )
        for number in range(count)
    ]
    endpoints = [NodeEndpoint(node_id=4, host="h", port=1)] if leader else []
    topics = [TopicProduceResponse(name="t", partition_responses=partitions), TopicProduceResponse(name="täglich", partition_responses=[])]
    return ProduceResponse(responses=topics, throttle_time_ms=17, node_endpoints=endpoints)


def seen(found: ProduceAnswer) -> Any:
    return {topic: {number: fields_of(one) for number, one in of.items()} for topic, of in found.partitions.items()}, found.throttle_time_ms


def fields_of(p: PartitionAnswer) -> tuple[Any, ...]:
    return p.partition, p.error_code, p.base_offset, p.log_append_time_ms, p.log_start_offset, p.record_errors, p.error_message


def expected(version: int, data: bytes) -> Any:
    response = ProduceResponse.decode(version, data)
    partitions: dict[str, dict[int, Any]] = {}
    for topic in response.responses:
        for p in topic.partition_responses:
            fields = (p.index, p.error_code, p.base_offset, p.log_append_time_ms, p.log_start_offset, p.record_errors, p.error_message)
            partitions.setdefault(topic.name, {})[p.index] = fields
        partitions.setdefault(topic.name, {})
    return partitions, response.throttle_time_ms


def plain(value: Any) -> Any:
    """With sequences alike: the short way has a tuple where the schema makes a list."""
    partitions, throttle = value
    fixed: dict[str, dict[int, Any]] = {}
    for topic, of_topic in partitions.items():
        fixed[topic] = {n: tuple(tuple(x) if isinstance(x, (list, tuple)) else x for x in fields) for n, fields in of_topic.items()}
    return fixed, throttle


@EVERY_VERSION
@pytest.mark.parametrize(
    "response",
    [
        answer(),
        answer(error_code=6),
        answer(error_code=87, record_errors=True),
        answer(leader=True),
        answer(error_code=6, leader=True),
        answer(count=0),
    ],
    ids=["plain", "error", "record errors", "leader", "new leader", "no partitions"],
)
def test_answers_say_what_the_schema_reads(version: int, response: ProduceResponse) -> None:
    data = response.encode(version)
    for prefix in (b"", b"\xff\xff\xff"):
        assert plain(seen(ProduceAnswer.decode(version, prefix + data, len(prefix)))) == plain(expected(version, data))


@EVERY_VERSION
def test_what_is_no_answer_is_refused_as_by_the_schema(version: int) -> None:
    chance = random.Random(version)
    whole = [answer().encode(version), answer(error_code=6, record_errors=True).encode(version), answer(leader=True).encode(version)]
    for round_ in range(1500):
        data = bytearray(chance.choice(whole))
        for _ in range(chance.randint(1, 3)):
            data[chance.randrange(len(data))] = chance.choice((0, 1, 2, 127, 128, 255, chance.randrange(256)))
        if round_ % 3 == 0:
            del data[chance.randrange(len(data)) :]
        try:
            wanted: Any = plain(expected(version, bytes(data)))
        except ProtocolDecodeError:
            wanted = ProtocolDecodeError
        try:
            got: Any = plain(seen(ProduceAnswer.decode(version, bytes(data))))
        except ProtocolDecodeError:
            got = ProtocolDecodeError
        assert got == wanted, bytes(data).hex()


@pytest.mark.parametrize(
    "data", [b"\x00" * 8, b"\xff" * 1_000_000, b"\x00", b"", b"\x80" * 40], ids=["no topics", "endless", "null", "nothing", "overlong"]
)
def test_numbers_without_end_cost_nothing(data: bytes) -> None:
    try:
        ProduceAnswer.decode(12, data)
    except ProtocolDecodeError:
        pass


def test_a_topic_named_twice_has_all_its_answers() -> None:
    one = [PartitionProduceResponse(index=n, base_offset=n) for n in range(2)]
    response = ProduceResponse(responses=[TopicProduceResponse(name="t", partition_responses=[p]) for p in one])
    found = ProduceAnswer.decode(12, response.encode(12))
    assert [found.find("t", n) is not None for n in range(2)] == [True, True]
