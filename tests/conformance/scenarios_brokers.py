"""Several brokers: what is asked of one that it is not for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kafka.protocol.fetch import FetchPartition, FetchRequest, FetchTopic
from kafka.protocol.find_coordinator import FindCoordinatorRequest
from kafka.protocol.init_producer_id import InitProducerIdRequest
from kafka.protocol.metadata import MetadataRequest, MetadataRequestTopic
from kafka.protocol.offset_for_leader_epoch import OffsetForLeaderEpochRequest, OffsetForLeaderPartition, OffsetForLeaderTopic
from tests.conformance.peer import HastyPeer, Peer, now_ms, offset_of, offsets_request
from tests.conformance.scenarios_groups import commit, committed, heartbeat, join_request
from tests.conformance.scenarios_topics import create, topic
from tests.conformance.scenarios_transactions import TRANSACTIONAL, Owner, end
from tests.conformance.script import Seen, scenario
from tests.testing.wire import batch, outcome, produce


def other_than(peer: Peer, node_id: int) -> str:
    """The address of another broker."""
    return next(address for number, address in sorted(peer.brokers().items()) if number != node_id)


def who_knows(peer: Peer, name: str) -> Peer:
    """The same, once its broker has heard of a new topic."""
    peer.settled(offsets_request(name, 0), lambda answer: offset_of(answer).error_code, not_yet={3, 5})
    return peer


@scenario(brokers=3)
def partitions_that_others_lead(peer: Peer) -> Iterator[Seen]:
    name = peer.new_topic(partitions=3)
    leader = peer.leader(name, 0)
    follower = who_knows(peer.at(other_than(peer, leader)), name)
    records = batch([b"a"], at_ms=now_ms())
    yield "three leaders", len({peer.leader(name, partition) for partition in range(3)})
    yield "produce", follower.produce(name, records)
    yield "produce to the leader", peer.at(peer.brokers()[leader]).produce(name, records)
    yield "fetch", follower.fetch(name)
    yield "offsets", follower.offset(name, -1)
    asked = OffsetForLeaderPartition(partition=0, leader_epoch=0)
    ended = follower.ask(OffsetForLeaderEpochRequest(topics=[OffsetForLeaderTopic(topic=name, partitions=[asked])]))
    yield "the end of an epoch", ended.topics[0].partitions[0].error_code
    wanted = FetchTopic(topic=name, partitions=[FetchPartition(partition=0, partition_max_bytes=1000)])
    fetch = FetchRequest(max_wait_ms=1, min_bytes=1, topics=[wanted])
    told = follower.ask(fetch).responses[0].partitions[0].current_leader
    yield "fetch tells who leads", [told.leader_id == leader, told.leader_epoch]


@scenario(brokers=3, since="4.0")
def leaders_that_are_told(peer: Peer) -> Iterator[Seen]:
    """KIP-951."""
    name = peer.new_topic()
    leader = peer.leader(name, 0)
    follower = who_knows(peer.at(other_than(peer, leader)), name)
    answer = follower.ask(produce(batch([b"a"], at_ms=now_ms()), topic=name), 10)
    told = outcome(answer).current_leader
    yield "produce", [outcome(answer).error_code, told.leader_id == leader, told.leader_epoch]
    yield "where that is", [f"{node.host}:{node.port}" == peer.brokers()[leader] for node in answer.node_endpoints]


@scenario(brokers=3)
def replicas(peer: Peer) -> Iterator[Seen]:
    name = peer.new_name()
    yield "three", create(peer.controller(), topic(name, 2, 3))
    request = MetadataRequest(topics=[MetadataRequestTopic(name=name)], allow_auto_topic_creation=False)

    def found() -> Any:
        return peer.ask(request).topics[0].partitions

    while len(found()) < 2 or any(len(one.isr_nodes) < 3 for one in found()):
        pass
    yield "of each partition", sorted([len(one.replica_nodes), len(one.isr_nodes), one.leader_id == one.replica_nodes[0]] for one in found())
    yield "four", create(peer.controller(), topic(peer.new_name(), 1, 4))


@scenario(brokers=3)
def administration_by_any_broker(peer: Peer) -> Iterator[Seen]:
    controller = peer.ask(MetadataRequest(topics=[])).controller_id
    other = peer.at(other_than(peer, controller))
    yield "create", create(other, topic(peer.new_name()))[0][0]


@scenario(brokers=3)
def groups_that_others_coordinate(peer: Peer) -> Iterator[Seen]:
    name, group = peer.new_topic(), peer.new_name("group")
    found = peer.settled(FindCoordinatorRequest(key=group), lambda one: one.error_code)
    asked_of_other = peer.at(other_than(peer, found.node_id)).settled(FindCoordinatorRequest(key=group), lambda one: one.error_code)
    yield "all know who does", asked_of_other.node_id == found.node_id
    with HastyPeer(other_than(peer, found.node_id)) as other:
        yield "join", other.ask(join_request(group)).error_code
        yield "heartbeat", heartbeat(other, group, 1, "x")
        yield "offsets", committed(other, group, name)
        yield "offsets, in version 1", committed(other, group, name, version=1)
        yield "commit", commit(other, group, name, 1)


@scenario(brokers=3)
def transactions_that_others_coordinate(peer: Peer) -> Iterator[Seen]:
    name = peer.new_name("txn")
    found = peer.settled(FindCoordinatorRequest(key=name, key_type=TRANSACTIONAL), lambda one: one.error_code)
    with HastyPeer(other_than(peer, found.node_id)) as other:
        yield "a producer's id", other.ask(InitProducerIdRequest(transactional_id=name, transaction_timeout_ms=1000)).error_code
        yield "an end", end(other, Owner(name, 1, 0), True).error_code
