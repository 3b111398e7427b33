"""The bytes of batches, and what a batch says of itself, record by record."""

from __future__ import annotations

import gc
import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.parity.twins import COMPILED, EACH, Twin, attempt, same

INT64_MAX = 2**63 - 1
GOLDEN = Path(__file__).parent.parent / "golden" / "record_batches.jsonl"
CODECS = [None, "gzip", "snappy", "lz4", "zstd"]

Headers = tuple["tuple[str, bytes | None]", ...]


class Rec(NamedTuple):
    """A record to append."""

    key: bytes | None = None
    value: bytes | None = b"v"
    headers: Headers = ()
    timestamp_ms: int = 1000


class Limits(NamedTuple):
    """What bounds a batch, and the room its records find."""

    base_timestamp_ms: int = 1000
    sendable_bytes: int = 1 << 20
    limit_bytes: int = 1 << 20
    expected_bytes: int = 0
    memory_bytes: int = 1 << 30
    granted: int = 0


ANY = Limits()


def new_buffer(twin: Twin, limits: Limits = ANY) -> Any:
    return twin.records.RecordBuffer(
        twin.record.format_for(2), twin.result(), limits.base_timestamp_ms, limits.sendable_bytes, limits.limit_bytes, limits.expected_bytes
    )


def play(twin: Twin, records: list[Rec], limits: Limits = ANY, *, counted: bool = True) -> list[Any]:
    """Everything that can be seen while records are appended, the batch sealed and assembled with every codec."""
    buffer = new_buffer(twin, limits)
    memory = twin.memory.BufferMemory(limits.memory_bytes) if counted else None
    seen: list[Any] = [state(buffer)]
    for rec in records:
        granted = limits.granted
        if memory is not None and granted:
            memory.take_beyond_limit(granted)
        outcome = attempt(lambda: buffer.append(memory, granted, rec.timestamp_ms, rec.key, rec.value, rec.headers, 7))  # noqa: B023 - called at once
        if isinstance(outcome, twin.results.FutureRecordMetadata):
            names = ("_position", "_timestamp_ms", "_key_size", "_value_size", "_header_size")
            seen.append(("appended", *(getattr(outcome, name) for name in names), outcome._completion is buffer.result))
        else:
            seen.append(outcome)
        seen.append(state(buffer))
        if memory is not None:
            seen.append((memory.used_bytes, memory.reserved_bytes))
    buffer.seal()
    seen.append((state(buffer), buffer.count, buffer.size_bytes, buffer.largest_bytes, buffer.max_timestamp_ms, buffer.checksums()))
    seen.append(attempt(lambda: buffer.append(memory, 0, 1000, None, b"late", (), -1)))
    if buffer.count:
        seen.extend(b"".join(buffer.assemble(codec and twin.codec.require(codec))) for codec in CODECS)
    return seen


def state(buffer: Any) -> tuple[Any, ...]:
    names = ("open_bytes", "appended", "is_full", "is_closed", "is_sealing", "base_timestamp_ms", "sendable_bytes", "limit_bytes", "expected_bytes")
    return tuple(getattr(buffer, name) for name in names)


SIZES = [0, 1, 62, 63, 64, 65, 127, 128, 8190, 8191, 8192, 8193, 16383, 16384, 65535, 65536, 65537]
LARGE_SIZES = [524287, 524288, 1048575, 1048576, 1048577, 3_000_000]


@pytest.mark.parametrize("size", SIZES + LARGE_SIZES)
@pytest.mark.parametrize("place", ["key", "value", "header"])
def test_every_boundary_of_size_gives_the_same_bytes(size: int, place: str) -> None:
    content = b"\xa5" * size
    large = {
        "key": Rec(key=content),
        "value": Rec(value=content),
        "header": Rec(headers=(("h", content), ("é" * (size // 2), None))),
    }[place]
    same(lambda twin: play(twin, [Rec(), large, Rec(b"k"), large, Rec()], Limits(limit_bytes=30_000_000)))


@pytest.mark.parametrize("size", [0, 65535, 65536, 100_000])
def test_every_mixture_of_null_empty_and_present_gives_the_same_bytes(size: int) -> None:
    parts = [None, b"", b"x" * size]
    headers: list[Headers] = [(), (("", b""),), (("name", None), ("n" * 64, b"v" * 64), ("Ωμ\U0001f600", b"\x00"), ("name", b"again"))]
    records = [Rec(key, value, each) for key in parts for value in parts for each in headers]
    same(lambda twin: play(twin, records, Limits(limit_bytes=10_000_000)))


@pytest.mark.parametrize("base", [-1, 0, 1, 1000, 1_600_000_000_000, INT64_MAX - 5, INT64_MAX])
def test_timestamps_may_go_back_and_be_as_far_apart_as_they_can(base: int) -> None:
    times = [base, base - 1, base + 1, base + 63, base + 64, base - 64, base - 65, base + 8191, base + 8192, 0, INT64_MAX, base]
    records = [Rec(timestamp_ms=time) for time in times if 0 <= time <= INT64_MAX and time - base <= INT64_MAX]
    same(lambda twin: play(twin, records, Limits(base_timestamp_ms=base)))


def test_more_records_than_two_bytes_of_varint_count() -> None:
    seen = same(lambda twin: play(twin, [Rec(value=b"%d" % n) for n in range(9000)]))
    assert seen[-len(CODECS) - 2][1] == 9000


@pytest.mark.parametrize("limit", [0, 1, 61, 62, 70, 71, 100, 200, 1000])
@pytest.mark.parametrize("sendable", [0, 1, 69, 70, 71, 100, 5000])
def test_batches_are_full_and_closed_at_the_same_record(limit: int, sendable: int) -> None:
    records = [Rec(), Rec(b"key"), Rec(value=b"x" * 50), Rec(), Rec(value=b"y" * 900), Rec()]
    same(lambda twin: play(twin, records, Limits(limit_bytes=limit, sendable_bytes=sendable)))


@pytest.mark.parametrize("granted", [0, 1, 69, 70, 500])
@pytest.mark.parametrize("memory", [0, 1, 68, 69, 70, 71, 130, 10_000])
def test_room_is_counted_alike_and_its_lack_is_said_in_the_same_number_of_bytes(granted: int, memory: int) -> None:
    records = [Rec(), Rec(), Rec(value=b"x" * 50), Rec(value=b"y" * 9000), Rec()]
    same(lambda twin: play(twin, records, Limits(memory_bytes=memory, granted=granted)))


def test_where_a_thread_waits_for_room_nobody_else_takes_it() -> None:
    def outcomes(twin: Twin) -> list[Any]:
        memory = twin.memory.BufferMemory(10_000)
        buffer = new_buffer(twin)
        assert buffer.append(memory, 0, 1000, None, b"v", (), -1)._position == 0
        waiter = twin.memory.MemoryWaiter(9000)
        memory.join_queue(waiter)
        missing = buffer.append(memory, 0, 1000, None, b"v", (), -1)
        memory.take_beyond_limit(500)
        with_granted = buffer.append(memory, 500, 1000, None, b"v", (), -1)._position
        memory.waiters.remove(waiter)
        return [missing, with_granted, memory.used_bytes, memory.reserved_bytes, buffer.append(memory, 0, 1000, None, b"v", (), -1)._position]

    assert same(outcomes)[0] == 8


def test_nothing_is_counted_for_the_io_thread() -> None:
    same(lambda twin: play(twin, [Rec(), Rec(value=b"x" * 9000)], Limits(limit_bytes=5000), counted=False))


def test_a_header_that_cannot_be_encoded_leaves_the_batch_as_it_was() -> None:
    bad = Rec(headers=(("fine", b"v"), ("\ud800", b"v")))
    seen = same(lambda twin: play(twin, [Rec(), bad, Rec(), bad]))
    assert seen[4][0] == "UnicodeEncodeError"
    assert seen[-len(CODECS) - 2][1] == 2


@pytest.mark.parametrize("expected", [0, 100, 5000, 65536, 70_000, 1 << 20, 1 << 30])
def test_a_guess_at_the_size_changes_no_byte(expected: int) -> None:
    same(lambda twin: play(twin, [Rec(value=b"%05d" % n * 20) for n in range(1000)], Limits(expected_bytes=expected)))


@pytest.mark.parametrize("expected", [0, 1000, 1 << 21, 1 << 30])
@pytest.mark.parametrize("limit", [0, 100, 1000, 65536, 70_000])
@pytest.mark.parametrize("size", [1000, 65535, 100_000, 1 << 20])
def test_a_record_larger_than_its_batch_may_be_has_the_room_it_needs(size: int, limit: int, expected: int) -> None:
    records = [Rec(key=b"k" * size, headers=(("h", b"v" * size),)), Rec()]
    same(lambda twin: play(twin, records, Limits(limit_bytes=limit, expected_bytes=expected)))


def test_an_empty_batch_is_empty() -> None:
    same(lambda twin: play(twin, []))


@pytest.mark.parametrize("case", [json.loads(line) for line in GOLDEN.read_text(encoding="utf-8").splitlines()], ids=lambda case: str(case["name"]))
def test_records_of_the_java_clients_batches_give_the_same_bytes(case: dict[str, Any]) -> None:
    def unhexed(text: str | None) -> bytes | None:
        data, _, times = (text or "").partition("*")
        return None if text is None else bytes.fromhex(data) * int(times or 1)

    records = [
        Rec(unhexed(key), unhexed(value), tuple((bytes.fromhex(name).decode(), unhexed(held)) for name, held in headers), max(0, timestamp))
        for _, timestamp, key, value, headers in case["records"]
    ]
    base = records[0].timestamp_ms if records else 0
    same(lambda twin: play(twin, records, Limits(base_timestamp_ms=base, limit_bytes=10_000_000)))


sizes = st.one_of(st.integers(0, 300), st.sampled_from(SIZES))
contents = st.one_of(st.none(), st.builds(lambda size, byte: bytes([byte]) * size, sizes, st.integers(0, 255)), st.binary(max_size=40))
names = st.text(st.characters(exclude_categories=["Cs"]), max_size=70)
timestamps = st.one_of(st.integers(0, INT64_MAX), st.integers(0, 5000), st.sampled_from([0, 1, INT64_MAX - 1, INT64_MAX]))
some_records = st.lists(st.builds(Rec, contents, contents, st.lists(st.tuples(names, contents), max_size=3).map(tuple), timestamps), max_size=12)
some_limits = st.builds(
    Limits,
    base_timestamp_ms=timestamps,
    sendable_bytes=st.sampled_from([0, 100, 16384, 1 << 20]),
    limit_bytes=st.sampled_from([0, 100, 1000, 16384, 1 << 20]),
    expected_bytes=st.sampled_from([0, 1000, 1 << 20]),
    memory_bytes=st.sampled_from([0, 500, 20_000, 1 << 30]),
    granted=st.sampled_from([0, 0, 100, 10_000]),
)


@settings(derandomize=True, deadline=None, max_examples=300)
@given(records=some_records, limits=some_limits, counted=st.booleans())
def test_random_records_give_the_same_bytes(records: list[Rec], limits: Limits, counted: bool) -> None:
    same(lambda twin: play(twin, records, limits, counted=counted))


# --- the life of a buffer -----------------------------------------------------------------------------------------------


@EACH
def test_pieces_that_were_handed_out_outlive_the_batch(twin: Twin) -> None:
    buffer = new_buffer(twin)
    for number in range(50):
        buffer.append(None, 0, 1000, None, b"%d" % number + b"x" * (9000 if number % 7 == 0 else 9), (), -1)
    buffer.seal()
    pieces = buffer.assemble(None)
    before = b"".join(pieces)
    buffer.drop()
    others = [new_buffer(twin) for _ in range(20)]  # whoever takes the memory
    for other in others:
        other.append(None, 0, 1000, None, b"\xff" * 8000, (), -1)
    del buffer
    assert b"".join(pieces) == before


@EACH
def test_batches_that_come_and_go_never_see_each_others_bytes(twin: Twin) -> None:
    living: list[tuple[Any, list[Any], bytes]] = []
    for number in range(250):
        limit = (100_000, 300_000, 3_000, 9_000)[number % 4]
        buffer = new_buffer(twin, Limits(limit_bytes=limit, expected_bytes=limit if number % 3 else 0))
        content = bytes([number]) * (limit // 20)
        while isinstance(buffer.append(None, 0, 1000, None, content, (), -1), twin.results.FutureRecordMetadata):
            pass
        buffer.seal()
        pieces = buffer.chain()
        living.append((buffer, pieces, b"".join(pieces)))
        if len(living) > 12:
            old, old_pieces, expected = living.pop(number % 5)
            assert b"".join(old_pieces) == expected
            old.drop()
            assert b"".join(old_pieces) == expected
    for _, pieces, expected in living:
        assert b"".join(pieces) == expected


def test_bytes_on_their_way_are_nothing_the_garbage_collector_counts() -> None:
    buffer = new_buffer(COMPILED)
    buffer.append(None, 0, 1000, None, b"v" * 500, (), -1)
    buffer.seal()
    [whole] = buffer.assemble(None)
    assert not any(map(gc.is_tracked, (whole, buffer)))
    assert len(whole) == len(bytes(whole)) == buffer.size_bytes
    with pytest.raises(BufferError):
        type(whole)(new_buffer(COMPILED))  # not sealed: it may still move


def test_records_can_be_read_between_the_seal_and_the_end_only() -> None:
    buffer = new_buffer(COMPILED)
    buffer.append(None, 0, 1000, None, b"v", (), -1)
    with pytest.raises(BufferError):
        memoryview(buffer)
    buffer.seal()
    assert memoryview(buffer).readonly
    buffer.drop()
    with pytest.raises(BufferError):
        memoryview(buffer)


def test_sealing_twice_and_dropping_twice_change_nothing() -> None:
    def play_twice(twin: Twin) -> list[Any]:
        buffer = new_buffer(twin)
        buffer.append(None, 0, 1000, None, b"v", (), -1)
        buffer.seal()
        buffer.seal()
        seen = [buffer.count, buffer.size_bytes, b"".join(buffer.assemble(None))]
        buffer.drop()
        buffer.drop()
        return [*seen, buffer.count, buffer.size_bytes]

    assert same(play_twice)[0] == 1


def test_the_headers_size_is_the_layouts() -> None:
    from kafka.record.layout import BATCH_HEADER

    assert new_buffer(COMPILED).open_bytes == BATCH_HEADER.size
