"""Batches of the Java client (golden/record_batches.jsonl): read as it reads them, and written as it writes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kafka import codec, record
from kafka.record import ReadRecord, RecordBatchView, layout

CASES: list[dict[str, Any]] = [
    json.loads(line) for line in (Path(__file__).parent.parent / "golden" / "record_batches.jsonl").read_text(encoding="utf-8").splitlines()
]
NAMED = {case["name"]: case for case in CASES}
EVERY = pytest.mark.parametrize("case", CASES, ids=list(NAMED))
WRITTEN = [
    case for case in CASES if case["codec_id"] == 0 and case["timestamp_type"] == 0 and not case["is_control"]
]  # compressed bytes are the library's affair, and only brokers write the rest


def unhexed(text: str | None) -> bytes | None:
    if text is None:
        return None
    data, _, times = text.partition("*")
    return bytes.fromhex(data) * int(times or 1)


def expected_records(case: dict[str, Any]) -> list[ReadRecord]:
    return [
        ReadRecord(offset, timestamp, unhexed(key), unhexed(value), [(bytes.fromhex(name).decode(), unhexed(held)) for name, held in headers])
        for offset, timestamp, key, value, headers in case["records"]
    ]


def views(case: dict[str, Any]) -> list[RecordBatchView]:
    return list(record.read(bytes.fromhex(case["bytes"])))


@EVERY
def test_the_same_records_are_read(case: dict[str, Any]) -> None:
    assert [found for view in views(case) for found in view.records] == expected_records(case)


@EVERY
def test_the_same_is_said_about_the_batch(case: dict[str, Any]) -> None:
    for view in views(case):
        assert view.crc_ok
        for name in ("magic", "codec_id", "timestamp_type", "producer_id", "producer_epoch", "base_sequence", "is_transactional", "is_control"):
            assert getattr(view, name) == case[name], name


@EVERY
def test_a_batch_says_how_many_records_it_has_and_which_offset_is_the_last(case: dict[str, Any]) -> None:
    if case["magic"] < 2:
        assert views(case)[-1].last_offset == case["records"][-1][0]
        return
    [view] = views(case)
    assert (view.count, view.last_offset) == (len(case["records"]), case["records"][-1][0])
    assert view.max_timestamp == max(timestamp for _, timestamp, *_ in case["records"])


@pytest.mark.parametrize("case", WRITTEN, ids=[case["name"] for case in WRITTEN])
def test_the_same_bytes_are_written(case: dict[str, Any]) -> None:
    records = expected_records(case)
    format = record.format_for(case["magic"])
    identity = {name: case[name] for name in ("producer_id", "producer_epoch", "base_sequence")} if case["magic"] == 2 else {}
    if case["is_transactional"]:
        identity["transactional"] = True
    written = bytes.fromhex(case["bytes"])
    base_ms = layout.BATCH_HEADER.unpack_from(written)[7] if case["magic"] == 2 else records[0].timestamp
    if case["magic"] == 0:
        records = [one._replace(timestamp=0) for one in records]

    encoded = [format.encode(index, base_ms, one.timestamp, one.key, one.value, one.headers) for index, one in enumerate(records)]
    parts = format.assemble(
        encoded, len(encoded), base_timestamp_ms=base_ms, max_timestamp_ms=max(one.timestamp for one in records), codec=None, **identity
    )

    assert b"".join(parts).hex() == written.hex()


@pytest.mark.parametrize("name", ["gzip", "snappy", "lz4"])
@pytest.mark.parametrize("magic", [0, 1])
def test_a_compressed_message_of_an_old_format_is_wrapped_as_java_does(magic: int, name: str) -> None:
    case = NAMED[f"format {magic}: {name}"]
    format = record.format_for(magic)
    encoded = [format.encode(one.offset, 0, one.timestamp, one.key, one.value, ()) for one in expected_records(case)]

    [wrapper] = format.assemble(encoded, len(encoded), base_timestamp_ms=0, max_timestamp_ms=case["records"][-1][1], codec=codec.require(name))

    theirs = bytes.fromhex(case["bytes"])
    header = layout.MESSAGE_HEADER[magic]
    ours_said, theirs_said = header.unpack_from(wrapper), header.unpack_from(theirs)
    assert (ours_said[0], ours_said[3:]) == (theirs_said[0], theirs_said[3:])
    assert bytes(wrapper[header.size : header.size + 4]) == theirs[header.size : header.size + 4] == b"\xff\xff\xff\xff"
    body = header.size + 8
    if name == "lz4":
        assert bytes(wrapper[body : body + 7]).hex() == theirs[body : body + 7].hex()  # with the wrong checksum in format 0
    if name == "snappy":
        assert bytes(wrapper[body : body + 16]).hex() == theirs[body : body + 16].hex()
    assert [found for view in record.read(wrapper) for found in view.records] == expected_records(case)
