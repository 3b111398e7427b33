"""librdkafka's mock cluster of one broker, through the library that confluent-kafka's wheel brings along.

    python -m benchmarks.servers.mock_cluster

Prints `host:port`, then answers a line for each command on standard input: `create TOPIC PARTITIONS`, `delete TOPIC`, and
`advertise HOST PORT`, which is what metadata shows from then on.
Run by: benchmarks.clusters.
"""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path
from typing import Callable

import confluent_kafka

BROKER = 1
PRODUCER = 0  # RD_KAFKA_PRODUCER


def bundled_library() -> ctypes.CDLL:
    """The wheel's librdkafka: the one that confluent_kafka itself is linked with."""
    package = Path(confluent_kafka.__file__).parent
    found = [*package.parent.glob("confluent_kafka.libs/librdkafka*"), *package.glob(".dylibs/librdkafka*")]
    if not found:
        raise SystemExit(f"there is no librdkafka beside {package}: confluent-kafka was not installed from a wheel")
    return ctypes.CDLL(str(found[0]))


class MockCluster:
    """A cluster that lives as long as the process.

    Threads: one; librdkafka serves it in a thread of its own.
    """

    def __init__(self) -> None:
        self._library = library = bundled_library()
        for name in ("rd_kafka_conf_new", "rd_kafka_new", "rd_kafka_mock_cluster_new"):
            getattr(library, name).restype = ctypes.c_void_p
        library.rd_kafka_mock_cluster_bootstraps.restype = ctypes.c_char_p
        reason = ctypes.create_string_buffer(512)
        room = ctypes.c_size_t(len(reason))
        settings = ctypes.c_void_p(library.rd_kafka_conf_new())
        library.rd_kafka_conf_set(settings, b"log_level", b"0", reason, room)  # it would warn that it has no brokers to connect to
        holder = ctypes.c_void_p(library.rd_kafka_new(PRODUCER, settings, reason, room))
        if not holder:
            raise SystemExit(reason.value.decode())
        self._cluster = ctypes.c_void_p(library.rd_kafka_mock_cluster_new(holder, 1))

    @property
    def bootstrap(self) -> str:
        found: bytes = self._library.rd_kafka_mock_cluster_bootstraps(self._cluster)
        return found.decode()

    def create(self, topic: str, partitions: str) -> None:
        self._check(self._library.rd_kafka_mock_topic_create(self._cluster, topic.encode(), int(partitions), 1))

    def delete(self, topic: str) -> None:
        self._check(self._library.rd_kafka_mock_topic_delete(self._cluster, topic.encode()))

    def advertise(self, host: str, port: str) -> None:
        self._library.rd_kafka_mock_broker_set_host_port(self._cluster, BROKER, host.encode(), int(port))

    def _check(self, error: int) -> None:
        if error:
            raise SystemExit(f"librdkafka's mock cluster answered error {error}")


def main() -> None:
    cluster = MockCluster()
    commands: dict[str, Callable[..., None]] = {"create": cluster.create, "delete": cluster.delete, "advertise": cluster.advertise}
    print(cluster.bootstrap, flush=True)
    for line in sys.stdin:
        name, *arguments = line.split()
        commands[name](*arguments)
        print("done", flush=True)


if __name__ == "__main__":
    main()
