"""FindCoordinator, versions 0-6.

Behaviour: tells which broker coordinates a group (key type 0) or a transactional id (1): by a hash, and the next one that runs.
Differs from a broker: coordinators need no time to load; they share what they know, which does not stand in topics. No share groups (key type 2).
Imported by: testing.handlers.  Imports: errors, protocol, testing.{cluster,exchange}.
"""

from __future__ import annotations

from kafka.errors import BrokerResponseError, CoordinatorNotAvailableError, InvalidRequestError, NotCoordinatorError
from kafka.protocol.find_coordinator import Coordinator, FindCoordinatorResponse
from kafka.testing.cluster import Node
from kafka.testing.exchange import Call, words

VERSIONS = (0, 6)

_FIRST_WITH_SEVERAL = 4
_GROUP, _TRANSACTION = 0, 1


def handle(call: Call) -> FindCoordinatorResponse:
    request = call.request
    if call.version >= _FIRST_WITH_SEVERAL:
        return FindCoordinatorResponse(coordinators=[_coordinator(call, key) for key in request.coordinator_keys])
    found = _coordinator(call, request.key)
    return FindCoordinatorResponse(
        error_code=found.error_code, error_message=found.error_message, node_id=found.node_id, host=found.host, port=found.port
    )


def check_coordinator(call: Call, key: str) -> None:
    """NotCoordinatorError where another node is asked for this group or transactional id."""
    if call.cluster.coordinator_of(key) is not call.node:
        raise NotCoordinatorError(f"Node {call.node.node_id} does not coordinate {key}")


def _coordinator(call: Call, key: str) -> Coordinator:
    try:
        node = _node(call, key)
    except BrokerResponseError as error:
        return Coordinator(key=key, node_id=-1, host="", port=-1, error_code=error.errno, error_message=words(error))
    return Coordinator(key=key, node_id=node.node_id, host=node.host, port=node.port)


def _node(call: Call, key: str) -> Node:
    if call.request.key_type not in (_GROUP, _TRANSACTION):
        raise InvalidRequestError(f"There is no key type {call.request.key_type}")
    if call.request.key_type == _TRANSACTION and not key:
        raise InvalidRequestError("A transactional id is not empty")
    node = call.cluster.coordinator_of(key)
    if node is None:
        raise CoordinatorNotAvailableError
    return node
