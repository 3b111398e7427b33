"""One file for each API: its versions, how it behaves, and where that differs from a real broker.

Imported by: testing.connection.  Imports: testing.handlers.*.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from kafka.protocol.add_offsets_to_txn import AddOffsetsToTxnRequest
from kafka.protocol.add_partitions_to_txn import AddPartitionsToTxnRequest
from kafka.protocol.api_versions import ApiVersionsRequest
from kafka.protocol.create_partitions import CreatePartitionsRequest
from kafka.protocol.create_topics import CreateTopicsRequest
from kafka.protocol.delete_topics import DeleteTopicsRequest
from kafka.protocol.describe_configs import DescribeConfigsRequest
from kafka.protocol.end_txn import EndTxnRequest
from kafka.protocol.fetch import FetchRequest
from kafka.protocol.find_coordinator import FindCoordinatorRequest
from kafka.protocol.init_producer_id import InitProducerIdRequest
from kafka.protocol.list_offsets import ListOffsetsRequest
from kafka.protocol.metadata import MetadataRequest
from kafka.protocol.produce import ProduceRequest
from kafka.protocol.sasl_authenticate import SaslAuthenticateRequest
from kafka.protocol.sasl_handshake import SaslHandshakeRequest
from kafka.testing.exchange import Handler
from kafka.testing.handlers import (
    add_offsets_to_txn,
    add_partitions_to_txn,
    api_versions,
    create_partitions,
    create_topics,
    delete_topics,
    describe_configs,
    end_txn,
    fetch,
    find_coordinator,
    init_producer_id,
    list_offsets,
    metadata,
    produce,
    sasl_authenticate,
    sasl_handshake,
)


class Served(NamedTuple):
    """An API that the broker serves."""

    request_class: Any
    handle: Handler
    versions: tuple[int, int]
    is_locked: bool = True
    """Whether the cluster's lock is held while it works; not where it runs code of the user's."""


SERVED: dict[int, Served] = {
    served.request_class.API_KEY: served
    for served in (
        Served(ProduceRequest, produce.handle, produce.VERSIONS),
        Served(FetchRequest, fetch.handle, fetch.VERSIONS),
        Served(ListOffsetsRequest, list_offsets.handle, list_offsets.VERSIONS),
        Served(MetadataRequest, metadata.handle, metadata.VERSIONS),
        Served(SaslHandshakeRequest, sasl_handshake.handle, sasl_handshake.VERSIONS),
        Served(SaslAuthenticateRequest, sasl_authenticate.handle, sasl_authenticate.VERSIONS, is_locked=False),
        Served(FindCoordinatorRequest, find_coordinator.handle, find_coordinator.VERSIONS),
        Served(ApiVersionsRequest, api_versions.handle, api_versions.VERSIONS),
        Served(CreateTopicsRequest, create_topics.handle, create_topics.VERSIONS),
        Served(DeleteTopicsRequest, delete_topics.handle, delete_topics.VERSIONS),
        Served(DescribeConfigsRequest, describe_configs.handle, describe_configs.VERSIONS),
        Served(CreatePartitionsRequest, create_partitions.handle, create_partitions.VERSIONS),
        Served(InitProducerIdRequest, init_producer_id.handle, init_producer_id.VERSIONS),
        Served(AddPartitionsToTxnRequest, add_partitions_to_txn.handle, add_partitions_to_txn.VERSIONS),
        Served(AddOffsetsToTxnRequest, add_offsets_to_txn.handle, add_offsets_to_txn.VERSIONS),
        Served(EndTxnRequest, end_txn.handle, end_txn.VERSIONS),
    )
}


API_NAMES: dict[int, str] = {key: served.request_class.__name__.removesuffix("Request") for key, served in SERVED.items()}


def api_name(api: str | int) -> str:
    """The name, as Kafka's definitions have it, of an API given by name or key; ValueError for what is not served."""
    found = next((name for key, name in API_NAMES.items() if api in (key, name, f"{name}Request")), None)
    if found is None:
        raise ValueError(f"{api!r} is no API that the broker serves: {', '.join(API_NAMES.values())}")
    return found
