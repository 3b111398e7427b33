"""Heartbeat, versions 0-4.

Behaviour: keeps a member's session alive, and tells it with error 27 to join anew.
Differs from a broker: nothing that is known.
Imported by: testing.handlers.  Imports: errors, protocol, testing.{exchange,groups}.
"""

from __future__ import annotations

from kafka.errors import BrokerResponseError
from kafka.protocol.heartbeat import HeartbeatResponse
from kafka.testing.exchange import Call
from kafka.testing.groups import Identity
from kafka.testing.handlers.join_group import check_group

VERSIONS = (0, 4)


def handle(call: Call) -> HeartbeatResponse:
    request = call.request
    try:
        check_group(call, request.group_id)
        group = call.cluster.groups.known(request.group_id)
        group.heartbeat(Identity(request.member_id, request.group_instance_id), request.generation_id)
    except BrokerResponseError as error:
        return HeartbeatResponse(error_code=error.errno)
    return HeartbeatResponse()
