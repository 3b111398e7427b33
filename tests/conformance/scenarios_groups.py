"""Consumer groups by the classic protocol, and committed offsets."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from kafka.protocol.delete_groups import DeleteGroupsRequest
from kafka.protocol.describe_groups import DescribeGroupsRequest
from kafka.protocol.find_coordinator import FindCoordinatorRequest
from kafka.protocol.heartbeat import HeartbeatRequest
from kafka.protocol.join_group import JoinGroupRequest, JoinGroupRequestProtocol
from kafka.protocol.leave_group import LeaveGroupRequest, MemberIdentity
from kafka.protocol.list_groups import ListGroupsRequest
from kafka.protocol.offset_commit import OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic
from kafka.protocol.offset_fetch import OffsetFetchRequest, OffsetFetchRequestTopic
from kafka.protocol.sync_group import SyncGroupRequest, SyncGroupRequestAssignment
from tests.conformance.peer import DEFAULT_VERSIONS, Peer
from tests.conformance.script import Seen, scenario
from tests.testing.wire import RawClient, frame_of, response_in

SESSION_MS, REBALANCE_MS = 10_000, 20_000
MEMBER_ID_REQUIRED = 79


def new_group(peer: Peer) -> str:
    """A group whose coordinator has loaded what it knows of it; heartbeats are no sign of that, they are answered without an error meanwhile."""
    group = peer.new_name("group")
    peer.settled(FindCoordinatorRequest(key=group), lambda answer: answer.error_code)
    peer.settled(DescribeGroupsRequest(groups=[group]), lambda answer: answer.groups[0].error_code)
    return group


def subscription(name: str) -> bytes:
    """What a consumer says of itself: version 0, no topics, and data of its own. Kafka 2.8 never answers where it cannot read that."""
    return struct.pack(">hii", 0, 0, len(name)) + name.encode()


def join_request(
    group: str, member: str = "", *, protocols: tuple[str, ...] = ("range",), kind: str = "consumer", session_ms: int = SESSION_MS
) -> JoinGroupRequest:
    return JoinGroupRequest(
        group_id=group,
        session_timeout_ms=session_ms,
        rebalance_timeout_ms=REBALANCE_MS,
        member_id=member,
        protocol_type=kind,
        protocols=[JoinGroupRequestProtocol(name=name, metadata=subscription(name)) for name in protocols],
    )


def new_member(peer: Peer, group: str, **options: Any) -> str:
    """An id that the coordinator has given (KIP-394)."""
    answer = peer.ask(join_request(group, **options))
    assert answer.error_code == MEMBER_ID_REQUIRED, answer
    member: str = answer.member_id
    return member


def ask_later(client: RawClient, request: Any) -> None:
    client.send(frame_of(request, DEFAULT_VERSIONS[request.API_KEY]))


def answer_of(client: RawClient, request: Any) -> Any:
    frame = client.frame()
    assert frame is not None
    return response_in(request, DEFAULT_VERSIONS[request.API_KEY], frame)


def sync_request(group: str, generation: int, member: str, assigned: dict[str, bytes] | None = None) -> SyncGroupRequest:
    return SyncGroupRequest(
        group_id=group,
        generation_id=generation,
        member_id=member,
        protocol_type="consumer",
        protocol_name="range",
        assignments=[SyncGroupRequestAssignment(member_id=name, assignment=what) for name, what in (assigned or {}).items()],
    )


def heartbeat(peer: Peer, group: str, generation: int, member: str) -> int:
    code: int = peer.ask(HeartbeatRequest(group_id=group, generation_id=generation, member_id=member)).error_code
    return code


def leave(peer: Peer, group: str, *members: str) -> list[Any]:
    answer = peer.ask(LeaveGroupRequest(group_id=group, members=[MemberIdentity(member_id=member) for member in members]))
    return [answer.error_code, [member.error_code for member in answer.members]]


def described(peer: Peer, group: str) -> list[Any]:
    (found,) = peer.ask(DescribeGroupsRequest(groups=[group])).groups
    members = sorted([member.member_metadata[10:].decode(), member.member_assignment.decode()] for member in found.members)
    return [found.error_code, found.group_state, found.protocol_type, found.protocol_data, members]


def commit(
    peer: Peer,
    group: str,
    topic: str,
    offset: int,
    *,
    generation: int = -1,
    member: str = "",
    partition: int = 0,
    metadata: str | None = "m",
) -> int:
    """The code of the one partition."""
    asked = OffsetCommitRequestPartition(partition_index=partition, committed_offset=offset, committed_metadata=metadata)
    request = OffsetCommitRequest(
        group_id=group,
        generation_id_or_member_epoch=generation,
        member_id=member,
        topics=[OffsetCommitRequestTopic(name=topic, partitions=[asked])],
    )

    def code(answer: Any) -> int:
        found: int = answer.topics[0].partitions[0].error_code
        return found

    return code(peer.settled(request, code))


def committed(peer: Peer, group: str, topic: str | None, *partitions: int, version: int | None = None) -> list[Any]:
    """The code of all, and [[partition, its code, offset, metadata], ...]."""
    topics = None if topic is None else [OffsetFetchRequestTopic(name=topic, partition_indexes=list(partitions or (0,)))]
    answer = peer.ask(OffsetFetchRequest(group_id=group, topics=topics), version)
    found = [[one.partition_index, one.error_code, one.committed_offset, one.metadata] for of in answer.topics for one in of.partitions]
    return [answer.error_code, sorted(found)]


@scenario()
def coordinators_of_groups(peer: Peer) -> Iterator[Seen]:
    answer = peer.settled(FindCoordinatorRequest(key=peer.new_name("group")), lambda one: one.error_code)
    yield "one", [answer.error_code, f"{answer.host}:{answer.port}" == peer.address]


@scenario(since="3.0")
def coordinators_of_several_groups(peer: Peer) -> Iterator[Seen]:
    found = peer.settled(FindCoordinatorRequest(coordinator_keys=["a", "b"]), lambda one: one.coordinators[0].error_code, 4)
    yield "both", [[one.key, one.error_code] for one in found.coordinators]


@scenario()
def a_group_of_one(peer: Peer) -> Iterator[Seen]:
    group = new_group(peer)
    first = peer.ask(join_request(group))
    yield "without an id", [first.error_code, first.generation_id, bool(first.member_id), first.leader]
    me = first.member_id
    yield "a stranger", peer.ask(join_request(group, "stranger")).error_code
    joined = peer.ask(join_request(group, me))
    yield "with the id", [joined.error_code, joined.generation_id, joined.protocol_type, joined.protocol_name]
    yield "who that is", [joined.leader == me, joined.member_id == me]
    yield "members", [[member.member_id == me, member.metadata[10:].decode()] for member in joined.members]
    yield "before sync", [heartbeat(peer, group, 1, me), described(peer, group)]
    synced = peer.ask(sync_request(group, 1, me, {me: b"all of it"}))
    yield "sync", [synced.error_code, synced.protocol_type, synced.protocol_name, synced.assignment.decode()]
    yield "sync again", [peer.ask(sync_request(group, 1, me)).error_code, peer.ask(sync_request(group, 1, me)).assignment.decode()]
    yield "heartbeats: in order", heartbeat(peer, group, 1, me)
    yield "heartbeats: another generation", heartbeat(peer, group, 2, me)
    yield "heartbeats: a stranger", heartbeat(peer, group, 1, "stranger")
    yield "sync of another generation", peer.ask(sync_request(group, 7, me)).error_code
    yield "sync of a stranger", peer.ask(sync_request(group, 1, "stranger")).error_code
    yield "described", described(peer, group)
    yield "listed", [[one.protocol_type, one.group_state] for one in peer.ask(ListGroupsRequest()).groups if one.group_id == group]
    yield "leaves", leave(peer, group, me)
    yield "leaves again", leave(peer, group, me)
    yield "then", [heartbeat(peer, group, 1, me), described(peer, group)]


@scenario()
def a_second_member_makes_a_rebalance(peer: Peer) -> Iterator[Seen]:
    group = new_group(peer)
    first = new_member(peer, group)
    peer.ask(join_request(group, first))
    peer.ask(sync_request(group, 1, first, {first: b"all"}))
    second = new_member(peer, group)
    yield "an id alone changes nothing", heartbeat(peer, group, 1, first)
    with peer.connect() as other:
        request = join_request(group, second)
        ask_later(other, request)
        code = heartbeat(peer, group, 1, first)
        while code == 0:  # the request of the other connection is on its way
            code = heartbeat(peer, group, 1, first)
        yield "the first one's heartbeat", code
        yield "its sync", peer.ask(sync_request(group, 1, first)).error_code
        yield "its commit", commit(peer, group, peer.new_topic(), 3, generation=1, member=first)
        again = peer.ask(join_request(group, first))
        joined = answer_of(other, request)
        yield "the first one joins again", [again.error_code, again.generation_id, again.leader == first, len(again.members)]
        yield "the second one", [joined.error_code, joined.generation_id, joined.leader == first, len(joined.members)]
        waiting = sync_request(group, 2, second)
        ask_later(other, waiting)
        yield "the leader's sync", peer.ask(sync_request(group, 2, first, {first: b"half", second: b"other half"})).assignment.decode()
        yield "the other one's", answer_of(other, waiting).assignment.decode()
    yield "the second one leaves", leave(peer, group, second)
    yield "the first one's heartbeat, then", heartbeat(peer, group, 2, first)
    alone = peer.ask(join_request(group, first))
    yield "alone again", [alone.error_code, alone.generation_id, len(alone.members)]


@scenario()
def groups_that_one_may_not_join(peer: Peer) -> Iterator[Seen]:
    group = new_group(peer)
    me = new_member(peer, group, protocols=("range", "roundrobin"))
    peer.ask(join_request(group, me, protocols=("range", "roundrobin")))
    yield "another kind", peer.ask(join_request(group, kind="connect")).error_code
    yield "no protocol in common", peer.ask(join_request(group, protocols=("sticky",))).error_code
    yield "no protocol at all", peer.ask(join_request(group, protocols=())).error_code
    yield "no name", peer.ask(join_request("")).error_code
    yield "a session that is too short", peer.ask(join_request(group, session_ms=10)).error_code
    yield "a session that is too long", peer.ask(join_request(group, session_ms=10_000_000)).error_code
    leave(peer, group, me)


@scenario()
def groups_that_are_deleted(peer: Peer) -> Iterator[Seen]:
    topic, empty, full = peer.new_topic(), new_group(peer), new_group(peer)
    commit(peer, empty, topic, 3)
    me = new_member(peer, full)
    peer.ask(join_request(full, me))
    answer = peer.ask(DeleteGroupsRequest(groups_names=[empty, full, peer.new_name("nobody")]), 2)
    yield "empty, full, none", sorted(one.error_code for one in answer.results)
    yield "what it had committed", committed(peer, empty, topic)
    leave(peer, full, me)


@scenario()
def members_with_names_of_their_own(peer: Peer) -> Iterator[Seen]:
    """KIP-345."""
    group = new_group(peer)

    def named(member: str = "") -> JoinGroupRequest:
        request = join_request(group, member)
        request.group_instance_id = "i-1"
        return request

    first = peer.ask(named())
    yield "it needs no id", [first.error_code, first.generation_id, bool(first.member_id)]
    old = first.member_id
    peer.ask(sync_request(group, 1, old, {old: b"all"}))
    again = peer.ask(named())
    yield "it comes back", [again.error_code, again.generation_id, again.member_id != old]
    new = again.member_id

    def beat(member: str) -> int:
        request = HeartbeatRequest(group_id=group, generation_id=again.generation_id, member_id=member, group_instance_id="i-1")
        code: int = peer.ask(request).error_code
        return code

    yield "who it was is fenced", [beat(old), peer.ask(named(old)).error_code]
    yield "who it is now is not", beat(new)
    gone = peer.ask(LeaveGroupRequest(group_id=group, members=[MemberIdentity(member_id="", group_instance_id="i-1")]))
    yield "it is removed by name", [gone.error_code, [[member.group_instance_id, member.error_code] for member in gone.members]]


@scenario()
def offsets_that_are_committed(peer: Peer) -> Iterator[Seen]:
    topic, group = peer.new_topic(partitions=3), new_group(peer)
    yield "nothing yet", committed(peer, group, topic, 0, 1)
    yield "without members", commit(peer, group, topic, 7)
    yield "another partition", commit(peer, group, topic, 0, partition=2, metadata=None)
    yield "then", committed(peer, group, topic, 0, 1, 2)
    yield "all of them", committed(peer, group, None)
    yield "over it", [commit(peer, group, topic, 5), committed(peer, group, topic)]
    yield "no such topic", commit(peer, group, peer.new_name(), 1)
    yield "no such partition", commit(peer, group, topic, 1, partition=9)
    yield "asked of no such partition", committed(peer, group, topic, 9)
    yield "metadata that is too long", commit(peer, group, topic, 1, metadata="x" * 5000)
    yield "of a member that is none", commit(peer, group, topic, 1, member="stranger", generation=1)
    yield "of a generation without a member", commit(peer, group, topic, 1, generation=4)
    me = new_member(peer, group)
    peer.ask(join_request(group, me))
    yield "before the sync", commit(peer, group, topic, 1, generation=1, member=me)
    peer.ask(sync_request(group, 1, me, {me: b""}))
    yield "of a member", commit(peer, group, topic, 11, generation=1, member=me)
    yield "of another generation", commit(peer, group, topic, 12, generation=5, member=me)
    yield "without members, while there are", commit(peer, group, topic, 13)
    yield "in the end", committed(peer, group, topic)
    leave(peer, group, me)
