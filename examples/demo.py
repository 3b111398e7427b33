"""Send a million records, read every one back with another client, and say what was measured.

Without BOOTSTRAP an embedded broker of kafka.testing runs in a process of its own; with BOOTSTRAP=host:port it is that cluster.
RECORDS, PARTITIONS and COMPRESSION change what is sent.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

from confluent_kafka import Consumer, KafkaException
from confluent_kafka import TopicPartition as Assigned

from kafka import KafkaProducer
from kafka.errors import KafkaError

RECORDS = int(os.environ.get("RECORDS", "1000000"))
PARTITIONS = int(os.environ.get("PARTITIONS", "4"))
COMPRESSION = os.environ.get("COMPRESSION") or None
PAYLOAD = b"." * 88  # 100 bytes with the record's number before it
EVERY_NTH_IS_TIMED = 500
BAR = 32


def serve(ready: Connection) -> None:
    """Run an embedded broker until the other end of the pipe closes."""
    from kafka.testing import KafkaBroker

    with KafkaBroker(default_partitions=PARTITIONS) as broker:
        ready.send(broker.bootstrap_servers)
        try:
            ready.recv()
        except EOFError:
            pass


@contextmanager
def cluster() -> Iterator[str]:
    """The bootstrap servers to use."""
    given = os.environ.get("BOOTSTRAP")
    if given:
        yield given
        return
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs,), daemon=True)
    process.start()
    theirs.close()
    try:
        yield ours.recv()
    finally:
        ours.close()
        process.join(5)


class Progress:
    """A bar on one line, redrawn ten times a second where somebody watches."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._began = time.monotonic()
        self._next = 0.0
        self._live = sys.stdout.isatty()

    def show(self, done: int, *, last: bool = False) -> None:
        now = time.monotonic()
        if not last and (now < self._next or not self._live):
            return
        self._next = now + 0.1
        full = BAR * done // RECORDS
        rate = done / max(now - self._began, 1e-9)
        start, end = ("\r", "\n" if last else "") if self._live else ("", "\n")
        print(f"{start}{self._what:8} [{'#' * full}{'-' * (BAR - full)}] {done:>9,} records  {rate:>9,.0f}/s ", end=end, flush=True)


def send_all(bootstrap: str, topic: str) -> tuple[int, float, list[float]]:
    """(how many failed, seconds, latencies of the timed records in seconds)."""
    latencies: list[float] = []
    failed = 0

    def note(sent_at: float, metadata: Any) -> None:
        latencies.append(time.monotonic() - sent_at)

    progress = Progress("sending")
    with KafkaProducer(bootstrap_servers=bootstrap, compression_type=COMPRESSION, api_version_auto_timeout_ms=10000) as producer:
        producer.partitions_for(topic)
        began = time.monotonic()
        futures = []
        for number in range(RECORDS):
            future = producer.send(topic, b"%012d" % number + PAYLOAD)
            if number % EVERY_NTH_IS_TIMED == 0:
                future.add_callback(note, time.monotonic())
                progress.show(number)
            futures.append(future)
        producer.flush()
        seconds = time.monotonic() - began
        progress.show(RECORDS, last=True)
        for future in futures:
            if future.exception is not None:
                failed += 1
    return failed, seconds, latencies


def read_all(bootstrap: str, topic: str, expected: int) -> tuple[int, int, bool]:
    """(records lost, records duplicated, whether each partition is in order), read by an independent consumer."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "demo", "enable.auto.commit": False, "fetch.wait.max.ms": 50})
    partitions = consumer.list_topics(topic, 10).topics[topic].partitions
    consumer.assign([Assigned(topic, number, 0) for number in partitions])
    seen = bytearray(RECORDS)
    newest = dict.fromkeys(partitions, -1)
    in_order = True
    read = 0
    progress = Progress("reading")
    quiet_since = time.monotonic()
    while read < expected and time.monotonic() - quiet_since < 10:
        for message in consumer.consume(10000, 0.2):
            if message.error():
                raise KafkaException(message.error())
            number = int(message.value()[:12])
            partition = message.partition()
            in_order = in_order and number > newest[partition]
            newest[partition] = number
            seen[number] = min(seen[number] + 1, 255)
            read += 1
            quiet_since = time.monotonic()
        progress.show(read)
    progress.show(read, last=True)
    consumer.close()
    return seen.count(0), sum(times - 1 for times in seen if times > 1), in_order


def percentile(sorted_values: list[float], share: float) -> float:
    return sorted_values[min(int(len(sorted_values) * share), len(sorted_values) - 1)] if sorted_values else float("nan")


def main() -> int:
    topic = f"demo-{uuid.uuid4().hex[:8]}"
    with cluster() as bootstrap:
        where = bootstrap if os.environ.get("BOOTSTRAP") else f"an embedded broker at {bootstrap}"
        print(f"{RECORDS:,} records of 100 bytes to topic {topic} on {where}, compression {COMPRESSION or 'none'}")
        failed, seconds, latencies = send_all(bootstrap, topic)
        lost, duplicated, in_order = read_all(bootstrap, topic, RECORDS - failed)
    latencies.sort()
    p50, p95, p99 = (percentile(latencies, share) * 1000 for share in (0.5, 0.95, 0.99))
    print(f"throughput  {RECORDS / seconds:,.0f} records/s, {RECORDS * 100 / seconds / 1e6:,.1f} MB/s, every future checked, {failed} failed")
    print(f"latency     p50 {p50:.1f} ms, p95 {p95:.1f} ms, p99 {p99:.1f} ms from send() to acknowledgement, with the buffer kept full")
    print(f"{lost} lost, {duplicated} duplicated, {'in order' if in_order else 'NOT in order'}")
    return 0 if (failed, lost, duplicated, in_order) == (0, 0, 0, True) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KafkaError as error:
        sys.exit(f"{type(error).__name__}: {error}")
