"""What goes wrong, by chance, until it is put right: brokers, topics, links, and every fault that kafka.testing has."""

from __future__ import annotations

from typing import Callable

from kafka.errors import (
    BrokerResponseError,
    ClusterAuthorizationFailedError,
    CorruptRecordError,
    FencedLeaderEpochError,
    InvalidRecordError,
    InvalidTopicError,
    LeaderNotAvailableError,
    MessageSizeTooLargeError,
    NetworkExceptionError,
    NotEnoughReplicasAfterAppendError,
    NotEnoughReplicasError,
    NotLeaderForPartitionError,
    PolicyViolationError,
    RecordListTooLargeError,
    ReplicaNotAvailableError,
    RequestTimedOutError,
    TopicAuthorizationFailedError,
    UnknownError,
    UnknownTopicOrPartitionError,
)
from kafka.testing import faults
from kafka.testing.cluster import MAX_MESSAGE_BYTES
from kafka.testing.memory import Link
from kafka.testing.rules import Fault
from tests.simulation.scene import Scene

Heal = Callable[[], object]
Trouble = Callable[[Scene], "tuple[str, Heal | None]"]
"""Makes trouble: what it is, and what ends it, None where there is nothing to end."""

BOOTSTRAP_PORT = 9092
LONGEST_S = 3.0
"""What lasts beyond its healing, a throttle, is over after so long."""

_REFUSALS: dict[str, tuple[type[BrokerResponseError] | int, ...]] = {
    "Produce": (
        NotLeaderForPartitionError,
        NotEnoughReplicasError,
        NotEnoughReplicasAfterAppendError,
        LeaderNotAvailableError,
        ReplicaNotAvailableError,
        FencedLeaderEpochError,
        UnknownTopicOrPartitionError,
        RequestTimedOutError,
        NetworkExceptionError,
        MessageSizeTooLargeError,
        RecordListTooLargeError,
        CorruptRecordError,
        InvalidRecordError,
        InvalidTopicError,
        PolicyViolationError,
        TopicAuthorizationFailedError,
        ClusterAuthorizationFailedError,
        UnknownError,
        56,  # KAFKA_STORAGE_ERROR
        999,  # of a Kafka that is not made yet
    ),
    "Metadata": (LeaderNotAvailableError, UnknownTopicOrPartitionError, TopicAuthorizationFailedError, InvalidTopicError, UnknownError, 999),
    "ApiVersions": (UnknownError, 999),
}
"""What brokers may answer to each API, doing nothing."""


# --- faults of brokers ----------------------------------------------------------------------------------------------


def fault_of_requests(scene: Scene) -> tuple[str, Heal | None]:
    chance = scene.chance
    api = chance.choices(("Produce", "Metadata", "ApiVersions", None), (10, 3, 1, 2))[0]
    fault = _fault(scene, api)
    times = chance.choice((1, 1, 2, 5, None))
    rule = scene.cluster.faults.add(
        fault,
        api=api,
        node=chance.choice((None, *scene.cluster.nodes)),
        skip=chance.choice((0, 0, 1, 3)),
        times=times,
        probability=chance.choice((1.0, 1.0, 0.5, 0.2)),
        each_connection=chance.random() < 0.1,
    )
    return f"{fault!r} for {api}, times={times}", rule.remove


def _fault(scene: Scene, api: str | None) -> Fault:
    chance = scene.chance
    kinds: list[Callable[[], Fault]] = [
        lambda: faults.DropRequest(),
        lambda: faults.DropReply(),
        lambda: faults.DropReply(),
        lambda: faults.DelayRequest(chance.choice((0.01, 0.3, 2.0))),
        lambda: faults.DelayReply(chance.choice((0.01, 0.3, 2.0)), up_to_s=LONGEST_S),
        lambda: faults.Throttle(chance.choice((0.05, 0.5, LONGEST_S))),
        lambda: faults.WrongCorrelationId(chance.choice((1, -1, 1000))),
        lambda: faults.Garbage(chance.choice((0, 4, 8))),
        lambda: faults.Trickle(chance.choice((1, 7)), chance.choice((0.0, 0.001))),
        lambda: faults.CutReply(chance.choice((0, 3, 10, 30)), reset=chance.random() < 0.5),
        lambda: faults.CutRequest(chance.choice((None, 0, 5, 30)), reset=chance.random() < 0.5),
        lambda: faults.Cut(),
        lambda: faults.Freeze(chance.choice((0.2, 2.0))),
        lambda: faults.StopReading(chance.choice((0.2, 2.0))),
        lambda: faults.HalfOpen(),
    ]
    if api is not None and chance.random() < 0.5:
        return faults.Error(chance.choice(_REFUSALS[api]))
    return chance.choice(kinds)()


def fault_of_connections(scene: Scene) -> tuple[str, Heal | None]:
    chance = scene.chance
    kinds: list[Callable[[], Fault]] = [
        lambda: faults.Cut(received_bytes=chance.randrange(600)),
        lambda: faults.Cut(sent_bytes=chance.randrange(600), reset=chance.random() < 0.5),
        lambda: faults.Cut(),
        lambda: faults.Freeze(),
        lambda: faults.Freeze(chance.choice((0.5, 2.0))),
        lambda: faults.StopReading(),
        lambda: faults.HalfOpen(),
    ]
    fault = chance.choice(kinds)()
    times = chance.choice((1, 2, None))
    rule = scene.cluster.faults.add(fault, node=chance.choice((None, *scene.cluster.nodes)), times=times)
    return f"{fault!r} of connections, times={times}", rule.remove


def lying_leader(scene: Scene) -> tuple[str, Heal | None]:
    chance = scene.chance
    fault = faults.WrongLeader(chance.choice((-1, 77, *scene.cluster.nodes)), leader_epoch=chance.choice((None, None, 0, 1000)))
    rule = scene.cluster.faults.add(fault, times=chance.choice((1, 3, None)))
    return repr(fault), rule.remove


# --- links ----------------------------------------------------------------------------------------------------------


def _some_links(scene: Scene) -> list[Link]:
    links = [scene.network.link(node.address) for node in scene.cluster.nodes.values()]
    return links if scene.chance.random() < 0.3 else [scene.chance.choice(links)]


def _healing(links: list[Link]) -> Heal:
    def heal() -> None:
        for link in links:
            link.heal()

    return heal


def refused(scene: Scene) -> tuple[str, Heal | None]:
    links = _some_links(scene)
    for link in links:
        link.refuse()
        if scene.chance.random() < 0.7:
            link.cut()
    return f"{len(links)} links refuse", _healing(links)


def unreachable(scene: Scene) -> tuple[str, Heal | None]:
    links = _some_links(scene)
    for link in links:
        link.make_unreachable()
    return f"{len(links)} links let nothing through", _healing(links)


def cut(scene: Scene) -> tuple[str, Heal | None]:
    links = _some_links(scene)
    for link in links:
        link.cut()
    return f"{len(links)} links are cut", None


def slow(scene: Scene) -> tuple[str, Heal | None]:
    links = _some_links(scene)
    for link in links:
        link.to_broker_s, link.from_broker_s = (scene.chance.choice((0.0, 0.1, 0.5, 1.5)) for _ in range(2))

    def heal() -> None:
        for link in links:
            link.to_broker_s = link.from_broker_s = scene.circumstances.latency_s

    return f"{len(links)} links are slow", heal


# --- the cluster ----------------------------------------------------------------------------------------------------


def move_leader(scene: Scene) -> tuple[str, Heal | None]:
    name, partition = _some_partition(scene)
    if name is None:
        return "no leader moves: there is no topic", None
    try:
        leader = scene.cluster.move_leader(name, partition)
    except ValueError as error:
        return f"no leader moves: {error}", None
    return f"{name}-{partition} is led by {leader}", None


def _some_partition(scene: Scene) -> tuple[str | None, int]:
    topics = scene.cluster.topics
    if not topics:
        return None, 0
    name = scene.chance.choice(sorted(topics))
    return name, scene.chance.randrange(len(topics[name].partitions))


def stop_broker(scene: Scene) -> tuple[str, Heal | None]:
    node_id = scene.chance.choice(list(scene.cluster.nodes))
    scene.cluster.stop_node(node_id)
    return f"broker {node_id} stops", lambda: scene.cluster.start_node(node_id)


def delete_topic(scene: Scene) -> tuple[str, Heal | None]:
    name, _ = _some_partition(scene)
    if name is None:
        return "no topic is left to delete", None
    scene.widest[name] = max(scene.widest.get(name, 1), len(scene.cluster.topics[name].partitions))
    scene.cluster.delete_topic(name)

    def make() -> None:
        if name not in scene.cluster.topics:
            scene.cluster.create_topic(name, scene.chance.randint(1, 4))

    if scene.chance.random() < 0.5:
        make()
        return f"{name} is made anew with {len(scene.cluster.topics[name].partitions)} partitions", None
    return f"{name} is deleted", make


def add_partitions(scene: Scene) -> tuple[str, Heal | None]:
    name, _ = _some_partition(scene)
    if name is None or len(scene.cluster.topics[name].partitions) >= 6:
        return "no partitions are added", None
    count = len(scene.cluster.topics[name].partitions) + 1
    scene.cluster.add_partitions(name, count)
    return f"{name} has {count} partitions", None


def move_broker(scene: Scene) -> tuple[str, Heal | None]:
    """A broker comes back at another address, as in Kubernetes, and later where bootstrap_servers says."""
    node = scene.chance.choice(list(scene.cluster.nodes.values()))
    home = node.port

    def move(port: int) -> None:
        scene.cluster.stop_node(node.node_id)
        node.port = port
        scene.cluster.start_node(node.node_id)

    if home != BOOTSTRAP_PORT:
        return f"broker {node.node_id} is away from home already", None
    move(home + 1)
    return f"broker {node.node_id} is at port {node.port} now", lambda: move(home)


def require_more_replicas(scene: Scene) -> tuple[str, Heal | None]:
    scene.cluster.min_insync_replicas = len(scene.cluster.nodes) + 1

    def heal() -> None:
        scene.cluster.min_insync_replicas = 1

    return "more replicas are needed than there are", heal


def lower_largest_batch(scene: Scene) -> tuple[str, Heal | None]:
    scene.cluster.max_message_bytes = scene.chance.choice((100, 300, 1000))

    def heal() -> None:
        scene.cluster.max_message_bytes = MAX_MESSAGE_BYTES

    return f"batches have {scene.cluster.max_message_bytes} bytes at most", heal


TROUBLES: tuple[tuple[Trouble, float], ...] = (
    (fault_of_requests, 10.0),
    (fault_of_connections, 3.0),
    (lying_leader, 1.0),
    (refused, 1.0),
    (unreachable, 1.0),
    (cut, 2.0),
    (slow, 1.0),
    (move_leader, 3.0),
    (stop_broker, 2.0),
    (move_broker, 0.5),
    (delete_topic, 0.7),
    (add_partitions, 0.5),
    (require_more_replicas, 0.7),
    (lower_largest_batch, 0.7),
)
"""And how often each is chosen."""
