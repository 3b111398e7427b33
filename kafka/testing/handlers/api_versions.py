"""ApiVersions, versions 0-5.

Behaviour: lists what is served; a version that is too new is answered with error 35, in version 0's form, listing this API's own
range as releases from 2.4 on do.
From Kafka 4.0 on the feature transaction.version is 2 (KIP-890).
Who says in version 5 that another cluster or node is meant gets error 129 (KIP-1242).
Differs from a broker: there are no other features.
Imported by: testing.handlers, testing.connection.  Imports: errors, protocol, testing.{exchange,releases}.
"""

from __future__ import annotations

import re

from kafka.errors import InvalidRequestError, RebootstrapRequiredError, UnsupportedVersionError
from kafka.protocol.api_versions import ApiVersion, ApiVersionsRequest, ApiVersionsResponse, FinalizedFeatureKey, SupportedFeatureKey
from kafka.testing.exchange import Call
from kafka.testing.releases import Release

VERSIONS = (0, 5)

_SOFTWARE = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?")
_FIRST_WITH_SOFTWARE, _FIRST_WITH_WHOM = 3, 5
_FIRST_WITH_OWN_RANGE: Release = (2, 4)
_FIRST_WITH_SECOND_TRANSACTIONS: Release = (4, 0)
_END_TXN, _FIRST_END_TXN_WITH_EPOCHS = 26, 5
_TRANSACTION_VERSION, _SECOND = "transaction.version", 2


def handle(call: Call) -> ApiVersionsResponse:
    request = call.request
    if call.version >= _FIRST_WITH_SOFTWARE and not all(map(_SOFTWARE.fullmatch, (request.client_software_name, request.client_software_version))):
        return ApiVersionsResponse(error_code=InvalidRequestError.errno)
    if call.version >= _FIRST_WITH_WHOM and not _is_meant(call):
        return ApiVersionsResponse(error_code=RebootstrapRequiredError.errno)
    response = ApiVersionsResponse(
        api_keys=[ApiVersion(api_key=key, min_version=low, max_version=high) for key, (low, high) in call.versions.items()]
    )
    if call.cluster.release >= _FIRST_WITH_SECOND_TRANSACTIONS and call.versions.get(_END_TXN, (0, 0))[1] >= _FIRST_END_TXN_WITH_EPOCHS:
        response.supported_features = [SupportedFeatureKey(name=_TRANSACTION_VERSION, min_version=0, max_version=_SECOND)]
        response.finalized_features = [FinalizedFeatureKey(name=_TRANSACTION_VERSION, max_version_level=_SECOND, min_version_level=_SECOND)]
        response.finalized_features_epoch = 1
    return response


def _is_meant(call: Call) -> bool:
    """Whether the client has come where it wants to: it may say which cluster and which node it means."""
    request = call.request
    if request.cluster_id is None or request.node_id < 0:
        return True
    return bool(request.cluster_id == call.cluster.cluster_id and request.node_id == call.node.node_id)


def refuse(release: Release, versions: tuple[int, int]) -> ApiVersionsResponse:
    """The answer, to be written in version 0, to a version outside `versions`, which releases from 2.4 on list (KIP-511)."""
    low, high = versions
    listed = [ApiVersion(api_key=ApiVersionsRequest.API_KEY, min_version=low, max_version=high)] if release >= _FIRST_WITH_OWN_RANGE else []
    return ApiVersionsResponse(error_code=UnsupportedVersionError.errno, api_keys=listed)
