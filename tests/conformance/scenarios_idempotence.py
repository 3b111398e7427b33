"""Producers that count their batches (KIP-98)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kafka.protocol.init_producer_id import InitProducerIdRequest
from tests.conformance.peer import Peer, stamped
from tests.conformance.script import Seen, scenario

LAST_SEQUENCE = 2**31 - 1


def new_producer_id(peer: Peer) -> int:
    answer = peer.settled(InitProducerIdRequest(transactional_id=None, transaction_timeout_ms=1000), lambda one: one.error_code)
    assert answer.error_code == 0
    found: int = answer.producer_id
    return found


@scenario()
def producer_ids(peer: Peer) -> Iterator[Seen]:
    answers: list[Any] = [
        peer.settled(InitProducerIdRequest(transactional_id=None, transaction_timeout_ms=1000), lambda one: one.error_code) for _ in range(2)
    ]
    yield "new ones", [[one.error_code, one.producer_epoch] for one in answers]
    yield "they differ", answers[0].producer_id != answers[1].producer_id
    again = InitProducerIdRequest(
        transactional_id=None, transaction_timeout_ms=1000, producer_id=answers[0].producer_id, producer_epoch=answers[0].producer_epoch
    )
    yield "one that is known", [peer.ask(again).error_code, peer.ask(again).producer_epoch]
    half = InitProducerIdRequest(transactional_id=None, transaction_timeout_ms=1000, producer_id=answers[0].producer_id, producer_epoch=-1)
    yield "an id without an epoch", peer.ask(half).error_code
    yield "an empty name", peer.ask(InitProducerIdRequest(transactional_id="", transaction_timeout_ms=1000)).error_code


@scenario()
def sequences(peer: Peer) -> Iterator[Seen]:
    topic, me = peer.new_topic(), new_producer_id(peer)

    def send(sequence: int, count: int = 1, epoch: int = 0) -> dict[str, Any]:
        return peer.produce(topic, stamped([b"%d" % (sequence + index) for index in range(count)], me, epoch, sequence))

    yield "the first", send(0)
    yield "the next three", send(1, 3)
    yield "the same again", send(1, 3)
    yield "the first again", send(0)
    yield "a gap", send(5)
    yield "after the gap's refusal", send(4)
    for sequence in range(5, 10):
        yield f"number {sequence}", send(sequence)
    yield "the fifth from the end again", send(5)
    yield "the sixth from the end again", send(4)
    yield "the first again, long after", send(0)
    yield "part of a batch again", send(2, 2)
    yield "a batch that overlaps", send(9, 2)
    yield "the log", peer.fetch(topic)


@scenario()
def sequences_of_partitions_are_apart(peer: Peer) -> Iterator[Seen]:
    topic, me = peer.new_topic(partitions=2), new_producer_id(peer)
    yield "here", peer.produce(topic, stamped([b"a"], me, 0, 0))
    yield "there", peer.produce(topic, stamped([b"a"], me, 0, 0), partition=1)
    yield "there, as here", peer.produce(topic, stamped([b"b"], me, 0, 1), partition=1)


@scenario()
def producers_that_are_not_known(peer: Peer) -> Iterator[Seen]:
    topic = peer.new_topic()
    yield "in the middle", peer.produce(topic, stamped([b"a"], new_producer_id(peer), 0, 5))
    me = new_producer_id(peer)
    yield "with a later epoch", peer.produce(topic, stamped([b"a"], me, 3, 0))
    yield "from its beginning", peer.produce(topic, stamped([b"a"], new_producer_id(peer), 0, 0))


@scenario()
def epochs(peer: Peer) -> Iterator[Seen]:
    topic, me = peer.new_topic(), new_producer_id(peer)
    yield "epoch 0", peer.produce(topic, stamped([b"a", b"b"], me, 0, 0))
    yield "epoch 1, going on counting", peer.produce(topic, stamped([b"c"], me, 1, 2))
    yield "epoch 1, from 0", peer.produce(topic, stamped([b"c"], me, 1, 0))
    yield "epoch 0 again", peer.produce(topic, stamped([b"d"], me, 0, 2))
    yield "the old batch again", peer.produce(topic, stamped([b"a", b"b"], me, 0, 0))
    yield "epoch 1 goes on", peer.produce(topic, stamped([b"e"], me, 1, 1))
    yield "the log", peer.fetch(topic)


@scenario()
def the_last_sequence_is_followed_by_0(peer: Peer) -> Iterator[Seen]:
    topic, me = peer.new_topic(), new_producer_id(peer)
    yield "the last three", peer.produce(topic, stamped([b"a", b"b", b"c"], me, 0, LAST_SEQUENCE - 2))
    yield "then", peer.produce(topic, stamped([b"d", b"e"], me, 0, 0))
    yield "then", peer.produce(topic, stamped([b"f"], me, 0, 2))
    over, other = peer.new_topic(), new_producer_id(peer)
    yield "over the end within a batch", peer.produce(over, stamped([b"a", b"b", b"c"], other, 0, LAST_SEQUENCE))
    yield "goes on", peer.produce(over, stamped([b"d"], other, 0, 2))


@scenario()
def requests_with_a_producers_batches(peer: Peer) -> Iterator[Seen]:
    topic, me = peer.new_topic(), new_producer_id(peer)
    yield "two batches of one", peer.produce(topic, stamped([b"a"], me, 0, 0) + stamped([b"b"], me, 0, 1))
    yield "acks=1", peer.produce(topic, stamped([b"a"], me, 0, 0), acks=1)
    yield "a transactional one without a transaction", peer.produce(topic, stamped([b"a"], me, 0, 1, transactional=True))
    yield "no epoch", peer.produce(topic, stamped([b"a"], me, -1, 1))
