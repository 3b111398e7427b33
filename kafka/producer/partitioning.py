"""Which partition a record goes to, and the queue that stands for it.

Imported by: producer.kafka, producer.deferral.  Imports: cluster, partitioner, errors, producer.accumulator.
"""

from __future__ import annotations

import inspect
import random
from typing import Any, Callable

from kafka.cluster import ClusterMetadata, ClusterSnapshot, TopicSnapshot
from kafka.errors import InvalidArgumentTypeError, InvalidArgumentValueError, KafkaConfigurationError, UnknownTopicError
from kafka.partitioner.abc import Partitioner
from kafka.partitioner.default import DefaultPartitioner
from kafka.partitioner.murmur2 import murmur2
from kafka.producer.accumulator import RecordAccumulator
from kafka.producer.partition_queue import PartitionQueue
from kafka.structs import TopicPartition

Choose = Callable[[str, Any, "bytes | None", Any, "bytes | None", "TopicRoute"], int]


class TopicRoute:
    """A topic's partitions and their queues, as one cluster snapshot has them.

    Threads: any reads; replaced, not changed, but for `seen`.
    """

    __slots__ = ("all", "available", "available_queues", "queues", "seen", "topic")

    def __init__(self, seen: ClusterSnapshot, topic: TopicSnapshot, accumulator: RecordAccumulator) -> None:
        self.seen = seen
        self.topic = topic
        self.all = topic.all
        self.available = topic.available
        self.queues = {number: accumulator.queue(TopicPartition(topic.name, number)) for number in topic.all}
        self.available_queues = [self.queues[number] for number in topic.available or topic.all]


class Router:
    """Finds the route of a topic and chooses the partition of a record.

    Threads: any.  The user's partitioner runs in the thread that calls choose().
    """

    def __init__(
        self,
        *,
        cluster: ClusterMetadata,
        accumulator: RecordAccumulator,
        partitioner: Any,
        random: random.Random,
        unknown_topic_retries: int | None,
    ) -> None:
        self._cluster = cluster
        self._unknown_topic_retries = unknown_topic_retries
        self._accumulator = accumulator
        self._routes: dict[str, TopicRoute] = {}
        self._random = random.random
        self.is_default = type(partitioner) is DefaultPartitioner
        self._choose = _call_form(partitioner, cluster)
        self._on_new_batch = _on_new_batch_of(partitioner)
        self.hears_of_batches = self._on_new_batch is not None

    def route(self, topic: str) -> TopicRoute | None:
        """The topic's route by the newest metadata; None while the topic is not known."""
        snapshot = self._cluster.snapshot
        route = self._routes.get(topic)
        if route is not None and route.seen is snapshot:
            return route
        known = snapshot.topics.get(topic)
        if known is None or not known.all:
            return None
        if route is not None and route.topic is known:
            route.seen = snapshot
            return route
        route = self._routes[topic] = TopicRoute(snapshot, known, self._accumulator)
        return route

    def given_up(self, topic: str) -> UnknownTopicError | None:
        """What to fail with, once brokers have said often enough that there is no such topic; None for one that is known, or waited for."""
        retries = self._unknown_topic_retries
        answers = self._cluster.unknown_answers(topic)
        if retries is None or answers <= retries or self.route(topic) is not None:
            return None
        return UnknownTopicError(
            f"Topic {topic} does not exist: the brokers' last answer was UnknownTopicOrPartitionError, {answers} time(s) in a row "
            f"(unknown_topic_retries={retries})"
        )

    def topics(self) -> list[str]:
        """Those that have routes."""
        return list(self._routes)

    def forget(self, topic: str) -> None:
        """Keep no route of this topic; whoever holds one may go on using it."""
        self._routes.pop(topic, None)

    def choose(self, route: TopicRoute, key: Any, key_bytes: bytes | None, value: Any, value_bytes: bytes | None) -> PartitionQueue:
        """The queue of the partition that the partitioner picks; InvalidArgumentValueError where it is not one of the topic's."""
        if self.is_default:
            if key_bytes is None:
                queues = route.available_queues
                return queues[int(self._random() * len(queues))]
            numbers = route.all
            return route.queues[numbers[(murmur2(key_bytes) & 0x7FFFFFFF) % len(numbers)]]
        number = self._choose(route.topic.name, key, key_bytes, value, value_bytes, route)
        try:
            return route.queues[number]
        except (KeyError, TypeError):
            raise InvalidArgumentValueError(
                f"The partitioner chose {number!r} for topic {route.topic.name}, which has the partitions {_span(route.all)}"
            ) from None

    def choose_for_new_batch(
        self, route: TopicRoute, queue: PartitionQueue, key: Any, key_bytes: bytes | None, value: Any, value_bytes: bytes | None
    ) -> PartitionQueue:
        """Tell the partitioner that the record would begin a batch of `queue`, and have it choose once more."""
        self.begin_batch(queue.topic_partition)
        return self.choose(route, key, key_bytes, value, value_bytes)

    def begin_batch(self, topic_partition: TopicPartition) -> None:
        """Tell the partitioner, if it wants to hear of it, that a batch of this partition is about to be begun; raises what it raises."""
        if self._on_new_batch is not None:
            self._on_new_batch(topic_partition.topic, self._cluster, topic_partition.partition)

    def explicit(self, route: TopicRoute, partition: int) -> PartitionQueue | None:
        """The queue of a partition the caller names; None where metadata does not have it."""
        return route.queues.get(partition)


def unrecognized_partition(topic: str, partition: int, route: TopicRoute | None) -> InvalidArgumentValueError:
    """The error of an explicit partition that fresh metadata does not have."""
    known = f"; it has {_span(route.all)}" if route is not None else ""
    return InvalidArgumentValueError(f"Unrecognized partition {partition} for topic {topic}{known}")


def check_partition(partition: Any) -> None:
    """InvalidArgumentTypeError or InvalidArgumentValueError for what can be no partition of any topic."""
    if not isinstance(partition, int):
        raise InvalidArgumentTypeError(f"partition must be an int or None, not {type(partition).__name__}")
    if partition < 0:
        raise InvalidArgumentValueError(f"partition must be >= 0, not {partition}")


def _span(numbers: list[int]) -> str:
    contiguous = numbers == list(range(len(numbers)))
    return f"0 to {len(numbers) - 1}" if contiguous and len(numbers) > 1 else ", ".join(map(str, numbers))


def _call_form(partitioner: Any, cluster: ClusterMetadata) -> Choose:
    """Tell f(key_bytes, all, available) from .partition(topic, key, key_bytes, value, value_bytes, cluster), once.

    An object with both is called in the form that the user's own class defines, nearest class first.
    """
    method = getattr(partitioner, "partition", None)
    if method is not None and callable(method) and not _prefers_call(partitioner):
        return lambda topic, key, key_bytes, value, value_bytes, route: method(topic, key, key_bytes, value, value_bytes, cluster)
    if not callable(partitioner):
        raise KafkaConfigurationError(f"partitioner must be a callable or have a partition() method, not {type(partitioner).__name__}")
    return lambda topic, key, key_bytes, value, value_bytes, route: partitioner(key_bytes, list(route.all), list(route.available))


def _on_new_batch_of(partitioner: Any) -> Callable[[str, ClusterMetadata, int], Any] | None:
    """The partitioner's on_new_batch(topic, cluster, previous_partition); None where it has none, or only the one that does nothing."""
    method = getattr(partitioner, "on_new_batch", None)
    if not callable(method) or inspect.isclass(partitioner) or getattr(type(partitioner), "on_new_batch", None) is Partitioner.on_new_batch:
        return None
    found: Callable[[str, ClusterMetadata, int], Any] = method
    return found


def _prefers_call(partitioner: Any) -> bool:
    if inspect.isfunction(partitioner) or inspect.isclass(partitioner):
        return True
    for owner in type(partitioner).__mro__:
        has_call, has_partition = "__call__" in vars(owner), "partition" in vars(owner)
        if has_call or has_partition:
            return has_call
    return False
