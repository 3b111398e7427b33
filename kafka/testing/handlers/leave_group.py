"""LeaveGroup, versions 0-5.

Behaviour: members leave, from version 3 on several at once and static ones by their instance alone; the others join anew.
Differs from a broker: nothing that is known.
Imported by: testing.handlers.  Imports: errors, protocol, testing.{exchange,groups}.
"""

from __future__ import annotations

from kafka.errors import BrokerResponseError, NoError
from kafka.protocol.leave_group import LeaveGroupResponse, MemberIdentity, MemberResponse
from kafka.testing.exchange import Call
from kafka.testing.groups import Group, Identity
from kafka.testing.handlers.join_group import check_group

VERSIONS = (0, 5)

_FIRST_WITH_SEVERAL = 3


def handle(call: Call) -> LeaveGroupResponse:
    request = call.request
    try:
        check_group(call, request.group_id)
        group = call.cluster.groups.known(request.group_id)
        if call.version < _FIRST_WITH_SEVERAL:
            group.leave(Identity(request.member_id))
    except BrokerResponseError as error:
        return LeaveGroupResponse(error_code=error.errno)
    return LeaveGroupResponse(members=[_leave(group, member) for member in request.members])


def _leave(group: Group, asked: MemberIdentity) -> MemberResponse:
    code: int | None = NoError.errno
    try:
        group.leave(Identity(asked.member_id, asked.group_instance_id))
    except BrokerResponseError as error:
        code = error.errno
    return MemberResponse(member_id=asked.member_id, group_instance_id=asked.group_instance_id, error_code=code)
