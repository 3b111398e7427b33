"""What the clients send to: processes on loopback addresses that end with the run.

Imported by: contests, matrix, __main__.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Protocol

from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import OffsetSpec

from benchmarks.clients import ROOT
from benchmarks.rows import Broker
from tests.broker.java_programs import FAST_JVM
from tests.broker.kafka_jars import NEWEST
from tests.broker.real_kafka import RealKafka

WINDOW_BYTES = "5767168"
"""Between what Linux lets a sender have unconfirmed by default, 4 MiB, and what a receiver offers, 6 MiB (net.ipv4.tcp_wmem and tcp_rmem)."""
PROXIES: dict[Broker, tuple[str, ...]] = {
    Broker.MOCK_1_MS: ("0.5", WINDOW_BYTES),
    Broker.FAR_MOCK: ("10", WINDOW_BYTES),
    Broker.MOCK_100_MS: ("50", WINDOW_BYTES),
    Broker.FAR_UNBOUNDED_MOCK: ("10",),
}
"""Arguments of the proxy in front of a mock cluster: milliseconds of one way, and the window."""
END_TIMEOUT_S = 10.0
QUESTION_TIMEOUT_S = 30.0


class Cluster(Protocol):
    """Makes topics and forgets them. `pid` is the broker's process where it may be stopped for a while, else 0."""

    bootstrap: str
    version: str
    pid: int

    def create_topic(self, partitions: int) -> str: ...

    def delete_topic(self, topic: str) -> None: ...


class Server:
    """A program of benchmarks.servers; its first line is `host:port`.

    Threads: one.
    """

    def __init__(self, name: str, *arguments: str) -> None:
        pipe = subprocess.PIPE
        command = [sys.executable, "-m", f"benchmarks.servers.{name}", *arguments]
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=ROOT)
        self.pid = self._process.pid
        self.address = self._read()

    def ask(self, command: str) -> None:
        """Have a command carried out."""
        assert self._process.stdin is not None
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()
        self._read()

    def _read(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        if not line:
            raise RuntimeError(f"{self._process.args!r} ended")
        return line

    def stop(self) -> None:
        if self._process.poll() is None:
            os.kill(self.pid, signal.SIGCONT)  # a worker that died may have left it stopped
        self._process.communicate(timeout=END_TIMEOUT_S)


class MockCluster:
    """librdkafka's mock cluster; with a proxy in front of it, metadata names the proxy.

    Threads: one.
    """

    def __init__(self, mock: Server, proxy: Server | None) -> None:
        self._mock = mock
        self.version = ""
        self.bootstrap = mock.address if proxy is None else proxy.address
        self.pid = mock.pid
        if proxy is not None:
            mock.ask(f"advertise {proxy.address.replace(':', ' ')}")

    def create_topic(self, partitions: int) -> str:
        topic = new_topic_name()
        self._mock.ask(f"create {topic} {partitions}")
        return topic

    def delete_topic(self, topic: str) -> None:
        self._mock.ask(f"delete {topic}")


class RealCluster:
    """One broker of Apache Kafka.

    Threads: one, which must outlive it.
    """

    def __init__(self, kafka: RealKafka) -> None:
        self._kafka = kafka
        self._admin = AdminClient({"bootstrap.servers": kafka.bootstrap, "log_level": 0})
        self.version = kafka.version
        self.bootstrap = kafka.bootstrap
        self.pid = 0

    def create_topic(self, partitions: int) -> str:
        # Deleted files would otherwise stay a minute, and runs make many.
        return self._kafka.create_topic(new_topic_name(), partitions=partitions, config={"file.delete.delay.ms": "1000"})

    def delete_topic(self, topic: str) -> None:
        self._admin.delete_topics([topic])[topic].result(QUESTION_TIMEOUT_S)


def new_topic_name() -> str:
    return f"bench-{uuid.uuid4().hex[:8]}"


@contextmanager
def started(broker: Broker) -> Iterator[Cluster | None]:
    """The cluster, until the end of the block."""
    with ExitStack() as running:
        if broker is Broker.NONE:
            yield None
        elif broker is Broker.REAL:
            yield RealCluster(running.enter_context(RealKafka(NEWEST, jvm=FAST_JVM)))
        else:
            mock = _stopped_at_end(running, Server("mock_cluster"))
            proxy = None
            if broker in PROXIES:
                proxy = _stopped_at_end(running, Server("delaying_proxy", mock.address, *PROXIES[broker]))
            yield MockCluster(mock, proxy)


def _stopped_at_end(running: ExitStack, server: Server) -> Server:
    running.callback(server.stop)
    return server


def stored_records(bootstrap: str, topic: str, partitions: int) -> int:
    """How many records the broker says the topic has."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
    asked = {TopicPartition(topic, number): latest for number in range(partitions)}
    answers = admin.list_offsets(asked, request_timeout=QUESTION_TIMEOUT_S)
    return sum(answer.result(QUESTION_TIMEOUT_S).offset for answer in answers.values())
