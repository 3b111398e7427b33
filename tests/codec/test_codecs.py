"""kafka.codec: every codec both ways, within bounds, and what broken data is."""

from __future__ import annotations

import gzip
import random
import struct
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import lz4.frame
import pytest
import snappy
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from pytest_mock import MockerFixture

from kafka import KafkaProducer, codec
from kafka.codec.lz4 import xxh32
from kafka.errors import CorruptRecordError, UnsupportedCodecError

SAMPLES = [b"", b"x", b"hello " * 1000, bytes(random.Random(1).randbytes(100_000)), b"\0" * 1_000_000]
ALL = pytest.mark.parametrize("name", ["gzip", "snappy", "lz4", "zstd"])


@ALL
@pytest.mark.parametrize("data", SAMPLES, ids=len)
def test_what_is_compressed_comes_back(name: str, data: bytes) -> None:
    assert codec.require(name).decompress(codec.require(name).compress(data)) == data


@ALL
def test_many_threads_may_compress_at_the_same_time(name: str) -> None:
    """Producers of one process share a codec."""
    together = threading.Barrier(32)

    def compress(number: int) -> bool:
        data = b"%d " % number * 20_000
        together.wait(20)
        return all(codec.require(name).decompress(codec.require(name).compress(data)) == data for _ in range(10))

    with ThreadPoolExecutor(32) as threads:
        assert all(threads.map(compress, range(32)))


@ALL
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_every_kind_of_bytes_is_taken(name: str, kind: Any) -> None:
    compressed = codec.require(name).compress(kind(b"data" * 100))
    assert codec.require(name).decompress(kind(compressed)) == b"data" * 100


def test_other_libraries_read_what_we_write() -> None:
    data = b"some data " * 10_000
    assert gzip.decompress(codec.gzip_encode(data)) == data
    assert lz4.frame.decompress(codec.lz4_encode(data)) == data
    assert zstandard.ZstdDecompressor().decompress(codec.zstd_encode(data), max_output_size=len(data)) == data


def test_snappy_is_in_xerials_framing_of_32_kib_blocks() -> None:
    data = bytes(range(256)) * 300
    framed = codec.snappy_encode(data)
    assert framed[:16] == b"\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01"
    position, blocks = 16, []
    while position < len(framed):
        size = int.from_bytes(framed[position : position + 4], "big")
        blocks.append(snappy.uncompress(framed[position + 4 : position + 4 + size]))
        position += 4 + size
    assert [len(block) for block in blocks] == [32768, 32768, 11264]
    assert b"".join(blocks) == data


@pytest.mark.parametrize("payload", [b"", b"SNAPPY" * 50, b"SNAPPY" * 100, b"SNAPPY" * 101], ids=lambda payload: f"{len(payload)} bytes")
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_snappys_block_size_is_the_callers_to_choose(payload: bytes, kind: Any) -> None:
    framed = codec.snappy_encode(kind(payload), xerial_compatible=True, xerial_blocksize=300)

    expected = b"\x82SNAPPY\0" + struct.pack(">ii", 1, 1)
    for start in range(0, len(payload), 300):
        block = snappy.compress(payload[start : start + 300])
        expected += struct.pack(">i", len(block)) + block
    assert framed == expected
    assert codec.snappy_decode(framed) == payload


def test_a_bare_snappy_block_and_a_little_endian_header_are_read() -> None:
    assert codec.snappy_decode(codec.snappy_encode(b"bare", xerial_compatible=False)) == b"bare"
    framed = bytearray(codec.snappy_encode(b"framed"))
    framed[8:16] = (1).to_bytes(4, "little") * 2
    assert codec.snappy_decode(bytes(framed)) == b"framed"


def test_frames_one_after_another_are_joined() -> None:
    assert codec.gzip_decode(codec.gzip_encode(b"a") + codec.gzip_encode(b"b")) == b"ab"
    assert codec.lz4_decode(codec.lz4_encode(b"a") + codec.lz4_encode(b"b")) == b"ab"
    assert codec.zstd_decode(codec.zstd_encode(b"a") + codec.zstd_encode(b"b")) == b"ab"


def test_gzip_is_level_6_unless_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kafka.codec.gzip._isal", None)
    data = b"".join(b"%d," % (n * n) for n in range(5000))
    assert codec.gzip_encode(data) == codec.gzip_encode(data, 6) != codec.gzip_encode(data, 1)


def test_gzip_is_compressed_by_isal_where_that_is_installed() -> None:
    data = b"".join(b"%d," % (n * n) for n in range(5000))
    encoded = codec.gzip_encode(data)
    assert encoded != codec.gzip_encode(data, 6)
    assert len(encoded) < 1.2 * len(codec.gzip_encode(data, 6))
    assert gzip.decompress(encoded) == data


@pytest.mark.parametrize(("data", "expected"), [(b"", 0x02CC5D05), (b"a", 0x550D7456), (b"abc", 0x32D153FF), (b"a" * 32, 0x7B34CB50)])
def test_xxh32_vectors(data: bytes, expected: int) -> None:
    if len(data) == 32:
        frame = lz4.frame.compress(data)
        at = 6 + (8 if frame[4] & 0x08 else 0)
        assert (xxh32(frame[4:at]) >> 8) & 0xFF == frame[at]
        return
    assert xxh32(data) == expected


def test_the_old_lz4_header_is_wrong_on_purpose_and_both_are_read() -> None:
    right, old = codec.lz4_encode(b"data"), codec.lz4_encode_old_kafka(b"data")
    assert right != old
    assert [i for i in range(len(right)) if right[i] != old[i]] == [6]
    with pytest.raises(CorruptRecordError):
        codec.lz4_decode(old)
    assert codec.lz4_decode_old_kafka(old) == codec.lz4_decode_old_kafka(right) == b"data"


@ALL
def test_a_bomb_is_refused_at_its_bound(name: str) -> None:
    compressed = codec.require(name).compress(b"\0" * 100_000)
    assert codec.require(name).decompress(compressed, 100_000) == b"\0" * 100_000
    with pytest.raises(CorruptRecordError):
        codec.require(name).decompress(compressed, 99_999)


@ALL
def test_a_small_batch_takes_little_memory_whatever_the_bound(name: str) -> None:
    compressed = codec.require(name).compress(b"small" * 20)
    tracemalloc.start()
    try:
        codec.require(name).decompress(compressed)
        _, most_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most_bytes < 2_000_000


def test_a_snappy_block_that_announces_more_than_it_can_hold_is_corrupt_before_memory_is_taken() -> None:
    with pytest.raises(CorruptRecordError, match="cannot hold 1073741823"):
        codec.snappy_decode(b"\xff\xff\xff\xff\x03" + b"\0" * 10)


def test_the_most_that_snappy_can_shrink_is_read() -> None:
    data = b"\0" * 32768
    assert codec.snappy_decode(codec.snappy_encode(data, xerial_compatible=False)) == data


@ALL
def test_cut_data_is_never_taken_for_whole_data(name: str) -> None:
    data = bytes(random.Random(2).randbytes(70_000))
    whole = codec.require(name).compress(data)
    for cut in [*range(1, 40), len(whole) // 2, *range(len(whole) - 40, len(whole))]:
        if name == "snappy" and cut in (16, 0):
            continue  # a header with no blocks is nothing compressed
        with pytest.raises(CorruptRecordError):
            codec.require(name).decompress(whole[:cut])


@ALL
def test_what_follows_the_last_frame_is_corrupt(name: str) -> None:
    with pytest.raises(CorruptRecordError):
        codec.require(name).decompress(codec.require(name).compress(b"data") + b"no frame")


@ALL
@given(data=st.binary(max_size=200))
def test_anything_else_is_corrupt_and_nothing_worse(name: str, data: bytes) -> None:
    try:
        codec.require(name).decompress(data, 1 << 20)
    except CorruptRecordError:
        pass


@ALL
def test_cut_and_flipped_data_is_corrupt_or_read(name: str) -> None:
    whole = codec.require(name).compress(b"some data to break " * 50)
    for cut in range(len(whole)):
        try:
            codec.require(name).decompress(whole[:cut])
        except CorruptRecordError:
            pass
        flipped = bytearray(whole)
        flipped[cut] ^= 0x55
        try:
            codec.require(name).decompress(bytes(flipped), 1 << 20)
        except CorruptRecordError:
            pass


@pytest.mark.parametrize(
    ("name", "libraries"),
    [
        ("snappy", ["kafka.codec.snappy._snappy"]),
        ("lz4", ["kafka.codec.lz4._lz4"]),
        ("zstd", ["kafka.codec.zstd._zstandard", "kafka.codec.zstd._stdlib"]),
    ],
)
def test_the_extra_that_brings_a_missing_library_is_named_at_construction(mocker: MockerFixture, name: str, libraries: list[str]) -> None:
    for library in libraries:
        mocker.patch(library, None)
    words = rf"Libraries for {name} compression codec not found: pip install 'kafka-producer\[{name}\]'"
    for style in (UnsupportedCodecError, AssertionError, RuntimeError, ImportError):
        with pytest.raises(style, match=words):
            codec.require(name)
        with pytest.raises(style, match=words):
            KafkaProducer(compression_type=name)
    for use in (getattr(codec, f"{name}_encode"), getattr(codec, f"{name}_decode")):
        with pytest.raises(UnsupportedCodecError, match=words):
            use(b"data")
    assert not getattr(codec, f"has_{name}")()


def test_an_unknown_codec_is_named() -> None:
    for style in (ValueError, AssertionError, UnsupportedCodecError):
        with pytest.raises(style, match="Not supported codec: foo"):
            codec.require("foo")
    with pytest.raises(UnsupportedCodecError):
        codec.by_id(7)
