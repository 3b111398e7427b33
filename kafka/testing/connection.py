"""The requests of one connection: frames, rules, handlers, answers in order.

Imported by: testing.endpoint.  Imports: protocol, testing.{cluster,condition,exchange,
faults,frames,handlers,outbox,refusals,request_log,rules,sasl}.
"""

from __future__ import annotations

import functools
import math
import random
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from kafka.errors import IllegalSaslStateError
from kafka.protocol.api_versions import ApiVersionsRequest
from kafka.protocol.framing import RequestHeader, has_flexible_response_header, read_request_header, response_frame
from kafka.protocol.primitives import ProtocolDecodeError
from kafka.testing.cluster import Cluster, Node
from kafka.testing.condition import Condition
from kafka.testing.exchange import Answer, Call, Handler, Later, Silence
from kafka.testing.faults import CutRequest
from kafka.testing.frames import FrameReader
from kafka.testing.handlers import API_NAMES, SERVED, Served
from kafka.testing.handlers.api_versions import refuse
from kafka.testing.outbox import Buffer, Delivery, End, Outbox
from kafka.testing.refusals import named, wholly_refused
from kafka.testing.request_log import ReceivedRequest
from kafka.testing.rules import Asked, Hit
from kafka.testing.sasl.abc import AuthenticationFailed
from kafka.testing.sasl.session import SaslSession

MAX_REQUEST_BYTES = 100 * 1024 * 1024  # socket.request.max.bytes
_MOST_HEADER_BYTES = 64 * 1024  # more than a client id can have
_FIRST_SILENT_ON_API_VERSIONS = (0, 9)
_FIRST_TO_TELL_VERSIONS_ONCE = (1, 0)
_SASL_APIS = frozenset({17, 36})


class _Arrived(NamedTuple):
    """A request and how to answer it."""

    served: Served
    version: int
    correlation_id: int
    hits: Sequence[Hit] = ()
    """The rules that it has met."""


class _HeldBack(NamedTuple):
    """An answer that is not given yet; nothing else of this connection is served before it."""

    arrived: _Arrived
    later: Later


class ServerConnection:
    """Serves the requests of one client one after the other, as Kafka does.

    Threads: the broker's.
    """

    def __init__(self, cluster: Cluster, node: Node, condition: Condition | None = None) -> None:
        self._cluster = cluster
        self._node = node
        self._condition = Condition(cluster.faults, node_id=node.node_id, clock=cluster.clock) if condition is None else condition
        self._versions = served_versions(cluster)
        self._reader = FrameReader(MAX_REQUEST_BYTES)
        self._frames: deque[Buffer] = deque()
        self._held_back: _HeldBack | None = None
        self._outbox = Outbox()
        self._session = self._new_session()
        self._is_serving = False
        self._is_start_known = False  # whether the rules that do not wait for the whole have seen the next request
        self._cut: CutRequest | None = None  # what the next request has met of them
        self.is_closing = False
        """Nothing more is read; it ends when the output is taken."""

    @property
    def deadline_s(self) -> float:
        """When look_again() must be called; inf while no answer is held back."""
        held_s = math.inf if self._held_back is None else self._held_back.later.deadline_s
        return min(held_s, self._outbox.next_s)

    @property
    def ended(self) -> End | None:
        """How the connection ends, once take_output() has given all that stands before that."""
        return self._outbox.end

    def receive(self, data: Buffer) -> None:
        """Take bytes from the client and serve what requests they complete."""
        if self.is_closing:
            return
        try:
            self._frames.extend(self._reader.feed(data))
        except ProtocolDecodeError:
            self._close()
        self._serve()

    def receive_end(self) -> None:
        """The client has closed its end: answers that are still held back are not worth giving."""
        self._close()

    def look_again(self) -> None:
        """Give the answer held back, if it is time or worth it now, and serve what came behind it."""
        if self._is_serving:
            return  # what is being served has changed the rules, and goes on in a moment
        if self._held_back is not None:
            self._is_serving = True
            try:
                self._look_at_held_back(self._held_back)
            finally:
                self._is_serving = False
        self._serve()

    def _look_at_held_back(self, held_back: _HeldBack) -> None:
        arrived, later = held_back
        answer = later.look(self._cluster.clock.monotonic() >= later.deadline_s)
        if answer is not None:
            self._held_back = None
            self._answer(arrived, arrived.version, answer)

    def take_output(self) -> list[Buffer]:
        """What to send, once."""
        return self._outbox.take(self._cluster.clock.monotonic())

    def _close(self, end: End = End.CLOSE) -> None:
        if not self.is_closing:
            self.is_closing = True
            self._held_back = None
            self._frames.clear()
            self._outbox.put_end(end)

    def _serve(self) -> None:
        if self._is_serving:
            return
        self._is_serving = True
        try:
            while self._frames and self._is_free:
                self._serve_frame(self._frames.popleft())
            if self._is_free and self._reader.partial_bytes and self._cluster.faults.rules:
                self._look_at_start()
        except ProtocolDecodeError:
            self._close()
        finally:
            self._is_serving = False

    @property
    def _is_free(self) -> bool:
        """Whether the next request may be served."""
        return self._held_back is None and not self.is_closing and self._condition.is_reading

    def _serve_frame(self, frame: Buffer) -> None:
        if self._session is not None and self._session.takes_tokens:
            self._take_token(self._session, bytes(frame))
            return
        header = read_request_header(frame, is_flexible=_is_flexible)
        if self._cluster.faults.rules:
            self._introduce(header)
            if not self._condition.is_reading:
                self._frames.appendleft(frame)
                return
            if self._cut is not None:
                self._close(End.RESET if self._cut.reset else End.CLOSE)
                return
            self._is_start_known = False
        served = SERVED.get(header.api_key)
        low, high = self._versions.get(header.api_key, (0, -1))
        if self._session is not None and not self._session.allows(header.api_key):
            if self._session.is_talking and served is not None and low <= header.version <= high:
                self._refuse_for_now(served, header, frame)
            self._close()
            return
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
        if self._session is not None and header.api_key == ApiVersionsRequest.API_KEY:
            self._session.tell_versions()
        arrived_s = cluster.clock.monotonic()
        cluster.requests.add(
            ReceivedRequest(API_NAMES[header.api_key], version, node.node_id, header.client_id, header.correlation_id, arrived_s, request)
        )
        hits = self._hits(header, functools.partial(named, request, cluster)) if cluster.faults.rules else []
        handler = _locked(served.handle) if served.is_locked else served.handle
        for hit in reversed(hits):
            handler = _met_by(hit, handler)
        call = Call(cluster, node, version, request, self._versions, header.client_id, self._session, self._condition.number)
        self._answer(_Arrived(served, version, header.correlation_id, hits), version, handler(call))

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

    def _answer(self, arrived: _Arrived, version: int, answer: Answer) -> None:
        if answer is Silence.NO_ANSWER:
            return
        if answer is Silence.CLOSE:
            self._close()
        elif isinstance(answer, Later):
            self._held_back = _HeldBack(arrived, answer)
        else:
            frame = _response_frame(arrived, version, answer)
            if arrived.hits:
                self._deliver(arrived, Delivery(b"".join(frame)))
            else:
                self._outbox.put(frame)
            self._end_if_refused(arrived, answer)

    # --- authentication ---------------------------------------------------------------------------------------------

    def _new_session(self) -> SaslSession | None:
        cluster = self._cluster
        if cluster.sasl is None:
            return None
        chance = random.Random(f"{cluster.faults.seed}/nonces/{self._condition.number}")
        return SaslSession(cluster.sasl, cluster.clock, chance, tells_versions_once=cluster.release >= _FIRST_TO_TELL_VERSIONS_ONCE)

    def _refuse_for_now(self, served: Served, header: RequestHeader, frame: Buffer) -> None:
        """Something else than a proof comes in the middle of authentication."""
        request = served.request_class.decode(header.version, frame, header.body_offset)
        call = Call(self._cluster, self._node, header.version, request, self._versions, header.client_id, self._session, self._condition.number)
        self._answer(_Arrived(served, header.version, header.correlation_id), header.version, wholly_refused(call, IllegalSaslStateError.errno))

    def _take_token(self, session: SaslSession, token: bytes) -> None:
        """Brokers before SaslAuthenticate have no words for a refusal: they close the connection."""
        try:
            answer = session.respond(token)
        except AuthenticationFailed:
            self._close()
        else:
            self._outbox.put([len(answer).to_bytes(4, "big") + answer])

    def _end_if_refused(self, arrived: _Arrived, response: Any) -> None:
        """Who is refused by SaslHandshake or SaslAuthenticate is disconnected."""
        if arrived.served.request_class.API_KEY in _SASL_APIS and response.error_code not in (0, IllegalSaslStateError.errno):
            self._close()

    # --- faults -----------------------------------------------------------------------------------------------------

    def _introduce(self, header: RequestHeader) -> None:
        """A request begins: what rules that do not wait for all of it have to say."""
        if self._is_start_known:
            return
        self._is_start_known = True
        self._condition.client_id = header.client_id
        self._condition.look()
        for hit in self._hits(header, None):
            if isinstance(hit.rule.fault, CutRequest):
                self._cut = hit.rule.fault

    def _look_at_start(self) -> None:
        """A request has come in part."""
        start = self._reader.start(_MOST_HEADER_BYTES)
        try:
            self._introduce(read_request_header(start, is_flexible=lambda api_key, version: False))
        except ProtocolDecodeError:
            return  # not enough of it yet
        limit = self._cut.after_bytes if self._cut is not None else None
        if self._cut is not None and limit is not None and self._reader.partial_bytes >= limit:
            self._close(End.RESET if self._cut.reset else End.CLOSE)

    def _hits(self, header: RequestHeader, names: Any) -> list[Hit]:
        """The rules met by a request, of which `names` tells the topics, or by the beginning of one, where it is None."""
        asked = Asked(self._condition.number, self._condition.node_id, header.client_id, header.api_key, names)
        return self._cluster.faults.met_by(asked, self._condition)

    def _deliver(self, arrived: _Arrived, delivery: Delivery) -> None:
        for hit in arrived.hits:
            hit.rule.fault.deliver(delivery, hit.rule.chance)
        self._outbox.deliver(delivery)
        if delivery.cut_at is not None:
            self._close(delivery.end)


def _locked(handle: Handler) -> Handler:
    """The handler, with the cluster's lock held while it works, then or later; faults, which may run code of the user's, work without."""

    def under_lock(call: Call) -> Answer:
        with call.cluster.lock:
            call.cluster.transactions.expire()
            answer = handle(call)
        return _later_locked(answer, call.cluster) if isinstance(answer, Later) else answer

    return under_lock


def _later_locked(later: Later, cluster: Cluster) -> Later:
    def look(must_answer: bool) -> Answer:
        with cluster.lock:
            cluster.transactions.expire()
            found = later.look(must_answer)
        return _later_locked(found, cluster) if isinstance(found, Later) else found

    return Later(later.deadline_s, look)


def _met_by(hit: Hit, usual: Handler) -> Handler:
    return lambda call: hit.rule.fault.serve(hit, call, usual)


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
