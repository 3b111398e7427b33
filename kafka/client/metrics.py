"""The network's metrics: names, and where their numbers come from.  Per request and per select(), never per record.

Imported by: client.*, producer.assembly.  Imports: metrics.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Union

from kafka.metrics import AnonMeasurable, Metrics
from kafka.metrics.ledger import Ledger, Tally
from kafka.metrics.stats import Avg, Count, Max, Rate
from kafka.metrics.stats.rate import TimeUnit

NodeId = Union[int, str]


class ClientMetrics:
    """What is recorded when metrics are off: nothing.

    Threads: the I/O thread.
    """

    def connection_created(self) -> None:
        """A TCP connection was made."""

    def connection_closed(self) -> None:
        """It was closed, by whomever."""

    def turned(self, wait_s: float, work_s: float, now_s: float) -> None:
        """In a turn that ends now select() took this long, and reading, writing and what follows from it that long."""

    def bytes_sent(self, node_id: NodeId, size_bytes: int) -> None:
        """Bytes went into the socket."""

    def bytes_received(self, node_id: NodeId, size_bytes: int) -> None:
        """Bytes came out of it."""

    def request_sent(self, node_id: NodeId, size_bytes: int) -> None:
        """A request was queued on the connection."""

    def response_received(self, node_id: NodeId, latency_s: float) -> None:
        """Its answer came."""

    def throttled(self, node_id: NodeId, throttle_time_ms: int) -> None:
        """An answer said how long quotas held the request back."""


class RegisteredClientMetrics(ClientMetrics):
    """The names of kafka-python's groups <prefix>-metrics and <prefix>-node-metrics.node-<id>.

    Threads: the I/O thread records; metrics() reads from any.
    """

    def __init__(self, metrics: Metrics, ledger: Ledger, *, group_prefix: str) -> None:
        self._metrics = metrics
        self._ledger = ledger
        self._group = f"{group_prefix}-metrics"
        self._node_group = f"{group_prefix}-node-metrics"
        self._connections = 0
        self._closed = self._sensor("connections-closed", ("connection-close-rate", Rate()))
        self._created = self._sensor("connections-created", ("connection-creation-rate", Rate()))
        self._select = self._sensor(
            "select-time",
            ("select-rate", Rate(sampled_stat=Count())),
            ("io-wait-time-ns-avg", Avg()),
            ("io-wait-ratio", Rate(TimeUnit.NANOSECONDS)),
        )
        self._io = self._sensor("io-time", ("io-time-ns-avg", Avg()), ("io-ratio", Rate(TimeUnit.NANOSECONDS)))
        count = AnonMeasurable(lambda config, now_ms: self._connections)
        metrics.add_metric(self._name("connection-count", self._group), count)
        self._all_bytes = self._sensor("bytes-sent-received", ("network-io-rate", Rate(sampled_stat=Count())))
        self._total = _TrafficSensors(metrics, ledger, "", self._group, bytes_parents=[self._all_bytes.sensor])
        self._nodes: dict[NodeId, _TrafficSensors] = {}

    def connection_created(self) -> None:
        self._connections += 1
        self._ledger.note(self._created, 1.0)

    def connection_closed(self) -> None:
        self._connections -= 1
        self._ledger.note(self._closed, 1.0)

    def turned(self, wait_s: float, work_s: float, now_s: float) -> None:
        self._ledger.note(self._select, wait_s * 1e9)
        self._ledger.note(self._io, work_s * 1e9)
        self._ledger.turn_over(now_s)

    def bytes_sent(self, node_id: NodeId, size_bytes: int) -> None:
        self._ledger.note(self._node(node_id).bytes_sent, size_bytes)

    def bytes_received(self, node_id: NodeId, size_bytes: int) -> None:
        self._ledger.note(self._node(node_id).bytes_received, size_bytes)

    def request_sent(self, node_id: NodeId, size_bytes: int) -> None:
        self._ledger.note(self._node(node_id).requests, size_bytes)

    def response_received(self, node_id: NodeId, latency_s: float) -> None:
        self._ledger.note(self._node(node_id).latency, latency_s * 1000)

    def throttled(self, node_id: NodeId, throttle_time_ms: int) -> None:
        self._ledger.note(self._node(node_id).throttle, throttle_time_ms)

    def _node(self, node_id: NodeId) -> _TrafficSensors:
        node = self._nodes.get(node_id)
        if node is None:
            group = f"{self._node_group}.node-{node_id}"
            node = self._nodes[node_id] = _TrafficSensors(self._metrics, self._ledger, f"node-{node_id}.", group, parent=self._total)
        return node

    def _name(self, name: str, group: str) -> Any:
        return self._metrics.metric_name(name, group, _DESCRIPTIONS[name])

    def _sensor(self, sensor: str, *stats: tuple[str, Any]) -> Tally:
        made = self._metrics.sensor(sensor)
        for name, stat in stats:
            made.add(self._name(name, self._group), stat)
        return self._ledger.keep(made)


class _TrafficSensors:
    """Bytes, requests and latency, of one node or of all; a node's pass what they record on to those of all."""

    __slots__ = ("bytes_received", "bytes_sent", "latency", "requests", "throttle")

    def __init__(
        self, metrics: Metrics, ledger: Ledger, prefix: str, group: str, *, parent: _TrafficSensors | None = None, bytes_parents: Sequence[Any] = ()
    ) -> None:
        def sensor(kind: str, parents: Sequence[Any], *stats: tuple[str, Any]) -> Tally:
            made = metrics.sensor(f"{prefix}{kind}", parents=tuple(parents))
            for name, stat in stats:
                made.add(metrics.metric_name(name, group, _DESCRIPTIONS[name]), stat)
            return ledger.keep(made)

        def above(kind: str) -> Sequence[Any]:
            return () if parent is None else (getattr(parent, kind).sensor,)

        self.bytes_sent = sensor("bytes-sent", [*bytes_parents, *above("bytes_sent")], ("outgoing-byte-rate", Rate()))
        self.bytes_received = sensor("bytes-received", [*bytes_parents, *above("bytes_received")], ("incoming-byte-rate", Rate()))
        self.requests = sensor(
            "requests-sent",
            above("requests"),
            ("request-rate", Rate(sampled_stat=Count())),
            ("request-size-avg", Avg()),
            ("request-size-max", Max()),
        )
        self.latency = sensor(
            "request-latency",
            above("latency"),
            ("response-rate", Rate(sampled_stat=Count())),
            ("request-latency-avg", Avg()),
            ("request-latency-max", Max()),
        )
        self.throttle = sensor("throttle-time", above("throttle"), ("throttle-time-avg", Avg()), ("throttle-time-max", Max()))


_DESCRIPTIONS = {
    "connection-close-rate": "Connections closed per second",
    "connection-creation-rate": "Connections made per second",
    "connection-count": "Connections that are open",
    "select-rate": "How often per second the I/O thread looked for something to read or write",
    "io-wait-time-ns-avg": "Average nanoseconds the I/O thread waited for that",
    "io-wait-ratio": "Share of time the I/O thread waited",
    "io-time-ns-avg": "Average nanoseconds of reading and writing in one turn",
    "io-ratio": "Share of time the I/O thread read and wrote",
    "network-io-rate": "Reads and writes per second, of all connections",
    "outgoing-byte-rate": "Bytes sent per second",
    "incoming-byte-rate": "Bytes received per second",
    "request-rate": "Requests sent per second",
    "request-size-avg": "Average bytes of a request",
    "request-size-max": "Most bytes of a request",
    "response-rate": "Answers received per second",
    "request-latency-avg": "Average milliseconds from a request to its answer",
    "request-latency-max": "Most milliseconds from a request to its answer",
    "throttle-time-avg": "Average milliseconds that quotas held a request back",
    "throttle-time-max": "Most milliseconds that quotas held a request back",
}
