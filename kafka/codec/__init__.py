"""Compression codecs for whole batches, by name and by the number that stands in a batch's attributes.

Imported by: record, producer, testing.  Imports: errors, codec.*.
"""

from __future__ import annotations

from kafka.codec.abc import DEFAULT_MAX_BYTES, Codec, unavailable
from kafka.codec.gzip import GzipCodec, gzip_decode, gzip_encode
from kafka.codec.lz4 import Lz4Codec, lz4_decode, lz4_decode_old_kafka, lz4_encode, lz4_encode_old_kafka
from kafka.codec.snappy import SnappyCodec, snappy_decode, snappy_encode
from kafka.codec.zstd import ZstdCodec, zstd_decode, zstd_encode
from kafka.errors import UnknownCodecError, UnsupportedCodecError

CODECS: tuple[Codec, ...] = (GzipCodec(), SnappyCodec(), Lz4Codec(), ZstdCodec())
_BY_NAME = {codec.name: codec for codec in CODECS}
_BY_ID = {codec.id: codec for codec in CODECS}

NO_CODEC_ID = 0


def require(name: str) -> Codec:
    """The codec of this name, ready to use.

    UnsupportedCodecError (also a ValueError and AssertionError) for an unknown name; CodecUnavailableError (also an ImportError, an
    AssertionError and a RuntimeError), naming what to install, where its library is missing.
    """
    codec = _BY_NAME.get(name)
    if codec is None:
        raise UnknownCodecError(f"Not supported codec: {name}")
    return _installed(codec)


def by_id(codec_id: int) -> Codec:
    """The codec with this number in a batch's attributes; UnsupportedCodecError where there is none or its library is missing."""
    codec = _BY_ID.get(codec_id)
    if codec is None:
        raise UnsupportedCodecError(f"There is no codec {codec_id}")
    return _installed(codec)


def _installed(codec: Codec) -> Codec:
    if not codec.is_available():
        raise unavailable(codec.name, codec.package)
    return codec


def has_gzip() -> bool:
    return True


def has_snappy() -> bool:
    return _BY_NAME["snappy"].is_available()


def has_lz4() -> bool:
    return _BY_NAME["lz4"].is_available()


def has_zstd() -> bool:
    return _BY_NAME["zstd"].is_available()


__all__ = [
    "CODECS",
    "DEFAULT_MAX_BYTES",
    "Codec",
    "by_id",
    "gzip_decode",
    "gzip_encode",
    "has_gzip",
    "has_lz4",
    "has_snappy",
    "has_zstd",
    "lz4_decode",
    "lz4_decode_old_kafka",
    "lz4_encode",
    "lz4_encode_old_kafka",
    "require",
    "snappy_decode",
    "snappy_encode",
    "zstd_decode",
    "zstd_encode",
]
