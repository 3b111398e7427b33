"""Produce: what is stored, what consumers get of it, and what is refused as Kafka refuses it."""

from __future__ import annotations

import struct
import uuid
from typing import Any, Callable

import pytest

from kafka import codec, record
from kafka.record import layout
from kafka.record.crc32c import crc32c
from kafka.testing.clock import VirtualClock
from kafka.testing.cluster import Cluster, Record
from kafka.testing.connection import ServerConnection
from kafka.testing.handlers.produce import VERSIONS
from tests.testing.wire import NOW_MS, ask, batch, outcome, produce

OF_MAGIC = {0: 0, 1: 2, 2: 12}
"""The newest version of Produce that takes a message format."""

EPOCH_MS = 1_600_000_000_000  # where a VirtualClock begins


@pytest.mark.parametrize("version", range(VERSIONS[0], VERSIONS[1] + 1))
def test_every_version_appends_and_says_where(cluster: Cluster, connection: ServerConnection, version: int) -> None:
    data = batch([b"a", b"b"], magic=2 if version >= 3 else min(version, 1))

    request = produce(data, partition=1)
    request.topic_data[0].topic_id = cluster.topics["t"].topic_id

    first = outcome(ask(connection, request, version))
    second = outcome(ask(connection, request, version))

    assert [(p.index, p.error_code, p.base_offset) for p in (first, second)] == [(1, 0, 0), (1, 0, 2)]
    assert [(r.partition, r.offset, r.value) for r in cluster.records("t")] == [(1, 0, b"a"), (1, 1, b"b"), (1, 2, b"a"), (1, 3, b"b")]


@pytest.mark.parametrize(
    ("magic", "codec_name"),
    [(magic, name) for magic in (0, 1, 2) for name in (None, "gzip", "snappy", "lz4", "zstd") if (magic, name) not in ((0, "zstd"), (1, "zstd"))],
)
def test_records_of_every_format_are_read_back(cluster: Cluster, connection: ServerConnection, magic: int, codec_name: str | None) -> None:
    headers = [("h", b"1"), ("h", None)] if magic == 2 else []
    values = [b"x" * 200, b"", None, b"y" * 200]
    data = batch(values, magic=magic, codec=codec_name and codec.require(codec_name), headers=headers)
    for _ in range(2):
        assert outcome(ask(connection, produce(data), OF_MAGIC[magic])).error_code == 0

    expected = [Record("t", 0, offset, -1 if magic == 0 else NOW_MS + offset % 4, b"k", values[offset % 4], headers) for offset in range(8)]
    assert cluster.records("t") == expected
    assert cluster.batches("t") == [data, data]


@pytest.mark.parametrize("codec_name", [None, "gzip"])
@pytest.mark.parametrize("magic", [0, 1, 2])
def test_a_topic_with_log_append_time_has_the_brokers_time(
    cluster: Cluster, connection: ServerConnection, clock: VirtualClock, magic: int, codec_name: str | None
) -> None:
    cluster.create_topic("appended", timestamp_type="LogAppendTime")
    clock.advance(5)
    data = batch([b"a" * 100, b"b" * 100], magic=magic, codec=codec_name and codec.require(codec_name))

    answered = outcome(ask(connection, produce(data, topic="appended"), OF_MAGIC[magic]))

    if magic:  # Produce 0 has no place for it
        assert answered.log_append_time_ms == EPOCH_MS + 5000
    assert [r.timestamp for r in cluster.records("appended")] == [-1 if magic == 0 else EPOCH_MS + 5000] * 2
    assert cluster.batches("appended") == [data]


def test_a_topic_with_create_time_names_no_time_in_its_answer(connection: ServerConnection) -> None:
    assert outcome(ask(connection, produce(batch([b"a"])), 12)).log_append_time_ms == -1


def rewritten(**header: int) -> bytes:
    """A batch of three records with other values in its header, and a checksum that fits them."""
    names = [
        "base_offset", "length", "leader_epoch", "magic", "crc", "attributes", "last_offset_delta", "base_timestamp",
        "max_timestamp", "producer_id", "producer_epoch", "base_sequence", "count",
    ]  # fmt: skip
    data = bytearray(batch([b"a", b"b", b"c"]))
    values = dict(zip(names, layout.BATCH_HEADER.unpack_from(data)), **header)
    layout.BATCH_HEADER.pack_into(data, 0, *values.values())
    struct.pack_into(">I", data, layout.CRC_AT, crc32c(bytes(data[layout.CRC_COVERS_FROM :])))
    return bytes(data)


def flipped(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


UNKNOWN, CORRUPT, UNKNOWN_TOPIC, TOO_LARGE, BAD_ACKS, BAD_CODEC, INVALID = -1, 2, 3, 10, 21, 76, 87


@pytest.mark.parametrize(
    ("make", "version", "code"),
    [
        pytest.param(lambda: flipped(batch([b"a"])), 12, CORRUPT, id="bit flipped in format 2"),
        pytest.param(lambda: flipped(batch([b"a"], magic=1)), 2, CORRUPT, id="bit flipped in format 1"),
        pytest.param(lambda: flipped(batch([b"a"], magic=0)), 0, CORRUPT, id="bit flipped in format 0"),
        pytest.param(lambda: batch([b"a"])[:-1], 12, INVALID, id="cut off"),
        pytest.param(lambda: b"", 12, INVALID, id="empty"),
        pytest.param(lambda: None, 12, INVALID, id="null"),
        pytest.param(lambda: batch([b"a"]) * 2, 12, INVALID, id="two batches"),
        pytest.param(lambda: batch([b"a"], magic=1), 3, INVALID, id="old format in a new version"),
        pytest.param(lambda: batch([b"a"]), 2, CORRUPT, id="new format in an old version"),
        pytest.param(lambda: rewritten(count=2), 12, INVALID, id="fewer records than offsets"),
        pytest.param(lambda: rewritten(last_offset_delta=1), 12, INVALID, id="fewer offsets than records"),
        pytest.param(lambda: rewritten(count=0, last_offset_delta=-1), 12, INVALID, id="no records"),
        pytest.param(lambda: rewritten(base_offset=5), 12, INVALID, id="base offset not 0"),
        pytest.param(lambda: rewritten(attributes=layout.CONTROL), 12, INVALID, id="control batch"),
        pytest.param(lambda: rewritten(producer_id=7), 12, INVALID, id="producer id without sequence"),
        pytest.param(lambda: rewritten(attributes=5), 12, UNKNOWN, id="unknown codec"),
        pytest.param(lambda: rewritten(attributes=1), 12, UNKNOWN, id="not what its codec made"),
        pytest.param(lambda: rewritten(attributes=4), 6, BAD_CODEC, id="zstd before its version"),
    ],
)
def test_what_is_wrong_is_refused_and_not_stored(
    cluster: Cluster, connection: ServerConnection, make: Callable[[], bytes | None], version: int, code: int
) -> None:
    answered = outcome(ask(connection, produce(make()), version))

    assert (answered.error_code, answered.base_offset) == (code, -1)
    assert version < 8 or answered.error_message
    assert cluster.batches("t") == []
    assert outcome(ask(connection, produce(batch([b"after"])), 12)).base_offset == 0


@pytest.mark.parametrize("rest", [b"\0" * 9, batch([b"b"])[:-1]])
def test_what_is_cut_off_behind_a_batch_is_left_out(cluster: Cluster, connection: ServerConnection, rest: bytes) -> None:
    assert outcome(ask(connection, produce(batch([b"a"]) + rest), 12)).error_code == 0
    assert cluster.batches("t") == [batch([b"a"])]


def test_an_id_that_no_topic_has_is_refused(connection: ServerConnection) -> None:
    request = produce(batch([b"a"]))
    request.topic_data[0].topic_id = uuid.UUID(int=7)
    assert outcome(ask(connection, request, 13)).error_code == 100


@pytest.mark.parametrize(("version", "ahead_ms", "code"), [("4.4", 3_600_001, 32), ("4.4", 3_600_000, 0), ("3.9", 10**9, 0), (None, 10**9, 0)])
def test_records_far_ahead_of_the_brokers_time_are_refused_from_4_0_on(
    clock: VirtualClock, version: str | None, ahead_ms: int, code: int
) -> None:
    cluster = Cluster(clock=clock, version=version)
    cluster.create_topic("t")
    data = batch([b"a", b"b", b"c"], at_ms=EPOCH_MS + ahead_ms - 2)
    answered = outcome(ask(ServerConnection(cluster, cluster.nodes[1]), produce(data), 9))
    assert (answered.error_code, [found.batch_index for found in answered.record_errors]) == (code, [2] if code else [])


def test_a_compacted_topic_takes_records_with_keys_only(cluster: Cluster, connection: ServerConnection) -> None:
    cluster.create_topic("compacted", config={"cleanup.policy": "compact,delete"})
    message_format = record.format_for(2)
    records = [message_format.encode(index, NOW_MS, NOW_MS, key, b"v", ()) for index, key in enumerate((b"k", None, b"k"))]
    data = b"".join(message_format.assemble(records, 3, base_timestamp_ms=NOW_MS, max_timestamp_ms=NOW_MS, codec=None))
    answered = outcome(ask(connection, produce(data, topic="compacted"), 9))
    assert (answered.error_code, [found.batch_index for found in answered.record_errors]) == (INVALID, [1])
    assert outcome(ask(connection, produce(batch([b"v"]), topic="compacted"), 9)).error_code == 0


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        pytest.param(produce(batch([b"a"]), topic="none"), UNKNOWN_TOPIC, id="no such topic"),
        pytest.param(produce(batch([b"a"]), partition=2), UNKNOWN_TOPIC, id="no such partition"),
        pytest.param(produce(batch([b"a"]), partition=-1), UNKNOWN_TOPIC, id="negative partition"),
        pytest.param(produce(batch([b"a"]), acks=2), BAD_ACKS, id="acks"),
    ],
)
def test_a_request_that_asks_for_what_is_not_there_is_refused(connection: ServerConnection, request_: Any, code: int) -> None:
    assert outcome(ask(connection, request_, 9)).error_code == code


@pytest.mark.parametrize("magic", [0, 1, 2])
def test_a_batch_is_bounded_by_max_message_bytes_exactly(clock: VirtualClock, magic: int) -> None:
    data = batch([b"x" * 1000], magic=magic)
    for limit, code in ((len(data), 0), (len(data) - 1, TOO_LARGE)):
        cluster = Cluster(clock=clock, max_message_bytes=limit)
        cluster.create_topic("t")
        connection = ServerConnection(cluster, cluster.nodes[1])
        assert outcome(ask(connection, produce(data), OF_MAGIC[magic])).error_code == code


def test_acks_0_gets_no_answer(cluster: Cluster, connection: ServerConnection) -> None:
    assert ask(connection, produce(batch([b"a"]), acks=0), 9) is None
    assert not connection.is_closing
    assert [r.value for r in cluster.records("t")] == [b"a"]


def test_acks_0_with_an_error_closes_the_connection(connection: ServerConnection) -> None:
    assert ask(connection, produce(batch([b"a"]), acks=0, topic="none"), 9) is None
    assert connection.is_closing


def test_only_the_leader_takes_records(clock: VirtualClock) -> None:
    cluster = Cluster(clock=clock, brokers=2)
    cluster.create_topic("t", 2)

    codes = {
        (node_id, partition): outcome(ask(ServerConnection(cluster, node), produce(batch([b"a"]), partition=partition), 9)).error_code
        for node_id, node in cluster.nodes.items()
        for partition in (0, 1)
    }

    assert codes == {(1, 0): 0, (1, 1): 6, (2, 0): 6, (2, 1): 0}
