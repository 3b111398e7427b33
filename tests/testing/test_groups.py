"""Consumer groups: joining, assignments, rebalances, sessions, offsets, and what transactions do to these."""

from __future__ import annotations

import itertools
import threading
import time
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition

from kafka.protocol.add_offsets_to_txn import AddOffsetsToTxnRequest
from kafka.protocol.delete_groups import DeleteGroupsRequest
from kafka.protocol.describe_groups import DescribeGroupsRequest
from kafka.protocol.find_coordinator import FindCoordinatorRequest
from kafka.protocol.heartbeat import HeartbeatRequest
from kafka.protocol.join_group import JoinGroupRequest, JoinGroupRequestProtocol
from kafka.protocol.leave_group import LeaveGroupRequest, MemberIdentity
from kafka.protocol.list_groups import ListGroupsRequest
from kafka.protocol.offset_commit import OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic
from kafka.protocol.offset_fetch import OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics
from kafka.protocol.offset_for_leader_epoch import OffsetForLeaderEpochRequest, OffsetForLeaderPartition, OffsetForLeaderTopic
from kafka.protocol.sync_group import SyncGroupRequest, SyncGroupRequestAssignment
from kafka.protocol.txn_offset_commit import TxnOffsetCommitRequest, TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic
from kafka.testing import KafkaCluster
from kafka.testing.clock import VirtualClock
from kafka.testing.cluster import Cluster
from kafka.testing.connection import ServerConnection
from kafka.testing.groups import TRANSITIONS, Group, GroupState
from tests.testing.test_broker import Sent, deliver
from tests.testing.test_transactions import Writer, transactional
from tests.testing.wire import answer, ask, batch, produce

UNKNOWN_TOPIC, METADATA_TOO_LARGE, NOT_COORDINATOR = 3, 12, 16
ILLEGAL_GENERATION, INCONSISTENT_PROTOCOL, INVALID_GROUP, UNKNOWN_MEMBER, INVALID_SESSION, REBALANCE = 22, 23, 24, 25, 26, 27
STALE_EPOCH, INVALID_TXN_STATE, NOT_EMPTY, NOT_FOUND, ID_REQUIRED, FENCED_INSTANCE, UNSTABLE, ABORTABLE = 47, 48, 68, 69, 79, 82, 88, 120


class Someone:
    """A member of group g, or somebody who would like to be one; each has a connection of its own."""

    def __init__(self, cluster: Cluster, name: str, *, instance_id: str | None = None, session_ms: int = 10_000, rebalance_ms: int = 60_000) -> None:
        self.connection = ServerConnection(cluster, cluster.nodes[1])
        self.name = name
        self.instance_id = instance_id
        self.session_ms, self.rebalance_ms = session_ms, rebalance_ms
        self.protocols = [("range", name.encode())]
        self.member_id = ""
        self.generation = -1
        self.joined: Any = None

    def joining(self) -> JoinGroupRequest:
        return JoinGroupRequest(
            group_id="g",
            session_timeout_ms=self.session_ms,
            rebalance_timeout_ms=self.rebalance_ms,
            member_id=self.member_id,
            group_instance_id=self.instance_id,
            protocol_type="consumer",
            protocols=[JoinGroupRequestProtocol(name=name, metadata=metadata) for name, metadata in self.protocols],
        )

    def join(self, version: int = 7) -> int | None:
        """The error code, None while there is no answer."""
        return self._took(ask(self.connection, self.joining(), version), version)

    def look(self, version: int = 7) -> int | None:
        """The answer to join(), if there is one now."""
        self.connection.look_again()
        return self._took(answer(self.connection, self.joining(), version), version)

    def _took(self, answered: Any, version: int) -> int | None:
        if answered is None:
            return None
        self.joined = answered
        self.member_id = answered.member_id or self.member_id
        if answered.error_code == ID_REQUIRED:
            return self.join(version)
        self.generation = answered.generation_id
        return int(answered.error_code)

    def syncing(self, **assignments: bytes) -> SyncGroupRequest:
        return SyncGroupRequest(
            group_id="g",
            generation_id=self.generation,
            member_id=self.member_id,
            group_instance_id=self.instance_id,
            assignments=[SyncGroupRequestAssignment(member_id=member_id, assignment=data) for member_id, data in assignments.items()],
        )

    def sync(self, assignments: dict[str, bytes] | None = None, version: int = 4) -> Any:
        return ask(self.connection, self.syncing(**(assignments or {})), version)

    def synced(self, version: int = 4) -> Any:
        self.connection.look_again()
        return answer(self.connection, self.syncing(), version)

    def beat(self) -> int:
        request = HeartbeatRequest(group_id="g", generation_id=self.generation, member_id=self.member_id, group_instance_id=self.instance_id)
        return int(ask(self.connection, request, 4).error_code)

    def leave(self) -> int:
        members = [MemberIdentity(member_id=self.member_id, group_instance_id=self.instance_id)]
        response = ask(self.connection, LeaveGroupRequest(group_id="g", members=members), 4)
        return int(response.error_code or response.members[0].error_code)

    @property
    def is_leader(self) -> bool:
        return bool(self.joined.leader == self.member_id)


def gather(*members: Someone) -> None:
    """One generation with all of these, who come one after the other."""
    for count in range(1, len(members) + 1):
        present = members[count - 1 :: -1]
        codes = [member.join() for member in present]
        codes = [member.look() if code is None else code for code, member in zip(codes, present)]
        assert codes == [0] * count
    assert len({member.generation for member in members}) == 1


def form(*members: Someone) -> None:
    """As gather(), and each has its name for an assignment."""
    gather(*members)
    (leader,) = (member for member in members if member.is_leader)
    leader.sync({member.member_id: member.name.encode() for member in members})
    for member in members:
        if member is not leader:
            member.sync()


def state(cluster: Cluster) -> GroupState:
    found = cluster.groups.find("g")
    assert found is not None
    return found.state


# --- rebalances -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", range(10))
def test_every_version_joins_an_empty_group_alone(cluster: Cluster, version: int) -> None:
    someone = Someone(cluster, "a")
    assert someone.join(version) == 0
    assert (someone.generation, someone.is_leader, someone.joined.protocol_name) == (1, True, "range")
    assert [(member.member_id, member.metadata) for member in someone.joined.members] == [(someone.member_id, b"a")]
    assert someone.member_id.startswith("tests-")


@pytest.mark.parametrize(("version", "code"), [(3, 0), (4, ID_REQUIRED)])
def test_a_new_member_gets_its_id_first_from_version_4_on(cluster: Cluster, version: int, code: int) -> None:
    answered = ask(ServerConnection(cluster, cluster.nodes[1]), Someone(cluster, "a").joining(), version)
    assert (answered.error_code, bool(answered.member_id)) == (code, True)


@pytest.mark.parametrize("version", range(6))
def test_every_version_gets_the_leaders_assignment(cluster: Cluster, version: int) -> None:
    someone = Someone(cluster, "a")
    someone.join()
    answered = someone.sync({someone.member_id: b"mine"}, version)
    assert (answered.error_code, answered.assignment) == (0, b"mine")
    assert state(cluster) is GroupState.STABLE


def test_two_members_share_after_a_rebalance(cluster: Cluster) -> None:
    first, second = Someone(cluster, "a"), Someone(cluster, "b")
    first.join()
    first.sync({first.member_id: b"everything"})
    assert first.beat() == 0

    assert second.join() is None
    assert state(cluster) is GroupState.PREPARING_REBALANCE
    assert first.beat() == REBALANCE
    assert first.join() == 0
    assert second.look() == 0
    assert (first.generation, second.generation, second.is_leader, second.joined.members) == (2, 2, False, [])
    assert [member.metadata for member in first.joined.members] == [b"a", b"b"]

    assert second.sync() is None
    assert first.sync({first.member_id: b"half", second.member_id: b"other half"}).assignment == b"half"
    assert second.synced().assignment == b"other half"
    assert (first.beat(), second.beat()) == (0, 0)


def test_a_member_that_leaves_makes_the_others_join_anew(cluster: Cluster) -> None:
    first, second = Someone(cluster, "a"), Someone(cluster, "b")
    form(first, second)
    assert first.leave() == 0
    assert second.beat() == REBALANCE
    assert second.join() == 0
    assert second.is_leader
    assert first.beat() == UNKNOWN_MEMBER
    assert first.leave() == UNKNOWN_MEMBER


def test_the_last_member_leaves_an_empty_group(cluster: Cluster) -> None:
    someone = Someone(cluster, "a")
    form(someone)
    someone.leave()
    assert state(cluster) is GroupState.EMPTY
    assert someone.beat() == UNKNOWN_MEMBER
    form(Someone(cluster, "b"))


def test_a_member_that_is_silent_is_put_out_when_its_session_ends(cluster: Cluster, clock: VirtualClock) -> None:
    silent, alive = Someone(cluster, "a", session_ms=10_000), Someone(cluster, "b", session_ms=30_000)
    form(silent, alive)
    clock.advance(9.9)
    assert alive.beat() == 0
    clock.advance(0.2)
    assert alive.beat() == REBALANCE
    assert alive.join() == 0
    assert [member.metadata for member in alive.joined.members] == [b"b"]
    assert silent.beat() == UNKNOWN_MEMBER


def test_heartbeats_keep_a_session_alive(cluster: Cluster, clock: VirtualClock) -> None:
    someone = Someone(cluster, "a", session_ms=10_000)
    form(someone)
    for _ in range(5):
        clock.advance(9)
        assert someone.beat() == 0


def test_a_rebalance_goes_on_without_who_does_not_come(cluster: Cluster, clock: VirtualClock) -> None:
    late = Someone(cluster, "a", session_ms=1_000_000, rebalance_ms=20_000)
    form(late)
    other = Someone(cluster, "b", rebalance_ms=5_000)
    assert other.join() is None
    clock.advance(19.9)
    assert other.look() is None
    clock.advance(0.2)
    assert other.look() == 0
    assert other.is_leader
    assert late.join() == UNKNOWN_MEMBER


def test_an_answer_that_is_held_back_is_due_when_the_group_goes_on(cluster: Cluster, clock: VirtualClock) -> None:
    form(Someone(cluster, "a", session_ms=1_000_000, rebalance_ms=20_000))
    other = Someone(cluster, "b", rebalance_ms=5_000)
    assert other.join() is None
    assert other.connection.deadline_s == clock.monotonic() + 20
    clock.advance(20)
    assert other.look() == 0


def test_a_leader_that_gives_no_assignments_is_put_out(cluster: Cluster, clock: VirtualClock) -> None:
    leader, follower = Someone(cluster, "a", session_ms=1_000_000), Someone(cluster, "b", session_ms=1_000_000)
    leader.join()
    follower.join()
    leader.join()
    assert follower.look() == 0
    assert follower.sync() is None
    clock.advance(60.1)
    assert follower.synced().error_code == REBALANCE
    assert follower.join() == 0
    assert follower.is_leader
    assert leader.beat() == UNKNOWN_MEMBER


def test_who_comes_again_in_a_stable_group_changes_nothing_unless_it_leads_or_has_changed(cluster: Cluster) -> None:
    leader, follower = Someone(cluster, "a"), Someone(cluster, "b")
    form(leader, follower)
    generation = follower.generation
    assert follower.join() == 0
    assert (follower.generation, state(cluster)) == (generation, GroupState.STABLE)

    follower.protocols = [("range", b"other topics")]
    assert follower.join() is None
    assert leader.join() == 0
    assert follower.look() == 0
    assert follower.generation == generation + 1
    leader.sync()
    assert leader.join() is None


def test_the_protocol_is_the_one_that_all_have_and_most_like_best(cluster: Cluster) -> None:
    members = [Someone(cluster, name) for name in "abc"]
    for member, names in zip(members, (["x", "range", "sticky"], ["sticky", "range"], ["sticky", "range", "y"])):
        member.protocols = [(name, name.encode()) for name in names]
    gather(*members)
    assert {member.joined.protocol_name for member in members} == {"sticky"}
    (leader,) = (member for member in members if member.is_leader)
    assert [member.metadata for member in leader.joined.members] == [b"sticky"] * 3


@pytest.mark.parametrize("protocols", [[], [("sticky", b"")]])
def test_a_member_without_a_protocol_of_the_groups_is_refused(cluster: Cluster, protocols: list[tuple[str, bytes]]) -> None:
    form(Someone(cluster, "a"))
    stranger = Someone(cluster, "b")
    stranger.protocols = protocols
    assert stranger.join() == INCONSISTENT_PROTOCOL


@pytest.mark.parametrize(("session_ms", "code"), [(5_999, INVALID_SESSION), (6_000, 0), (1_800_000, 0), (1_800_001, INVALID_SESSION)])
def test_sessions_are_neither_too_short_nor_too_long(cluster: Cluster, session_ms: int, code: int) -> None:
    assert Someone(cluster, "a", session_ms=session_ms).join() == code


def test_what_is_of_another_generation_is_refused(cluster: Cluster) -> None:
    someone = Someone(cluster, "a")
    form(someone)
    someone.generation += 1
    assert (someone.beat(), someone.sync().error_code) == (ILLEGAL_GENERATION, ILLEGAL_GENERATION)


def test_a_member_that_nobody_knows_is_refused(cluster: Cluster) -> None:
    stranger = Someone(cluster, "a")
    stranger.member_id = "unheard-of"
    assert (stranger.join(), stranger.beat(), stranger.sync().error_code, stranger.leave()) == (UNKNOWN_MEMBER,) * 4
    form(Someone(cluster, "b"))
    assert (stranger.join(), stranger.beat(), stranger.sync().error_code, stranger.leave()) == (UNKNOWN_MEMBER,) * 4


def test_sync_wants_the_groups_protocol(cluster: Cluster) -> None:
    someone = Someone(cluster, "a")
    someone.join()
    request = someone.syncing()
    request.protocol_type, request.protocol_name = "consumer", "sticky"
    assert ask(someone.connection, request, 5).error_code == INCONSISTENT_PROTOCOL


def test_every_pair_of_states_is_in_the_table_or_refused(clock: VirtualClock) -> None:
    for before, after in itertools.product(GroupState, GroupState):
        group = Group("g", clock)
        group.state = before
        if after in TRANSITIONS[before]:
            group.change(after)
            assert group.state is after
        else:
            with pytest.raises(RuntimeError, match="cannot go"):
                group.change(after)
            assert group.state is before


# --- static members ---------------------------------------------------------------------------------------------------


def test_a_static_member_that_comes_back_takes_its_place_without_a_rebalance(cluster: Cluster) -> None:
    leader, follower = Someone(cluster, "a", instance_id="one"), Someone(cluster, "b", instance_id="two")
    form(leader, follower)
    again = Someone(cluster, "b", instance_id="two")
    assert again.join() == 0
    assert (again.generation, state(cluster)) == (follower.generation, GroupState.STABLE)
    assert again.sync().assignment == b"b"
    assert follower.beat() == FENCED_INSTANCE
    assert (again.beat(), leader.beat()) == (0, 0)


@pytest.mark.parametrize("version", [8, 9])
def test_a_leader_that_comes_back_assigns_nothing(cluster: Cluster, version: int) -> None:
    leader = Someone(cluster, "a", instance_id="one")
    form(leader)
    again = Someone(cluster, "a", instance_id="one")
    assert again.join(version) == 0
    assert (again.is_leader, again.joined.skip_assignment) == (version == 9, version == 9)
    assert again.sync().assignment == b"a"


def test_a_static_member_may_be_sent_away_by_its_instance(cluster: Cluster) -> None:
    form(Someone(cluster, "a", instance_id="one"))
    sender = Someone(cluster, "admin", instance_id="one")
    assert sender.leave() == 0
    assert sender.leave() == UNKNOWN_MEMBER
    assert state(cluster) is GroupState.EMPTY


def test_a_static_member_is_waited_for_until_its_session_ends(cluster: Cluster, clock: VirtualClock) -> None:
    away = Someone(cluster, "a", instance_id="one", session_ms=100_000, rebalance_ms=20_000)
    form(away)
    other = Someone(cluster, "b", session_ms=1_000_000, rebalance_ms=20_000)
    assert other.join() is None
    clock.advance(20.1)
    assert other.look() == 0
    found = cluster.groups.find("g")
    assert found is not None
    assert len(found.members) == 2


# --- describing -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", range(7))
def test_every_version_describes_groups(cluster: Cluster, version: int) -> None:
    someone = Someone(cluster, "a")
    form(someone)
    found, none = ask(someone.connection, DescribeGroupsRequest(groups=["g", "none"]), version).groups
    assert (found.group_state, found.protocol_type, found.protocol_data) == ("Stable", "consumer", "range")
    (member,) = found.members
    assert (member.member_id, member.client_id, member.member_metadata, member.member_assignment) == (someone.member_id, "tests", b"a", b"a")
    assert (none.group_state, none.error_code) == ("Dead", NOT_FOUND if version == 6 else 0)


@pytest.mark.parametrize("version", range(6))
def test_every_version_lists_groups(cluster: Cluster, version: int) -> None:
    someone = Someone(cluster, "a")
    form(someone)
    request = ListGroupsRequest(states_filter=["Stable"] if version >= 4 else [], types_filter=["classic"] if version >= 5 else [])
    assert [(found.group_id, found.protocol_type) for found in ask(someone.connection, request, version).groups] == [("g", "consumer")]


@pytest.mark.parametrize(("states", "types"), [(["Empty"], []), ([], ["consumer"])])
def test_groups_are_listed_by_state_and_type(cluster: Cluster, states: list[str], types: list[str]) -> None:
    someone = Someone(cluster, "a")
    form(someone)
    assert ask(someone.connection, ListGroupsRequest(states_filter=states, types_filter=types), 5).groups == []


@pytest.mark.parametrize("version", range(4))
def test_every_version_deletes_groups_that_are_empty(cluster: Cluster, version: int) -> None:
    someone = Someone(cluster, "a")
    form(someone)
    commit(cluster, someone.connection, 5, member=someone)
    request = DeleteGroupsRequest(groups_names=["g", "none"])
    assert [found.error_code for found in ask(someone.connection, request, version).results] == [NOT_EMPTY, NOT_FOUND]
    someone.leave()
    assert [found.error_code for found in ask(someone.connection, request, version).results] == [0, NOT_FOUND]
    assert committed(someone.connection) == (-1, "", 0)


@pytest.mark.parametrize("version", range(7))
def test_every_version_finds_the_coordinator(clock: VirtualClock, version: int) -> None:
    cluster = Cluster(clock=clock, brokers=3)
    expected = cluster.coordinator_of("g")
    assert expected is not None
    answered = ask(ServerConnection(cluster, cluster.nodes[2]), FindCoordinatorRequest(key="g", coordinator_keys=["g"]), version)
    found = answered.coordinators[0] if version >= 4 else answered
    assert (found.error_code, found.node_id, found.host, found.port) == (0, expected.node_id, expected.host, expected.port)


def test_only_the_coordinator_answers_and_an_empty_id_is_none(clock: VirtualClock) -> None:
    cluster = Cluster(clock=clock, brokers=2)
    coordinator = cluster.coordinator_of("g")
    (other,) = (node for node in cluster.nodes.values() if node is not coordinator)
    elsewhere = Someone(cluster, "a")
    elsewhere.connection = ServerConnection(cluster, other)
    assert (elsewhere.join(), elsewhere.beat(), elsewhere.sync().error_code, elsewhere.leave()) == (NOT_COORDINATOR,) * 4
    assert ask(elsewhere.connection, HeartbeatRequest(group_id=""), 4).error_code == INVALID_GROUP


# --- offsets ----------------------------------------------------------------------------------------------------------


def commit(
    cluster: Cluster,
    connection: ServerConnection,
    offset: int,
    *,
    version: int = 8,
    member: Someone | None = None,
    partition: int = 0,
    metadata: str = "",
) -> int:
    asked = OffsetCommitRequestPartition(
        partition_index=partition, committed_offset=offset, committed_metadata=metadata, committed_leader_epoch=3 if version >= 6 else -1
    )
    topic_id = cluster.topics["t"].topic_id
    request = OffsetCommitRequest(
        group_id="g",
        generation_id_or_member_epoch=member.generation if member else -1,
        member_id=member.member_id if member else "",
        group_instance_id=member.instance_id if member else None,
        topics=[OffsetCommitRequestTopic(name="t", topic_id=topic_id, partitions=[asked])],
    )
    return int(ask(connection, request, version).topics[0].partitions[0].error_code)


def committed(connection: ServerConnection, version: int = 7, *, require_stable: bool = False) -> tuple[int, str, int]:
    """(offset, metadata, error code) of t-0."""
    request = OffsetFetchRequest(
        group_id="g", topics=[OffsetFetchRequestTopic(name="t", partition_indexes=[0])], require_stable=require_stable and version >= 7
    )
    found = ask(connection, request, version).topics[0].partitions[0]
    return found.committed_offset, found.metadata, found.error_code


@pytest.mark.parametrize("version", range(11))
def test_every_version_commits_an_offset(cluster: Cluster, connection: ServerConnection, version: int) -> None:
    assert commit(cluster, connection, 42, version=version, metadata="note") == 0
    assert committed(connection) == (42, "note", 0)


@pytest.mark.parametrize("version", range(8))
def test_every_version_reads_offsets(cluster: Cluster, connection: ServerConnection, version: int) -> None:
    assert committed(connection, version) == (-1, "", 0)
    commit(cluster, connection, 42)
    assert committed(connection, version) == (42, "", 0)
    if version >= 2:
        (topic,) = ask(connection, OffsetFetchRequest(group_id="g", topics=None), version).topics
        assert [(found.partition_index, found.committed_offset) for found in topic.partitions] == [(0, 42)]


@pytest.mark.parametrize("version", [8, 9, 10])
def test_several_groups_are_read_at_once(cluster: Cluster, connection: ServerConnection, version: int) -> None:
    commit(cluster, connection, 42)
    topic = cluster.topics["t"]
    asked = OffsetFetchRequestTopics(name="t", topic_id=topic.topic_id, partition_indexes=[0, 1])
    wanted = [OffsetFetchRequestGroup(group_id=group, topics=topics) for group, topics in (("g", [asked]), ("g", None), ("h", [asked]))]
    answered = ask(connection, OffsetFetchRequest(groups=wanted), version).groups
    offsets = [[found.committed_offset for found in group.topics[0].partitions] for group in answered]
    assert offsets == [[42, -1], [42], [-1, -1]]
    assert answered[0].topics[0].partitions[0].committed_leader_epoch == 3
    named = {(found.topic_id if version == 10 else found.name) for group in answered for found in group.topics}
    assert named == {topic.topic_id if version == 10 else "t"}


def test_members_commit_in_their_generation_and_others_only_where_there_are_none(cluster: Cluster, connection: ServerConnection) -> None:
    member = Someone(cluster, "a")
    form(member)
    assert commit(cluster, connection, 1) == UNKNOWN_MEMBER
    assert commit(cluster, connection, 2, member=member) == 0
    member.generation += 1
    assert commit(cluster, connection, 3, member=member) == ILLEGAL_GENERATION
    member.generation -= 1
    member.leave()
    assert commit(cluster, connection, 4, member=member) == UNKNOWN_MEMBER
    assert commit(cluster, connection, 5) == 0
    assert committed(connection) == (5, "", 0)


def test_nobody_commits_while_assignments_are_given_out(cluster: Cluster, connection: ServerConnection) -> None:
    member = Someone(cluster, "a")
    member.join()
    assert commit(cluster, connection, 1, member=member) == REBALANCE


def test_an_offset_of_what_does_not_exist_or_with_too_long_a_note_is_refused(cluster: Cluster, connection: ServerConnection) -> None:
    assert commit(cluster, connection, 1, partition=2) == UNKNOWN_TOPIC
    assert commit(cluster, connection, 1, metadata="x" * 4097) == METADATA_TOO_LARGE
    assert commit(cluster, connection, 1, metadata="x" * 4096) == 0


def test_a_topic_made_again_has_no_offsets(cluster: Cluster, connection: ServerConnection) -> None:
    commit(cluster, connection, 1)
    cluster.delete_topic("t")
    cluster.create_topic("t")
    assert committed(connection) == (-1, "", 0)


# --- offsets in transactions ------------------------------------------------------------------------------------------


def add_group(writer: Writer, version: int = 3) -> int:
    request = AddOffsetsToTxnRequest(
        transactional_id=writer.transactional_id, producer_id=writer.producer_id, producer_epoch=writer.epoch, group_id="g"
    )
    return int(ask(writer.connection, request, version).error_code)


def commit_in(writer: Writer, offset: int, version: int = 3, *, member: Someone | None = None) -> int:
    request = TxnOffsetCommitRequest(
        transactional_id=writer.transactional_id,
        group_id="g",
        producer_id=writer.producer_id,
        producer_epoch=writer.epoch,
        generation_id_or_member_epoch=member.generation if member else -1,
        member_id=member.member_id if member else "",
        topics=[
            TxnOffsetCommitRequestTopic(
                name="t",
                topic_id=writer.topic_id,
                partitions=[TxnOffsetCommitRequestPartition(partition_index=0, committed_offset=offset, committed_metadata="")],
            )
        ],
    )
    return int(ask(writer.connection, request, version).topics[0].partitions[0].error_code)


@pytest.fixture
def writer(cluster: Cluster, connection: ServerConnection) -> Writer:
    made = Writer(connection)
    made.topic_id = cluster.topics["t"].topic_id
    assert made.init() == 0
    return made


@pytest.mark.parametrize("version", range(5))
def test_offsets_of_a_transaction_are_committed_with_it(connection: ServerConnection, writer: Writer, version: int) -> None:
    assert add_group(writer, version) == 0
    assert commit_in(writer, 7, version) == 0
    assert committed(connection) == (-1, "", 0)
    assert committed(connection, require_stable=True) == (-1, "", UNSTABLE)
    assert writer.end(commit=True) == 0
    assert committed(connection, require_stable=True) == (7, "", 0)

    add_group(writer, version)
    commit_in(writer, 8, version)
    writer.end(commit=False)
    assert committed(connection, require_stable=True) == (7, "", 0)


@pytest.mark.parametrize("version", [5, 6])
def test_a_group_joins_a_transaction_by_its_offsets(connection: ServerConnection, writer: Writer, version: int) -> None:
    assert commit_in(writer, 7, version) == 0
    assert writer.end(5, commit=True) == 0
    assert committed(connection) == (7, "", 0)


@pytest.mark.parametrize(("version", "code"), [(3, INVALID_TXN_STATE), (4, ABORTABLE)])
def test_offsets_of_a_group_that_is_not_in_the_transaction_are_refused(writer: Writer, version: int, code: int) -> None:
    assert commit_in(writer, 7, version) == code


def test_members_are_checked_in_transactions_too(cluster: Cluster, writer: Writer) -> None:
    member = Someone(cluster, "a")
    form(member)
    add_group(writer)
    assert commit_in(writer, 1, member=member) == 0
    member.generation += 1
    assert commit_in(writer, 1, member=member) == ILLEGAL_GENERATION
    member.member_id = "other"
    assert commit_in(writer, 1, member=member) == UNKNOWN_MEMBER


def test_a_fenced_producer_commits_no_offsets(connection: ServerConnection, writer: Writer) -> None:
    add_group(writer)
    successor = Writer(connection)
    successor.init()
    assert commit_in(writer, 1) == STALE_EPOCH


@pytest.mark.parametrize("version", range(5))
def test_every_version_tells_where_an_epoch_ended(clock: VirtualClock, version: int) -> None:
    cluster = Cluster(clock=clock, brokers=2)
    cluster.create_topic("t")
    ask(ServerConnection(cluster, cluster.nodes[1]), produce(batch([b"a"] * 3)), 9)
    cluster.move_leader("t", 0)
    ask(ServerConnection(cluster, cluster.nodes[2]), produce(batch([b"b"])), 9)

    def end(epoch: int) -> tuple[int, int]:
        asked = OffsetForLeaderTopic(topic="t", partitions=[OffsetForLeaderPartition(partition=0, leader_epoch=epoch)])
        (found,) = ask(ServerConnection(cluster, cluster.nodes[2]), OffsetForLeaderEpochRequest(topics=[asked]), version).topics[0].partitions
        return found.leader_epoch if version else epoch, found.end_offset

    assert (end(0), end(1)) == ((0, 3), (1, 4))
    assert end(2)[1] == -1


# --- librdkafka -------------------------------------------------------------------------------------------------------


def group_consumer(servers: str, **options: Any) -> Consumer:
    return Consumer({
        "bootstrap.servers": servers, "group.id": "g", "auto.offset.reset": "earliest", "session.timeout.ms": 6000, "heartbeat.interval.ms": 100,
        "fetch.wait.max.ms": 20, "enable.auto.commit": False, "log_level": 0, **options,
    })  # fmt: skip


def poll_until(is_done: Any, *consumers: Consumer) -> list[Any]:
    found: list[Any] = []
    deadline_s = time.monotonic() + 30
    while not is_done(found):
        assert time.monotonic() < deadline_s
        for consumer in consumers:
            message = consumer.poll(0.02)
            if message is not None:
                assert message.error() is None
                found.append(message)
    return found


@pytest.mark.parametrize("version", ["0.11", "2.8", "4.4", None])
def test_librdkafkas_consumers_share_a_topic_and_go_on_where_they_were(version: str | None) -> None:
    records: list[Sent] = [(None, b"%d" % n, []) for n in range(20)]
    with KafkaCluster(version=version) as cluster:
        cluster.create_topic("t", 2)
        deliver(cluster.bootstrap_servers, "t", records)
        first, second = group_consumer(cluster.bootstrap_servers), group_consumer(cluster.bootstrap_servers)
        first.subscribe(["t"])
        found = poll_until(lambda found: len(found) == 20, first)
        assert [message.value() for message in found] == [value for _, value, _ in records]
        first.commit(asynchronous=False)

        second.subscribe(["t"])
        poll_until(lambda found: len(first.assignment()) == len(second.assignment()) == 1, first, second)
        assert {part.partition for consumer in (first, second) for part in consumer.assignment()} == {0, 1}

        first.close()
        deliver(cluster.bootstrap_servers, "t", [(None, b"after", [])])
        (message,) = poll_until(lambda found: found, second)
        assert (message.value(), message.offset()) == (b"after", 20)
        second.close()


def test_librdkafkas_consumers_survive_the_loss_of_their_coordinator() -> None:
    with KafkaCluster() as cluster:
        cluster.create_topic("t")
        coordinator = cluster.cluster.coordinator_of("g")
        assert coordinator is not None
        consumer = group_consumer(cluster.bootstrap_servers)
        consumer.subscribe(["t"])
        deliver(cluster.bootstrap_servers, "t", [(None, b"a", [])])
        poll_until(lambda found: found, consumer)
        consumer.commit(asynchronous=False)

        cluster.stop(coordinator.node_id)
        deliver(cluster.bootstrap_servers, "t", [(None, b"b", [])])
        (message,) = poll_until(lambda found: found, consumer)
        consumer.commit(asynchronous=False)

        assert message.value() == b"b"
        assert cluster.cluster.offsets.of("g")["t", 0].offset == 2
        consumer.close()


def test_librdkafka_reads_transforms_and_writes_exactly_once() -> None:
    with KafkaCluster() as cluster:
        cluster.create_topic("in")
        cluster.create_topic("t")
        deliver(cluster.bootstrap_servers, "in", [(None, b"%d" % n, []) for n in range(10)])
        consumer = group_consumer(cluster.bootstrap_servers, **{"isolation.level": "read_committed"})
        consumer.subscribe(["in"])
        producer = transactional(cluster.bootstrap_servers)
        for attempt in ("aborted", "committed"):
            producer.begin_transaction()
            for message in poll_until(lambda found: len(found) == 10, consumer):
                producer.produce("t", attempt.encode() + message.value())
            producer.send_offsets_to_transaction(consumer.position(consumer.assignment()), consumer.consumer_group_metadata(), 20)
            if attempt == "aborted":
                producer.abort_transaction(20)
                assert cluster.cluster.offsets.of("g") == {}
                consumer.seek(TopicPartition("in", 0, 0))
            else:
                producer.commit_transaction(20)
        consumer.close()

        assert [record.value for record in cluster.records("t", only_committed=True)] == [b"committed%d" % n for n in range(10)]
        assert cluster.cluster.offsets.of("g")["in", 0].offset == 10


def test_who_waits_for_the_others_is_told_over_another_connection_at_once() -> None:
    with KafkaCluster() as cluster:
        cluster.create_topic("t", 2)
        consumers = [group_consumer(cluster.bootstrap_servers) for _ in range(3)]
        threads = []
        got: list[set[int]] = [set() for _ in consumers]
        is_over = threading.Event()

        def run(consumer: Consumer, partitions: set[int]) -> None:
            consumer.subscribe(["t"])
            while not is_over.is_set():
                consumer.poll(0.02)
                partitions.clear()
                partitions.update(part.partition for part in consumer.assignment())

        for consumer, partitions in zip(consumers, got):
            threads.append(threading.Thread(target=run, args=(consumer, partitions)))
            threads[-1].start()
        began_s = time.monotonic()
        while sorted(map(len, got)) != [0, 1, 1]:
            assert time.monotonic() - began_s < 30
            time.sleep(0.01)
        is_over.set()
        for thread in threads:
            thread.join(10)
        for consumer in consumers:
            consumer.close()
