"""Promise 4: nothing is kept of topics that nothing was sent to for long, and they are as good as new when somebody sends to them."""

from __future__ import annotations

import gc
import threading
import time
from collections import Counter, defaultdict
from typing import Any, Callable

import pytest

from kafka import KafkaProducer
from kafka.errors import MessageSizeTooLargeError, NotEnoughReplicasError, NotLeaderForPartitionError
from kafka.metrics.metrics_reporter import AbstractMetricsReporter
from kafka.producer import idle_topics
from kafka.producer.partition_queue import PartitionQueue
from kafka.testing import KafkaBroker, faults
from tests.guarantees.test_nothing_is_left import objects_of_ours, wait_until, without_collector
from tests.scenarios.stage import Stage

Make = Callable[..., KafkaProducer]

OUT_OF_USE_S = 700.0
"""Five minutes, and as long again until metadata is answered by default."""


def send_to(producer: KafkaProducer, topics: list[str]) -> None:
    """A record for each, from a callback, so that metadata of all of them is asked for at once."""
    producer.send("first", b"v").add_callback(lambda _: [producer.send(topic, b"v") for topic in topics]).get()
    producer.flush()


def kept_of_topics() -> Counter[str]:
    kinds = objects_of_ours()
    return Counter({kind: count for kind, count in kinds.items() if not kind.startswith(("Virtual", "Latch"))})


def test_of_ten_thousand_topics_nothing_is_left_when_they_are_out_of_use_and_each_can_be_sent_to_again() -> None:
    stage = Stage(latency_s=0.001)
    producer = stage.producer(max_request_size=20 << 20)
    send_to(producer, ["warm-up"])
    stage.clock.run_for(OUT_OF_USE_S)
    gc.collect()
    before, measured = kept_of_topics(), set(producer.metrics())
    topics = [f"tenant-{number}" for number in range(10_000)]
    send_to(producer, topics)
    assert len(producer._metadata.topics()) == 10_001
    assert kept_of_topics()[PartitionQueue.__name__] >= 10_000
    stage.clock.run_for(OUT_OF_USE_S)
    assert producer._metadata.topics() == set()
    assert set(producer.metrics()) == measured - {"producer-topic-metrics.first", "producer-topic-metrics.warm-up"}
    gc.collect()
    assert not {kind: more for kind, more in (kept_of_topics() - before).items() if more > 10}
    for topic in ("tenant-0", "tenant-9999"):
        assert producer.send(topic, b"again").get(1).offset == 1
    assert producer.status().buffered_bytes == 0


def test_topics_that_come_and_go_leave_nothing_even_without_the_collector() -> None:
    stage = Stage(latency_s=0.001, default_partitions=3)
    producer = stage.producer()

    def some(kind: int) -> None:
        topics = [f"{kind}-{number}" for number in range(150)]
        send_to(producer, topics)
        for partition in range(3):
            for topic in topics:
                producer.send(topic, b"w", partition=partition)
        producer.flush()
        stage.clock.run_for(OUT_OF_USE_S)

    some(0)
    some(1)
    with without_collector():
        before = kept_of_topics()
        for kind in range(2, 6):
            some(kind)
        grown = {kind: more for kind, more in (kept_of_topics() - before).items() if more > 10}
    assert not grown


@pytest.mark.parametrize("trouble", ["refused again and again", "without a leader", "deferred", "an answer that does not come"])
def test_a_topic_with_records_that_wait_is_in_use(trouble: str) -> None:
    stage = Stage(latency_s=0.005, brokers=2, auto_create_topics=False)
    stage.cluster.create_topic("t")
    stage.cluster.create_topic("other")
    options: dict[str, Any] = {"retries": 1_000_000, "delivery_timeout_ms": 7_200_000, "metadata_max_age_ms": 30_000, "retry_backoff_ms": 5000}
    if trouble == "an answer that does not come":
        options["request_timeout_ms"] = 3_600_000
    producer = stage.producer(max_in_flight_requests_per_connection=1, max_block_ms=7_200_000, **options)
    producer.send("t", b"0").get(5)
    partition = stage.cluster.topics["t"].partitions[0]
    leader = partition.leader
    if trouble == "refused again and again":
        stage.cluster.faults.add(faults.Error(NotLeaderForPartitionError), api="Produce")
    elif trouble == "an answer that does not come":
        stage.cluster.faults.add(faults.DropReply(), api="Produce")
    elif trouble == "without a leader":
        partition.leader = -1
        producer._metadata.request_update()
        stage.clock.run_for(1)
    topic = "made-later" if trouble == "deferred" else "t"
    futures: list[Any] = []

    def send(_: Any) -> None:
        futures.extend(producer.send(topic, b"%d" % number) for number in (1, 2))

    if trouble == "deferred":
        producer.send("other", b"v").add_callback(send)
    else:
        send(None)
    for _ in range(20):
        stage.clock.run_for(60)
    assert [future.is_done for future in futures] == [False, False]
    stage.cluster.faults.clear()
    partition.leader = leader
    if trouble == "deferred":
        stage.cluster.create_topic(topic)
    if trouble == "an answer that does not come":
        for link in stage.links:
            link.cut()
    stage.clock.run_for(70)
    assert [future.exception for future in futures] == [None, None]
    stored = [record.value for record in stage.cluster.records(topic)]
    assert list(dict.fromkeys(stored)) == [b"0", b"1", b"2"][trouble == "deferred" :]


def test_while_no_broker_answers_what_is_known_is_kept() -> None:
    """Else send() would wait for metadata that nobody can give, where it can take the record."""
    stage = Stage(latency_s=0.001)
    producer = stage.producer(retries=1_000_000, delivery_timeout_ms=7_200_000, metadata_max_age_ms=30_000)
    producer.send("t", b"v").get(5)
    for link in stage.links:
        link.refuse()
        link.cut()
    stage.clock.run_for(OUT_OF_USE_S)
    with stage.takes(0.0):
        future = producer.send("t", b"v")
    for link in stage.links:
        link.heal()
    assert future.get(30).offset == 1


def test_what_was_learned_of_a_topic_is_learned_again_at_no_record_s_cost() -> None:
    stage = Stage(latency_s=0.001)
    stage.cluster.create_topic("t", 1, config={"max.message.bytes": "2000"})
    producer = stage.producer(retries=0, max_in_flight_requests_per_connection=5, linger_ms=20)

    def burst() -> list[bytes]:
        values = [b"%05d" % number + b"." * 400 for number in range(50)]
        futures = [producer.send("t", value) for value in values]
        producer.flush()
        assert not [future.exception for future in futures if future.exception is not None]
        return values

    values = burst()
    stage.clock.run_for(OUT_OF_USE_S)
    values += burst()
    assert [record.value for record in stage.cluster.records("t")] == values
    with pytest.raises(MessageSizeTooLargeError):
        producer.send("t", b"." * 3000).get(1)


def test_reporters_are_told_that_metrics_of_a_topic_are_gone_and_come_back() -> None:
    told: list[str] = []

    class Reporter(AbstractMetricsReporter):
        def init(self, metrics: Any) -> None: ...
        def configure(self, configs: Any) -> None: ...
        def close(self) -> None: ...

        def metric_change(self, metric: Any) -> None:
            self._note("+", metric)

        def metric_removal(self, metric: Any) -> None:
            self._note("-", metric)

        def _note(self, sign: str, metric: Any) -> None:
            if metric.metric_name.group == "producer-topic-metrics.t":
                told.append(sign + metric.metric_name.name)

    names = ["record-send-rate", "byte-rate", "compression-rate", "record-retry-rate", "record-error-rate"]
    stage = Stage(latency_s=0.001)
    producer = stage.producer(metric_reporters=[Reporter])
    producer.send("t", b"v").get(1)
    assert told == [f"+{name}" for name in names]
    stage.clock.run_for(OUT_OF_USE_S)
    assert told[5:] == [f"-{name}" for name in names]
    assert "producer-topic-metrics.t" not in producer.metrics()
    producer.send("t", b"v").get(1)
    assert told[10:] == [f"+{name}" for name in names]
    assert producer.metrics()["producer-topic-metrics.t"]["record-send-rate"] > 0


def test_who_waits_for_a_topic_while_it_is_forgotten_gets_its_metadata(make_producer: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idle_topics, "_IDLE_S", 0.01)
    producer = make_producer(metadata_max_age_ms=10)
    for number in range(200):
        assert producer.partitions_for(f"topic-{number % 3}") == {0, 1, 2}


@pytest.mark.parametrize("in_flight", [1, 5])
def test_threads_that_send_while_topics_are_forgotten_lose_no_record_and_no_order(
    in_flight: int, broker: KafkaBroker, make_producer: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A topic that has nothing on its way is out of use after an instant, again and again."""
    monkeypatch.setattr(idle_topics, "_IDLE_S", 0.002)
    monkeypatch.setattr(idle_topics, "_PAUSE_S", 0.0)
    producer = make_producer(metadata_max_age_ms=10, max_in_flight_requests_per_connection=in_flight, retries=100, retry_backoff_ms=1, batch_size=500)
    forgotten = Counter[str]()
    forget = producer._metadata.forget_topics
    monkeypatch.setattr(producer._metadata, "forget_topics", lambda topics: (forgotten.update(topics), forget(topics)))
    if in_flight == 1:
        broker.faults.add(faults.Error(NotEnoughReplicasError), api="Produce", probability=0.3)
    futures: dict[int, list[Any]] = defaultdict(list)

    def send(thread: int) -> None:
        number, give_up_at_s = 0, time.monotonic() + 30
        while number < 1000 or (sum(forgotten.values()) < 20 and time.monotonic() < give_up_at_s):
            topic, partition = f"topic-{number // 40 % 3}", number // 20 % 3
            futures[thread].append(producer.send(topic, b"%d.%d" % (thread, number), partition=partition))
            if number % 20 == thread:
                futures[thread][-1].get(30)
                time.sleep(0.002)
            number += 1

    threads = [threading.Thread(target=send, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    producer.flush(30)
    assert all(future.succeeded() for each in futures.values() for future in each)
    assert sum(forgotten.values()) >= 20
    stored = [record for number in range(3) for record in broker.records(f"topic-{number}")]
    numbers: dict[tuple[str, int, int], list[int]] = defaultdict(list)
    for record in stored:
        thread_number, number = map(int, (record.value or b"").split(b"."))
        numbers[record.topic, record.partition, thread_number].append(number)
    assert all(found == sorted(set(found)) for found in numbers.values())
    assert len(stored) == sum(map(len, futures.values()))
    wait_until(lambda: producer.status().buffered_bytes == 0)
