"""A broker's end of one connection, without I/O: bytes in, frames, handlers, bytes out.

Imported by: testing.{memory,server}.  Imports: protocol, testing.{cluster,exchange,handlers,request_log}.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from typing import Any, NamedTuple, Union

from kafka.protocol.api_versions import ApiVersionsRequest
from kafka.protocol.framing import FrameDecoder, RequestHeader, has_flexible_response_header, read_request_header, response_frame
from kafka.protocol.primitives import ProtocolDecodeError
from kafka.testing.cluster import Cluster, Node
from kafka.testing.exchange import Call, Later, Silence
from kafka.testing.handlers import API_NAMES, SERVED, Served
from kafka.testing.handlers.api_versions import refuse
from kafka.testing.request_log import ReceivedRequest

Buffer = Union[bytes, bytearray, memoryview]

MAX_REQUEST_BYTES = 100 * 1024 * 1024  # socket.request.max.bytes
_FIRST_SILENT_ON_API_VERSIONS = (0, 9)


class _Arrived(NamedTuple):
    """A request and how to answer it."""

    served: Served
    version: int
    correlation_id: int


class _HeldBack(NamedTuple):
    """An answer that is not given yet; nothing else of this connection is served before it."""

    arrived: _Arrived
    later: Later


class ServerConnection:
    """Serves the requests of one client one after the other, as Kafka does.

    Threads: the broker's.
    """

    def __init__(self, cluster: Cluster, node: Node) -> None:
        self._cluster = cluster
        self._node = node
        self._versions = served_versions(cluster)
        self._decoder = FrameDecoder(MAX_REQUEST_BYTES)
        self._frames: deque[Any] = deque()
        self._held_back: _HeldBack | None = None
        self._output: list[Buffer] = []
        self.is_closing = False
        """Nothing more is read; to be closed when the output is written."""

    @property
    def deadline_s(self) -> float:
        """When look_again() must be called; inf while no answer is held back."""
        return math.inf if self._held_back is None else self._held_back.later.deadline_s

    def receive(self, data: Buffer) -> None:
        """Take bytes from the client and serve what requests they complete."""
        if self.is_closing:
            return
        try:
            self._frames.extend(self._decoder.feed(data))
            self._serve()
        except ProtocolDecodeError:
            self._close()

    def receive_end(self) -> None:
        """The client has closed its end: answers that are still held back are not worth giving."""
        self._close()

    def look_again(self) -> None:
        """Give the answer held back, if it is time or worth it now, and serve what came behind it."""
        if self._held_back is None:
            return
        arrived, later = self._held_back
        with self._cluster.lock:
            answer = later.look(self._cluster.clock.monotonic() >= later.deadline_s)
        if answer is None:
            return
        self._held_back = None
        self._answer(arrived, arrived.version, answer)
        try:
            self._serve()
        except ProtocolDecodeError:
            self._close()

    def take_output(self) -> list[Buffer]:
        """What to send, once."""
        output, self._output = self._output, []
        return output

    def _close(self) -> None:
        self.is_closing = True
        self._held_back = None
        self._frames.clear()

    def _serve(self) -> None:
        while self._frames and self._held_back is None:
            self._serve_frame(self._frames.popleft())

    def _serve_frame(self, frame: Buffer) -> None:
        header = read_request_header(frame, is_flexible=_is_flexible)
        served = SERVED.get(header.api_key)
        low, high = self._versions.get(header.api_key, (0, -1))
        if served is not None and low <= header.version <= high:
            self._call(served, header, header.version, frame)
        elif header.api_key == ApiVersionsRequest.API_KEY and served is not None:
            self._refuse_api_versions(_Arrived(served, header.version, header.correlation_id))
        elif served is not None and high >= low and header.version > high and self._ignores_versions:
            self._call(served, header, high, frame)
        else:
            self._close()

    def _call(self, served: Served, header: RequestHeader, version: int, frame: Buffer) -> None:
        """Have a request handled as one of this version."""
        cluster, node = self._cluster, self._node
        request = served.request_class.decode(version, frame, header.body_offset)
        arrived_s = cluster.clock.monotonic()
        cluster.requests.add(
            ReceivedRequest(API_NAMES[header.api_key], version, node.node_id, header.client_id, header.correlation_id, arrived_s, request)
        )
        with cluster.lock:
            answer = served.handle(Call(cluster, node, version, request, self._versions, header.client_id))
        self._answer(_Arrived(served, version, header.correlation_id), version, answer)

    @property
    def _ignores_versions(self) -> bool:
        """Brokers of 0.8 and 0.9, which have no ApiVersions, take a version that is too new for their newest."""
        return ApiVersionsRequest.API_KEY not in self._versions

    def _refuse_api_versions(self, arrived: _Arrived) -> None:
        """0.8 closes the connection, 0.9 says nothing, all others answer with error 35."""
        if not self._ignores_versions:
            self._answer(arrived, 0, refuse(self._cluster.release, self._versions[ApiVersionsRequest.API_KEY]))
        elif self._cluster.version is None or self._cluster.version < _FIRST_SILENT_ON_API_VERSIONS:
            self._close()

    def _answer(self, arrived: _Arrived, version: int, answer: Any) -> None:
        if answer is Silence.NO_ANSWER:
            return
        if answer is Silence.CLOSE:
            self._close()
        elif isinstance(answer, Later):
            self._held_back = _HeldBack(arrived, answer)
        else:
            self._output += _response_frame(arrived, version, answer)


def served_versions(cluster: Cluster) -> Mapping[int, tuple[int, int]]:
    """{API key: (lowest, highest)} of what is served, within what the release has and the cluster is limited to."""
    versions = {key: served.versions for key, served in SERVED.items()}
    for limits in (cluster.release_versions, cluster.api_versions):
        if limits is not None:
            versions = {key: (max(low, limits[key][0]), min(high, limits[key][1])) for key, (low, high) in versions.items() if key in limits}
    return versions


def _response_frame(arrived: _Arrived, version: int, response: Any) -> list[Buffer]:
    has_tags = has_flexible_response_header(arrived.served.request_class, version)
    return response_frame(arrived.correlation_id, has_tags, response.encode_chain(version))


def _is_flexible(api_key: int, version: int) -> bool:
    served = SERVED.get(api_key)
    return served is not None and bool(served.request_class.is_flexible(version))
