"""One broker's connection: connecting, handshake, requests and answers, time-outs, and waiting to try again.

Imported by: client.client.  Imports: client.*, errors, protocol, _clock, _transport, _log.
"""

from __future__ import annotations

import math
import random
import selectors
import ssl
from collections import deque
from collections.abc import Sequence
from typing import Any, Callable, NamedTuple, Union

from kafka._clock import Clock
from kafka._log import RateLimited
from kafka._transport import Selector, SocketOption, Stream, Transport
from kafka.client.addresses import Address
from kafka.client.backoff import Backoff
from kafka.client.channel import Channel, ConnectionLostError
from kafka.client.handshake import SILENCE_S, Closing, Handshake, refused_without_words
from kafka.client.inflight import Buffer, InFlight, OnFailure, OnResponse, OnWritten, Outgoing, Request
from kafka.client.metrics import ClientMetrics
from kafka.client.negotiation import VersionPolicy, request_buffers, response_from
from kafka.client.options import ClientOptions
from kafka.client.resolver import Resolution, Resolver, SocketAddress
from kafka.client.sasl.abc import SaslMechanism
from kafka.client.states import SETTING_UP, SHAKING_HANDS, TRANSITIONS, ConnectionState
from kafka.client.tls import TlsStream
from kafka.errors import (
    IllegalStateError,
    KafkaConnectionError,
    KafkaError,
    KafkaProtocolError,
    NodeNotReadyError,
    RequestTimedOutError,
    SaslAuthenticationFailedError,
    UnsupportedSaslMechanismError,
)
from kafka.protocol.api_versions import ApiVersionsRequest
from kafka.protocol.metadata import MetadataRequest
from kafka.protocol.produce import ProduceRequest
from kafka.protocol.versions import ApiVersionTable

NodeId = Union[int, str]

_S = ConnectionState
_READY = ConnectionState.READY
_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE

_TCP_CONNECT_S = 2.5
"""Bound on TCP alone: a new attempt finds a healed network sooner than the old one's SYNs, which are sent ever more rarely."""
_FULL_TIME_EVERY = 4  # attempts; a network that really needs longer gets all of the set-up time then
_UNSURE_AFTER_S = 60.0
"""A connection that was silent for so long may be gone without a word: NAT and load balancers forget flows that are idle."""
_QUIET_AFTER_S = 0.01  # with nothing to answer; sooner than that, one more system call for each request would be felt
_PROOF_S = 2.0  # how long the broker may take then to answer the first question, which is none that matters
_STABLE_S = 1.0  # a connection that lasted so long did not fail at once
_SESSION_USE = 0.9  # share of a SASL session's lifetime after which the connection is replaced (KIP-368 says 0.85 to 0.95)
_CORRELATION_IDS = 2**31
_LEAST_BACKOFF_S = 0.01  # a refused connection fails at once: without any wait the thread would do nothing else
# From these versions on brokers answer first and want to be left alone for throttle_time_ms after (KIP-219).
_CLIENT_THROTTLES_FROM = {ProduceRequest.API_KEY: 6, MetadataRequest.API_KEY: 6}
_AUTHENTICATION_ERRORS = (SaslAuthenticationFailedError, UnsupportedSaslMechanismError)


class ConnectionTools(NamedTuple):
    """What all connections of a client share."""

    options: ClientOptions
    clock: Clock
    random: random.Random
    transport: Transport
    selector: Selector
    resolver: Resolver
    tls_context: ssl.SSLContext | None
    new_mechanism: Callable[[], SaslMechanism] | None
    policy: VersionPolicy
    metrics: ClientMetrics
    socket_options: Sequence[SocketOption]
    log: RateLimited


class BrokerConnection:
    """Connects to one node again and again, one socket at a time.

    Invariant: every request that enqueue() took is told its answer, that it is written, or its failure, exactly once.
    Threads: the I/O thread, or the constructor's before it exists.
    """

    def __init__(self, node_id: NodeId, address: Address, tools: ConnectionTools) -> None:
        self.node_id = node_id
        self.address = address
        self.state = _S.DISCONNECTED
        self.in_flight = InFlight()
        self.table: ApiVersionTable | None = None
        self.last_error: BaseException | None = None
        self.is_suspect = False
        """A request timed out, and nothing has been heard since."""
        self.is_ready = False
        """Connected, and takes requests."""
        self.is_retiring = False
        """Takes no more requests and closes when the last is answered."""
        self.retry_at_s = -math.inf
        self.throttled_until_s = -math.inf
        self.began_s = -math.inf
        """When connecting began."""
        self.backoff = Backoff(
            first_s=max(_LEAST_BACKOFF_S, tools.options.reconnect_backoff_s),
            most_s=tools.options.reconnect_backoff_max_s,
            random=tools.random,
        )
        self._tools = tools
        self._metrics = tools.metrics
        self._clock = tools.clock
        self._client_id = tools.options.client_id
        self._max_idle_s = tools.options.connections_max_idle_s
        self._addresses: deque[SocketAddress] = deque()
        self._stream: Stream | None = None
        self._tls: TlsStream | None = None
        self._channel: Channel | None = None
        self._handshake: Handshake | None = None
        self._versions: dict[type[Any], int] = {}  # that requests are sent with
        self._mask = 0
        self._setup_deadline_s = math.inf
        self._tcp_deadline_s = math.inf
        self._silence_at_s = math.inf
        self._retire_at_s = math.inf
        self._idle_since_s = 0.0
        self._ready_since_s = 0.0
        self._slow_attempts = 0
        self._next_correlation_id = 0
        self._closed_on_versions = False
        self._was_useful = False
        self._last_counted_s = -math.inf
        self._is_counted = False

    def __repr__(self) -> str:
        return f"<BrokerConnection node {self.node_id} at {self.address}, {self.state.value}, {len(self.in_flight)} in flight>"

    # --- what others ask ------------------------------------------------------------------------------------------

    def is_quiet(self, now_s: float) -> bool:
        """Whether it waits for nothing, and has for a while."""
        return not len(self.in_flight) and now_s - self._idle_since_s > _QUIET_AFTER_S

    def is_unsure(self, now_s: float) -> bool:
        """Whether nothing was heard for so long that it should prove that it lives before records are entrusted to it."""
        return now_s - self._idle_since_s > _UNSURE_AFTER_S and not self.in_flight.counted

    @property
    def is_setting_up(self) -> bool:
        return self.state in SETTING_UP

    def has_more_to_read(self) -> bool:
        """Bytes are here that select() does not know of."""
        return (self._channel is not None and self._channel.has_more_to_read) or (self._tls is not None and self._tls.has_pending)

    def next_deadline_s(self) -> float:
        """When check_time() has something to do."""
        if self.state is _READY:
            busy = len(self.in_flight)
            return min(self.in_flight.next_deadline_s() if busy else self._idle_since_s + self._max_idle_s, self._retire_at_s)
        if self.state in SETTING_UP:
            return min(self._setup_deadline_s, self._tcp_deadline_s, self._silence_at_s)
        return math.inf

    # --- connecting -----------------------------------------------------------------------------------------------

    def connect(self) -> None:
        """Begin to connect, unless that is under way or the time to wait is not over."""
        now_s = self._clock.monotonic()
        if self.state is not _S.DISCONNECTED or now_s < self.retry_at_s:
            return
        self.began_s = now_s
        self._setup_deadline_s = now_s + self._tools.options.setup_timeout_s
        self._transition(_S.RESOLVING)
        self._attempt(self._find_address)

    def _find_address(self) -> None:
        if self._addresses:  # left over from the last look-up
            self._transition(_S.CONNECTING)
            self._try_addresses(None)
            return
        resolution = self._tools.resolver.resolve(self.address)
        if resolution is not None:
            self._use(resolution)

    def on_resolved(self, resolution: Resolution) -> None:
        """The name was looked up; ignored where nobody waits for it any more."""
        if self.state is _S.RESOLVING and resolution.address == self.address:
            self._attempt(self._use, resolution)

    def _use(self, resolution: Resolution) -> None:
        if resolution.error is not None:
            self._lose(KafkaConnectionError(f"{self.address.host} cannot be looked up: {_words(resolution.error)}"))
            return
        self._addresses.extend(resolution.found)
        self._transition(_S.CONNECTING)
        self._try_addresses(None)

    def _try_addresses(self, error: OSError | None) -> None:
        """Try the next address that can be tried; without one the attempt has failed, for `error` or for a newer reason."""
        tools = self._tools
        self._drop_stream()
        while self._addresses:
            family, address = self._addresses.popleft()
            try:
                self._stream = tools.transport.connect(family, address, tools.socket_options)
            except OSError as failure:
                error = failure
                continue
            now_s = tools.clock.monotonic()
            self._setup_deadline_s = now_s + tools.options.setup_timeout_s
            takes_all = self._slow_attempts % _FULL_TIME_EVERY == _FULL_TIME_EVERY - 1
            self._tcp_deadline_s = math.inf if takes_all else now_s + _TCP_CONNECT_S
            self._watch(_WRITE)
            return
        self._lose(KafkaConnectionError(_words(error)), cause=error)

    def _on_connected(self) -> None:
        stream, tools = self._the_stream(), self._tools
        try:
            stream.finish_connect()
        except OSError as error:
            self._try_addresses(error)
            return
        self._tcp_deadline_s = math.inf
        self._slow_attempts = 0
        self._is_counted = True
        tools.metrics.connection_created()
        if tools.tls_context is None:
            self._negotiate()
            return
        self._transition(_S.TLS_HANDSHAKE)
        try:
            self._tls = TlsStream(stream, tools.tls_context, self.address.host)
        except ValueError as error:
            raise OSError(f"{self.address.host!r} cannot be asked for by TLS: {error}") from error
        self._step_tls()

    def _step_tls(self) -> None:
        tls = self._tls
        if tls is None:
            return
        if tls.handshake():
            self._negotiate()
        else:
            self._watch(_READ | _WRITE if tls.has_unsent else _READ)

    def _negotiate(self) -> None:
        tools = self._tools
        self._transition(_S.NEGOTIATING)
        self._channel = Channel(self._the_stream(), self._tls, max_response_bytes=tools.options.max_response_bytes, on_written=self._on_written)
        self._handshake = Handshake(
            client_id=tools.options.client_id,
            believed=tools.policy.believed,
            mechanism=None if tools.new_mechanism is None else tools.new_mechanism(),
            asks_metadata_first=self._closed_on_versions,
        )
        self._say(self._handshake, self._handshake.start())
        self._silence_at_s = tools.clock.monotonic() + SILENCE_S

    def _say(self, handshake: Handshake, buffers: list[Buffer]) -> None:
        """Send the handshake's next words and see how far it has come."""
        if buffers:
            outgoing = Outgoing(buffers)
            self._the_channel().queue(outgoing)
            self._metrics.request_sent(self.node_id, outgoing.size_bytes)
        if handshake.is_authenticating and self.state is _S.NEGOTIATING:
            self._transition(_S.AUTHENTICATING)
        if handshake.is_done:
            self._on_ready(handshake)
        self.flush()

    def _on_ready(self, handshake: Handshake) -> None:
        tools, table = self._tools, handshake.table
        if table is None:
            raise KafkaProtocolError("The handshake ended without versions")
        if handshake.old_release is not None:
            tools.policy.believe(handshake.old_release)
        tools.policy.saw(table)
        self._transition(_S.READY)
        now_s = tools.clock.monotonic()
        self.table = table
        self._versions.clear()
        self.last_error = None
        self.is_suspect = self._closed_on_versions = self._was_useful = False
        self._last_counted_s = -math.inf
        self._next_correlation_id = handshake.next_correlation_id
        self._ready_since_s = self._idle_since_s = now_s
        if handshake.session_lifetime_s is not None:
            self._retire_at_s = now_s + handshake.session_lifetime_s * _SESSION_USE
        self._addresses.clear()  # the next connection begins with a new look-up
        tools.log.debug(f"ready {self.node_id}", "Connected to node %s at %s", self.node_id, self.address)

    # --- requests ---------------------------------------------------------------------------------------------------

    def version_for(self, request_class: type[Any]) -> int:
        """The version to ask with; NodeNotReadyError while not connected, UnsupportedVersionError where there is none."""
        version = self._versions.get(request_class)
        if version is None:
            if self.table is None:
                raise NodeNotReadyError(f"Node {self.node_id} is not connected")
            version = self._versions[request_class] = self._tools.policy.version_for(request_class, self.table)
        return version

    def enqueue(
        self,
        request: Any,
        timeout_s: float,
        is_counted: bool,
        on_response: OnResponse,
        on_failure: OnFailure,
        on_written: OnWritten | None,
    ) -> None:
        """Take a request; the next poll sends it. Raises what encoding raises, and nothing is sent then."""
        version = self.version_for(type(request))
        correlation_id = self._next_correlation_id
        buffers = request_buffers(request, version, correlation_id, self._client_id)
        self._next_correlation_id = (correlation_id + 1) % _CORRELATION_IDS
        now_s = self._clock.monotonic()
        if is_counted:
            self._last_counted_s = now_s
        elif self.is_unsure(now_s):
            timeout_s = min(timeout_s, _PROOF_S)
        entry = Request(
            buffers,
            correlation_id,
            type(request),
            version,
            now_s,
            now_s + timeout_s,
            is_counted,
            on_response,
            on_failure,
            on_written,
        )
        channel = self._the_channel()
        self._metrics.request_sent(self.node_id, entry.size_bytes)
        channel.queue(entry)  # nothing fails from here on: the caller takes an error for a request that was not taken
        self.in_flight.add(entry)

    def ask_for_proof(self) -> None:
        """Ask something harmless, unless an answer is awaited anyway: a connection that leads nowhere is lost after _PROOF_S."""
        if not len(self.in_flight):
            self._attempt(self.enqueue, MetadataRequest(topics=[]), _PROOF_S, False, _ignore, _ignore, None)

    def has_unsent(self) -> bool:
        return self._channel is not None and self._channel.has_unsent()

    def waits_to_write(self) -> bool:
        """The selector will say when there is room in the socket."""
        return bool(self._mask & _WRITE)

    def flush(self) -> None:
        """Send what the socket takes; OSError where the connection is lost."""
        channel = self._channel
        if channel is None:
            return
        sent = channel.flush()
        if sent:
            self._metrics.bytes_sent(self.node_id, sent)
        if self._channel is channel:
            self._watch(_READ | _WRITE if channel.has_unsent() else _READ)

    def _on_written(self, outgoing: Outgoing) -> None:
        if isinstance(outgoing, Request) and outgoing.on_written is not None:
            self.in_flight.remove(outgoing)
            self._idle_since_s = self._clock.monotonic()
            self._guarded(outgoing.on_written)

    # --- events -----------------------------------------------------------------------------------------------------

    def on_selected(self, mask: int) -> None:
        """The selector says that the socket is readable, writable or both."""
        try:
            self._handle(mask)
        except Exception as error:  # noqa: BLE001 - it is known and costs the connection, or is logged
            self._deal_with(error)

    def try_flush(self) -> None:
        """flush(), with a lost connection dealt with."""
        try:
            self.flush()
        except Exception as error:  # noqa: BLE001 - as above
            self._deal_with(error)

    def _attempt(self, action: Callable[..., None], *arguments: Any) -> None:
        try:
            action(*arguments)
        except Exception as error:  # noqa: BLE001 - as above
            self._deal_with(error)

    def _deal_with(self, error: Exception) -> None:
        """An exception handler's: the connection is lost, whatever it was."""
        if isinstance(error, (OSError, KafkaError)):
            self._lose_if_open(error)
            return
        self._tools.log.exception(f"surprise {self.node_id}", "Unexpected error on the connection to %s", self._name())
        self._lose_if_open(KafkaConnectionError(f"unexpected error: {error!r}"))

    def _lose_if_open(self, error: OSError | KafkaError) -> None:
        if self.state not in (_S.DISCONNECTED, _S.CLOSED):
            self._lose(error)

    def _handle(self, mask: int) -> None:
        if self.state is _S.CONNECTING:
            self._on_connected()
        elif self.state is _S.TLS_HANDSHAKE:
            self._step_tls()
        elif self._channel is not None:
            if mask & _READ:
                self._read()
            if mask & _WRITE and self._channel is not None:
                self.flush()

    def _read(self) -> None:
        channel = self._the_channel()
        received, frames = channel.read()
        if received:
            self._metrics.bytes_received(self.node_id, received)
        for frame in frames:
            if self._channel is not channel:
                return  # lost, or closed by a callback
            if self.state is _READY:
                self._on_answer(frame)
            else:
                self._on_handshake_frame(frame)
        if self._channel is channel and self._tls is not None and self._tls.has_unsent:
            self.flush()

    def _on_handshake_frame(self, frame: bytes) -> None:
        handshake = self._handshake
        if handshake is not None and self.state in SHAKING_HANDS:
            self._say(handshake, handshake.receive(frame))

    def _on_answer(self, frame: bytes) -> None:
        if len(frame) < 4:
            raise KafkaProtocolError(f"An answer of {len(frame)} bytes came")
        now_s = self._clock.monotonic()
        request = self.in_flight.match(int.from_bytes(frame[:4], "big", signed=True))
        try:
            response = response_from(request.request_class, request.version, frame)
            self._note_answer(request, response, now_s)
        except KafkaError as error:
            self._lose(error, also=[request])
            return
        except Exception as error:
            self._tools.log.exception(f"surprise {self.node_id}", "Unexpected error while an answer of %s was read", self._name())
            self._lose(KafkaConnectionError(f"unexpected error: {error!r}"), also=[request])
            return
        try:
            request.on_response(response, self.node_id)
        except Exception:  # noqa: BLE001 - it is logged there
            self._on_bad_callback()

    def _note_answer(self, request: Request, response: Any, now_s: float) -> None:
        """What an answer says of the node."""
        self.is_suspect = False
        self._idle_since_s = now_s
        self._was_useful = self._was_useful or request.is_counted
        self._metrics.response_received(self.node_id, now_s - request.queued_at_s)
        throttle_ms = getattr(response, "throttle_time_ms", 0) or 0
        if throttle_ms > 0:
            self._metrics.throttled(self.node_id, throttle_ms)
            if request.version >= _CLIENT_THROTTLES_FROM.get(request.request_class.API_KEY, math.inf):
                self.throttled_until_s = now_s + throttle_ms / 1000

    def _guarded(self, callback: Callable[..., None], *arguments: Any) -> None:
        try:
            callback(*arguments)
        except Exception:  # noqa: BLE001 - it is logged there
            self._on_bad_callback()

    def _on_bad_callback(self) -> None:
        """An exception handler's: nothing that callbacks raise gets out."""
        self._tools.log.exception(f"callback {self.node_id}", "Unexpected error while an answer of node %s was handled", self.node_id)

    # --- time -------------------------------------------------------------------------------------------------------

    def check_time(self, now_s: float) -> None:
        """Act on what is due. What has arrived is read first: a process that was frozen must not time out answers it has."""
        if now_s < self.next_deadline_s():
            return
        self.read_now()
        if now_s >= self.next_deadline_s():
            self._act_on_time(now_s)

    def read_now(self) -> None:
        """Take in what has arrived, without waiting for more."""
        if self.state is not _S.CONNECTING and self._stream is not None:
            self._attempt(self._handle, _READ)

    def _act_on_time(self, now_s: float) -> None:
        if self.state is _S.READY:
            self._check_requests(now_s)
        elif now_s >= self._setup_deadline_s:
            self._slow_attempts += self.state is _S.CONNECTING
            setup_s = self._tools.options.setup_timeout_s
            self._lose_or_try_next(KafkaConnectionError(f"it was not ready after {setup_s:g} s, while {self.state.value}"))
        elif now_s >= self._tcp_deadline_s:
            self._slow_attempts += 1
            self._lose_or_try_next(KafkaConnectionError(f"no TCP connection after {_TCP_CONNECT_S:g} s"))
        elif self._handshake is not None and now_s >= self._silence_at_s:
            self._silence_at_s = math.inf
            handshake = self._handshake
            self._attempt(lambda: self._say(handshake, handshake.on_silence()))

    def _lose_or_try_next(self, error: KafkaConnectionError) -> None:
        if self.state is _S.CONNECTING:
            self._try_addresses(TimeoutError(str(error.args[0])))
        else:
            self._lose(error)

    def _check_requests(self, now_s: float) -> None:
        expired = self.in_flight.first_expired(now_s)
        if expired is not None:
            self.is_suspect = True
            waited_s = now_s - expired.queued_at_s
            self._lose(RequestTimedOutError(f"{expired.request_class.__name__} to node {self.node_id} was not answered in {waited_s:.1f} s"))
        elif now_s >= self._retire_at_s:
            self._retire_at_s = math.inf
            self.retire()
        elif not len(self.in_flight):
            self._tools.log.debug(f"idle {self.node_id}", "Closing the connection to node %s, which was not used", self.node_id)
            self.disconnect()

    # --- ending -----------------------------------------------------------------------------------------------------

    def retire(self) -> None:
        """Take no more requests; close when those in flight are answered."""
        self.is_retiring = True
        self.is_ready = False
        self.close_if_retired()

    def close_if_retired(self) -> None:
        if self.is_retiring and not len(self.in_flight):
            self.disconnect()

    def disconnect(self) -> None:
        """Close quietly; the next connect() may follow at once."""
        if self.state in (_S.DISCONNECTED, _S.CLOSED):
            return
        self._abandon(KafkaConnectionError(f"The connection to {self._name()} was closed"))
        self.backoff.reset()
        self.retry_at_s = -math.inf

    def move_to(self, address: Address) -> None:
        """The node has another address now: requests in flight are still answered at the old one, new ones go to the new."""
        self.address = address
        self._addresses.clear()
        if self.state is _S.READY:
            self.retire()
        else:
            self.disconnect()
            self.backoff.reset()
            self.retry_at_s = -math.inf

    def close(self) -> None:
        """Close for good."""
        if self.state is not _S.CLOSED:
            self._abandon(KafkaConnectionError(f"The connection to {self._name()} was closed"), to=_S.CLOSED)

    def _lose(self, error: OSError | KafkaError, *, cause: BaseException | None = None, also: Sequence[Request] = ()) -> None:
        """The connection, or the attempt to make one, has failed: say so, wait longer each time, tell those who wait for answers."""
        now_s = self._clock.monotonic()
        was_ready = self.state is _S.READY
        failure = self._failure(error, was_ready)
        failure.__cause__ = cause if cause is not None else error if error is not failure else None
        _forget_frames(failure)
        is_quiet = was_ready and isinstance(error, (ConnectionError, TimeoutError)) and not len(self.in_flight)
        self.last_error = failure
        if was_ready and (self._was_useful or (is_quiet and now_s - self._ready_since_s >= _STABLE_S)):
            self.backoff.reset()
        if isinstance(failure, _AUTHENTICATION_ERRORS):
            self.retry_at_s = now_s + self.backoff.fail_for_long()
        elif is_quiet and now_s - self._ready_since_s >= _STABLE_S:
            self.retry_at_s = now_s
        else:
            self.retry_at_s = now_s + self.backoff.fail()
        tells_age = self._interpret_closing(error)
        if was_ready and isinstance(error, ConnectionError):
            self._doubt_versions(now_s)
        self._log_loss(failure, is_quiet=is_quiet, tells_age=tells_age)
        self._abandon(failure, also=also)

    def _failure(self, error: OSError | KafkaError, was_ready: bool) -> KafkaError:
        """What to tell those who wait: retriable, with the node's name."""
        handshake = self._handshake
        if isinstance(error, (RequestTimedOutError, *_AUTHENTICATION_ERRORS)):
            return error
        if isinstance(error, ConnectionLostError) and handshake is not None and not was_ready and handshake.on_closed() is Closing.REFUSED:
            return refused_without_words(handshake.mechanism_name)
        if isinstance(error, ssl.SSLError):
            words = f"TLS with {self._name()} failed: {_words(error)}"
        elif was_ready:
            words = f"The connection to {self._name()} was lost: {_words(error)}"
        else:
            hint = ""
            if isinstance(error, ConnectionError) and self.state is _S.NEGOTIATING and self._tls is None:
                hint = " (does it expect TLS or SASL?)"
            words = f"Cannot connect to {self._name()}: {_words(error)}{hint}"
        return KafkaConnectionError(words)

    def _interpret_closing(self, error: BaseException) -> bool:
        """Whether this may tell the broker's age: 0.8.2 closes when it is asked for its versions, and so may one that restarts."""
        if self._handshake is None or self.state not in SHAKING_HANDS or not isinstance(error, ConnectionError):
            return False
        is_first = not self._closed_on_versions
        self._closed_on_versions = self._closed_on_versions or self._handshake.on_closed() is Closing.MAYBE_OLD
        return is_first and self._closed_on_versions

    def _doubt_versions(self, now_s: float) -> None:
        """A broker that closes on the first Produce it gets may be newer than believed: 4.x does so on what 0.8 and 0.9 took."""
        is_on_produce = not self._was_useful and now_s - self._last_counted_s < _STABLE_S
        if is_on_produce and self.table is not None and ApiVersionsRequest.API_KEY not in self.table.ranges:
            self._tools.policy.doubt()

    def _log_loss(self, failure: KafkaError, *, is_quiet: bool, tells_age: bool) -> None:
        log = self._tools.log
        if is_quiet:
            log.debug(f"closed {self.node_id}", "The connection to node %s at %s ended while it was idle", self.node_id, self.address)
        elif isinstance(failure, _AUTHENTICATION_ERRORS):
            log.error(f"authentication {self.node_id}", "Authentication with %s failed: %s", self._name(), failure)
        elif tells_age:
            log.debug(f"versions {self.node_id}", "%s; it may be too old to be asked for its versions", failure)
        else:
            log.warning(f"lost {self.node_id}", "%s; trying again in %.2f s", failure, max(0.0, self.retry_at_s - self._clock.monotonic()))

    def _abandon(self, failure: KafkaError, *, also: Sequence[Request] = (), to: ConnectionState = _S.DISCONNECTED) -> None:
        """Let the socket go and tell every request that waited; callbacks come last, when all else is in order."""
        lost = [*also, *self.in_flight.take_all()]
        self._drop_stream()
        self._transition(to)
        self.is_retiring = False
        others: KafkaError = failure
        if isinstance(failure, RequestTimedOutError):
            others = KafkaConnectionError(f"The connection to {self._name()} was closed: {failure}")
        now_s = self._clock.monotonic()
        for request in lost:
            timed_out = isinstance(failure, RequestTimedOutError) and request.deadline_s <= now_s
            self._guarded(request.on_failure, failure if timed_out else others, request.is_started)

    def shutdown_write(self) -> bool:
        """Send what is left as far as it goes at once, then tell the broker that no more comes; True if it may be reading yet."""
        if self.state is not _S.READY or self._channel is None:
            return False
        try:
            self._channel.flush()
            self._channel.shutdown_write()
        except OSError:
            return False
        return True

    def forget(self) -> None:
        """Close this process's socket without a word to selector or broker, whatever state it is in."""
        if self._stream is not None:
            self._stream.close()
        self._stream = self._tls = self._channel = None

    def _drop_stream(self) -> None:
        self._silence_at_s = self._tcp_deadline_s = self._retire_at_s = math.inf
        stream = self._stream
        self._stream = self._tls = self._channel = self._handshake = None
        if stream is None:
            return
        if self._mask:
            self._tools.selector.unregister(stream)
            self._mask = 0
        stream.close()
        if self._is_counted:
            self._is_counted = False
            self._metrics.connection_closed()

    # --- small change -----------------------------------------------------------------------------------------------

    def _transition(self, to: ConnectionState) -> None:
        """Change the state; IllegalStateError, and no change, where the table has no such step."""
        if to not in TRANSITIONS[self.state]:
            raise IllegalStateError(f"{self!r} cannot become {to.value}")
        self.state = to
        self.is_ready = to is _READY and not self.is_retiring

    def _watch(self, mask: int) -> None:
        """Have the selector watch for `mask`."""
        stream = self._the_stream()
        if self._mask == mask:
            return
        if self._mask:
            self._tools.selector.modify(stream, mask, self)
        else:
            self._tools.selector.register(stream, mask, self)
        self._mask = mask

    def _the_stream(self) -> Stream:
        if self._stream is None:
            raise IllegalStateError(f"{self!r} has no stream")
        return self._stream

    def _the_channel(self) -> Channel:
        if self._channel is None:
            raise IllegalStateError(f"{self!r} has no channel")
        return self._channel

    def _name(self) -> str:
        return f"node {self.node_id} at {self.address}"


def _ignore(*outcome: Any, **more: Any) -> None:
    """That there is an answer is all that counts; without one the connection is lost."""


def _forget_frames(error: BaseException) -> None:
    """An error that is kept keeps no frames: those of the constructor's thread reach up to the producer, which could never be collected."""
    link: BaseException | None = error
    while link is not None:
        link.__traceback__ = None
        link = link.__cause__ or link.__context__


def _words(error: BaseException | None) -> str:
    """What an error says, without errno and class where it says something."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the broker's certificate is not accepted: {error.verify_message}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, KafkaError) and error.args:
        return str(error.args[0])
    return str(error) or type(error).__name__
