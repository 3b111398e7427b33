"""What brokers take, and what they refuse."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from kafka import codec, record
from kafka.record import layout
from tests.conformance.peer import Peer, now_ms, stamped, with_checksum
from tests.conformance.script import Seen, scenario
from tests.testing.wire import batch, frame_of, produce

DEFAULT_LIMIT = 1048588  # max.message.bytes, the batch's header included


def fresh(values: list[bytes | None], **options: object) -> bytes:
    return batch(values, **{"at_ms": now_ms(), **options})  # type: ignore[arg-type]


def changed(made: bytes, at: int, form: str, value: int) -> bytes:
    """With another value in its header, and a checksum that fits."""
    copy = bytearray(made)
    struct.pack_into(form, copy, at, value)
    return with_checksum(copy)


ATTRIBUTES_AT, LAST_DELTA_AT, COUNT_AT = 21, 23, 57


@scenario()
def plain_records(peer: Peer) -> Iterator[Seen]:
    topic = peer.new_topic(partitions=2)
    yield "two records", peer.produce(topic, fresh([b"a", b"b"]))
    yield "one more", peer.produce(topic, fresh([b"c"]))
    yield "another partition", peer.produce(topic, fresh([b"d", None]), partition=1)
    yield "acks=1", peer.produce(topic, fresh([b"e"]), acks=1)
    yield "the log", peer.fetch(topic)
    yield "the other log", peer.fetch(topic, partition=1)
    yield "from its middle", peer.fetch(topic, 2)


@scenario()
def codecs(peer: Peer) -> Iterator[Seen]:
    topic = peer.new_topic()
    for name in ("gzip", "snappy", "lz4", "zstd"):
        yield name, peer.produce(topic, fresh([name.encode()] * 20, codec=codec.require(name)))
    yield "zstd in Produce 6", peer.produce(topic, fresh([b"a"] * 20, codec=codec.require("zstd")), version=6)
    packed = fresh([b"a"] * 20, codec=codec.require("gzip"))
    yield "a codec that is none", peer.produce(topic, changed(packed, ATTRIBUTES_AT, ">h", 5))
    broken = bytearray(packed)
    broken[-8] ^= 0xFF
    yield "gzip that is broken", peer.produce(topic, with_checksum(broken))
    yield "the log", peer.fetch(topic)["end"]


@scenario()
def whom_to_ask(peer: Peer) -> Iterator[Seen]:
    topic = peer.new_topic()
    yield "no such topic", peer.produce(peer.new_name(), fresh([b"a"]))
    yield "no such partition", peer.produce(topic, fresh([b"a"]), partition=7)
    yield "a partition below nothing", peer.produce(topic, fresh([b"a"]), partition=-1)
    yield "acks=2", peer.produce(topic, fresh([b"a"]), acks=2)
    yield "acks=-2", peer.produce(topic, fresh([b"a"]), acks=-2)
    yield "after all that", peer.produce(topic, fresh([b"a"]))


@scenario()
def without_acknowledgement(peer: Peer) -> Iterator[Seen]:
    topic = peer.new_topic()
    with peer.connect() as client:
        client.send(frame_of(produce(fresh([b"silent"]), topic=topic, acks=0), 9))
        client.send(frame_of(produce(fresh([b"heard"]), topic=topic), 9))
        yield "the answer behind it is the only one", client.frame() is not None
    yield "the log", peer.fetch(topic)
    yield "an error closes", peer.closes_on(frame_of(produce(fresh([b"lost"]), topic=peer.new_name(), acks=0), 9))


@scenario()
def sizes(peer: Peer) -> Iterator[Seen]:
    topic = peer.new_topic()
    overhead = len(fresh([b"x" * 1_000_000])) - 1_000_000
    yield "as large as may be", peer.produce(topic, fresh([b"x" * (DEFAULT_LIMIT - overhead)]))
    yield "one byte more", peer.produce(topic, fresh([b"x" * (DEFAULT_LIMIT - overhead + 1)]))
    small = peer.new_topic(config={"max.message.bytes": "1000"})
    yield "a topic's own limit", peer.produce(small, fresh([b"x" * 1000]))
    yield "within it", peer.produce(small, fresh([b"x" * 500]))


@scenario()
def batches_that_are_broken(peer: Peer) -> Iterator[Seen]:
    topic = peer.new_topic()
    good = fresh([b"a", b"b"])
    flipped = bytearray(good)
    flipped[-2] ^= 0xFF
    yield "a wrong checksum", peer.produce(topic, bytes(flipped))
    yield "a count that is too high", peer.produce(topic, changed(good, COUNT_AT, ">i", 3))
    yield "a last offset that is too high", peer.produce(topic, changed(good, LAST_DELTA_AT, ">i", 5))
    yield "a base offset", peer.produce(topic, struct.pack(">q", 7) + good[8:])
    yield "a control batch", peer.produce(topic, changed(good, ATTRIBUTES_AT, ">h", layout.CONTROL))
    yield "the broker's time", peer.produce(topic, changed(good, ATTRIBUTES_AT, ">h", layout.LOG_APPEND_TIME))
    yield "two batches", peer.produce(topic, good + good)
    yield "a rest", peer.produce(topic, good + b"\0" * 9)
    yield "cut off", peer.produce(topic, good[:-3])
    yield "a magic of the future", peer.produce(topic, good[:16] + b"\3" + good[17:])
    yield "nothing", peer.produce(topic, b"")
    yield "a producer id without a sequence", peer.produce(topic, stamped([b"a"], 4711, 0, -1))
    yield "message format 1", peer.produce(topic, batch([b"a"], magic=1, at_ms=now_ms()))
    yield "message format 0", peer.produce(topic, batch([b"a"], magic=0))
    yield "after all that", peer.produce(topic, good)


@scenario()
def times(peer: Peer) -> Iterator[Seen]:
    topic = peer.new_topic()
    day_ms = 24 * 3600 * 1000
    yield "of tomorrow", peer.produce(topic, batch([b"a"], at_ms=now_ms() + day_ms))
    yield "of last year", peer.produce(topic, batch([b"a"], at_ms=now_ms() - 365 * day_ms))
    yield "none", peer.produce(topic, batch([b"a"], at_ms=-1))
    appended = peer.new_topic(config={"message.timestamp.type": "LogAppendTime"})
    yield "the broker's", peer.produce(appended, batch([b"a"], at_ms=1000))
    seen = peer.offset(appended, now_ms() - 60_000)
    yield "and that is where it is found", [seen["offset"], abs(seen["time"] - now_ms()) < 60_000]
    strict = peer.new_topic(config={"message.timestamp.type": "CreateTime"})
    yield "the producer's", peer.produce(strict, batch([b"a"], at_ms=now_ms() - 1000))


@scenario()
def compacted_topics(peer: Peer) -> Iterator[Seen]:
    topic = peer.new_topic(config={"cleanup.policy": "compact"})
    yield "a record with a key", peer.produce(topic, fresh([b"a"]))
    message_format, at_ms = record.format_for(2), now_ms()
    keyless = message_format.encode(0, at_ms, at_ms, None, b"a", ())
    made = message_format.assemble([keyless], 1, base_timestamp_ms=at_ms, max_timestamp_ms=at_ms, codec=None)
    yield "one without", peer.produce(topic, b"".join(made))
