"""DeleteGroups, versions 0-3.

Behaviour: a group without members goes, and its offsets with it.
Differs from a broker: nothing that is known.
Imported by: testing.handlers.  Imports: errors, protocol, testing.exchange.
"""

from __future__ import annotations

from kafka.errors import BrokerResponseError
from kafka.protocol.delete_groups import DeletableGroupResult, DeleteGroupsResponse
from kafka.testing.exchange import Call, words
from kafka.testing.handlers.join_group import check_group

VERSIONS = (0, 3)


def handle(call: Call) -> DeleteGroupsResponse:
    return DeleteGroupsResponse(results=[_result(call, group_id) for group_id in call.request.groups_names])


def _result(call: Call, group_id: str) -> DeletableGroupResult:
    try:
        check_group(call, group_id)
        call.cluster.groups.delete(group_id)
    except BrokerResponseError as error:
        return DeletableGroupResult(group_id=group_id, error_code=error.errno, error_message=words(error))
    call.cluster.offsets.forget_group(group_id)
    return DeletableGroupResult(group_id=group_id)
