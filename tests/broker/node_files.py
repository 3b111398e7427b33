"""Configuration files of brokers, for every release from 0.8.2 to 4.x."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from tests.broker.kafka_jars import release

FIRST_WITH_LISTENERS = (0, 9)
FIRST_WITH_SASL_PLAIN = (0, 10)
FIRST_WITH_TRANSACTIONS = (0, 11)
FIRST_STARTED_WITH_KRAFT = (3,)  # 2.8's is a preview; 3.x could do either
FIRST_WITH_SHARE_GROUPS = (4,)
SESSION_TIMEOUT_MS = "3000"

LOG4J = """\
log4j.rootLogger=WARN, out
log4j.logger.kafka.server.KafkaServer=INFO
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.Target=System.err
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=%d %p %c{1} %m%n
"""


class Front(NamedTuple):
    """A listener of a broker that clients are sent to by another port, where something of the test's stands between."""

    port: int
    advertised_port: int


class NodePlace(NamedTuple):
    """One broker: its id, its folder, its port for each security protocol, and the port of its KRaft controller."""

    node_id: int
    folder: Path
    ports: Mapping[str, int]
    controller_port: int
    front: Front | None = None


def supported_protocols(version: str) -> tuple[str, ...]:
    """Listeners that a release can have; SASL means SASL/PLAIN here."""
    if release(version) < FIRST_WITH_LISTENERS:
        return ("PLAINTEXT",)
    if release(version) < FIRST_WITH_SASL_PLAIN:
        return ("PLAINTEXT", "SSL")
    return ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")


def uses_kraft(version: str) -> bool:
    return release(version) >= FIRST_STARTED_WITH_KRAFT


def write_properties(path: Path, properties: Mapping[str, str]) -> Path:
    # Backslash is the escape character of Java's properties.
    path.write_text("".join(f"{name}={str(value).replace(chr(92), chr(92) * 2)}\n" for name, value in properties.items()))
    return path


def broker_properties(version: str, place: NodePlace, everyone: list[NodePlace], zookeeper: str | None) -> dict[str, str]:
    properties = {"log.dirs": str(place.folder / "data"), **_internal_topics(version, len(everyone)), **_listeners(version, place)}
    if zookeeper is None:
        properties.update(_kraft(place, everyone))
    else:
        connection = {"zookeeper.connect": zookeeper, "zookeeper.session.timeout.ms": SESSION_TIMEOUT_MS}
        properties.update({"broker.id": str(place.node_id), **connection})
    return properties


def _internal_topics(version: str, brokers: int) -> dict[str, str]:
    copies = str(min(3, brokers))
    in_sync = str(min(2, brokers))
    properties = {
        "offsets.topic.num.partitions": "4",
        "offsets.topic.replication.factor": copies,
        "log.cleaner.dedupe.buffer.size": "4194304",  # 128 MiB by default, out of a small heap
    }
    if release(version) >= FIRST_WITH_TRANSACTIONS:
        properties["transaction.state.log.num.partitions"] = "4"
        properties["transaction.state.log.replication.factor"] = copies
        properties["transaction.state.log.min.isr"] = in_sync
        properties["group.initial.rebalance.delay.ms"] = "0"
    if release(version) >= FIRST_WITH_SHARE_GROUPS:
        properties["share.coordinator.state.topic.replication.factor"] = copies
        properties["share.coordinator.state.topic.min.isr"] = in_sync
    return properties


def _listeners(version: str, place: NodePlace) -> dict[str, str]:
    if release(version) < FIRST_WITH_LISTENERS:
        return {"host.name": "127.0.0.1", "port": str(place.ports["PLAINTEXT"]), "advertised.host.name": "127.0.0.1"}
    listeners = ",".join(f"{protocol}://127.0.0.1:{port}" for protocol, port in place.ports.items())
    return {"listeners": listeners, "advertised.listeners": listeners}


def _kraft(place: NodePlace, everyone: list[NodePlace]) -> dict[str, str]:
    listeners = [f"{protocol}://127.0.0.1:{port}" for protocol, port in place.ports.items()]
    advertised = list(listeners)
    protocols = ["CONTROLLER:PLAINTEXT", *(f"{name}:{name}" for name in place.ports)]
    if place.front is not None:
        listeners.append(f"FRONT://127.0.0.1:{place.front.port}")
        advertised.append(f"FRONT://127.0.0.1:{place.front.advertised_port}")
        protocols.append("FRONT:PLAINTEXT")
    properties = {
        "process.roles": "broker,controller",
        "node.id": str(place.node_id),
        "controller.quorum.voters": ",".join(f"{other.node_id}@127.0.0.1:{other.controller_port}" for other in everyone),
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": ",".join(protocols),
        "inter.broker.listener.name": "PLAINTEXT",
        "listeners": ",".join([*listeners, f"CONTROLLER://127.0.0.1:{place.controller_port}"]),
        "advertised.listeners": ",".join(advertised),
    }
    if len(everyone) > 1:
        properties.update({"broker.session.timeout.ms": SESSION_TIMEOUT_MS, "broker.heartbeat.interval.ms": "500"})
    return properties
