"""What happens to a cluster under load: each returns when it is over."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import ClassVar

from tests.broker import topics
from tests.broker.real_kafka import RealKafka
from tests.chaos.load import Load
from tests.chaos.proxies import Proxies

REPLICAS = 3
MIN_IN_SYNC = 2
PARTITIONS = 6
TOPIC_CONFIG = {"min.insync.replicas": str(MIN_IN_SYNC), "unclean.leader.election.enable": "false"}


@dataclass
class Stage:
    """What a fault acts on; `log_since_s` it moves where it begins the logs anew."""

    kafka: RealKafka
    loads: Sequence[Load] = ()
    proxies: Proxies | None = None
    log_since_s: float = field(default=0.0)

    def wait_until_well(self) -> None:
        """Every broker answers and names leaders of all partitions."""
        self.kafka.wait_until_answering()
        for load in self.loads:
            self.kafka.wait_until_led(load.topic, load.partitions)

    def wait_until_in_sync(self) -> None:
        for load in self.loads:
            self.kafka.wait_until_in_sync(load.topic, REPLICAS)


class Fault:
    """Something that happens while records are sent.

    Threads: one; it never changes.
    """

    may_repeat: ClassVar[bool] = True
    """Whether records may be written twice: an answer that is lost leaves no choice."""

    def befall(self, stage: Stage) -> None:
        """From its beginning to its end: from then on the producers must deliver again."""
        raise NotImplementedError

    @contextmanager
    def setting(self, stage: Stage) -> Iterator[str]:
        """What is there before the load begins; gives the servers that producers are told."""
        yield stage.kafka.bootstrap


@dataclass(frozen=True)
class LeadersKilled(Fault):
    """SIGKILL, in turn: each is down for `down_s` and is back in sync before the next."""

    times: int
    down_s: float

    def befall(self, stage: Stage) -> None:
        for turn in range(self.times):
            if turn:
                stage.wait_until_in_sync()
            leader = stage.kafka.leader(stage.loads[0].topic, turn)
            stage.kafka.kill(leader)
            time.sleep(self.down_s)
            stage.kafka.restart(leader)


@dataclass(frozen=True)
class LeaderStopped(Fault):
    """SIGSTOP and, `seconds` later, SIGCONT."""

    seconds: float

    def befall(self, stage: Stage) -> None:
        leader = stage.kafka.leader(stage.loads[0].topic, 0)
        stage.kafka.pause(leader)
        time.sleep(self.seconds)
        stage.kafka.resume(leader)


@dataclass(frozen=True)
class RollingRestart(Fault):
    """Each broker is shut down in order and started again, when all are in sync."""

    def befall(self, stage: Stage) -> None:
        for node in stage.kafka.nodes:
            stage.wait_until_in_sync()
            stage.kafka.shut_down(node.place.node_id)
            stage.kafka.restart(node.place.node_id)


@dataclass(frozen=True)
class ClusterDown(Fault):
    """SIGKILL for all brokers; over when they answer again, `seconds` and their start later."""

    seconds: float

    def befall(self, stage: Stage) -> None:
        for node in stage.kafka.nodes:
            node.kill()
        time.sleep(self.seconds)
        for node in stage.kafka.nodes:
            node.start()
        stage.wait_until_well()


@dataclass(frozen=True)
class ConnectionsCut(Fault):
    """Every connection to every broker is reset every `every_s`, for `seconds`; bytes take `delay_s` each way."""

    seconds: float
    delay_s: float = 0.0
    every_s: float = 0.2

    @contextmanager
    def setting(self, stage: Stage) -> Iterator[str]:
        targets = {front.advertised_port: front.port for front in stage.kafka.fronts}
        with Proxies(targets, delay_s=self.delay_s) as stage.proxies:
            yield stage.kafka.bootstrap_of_fronts

    def befall(self, stage: Stage) -> None:
        assert stage.proxies is not None
        end_s = time.monotonic() + self.seconds
        while time.monotonic() < end_s:
            time.sleep(self.every_s)
            stage.proxies.cut()


@dataclass(frozen=True)
class TopicRecreated(Fault):
    """The topic is deleted and, `gone_s` after no broker knows it any more, made anew.

    No broker has the old log when the new topic is asked for: what is acknowledged from then on is in the new one.
    """

    gone_s: float

    def befall(self, stage: Stage) -> None:
        bootstrap = stage.kafka.bootstrap
        before = [topics.topic_id(bootstrap, load.topic) for load in stage.loads]
        for load in stage.loads:
            topics.delete(bootstrap, load.topic)
        for load in stage.loads:
            stage.kafka.wait_until_gone(load.topic)
        time.sleep(self.gone_s)
        stage.log_since_s = time.monotonic()
        for load in stage.loads:
            stage.kafka.create_topic(load.topic, partitions=PARTITIONS, replication=REPLICAS, config=TOPIC_CONFIG)
        after = [topics.topic_id(bootstrap, load.topic) for load in stage.loads]
        assert not set(before) & set(after)


@dataclass(frozen=True)
class PartitionsAdded(Fault):
    """The topic gets as many again, and records for them are sent as soon as brokers know of them."""

    def befall(self, stage: Stage) -> None:
        for load in stage.loads:
            topics.add_partitions(stage.kafka.bootstrap, load.topic, 2 * PARTITIONS)
            stage.kafka.wait_until_led(load.topic, 2 * PARTITIONS)
            load.send_to(2 * PARTITIONS)


@dataclass(frozen=True)
class TooFewInSync(Fault):
    """min.insync.replicas asks for all, and one is down for `seconds`; over when it is in sync again.

    Asking for fewer again would not end it: leaders go on holding what they have appended until a replica comes back (KIP-966), or
    request_timeout_ms is over.
    """

    seconds: float

    def befall(self, stage: Stage) -> None:
        for load in stage.loads:
            topics.configure(stage.kafka.bootstrap, load.topic, "min.insync.replicas", str(REPLICAS))
        node_id = stage.kafka.nodes[-1].place.node_id
        stage.kafka.kill(node_id)
        time.sleep(self.seconds)
        stage.kafka.restart(node_id)
        stage.wait_until_in_sync()


@dataclass(frozen=True)
class Forked(Fault):
    """The sending process forks; the child sends through the producer that it has got, as the parent goes on doing."""

    may_repeat: ClassVar[bool] = False

    def befall(self, stage: Stage) -> None:
        for load in stage.loads:
            load.fork()
