"""Which partitions have a batch to send now, to which leader, and when to look at the others again.

What an I/O turn costs depends on the partitions that are ready or whose time has come, not on how many there are.
Imported by: producer.sender.  Imports: producer.accumulator, producer.batch.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Iterator
from typing import Callable

from kafka.producer.batch import BatchState, ProducerBatch
from kafka.producer.partition_queue import PartitionQueue
from kafka.structs import TopicPartition

_FEW_WAKES = 100
_OPEN = BatchState.OPEN


class ReadyLine:
    """Partitions in the order in which they became ready, linked through themselves: each stands in one line at most.

    Threads: the I/O thread.
    """

    __slots__ = ("first", "last")

    def __init__(self) -> None:
        self.first: PartitionQueue | None = None
        self.last: PartitionQueue | None = None

    def append(self, queue: PartitionQueue) -> None:
        """Put a queue that stands in no line at the end."""
        last = self.last
        queue.place = self
        queue.before = last
        self.last = queue
        if last is None:
            self.first = queue
        else:
            last.after = queue

    def remove(self, queue: PartitionQueue) -> None:
        """Take out a queue that stands in this line."""
        before, after = queue.before, queue.after
        if before is None:
            self.first = after
        else:
            before.after = after
        if after is None:
            self.last = before
        else:
            after.before = before
        queue.place = queue.before = queue.after = None

    def __iter__(self) -> Iterator[PartitionQueue]:
        queue = self.first
        while queue is not None:
            yield queue
            queue = queue.after


class Schedule:
    """Lines of ready partitions, one per leader, first come first served; timers for linger, backoff and expiry.

    Threads: the I/O thread.
    """

    def __init__(
        self,
        *,
        linger_s: float,
        keeps_order: bool,
        leader_of: Callable[[TopicPartition], int | None],
        longest_wait_s: float,
    ) -> None:
        self._linger_s = linger_s
        self._keeps_order = keeps_order  # one batch of a partition in flight at a time
        self._leader_of = leader_of
        self._longest_wait_s = longest_wait_s  # of a batch, from its creation on
        self._lines: dict[int, ReadyLine] = {}
        self._leaders_version = 1  # counts how often leaders may have changed
        self._wakes: list[tuple[float, int, PartitionQueue]] = []  # heaps; an entry counts only while the queue still names its time
        self._most_wakes = _FEW_WAKES  # how many before those that count no more are thrown out
        self._expiries: list[tuple[float, int, PartitionQueue]] = []
        self._tie = itertools.count()
        self.is_hurrying = False  # nothing lingers: the producer closes, or threads wait for room

    def consider(self, queue: PartitionQueue, now_s: float) -> None:
        """Look at a partition whose batches, flights or leader may have changed."""
        if queue.place is not None or queue.first is None:
            return
        if queue.expires_at_s is None:
            self._watch_expiry(queue)
        if queue.probe is not None or (self._keeps_order and queue.in_flight):
            return
        due_s = self._due_s(queue)
        if due_s <= now_s:
            self._line_up(queue)
        elif queue.wakes_at_s is None or due_s < queue.wakes_at_s:
            queue.wakes_at_s = due_s
            heapq.heappush(self._wakes, (due_s, next(self._tie), queue))
            if len(self._wakes) > self._most_wakes:
                self._wakes = [entry for entry in self._wakes if entry[2].wakes_at_s == entry[0]]
                heapq.heapify(self._wakes)
                self._most_wakes = max(_FEW_WAKES, 2 * len(self._wakes))

    def _due_s(self, queue: PartitionQueue) -> float:
        head: ProducerBatch = queue.first
        may_linger = self._linger_s and head.state is _OPEN and head.lingers
        if may_linger and not (self.is_hurrying or head.records.is_full or queue.backlog > 1):
            return head.created_s + self._linger_s
        return head.not_before_s

    def _line_up(self, queue: PartitionQueue) -> None:
        self._home_of(queue).append(queue)
        queue.wakes_at_s = None

    def _home_of(self, queue: PartitionQueue) -> ReadyLine:
        """The line of its leader."""
        home = queue.home
        if home is None or queue.home_version != self._leaders_version:
            known = self._leader_of(queue.topic_partition)
            leader = -1 if known is None else known
            home = self._lines.get(leader)
            if home is None:
                home = self._lines[leader] = ReadyLine()
            queue.home, queue.home_version = home, self._leaders_version
        return home

    def run_timers(self, now_s: float) -> None:
        """Line up the partitions whose linger or backoff has ended."""
        while self._wakes and self._wakes[0][0] <= now_s:
            due_s, _, queue = heapq.heappop(self._wakes)
            if queue.wakes_at_s == due_s:
                queue.wakes_at_s = None
                self.consider(queue, now_s)

    def next_timer_s(self) -> float:
        """When run_timers() or take_expired() has something to do; infinity where nothing waits."""
        return min(self._wakes[0][0] if self._wakes else math.inf, self._expiries[0][0] if self._expiries else math.inf)

    def leaders(self) -> list[int]:
        """Leaders, -1 for none, to whom something is ready to be sent."""
        return [leader for leader, line in self._lines.items() if line.first is not None]

    def take(self, leader: int, max_bytes: int) -> list[ProducerBatch]:
        """Sealed batches for one request to `leader`: one per partition, at most `max_bytes` of them unless a single one is larger.

        consider() is due for their partitions once they are on their way.
        """
        line = self._lines[leader]
        batches: list[ProducerBatch] = []
        size_bytes = 0
        while line.first is not None:
            queue = line.first
            head = queue.first
            head.seal()
            if batches and size_bytes + head.size_bytes > max_bytes:
                break
            queue.take_first()
            line.remove(queue)
            queue.in_flight += 1
            size_bytes += head.size_bytes
            batches.append(head)
        return batches

    def put_back(self, batch: ProducerBatch, now_s: float) -> None:
        """Queue a batch again, in front of all that were made after it."""
        queue: PartitionQueue = batch.partition
        queue.put_back(batch)
        self._leave_line(queue)
        self._watch_expiry(queue)
        self.consider(queue, now_s)

    def forget(self, batch: ProducerBatch) -> None:
        """Take a batch that has failed out of its queue."""
        queue: PartitionQueue = batch.partition
        if queue.remove(batch) and queue.first is None:
            self._leave_line(queue)

    def take_expired(self, now_s: float) -> list[ProducerBatch]:
        """Batches whose time is up, taken from the front of their queues and sealed."""
        expired: list[ProducerBatch] = []
        while self._expiries and self._expiries[0][0] <= now_s:
            due_s, _, queue = heapq.heappop(self._expiries)
            if queue.expires_at_s != due_s:
                continue
            queue.expires_at_s = None
            while queue.first is not None and self._expires_s(queue) <= now_s:
                batch = queue.take_first()
                batch.seal()
                expired.append(batch)
            if queue.first is not None:
                self._watch_expiry(queue)
            else:
                self._leave_line(queue)
        return expired

    def rehome(self, now_s: float) -> None:
        """Leaders may have changed: line everyone up anew."""
        self._leaders_version += 1
        for queue in list(self._waiting()):
            if queue.place is not self._home_of(queue):
                self._leave_line(queue)
                self._line_up(queue)

    def hurry(self, now_s: float) -> None:
        """Let nothing linger any more until `is_hurrying` is taken back."""
        if self.is_hurrying:
            return
        self.is_hurrying = True
        for _, _, queue in list(self._wakes):
            self.consider(queue, now_s)

    def purge(self) -> None:
        """Let timers keep no queue that is retired."""
        for timers in (self._wakes, self._expiries):
            timers[:] = [entry for entry in timers if not entry[2].is_retired]
            heapq.heapify(timers)

    def _waiting(self) -> Iterator[PartitionQueue]:
        for line in self._lines.values():
            yield from line

    def _leave_line(self, queue: PartitionQueue) -> None:
        if queue.place is not None:
            queue.place.remove(queue)

    def _expires_s(self, queue: PartitionQueue) -> float:
        """When the oldest batch that waits there is given up."""
        oldest: ProducerBatch = queue.first
        return oldest.created_s + self._longest_wait_s

    def _watch_expiry(self, queue: PartitionQueue) -> None:
        due_s = self._expires_s(queue)
        if queue.expires_at_s is None or due_s < queue.expires_at_s:
            queue.expires_at_s = due_s
            heapq.heappush(self._expiries, (due_s, next(self._tie), queue))
