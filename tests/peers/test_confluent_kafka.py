"""confluent-kafka (librdkafka) on kafka.testing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Callable

import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewPartitions, NewTopic

from kafka.record import layout
from kafka.testing import KafkaBroker, KafkaCluster, faults

LIMIT_S = 20.0
QUIET = {"log_level": 0}
EVERY_VERSION = [None, "0.11", "1.1", "2.8", "3.9", "4.4"]
"""Of brokers that librdkafka's newer features work with."""


def producer_for(kafka: KafkaCluster, **options: Any) -> Producer:
    return Producer({"bootstrap.servers": kafka.bootstrap_servers, "linger.ms": 5, **QUIET, **options})


def deliver(producer: Producer, topic: str, values: list[bytes], **options: Any) -> None:
    """Any error fails the test."""
    errors: list[Any] = []
    for value in values:
        producer.produce(topic, value, on_delivery=lambda error, _: errors.append(error), **options)
    assert producer.flush(LIMIT_S) == 0
    assert errors == [None] * len(values)


@pytest.fixture
def consumer_for() -> Iterator[Callable[..., Consumer]]:
    """Makes consumers, and closes them."""
    made: list[Consumer] = []

    def make(kafka: KafkaCluster, group: str = "tests", **options: Any) -> Consumer:
        settings = {
            "bootstrap.servers": kafka.bootstrap_servers, "group.id": group, "enable.auto.commit": False, "auto.offset.reset": "earliest",
            "check.crcs": True, "fetch.wait.max.ms": 20, "session.timeout.ms": 6000, "heartbeat.interval.ms": 200, **QUIET, **options,
        }  # fmt: skip
        made.append(Consumer(settings))
        return made[-1]

    yield make
    for consumer in made:
        consumer.close()


Make = Callable[..., Consumer]


def read(consumers: Consumer | list[Consumer], count: int) -> list[tuple[int, int, bytes]]:
    """(partition, offset, value) of so many messages, whoever of the consumers gets them."""
    found: list[tuple[int, int, bytes]] = []
    members = consumers if isinstance(consumers, list) else [consumers]
    deadline_s = time.monotonic() + LIMIT_S
    while len(found) < count:
        assert time.monotonic() < deadline_s, f"{len(found)} messages of {count}"
        for member in members:
            for message in member.consume(count, 0.05):
                assert message.error() is None, message.error()
                found.append((message.partition(), message.offset(), message.value()))
    return sorted(found)


def until(condition: Callable[[], Any], *polled: Consumer) -> None:
    deadline_s = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline_s
        for consumer in polled:
            message = consumer.poll(0.05)
            assert message is None or message.error() is None


# --- producers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
@pytest.mark.parametrize("version", ["2.8", "4.4"])
def test_every_codec_is_written_and_read_back(consumer_for: Make, version: str, codec: str) -> None:
    values = [b"v%d" % number * 30 for number in range(500)]
    with KafkaBroker(version=version) as broker:
        deliver(producer_for(broker, **{"compression.type": codec}), "t", values)
        consumer = consumer_for(broker)
        consumer.assign([TopicPartition("t", 0, 0)])
        assert [value for _, _, value in read(consumer, 500)] == values
        assert [record.value for record in broker.records("t")] == values


def counted(batch: bytes) -> tuple[int, int, int, int]:
    """(producer id, epoch, first sequence number, how many) of a batch."""
    header = layout.BATCH_HEADER.unpack_from(batch)
    return header[9], header[10], header[11], header[12]


@pytest.mark.parametrize("version", EVERY_VERSION)
def test_an_idempotent_producer_counts_its_records(version: str | None) -> None:
    values = [b"%d" % number for number in range(1000)]
    with KafkaBroker(version=version) as broker:
        deliver(producer_for(broker, **{"enable.idempotence": True, "batch.num.messages": 100}), "t", values)
        batches = [counted(batch) for batch in broker.batches("t")]
        assert [record.value for record in broker.records("t")] == values
    assert len({(producer_id, epoch) for producer_id, epoch, _, _ in batches}) == 1
    sequences = [first for _, _, first, _ in batches]
    assert sequences == [sum(count for _, _, _, count in batches[:index]) for index in range(len(batches))]


@pytest.mark.parametrize(("idempotent", "copies"), [(True, 1), (False, 2)])
def test_when_an_answer_is_lost_only_an_idempotent_producer_leaves_one_copy(idempotent: bool, copies: int) -> None:
    with KafkaBroker() as broker:
        producer = producer_for(broker, **{"enable.idempotence": idempotent, "retry.backoff.ms": 10, "acks": "all"})
        deliver(producer, "t", [b"before"])
        with broker.faults.add(faults.CutReply(), api="Produce", times=1):
            deliver(producer, "t", [b"v"])
        assert [record.value for record in broker.records("t")] == [b"before"] + [b"v"] * copies


@pytest.mark.parametrize("version", EVERY_VERSION)
def test_transactions_are_kept_or_lost_as_a_whole(consumer_for: Make, version: str | None) -> None:
    with KafkaBroker(version=version) as broker:
        producer = producer_for(broker, **{"transactional.id": "me"})
        producer.init_transactions(LIMIT_S)
        for value, end in ((b"kept", producer.commit_transaction), (b"lost", producer.abort_transaction), (b"kept too", producer.commit_transaction)):
            producer.begin_transaction()
            deliver(producer, "t", [value] * 3, partition=0)
            end(LIMIT_S)
        committed = consumer_for(broker, **{"isolation.level": "read_committed"})
        committed.assign([TopicPartition("t", 0, 0)])
        assert [value for _, _, value in read(committed, 6)] == [b"kept"] * 3 + [b"kept too"] * 3
        everything = consumer_for(broker, **{"isolation.level": "read_uncommitted"})
        everything.assign([TopicPartition("t", 0, 0)])
        assert [value for _, _, value in read(everything, 9)][3:6] == [b"lost"] * 3


def test_a_transactional_producer_that_is_replaced_is_fenced() -> None:
    with KafkaCluster() as cluster:
        first, second = producer_for(cluster, **{"transactional.id": "me"}), producer_for(cluster, **{"transactional.id": "me"})
        first.init_transactions(LIMIT_S)
        first.begin_transaction()
        deliver(first, "t", [b"lost"])
        second.init_transactions(LIMIT_S)
        second.begin_transaction()
        deliver(second, "t", [b"kept"])
        second.commit_transaction(LIMIT_S)

        with pytest.raises(KafkaException) as fenced:
            first.commit_transaction(LIMIT_S)

    assert fenced.value.args[0].fatal()


@pytest.mark.parametrize("version", [None, "2.8", "4.4"])
def test_offsets_are_committed_with_a_transaction(consumer_for: Make, version: str | None) -> None:
    with KafkaBroker(version=version) as broker:
        deliver(producer_for(broker), "in", [b"%d" % number for number in range(10)])
        consumer = consumer_for(broker, group="g", **{"isolation.level": "read_committed"})
        consumer.subscribe(["in"])
        read(consumer, 10)
        producer = producer_for(broker, **{"transactional.id": "me"})
        producer.init_transactions(LIMIT_S)
        for offset, end in ((4, producer.abort_transaction), (7, producer.commit_transaction)):
            producer.begin_transaction()
            deliver(producer, "out", [b"%d" % offset])
            producer.send_offsets_to_transaction([TopicPartition("in", 0, offset)], consumer.consumer_group_metadata(), LIMIT_S)
            end(LIMIT_S)
        (committed,) = consumer.committed([TopicPartition("in", 0)], LIMIT_S)
    assert committed.offset == 7


# --- consumers --------------------------------------------------------------------------------------------------------


def test_a_consumer_by_assignment_seeks_and_asks_for_offsets(consumer_for: Make) -> None:
    with KafkaCluster(default_partitions=2) as cluster:
        producer = producer_for(cluster)
        for number in range(10):
            producer.produce("t", b"%d" % number, partition=1, timestamp=1_600_000_000_000 + number * 1000)
        assert producer.flush(LIMIT_S) == 0
        consumer = consumer_for(cluster)
        consumer.assign([TopicPartition("t", 1, 4)])
        assert [offset for _, offset, _ in read(consumer, 6)] == list(range(4, 10))
        consumer.seek(TopicPartition("t", 1, 8))
        assert [offset for _, offset, _ in read(consumer, 2)] == [8, 9]
        assert consumer.get_watermark_offsets(TopicPartition("t", 1), LIMIT_S) == (0, 10)
        (at,) = consumer.offsets_for_times([TopicPartition("t", 1, 1_600_000_006_500)], LIMIT_S)
        assert at.offset == 7


@pytest.mark.parametrize("version", EVERY_VERSION)
@pytest.mark.parametrize("strategy", ["range", "cooperative-sticky"])
def test_two_members_of_a_group_share_a_topic_and_one_takes_over(consumer_for: Make, version: str | None, strategy: str) -> None:
    with KafkaCluster(default_partitions=4, version=version) as cluster:
        deliver_everywhere(cluster, 10)
        members = [consumer_for(cluster, group="g", **{"partition.assignment.strategy": strategy}) for _ in range(2)]
        for member in members:
            member.subscribe(["t"])
        until(lambda: sorted(len(member.assignment()) for member in members) == [2, 2], *members)
        deliver_everywhere(cluster, 10)
        until(lambda: sum(position.offset for member in members for position in positions(member)) == 80, *members)
        for member in members:
            member.commit(asynchronous=False)

        members.pop().close()
        until(lambda: len(members[0].assignment()) == 4, members[0])
        deliver_everywhere(cluster, 5)

        assert [offset for _, offset, _ in read(members[0], 20)] == list(range(20, 25)) * 4
        committed = members[0].committed([TopicPartition("t", partition) for partition in range(4)], LIMIT_S)
        assert [partition.offset for partition in committed] == [20] * 4


def deliver_everywhere(kafka: KafkaCluster, count: int) -> None:
    producer = producer_for(kafka)
    for partition in range(4):
        deliver(producer, "t", [b"v"] * count, partition=partition)


def positions(consumer: Consumer) -> list[TopicPartition]:
    return [position for position in consumer.position(consumer.assignment()) if position.offset >= 0]


@pytest.mark.slow
def test_a_member_that_is_not_heard_of_any_more_is_replaced(consumer_for: Make) -> None:
    with KafkaBroker(default_partitions=2) as broker:
        deliver(producer_for(broker), "t", [b"v"])
        dying = consumer_for(broker, group="g", **{"client.id": "dying"})
        dying.subscribe(["t"])
        until(lambda: len(dying.assignment()) == 2, dying)
        with broker.faults.add(faults.DropRequest(), client_id="dying"):
            heir = consumer_for(broker, group="g", **{"client.id": "heir"})
            heir.subscribe(["t"])
            until(lambda: len(heir.assignment()) == 2, heir)


# --- administration ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [None, "1.1", "2.8", "4.4"])
def test_topics_are_administrated(version: str | None) -> None:
    with KafkaCluster(version=version) as cluster:
        admin = AdminClient({"bootstrap.servers": cluster.bootstrap_servers, **QUIET})
        (created,) = admin.create_topics([NewTopic("t", 3, 3, config={"max.message.bytes": "2000"})], request_timeout=LIMIT_S).values()
        created.result(LIMIT_S)
        assert len(cluster.cluster.topics["t"].partitions) == 3
        (again,) = admin.create_topics([NewTopic("t", 3, 3)]).values()
        with pytest.raises(KafkaException, match="TOPIC_ALREADY_EXISTS"):
            again.result(LIMIT_S)
        (grown,) = admin.create_partitions([NewPartitions("t", 5)]).values()
        grown.result(LIMIT_S)
        assert len(admin.list_topics(timeout=LIMIT_S).topics["t"].partitions) == 5
        (described,) = admin.describe_configs([ConfigResource(ConfigResource.Type.TOPIC, "t")]).values()
        assert described.result(LIMIT_S)["max.message.bytes"].value == "2000"
        (deleted,) = admin.delete_topics(["t"]).values()
        deleted.result(LIMIT_S)
        assert "t" not in admin.list_topics(timeout=LIMIT_S).topics


def test_groups_are_listed_and_described(consumer_for: Make) -> None:
    with KafkaBroker() as broker:
        deliver(producer_for(broker), "t", [b"v"])
        consumer = consumer_for(broker, group="mine")
        consumer.subscribe(["t"])
        read(consumer, 1)
        admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers, **QUIET})
        assert [group.group_id for group in admin.list_consumer_groups().result(LIMIT_S).valid] == ["mine"]
        (described,) = admin.describe_consumer_groups(["mine"]).values()
        found = described.result(LIMIT_S)
        assert (found.group_id, found.state.name, len(found.members)) == ("mine", "STABLE", 1)
