"""kafka.partitioner: Java's hash bit for bit, and who is chosen."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from kafka.partitioner import (
    DefaultPartitioner,
    HashedPartitioner,
    LegacyPartitioner,
    Murmur2Partitioner,
    Partitioner,
    RoundRobinPartitioner,
    StickyPartitioner,
)
from kafka.partitioner.base import Partitioner as OldPartitioner
from kafka.partitioner.murmur2 import murmur2
from kafka.structs import TopicPartition

VECTORS = [line.split(" ") for line in (Path(__file__).parent.parent / "golden" / "murmur2.txt").read_text().splitlines()]


class Cluster:
    """As much of ClusterMetadata as partitioners may use."""

    def __init__(self, every: set[int], available: set[int]) -> None:
        self.every, self.available = every, available

    def topics(self) -> set[str]:
        return {"t"}

    def partitions_for_topic(self, topic: str) -> set[int]:
        return self.every

    def available_partitions_for_topic(self, topic: str) -> set[int]:
        return self.available

    def leader_for_partition(self, partition: TopicPartition) -> int | None:
        return 1 if partition.partition in self.available else -1 if partition.partition in self.every else None


def test_murmur2_is_javas_for_every_vector() -> None:
    assert len(VECTORS) > 1000
    assert [murmur2(bytes.fromhex(key)) for key, _ in VECTORS] == [int(expected) for _, expected in VECTORS]


@pytest.mark.parametrize(("key", "expected"), [(b"", 681), (b"a", 524), (b"ab", 434), (b"abc", 107), (b"123456789", 566), (b"\0 ", 742)])
def test_known_keys_of_a_thousand_partitions(key: bytes, expected: int) -> None:
    assert DefaultPartitioner()(key, list(range(1000)), []) == expected


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_every_kind_of_bytes_hashes_alike(kind: Any) -> None:
    assert murmur2(kind(b"some key")) == murmur2(b"some key")


def test_without_a_key_partitions_that_have_a_leader_are_chosen_at_random() -> None:
    partitioner = DefaultPartitioner()
    partitioner.random = random.Random(1)
    chosen = [partitioner(None, [0, 1, 2, 3], [1, 3]) for _ in range(1000)]
    assert set(chosen) == {1, 3}
    assert 400 < chosen.count(1) < 600
    assert {partitioner(None, [0, 1, 2], []) for _ in range(100)} == {0, 1, 2}


def test_the_later_form_hashes_the_serialized_key() -> None:
    cluster = Cluster({0, 1, 2, 3, 4, 5, 6}, {1})
    for key in (b"a", b"b", b"c"):
        assert DefaultPartitioner().partition("t", object(), key, None, None, cluster) == DefaultPartitioner()(key, list(range(7)), [])
    assert DefaultPartitioner().partition("t", None, None, None, None, cluster) == 1
    assert DefaultPartitioner().partition("t", None, None, None, None, Cluster({4}, set())) == 4
    with pytest.raises(ValueError, match="not found"):
        DefaultPartitioner().partition("missing", None, b"k", None, None, cluster)


def test_sticky_stays_until_a_new_batch_and_then_moves() -> None:
    cluster = Cluster({0, 1, 2}, {0, 1, 2})
    sticky = StickyPartitioner()
    first = sticky.partition("t", None, None, None, None, cluster)
    assert {sticky.partition("t", None, None, None, None, cluster) for _ in range(20)} == {first}
    sticky.on_new_batch("t", cluster, first)
    second = sticky.partition("t", None, None, None, None, cluster)
    assert second != first
    sticky.on_new_batch("t", cluster, first)
    assert sticky.partition("t", None, None, None, None, cluster) == second
    assert sticky.partition("t", None, b"k", None, None, cluster) == DefaultPartitioner()(b"k", [0, 1, 2], [])


def test_sticky_has_nowhere_to_go_with_one_partition() -> None:
    cluster = Cluster({0}, {0})
    sticky = StickyPartitioner()
    sticky.on_new_batch("t", cluster, 0)
    assert sticky.partition("t", None, None, None, None, cluster) == 0


def test_sticky_remembers_so_many_topics_and_no_more() -> None:
    class Tenants(Cluster):
        def topics(self) -> set[str]:
            return tenants

    tenants = {f"tenant-{number}" for number in range(25_000)}
    cluster = Tenants({0, 1, 2}, {0, 1, 2})
    sticky = StickyPartitioner()
    for number in range(25_000):
        sticky.partition(f"tenant-{number}", None, None, None, None, cluster)
    assert 0 < sum(len(kept) for kept in vars(sticky).values() if isinstance(kept, dict)) <= 10_000
    last = sticky.partition("tenant-24999", None, None, None, None, cluster)
    assert {sticky.partition("tenant-24999", None, None, None, None, cluster) for _ in range(20)} == {last}


def test_round_robin_cycles_and_follows_what_is_available() -> None:
    partitioner = RoundRobinPartitioner()
    assert [partitioner(None, [0, 1, 2], [0, 1, 2]) for _ in range(4)] == [0, 1, 2, 0]
    assert [partitioner(None, [0, 1, 2], [0, 2]) for _ in range(3)] == [2, 0, 2]


def test_the_partitioners_of_1_x_hash_over_what_is_available() -> None:
    assert HashedPartitioner is Murmur2Partitioner
    index = (murmur2(b"key") & 0x7FFFFFFF) % 2
    assert Murmur2Partitioner([0, 1, 2])(b"key", [0, 1, 2], [5, 7]) == [5, 7][index]
    assert Murmur2Partitioner([5, 7]).partition("key") == [5, 7][index]
    assert LegacyPartitioner([3, 4])(b"key") == [3, 4][hash(b"key") % 2]


def test_keys_that_are_not_bytes_count_as_text_for_the_partitioners_of_1_x() -> None:
    every = list(range(1000))
    assert Murmur2Partitioner()(None, every, every) == DefaultPartitioner()(b"None", every, every)
    assert Murmur2Partitioner()("\u00e9", every, []) == DefaultPartitioner()("\u00e9".encode(), every, [])
    assert LegacyPartitioner()(bytearray(b"key"), every) == LegacyPartitioner()(b"key", every)


def test_a_partitioner_of_the_later_form_must_say_which() -> None:
    with pytest.raises(TypeError):
        Partitioner()  # type: ignore[abstract]


def test_a_partitioner_of_1_x_needs_to_be_callable_only() -> None:
    class Last(OldPartitioner):
        def __call__(self, key: Any, all_partitions: Any = None, available: Any = None) -> int:
            return max(all_partitions or self.partitions or ())

    class ByMethod(OldPartitioner):
        def partition(self, key: Any, partitions: Any = None) -> int:
            return min(partitions or self.partitions or ())

    assert Last([1, 2])(b"k") == Last()(b"k", [1, 2]) == 2
    assert ByMethod([1, 2]).partition(b"k") == 1
    assert all(isinstance(kind(), OldPartitioner) for kind in (Murmur2Partitioner, LegacyPartitioner, RoundRobinPartitioner))
    with pytest.raises(NotImplementedError):
        OldPartitioner()(b"k", [0], [0])
