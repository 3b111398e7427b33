"""kafka.record: every message format both ways, checksums, rewriting, and what broken data is."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_mock import MockerFixture

from kafka import codec, record
from kafka.errors import CorruptRecordError, UnsupportedCodecError, UnsupportedVersionError
from kafka.record import crc32c, varint
from kafka.record.memory_records import MemoryRecords, MemoryRecordsBuilder
from kafka.record.util import calc_crc32c, decode_varint, encode_varint, size_of_varint

FORMATS = pytest.mark.parametrize("magic", [0, 1, 2])
CODECS: list[Any] = [None, *codec.CODECS]


def batch(magic: int, rows: list[tuple[int, Any, Any, Any]], used: Any = None) -> bytes:
    format = record.format_for(magic)
    base = rows[0][0]
    encoded = [format.encode(index, base, *row) for index, row in enumerate(rows)]
    return b"".join(format.assemble(encoded, len(encoded), base_timestamp_ms=base, max_timestamp_ms=max(row[0] for row in rows), codec=used))


def read_all(data: bytes) -> list[Any]:
    return [r for view in record.read(data) for r in view.records]


def test_a_batch_of_format_2_byte_by_byte() -> None:
    data = batch(2, [(1000, b"k", b"v", [("h", None)])])
    body = b"\x16\x00\x00\x00\x02k\x02v\x02\x02h\x01"
    header = (
        (0).to_bytes(8, "big") + (49 + len(body)).to_bytes(4, "big") + b"\xff\xff\xff\xff" + b"\x02" + data[17:21] + b"\0\0" + b"\0\0\0\0"
        + (1000).to_bytes(8, "big") * 2 + b"\xff" * 8 + b"\xff\xff" + b"\xff\xff\xff\xff" + (1).to_bytes(4, "big")
    )  # fmt: skip
    assert data == header + body
    assert int.from_bytes(data[17:21], "big") == crc32c.crc32c(data[21:])


@pytest.mark.parametrize(("magic", "expected"), [(1, 1370034956), (0, 3296137851)])
def test_checksums_of_old_messages(magic: int, expected: int) -> None:
    format = record.format_for(magic)
    assert format.checksum(format.encode(0, 0, 9999999, b"Simple key", b"Simple value", ())) == expected


@FORMATS
@pytest.mark.parametrize("used", CODECS, ids=lambda c: "none" if c is None else c.name)
def test_what_is_written_is_read(magic: int, used: Any) -> None:
    headers = [("h", b"1"), ("h", None), ("\u00e9", b"")] if magic == 2 else []
    rows = [(1000 + n * 7, None if n % 3 == 0 else b"k%d" % n, None if n % 5 == 4 else b"v" * n, headers) for n in range(300)]
    if magic < 2 and used is not None and used.name == "zstd":
        return
    read = read_all(batch(magic, rows, used))
    assert [(r.offset, r.key, r.value, r.headers) for r in read] == [(n, row[1], row[2], headers) for n, row in enumerate(rows)]
    assert [r.timestamp for r in read] == ([row[0] for row in rows] if magic else [-1] * 300)


row = st.tuples(
    st.integers(0, 2**63 - 1), st.none() | st.binary(max_size=300), st.none() | st.binary(max_size=300),
    st.lists(st.tuples(st.text(max_size=10), st.none() | st.binary(max_size=20)), max_size=3),
)  # fmt: skip


@given(rows=st.lists(row, min_size=1, max_size=20))
def test_any_records_survive_format_2_within_the_announced_size(rows: list[Any]) -> None:
    read = read_all(batch(2, rows))
    assert [(r.timestamp, r.key, r.value, r.headers) for r in read] == rows
    for one in rows:
        assert len(batch(2, [one])) <= record.format_for(2).upper_bound(*one[1:])


@FORMATS
@given(key=st.none() | st.binary(max_size=300), value=st.none() | st.binary(max_size=300))
def test_the_upper_bound_holds(magic: int, key: Any, value: Any) -> None:
    assert len(batch(magic, [(1, key, value, ())])) <= record.format_for(magic).upper_bound(key, value, ())


def test_compression_that_does_not_help_is_left_out() -> None:
    for used in codec.CODECS:
        [view] = record.read(batch(2, [(1, None, b"x", ())], used))
        assert view.codec_id == 0


@FORMATS
def test_a_cut_batch_is_left_out_and_the_ones_before_it_are_read(magic: int) -> None:
    whole = batch(magic, [(1, None, b"first", ())])
    for cut in range(len(whole)):
        assert [r.value for r in read_all(whole + whole[:cut])] == [b"first"]


@FORMATS
def test_any_flipped_bit_is_noticed_or_harmless(magic: int) -> None:
    whole = batch(magic, [(1000, b"key", b"value" * 5, [("h", b"1")] if magic == 2 else ()), (1001, None, b"w", ())], codec.require("gzip"))
    for position in range(len(whole)):
        for bit in (0x01, 0x80):
            broken = bytearray(whole)
            broken[position] ^= bit
            try:
                read_all(bytes(broken))
            except (CorruptRecordError, UnsupportedCodecError):
                pass


@given(data=st.binary(max_size=300))
def test_anything_is_records_or_corrupt(data: bytes) -> None:
    try:
        for view in record.read(data, check_crc=False):
            list(view.records)
    except (CorruptRecordError, UnsupportedCodecError):
        pass


@pytest.mark.parametrize("before", [0, 1, 2])
@pytest.mark.parametrize("after", [0, 1, 2])
def test_records_move_between_formats(before: int, after: int) -> None:
    rows = [(1000 + n, b"k", b"%d" % n, ()) for n in range(5)]
    converted = record.convert(batch(before, rows), after, base_timestamp_ms=1000)
    format = record.format_for(after)
    read = read_all(b"".join(format.assemble(converted, len(converted), base_timestamp_ms=1000, max_timestamp_ms=1004, codec=None)))
    assert [r.value for r in read] == [b"%d" % n for n in range(5)]
    assert [r.timestamp for r in read] == ([-1] * 5 if after == 0 else [1000] * 5 if before == 0 else [1000, 1001, 1002, 1003, 1004])


def test_headers_have_no_place_in_old_formats() -> None:
    with pytest.raises(UnsupportedVersionError, match="headers"):
        record.convert(batch(2, [(1, None, b"v", [("h", b"1")])]), 1, base_timestamp_ms=1)


@given(number=st.integers(-(2**63), 2**63 - 1))
def test_numbers_of_variable_length(number: int) -> None:
    encoded = varint.encode(number)
    assert varint.decode(encoded, 0) == (number, len(encoded)) == decode_varint(encoded)
    assert varint.size(number) == len(encoded) == size_of_varint(number)
    written: list[int] = []
    assert encode_varint(number, written.append) == len(written)
    assert bytes(written) == encoded


def test_a_number_that_does_not_end_is_corrupt() -> None:
    for broken in (b"", b"\x80", b"\xff" * 11):
        with pytest.raises(CorruptRecordError):
            varint.decode(broken, 0)


@pytest.mark.parametrize("implementation", [crc32c.hardware, crc32c.portable], ids=["crc32c", "crcmod"])
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_both_libraries_compute_crc_32c(implementation: Any, kind: Any) -> None:
    checksum = implementation()
    assert checksum(kind(b"123456789"), 0) == 0xE3069283
    assert checksum(kind(b"\0" * 32), 0) == 0x8A9136AA
    assert checksum(kind(b"6789"), checksum(kind(b"12345"), 0)) == 0xE3069283
    assert calc_crc32c(b"123456789") == 0xE3069283


def test_the_hardware_is_preferred_and_the_slow_way_is_told_once(mocker: MockerFixture, caplog: pytest.LogCaptureFixture) -> None:
    assert crc32c._choose()[0] == "crc32c"
    mocker.patch.object(crc32c, "_hardware", None)
    mocker.patch.object(crc32c, "is_portable_compiled", return_value=False)
    with caplog.at_level(logging.WARNING, "kafka"):
        assert crc32c._choose()[0] == "crcmod"
    assert "5 MB/s" in caplog.text
    mocker.patch.object(crc32c, "_portable", None)
    with pytest.raises(ImportError, match="crc32c and crcmod"):
        crc32c._choose()


def test_a_number_of_more_than_64_bits_is_corrupt() -> None:
    assert varint.decode(b"\xff" * 9 + b"\x01", 0) == (-(2**63), 10)
    with pytest.raises(CorruptRecordError, match="64 bits"):
        varint.decode(b"\xff" * 9 + b"\x02", 0)


def test_memory_records_carry_a_producers_id_in_format_2_only() -> None:
    builder = MemoryRecordsBuilder(2, 0, 4000, transactional=True, producer_id=7, producer_epoch=3, base_sequence=11)
    builder.append(1000, b"k", b"v")
    [view] = record.read(builder.buffer())
    assert (view.producer_id, view.producer_epoch, view.base_sequence, view.is_transactional) == (7, 3, 11, True)
    with pytest.raises(UnsupportedVersionError, match="format 1"):
        MemoryRecordsBuilder(1, 0, 4000, producer_id=7)


@FORMATS
def test_memory_records_by_the_names_of_kafka_python(magic: int) -> None:
    builder = MemoryRecordsBuilder(magic=magic, compression_type=1, batch_size=4000)
    for number in range(10):
        appended = builder.append(timestamp=1000 + number, key=b"k", value=b"v" * 100)
        assert appended is not None
        assert appended.offset == number
    assert builder.next_offset() == 10
    builder.close()
    assert builder.append(timestamp=1, key=None, value=b"late") is None
    records = MemoryRecords(builder.buffer())
    assert records.size_in_bytes() == builder.size_in_bytes()
    assert records.has_next()
    first = records.next_batch()
    assert first is not None
    assert first.validate_crc()
    assert [r.value for r in first] == [b"v" * 100] * 10
    assert records.next_batch() is None
