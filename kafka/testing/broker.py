"""Brokers on loopback sockets, all served by one thread.

Imported by: testing.  Imports: _clock, testing.{cluster,handlers,request_log,rules,sasl,server}.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from types import TracebackType
from typing import Any, TypeVar

from kafka._clock import SystemClock
from kafka.testing.cluster import MAX_MESSAGE_BYTES, Cluster, Node, Record
from kafka.testing.handlers import api_name
from kafka.testing.request_log import ReceivedRequest
from kafka.testing.rules import Faults
from kafka.testing.sasl import Sasl
from kafka.testing.server import Server

_HOST = "127.0.0.1"
_HIGHEST_PORT = 65535
_Self = TypeVar("_Self", bound="KafkaCluster")


class KafkaCluster:
    """An in-process Kafka on the loopback interface, which any Kafka client can use; see testing.handlers for what it does.

    Data and ports stay the same over stop() and start().
    Threads: any; one daemon thread of its own serves while it runs.
    """

    default_brokers = 3

    def __init__(
        self,
        *,
        brokers: int | None = None,
        version: str | None = None,
        default_partitions: int = 1,
        auto_create_topics: bool = True,
        max_message_bytes: int = MAX_MESSAGE_BYTES,
        min_insync_replicas: int = 1,
        api_versions: Mapping[int, tuple[int, int]] | None = None,
        ssl_context: ssl.SSLContext | None = None,
        sasl: Sasl | None = None,
        seed: int = 0,
    ) -> None:
        """Nothing listens before start(), which `with` calls.

        brokers: how many share the topics, numbered from 1; 3 by default, 1 of a KafkaBroker. version: the release of Kafka to be like,
        from "0.8.2" on; None is like the newest one, and takes what old clients send too. default_partitions: of a topic made without
        a number. auto_create_topics: whether asking for a topic's metadata makes it. max_message_bytes: the largest batch.
        min_insync_replicas: with fewer in sync nothing is taken that asks for acks=all. api_versions: {API key: (lowest, highest version)}
        to speak, instead of all. ssl_context: speak TLS, for one Certificates.server_context(). sasl: let in only who can prove who they are.
        seed: of what faults leave to chance.
        """
        self.cluster = Cluster(
            clock=SystemClock(),
            brokers=self.default_brokers if brokers is None else brokers,
            version=version,
            default_partitions=default_partitions,
            auto_create_topics=auto_create_topics,
            max_message_bytes=max_message_bytes,
            min_insync_replicas=min_insync_replicas,
            api_versions=api_versions,
            ssl_context=ssl_context,
            sasl=sasl,
            seed=seed,
        )
        for node in self.cluster.nodes.values():
            node.host, node.port = _HOST, 0
        self._server: Server | None = None

    def __repr__(self) -> str:
        state = "stopped" if self._server is None else "running"
        return f"<{type(self).__name__} at {self.cluster.bootstrap_servers}, {state}>"

    def __enter__(self: _Self) -> _Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.stop()

    @property
    def bootstrap_servers(self) -> str:
        """Where clients find it, "127.0.0.1:port", with commas between several; RuntimeError before the first start().

        A broker that was stopped keeps its address; one that has never run has none.
        """
        nodes = self.cluster.nodes.values()
        known = [node for node in nodes if node.port]
        if not known or any(node.is_running and not node.port for node in nodes):
            raise RuntimeError("The broker has no port before start()")
        return ",".join(f"{node.host}:{node.port}" for node in known)

    @property
    def faults(self) -> Faults:
        """What goes wrong: faults.add(Error(...), api="Produce")."""
        return self.cluster.faults

    # --- brokers --------------------------------------------------------------------------------------------------

    def start(self, node_id: int | None = None, *, port: int | None = None) -> None:
        """Listen and serve, again on the same ports after a stop(); what runs already goes on.

        With `node_id` only this broker is started, on `port` if that is given (0: any that is free); without it the first broker that was
        not stopped is on `port`, and the others on those that follow. While the cluster does not run, a broker's `port` is for its start().
        OSError where another program has a port, and then ports are what they were; ValueError for a port that cannot be; RuntimeError for
        the `port` of what runs already.
        """
        if node_id is None:
            self._start_all(port)
            return
        node = self.cluster.node(node_id)
        _check_port(port)
        if node.is_running:
            if port is not None:
                if self._server is not None:
                    raise RuntimeError(f"Broker {node_id} runs, at port {node.port}: it can be given another port when it is stopped")
                node.port = port
            return
        self._listen(node, node.port if port is None else port)
        self.cluster.start_node(node_id)
        self._changed()

    def stop(self, node_id: int | None = None) -> None:
        """Close every connection and stop listening; data stays readable.

        With `node_id` only this broker fails, and others lead its partitions.
        """
        if node_id is None:
            server, self._server = self._server, None
            if server is not None:
                server.stop()
            return
        node = self.cluster.node(node_id)
        if self._server is not None:
            self._server.hang_up(node)
        self.cluster.stop_node(node_id)
        self._changed()

    def move_leader(self, topic: str, partition: int = 0, node_id: int | None = None) -> int:
        """Have another broker lead a partition, by default the next one with a replica in sync; gives the leader's id.

        ValueError where there is no such partition, or no such replica.
        """
        leader = self.cluster.move_leader(topic, partition, node_id)
        self._changed()
        return leader

    def leader(self, topic: str, partition: int = 0) -> int:
        """The id of the broker that leads a partition, -1 where none does; ValueError where there is no such partition."""
        found = self.cluster.partition(topic, partition)
        if found is None:
            raise ValueError(f"There is no partition {topic}-{partition}")
        return found.leader

    def _start_all(self, port: int | None) -> None:
        running = self.cluster.running_nodes()
        _check_port(port, len(running))
        if self._server is not None:
            if port is not None:
                raise RuntimeError(f"The cluster runs, at {self.bootstrap_servers}: it can be given another port when it is stopped")
            return
        before = [node.port for node in running]
        try:
            for number, node in enumerate(running):
                if port is not None:
                    node.port = port + number if port else 0
            self._server = Server(self.cluster, running)
        except BaseException:
            for node, earlier in zip(running, before):
                node.port = earlier
            raise

    def _listen(self, node: Node, port: int) -> None:
        before, node.port = node.port, port
        try:
            if self._server is not None:
                self._server.listen(node)
        except BaseException:
            node.port = before
            raise

    def _changed(self) -> None:
        """Answers held back may be due."""
        if self._server is not None:
            self._server.wake()

    # --- topics ---------------------------------------------------------------------------------------------------

    def create_topic(
        self,
        name: str,
        partitions: int | None = None,
        *,
        replication_factor: int | None = None,
        timestamp_type: str | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> None:
        """Make a topic, with replicas on every broker unless `replication_factor` says fewer.

        timestamp_type: "CreateTime", where records have the producer's time, or "LogAppendTime", the broker's. config: Kafka's options
        of topics; max.message.bytes, min.insync.replicas and message.timestamp.type have effect, others are kept and shown.
        ValueError where it exists, the name is no topic's or a value no option's.
        """
        self.cluster.create_topic(name, partitions, replication_factor=replication_factor, timestamp_type=timestamp_type, config=config)

    def delete_topic(self, name: str) -> None:
        """A topic of the same name that is made later has another topic id; ValueError where there is none."""
        self.cluster.delete_topic(name)
        self._changed()

    def add_partitions(self, name: str, count: int) -> None:
        """Have `count` partitions in all; ValueError where there is no such topic or it has as many."""
        self.cluster.add_partitions(name, count)

    # --- what has come --------------------------------------------------------------------------------------------

    def records(self, topic: str, *, only_committed: bool = False) -> list[Record]:
        """All records, by partition and offset; an empty list where there is no such topic.

        `only_committed`: what a consumer gets that reads committed records only: nothing of a transaction that was aborted, and nothing
        behind the beginning of one that is open.
        """
        return self.cluster.records(topic, only_committed=only_committed)

    def batches(self, topic: str) -> list[bytes]:
        """Each batch (of message formats 0 and 1: each partition's share of a request) as it was received."""
        return self.cluster.batches(topic)

    def requests(self, api: str | int | None = None) -> list[ReceivedRequest]:
        """The requests that came, in order: those of one API ("Produce", or its key), or all; of each API the newest 10,000 are kept.

        ValueError for an API that is not served.
        """
        return self.cluster.requests.of(None if api is None else api_name(api))


def _check_port(port: int | None, count: int = 1) -> None:
    """ValueError where there are not `count` ports from this one on; 0 is any that are free."""
    if port is None:
        return
    if type(port) is not int or not 0 <= port <= _HIGHEST_PORT:
        raise ValueError(f"port is a number from 0 to {_HIGHEST_PORT}, not {port!r}")
    if port and port + count - 1 > _HIGHEST_PORT:
        raise ValueError(f"port {port} is too high for {count} brokers: there are ports up to {_HIGHEST_PORT}")


class KafkaBroker(KafkaCluster):
    """A KafkaCluster that has one broker unless `brokers` says otherwise."""

    default_brokers = 1
