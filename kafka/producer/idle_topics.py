"""Topics out of use: nothing is kept of what nobody has sent to for five minutes, until somebody does.

Imported by: producer.{assembly,sender}.  Imports: cluster, producer.{accumulator,metrics,partitioning}.
"""

from __future__ import annotations

import math

from kafka.cluster import ClusterMetadata
from kafka.producer.accumulator import RecordAccumulator
from kafka.producer.metrics import SenderMetrics
from kafka.producer.partitioning import Router

_IDLE_S = 300.0  # as Java's metadata.max.idle.ms
_PORTION = 200  # topics that are forgotten at a time: records wait no longer for that than for a request
_PAUSE_S = 0.02  # between portions


class IdleTopics:
    """Forgets topics: their queues, routes, metadata, metrics. Neither memory nor questions grow with every topic there ever was (KIP-526).

    It looks around when metadata was answered, so that while no broker can be reached what is known is kept.
    Threads: the I/O thread.
    """

    def __init__(self, *, cluster: ClusterMetadata, accumulator: RecordAccumulator, router: Router, metrics: SenderMetrics) -> None:
        self._cluster = cluster
        self._accumulator = accumulator
        self._router = router
        self._metrics = metrics
        self._idle: list[str] = []  # to be forgotten, if they are idle yet
        self.used: dict[str, float] = {}
        """When something was last sent to each topic of which something is kept, or when it was first seen here; written by the sender too."""

    def look(self, now_s: float) -> float:
        """Find out which topics are idle; when forget_some() is due."""
        for topic in (*self._cluster.known_topics(), *self._accumulator.topics(), *self._router.topics()):
            self.used.setdefault(topic, now_s)  # somebody asked for its partitions
        self._idle = [topic for topic, used_s in self.used.items() if now_s - used_s > _IDLE_S]
        return now_s if self._idle else math.inf

    def forget_some(self, now_s: float) -> float:
        """Forget a portion of them; when the next one is due."""
        portion = self._idle[:_PORTION]
        busy = self._accumulator.busy_topics()
        unused = [topic for topic in portion if topic not in busy and now_s - self.used.get(topic, now_s) > _IDLE_S]
        retired = self._accumulator.retire(unused)
        if retired is None:
            return now_s + _PAUSE_S  # nobody is waited for here: it is tried again
        del self._idle[: len(portion)]
        for topic in retired:
            del self.used[topic]
            self._router.forget(topic)
        if retired:
            self._cluster.forget_topics(retired)
        for topic in retired:
            self._metrics.forget(topic)
        return now_s + _PAUSE_S if self._idle else math.inf
