"""Levels of compression (KIP-390): what they are, that they are kept, and that whoever decompresses need not know of them."""

from __future__ import annotations

import json
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import cramjam
import pytest

from kafka import codec, record
from kafka.codec import gzip, lz4, zstd

LEVELS = [
    *(("gzip", level) for level in (-1, *gzip.LEVELS)),
    *(("lz4", level) for level in (None, *lz4.LEVELS)),
    *(("zstd", level) for level in (zstd.LEVELS[0], -100, -1, 0, *range(1, 23))),
]
EVERY_LEVEL = pytest.mark.parametrize(("name", "level"), LEVELS, ids=lambda part: str(part))

chance = random.Random(1)
TEXT = b"".join(
    json.dumps({"id": chance.randrange(10**9), "user": f"user-{chance.randrange(10_000)}", "amount": chance.random()}).encode() for _ in range(500)
)
SAMPLES = [b"", b"x", TEXT, chance.randbytes(50_000)]


@EVERY_LEVEL
@pytest.mark.parametrize("data", SAMPLES, ids=len)
def test_another_implementation_reads_every_level(name: str, level: Any, data: bytes) -> None:
    compressed = codec.require(name).at_level(level).compress(data)
    assert bytes(getattr(cramjam, name).decompress(compressed)) == data == codec.require(name).decompress(compressed)


@pytest.mark.parametrize("name", ["gzip", "lz4", "zstd"])
def test_a_higher_level_makes_text_smaller(name: str) -> None:
    levels = {"gzip": (2, 6, 9), "lz4": (None, 4, 12), "zstd": (-100, 3, 19)}[name]
    sizes = [len(codec.require(name).at_level(level).compress(TEXT)) for level in levels]
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) == len(sizes)


@pytest.mark.parametrize(("name", "level"), [("gzip", -1), ("lz4", None), ("zstd", 3)])
def test_the_default_level_is_what_no_level_gives(name: str, level: Any) -> None:
    default = codec.require(name).compress(TEXT)
    assert codec.require(name).at_level(level).compress(TEXT) == default == codec.require(name).at_level(None).compress(TEXT)


def test_without_isal_every_level_of_gzip_is_zlibs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kafka.codec.gzip._isal", None)
    for level in gzip.LEVELS:
        assert codec.require("gzip").at_level(level).compress(TEXT) == codec.gzip_encode(TEXT, level)
    assert codec.require("gzip").at_level(-1).compress(TEXT) == codec.gzip_encode(TEXT, 6)


def test_with_isal_the_levels_that_only_zlib_has_are_zlibs_and_the_fast_one_is_no_larger() -> None:
    for level in range(2, 10):
        assert codec.require("gzip").at_level(level).compress(TEXT) == codec.gzip_encode(TEXT, level)
    fast = codec.require("gzip").at_level(1).compress(TEXT)
    assert fast != codec.gzip_encode(TEXT, 1)
    assert len(fast) <= len(codec.gzip_encode(TEXT, 1))


def test_a_level_of_one_codec_leaves_others_as_they_are() -> None:
    before = codec.require("zstd").compress(TEXT)
    assert codec.require("zstd").at_level(19).compress(TEXT) != before
    assert codec.require("zstd").compress(TEXT) == before


@pytest.mark.parametrize(("name", "level"), [("gzip", 9), ("gzip", 1), ("lz4", 9), ("zstd", -5), ("zstd", 12), ("snappy", None)])
def test_32_threads_may_share_a_codec_at_a_level(name: str, level: Any) -> None:
    shared = codec.require(name).at_level(level)
    expected = [shared.compress(b"%d " % number * 5000) for number in range(32)]
    together = threading.Barrier(32)

    def compress(number: int) -> bool:
        together.wait(20)
        return all(shared.compress(b"%d " % number * 5000) == expected[number] for _ in range(10))

    with ThreadPoolExecutor(32) as threads:
        assert all(threads.map(compress, range(32)))


@pytest.mark.parametrize("magic", [0, 1, 2])
@pytest.mark.parametrize(("name", "low", "high"), [("gzip", 2, 9), ("lz4", 1, 12), ("zstd", -100, 19)])
def test_every_message_format_is_compressed_at_the_level(magic: int, name: str, low: int, high: int) -> None:
    if name == "zstd" and magic < 2:
        return  # brokers that take it have format 2 (KIP-110)
    format = record.format_for(magic)
    encoded = [format.encode(index, 0, index, None, TEXT[index : index + 500], ()) for index in range(20)]
    sizes = []
    for level in (low, high):
        used = codec.require(name).at_level(level)
        written = b"".join(format.assemble(encoded, 20, base_timestamp_ms=0, max_timestamp_ms=19, codec=used))
        [view] = record.read(written)
        assert view.codec_id == used.id
        assert [read.value for read in view.records] == [TEXT[index : index + 500] for index in range(20)]
        sizes.append(len(written))
    assert sizes[1] < sizes[0]


@pytest.mark.parametrize("magic", [0, 1, 2])
@pytest.mark.parametrize("used", codec.CODECS, ids=lambda used: used.name)
def test_what_compression_makes_larger_is_left_as_it_is(magic: int, used: Any) -> None:
    format = record.format_for(magic)
    for values in ([random.Random(2).randbytes(5000)], [b"x"], [b""]):
        encoded = [format.encode(index, 0, 0, None, value, ()) for index, value in enumerate(values)]
        plain = b"".join(format.assemble(encoded, len(encoded), base_timestamp_ms=0, max_timestamp_ms=0, codec=None))
        assert b"".join(format.assemble(encoded, len(encoded), base_timestamp_ms=0, max_timestamp_ms=0, codec=used)) == plain
        assert [view.codec_id for view in record.read(plain)] == [0] * len(list(record.read(plain)))
