"""JoinGroup, versions 0-9.

Behaviour: the answer is held back until every member has come, or the rebalance time-out of the slowest is over. From version 4 on a new dynamic
member gets an id first (KIP-394); a static one that comes back takes its own place (KIP-345).
Differs from a broker: the first members of a group are not waited for (group.initial.rebalance.delay.ms is 0); groups have no greatest size.
Imported by: testing.handlers.  Imports: errors, protocol, testing.{exchange,groups}.
"""

from __future__ import annotations

from typing import Any, Callable, cast

from kafka.errors import BrokerResponseError, InvalidGroupIdError, InvalidSessionTimeoutError, MemberIdRequiredError, UnknownMemberIdError
from kafka.protocol.join_group import JoinGroupResponse, JoinGroupResponseMember
from kafka.testing.exchange import Answer, Call, Later
from kafka.testing.groups import Group, Identity, Joined, Pending, Protocol
from kafka.testing.handlers.find_coordinator import check_coordinator

VERSIONS = (0, 9)

_LONGEST_SESSION_MS = 1_800_000  # group.max.session.timeout.ms
_FIRST_WITH_ID_FIRST, _FIRST_WITH_NULL, _FIRST_WITH_SKIPPING = 4, 7, 9


def handle(call: Call) -> Answer:
    request = call.request
    try:
        group, pending = _join(call)
    except BrokerResponseError as error:
        return _refused(call, error, request.member_id)
    return wait_for(call, group, pending, lambda result: _answer(call, result))


def wait_for(call: Call, group: Group, pending: Pending, answer_of: Callable[[Any], Any]) -> Answer:
    """The answer when the group has a result."""

    def look(must_answer: bool) -> Any:
        group.tick()
        if pending.result is not None:
            return answer_of(pending.result)
        return Later(group.due_s, look) if must_answer else None

    return look(True)


def check_group(call: Call, group_id: str) -> None:
    """InvalidGroupIdError, NotCoordinatorError."""
    if not group_id:
        raise InvalidGroupIdError("A group id is not empty")
    check_coordinator(call, group_id)


def _join(call: Call) -> tuple[Group, Pending]:
    request = call.request
    check_group(call, request.group_id)
    if not call.cluster.min_session_timeout_ms <= request.session_timeout_ms <= _LONGEST_SESSION_MS:
        raise InvalidSessionTimeoutError(
            f"{request.session_timeout_ms} ms is not between {call.cluster.min_session_timeout_ms} and {_LONGEST_SESSION_MS}"
        )
    groups = call.cluster.groups
    if request.member_id and groups.find(request.group_id) is None:
        raise UnknownMemberIdError(f"There is no group {request.group_id}")
    group = groups.get(request.group_id)
    rebalance_ms = request.rebalance_timeout_ms if request.rebalance_timeout_ms >= 0 else request.session_timeout_ms
    pending = group.join(
        Identity(request.member_id, request.group_instance_id),
        request.protocol_type,
        [Protocol(offered.name, offered.metadata) for offered in request.protocols],
        client_id=call.client_id or "",
        session_s=request.session_timeout_ms / 1000,
        rebalance_s=rebalance_ms / 1000,
        needs_id_first=call.version >= _FIRST_WITH_ID_FIRST,
        can_skip_assignment=call.version >= _FIRST_WITH_SKIPPING,
    )
    return group, pending


def _answer(call: Call, result: Joined | BrokerResponseError) -> JoinGroupResponse:
    if isinstance(result, BrokerResponseError):
        return _refused(call, result, call.request.member_id)
    return JoinGroupResponse(
        generation_id=result.generation,
        protocol_type=result.protocol_type,
        protocol_name=result.protocol or "",
        leader=result.leader,
        skip_assignment=result.skips_assignment,
        member_id=result.member_id,
        members=[
            JoinGroupResponseMember(member_id=member.member_id, group_instance_id=member.instance_id, metadata=member.metadata)
            for member in result.members
        ],
    )


def _refused(call: Call, error: BrokerResponseError, member_id: str) -> JoinGroupResponse:
    if isinstance(error, MemberIdRequiredError):
        member_id = cast(str, error.args[0])
    no_protocol = None if call.version >= _FIRST_WITH_NULL else ""
    return JoinGroupResponse(error_code=error.errno, member_id=member_id, protocol_name=no_protocol)
