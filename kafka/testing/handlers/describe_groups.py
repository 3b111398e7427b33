"""DescribeGroups, versions 0-6.

Behaviour: state, protocol and members; a group that does not exist is Dead.
Differs from a broker: every member's host is /127.0.0.1.
Imported by: testing.handlers.  Imports: errors, protocol, testing.{exchange,groups,operations}.
"""

from __future__ import annotations

from kafka.errors import BrokerResponseError, GroupIdNotFoundError
from kafka.protocol.describe_groups import DescribedGroup, DescribedGroupMember, DescribeGroupsResponse
from kafka.testing.exchange import Call
from kafka.testing.groups import Group, GroupState
from kafka.testing.handlers.join_group import check_group
from kafka.testing.operations import if_asked, on_group

VERSIONS = (0, 6)

_FIRST_WITH_NOT_FOUND = 6
_HOST = "/127.0.0.1"


def handle(call: Call) -> DescribeGroupsResponse:
    groups = [_described(call, group_id) for group_id in call.request.groups]
    for group in groups:
        allowed = on_group(call.cluster.release)
        group.authorized_operations = if_asked(call.request.include_authorized_operations and not group.error_code, allowed)
    return DescribeGroupsResponse(groups=groups)


def _described(call: Call, group_id: str) -> DescribedGroup:
    try:
        check_group(call, group_id)
    except BrokerResponseError as error:
        return DescribedGroup(error_code=error.errno, group_id=group_id)
    group = call.cluster.groups.find(group_id)
    if group is not None:
        return _shown(group)
    nowhere = DescribedGroup(group_id=group_id, group_state=GroupState.DEAD.value)
    if call.version >= _FIRST_WITH_NOT_FOUND:
        nowhere.error_code, nowhere.error_message = GroupIdNotFoundError.errno, f"Group {group_id} not found."
    return nowhere


def _shown(group: Group) -> DescribedGroup:
    is_stable = group.state is GroupState.STABLE
    protocol = group.protocol if is_stable else None
    return DescribedGroup(
        group_id=group.group_id,
        group_state=group.state.value,
        protocol_type=group.protocol_type or "",
        protocol_data=protocol or "",
        members=[
            DescribedGroupMember(
                member_id=member.member_id,
                group_instance_id=member.instance_id,
                client_id=member.client_id,
                client_host=_HOST,
                member_metadata=member.metadata_for(protocol),
                member_assignment=member.assignment if is_stable else b"",
            )
            for member in group.members.values()
        ],
    )
