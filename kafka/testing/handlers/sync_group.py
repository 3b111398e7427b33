"""SyncGroup, versions 0-5.

Behaviour: the answer is held back until the leader has said who gets what; who does not ask within the rebalance time-out is no member any more.
Differs from a broker: nothing that is known.
Imported by: testing.handlers.  Imports: errors, protocol, testing.{exchange,groups}.
"""

from __future__ import annotations

from kafka.errors import BrokerResponseError, InconsistentGroupProtocolError
from kafka.protocol.sync_group import SyncGroupResponse
from kafka.testing.exchange import Answer, Call
from kafka.testing.groups import Group, Identity, Pending, Synced
from kafka.testing.handlers.join_group import check_group, wait_for

VERSIONS = (0, 5)


def handle(call: Call) -> Answer:
    try:
        group, pending = _sync(call)
    except BrokerResponseError as error:
        return SyncGroupResponse(error_code=error.errno)
    return wait_for(call, group, pending, _answer)


def _sync(call: Call) -> tuple[Group, Pending]:
    request = call.request
    check_group(call, request.group_id)
    group = call.cluster.groups.known(request.group_id)
    for asked, has in ((request.protocol_type, group.protocol_type), (request.protocol_name, group.protocol)):
        if asked is not None and has is not None and asked != has:
            raise InconsistentGroupProtocolError(f"The group has {has}, not {asked}")
    assignments = {assigned.member_id: assigned.assignment for assigned in request.assignments}
    return group, group.sync(Identity(request.member_id, request.group_instance_id), request.generation_id, assignments)


def _answer(result: Synced | BrokerResponseError) -> SyncGroupResponse:
    if isinstance(result, BrokerResponseError):
        return SyncGroupResponse(error_code=result.errno)
    return SyncGroupResponse(protocol_type=result.protocol_type, protocol_name=result.protocol, assignment=result.assignment)
