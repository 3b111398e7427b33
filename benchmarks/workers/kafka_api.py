"""Sends through whichever `kafka` package this interpreter has: this library, or one of kafka-python's releases.

    python -m benchmarks.workers.kafka_api TASK

Run by: benchmarks.contests.
"""

from __future__ import annotations

import dataclasses
import gc
import importlib
import itertools
import os
import signal
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Callable

from benchmarks.workers import payloads
from benchmarks.workers.task import PRIMED_PARTITIONS, Outcome, Report, Stopwatch, Task, finish, latency_figures, read_task

OUTCOME_TIMEOUT_S = 60.0
FIRST_RECORDS = 20  # or one of each thread
MOST_GROWTH = 8.0
ENOUGH = 0.7  # of the wanted seconds
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def keep(producer: Any, task: Task) -> Outcome:
    """A future per record, all of them kept and looked at."""
    values, send, topic = payloads.values(task.work, task.records), producer.send, task.topic
    watch = Stopwatch()
    if task.work.keys:
        futures = [send(topic, value, key) for value, key in zip(values, payloads.keys(task.work))]
    else:
        futures = [send(topic, value) for value in values]
    producer.flush()
    figures = watch.figures(task.records)
    return Outcome(task.records, succeeded(futures), figures)


def drop(producer: Any, task: Task) -> Outcome:
    """Every future is dropped at once."""
    values, send, topic = payloads.values(task.work, task.records), producer.send, task.topic
    watch = Stopwatch()
    for value in values:
        send(topic, value)
    producer.flush()
    return Outcome(task.records, None, watch.figures(task.records))


def callback(producer: Any, task: Task) -> Outcome:
    """A callback on every future, which is then dropped; done when the last callback has run."""
    values, send, topic = payloads.values(task.work, task.records), producer.send, task.topic
    offsets: list[int] = []
    append = offsets.append  # atomic: a late add_callback() runs in this thread, the others in the producer's

    def acknowledged(metadata: Any) -> None:
        append(metadata.offset)

    watch = Stopwatch()
    for value in values:
        send(topic, value).add_callback(acknowledged)
    producer.flush()
    deadline_s = time.monotonic() + OUTCOME_TIMEOUT_S
    while len(offsets) < task.records and time.monotonic() < deadline_s:
        time.sleep(0.0005)
    figures = watch.figures(task.records)
    return Outcome(task.records, sum(1 for offset in offsets if offset >= 0), figures)


def share(producer: Any, task: Task) -> Outcome:
    """Several threads send through one producer, each keeps its futures."""
    each = task.records // task.work.threads
    start = threading.Barrier(task.work.threads + 1)
    kept: list[list[Any]] = [[] for _ in range(task.work.threads)]

    def send_own(futures: list[Any]) -> None:
        values, send, topic = payloads.values(task.work, each), producer.send, task.topic
        start.wait()
        futures += [send(topic, value) for value in values]

    threads = [threading.Thread(target=send_own, args=(futures,)) for futures in kept]
    for thread in threads:
        thread.start()
    start.wait()
    watch = Stopwatch()
    for thread in threads:
        thread.join()
    producer.flush()
    sent = each * task.work.threads
    figures = watch.figures(sent)
    return Outcome(sent, succeeded(itertools.chain.from_iterable(kept)), figures)


def fill(producer: Any, task: Task) -> Outcome:
    """As share(), again with more records until that takes the work's seconds; all must be acknowledged, the last time is what counts."""
    sent = acknowledged = 0
    records = max(FIRST_RECORDS, task.work.threads)
    while True:
        records = min(records, task.records)
        last = share(producer, dataclasses.replace(task, records=records))
        sent, acknowledged = sent + last.sent, acknowledged + (last.acknowledged or 0)
        took_s = last.figures["seconds"]
        if took_s >= ENOUGH * task.work.seconds or records == task.records:
            return Outcome(sent, acknowledged, last.figures)
        records = int(records * min(MOST_GROWTH, 1.1 * task.work.seconds / took_s)) + 1


def wait(producer: Any, task: Task) -> Outcome:
    """send().get(), one record at a time."""
    samples_s = []
    for value in payloads.values(task.work, task.records):
        began_s = time.perf_counter()
        producer.send(task.topic, value).get(OUTCOME_TIMEOUT_S)
        samples_s.append(time.perf_counter() - began_s)
    return Outcome(task.records, len(samples_s), latency_figures(samples_s))


def queue(producer: Any, task: Task) -> Outcome:
    """All records are queued while the broker's process is stopped: what the process grew by, less the values, is the figure."""
    send, topic = producer.send, task.topic
    futures: list[Any] = [None] * task.records  # the application's own, so there before the first look
    gc.collect()
    os.kill(task.broker_pid, signal.SIGSTOP)
    try:
        before = resident_bytes()
        for index, value in enumerate(payloads.values(task.work, task.records)):
            futures[index] = send(topic, value)
        growth = resident_bytes() - before
    finally:
        os.kill(task.broker_pid, signal.SIGCONT)
    producer.flush()
    figures = {"overhead_bytes_per_record": growth / task.records - task.work.value_bytes}
    return Outcome(task.records, succeeded(futures), figures)


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES


def succeeded(futures: Iterable[Any]) -> int:
    """How many were acknowledged with an offset; looked at after the clock was stopped."""
    return sum(1 for future in futures if future.succeeded() and future.value.offset >= 0)


def prime(producer: Any, topic: str, partitions: int) -> int:
    """Connect and send a record to the first partitions; again where a new topic's leader is not ready yet."""
    for partition in range(partitions):
        deadline_s = time.monotonic() + OUTCOME_TIMEOUT_S
        while True:
            try:
                producer.send(topic, b"first", partition=partition).get(OUTCOME_TIMEOUT_S)
                break
            except Exception:  # each client has classes of its own
                if time.monotonic() > deadline_s:
                    raise
                time.sleep(0.1)
    return partitions


MODES: dict[str, Callable[[Any, Task], Outcome]] = {mode.__name__: mode for mode in (keep, drop, callback, share, fill, wait, queue)}


def main() -> None:
    task = read_task()
    kafka = importlib.import_module("kafka")  # only now: read_task() hides packages
    producer = kafka.KafkaProducer(bootstrap_servers=task.bootstrap, **dict(task.work.options))
    report = Report(versions={"kafka": kafka.__version__}, implementation=getattr(kafka, "__impl__", "python"))
    report.primed = prime(producer, task.topic, min(task.partitions, PRIMED_PARTITIONS))
    report.take(MODES[task.work.mode](producer, task))
    producer.close()
    finish(task, report)


if __name__ == "__main__":
    main()
