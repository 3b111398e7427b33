"""ListGroups, versions 0-5.

Behaviour: the groups that the node coordinates, those in some states or of some types if these are named.
Differs from a broker: all groups are of the type classic.
Imported by: testing.handlers.  Imports: protocol, testing.exchange.
"""

from __future__ import annotations

from kafka.protocol.list_groups import ListedGroup, ListGroupsResponse
from kafka.testing.exchange import Call

VERSIONS = (0, 5)

_TYPE = "classic"


def handle(call: Call) -> ListGroupsResponse:
    cluster, request = call.cluster, call.request
    states = {state.lower() for state in request.states_filter}
    types = {kind.lower() for kind in request.types_filter}
    return ListGroupsResponse(
        groups=[
            ListedGroup(group_id=group.group_id, protocol_type=group.protocol_type or "", group_state=group.state.value, group_type=_TYPE)
            for group in cluster.groups.all()
            if cluster.coordinator_of(group.group_id) is call.node
            and (not states or group.state.value.lower() in states)
            and (not types or _TYPE in types)
        ]
    )
