"""Sends through confluent-kafka, as its documentation says to: produce(), poll() where its queue is full and every so often, flush().

    python -m benchmarks.workers.confluent TASK

Run by: benchmarks.contests.
"""

from __future__ import annotations

import itertools
import time
from importlib import metadata
from typing import Any, Callable

import confluent_kafka

from benchmarks.workers import payloads
from benchmarks.workers.task import PRIMED_PARTITIONS, Outcome, Report, Stopwatch, Task, finish, latency_figures, read_task

OUTCOME_TIMEOUT_S = 60.0
RECORDS_BETWEEN_POLLS = 200
LARGEST_QUEUE = 10_000_000  # records; librdkafka's default of 100,000 would be the limit


class Reports:
    """Counts delivery reports.

    Threads: one, that which polls.
    """

    def __init__(self) -> None:
        self.acknowledged = 0
        self.failed = 0

    def count(self, error: Any, message: Any) -> None:
        if error is None:
            self.acknowledged += 1
        else:
            self.failed += 1


def report(producer: Any, task: Task) -> Outcome:
    """A delivery report per record, counted."""
    reports = Reports()
    watch = Stopwatch()
    produce_all(producer, task, {"on_delivery": reports.count})
    return Outcome(task.records, reports.acknowledged, watch.figures(task.records))


def callback(producer: Any, task: Task) -> Outcome:
    """on_delivery with each record, which does what the callback on each future does elsewhere: it keeps the offset."""
    offsets: list[int] = []
    append = offsets.append

    def on_delivery(error: Any, message: Any) -> None:
        if error is None:
            append(message.offset())

    watch = Stopwatch()
    produce_all(producer, task, {"on_delivery": on_delivery})
    figures = watch.figures(task.records)
    return Outcome(task.records, sum(1 for offset in offsets if offset >= 0), figures)


def silent(producer: Any, task: Task) -> Outcome:
    """Fire and forget: no report is asked for."""
    watch = Stopwatch()
    produce_all(producer, task, {})
    return Outcome(task.records, None, watch.figures(task.records))


def wait(producer: Any, task: Task) -> Outcome:
    """One record at a time, each waited for."""
    reports = Reports()
    samples_s = []
    for value in payloads.values(task.work, task.records):
        awaited = reports.acknowledged + 1
        began_s = time.perf_counter()
        producer.produce(task.topic, value, on_delivery=reports.count)
        while reports.acknowledged < awaited and not reports.failed:
            producer.poll(1)
        samples_s.append(time.perf_counter() - began_s)
    return Outcome(task.records, reports.acknowledged, latency_figures(samples_s))


def produce_all(producer: Any, task: Task, arguments: dict[str, Any]) -> None:
    values = payloads.values(task.work, task.records)
    if task.work.keys:
        produce_keyed(producer, task, values, arguments)
    else:
        produce_plain(producer, task, values, arguments)
    left = producer.flush(OUTCOME_TIMEOUT_S)
    if left:
        raise SystemExit(f"{left} records are still queued {OUTCOME_TIMEOUT_S:.0f} s after the last")


def produce_plain(producer: Any, task: Task, values: Any, arguments: dict[str, Any]) -> None:
    produce, poll, topic = producer.produce, producer.poll, task.topic
    for _ in range(0, task.records, RECORDS_BETWEEN_POLLS):
        for value in itertools.islice(values, RECORDS_BETWEEN_POLLS):
            while True:
                try:
                    produce(topic, value, **arguments)
                    break
                except BufferError:
                    poll(0.01)
        poll(0)


def produce_keyed(producer: Any, task: Task, values: Any, arguments: dict[str, Any]) -> None:
    produce, poll, topic = producer.produce, producer.poll, task.topic
    pairs = zip(values, payloads.keys(task.work))
    for _ in range(0, task.records, RECORDS_BETWEEN_POLLS):
        for value, key in itertools.islice(pairs, RECORDS_BETWEEN_POLLS):
            while True:
                try:
                    produce(topic, value, key, **arguments)
                    break
                except BufferError:
                    poll(0.01)
        poll(0)


def prime(producer: Any, topic: str, partitions: int) -> int:
    """Connect and send a record to the first partitions."""
    reports = Reports()
    for partition in range(partitions):
        producer.produce(topic, b"first", partition=partition, on_delivery=reports.count)
    producer.flush(OUTCOME_TIMEOUT_S)
    if reports.acknowledged != partitions:
        raise SystemExit(f"only {reports.acknowledged} of the first {partitions} records were acknowledged")
    return partitions


MODES: dict[str, Callable[[Any, Task], Outcome]] = {mode.__name__: mode for mode in (report, callback, silent, wait)}


def main() -> None:
    task = read_task()
    options = {"bootstrap.servers": task.bootstrap, "queue.buffering.max.messages": LARGEST_QUEUE, **dict(task.work.options)}
    producer = confluent_kafka.Producer(options)
    result = Report(versions={"confluent-kafka": metadata.version("confluent-kafka"), "librdkafka": confluent_kafka.libversion()[0]})
    result.primed = prime(producer, task.topic, min(task.partitions, PRIMED_PARTITIONS))
    result.take(MODES[task.work.mode](producer, task))
    finish(task, result)


if __name__ == "__main__":
    main()
