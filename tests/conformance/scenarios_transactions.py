"""Transactions (KIP-98), by the requests of the first protocol and by those of the second (KIP-890)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from kafka.protocol.add_offsets_to_txn import AddOffsetsToTxnRequest
from kafka.protocol.add_partitions_to_txn import AddPartitionsToTxnRequest, AddPartitionsToTxnTopic
from kafka.protocol.end_txn import EndTxnRequest
from kafka.protocol.find_coordinator import FindCoordinatorRequest
from kafka.protocol.init_producer_id import InitProducerIdRequest
from kafka.protocol.offset_fetch import OffsetFetchRequest, OffsetFetchRequestTopic
from kafka.protocol.txn_offset_commit import TxnOffsetCommitRequest, TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic
from tests.conformance.peer import Peer, stamped
from tests.conformance.scenarios_groups import new_group
from tests.conformance.script import Seen, scenario

TRANSACTIONAL = 1
READ_COMMITTED = 1
SECOND_PROTOCOL = {"produce": 12, "end": 5, "offsets": 5}


class Owner(NamedTuple):
    """Who has a transactional id."""

    name: str
    producer_id: int
    epoch: int


def init(peer: Peer, name: str, timeout_ms: int = 60_000, **options: Any) -> Any:
    request = InitProducerIdRequest(transactional_id=name, transaction_timeout_ms=timeout_ms, **options)
    return peer.settled(request, lambda answer: answer.error_code)


def owner(peer: Peer, name: str | None = None) -> Owner:
    """A new owner of a transactional id, whose coordinator is there."""
    name = name or peer.new_name("txn")
    peer.settled(FindCoordinatorRequest(key=name, key_type=TRANSACTIONAL), lambda answer: answer.error_code)
    answer = init(peer, name)
    assert answer.error_code == 0, answer
    return Owner(name, answer.producer_id, answer.producer_epoch)


def add(peer: Peer, me: Owner, topic: str, *partitions: int) -> list[int]:
    """Codes, by partition."""
    request = AddPartitionsToTxnRequest(
        v3_and_below_transactional_id=me.name,
        v3_and_below_producer_id=me.producer_id,
        v3_and_below_producer_epoch=me.epoch,
        v3_and_below_topics=[AddPartitionsToTxnTopic(name=topic, partitions=list(partitions or (0,)))],
    )

    def codes(answer: Any) -> list[int]:
        return [one.partition_error_code for results in answer.results_by_topic_v3_and_below for one in results.results_by_partition]

    return codes(peer.settled(request, lambda answer: codes(answer)[0]))


def end(peer: Peer, me: Owner, committed: bool, version: int | None = None) -> Any:
    request = EndTxnRequest(transactional_id=me.name, producer_id=me.producer_id, producer_epoch=me.epoch, committed=committed)
    return peer.settled(request, lambda answer: answer.error_code, version)


def send(peer: Peer, me: Owner, topic: str, sequence: int, *values: bytes, version: int | None = None, partition: int = 0) -> dict[str, Any]:
    records = stamped(list(values), me.producer_id, me.epoch, sequence, transactional=True)
    return peer.produce(topic, records, transactional_id=me.name, version=version, partition=partition)


def fetch_when_ended(peer: Peer, topic: str, offset: int = 0, isolation: int = READ_COMMITTED) -> dict[str, Any]:
    """The log, once the markers of every transaction are in it."""
    seen = peer.fetch(topic, offset, isolation=isolation)
    while seen["stable"] != seen["end"]:
        seen = peer.fetch(topic, offset, isolation=isolation)
    return seen


@scenario()
def coordinators_of_transactions(peer: Peer) -> Iterator[Seen]:
    answer = peer.settled(FindCoordinatorRequest(key=peer.new_name("txn"), key_type=TRANSACTIONAL), lambda one: one.error_code)
    yield "one", [answer.error_code, f"{answer.host}:{answer.port}" == peer.address]
    yield "of an unknown kind", peer.ask(FindCoordinatorRequest(key="x", key_type=9)).error_code


@scenario()
def owners_of_transactional_ids(peer: Peer) -> Iterator[Seen]:
    first = owner(peer)
    second = init(peer, first.name)
    yield "the first", first.epoch
    yield "the second", [second.error_code, second.producer_epoch, second.producer_id == first.producer_id]
    third = init(peer, first.name, producer_id=second.producer_id, producer_epoch=second.producer_epoch)
    yield "itself again", [third.error_code, third.producer_epoch]
    retried = init(peer, first.name, producer_id=second.producer_id, producer_epoch=second.producer_epoch)
    yield "itself again, as if the answer had been lost", [retried.error_code, retried.producer_epoch]
    old = init(peer, first.name, producer_id=first.producer_id, producer_epoch=first.epoch)
    yield "one that was replaced", [old.error_code, old.producer_epoch]
    stranger = init(peer, first.name, producer_id=first.producer_id + 100_000, producer_epoch=0)
    yield "a stranger", stranger.error_code
    yield "a time-out of an hour", init(peer, peer.new_name("txn"), timeout_ms=3_600_000).error_code
    yield "a time-out of nothing", init(peer, peer.new_name("txn"), timeout_ms=0).error_code


@scenario()
def a_transaction_is_committed(peer: Peer) -> Iterator[Seen]:
    topic, me = peer.new_topic(partitions=2), owner(peer)
    peer.produce(topic, stamped([b"before"], -1, -1, -1))
    yield "partitions", add(peer, me, topic, 0, 1)
    yield "again", add(peer, me, topic, 0)
    yield "records", send(peer, me, topic, 0, b"a", b"b")
    yield "the same again", send(peer, me, topic, 0, b"a", b"b")
    yield "of somebody else", peer.produce(topic, stamped([b"between"], -1, -1, -1))
    yield "read committed", peer.fetch(topic, isolation=READ_COMMITTED)
    yield "read uncommitted", peer.fetch(topic)
    yield "its end, committed", peer.offset(topic, -1, isolation=READ_COMMITTED)["offset"]
    yield "its end", peer.offset(topic, -1)["offset"]
    yield "end", end(peer, me, True).error_code
    yield "the log", fetch_when_ended(peer, topic)
    yield "the log of the other partition", fetch_when_ended_of(peer, topic, 1)
    yield "its end, then", peer.offset(topic, -1, isolation=READ_COMMITTED)["offset"]
    yield "end again", end(peer, me, True).error_code
    yield "abort what is committed", end(peer, me, False).error_code
    yield "the next transaction", [add(peer, me, topic, 0), send(peer, me, topic, 2, b"c"), end(peer, me, True).error_code]
    yield "the whole log", fetch_when_ended(peer, topic)


def fetch_when_ended_of(peer: Peer, topic: str, partition: int) -> dict[str, Any]:
    seen = peer.fetch(topic, partition=partition, isolation=READ_COMMITTED, wait_ms=50)
    while seen["stable"] != seen["end"] or not seen["log"]:
        seen = peer.fetch(topic, partition=partition, isolation=READ_COMMITTED, wait_ms=50)
    return seen


@scenario()
def a_transaction_is_aborted(peer: Peer) -> Iterator[Seen]:
    topic, me = peer.new_topic(), owner(peer)
    yield "partitions", add(peer, me, topic)
    yield "records", send(peer, me, topic, 0, b"a", b"b")
    yield "end", end(peer, me, False).error_code
    yield "the log", fetch_when_ended(peer, topic)
    yield "read uncommitted", peer.fetch(topic)
    yield "the next transaction", [add(peer, me, topic), send(peer, me, topic, 2, b"c"), end(peer, me, True).error_code]
    yield "the whole log", fetch_when_ended(peer, topic)
    yield "end again", end(peer, me, False).error_code


@scenario()
def transactions_that_go_wrong(peer: Peer) -> Iterator[Seen]:
    topic, me = peer.new_topic(), owner(peer)
    yield "end without a beginning", end(peer, me, True).error_code
    yield "abort without a beginning", end(peer, me, False).error_code
    yield "records of no partition of it", send(peer, me, topic, 0, b"a")
    yield "no such topic", add(peer, me, peer.new_name())
    yield "one that is there and one that is not", sorted(add_two(peer, me, topic, peer.new_name()))
    yield "partitions", add(peer, me, topic)
    yield "an epoch below", [add(peer, me._replace(epoch=me.epoch - 1), topic), end(peer, me._replace(epoch=me.epoch - 1), True).error_code]
    yield "an epoch above", [add(peer, me._replace(epoch=me.epoch + 1), topic), end(peer, me._replace(epoch=me.epoch + 1), True).error_code]
    stranger = me._replace(producer_id=me.producer_id + 100_000)
    yield "a stranger", [add(peer, stranger, topic), end(peer, stranger, True).error_code]
    nobody = me._replace(name=peer.new_name("txn"))
    yield "a name that nobody has", [add(peer, nobody, topic), end(peer, nobody, True).error_code]
    yield "records without a mark", peer.produce(topic, stamped([b"a"], me.producer_id, me.epoch, 0), transactional_id=me.name)
    yield "records", send(peer, me, topic, 0, b"a")
    yield "a gap", send(peer, me, topic, 5, b"b")
    yield "records of an epoch below", send(peer, me._replace(epoch=me.epoch - 1), topic, 1, b"c")
    yield "end", end(peer, me, False).error_code


def add_two(peer: Peer, me: Owner, *topics: str) -> list[int]:
    request = AddPartitionsToTxnRequest(
        v3_and_below_transactional_id=me.name,
        v3_and_below_producer_id=me.producer_id,
        v3_and_below_producer_epoch=me.epoch,
        v3_and_below_topics=[AddPartitionsToTxnTopic(name=topic, partitions=[0]) for topic in topics],
    )
    answer = peer.ask(request)
    return [one.partition_error_code for results in answer.results_by_topic_v3_and_below for one in results.results_by_partition]


@scenario()
def an_owner_that_is_replaced_is_fenced(peer: Peer) -> Iterator[Seen]:
    topic, old = peer.new_topic(), owner(peer)
    add(peer, old, topic)
    yield "records", send(peer, old, topic, 0, b"lost")
    new = owner(peer, old.name)
    yield "the new owner", [new.epoch - old.epoch, new.producer_id == old.producer_id]
    yield "what was begun is aborted", fetch_when_ended(peer, topic)
    yield "the old one adds", add(peer, old, topic)
    yield "the old one sends", send(peer, old, topic, 1, b"never")
    yield "the old one ends", end(peer, old, True).error_code
    yield "the new one", [add(peer, new, topic), send(peer, new, topic, 0, b"kept"), end(peer, new, True).error_code]
    yield "the log", fetch_when_ended(peer, topic)


def commit_offsets(peer: Peer, me: Owner, group: str, topic: str, offset: int, *, version: int | None = None, **who: Any) -> int:
    """Within the transaction; the code of the one partition."""
    partition = TxnOffsetCommitRequestPartition(partition_index=0, committed_offset=offset, committed_metadata="m")
    request = TxnOffsetCommitRequest(
        transactional_id=me.name,
        group_id=group,
        producer_id=me.producer_id,
        producer_epoch=me.epoch,
        topics=[TxnOffsetCommitRequestTopic(name=topic, partitions=[partition])],
        **who,
    )

    def code(answer: Any) -> int:
        found: int = answer.topics[0].partitions[0].error_code
        return found

    return code(peer.settled(request, code, version))


def committed(peer: Peer, group: str, topic: str, *, stable: bool = False) -> list[Any]:
    request = OffsetFetchRequest(group_id=group, topics=[OffsetFetchRequestTopic(name=topic, partition_indexes=[0])], require_stable=stable)
    answer = peer.settled(request, lambda one: one.error_code)
    (partition,) = answer.topics[0].partitions
    return [answer.error_code, partition.error_code, partition.committed_offset]


def add_offsets(peer: Peer, me: Owner, group: str) -> int:
    request = AddOffsetsToTxnRequest(transactional_id=me.name, producer_id=me.producer_id, producer_epoch=me.epoch, group_id=group)
    code: int = peer.settled(request, lambda one: one.error_code).error_code
    return code


@scenario()
def offsets_in_a_transaction(peer: Peer) -> Iterator[Seen]:
    topic, me, group = peer.new_topic(), owner(peer), new_group(peer)
    yield "nothing yet", committed(peer, group, topic)
    yield "the group", add_offsets(peer, me, group)
    yield "offsets", commit_offsets(peer, me, group, topic, 7)
    yield "before the end", committed(peer, group, topic)
    yield "before the end, stable", committed(peer, group, topic, stable=True)
    yield "end", end(peer, me, True).error_code
    yield "then", committed_when_stable(peer, group, topic)
    yield "the next, aborted", [add_offsets(peer, me, group), commit_offsets(peer, me, group, topic, 9), end(peer, me, False).error_code]
    yield "then still", committed_when_stable(peer, group, topic)
    stranger: dict[str, Any] = {"member_id": "nobody", "generation_id_or_member_epoch": 3}
    yield "of a member that is none", [add_offsets(peer, me, group), commit_offsets(peer, me, group, topic, 11, **stranger)]
    yield "in the end", end(peer, me, False).error_code
    yield "of an owner that is none", add_offsets(peer, me._replace(epoch=me.epoch + 5), group)


def committed_when_stable(peer: Peer, group: str, topic: str) -> list[Any]:
    while True:
        found = committed(peer, group, topic, stable=True)
        if found[1] != 88:  # UNSTABLE_OFFSET_COMMIT: the marker has not come
            return found


@scenario(since="4.0")
def the_second_protocol(peer: Peer) -> Iterator[Seen]:
    """Partitions are added by Produce itself, and each end gives the next epoch."""
    topic, me, versions = peer.new_topic(), owner(peer), SECOND_PROTOCOL
    yield "records", send(peer, me, topic, 0, b"a", version=versions["produce"])
    yield "more", send(peer, me, topic, 1, b"b", version=versions["produce"])
    ended = end(peer, me, True, versions["end"])
    yield "end", [ended.error_code, ended.producer_id == me.producer_id, ended.producer_epoch - me.epoch]
    retried = end(peer, me, True, versions["end"])
    yield "end again, as if the answer had been lost", [retried.error_code, retried.producer_epoch - me.epoch]
    yield "the log", fetch_when_ended(peer, topic)
    yield "the old epoch sends", send(peer, me, topic, 2, b"never", version=versions["produce"])
    after = me._replace(epoch=ended.producer_epoch)
    yield "the next transaction", send(peer, after, topic, 0, b"c", version=versions["produce"])
    aborted = end(peer, after, False, versions["end"])
    yield "abort", [aborted.error_code, aborted.producer_epoch - after.epoch]
    yield "the whole log", fetch_when_ended(peer, topic)
    empty = end(peer, after._replace(epoch=aborted.producer_epoch), False, versions["end"])
    yield "abort of nothing", [empty.error_code, empty.producer_epoch - aborted.producer_epoch]
    nothing = end(peer, after._replace(epoch=max(empty.producer_epoch, aborted.producer_epoch)), True, versions["end"])
    yield "commit of nothing", nothing.error_code


@scenario(since="4.0")
def offsets_by_the_second_protocol(peer: Peer) -> Iterator[Seen]:
    topic, me, group = peer.new_topic(), owner(peer), new_group(peer)
    committed(peer, group, topic)
    yield "offsets", commit_offsets(peer, me, group, topic, 7, version=SECOND_PROTOCOL["offsets"])
    yield "end", end(peer, me, True, SECOND_PROTOCOL["end"]).error_code
    yield "then", committed_when_stable(peer, group, topic)


