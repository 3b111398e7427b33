"""zstd without the zstandard package, by compression.zstd of Python 3.14, which other Pythons have as backports.zstd."""

from __future__ import annotations

import random

import pytest
import zstandard

from kafka import codec
from kafka.codec import zstd
from kafka.errors import CodecUnavailableError, CorruptRecordError

try:
    from compression import zstd as stdlib
except ImportError:
    stdlib = pytest.importorskip("backports.zstd", reason="neither compression.zstd nor backports.zstd is there")

SAMPLES = [b"", b"x", b"hello " * 1000, random.Random(1).randbytes(100_000), b"\0" * 1_000_000]


@pytest.fixture(autouse=True)
def _without_zstandard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zstd, "_stdlib", stdlib)
    monkeypatch.setattr(zstd, "_zstandard", None)
    monkeypatch.setattr(zstd, "_default", zstd.ZstdCodec())  # without the compressors that others have left


@pytest.mark.parametrize("data", SAMPLES, ids=len)
@pytest.mark.parametrize("level", [zstd.LEVELS[0], -1, None, 3, 19, 22])
def test_zstandard_reads_what_it_writes(data: bytes, level: int | None) -> None:
    used = zstd.ZstdCodec(level)
    for _ in range(2):  # a compressor is used again
        compressed = used.compress(data)
        assert zstandard.ZstdDecompressor().decompress(compressed, max_output_size=len(data)) == data
        assert used.decompress(compressed) == data


@pytest.mark.parametrize("data", SAMPLES, ids=len)
def test_it_reads_what_zstandard_writes(data: bytes) -> None:
    assert codec.zstd_decode(zstandard.ZstdCompressor().compress(data)) == data


def test_frames_one_after_another_are_joined() -> None:
    assert codec.zstd_decode(codec.zstd_encode(b"a") + codec.zstd_encode(b"b")) == b"ab"


def test_the_levels_are_the_librarys() -> None:
    low, high = stdlib.CompressionParameter.compression_level.bounds()
    assert (zstd.LEVELS[0], zstd.LEVELS[-1], zstd.DEFAULT_LEVEL) == (low, high, stdlib.COMPRESSION_LEVEL_DEFAULT)


def test_a_bomb_is_refused_at_its_bound() -> None:
    compressed = codec.zstd_encode(b"\0" * 100_000)
    assert codec.require("zstd").decompress(compressed, 100_000) == b"\0" * 100_000
    with pytest.raises(CorruptRecordError):
        codec.require("zstd").decompress(compressed, 99_999)


def test_cut_data_and_what_is_no_frame_are_corrupt() -> None:
    whole = codec.zstd_encode(random.Random(2).randbytes(7000))
    for broken in (b"", *(whole[:cut] for cut in range(1, len(whole), 501)), whole + b"no frame", b"no frame"):
        with pytest.raises(CorruptRecordError):
            codec.zstd_decode(broken)


def test_without_either_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert codec.require("zstd").is_available()
    monkeypatch.setattr(zstd, "_stdlib", None)
    with pytest.raises(CodecUnavailableError, match=r"pip install 'kafka-producer\[zstd\]'"):
        codec.require("zstd")
