"""KafkaClient: all connections of one client, one select for them, and metadata.

Imported by: producer.sender, producer.assembly, kafka.  Imports: client.*, cluster, protocol, _clock, _transport, _log.
"""

from __future__ import annotations

import functools
import logging
import math
import random
import selectors
import socket
from collections.abc import Callable
from typing import Any, ClassVar

from kafka._clock import Clock
from kafka._log import Outlet, RateLimited
from kafka._transport import SocketOption, Transport, watch_of
from kafka.client.addresses import Address
from kafka.client.connection import BrokerConnection, ConnectionTools, NodeId
from kafka.client.inflight import OnFailure, OnResponse, OnWritten
from kafka.client.metadata import Action, MetadataSchedule, candidates, choose_node, response_error
from kafka.client.metrics import ClientMetrics
from kafka.client.negotiation import VersionPolicy
from kafka.client.options import ClientOptions
from kafka.client.resolver import Resolver
from kafka.client.sasl import require_mechanism
from kafka.client.states import ConnectionState
from kafka.client.status import BrokerStatus
from kafka.client.tls import build_context
from kafka.cluster import ClusterMetadata
from kafka.errors import (
    KafkaError,
    NoBrokersAvailable,
    NodeNotReadyError,
    SaslAuthenticationFailedError,
    UnsupportedSaslMechanismError,
    as_kafka_error,
)
from kafka.protocol.metadata import MetadataRequest

log = logging.getLogger(__name__)

_LONGEST_SELECT_S = 3600.0  # selectors cannot count to infinity
_PAUSE_S = 0.5  # a turn that takes so much longer than planned was held up: the process was stopped, or user code took its time
_LAST_WORDS_S = 1.0  # how long close() lets brokers read what needs no answer
_KEEPALIVE = (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4))
_AUTHENTICATION_ERRORS = (SaslAuthenticationFailedError, UnsupportedSaslMechanismError)
_DISCONNECTED = ConnectionState.DISCONNECTED


class KafkaClient:
    """Owns the network.

    Invariant: poll() blocks in one select at most, and next_deadline_s() says when there is something to do without an event.
    Threads: the I/O thread, or the constructor's before it exists; wake(), limit_closing(), api_version,
    bootstrap_connected(), in_flight_request_count() and status() any.
    """

    API_VERSIONS: ClassVar[list[tuple[int, ...]]] = [(0, 10, 1), (0, 10, 0), (0, 10), (0, 9), (0, 8, 2), (0, 8, 1), (0, 8, 0)]
    """What code written for release 1.3 looks up; newer tuples are taken as well."""

    def __init__(
        self,
        *,
        options: ClientOptions,
        clock: Clock,
        random: random.Random,
        transport: Transport,
        cluster: ClusterMetadata,
        metrics: ClientMetrics,
        outlet: Outlet | None = None,
    ) -> None:
        self._options = options
        self._max_in_flight = options.max_in_flight
        self._clock = clock
        self._random = random
        self._cluster = cluster
        self._metrics = metrics
        self._policy = VersionPolicy(options.api_version)
        tls_context = None if options.tls is None else build_context(options.tls)
        self._selector = transport.selector()
        self._is_woken = False  # set by any thread, cleared by the I/O thread after its select
        self._is_sleeping = False  # the I/O thread is in its select, or about to look at _is_woken and enter it
        self._must_drain = False  # the waker was readable; emptied before the next select, since what it was for comes first
        self._is_rung = False  # set by any thread that then writes a byte to the waker; cleared by the I/O thread when it has drained that
        self._ringing: list[None] = []  # one for each thread between the two: a signal handler that interrupts it there must not count on its byte
        self._resolver = Resolver(transport=transport, client_id=options.client_id, wake=self.wake)
        self._tools = ConnectionTools(
            options=options,
            clock=clock,
            random=random,
            transport=transport,
            selector=self._selector,
            resolver=self._resolver,
            tls_context=tls_context,
            new_mechanism=_mechanism_maker(options),
            policy=self._policy,
            metrics=metrics,
            socket_options=_socket_options(options),
            log=RateLimited(logging.getLogger("kafka.conn"), clock, outlet),
        )
        addresses = list(options.bootstrap_servers)
        random.shuffle(addresses)
        self._bootstrap = [BrokerConnection(f"bootstrap-{number}", address, self._tools) for number, address in enumerate(addresses)]
        self._nodes: dict[NodeId, BrokerConnection] = {}
        self._leaving: list[BrokerConnection] = []  # no longer in metadata, with requests in flight
        self._connections: tuple[BrokerConnection, ...] = ()  # all of them; replaced whole, since other threads count
        self._note_connections()
        self._metadata = MetadataSchedule(cluster=cluster, max_age_s=options.metadata_max_age_s, retry_s=options.retry_backoff_s, random=random)
        self._metadata_at_s = -math.inf
        self._seen_cluster = 0
        self._sends_without_answer = False
        self._closes_by_s = math.inf  # written by any thread
        self._is_closed = False
        self._has_called_back = False  # what the caller of poll() computed its time-out from may have changed
        waker = None
        try:
            waker = self._waker = transport.waker()  # last, since nobody can close a client that Ctrl-C interrupts here
            self._selector.register(self._waker, selectors.EVENT_READ, None)
        except BaseException:
            if waker is not None:
                waker.close()
            raise

    # --- any thread ---------------------------------------------------------------------------------------------

    @property
    def api_version(self) -> tuple[int, ...] | None:
        """The newest release of Kafka whose versions the first broker seen covers; None before that."""
        return self._policy.release

    @property
    def watch(self) -> Any:
        """What has threads look for an outcome before they sleep (_speedups.outcomes.Watch); None with a selector that has no such thing."""
        return watch_of(self._selector)

    def wake(self) -> None:
        """Interrupt poll(), or have the next one return at once; never blocks, and makes a system call only where the I/O thread sleeps.

        That call lets go of the interpreter: made for each batch, it would have this thread wait for its turn again each time.
        """
        self._is_woken = True
        if self._is_sleeping and (not self._is_rung or self._ringing):
            self._ringing.append(None)
            self._is_rung = True
            self._waker.wake()
            self._ringing.pop()

    def limit_closing(self, deadline_s: float) -> None:
        """Have close() wait for brokers no longer than until then, also where it is waiting now."""
        self._closes_by_s = min(self._closes_by_s, deadline_s)
        self.wake()

    def bootstrap_connected(self) -> bool:
        """Whether a connection to a bootstrap server is open, which is so until one to a broker named by metadata replaces it."""
        return any(connection.state is ConnectionState.READY for connection in self._bootstrap)

    def in_flight_request_count(self) -> int:
        return sum(len(connection.in_flight) for connection in self._connections)

    def status(self, now_s: float) -> tuple[BrokerStatus, ...]:
        """The brokers that metadata names, and the bootstrap servers that are in use; a moment's view."""
        return tuple(
            BrokerStatus(
                node_id=connection.node_id,
                host=connection.address.host,
                port=connection.address.port,
                state=connection.state.value,
                requests_in_flight=len(connection.in_flight),
                last_error=connection.last_error,
                retry_in_s=max(0.0, connection.retry_at_s - now_s) if connection.state is _DISCONNECTED else 0.0,
                throttled_for_s=max(0.0, connection.throttled_until_s - now_s),
                is_busy=connection.in_flight.counted >= self._max_in_flight,
            )
            for connection in self._connections
            if isinstance(connection.node_id, int) or connection.state is not _DISCONNECTED or not self._nodes
        )

    # --- the constructor's thread -------------------------------------------------------------------------------

    def bootstrap(self, deadline_s: float | None) -> None:
        """Meet the cluster: return when metadata has been answered. NoBrokersAvailable at the deadline; None contacts nobody.

        An authentication that a broker refuses is raised at once.
        """
        if deadline_s is None:
            return
        self._cluster.update_wanted = True
        while True:
            now_s = self._clock.monotonic()
            self.poll(max(0.0, min(self.next_deadline_s(now_s), deadline_s) - now_s), now_s)
            if self._metadata.answers:
                return
            for connection in self._bootstrap:
                if isinstance(connection.last_error, _AUTHENTICATION_ERRORS):
                    raise connection.last_error
            if self._clock.monotonic() >= deadline_s:
                raise NoBrokersAvailable(self._why_nobody_answered())

    def _why_nobody_answered(self) -> str:
        reasons = [f"{connection.address}: {connection.last_error or connection.state.value}" for connection in self._bootstrap]
        return "; ".join(reasons)

    # --- the I/O thread: what the sender asks -------------------------------------------------------------------

    def can_send(self, node_id: NodeId, now_s: float) -> bool:
        """Whether a Produce request may go out now: connected, not throttled, fewer in flight than allowed.

        Who was not heard of for a while may have closed the connection unseen, while the process was stopped for one: that is looked for first.
        """
        connection = self._nodes.get(node_id)
        if connection is None:
            return False
        if connection.is_quiet(now_s):
            connection.read_now()
        return (
            connection.is_ready
            and connection.in_flight.counted < self._max_in_flight
            and connection.throttled_until_s <= now_s
            and not connection.is_unsure(now_s)
        )

    def ready_in_s(self, node_id: NodeId, now_s: float) -> float:
        """After how many seconds it is worth asking can_send() or connect() again; inf where an event will tell."""
        connection = self._nodes.get(node_id)
        if connection is None:
            return math.inf
        if connection.state is _DISCONNECTED:
            return max(0.0, connection.retry_at_s - now_s)
        if connection.is_ready and connection.in_flight.counted < self._max_in_flight and not connection.is_unsure(now_s):
            return max(0.0, connection.throttled_until_s - now_s)
        return math.inf

    def connect(self, node_id: NodeId, now_s: float) -> None:
        """Begin to connect to a node unless that is under way or too early; metadata is asked for where the node is not known.

        A connection that was silent for long is asked to prove that it leads somewhere.
        """
        connection = self._nodes.get(node_id)
        if connection is None:
            self._cluster.update_wanted = True
        elif connection.state is ConnectionState.DISCONNECTED:
            if connection.backoff.failures:
                self._cluster.update_wanted = True  # somebody else may lead by now
            connection.connect()
        elif connection.is_ready and connection.is_unsure(now_s):
            connection.ask_for_proof()

    def version_for(self, node_id: NodeId, request_class: type[Any]) -> int:
        """The version of a request to a connected node; NodeNotReadyError where it is not, UnsupportedVersionError where there is none."""
        connection = self._nodes.get(node_id)
        if connection is None:
            raise NodeNotReadyError(f"Node {node_id} is not connected")
        return connection.version_for(request_class)

    def send(
        self,
        node_id: NodeId,
        request: Any,
        on_response: OnResponse,
        on_failure: OnFailure,
        on_written: OnWritten | None = None,
        timeout_s: float | None = None,
    ) -> None:
        """Queue a request for a connected node; the next poll() sends it. With `on_written` no answer is expected.

        Exactly one of the callbacks is called, on the I/O thread; `on_failure` with whether a byte had left. NodeNotReadyError and
        UnsupportedVersionError are raised, and then none is called.
        """
        connection = self._nodes.get(node_id)
        if connection is None or not connection.is_ready:
            raise NodeNotReadyError(f"Node {node_id} is not connected")
        self._sends_without_answer = self._sends_without_answer or on_written is not None
        connection.enqueue(
            request,
            self._options.request_timeout_s if timeout_s is None else timeout_s,
            True,
            on_response,
            functools.partial(self._call_back, on_failure),
            None if on_written is None else functools.partial(self._call_back, on_written),
        )

    def _call_back(self, callback: Callable[..., None], *arguments: Any) -> None:
        self._has_called_back = True
        callback(*arguments)

    # --- the I/O thread: one turn -------------------------------------------------------------------------------

    def next_deadline_s(self, now_s: float) -> float:
        """When poll() has something to do without an event; inf where nothing waits for time."""
        due_s = self._next_metadata_s(now_s)
        for connection in self._connections:
            due_s = min(due_s, connection.next_deadline_s())
        return due_s

    def begin_turn(self) -> None:
        """Take note of wake-ups so far: whatever they were for is looked at after this and before the next poll()."""
        self._is_woken = False

    def poll(self, timeout_s: float, turn_s: float = math.inf) -> float:
        """Send and receive what there is, waiting at most `timeout_s` seconds for it; callbacks run in here. Gives the time at its end.

        `turn_s` is when the caller began the turn that this ends: what a pause since then kept from leaving has its time from the pause's end on.
        """
        began_s = self._clock.monotonic()
        self._has_called_back = False
        self._prepare(began_s)
        with_data = [connection for connection in self._connections if connection.has_more_to_read()]
        selecting_s = self._clock.monotonic()
        if selecting_s - turn_s > _PAUSE_S:
            self._excuse(turn_s, selecting_s)
        if self._has_called_back or with_data:
            timeout_s = 0.0
        events = self._sleep(timeout_s)
        selected_s = self._clock.monotonic()
        if selected_s - selecting_s - timeout_s > _PAUSE_S:
            self._excuse(math.inf, selected_s)
        for key, mask in events:
            connection = key.data
            if connection is None:
                self._must_drain = True
            else:
                if connection in with_data:
                    with_data.remove(connection)
                connection.on_selected(mask)
        for connection in with_data:
            connection.on_selected(selectors.EVENT_READ)
        ended_s = self._clock.monotonic()
        self._check_time(ended_s)
        self._ask_for_metadata(ended_s)  # connections may have come or gone: when to ask, and whom, is decided anew
        self._metrics.turned(selected_s - selecting_s, ended_s - selected_s + selecting_s - began_s, ended_s)
        return ended_s

    def _excuse(self, since_s: float, now_s: float) -> None:
        """The thread was held up: requests that could not leave meanwhile have their time from now on."""
        for connection in self._connections:
            connection.in_flight.excuse(since_s, now_s)

    def read_now(self) -> None:
        """Take in what has arrived: for who is about to judge a time-out after a pause in which nobody looked; callbacks run in here."""
        for connection in self._connections:
            connection.read_now()

    def _sleep(self, timeout_s: float) -> list[tuple[selectors.SelectorKey, int]]:
        """The one select; wake() ends it, or has it not wait at all."""
        if self._must_drain:
            self._drain_waker()
        self._is_sleeping = True
        events = self._selector.select(0.0 if self._is_woken else min(max(0.0, timeout_s), _LONGEST_SELECT_S))
        self._is_sleeping = self._is_woken = False
        return events

    def _drain_waker(self) -> None:
        self._must_drain = False
        self._waker.drain()
        self._is_rung = False

    def _prepare(self, now_s: float) -> None:
        self._flush_all()  # brokers work on what is out while the rest is looked after
        if self._resolver.done:
            for resolution in self._resolver.take_done():
                for connection in self._connections:
                    connection.on_resolved(resolution)
        self._follow_cluster()
        self._ask_for_metadata(now_s)
        self._flush_all()

    def _flush_all(self) -> None:
        for connection in self._connections:
            if connection.has_unsent() and not connection.waits_to_write():
                connection.try_flush()

    def _check_time(self, now_s: float) -> None:
        for connection in self._connections:
            connection.check_time(now_s)
            connection.close_if_retired()
        if self._leaving:
            self._leaving = [connection for connection in self._leaving if connection.state is not ConnectionState.DISCONNECTED]
            self._note_connections()

    def _note_connections(self) -> None:
        """Nodes have come or gone."""
        self._connections = (*self._nodes.values(), *self._bootstrap, *self._leaving)

    # --- metadata -----------------------------------------------------------------------------------------------

    def _next_metadata_s(self, now_s: float) -> float:
        quiet_until_s = self._metadata.quiet_until_s()
        if now_s < quiet_until_s:
            return quiet_until_s
        due_s = self._metadata.due_s(now_s, has_other_nodes=len(self._candidates(now_s)) > 1)
        return max(due_s, self._metadata_at_s)

    def _candidates(self, now_s: float) -> list[BrokerConnection]:
        return candidates(
            list(self._nodes.values()),
            self._bootstrap,
            is_stuck=self._metadata.is_stuck(now_s),
            must_rebootstrap=self._metadata.must_rebootstrap,
        )

    def _ask_for_metadata(self, now_s: float) -> None:
        self._metadata_at_s = -math.inf
        if now_s < self._metadata.quiet_until_s():
            return
        nodes = self._candidates(now_s)
        if self._metadata.due_s(now_s, has_other_nodes=len(nodes) > 1) > now_s:
            return
        if self._metadata.is_waiting:
            self._metadata.give_up_waiting(now_s)
        choice = choose_node(nodes, now_s, self._random)
        if choice.action is Action.CONNECT and choice.connection is not None:
            choice.connection.connect()
            choice = choose_node(nodes, now_s, self._random)
        if choice.action is Action.SEND and choice.connection is not None:
            self._send_metadata(choice.connection, now_s)
        else:
            self._metadata_at_s = choice.until_s if choice.action is Action.WAIT else now_s

    def _send_metadata(self, connection: BrokerConnection, now_s: float) -> None:
        number, request = self._metadata.begin(now_s)
        on_response, on_failure = functools.partial(self._on_metadata, number), functools.partial(self._on_no_metadata, number)
        try:
            connection.enqueue(request, self._options.request_timeout_s, False, on_response, on_failure, None)
        except Exception as error:  # noqa: BLE001 - nobody would ask again while this one seems to be on its way
            self._metadata.on_failure(number, as_kafka_error(error), now_s)

    def _on_metadata(self, number: int, response: Any, node_id: NodeId) -> None:
        try:
            error = response_error(response)
            if error is None:
                self._metadata.on_answer(number, response, self._clock.monotonic())
                self._follow_cluster()
                return
        except Exception as surprise:
            self._metadata.on_failure(number, as_kafka_error(surprise), self._clock.monotonic())
            raise
        self._metadata.on_failure(number, error, self._clock.monotonic())

    def _on_no_metadata(self, number: int, error: KafkaError, started: bool) -> None:
        self._metadata.on_failure(number, error, self._clock.monotonic())

    def _follow_cluster(self) -> None:
        """Keep one connection per broker that metadata names, where it says; let bootstrap servers go once one of them is connected."""
        snapshot = self._cluster.snapshot
        if snapshot.version != self._seen_cluster:
            self._seen_cluster = snapshot.version
            for broker in snapshot.brokers.values():
                address = Address(broker.host, broker.port)
                connection = self._nodes.get(broker.nodeId)
                if connection is None:
                    self._nodes[broker.nodeId] = BrokerConnection(broker.nodeId, address, self._tools)
                elif connection.address != address:
                    connection.move_to(address)
            for node_id in [node_id for node_id in self._nodes if node_id not in snapshot.brokers]:
                self._leave(self._nodes.pop(node_id))
            self._note_connections()
        for connection in self._bootstrap:
            if connection.is_ready and self._has_ready_node():
                connection.retire()

    def _has_ready_node(self) -> bool:
        for node in self._nodes.values():  # noqa: SIM110 - compiled code has no generators where there are types
            if node.is_ready:
                return True
        return False

    def _leave(self, connection: BrokerConnection) -> None:
        if connection.state is ConnectionState.READY:
            connection.retire()
            self._leaving.append(connection)
        else:
            connection.disconnect()

    # --- ending -------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Close every connection, with what was sent before reaching the brokers; requests in flight fail. Never raises.

        Brokers that are reading what needs no answer are waited for, at most _LAST_WORDS_S and as long as limit_closing() allows.
        """
        if self._is_closed:
            return
        self._is_closed = True
        if self._sends_without_answer:
            self._await_readers()
        for connection in self._connections:
            connection.shutdown_write()
            connection.close()
        self._selector.close()
        self._waker.close()

    def _await_readers(self) -> None:
        """Have each broker answer something that comes behind what needs no answer, so that it has read that before the connection ends.

        A socket closed with unread answers in it takes back what was sent, and 0.9 forgets a request that it reads together with the end.
        """
        waiting: set[NodeId] = set()
        for connection in self._nodes.values():
            if connection.is_ready and connection.table is not None:
                waiting.add(connection.node_id)
                forget = functools.partial(_forget_node, waiting, connection.node_id)
                connection.enqueue(MetadataRequest(topics=[]), _LAST_WORDS_S, False, forget, forget, None)
                connection.try_flush()
        latest_s = self._clock.monotonic() + _LAST_WORDS_S
        while waiting:
            left_s = min(latest_s, self._closes_by_s) - self._clock.monotonic()
            if left_s <= 0:
                return
            for key, mask in self._sleep(left_s):
                if key.data is None:
                    self._must_drain = True
                else:
                    key.data.on_selected(mask)

    def forget(self) -> None:
        """Close this process's sockets without a word to brokers or waker: in a forked child, and after an interrupted constructor.

        The selector is closed and nothing taken out of it: in a child epoll's list of sockets is one with the parent's.
        """
        self._is_closed = True
        self._is_sleeping = False
        for connection in self._connections:
            connection.forget()
        self._waker.close()
        self._selector.close()


def _forget_node(waiting: set[NodeId], node_id: NodeId, *outcome: Any) -> None:
    waiting.discard(node_id)


def _mechanism_maker(options: ClientOptions) -> Any:
    sasl = options.sasl
    return None if sasl is None else functools.partial(require_mechanism(sasl.mechanism), sasl.username, sasl.password)


def _socket_options(options: ClientOptions) -> list[SocketOption]:
    """The user's, the buffer sizes, and what has the system notice a peer that vanished, unless the user said something of it."""
    chosen: list[Any] = list(options.socket_options)
    if options.receive_buffer_bytes is not None:
        chosen.append((socket.SOL_SOCKET, socket.SO_RCVBUF, options.receive_buffer_bytes))
    if options.send_buffer_bytes is not None:
        chosen.append((socket.SOL_SOCKET, socket.SO_SNDBUF, options.send_buffer_bytes))
    if not any(option[:2] == (socket.SOL_SOCKET, socket.SO_KEEPALIVE) for option in chosen):
        chosen.append((socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1))
        for name, seconds in _KEEPALIVE:
            if hasattr(socket, name):
                chosen.append((socket.IPPROTO_TCP, getattr(socket, name), seconds))
    user_timeout = getattr(socket, "TCP_USER_TIMEOUT", None)  # Linux: how long what was sent may go without the peer's system taking it
    if user_timeout is not None and not any(option[:2] == (socket.IPPROTO_TCP, user_timeout) for option in chosen):
        chosen.append((socket.IPPROTO_TCP, user_timeout, max(1, int(options.request_timeout_s * 1000))))
    return chosen
