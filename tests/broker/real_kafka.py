"""Starts real Apache Kafka clusters on loopback addresses and leaves nothing behind.

with RealKafka("4.4.0", brokers=3) as kafka:
    topic = kafka.create_topic(partitions=4, replication=3)
    ... kafka.bootstrap ... kafka.kill(kafka.leader(topic, 0)) ...
"""

from __future__ import annotations

import base64
import itertools
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from tests.broker import java_programs, listener_security, node_files, topics
from tests.broker.free_ports import free_port
from tests.broker.kafka_jars import KafkaUnavailableError, class_path, java_problem, release
from tests.broker.node import START_TIMEOUT_S, Node
from tests.broker.node_files import Front, NodePlace
from tests.broker.processes import ScratchFolder, StartError, run_to_end, wait_until
from tests.broker.wire_probe import Metadata
from tests.broker.zookeeper import ZooKeeper

TOOL_TIMEOUT_S = 60.0
TOPIC_TIMEOUT_S = 20.0
FIRST_WITH_CREATE_TOPICS = (0, 10, 2)
FIRST_LISTING_BROKERS_WITHOUT_TOPICS = (0, 9)

_topic_numbers = itertools.count(1)


def new_topic_name(word: str = "topic") -> str:
    """A name that no other test of this run uses."""
    return f"{word}-{next(_topic_numbers)}-{uuid.uuid4().hex[:6]}"


class RealKafka:
    """One cluster: its brokers have the ids 0, 1, ...; files and processes are gone after stop().

    Threads: one, which must outlive the cluster (the brokers die with the thread that started them).
    """

    def __init__(
        self,
        version: str,
        *,
        brokers: int = 1,
        listeners: Sequence[str] = ("PLAINTEXT",),
        config: Mapping[str, str] | None = None,
        jvm: Sequence[str] = java_programs.SMALL_JVM,
        has_fronts: bool = False,
    ) -> None:
        """has_fronts (KRaft only): brokers have one more listener each, to which clients are sent by another port; see `fronts`."""
        unsupported = sorted(set(listeners) - set(node_files.supported_protocols(version)))
        if unsupported:
            raise ValueError(f"Kafka {version} has no listeners of type {', '.join(unsupported)}")
        if has_fronts and not node_files.uses_kraft(version):
            raise ValueError(f"Kafka {version} has no listeners by other names than their protocols")
        self.version = version
        self.release = release(version)
        self.listeners = tuple(protocol for protocol in listener_security.PROTOCOLS if protocol in {"PLAINTEXT", *listeners})
        self.tls: listener_security.TlsFiles | None = None
        self.users = listener_security.USERS
        self.nodes: list[Node] = []
        self.start_s = 0.0  # what starting took
        self._broker_count = brokers
        self._config = dict(config or {})
        self._jvm = tuple(jvm)
        self._has_fronts = has_fronts
        self._scratch: ScratchFolder | None = None
        self._zookeeper: ZooKeeper | None = None

    # -- life

    def __enter__(self) -> RealKafka:
        if self._scratch is None:
            self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        """Return when every broker answers; raises KafkaUnavailableError, or StartError with the end of the log."""
        began_s = time.monotonic()
        problem = java_problem()
        if problem:
            raise KafkaUnavailableError(problem)
        class_path(self.version)  # fetched before any clock of ours runs
        self._scratch = ScratchFolder()
        try:
            self._start_all(self._scratch.path)
        except BaseException:
            self.stop()
            raise
        self.start_s = time.monotonic() - began_s

    def stop(self) -> None:
        """Kill what runs and delete every file; calling it again changes nothing."""
        for node in self.nodes:
            node.kill()
        if self._zookeeper is not None:
            self._zookeeper.kill()
        if self._scratch is not None:
            self._scratch.remove()
        self._scratch = self._zookeeper = None

    def _start_all(self, folder: Path) -> None:
        (folder / "log4j.properties").write_text(node_files.LOG4J)
        if {"SSL", "SASL_SSL"} & set(self.listeners):
            self.tls = listener_security.write_tls_files(folder / "tls")
        if not node_files.uses_kraft(self.version):
            self._zookeeper = ZooKeeper(self.version, folder)
        self.nodes = self._make_nodes(folder)
        if self._zookeeper is None:
            self._format_storage(folder)
        for node in self.nodes:
            node.start()
        self.wait_until_answering()

    def _make_nodes(self, folder: Path) -> list[Node]:
        places = [
            NodePlace(
                node_id=node_id,
                folder=folder / f"broker-{node_id}",
                ports={protocol: free_port() for protocol in self.listeners},
                controller_port=free_port(),
                front=Front(free_port(), free_port()) if self._has_fronts else None,
            )
            for node_id in range(self._broker_count)
        ]
        security = listener_security.broker_properties(self.listeners, self.tls)
        jvm = [*self._jvm, "-Dzookeeper.sasl.client=false"]
        if "sasl.enabled.mechanisms" in security:
            jvm.append(f"-Djava.security.auth.login.config={listener_security.write_jaas_file(folder)}")
        zookeeper = self._zookeeper.address if self._zookeeper else None
        nodes = []
        for place in places:
            place.folder.mkdir()
            properties = node_files.broker_properties(self.version, place, places, zookeeper)
            config_file = node_files.write_properties(place.folder / "server.properties", {**properties, **security, **self._config})
            command = java_programs.java_command(self.version, ["kafka.Kafka", str(config_file)], scratch=folder, options=jvm)
            nodes.append(Node(place, command))
        return nodes

    def _format_storage(self, folder: Path) -> None:
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        tool = ["kafka.tools.StorageTool", "format", f"--cluster-id={cluster_id}", "-c"]
        files = [str(node.place.folder / "server.properties") for node in self.nodes]
        run_to_end([java_programs.java_command(self.version, [*tool, file], scratch=folder) for file in files], timeout_s=TOOL_TIMEOUT_S)

    # -- addresses and what the cluster says

    @property
    def bootstrap(self) -> str:
        return self.bootstrap_for("PLAINTEXT")

    def bootstrap_for(self, protocol: str) -> str:
        """`host:port` of every broker's listener of that security protocol, separated by commas."""
        return ",".join(f"127.0.0.1:{node.place.ports[protocol]}" for node in self.nodes)

    @property
    def fronts(self) -> list[Front]:
        """Of each broker; nothing listens on the advertised ports before the test sees to it."""
        return [node.place.front for node in self.nodes if node.place.front is not None]

    @property
    def bootstrap_of_fronts(self) -> str:
        return ",".join(f"127.0.0.1:{front.advertised_port}" for front in self.fronts)

    @property
    def pids(self) -> list[int]:
        """Of everything that runs for the cluster."""
        nodes = [node.pid for node in self.nodes]
        return nodes if self._zookeeper is None else [*nodes, self._zookeeper.pid]

    def metadata(self) -> Metadata:
        """What the first broker that answers believes."""
        for node in self.nodes:
            found = node.metadata() if node.is_running and not node.is_paused else None
            if found is not None:
                return found
        raise ConnectionError("no broker answers")

    def leader(self, topic: str, partition: int) -> int:
        """The id of the leading broker, or -1."""
        return self.metadata().leaders.get(topic, {}).get(partition, -1)

    def wait_until_answering(self, *, timeout_s: float = START_TIMEOUT_S) -> None:
        """Return when every broker that is running and not paused lists all of these."""
        awaited = [node for node in self.nodes if node.is_running and not node.is_paused] or self.nodes
        ids = frozenset(node.place.node_id for node in awaited)
        if self.release < FIRST_LISTING_BROKERS_WITHOUT_TOPICS:
            ids = frozenset()
        for node in awaited:
            node.wait_until_it_lists(ids, timeout_s=timeout_s)

    # -- faults

    def kill(self, node_id: int) -> None:
        """End a broker with SIGKILL."""
        self.nodes[node_id].kill()

    def shut_down(self, node_id: int) -> None:
        """End a broker in order, so that it hands its partitions over."""
        self.nodes[node_id].terminate()

    def pause(self, node_id: int) -> None:
        """SIGSTOP: it still accepts connections and answers nothing."""
        self.nodes[node_id].pause()

    def resume(self, node_id: int) -> None:
        self.nodes[node_id].resume()

    def restart(self, node_id: int) -> None:
        """Start a killed or shut-down broker again on its old ports and files; returns when it answers."""
        if self._zookeeper is not None:
            self._zookeeper.wait_until_forgotten(node_id)
        self.nodes[node_id].start()
        self.wait_until_answering()

    # -- topics and files

    @property
    def folder(self) -> Path:
        """Where all files of the cluster are."""
        if self._scratch is None:
            raise RuntimeError("the cluster is not running")
        return self._scratch.path

    def create_topic(self, name: str | None = None, *, partitions: int = 1, replication: int = 1, config: Mapping[str, str] | None = None) -> str:
        """Create a topic (with a new name unless given), wait until every broker names its leaders, return its name."""
        name = name or new_topic_name()
        settings = dict(config or {})
        if self._zookeeper is not None and self.release < FIRST_WITH_CREATE_TOPICS:
            pairs = [f"{key}={value}" for key, value in settings.items()]
            self.run_java(java_programs.create_topic_arguments(self._zookeeper.address, name, partitions, replication, pairs))
        else:
            topics.create_through_broker(self.bootstrap, name, partitions, replication, settings)
        self.wait_until_led(name, partitions)
        return name

    def wait_until_led(self, name: str, partitions: int) -> None:
        """Return when every broker that runs names a leader of each of so many partitions; raises StartError if that takes too long."""
        if not wait_until(lambda: self._is_led_everywhere(name, partitions), timeout_s=TOPIC_TIMEOUT_S):
            raise StartError(f"topic {name} has no {partitions} leaders after {TOPIC_TIMEOUT_S} s")

    def wait_until_in_sync(self, name: str, replicas: int) -> None:
        """Return when each partition has so many replicas in sync; raises StartError if that takes too long."""
        if not wait_until(lambda: min(topics.in_sync(self.bootstrap, name)) >= replicas, timeout_s=TOPIC_TIMEOUT_S):
            raise StartError(f"not all of topic {name} has {replicas} replicas in sync after {TOPIC_TIMEOUT_S} s")

    def wait_until_gone(self, name: str) -> None:
        """Return when no broker that runs knows the topic; raises StartError if that takes too long."""
        if not wait_until(lambda: not self._is_known(name), timeout_s=TOPIC_TIMEOUT_S):
            raise StartError(f"topic {name} is still there after {TOPIC_TIMEOUT_S} s")

    def _is_known(self, name: str) -> bool:
        found = [node.metadata() for node in self.nodes if node.is_running and not node.is_paused]
        return any(answer is None or name in answer.leaders for answer in found)

    def _is_led_everywhere(self, name: str, partitions: int) -> bool:
        for node in self.nodes:
            if not node.is_running or node.is_paused:
                continue
            found = node.metadata()
            leaders = found.leaders.get(name, {}) if found is not None else {}
            if len(leaders) < partitions or min(leaders.values()) < 0:
                return False
        return True

    def run_java(self, main: Sequence[str], *, version: str | None = None, input_text: str | None = None) -> str:
        """Run a class (or source file) with the release's jars and return what it printed."""
        command = java_programs.java_command(version or self.version, main, scratch=self.folder)
        return run_to_end([command], timeout_s=TOOL_TIMEOUT_S, input_text=input_text)[0]

    def dump_log(self, topic: str, *, node_id: int = 0) -> list[str]:
        """The lines of DumpLogSegments for all partitions that the broker holds: what was really stored."""
        segments = sorted((self.nodes[node_id].place.folder / "data").glob(f"{topic}-*/*.log"))
        version = java_programs.dump_log_version(self.version)
        return self.run_java(java_programs.dump_log_arguments(segments), version=version).splitlines()
