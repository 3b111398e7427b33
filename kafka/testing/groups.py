"""Consumer groups of the classic protocol: members, rebalances, assignments (KIP-62, KIP-345, KIP-394, KIP-814).

Imported by: testing.cluster, testing.handlers.  Imports: _clock, errors.
"""

from __future__ import annotations

import math
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import NamedTuple

from kafka._clock import Clock
from kafka.errors import (
    BrokerResponseError,
    FencedInstanceIdError,
    GroupIdNotFoundError,
    IllegalGenerationError,
    InconsistentGroupProtocolError,
    MemberIdRequiredError,
    NonEmptyGroupError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)

_MEMBER_IDS = uuid.UUID("b0a9a8b6-5a0e-4f0a-8d6a-0d4f2f6f7f11")


class GroupState(Enum):
    """Where a group stands; the values are Kafka's names."""

    EMPTY = "Empty"
    PREPARING_REBALANCE = "PreparingRebalance"
    COMPLETING_REBALANCE = "CompletingRebalance"
    STABLE = "Stable"
    DEAD = "Dead"


_EMPTY, _PREPARING, _COMPLETING = GroupState.EMPTY, GroupState.PREPARING_REBALANCE, GroupState.COMPLETING_REBALANCE
_STABLE, _DEAD = GroupState.STABLE, GroupState.DEAD

# Members join while a rebalance is being prepared, and get their assignments while it is being completed.
TRANSITIONS: dict[GroupState, frozenset[GroupState]] = {
    _EMPTY: frozenset({_PREPARING, _DEAD}),
    _PREPARING: frozenset({_COMPLETING, _EMPTY}),
    _COMPLETING: frozenset({_STABLE, _PREPARING}),
    _STABLE: frozenset({_PREPARING}),
    _DEAD: frozenset(),
}


class Identity(NamedTuple):
    """Who a member says that it is: an empty id if it has none yet, an instance id if it is a static member."""

    member_id: str
    instance_id: str | None = None


class Protocol(NamedTuple):
    """A way to assign partitions that a member offers, and what it tells the leader for it."""

    name: str
    metadata: bytes


class JoinedMember(NamedTuple):
    """What the leader hears of a member."""

    member_id: str
    instance_id: str | None
    metadata: bytes


class Joined(NamedTuple):
    """The generation that a member is in; only its leader gets the members."""

    member_id: str
    generation: int
    protocol_type: str | None
    protocol: str | None
    leader: str
    members: list[JoinedMember]
    skips_assignment: bool = False


class Synced(NamedTuple):
    """What a member has to read, as the leader wrote it."""

    assignment: bytes
    protocol_type: str | None
    protocol: str | None


class Pending:
    """What a member waits for; `result` is there when it is.

    Threads: whoever holds the cluster's lock.
    """

    def __init__(self) -> None:
        self.result: Joined | Synced | BrokerResponseError | None = None


class Member:
    """One member.

    Threads: as Group.
    """

    def __init__(self, identity: Identity, *, client_id: str, session_s: float, rebalance_s: float) -> None:
        self.member_id = identity.member_id
        self.instance_id = identity.instance_id
        self.client_id = client_id
        self.session_s = session_s
        self.rebalance_s = rebalance_s
        self.protocols: list[Protocol] = []
        self.assignment = b""
        self.expires_s = math.inf
        """When it counts as dead, unless it is heard of; not while it waits for an answer."""
        self.join: Pending | None = None
        self.sync: Pending | None = None
        self.has_synced = False

    def metadata_for(self, protocol: str | None) -> bytes:
        return next((offered.metadata for offered in self.protocols if offered.name == protocol), b"")


class Group:
    """One group.  Whatever is asked of it, what has become due by then happens first.

    Threads: whoever holds the cluster's lock.
    """

    def __init__(self, group_id: str, clock: Clock) -> None:
        self.group_id = group_id
        self.state = _EMPTY
        self.generation = 0
        self.protocol_type: str | None = None
        self.protocol: str | None = None
        self.leader: str | None = None
        self.members: dict[str, Member] = {}
        self._clock = clock
        self._static: dict[str, str] = {}  # instance id -> member id
        self._promised: dict[str, float] = {}  # member ids that were given out and not used yet -> until when
        self._rebalance_due_s = math.inf  # when a rebalance goes on without those that have not come
        self._ids_made = 0

    def change(self, state: GroupState) -> None:
        """RuntimeError for a change that is not in the table; the state stays then."""
        if state not in TRANSITIONS[self.state]:
            raise RuntimeError(f"Group {self.group_id} cannot go from {self.state.value} to {state.value}")
        self.state = state

    # --- time -----------------------------------------------------------------------------------------------------

    @property
    def due_s(self) -> float:
        """When something will happen by itself."""
        return min([self._rebalance_due_s, *self._promised.values(), *(member.expires_s for member in self.members.values())])

    def tick(self) -> None:
        """Let happen what is due."""
        now_s = self._clock.monotonic()
        for member_id in [member_id for member_id, until_s in self._promised.items() if until_s <= now_s]:
            del self._promised[member_id]
        for member in [member for member in self.members.values() if member.expires_s <= now_s]:
            self._remove(member, UnknownMemberIdError("The session is over"))
        if self._rebalance_due_s <= now_s:
            self._go_on_without_the_late()
        self._complete_join()

    def _go_on_without_the_late(self) -> None:
        if self.state is _PREPARING:
            late = [member for member in self.members.values() if member.join is None and member.instance_id is None]
            self._promised.clear()
            for member in late:
                self._forget(member)
            for member in self.members.values():
                if member.join is None:
                    member.join = Pending()  # a static member is counted in, and hears of the generation when it comes
            self._complete_join()
        else:
            for member in [member for member in self.members.values() if not member.has_synced]:
                self._remove(member, UnknownMemberIdError("It did not ask for its assignment in time"))

    # --- joining --------------------------------------------------------------------------------------------------

    def join(
        self,
        identity: Identity,
        protocol_type: str,
        protocols: Sequence[Protocol],
        *,
        client_id: str,
        session_s: float,
        rebalance_s: float,
        needs_id_first: bool,
        can_skip_assignment: bool,
    ) -> Pending:
        """Become a member, or come again for the next generation.

        needs_id_first: a new dynamic member only gets its id, as MemberIdRequiredError(id), and must come again with that.
        can_skip_assignment: a leader that is back can be told that it has nothing to assign.
        InconsistentGroupProtocolError, UnknownMemberIdError, FencedInstanceIdError.
        """
        self.tick()
        if not self._supports(protocol_type, protocols):
            raise InconsistentGroupProtocolError(f"Group {self.group_id} is of type {self.protocol_type}, or has no protocol in common")
        if not identity.member_id and identity.instance_id in self._static:
            return self._come_back(identity, protocols, can_skip_assignment=can_skip_assignment)
        if not identity.member_id or identity.member_id in self._promised:
            made = self._new_id(identity, client_id)
            if needs_id_first and not identity.member_id and identity.instance_id is None:
                self._promised[made] = self._clock.monotonic() + session_s
                raise MemberIdRequiredError(made)
            self._promised.pop(made, None)
            member = Member(identity._replace(member_id=made), client_id=client_id, session_s=session_s, rebalance_s=rebalance_s)
            self._add(member, protocol_type)
            return self._rejoin(member, protocols, must_rebalance=True)
        member = self._member(identity)
        member.session_s, member.rebalance_s = session_s, rebalance_s
        is_changed = list(protocols) != member.protocols
        if self.state is _PREPARING or is_changed or (self.state is _STABLE and member.member_id == self.leader):
            return self._rejoin(member, protocols, must_rebalance=True)
        return self._rejoin(member, protocols, must_rebalance=False)

    def _supports(self, protocol_type: str, protocols: Sequence[Protocol]) -> bool:
        if not protocol_type or not protocols:
            return False
        if not self.members:
            return True
        names = {offered.name for offered in protocols}
        return protocol_type == self.protocol_type and bool(names & self._common_protocols())

    def _common_protocols(self) -> set[str]:
        offered = [{protocol.name for protocol in member.protocols} for member in self.members.values()]
        return set.intersection(*offered) if offered else set()

    def _new_id(self, identity: Identity, client_id: str) -> str:
        if identity.member_id:
            return identity.member_id
        self._ids_made += 1
        return f"{identity.instance_id or client_id}-{uuid.uuid5(_MEMBER_IDS, f'{self.group_id}#{self._ids_made}')}"

    def _add(self, member: Member, protocol_type: str) -> None:
        if not self.members:
            self.protocol_type = protocol_type
        self.members[member.member_id] = member
        if self.leader is None:
            self.leader = member.member_id
        if member.instance_id is not None:
            self._static[member.instance_id] = member.member_id

    def _rejoin(self, member: Member, protocols: Sequence[Protocol], *, must_rebalance: bool) -> Pending:
        member.protocols = list(protocols)
        pending = Pending()
        if not must_rebalance:
            pending.result = self._joined(member)
            self._heard_of(member)
            return pending
        _give(member.join, RebalanceInProgressError("The member has come again"))
        member.join = pending
        self._heard_of(member)
        if self.state is not _PREPARING:
            self._prepare()
        self._complete_join()
        return pending

    def _come_back(self, identity: Identity, protocols: Sequence[Protocol], *, can_skip_assignment: bool) -> Pending:
        """A static member has started anew: it takes its own place, and if it can, without a rebalance."""
        before = self.members.pop(self._static[str(identity.instance_id)])
        fenced = FencedInstanceIdError(f"Another member has come as {identity.instance_id}")
        _give(before.join, fenced)
        _give(before.sync, fenced)
        before.join = before.sync = None
        was_leader = self.leader == before.member_id
        before_id, before.member_id = before.member_id, self._new_id(identity, before.client_id)
        self._static[str(identity.instance_id)] = before.member_id
        self.members[before.member_id] = before
        if was_leader:
            self.leader = before.member_id
        before.protocols = list(protocols)
        if self.state is not _STABLE or self._vote() != self.protocol:
            return self._rejoin(before, protocols, must_rebalance=True)
        pending = Pending()
        joined = self._joined(before)
        if was_leader:  # it must not assign anything: the others would not hear of it
            joined = joined._replace(skips_assignment=True) if can_skip_assignment else joined._replace(leader=before_id, members=[])
        pending.result = joined
        self._heard_of(before)
        return pending

    def _prepare(self) -> None:
        """Everybody must join anew."""
        for member in self.members.values():
            _give(member.sync, RebalanceInProgressError("The members join anew"))
            member.sync = None
            member.has_synced = False
            self._heard_of(member)
        self.change(_PREPARING)
        self._rebalance_due_s = self._clock.monotonic() + max((member.rebalance_s for member in self.members.values()), default=0.0)

    def _complete_join(self) -> None:
        """Begin the next generation, if everybody has come."""
        if self.state is not _PREPARING or self._promised or any(member.join is None for member in self.members.values()):
            return
        self.generation += 1
        if not self.members:
            self.protocol = self.leader = None
            self._rebalance_due_s = math.inf
            self.change(_EMPTY)
            return
        self.protocol = self._vote()
        self.change(_COMPLETING)
        self._rebalance_due_s = self._clock.monotonic() + max(member.rebalance_s for member in self.members.values())
        for member in self.members.values():
            member.assignment = b""
            _give(member.join, self._joined(member))
            member.join = None
            self._heard_of(member)

    def _vote(self) -> str | None:
        """The protocol that most members like best, of those that all have."""
        common = self._common_protocols()
        votes = Counter(next(offered.name for offered in member.protocols if offered.name in common) for member in self.members.values() if common)
        return votes.most_common(1)[0][0] if votes else None

    def _joined(self, member: Member) -> Joined:
        members = [JoinedMember(other.member_id, other.instance_id, other.metadata_for(self.protocol)) for other in self.members.values()]
        is_leader = member.member_id == self.leader
        return Joined(member.member_id, self.generation, self.protocol_type, self.protocol, self.leader or "", members if is_leader else [])

    # --- being a member -------------------------------------------------------------------------------------------

    def sync(self, identity: Identity, generation: int, assignments: Mapping[str, bytes]) -> Pending:
        """Ask for one's assignment; the leader gives everybody's, {member id: assignment}.

        UnknownMemberIdError, FencedInstanceIdError, IllegalGenerationError, RebalanceInProgressError.
        """
        self.tick()
        member = self._member(identity)
        self._check_generation(generation)
        if self.state is _PREPARING:
            raise RebalanceInProgressError("The members join anew")
        pending = Pending()
        if self.state is _STABLE:
            self._heard_of(member)
            pending.result = self._synced(member)
            return pending
        _give(member.sync, RebalanceInProgressError("The member has come again"))
        member.sync = pending
        member.has_synced = True
        self._heard_of(member)
        if member.member_id == self.leader:
            self._assign(assignments)
        return pending

    def _assign(self, assignments: Mapping[str, bytes]) -> None:
        self.change(_STABLE)
        self._rebalance_due_s = math.inf
        for member in self.members.values():
            member.assignment = assignments.get(member.member_id, b"")
            _give(member.sync, self._synced(member))
            member.sync = None
            self._heard_of(member)

    def _synced(self, member: Member) -> Synced:
        return Synced(member.assignment, self.protocol_type, self.protocol)

    def heartbeat(self, identity: Identity, generation: int) -> None:
        """The member lives.  Errors as of sync(): RebalanceInProgressError tells it to join anew."""
        self.tick()
        member = self._member(identity)
        self._check_generation(generation)
        self._heard_of(member)
        if self.state is _PREPARING:
            raise RebalanceInProgressError("The members join anew")

    def leave(self, identity: Identity) -> str:
        """The member is gone; gives its id.  A static member may be named by its instance alone."""
        self.tick()
        if identity.instance_id is None and identity.member_id in self._promised:
            del self._promised[identity.member_id]
            self._complete_join()
            return identity.member_id
        if identity.instance_id is not None and not identity.member_id:
            identity = identity._replace(member_id=self._static.get(identity.instance_id, ""))
        member = self._member(identity)
        self._remove(member, UnknownMemberIdError("The member has left"))
        return member.member_id

    def check_commit(self, identity: Identity, generation: int, *, in_transaction: bool) -> None:
        """Whether this one may commit offsets: a member of this generation, or anybody where there are no members.

        Errors as of sync(): while assignments are given out, RebalanceInProgressError, but not in a transaction.
        """
        self.tick()
        is_nobody = generation < 0 and not identity.member_id and identity.instance_id is None
        if is_nobody and (in_transaction or not self.members):
            return
        member = self._member(identity)
        self._check_generation(generation)
        if self.state is _COMPLETING and not in_transaction:
            raise RebalanceInProgressError("The members get their assignments")
        self._heard_of(member)

    def _member(self, identity: Identity) -> Member:
        if identity.instance_id is not None:
            known = self._static.get(identity.instance_id)
            if known is None:
                raise UnknownMemberIdError(f"Group {self.group_id} has no member {identity.instance_id}")
            if known != identity.member_id:
                raise FencedInstanceIdError(f"{identity.instance_id} is member {known} now")
        if identity.member_id not in self.members:
            raise UnknownMemberIdError(f"Group {self.group_id} has no member {identity.member_id}")
        return self.members[identity.member_id]

    def _check_generation(self, generation: int) -> None:
        if generation != self.generation:
            raise IllegalGenerationError(f"Group {self.group_id} is in generation {self.generation}, not {generation}")

    def _heard_of(self, member: Member) -> None:
        """Its session begins anew; it has all the time while it waits for an answer."""
        is_waiting = member.join is not None or member.sync is not None
        member.expires_s = math.inf if is_waiting else self._clock.monotonic() + member.session_s

    def _remove(self, member: Member, error: BrokerResponseError) -> None:
        """The others share what it had."""
        _give(member.join, error)
        _give(member.sync, error)
        self._forget(member)
        if self.state in (_STABLE, _COMPLETING):
            self._prepare()
        self._complete_join()

    def _forget(self, member: Member) -> None:
        self.members.pop(member.member_id, None)
        if member.instance_id is not None:
            self._static.pop(member.instance_id, None)
        if self.leader == member.member_id:
            self.leader = next((other.member_id for other in self.members.values() if other.join is not None), next(iter(self.members), None))


class Groups:
    """Every group of the cluster; nodes share them, so that none is lost with a node.

    Threads: whoever holds the cluster's lock.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._groups: dict[str, Group] = {}

    def find(self, group_id: str) -> Group | None:
        """The group, as it is by now."""
        found = self._groups.get(group_id)
        if found is not None:
            found.tick()
        return found

    def known(self, group_id: str) -> Group:
        """UnknownMemberIdError where there is no such group, which has no members then."""
        found = self.find(group_id)
        if found is None:
            raise UnknownMemberIdError(f"There is no group {group_id}")
        return found

    def get(self, group_id: str) -> Group:
        """The group, made if need be."""
        return self.find(group_id) or self._groups.setdefault(group_id, Group(group_id, self._clock))

    def all(self) -> list[Group]:
        return [self.known(group_id) for group_id in list(self._groups)]

    def delete(self, group_id: str) -> None:
        """GroupIdNotFoundError, or NonEmptyGroupError while it has members."""
        found = self.find(group_id)
        if found is None:
            raise GroupIdNotFoundError(f"There is no group {group_id}")
        if found.state is not _EMPTY:
            raise NonEmptyGroupError(f"Group {group_id} is {found.state.value}")
        found.change(_DEAD)
        del self._groups[group_id]


def _give(pending: Pending | None, result: Joined | Synced | BrokerResponseError) -> None:
    if pending is not None and pending.result is None:
        pending.result = result
