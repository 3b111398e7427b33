"""Which version of a request goes to a broker: what it speaks, what api_version allows, and what is only advertised.

Imported by: client.*.  Imports: client.inflight, errors, protocol.
"""

from __future__ import annotations

import logging
from typing import Any

from kafka.client.inflight import Buffer
from kafka.errors import UnsupportedVersionError
from kafka.protocol.framing import request_frame, response_body_offset
from kafka.protocol.versions import ApiVersionTable, caps_for, newest_release

log = logging.getLogger("kafka.client")

_FIRST_WITH_API_VERSIONS = (0, 10)


class VersionPolicy:
    """What the user's api_version and the brokers seen so far say about versions; shared by all connections of a client.

    Threads: the I/O thread; `release` may be read by any.
    """

    def __init__(self, api_version: tuple[int, ...] | None) -> None:
        self.believed: ApiVersionTable | None = None
        """Versions of brokers too old to be asked, as the user said or as was found out; None: ask."""
        self.release: tuple[int, ...] | None = None
        """The newest release that the first broker seen covers."""
        self._caps: dict[int, int] | None = None
        self._warned: set[int] = set()
        self._api_version = api_version
        if api_version is None:
            return
        if api_version < _FIRST_WITH_API_VERSIONS:
            self.believe(api_version)
        else:
            self._caps = caps_for(api_version)

    def believe(self, release: tuple[int, ...]) -> None:
        """The brokers are of this release, which is too old to be asked."""
        self.believed = legacy_table(release)
        self.release = release

    def doubt(self) -> None:
        """A broker does not take what this release would: ask again, unless it is what the user said."""
        if self._api_version is None:
            self.believed = None

    def saw(self, table: ApiVersionTable) -> None:
        """A broker told its versions, or is old."""
        if self.release is None or (self.believed is None and self.release < _FIRST_WITH_API_VERSIONS):
            self.release = newest_release(table)

    def version_for(self, request_class: type[Any], table: ApiVersionTable) -> int:
        """The newest version that the broker, this library and api_version share.

        Where api_version and the broker share none, the broker's lowest, with one warning. UnsupportedVersionError where
        broker and library share none.
        """
        cap = None if self._caps is None else self._caps.get(request_class.API_KEY)
        if cap is None:
            return table.choose(request_class)
        try:
            return table.choose(request_class, cap)
        except UnsupportedVersionError:
            version = lowest_version(request_class, table)
        if request_class.API_KEY not in self._warned:
            self._warned.add(request_class.API_KEY)
            log.warning(
                "api_version=%s allows %s up to version %d, which the broker does not take any more; version %d is used",
                self._api_version,
                request_class.__name__,
                cap,
                version,
            )
        return version


def lowest_version(request_class: type[Any], table: ApiVersionTable) -> int:
    """The lowest version that the broker takes and this library speaks; UnsupportedVersionError where there is none."""
    newest = table.choose(request_class)
    for version in range(newest):
        try:
            return table.choose(request_class, version)
        except UnsupportedVersionError:
            continue
    return newest


def legacy_table(release: tuple[int, ...]) -> ApiVersionTable:
    """What a release without ApiVersions speaks."""
    return ApiVersionTable({api_key: (0, newest) for api_key, newest in caps_for(release).items()}, {})


def request_buffers(request: Any, version: int, correlation_id: int, client_id: str) -> list[Buffer]:
    """The request's whole frame; big parts are passed through uncopied."""
    flexible = request.FLEXIBLE_FROM is not None and version >= request.FLEXIBLE_FROM
    return request_frame(request.API_KEY, version, correlation_id, client_id, flexible, request.encode_chain(version))


def response_from(request_class: type[Any], version: int, frame: bytes) -> Any:
    """The answer in a frame; ProtocolDecodeError where it is none."""
    return request_class.RESPONSE.decode(version, frame, response_body_offset(request_class, version, frame))
