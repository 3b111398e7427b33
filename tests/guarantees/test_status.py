"""Promise 12: status() says what brokers, connections and records are doing, and what each partition waits for."""

from __future__ import annotations

import threading
from typing import Any, Callable

import pytest

from kafka import KafkaProducer
from kafka.errors import NotEnoughReplicasError, NotLeaderForPartitionError
from kafka.structs import TopicPartition
from kafka.testing import KafkaBroker, MockProducer, faults
from tests.guarantees.children import in_child
from tests.scenarios.stage import Stage

Make = Callable[..., KafkaProducer]
TP = TopicPartition("t", 0)


def the_partition(producer: KafkaProducer) -> Any:
    [partition] = producer.status().partitions
    return partition


def test_a_producer_with_nothing_to_do_says_so() -> None:
    stage = Stage(brokers=2)
    producer = stage.producer(buffer_memory=5000)
    producer.send("t", b"v").get()
    status = producer.status()
    assert (status.state, status.partitions, status.waiting_for_metadata) == ("open", (), {})
    assert (status.buffered_bytes, status.buffer_memory, status.threads_waiting_for_room, status.last_error) == (0, 5000, 0, None)
    addresses = {broker.node_id: (broker.host, broker.port) for broker in status.brokers if isinstance(broker.node_id, int)}
    assert addresses == {node_id: node.address for node_id, node in stage.cluster.nodes.items()}
    assert "ready" in [broker.state for broker in status.brokers]


def test_it_counts_what_is_queued_and_what_is_in_flight_and_how_long() -> None:
    stage = Stage(latency_s=0.01)
    producer = stage.producer(max_in_flight_requests_per_connection=1)
    producer.send("t", b"v").get()
    futures = [producer.send("t", b"1")]
    stage.clock.run_for(0.005)
    futures += [producer.send("t", b"23") for _ in range(2)]
    stage.clock.run_for(0.005)
    partition = the_partition(producer)
    assert (partition.topic_partition, partition.leader, partition.in_flight_records, partition.queued_records) == (TP, 1, 1, 2)
    assert partition.queued_bytes == producer.status().buffered_bytes - 61 - 8
    assert (partition.oldest_age_s, partition.attempts) == (pytest.approx(0.01), 1)
    producer.flush()
    assert producer.status().partitions == ()


def test_the_longest_waiting_partition_comes_first() -> None:
    stage = Stage(default_partitions=3)
    producer = stage.producer(linger_ms=60_000)
    producer.partitions_for("t")
    for number in (2, 0, 1):
        producer.send("t", b"v", partition=number)
        stage.clock.run_for(1)
    assert [partition.topic_partition.partition for partition in producer.status().partitions] == [2, 0, 1]


def test_it_says_that_records_linger() -> None:
    stage = Stage()
    producer = stage.producer(linger_ms=60_000)
    producer.partitions_for("t")
    producer.send("t", b"v")
    stage.clock.run_for(1)
    assert the_partition(producer).waits_for == "company (linger_ms)"


def test_it_says_that_an_answer_does_not_come() -> None:
    stage = Stage()
    producer = stage.producer()
    producer.partitions_for("t")
    stage.cluster.faults.add(faults.DropReply(), api="Produce")
    producer.send("t", b"v")
    stage.clock.run_for(5)
    assert the_partition(producer).waits_for == "the answer of broker 1"
    [broker] = [broker for broker in producer.status().brokers if broker.node_id == 1]
    assert (broker.state, broker.requests_in_flight, broker.is_busy) == ("ready", 1, False)


def test_it_says_that_a_broker_cannot_be_reached_and_why() -> None:
    stage = Stage()
    producer = stage.producer(retries=100)
    producer.send("t", b"v").get()
    stage.link.cut()
    stage.link.refuse()
    producer.send("t", b"v")
    stage.clock.run_for(5)
    [broker] = [broker for broker in producer.status().brokers if broker.node_id == 1]
    assert broker.state in ("disconnected", "connecting")
    assert broker.last_error is not None
    assert the_partition(producer).waits_for == f"a connection to broker 1 ({broker.state}; {broker.last_error})"


def test_it_says_that_a_partition_has_no_leader() -> None:
    stage = Stage(brokers=2)
    stage.cluster.create_topic("t", replication_factor=1)
    producer = stage.producer(retries=100)
    producer.send("t", b"v").get()
    producer.send("t", b"v")
    stage.cluster.stop_node(the_partition(producer).leader)
    stage.clock.run_for(10)
    assert the_partition(producer).waits_for.startswith("a leader, which metadata does not name")


def test_it_says_when_a_batch_is_tried_again_and_what_it_was_refused_for() -> None:
    stage = Stage()
    producer = stage.producer(retries=100, retry_backoff_ms=2000)
    producer.partitions_for("t")
    with stage.cluster.faults.add(faults.Error(NotEnoughReplicasError), api="Produce"):
        producer.send("t", b"v")
        stage.clock.run_for(0.5)
    partition = the_partition(producer)
    assert partition.waits_for.startswith("its next attempt in 1.500 s ([Error 19] NotEnoughReplicasError")
    assert isinstance(partition.last_error, NotEnoughReplicasError)


def test_it_says_that_a_broker_has_throttled_it() -> None:
    stage = Stage()
    producer = stage.producer()
    producer.partitions_for("t")
    with stage.cluster.faults.add(faults.Throttle(30.0), api="Produce"):
        producer.send("t", b"v").get()
    producer.send("t", b"v")
    stage.clock.run_for(1)
    assert the_partition(producer).waits_for.startswith("broker 1, which has throttled this client for another 2")


def test_it_says_that_a_broker_has_enough_to_answer() -> None:
    stage = Stage(default_partitions=2)
    producer = stage.producer(max_in_flight_requests_per_connection=1)
    producer.partitions_for("t")
    stage.cluster.faults.add(faults.DropReply(), api="Produce")
    producer.send("t", b"v", partition=0)
    stage.clock.run_for(1)
    producer.send("t", b"v", partition=1)
    stage.clock.run_for(1)
    assert [partition.waits_for for partition in producer.status().partitions] == [
        "the answer of broker 1", "an answer of broker 1, which has 1 requests to answer",
    ]  # fmt: skip


def test_it_counts_what_callbacks_sent_to_topics_that_are_not_there() -> None:
    stage = Stage(auto_create_topics=False)
    stage.cluster.create_topic("t")
    producer = stage.producer()
    producer.send("t", b"v").add_callback(lambda _: [producer.send("missing", b"v") for _ in range(3)])
    producer.flush()
    stage.clock.run_for(1)
    assert producer.status().waiting_for_metadata == {"missing": 3}


def test_it_keeps_the_last_error_and_not_who_looked_at_it() -> None:
    stage = Stage()
    producer = stage.producer()
    with stage.cluster.faults.add(faults.Error(NotLeaderForPartitionError), api="Produce"):
        future = producer.send("t", b"v")
        with pytest.raises(NotLeaderForPartitionError):
            future.get()
    last = producer.status().last_error
    assert isinstance(last, NotLeaderForPartitionError)
    assert last.topic_partition == TP
    assert last.__traceback__ is None


def test_it_answers_while_the_io_thread_is_held_up_and_knows_how_a_producer_ends(make_producer: Make) -> None:
    producer = make_producer(linger_ms=60_000)  # nothing is sent before the callback is registered
    entered, leave = threading.Event(), threading.Event()
    producer.send("t", b"v").add_callback(lambda _: (entered.set(), leave.wait(10)))
    flushing = threading.Thread(target=producer.flush)
    flushing.start()
    assert entered.wait(10)
    producer.send("t", b"v")
    assert producer.status().state == "open"
    closing = threading.Thread(target=producer.close)
    closing.start()
    while producer.status().state == "open":
        pass
    assert producer.status().state == "closing"
    leave.set()
    closing.join(10)
    flushing.join(10)
    assert producer.status().state == "closed"


def test_it_may_be_asked_at_any_moment(make_producer: Make) -> None:
    producer = make_producer(batch_size=100, linger_ms=1)
    ended = threading.Event()
    raised: list[BaseException] = []

    def ask() -> None:
        try:
            while not ended.wait(0.0002):  # or those that send hardly have their turn
                producer.status()
        except BaseException as error:  # noqa: BLE001 - whatever it is
            raised.append(error)

    asking = [threading.Thread(target=ask) for _ in range(3)]
    for thread in asking:
        thread.start()
    for number in range(1500):
        producer.send("t", b"v" * 50, partition=number % 3)
    producer.flush(20)
    ended.set()
    for thread in asking:
        thread.join(10)
    assert raised == []


def test_a_batch_that_the_io_thread_takes_while_it_is_looked_for_is_seen() -> None:
    producer = Stage().producer(linger_ms=60_000)
    producer.partitions_for("t")
    producer.send("t", b"v", partition=0)
    accumulator = producer._accumulator

    class Overtaken(dict[Any, Any]):
        """The batches the I/O thread knows of: as soon as somebody has looked at them, it takes the new ones."""

        def values(self) -> Any:
            known = list(super().values())
            while accumulator.fresh:
                batch = accumulator.fresh.popleft()
                self[batch.result] = batch
            return known

    for look in (lambda: len(producer.status().partitions), lambda: accumulator.pending_records):
        accumulator.incomplete = Overtaken()
        assert (len(accumulator.fresh), look()) == (1, 1)
        accumulator.fresh.extend(dict.values(accumulator.incomplete))


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_shows_nothing_of_its_parent(broker: KafkaBroker, make_producer: Make) -> None:
    producer = make_producer(linger_ms=60_000)
    producer.send("t", b"v")
    assert len(producer.status().partitions) == 1
    assert in_child(lambda: producer.status()[:4]) == ("open", (), (), {})


def test_a_mock_producer_shows_what_is_pending() -> None:
    producer = MockProducer(auto_complete=False)
    producer.send("t", b"v")
    assert the_partition(producer)[:3] == (TP, 0, 1)
    producer.close()
    assert producer.status()[:3] == ("closed", (), ())
