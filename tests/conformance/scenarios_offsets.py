"""Reading: offsets that are asked for, and fetching."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

from kafka.protocol.fetch import FetchPartition, FetchRequest, FetchTopic
from kafka.protocol.offset_for_leader_epoch import OffsetForLeaderEpochRequest, OffsetForLeaderPartition, OffsetForLeaderTopic
from tests.conformance.peer import Peer, now_ms
from tests.conformance.script import Seen, scenario
from tests.testing.wire import batch

EARLIEST, LATEST, OF_LARGEST_TIMESTAMP = -2, -1, -3


@scenario()
def offsets_by_time(peer: Peer) -> Iterator[Seen]:
    topic, began_ms = peer.new_topic(), now_ms() - 100_000

    def shown(found: dict[str, Any]) -> dict[str, Any]:
        return {**found, "time": found["time"] - began_ms if found["time"] >= 0 else found["time"]}

    yield "of nothing: earliest", shown(peer.offset(topic, EARLIEST))
    yield "of nothing: latest", shown(peer.offset(topic, LATEST))
    yield "of nothing: since then", shown(peer.offset(topic, began_ms))
    peer.produce(topic, batch([b"a", b"b", b"c"], at_ms=began_ms))
    peer.produce(topic, batch([b"d", b"e"], at_ms=began_ms + 1000))
    peer.produce(topic, batch([b"f"], at_ms=began_ms + 500))
    yield "earliest", shown(peer.offset(topic, EARLIEST))
    yield "latest", shown(peer.offset(topic, LATEST))
    for after_ms in (-1000, 0, 1, 3, 400, 501, 1001, 1002):
        yield f"since {after_ms} ms", shown(peer.offset(topic, began_ms + after_ms))
    yield "no such partition", shown(peer.offset(topic, LATEST, partition=5))
    yield "no such topic", shown(peer.offset(peer.new_name(), LATEST))
    yield "of the leader's epoch", peer.offset(topic, LATEST, epoch=0)["error"]
    yield "of a later epoch", peer.offset(topic, LATEST, epoch=5)["error"]


@scenario()
def several_partitions_at_once(peer: Peer) -> Iterator[Seen]:
    topic = peer.new_topic(partitions=3)
    for partition in range(2):
        peer.produce(topic, batch([b"x" * 300] * 3, at_ms=now_ms()), partition=partition)
    asked = [FetchPartition(partition=partition, fetch_offset=0, partition_max_bytes=1 << 20) for partition in (0, 1, 2, 7)]
    for most in (1 << 20, 100):
        request = FetchRequest(max_wait_ms=100, min_bytes=1, max_bytes=most, topics=[FetchTopic(topic=topic, partitions=asked)])
        (answered,) = peer.ask(request).responses
        found = sorted([one.partition_index, one.error_code, bool(one.records)] for one in answered.partitions)
        yield f"{most} bytes at most", found


@scenario(since="4.0")
def the_largest_timestamp(peer: Peer) -> Iterator[Seen]:
    topic, began_ms = peer.new_topic(), now_ms() - 100_000
    yield "of nothing", peer.offset(topic, OF_LARGEST_TIMESTAMP, version=7)
    peer.produce(topic, batch([b"a", b"b", b"c"], at_ms=began_ms + 1000))
    peer.produce(topic, batch([b"d"], at_ms=began_ms))
    found = peer.offset(topic, OF_LARGEST_TIMESTAMP, version=7)
    yield "of some", [found["error"], found["offset"], found["time"] - began_ms]


@scenario()
def fetching(peer: Peer) -> Iterator[Seen]:
    topic = peer.new_topic()
    for values in ([b"a", b"b"], [b"c"], [b"x" * 2000]):
        peer.produce(topic, batch(list(values), at_ms=now_ms()))
    yield "from 0", ends(peer.fetch(topic))
    yield "from within a batch", ends(peer.fetch(topic, 1))
    yield "from the end", peer.fetch(topic, 4, wait_ms=1)
    yield "behind the end", peer.fetch(topic, 5)
    yield "before the beginning", peer.fetch(topic, -1)
    yield "no such partition", peer.fetch(topic, partition=9)
    yield "no such topic", peer.fetch(peer.new_name())
    yield "of the leader's epoch", peer.fetch(topic, epoch=0)["error"]
    yield "of a later epoch", peer.fetch(topic, epoch=5)["error"]
    yield "one byte at most: a batch all the same", ends(peer.fetch(topic, partition_bytes=1))
    yield "a large one", ends(peer.fetch(topic, 3, partition_bytes=1))


def ends(seen: dict[str, Any]) -> dict[str, Any]:
    """The first and the last record instead of all."""
    log = seen.pop("log")
    return {**seen, "offsets": [log[0][0], log[-1][0]] if log else []}


@scenario(since="4.0")
def fetching_by_topic_id(peer: Peer) -> Iterator[Seen]:
    topic = peer.new_topic()
    peer.produce(topic, batch([b"a"], at_ms=now_ms()))
    yield "a topic", peer.fetch(topic, version=13)
    asked = FetchTopic(topic_id=uuid.uuid4(), partitions=[FetchPartition(partition=0, fetch_offset=0, partition_max_bytes=1000)])
    answer = peer.ask(FetchRequest(max_wait_ms=1, min_bytes=1, topics=[asked]), 13)
    yield "nobody's id", [answer.error_code, [partition.error_code for found in answer.responses for partition in found.partitions]]


@scenario()
def fetch_sessions(peer: Peer) -> Iterator[Seen]:
    topic = peer.new_topic()
    asked = FetchTopic(topic=topic, partitions=[FetchPartition(partition=0, fetch_offset=0, partition_max_bytes=1000)])
    unknown = peer.ask(FetchRequest(max_wait_ms=1, min_bytes=1, session_id=123456, session_epoch=1, topics=[asked]))
    yield "one that is not known", [unknown.error_code, unknown.session_id]
    whole = peer.ask(FetchRequest(max_wait_ms=1, min_bytes=1, session_id=0, session_epoch=-1, topics=[asked]))
    yield "none is wanted", [whole.error_code, whole.session_id]


@scenario()
def ends_of_epochs(peer: Peer) -> Iterator[Seen]:
    topic = peer.new_topic()
    peer.produce(topic, batch([b"a", b"b"], at_ms=now_ms()))

    def ask(epoch: int, current: int = -1, partition: int = 0) -> list[int]:
        asked = OffsetForLeaderPartition(partition=partition, current_leader_epoch=current, leader_epoch=epoch)
        answer = peer.ask(OffsetForLeaderEpochRequest(topics=[OffsetForLeaderTopic(topic=topic, partitions=[asked])]))
        (found,) = answer.topics[0].partitions
        return [found.error_code, found.leader_epoch, found.end_offset]

    yield "the first", ask(0)
    yield "a later one", ask(7)
    yield "asked by one who knows a later one", ask(0, current=7)
    yield "no such partition", ask(0, partition=4)
