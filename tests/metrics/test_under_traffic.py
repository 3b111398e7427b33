"""metrics() is a snapshot for any thread at any time: it neither disturbs records nor is disturbed by them."""

from __future__ import annotations

import threading
from typing import Any, Callable

import pytest

from kafka import KafkaProducer

Make = Callable[..., KafkaProducer]

READERS, RECORDS, TOPICS = 10, 4_000, 20


@pytest.mark.parametrize("raw", [False, True], ids=["values", "raw"])
def test_ten_threads_read_metrics_while_records_and_topics_come_and_go(raw: bool, make_producer: Make) -> None:
    producer = make_producer(batch_size=1000, max_batch_size=1000)
    is_over = threading.Event()
    errors: list[BaseException] = []
    reads = [0] * READERS

    def read(reader: int) -> None:
        try:
            while not is_over.is_set():
                found: Any = producer.metrics(raw=raw)
                assert all(isinstance(metric.value(), (int, float)) for metric in found.values()) if raw else found["producer-metrics"]
                reads[reader] += 1
        except BaseException as error:  # noqa: BLE001 - of a thread, looked at below
            errors.append(error)

    threads = [threading.Thread(target=read, args=(number,)) for number in range(READERS)]
    for thread in threads:
        thread.start()
    try:
        futures = [producer.send(f"topic-{number * TOPICS // RECORDS}", b"%d" % number) for number in range(RECORDS)]
        producer.flush(40)
    finally:
        is_over.set()
        for thread in threads:
            thread.join(20)
    assert not errors
    assert min(reads) > 0
    assert all(future.succeeded() for future in futures)
    measured = producer.metrics()
    assert {f"producer-topic-metrics.topic-{number}" for number in range(TOPICS)} <= set(measured)
    assert measured["producer-metrics"]["record-send-rate"] > 0
    assert measured["producer-metrics"]["record-error-rate"] == 0
