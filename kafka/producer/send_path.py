"""The compiled way of a plain record, kept up to date with metadata; without it send() does everything itself.

Imported by: producer.{assembly,kafka}.  Imports: _accel, _clock, cluster, producer.{accumulator,partitioning}.
"""

from __future__ import annotations

import random
from typing import Any, Callable

from kafka import _accel
from kafka._clock import Clock, SystemClock
from kafka.cluster import ClusterMetadata
from kafka.partitioner.default import DefaultPartitioner
from kafka.producer.accumulator import RecordAccumulator
from kafka.producer.partitioning import TopicRoute

_SEND_PATH = _accel.pick("send_path.SendPath", None)

AppendAtOnce = Callable[[Any, Any, Any, Any, Any, Any], Any]
"""(topic, value, key, headers, partition, timestamp_ms) -> the record's future, or None where send() must see to it."""


class CompiledSendPath:
    """Offers the topics' open batches to compiled code, and takes them back when metadata or the producer's state has changed.

    Threads: any.
    """

    def __init__(
        self, kind: Any, *, config: dict[str, Any], clock: Clock, random: random.Random, accumulator: RecordAccumulator, cluster: ClusterMetadata
    ) -> None:
        self._cluster = cluster
        self._path = kind(
            accumulator=accumulator,
            time=None if type(clock) is SystemClock else clock.time,
            monotonic=None if type(clock) is SystemClock else clock.monotonic,
            most_bytes=min(config["max_request_size"], config["buffer_memory"]),
            notices_full=config["linger_ms"] > 0,
            seed=random.getrandbits(64),
        )
        self.append: AppendAtOnce = self._path.append
        accumulator.on_refusal = self._path.close
        cluster.add_listener(self._forget)

    def offer(self, route: TopicRoute) -> None:
        """Let records of this topic come this way from now on."""
        if self._path.has(route.topic.name) or not route.available or route.all != list(range(len(route.all))):
            return
        self._path.put(route.topic.name, [route.queues[number] for number in route.all], list(route.available_queues))
        if route.seen is not self._cluster.snapshot:  # metadata changed meanwhile, and what was put may be old
            self._path.clear()

    def _forget(self, cluster: ClusterMetadata) -> None:
        self._path.clear()


def send_path_for(
    config: dict[str, Any], *, clock: Clock, random: random.Random, accumulator: RecordAccumulator, cluster: ClusterMetadata
) -> CompiledSendPath | None:
    """The compiled path, where it is in use and the options let nothing of the user's take part in send()."""
    serializers = (config["key_serializer"], config["value_serializer"])
    if _SEND_PATH is None or serializers != (None, None) or type(config["partitioner"]) is not DefaultPartitioner:
        return None
    return CompiledSendPath(_SEND_PATH, config=config, clock=clock, random=random, accumulator=accumulator, cluster=cluster)
