"""ApiVersions, versions 0-4.

Behaviour: lists what is served; a version that is too new is answered with error 35, in version 0's form, listing this API's own
range as releases from 2.4 on do.
Differs from a broker: there are no features, and software names are not checked.
Imported by: testing.handlers, testing.connection.  Imports: errors, protocol, testing.{exchange,releases}.
"""

from __future__ import annotations

from kafka.errors import UnsupportedVersionError
from kafka.protocol.api_versions import ApiVersion, ApiVersionsRequest, ApiVersionsResponse
from kafka.testing.exchange import Call
from kafka.testing.releases import Release

VERSIONS = (0, 4)

_FIRST_WITH_OWN_RANGE: Release = (2, 4)


def handle(call: Call) -> ApiVersionsResponse:
    return ApiVersionsResponse(api_keys=[ApiVersion(api_key=key, min_version=low, max_version=high) for key, (low, high) in call.versions.items()])


def refuse(release: Release, versions: tuple[int, int]) -> ApiVersionsResponse:
    """The answer, to be written in version 0, to a version outside `versions`, which releases from 2.4 on list (KIP-511)."""
    low, high = versions
    listed = [ApiVersion(api_key=ApiVersionsRequest.API_KEY, min_version=low, max_version=high)] if release >= _FIRST_WITH_OWN_RANGE else []
    return ApiVersionsResponse(error_code=UnsupportedVersionError.errno, api_keys=listed)
