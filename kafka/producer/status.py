"""status(): what a producer is doing, for health checks and for "why is my record stuck".

It asks nobody and takes no lock: what it reads changes meanwhile, and it answers also where the I/O thread does not.
Imported by: producer.kafka.  Imports: client.status, cluster, errors, structs, producer.{assembly,accumulator,batch}.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, TypeVar

from kafka.client.status import BrokerStatus
from kafka.producer.accumulator import DeferredRecord
from kafka.producer.assembly import Parts
from kafka.producer.batch import BatchState, ProducerBatch
from kafka.structs import TopicPartition

_T = TypeVar("_T")

_MOST_TRIES = 100  # at copying what another thread changes


class PartitionStatus(NamedTuple):
    """Records of one partition that have no outcome yet."""

    topic_partition: TopicPartition
    leader: int | None
    """The broker that leads it; None where metadata names none."""
    queued_records: int
    queued_bytes: int
    in_flight_records: int
    """Sent and not answered."""
    oldest_age_s: float
    """Seconds since the oldest of their batches was begun."""
    attempts: int
    """How often that batch was sent."""
    last_error: BaseException | None
    """What went wrong with it last."""
    waits_for: str
    """What its next step depends on, in words."""


class ProducerStatus(NamedTuple):
    """A producer at a moment."""

    state: str
    """open, closing, closed, or failed: it gave up after unexpected errors, and takes nothing more."""
    brokers: tuple[BrokerStatus, ...]
    partitions: tuple[PartitionStatus, ...]
    """Those that have records without an outcome, the longest waiting first."""
    waiting_for_metadata: dict[str, int]
    """Records of callbacks and signal handlers that have no partition yet, by topic."""
    buffered_bytes: int
    buffer_memory: int
    threads_waiting_for_room: int
    last_error: BaseException | None
    """The most recent error that a record failed with."""


def status_of(parts: Parts, *, is_closed: bool) -> ProducerStatus:
    """The status of the producer with these parts; any thread."""
    accumulator = parts.accumulator
    if parts.home.forked:  # nothing was sent in this process yet
        return ProducerStatus("closed" if is_closed else "open", (), (), {}, 0, accumulator.memory.limit_bytes, 0, None)
    now_s = parts.home.clock.monotonic()
    brokers = parts.client.status(now_s)
    by_id = {broker.node_id: broker for broker in brokers}
    batches: dict[TopicPartition, dict[ProducerBatch, None]] = {}
    for batch in (*_copied(accumulator.fresh), *_copied(accumulator.incomplete.values())):  # in the order in which they go through them
        if not batch.is_final:
            batches.setdefault(batch.topic_partition, {})[batch] = None
    partitions = [_partition(parts, by_id, tp, list(those), now_s) for tp, those in batches.items()]
    topics: dict[str, int] = {}
    deferred: Iterable[DeferredRecord] = dict.fromkeys((*_copied(accumulator.deferred), *_copied(accumulator.unplaced)))
    for record in deferred:
        topics[record.topic] = topics.get(record.topic, 0) + 1
    return ProducerStatus(
        state=_state(parts, is_closed),
        brokers=brokers,
        partitions=tuple(sorted(partitions, key=lambda partition: -partition.oldest_age_s)),
        waiting_for_metadata=topics,
        buffered_bytes=accumulator.memory.used_bytes,
        buffer_memory=accumulator.memory.limit_bytes,
        threads_waiting_for_room=len(accumulator.memory.waiters),
        last_error=accumulator.failures.last_error,
    )


def _copied(things: Iterable[_T]) -> list[_T]:
    for _ in range(_MOST_TRIES):
        try:
            return list(things)
        except RuntimeError:
            continue  # it changed while it was copied
    return []


def _state(parts: Parts, is_closed: bool) -> str:
    if parts.sender.has_failed:
        return "failed"
    if parts.sender.terminated.is_open:
        return "closed"
    return "closing" if is_closed or parts.accumulator.refusal is not None else "open"


def _partition(
    parts: Parts, brokers: dict[Any, BrokerStatus], topic_partition: TopicPartition, batches: list[ProducerBatch], now_s: float
) -> PartitionStatus:
    batches.sort(key=lambda batch: (batch.number, batch.part))
    oldest = min(batches, key=lambda batch: batch.created_s)
    queued = [batch for batch in batches if batch.state is not BatchState.IN_FLIGHT]
    leader = parts.cluster.leader_for_partition(topic_partition)
    if leader is not None and leader < 0:  # metadata says that nobody leads it
        leader = None
    return PartitionStatus(
        topic_partition=topic_partition,
        leader=leader,
        queued_records=sum(batch.records.appended for batch in queued),
        queued_bytes=sum(batch.records.open_bytes for batch in queued),
        in_flight_records=sum(batch.record_count for batch in batches if batch.state is BatchState.IN_FLIGHT),
        oldest_age_s=max(0.0, now_s - oldest.created_s),
        attempts=oldest.attempts,
        last_error=oldest.last_error,
        waits_for=_reason(parts, brokers.get(leader), leader, batches[0], now_s),
    )


def _reason(parts: Parts, broker: BrokerStatus | None, leader: int | None, head: ProducerBatch, now_s: float) -> str:
    """What the oldest batch waits for: the first of these that is so."""
    if head.state is BatchState.IN_FLIGHT:
        return f"the answer of broker {leader}"
    if leader is None:
        error = parts.cluster.snapshot.errors.get(head.topic_partition.topic)
        return f"a leader, which metadata does not name{f' ({error.__name__})' if error is not None else ''}"
    if broker is None:
        return f"broker {leader}, which metadata does not name"
    if broker.state != "ready":
        return f"a connection to broker {leader} ({broker.state}{f'; {broker.last_error}' if broker.last_error is not None else ''})"
    if head.not_before_s > now_s:
        return f"its next attempt in {head.not_before_s - now_s:.3f} s ({head.last_error})"
    if broker.throttled_for_s > 0:
        return f"broker {leader}, which has throttled this client for another {broker.throttled_for_s:.3f} s"
    if broker.is_busy:
        return f"an answer of broker {leader}, which has {broker.requests_in_flight} requests to answer"
    if head.state is BatchState.OPEN and head.lingers and not head.records.is_full:
        return "company (linger_ms)"
    return "its turn"


