"""Transactions: who may write, what their ends leave in the log, and what read_committed sees of it."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from kafka.protocol.add_partitions_to_txn import AddPartitionsToTxnRequest, AddPartitionsToTxnTopic, AddPartitionsToTxnTransaction
from kafka.protocol.end_txn import EndTxnRequest
from kafka.protocol.init_producer_id import InitProducerIdRequest
from kafka.protocol.list_offsets import ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic
from kafka.protocol.schema import NO_UUID
from kafka.record import read
from kafka.testing import KafkaBroker, KafkaCluster
from kafka.testing.clock import VirtualClock
from kafka.testing.cluster import Cluster
from kafka.testing.connection import ServerConnection
from kafka.testing.transactions import TRANSITIONS, ProducerIdAndEpoch, Transaction, TransactionState
from tests.testing.test_connection import fetch, fetched, offsets_in
from tests.testing.wire import ask, asking_versions, batch, outcome, produce

UNKNOWN_TOPIC, NOT_COORDINATOR, STALE_EPOCH, INVALID_STATE, INVALID_MAPPING, INVALID_TIMEOUT = 3, 16, 47, 48, 49, 50
CONCURRENT, NOT_AUTHORIZED, NOT_ATTEMPTED, FENCED, ABORTABLE, INVALID_REQUEST = 51, 53, 55, 90, 120, 42


class Writer:
    """A transactional producer, step by step."""

    def __init__(self, connection: ServerConnection, transactional_id: str = "tx") -> None:
        self.connection = connection
        self.transactional_id = transactional_id
        self.producer_id, self.epoch = -1, -1
        self.sequences: dict[int, int] = {}
        self.topic_id = NO_UUID

    def init(self, version: int = 4, timeout_ms: int = 60_000, *, names_itself: bool = False) -> int:
        expected = {"producer_id": self.producer_id, "producer_epoch": self.epoch} if names_itself else {}
        request = InitProducerIdRequest(transactional_id=self.transactional_id, transaction_timeout_ms=timeout_ms, **expected)
        answered = ask(self.connection, request, version)
        if answered.error_code == 0:
            self.producer_id, self.epoch = answered.producer_id, answered.producer_epoch
            self.sequences.clear()
        return int(answered.error_code)

    def add(self, *partitions: int, topic: str = "t", version: int = 3) -> list[int]:
        request = AddPartitionsToTxnRequest(
            v3_and_below_transactional_id=self.transactional_id,
            v3_and_below_producer_id=self.producer_id,
            v3_and_below_producer_epoch=self.epoch,
            v3_and_below_topics=[AddPartitionsToTxnTopic(name=topic, partitions=list(partitions))],
        )
        (answered,) = ask(self.connection, request, version).results_by_topic_v3_and_below
        return [result.partition_error_code for result in answered.results_by_partition]

    def write(self, value: bytes, *, partition: int = 0, version: int = 9, names_itself: bool = True) -> int:
        sequence = self.sequences.get(partition, 0)
        data = batch([value], producer_id=self.producer_id, producer_epoch=self.epoch, base_sequence=sequence, transactional=True)
        request = produce(data, partition=partition, transactional_id=self.transactional_id if names_itself else None)
        code = outcome(ask(self.connection, request, version)).error_code
        if code == 0:
            self.sequences[partition] = sequence + 1
        return code

    def end(self, version: int = 3, *, commit: bool) -> int:
        request = EndTxnRequest(transactional_id=self.transactional_id, producer_id=self.producer_id, producer_epoch=self.epoch, committed=commit)
        answered = ask(self.connection, request, version)
        if version >= 5 and answered.error_code == 0:
            self.producer_id, self.epoch = answered.producer_id, answered.producer_epoch
            self.sequences.clear()
        return int(answered.error_code)


@pytest.fixture
def writer(connection: ServerConnection) -> Writer:
    made = Writer(connection)
    assert made.init() == 0
    return made


def values(cluster: Cluster, *, only_committed: bool = True) -> list[bytes | None]:
    return [record.value for record in cluster.records("t", only_committed=only_committed)]


def transact(writer: Writer, *sent: bytes, commit: bool) -> None:
    assert writer.add(0) == [0]
    assert [writer.write(value) for value in sent] == [0] * len(sent)
    assert writer.end(commit=commit) == 0


# --- what is seen -----------------------------------------------------------------------------------------------------


def test_what_is_committed_is_seen_when_it_is_and_what_is_aborted_never(cluster: Cluster, writer: Writer) -> None:
    writer.add(0)
    writer.write(b"a")
    assert values(cluster) == []
    assert values(cluster, only_committed=False) == [b"a"]

    assert writer.end(commit=True) == 0
    assert values(cluster) == [b"a"]

    transact(writer, b"b", commit=False)
    transact(writer, b"c", commit=True)
    assert values(cluster) == [b"a", b"c"]
    assert values(cluster, only_committed=False) == [b"a", b"b", b"c"]


def test_a_marker_takes_an_offset_and_is_nobodys_record(cluster: Cluster, connection: ServerConnection, writer: Writer) -> None:
    transact(writer, b"a", commit=True)
    transact(writer, b"b", commit=False)

    parts = list(read(fetched(ask(connection, fetch(), 12)).records))

    assert [(part.base_offset, part.is_control, part.is_transactional) for part in parts] == [
        (0, False, True), (1, True, True), (2, False, True), (3, True, True),
    ]  # fmt: skip
    assert [next(part.records).key for part in parts if part.is_control] == [b"\0\0\0\1", b"\0\0\0\0"]
    assert {(part.producer_id, part.producer_epoch) for part in parts} == {(writer.producer_id, writer.epoch)}
    assert [record.offset for record in cluster.records("t")] == [0, 2]
    assert len(cluster.batches("t")) == 2


def test_fetch_with_read_committed_ends_before_an_open_transaction_and_names_aborted_ones(connection: ServerConnection, writer: Writer) -> None:
    transact(writer, b"a", commit=False)  # offsets 0 and 1
    ask(connection, produce(batch([b"free"])), 9)  # 2
    other = Writer(connection, "other")
    other.init()
    other.add(0)
    other.write(b"open")  # 3
    transact(writer, b"b", commit=False)  # 4 and 5

    committed = fetched(ask(connection, fetch(isolation_level=1), 12))

    assert (committed.last_stable_offset, committed.high_watermark) == (3, 6)
    assert [(found.producer_id, found.first_offset) for found in committed.aborted_transactions] == [(writer.producer_id, 0)]
    assert [part.base_offset for part in read(committed.records)] == [0, 1, 2]
    everything = fetched(ask(connection, fetch(), 12))
    assert everything.aborted_transactions is None
    assert len(list(read(everything.records))) == 6

    other.end(commit=True)
    committed = fetched(ask(connection, fetch(isolation_level=1), 12))
    assert [found.first_offset for found in committed.aborted_transactions] == [0, 4]
    assert offsets_in(ask(connection, fetch(offset=6, isolation_level=1), 12)) == [6]


def test_the_latest_offset_is_the_last_stable_one_for_read_committed(connection: ServerConnection, writer: Writer) -> None:
    writer.add(0)
    writer.write(b"a")
    asked = [ListOffsetsTopic(name="t", partitions=[ListOffsetsPartition(partition_index=0, timestamp=-1)])]
    found = [
        ask(connection, ListOffsetsRequest(replica_id=-1, isolation_level=level, topics=asked), 5).topics[0].partitions[0].offset for level in (0, 1)
    ]
    assert found == [1, 0]


def test_who_waits_for_committed_records_gets_them_with_the_marker(cluster: Cluster, connection: ServerConnection, writer: Writer) -> None:
    writer.add(0)
    writer.write(b"a")
    waiting = ServerConnection(cluster, cluster.nodes[1])
    request = fetch(wait_ms=60_000, isolation_level=1)
    assert ask(waiting, request, 12) is None

    writer.end(commit=True)
    waiting.look_again()

    assert b"".join(waiting.take_output())


# --- who may do what --------------------------------------------------------------------------------------------------


def test_init_again_fences_the_one_before(connection: ServerConnection, writer: Writer) -> None:
    zombie = writer
    successor = Writer(connection)
    assert successor.init() == 0
    assert (successor.producer_id, successor.epoch) == (zombie.producer_id, zombie.epoch + 1)

    assert zombie.add(0) == [FENCED]
    assert zombie.add(0, version=1) == [STALE_EPOCH]
    assert zombie.end(commit=True) == FENCED
    assert zombie.end(1, commit=True) == STALE_EPOCH
    assert successor.add(0) == [0]


def test_init_aborts_what_the_one_before_has_open_and_asks_to_come_again(cluster: Cluster, connection: ServerConnection, writer: Writer) -> None:
    writer.add(0)
    writer.write(b"lost")
    successor = Writer(connection)

    assert successor.init() == CONCURRENT
    assert writer.write(b"late") == STALE_EPOCH
    assert successor.init() == 0

    assert successor.epoch == writer.epoch + 2
    transact(successor, b"new", commit=True)
    assert values(cluster) == [b"new"]


def test_a_producer_may_ask_for_its_next_epoch_and_lose_the_answer(writer: Writer) -> None:
    before = ProducerIdAndEpoch(writer.producer_id, writer.epoch)
    assert writer.init(names_itself=True) == 0
    after = ProducerIdAndEpoch(writer.producer_id, writer.epoch)
    assert after == before._replace(epoch=before.epoch + 1)

    writer.epoch = before.epoch
    assert writer.init(names_itself=True) == 0
    assert writer.epoch == after.epoch


@pytest.mark.parametrize(("version", "code"), [(3, STALE_EPOCH), (4, FENCED)])
def test_a_producer_that_was_fenced_gets_no_epoch(connection: ServerConnection, writer: Writer, version: int, code: int) -> None:
    for _ in range(2):
        Writer(connection).init()
    assert writer.init(version, names_itself=True) == code


def test_when_epochs_are_used_up_there_is_a_new_id(cluster: Cluster, writer: Writer) -> None:
    coordinator = cluster.transactions
    found = coordinator.transactions["tx"]
    found.producer = found.producer._replace(epoch=0x7FFE)
    before = writer.producer_id
    assert writer.init() == 0
    assert (writer.producer_id != before, writer.epoch) == (True, 0)


@pytest.mark.parametrize("timeout_ms", [0, -1, 900_001])
def test_a_timeout_that_is_none_is_refused(connection: ServerConnection, timeout_ms: int) -> None:
    assert Writer(connection).init(timeout_ms=timeout_ms) == INVALID_TIMEOUT


@pytest.mark.parametrize(("producer_id", "epoch", "name"), [(5, -1, "tx"), (-1, 5, "tx"), (-1, -1, "")])
def test_init_that_makes_no_sense_is_refused(connection: ServerConnection, producer_id: int, epoch: int, name: str) -> None:
    request = InitProducerIdRequest(transactional_id=name, transaction_timeout_ms=1000, producer_id=producer_id, producer_epoch=epoch)
    assert ask(connection, request, 4).error_code == INVALID_REQUEST


def test_an_id_that_is_not_the_transactional_ids_is_refused(connection: ServerConnection, writer: Writer) -> None:
    stranger = Writer(connection, "stranger")
    stranger.producer_id, stranger.epoch = writer.producer_id, 0
    assert stranger.add(0) == [INVALID_MAPPING]
    assert stranger.end(commit=True) == INVALID_MAPPING


def test_only_the_coordinator_answers(clock: VirtualClock) -> None:
    cluster = Cluster(clock=clock, brokers=3)
    coordinator = cluster.coordinator_of("tx")
    assert coordinator is not None
    for node in cluster.nodes.values():
        assert Writer(ServerConnection(cluster, node)).init() == (0 if node is coordinator else NOT_COORDINATOR)

    cluster.stop_node(coordinator.node_id)
    successor = cluster.coordinator_of("tx")
    assert successor not in (None, coordinator)


def test_a_partition_that_does_not_exist_leaves_the_others_out(cluster: Cluster, writer: Writer) -> None:
    assert writer.add(0, 7) == [NOT_ATTEMPTED, UNKNOWN_TOPIC]
    assert cluster.transactions.transactions["tx"].partitions == set()


def test_there_must_be_something_to_end(writer: Writer) -> None:
    assert writer.end(commit=True) == INVALID_STATE
    transact(writer, b"a", commit=True)
    assert writer.end(commit=True) == 0  # the answer may have been lost
    assert writer.end(commit=False) == INVALID_STATE
    transact(writer, b"a", commit=False)
    assert writer.end(commit=False) == 0
    assert writer.end(commit=True) == INVALID_STATE


def test_a_batch_in_a_transaction_needs_the_name_in_its_request(writer: Writer) -> None:
    writer.add(0)
    assert writer.write(b"a", names_itself=False) == NOT_AUTHORIZED


@pytest.mark.parametrize(("version", "code"), [(9, INVALID_STATE), (10, INVALID_STATE), (11, ABORTABLE)])
def test_a_batch_for_a_partition_that_is_not_in_the_transaction_is_refused(cluster: Cluster, writer: Writer, version: int, code: int) -> None:
    writer.add(0)
    assert writer.write(b"a", partition=1, version=version) == code
    assert values(cluster, only_committed=False) == []


def test_before_3_6_such_a_batch_is_taken_and_holds_readers_back(clock: VirtualClock) -> None:
    cluster = Cluster(clock=clock, version="3.5")
    cluster.create_topic("t")
    writer = Writer(ServerConnection(cluster, cluster.nodes[1]))
    writer.init()
    assert writer.write(b"a") == 0
    cluster_end = cluster.topics["t"].partitions[0].log
    assert (cluster_end.last_stable_offset, cluster_end.next_offset) == (0, 1)


def test_a_batch_outside_of_the_producers_open_transaction_is_refused(connection: ServerConnection, writer: Writer) -> None:
    writer.add(0)
    writer.write(b"a")
    data = batch([b"b"], producer_id=writer.producer_id, producer_epoch=writer.epoch, base_sequence=1)
    assert outcome(ask(connection, produce(data), 9)).error_code == INVALID_STATE


def test_a_transaction_that_takes_too_long_is_aborted_and_its_producer_fenced(
    cluster: Cluster, connection: ServerConnection, clock: VirtualClock
) -> None:
    writer = Writer(connection)
    writer.init(timeout_ms=5000)
    writer.add(0)
    writer.write(b"a")
    clock.advance(4.9)
    assert writer.write(b"b") == 0
    clock.advance(0.2)

    assert values(cluster) == []
    assert cluster.topics["t"].partitions[0].log.last_stable_offset == 3
    assert writer.write(b"c") == STALE_EPOCH
    assert writer.end(commit=True) == FENCED


def test_a_transaction_ends_where_there_is_no_leader_when_there_is_one(clock: VirtualClock) -> None:
    cluster = Cluster(clock=clock, brokers=2)
    cluster.create_topic("t", 2, replication_factor=1)
    coordinator = cluster.coordinator_of("tx")
    assert coordinator is not None
    (other,) = (node for node in cluster.nodes.values() if node is not coordinator)
    writer = Writer(ServerConnection(cluster, coordinator))
    writer.init()
    assert writer.add(0, 1) == [0, 0]
    cluster.stop_node(other.node_id)

    assert writer.end(commit=True) == 0
    assert writer.end(commit=True) == CONCURRENT
    assert writer.end(commit=False) == INVALID_STATE
    assert writer.init() == CONCURRENT
    assert writer.add(0) == [CONCURRENT]

    cluster.start_node(other.node_id)
    assert writer.end(commit=True) == 0
    assert [partition.log.next_offset for partition in cluster.topics["t"].partitions] == [1, 1]


def test_a_topic_that_is_deleted_keeps_no_transaction_open(cluster: Cluster, writer: Writer) -> None:
    writer.add(0)
    writer.write(b"a")
    cluster.delete_topic("t")
    assert writer.end(commit=True) == 0


@pytest.mark.parametrize("version", [4, 5])
def test_brokers_may_ask_about_several_transactions(connection: ServerConnection, writer: Writer, version: int) -> None:
    writer.add(0)
    asked = AddPartitionsToTxnTransaction(
        transactional_id="tx",
        producer_id=writer.producer_id,
        producer_epoch=writer.epoch,
        verify_only=True,
        topics=[AddPartitionsToTxnTopic(name="t", partitions=[0, 1])],
    )
    (answered,) = ask(connection, AddPartitionsToTxnRequest(transactions=[asked]), version).results_by_transaction
    codes = [result.partition_error_code for result in answered.topic_results[0].results_by_partition]
    assert codes == [0, INVALID_STATE if version == 4 else ABORTABLE]


def test_every_pair_of_states_is_in_the_table_or_refused() -> None:
    for before, after in itertools.product(TransactionState, TransactionState):
        found = Transaction("tx")
        found.state = before
        if after in TRANSITIONS[before]:
            found.change(after)
            assert found.state is after
        else:
            with pytest.raises(RuntimeError, match="cannot go"):
                found.change(after)
            assert found.state is before


# --- the second version of transactions, KIP-890 ----------------------------------------------------------------------


def test_4_x_says_that_transactions_are_of_the_second_version(clock: VirtualClock) -> None:
    features = {}
    for name in ("3.9", "4.0", "4.4"):
        cluster = Cluster(clock=clock, version=name)
        response = ask(ServerConnection(cluster, cluster.nodes[1]), asking_versions(), 3)
        features[name] = [(found.name, found.max_version_level) for found in response.finalized_features]
    assert features == {"3.9": [], "4.0": [("transaction.version", 2)], "4.4": [("transaction.version", 2)]}


def test_each_transaction_has_its_own_epoch_and_partitions_join_by_being_written(cluster: Cluster, writer: Writer) -> None:
    first = writer.epoch
    assert writer.write(b"a", version=12) == 0
    assert writer.end(5, commit=True) == 0
    assert writer.epoch == first + 1
    assert writer.write(b"b", version=12) == 0
    assert writer.end(5, commit=False) == 0
    assert writer.epoch == first + 2
    assert values(cluster) == [b"a"]
    markers = [stored for stored in cluster.topics["t"].partitions[0].log.stored if stored.is_control]
    assert [next(read(b"".join(stored.buffers()))).producer_epoch for stored in markers] == [first + 1, first + 2]


def test_a_batch_that_comes_after_the_end_of_its_transaction_is_refused(cluster: Cluster, writer: Writer) -> None:
    writer.write(b"a", version=12)
    before = writer.epoch
    writer.end(5, commit=True)
    writer.epoch = before
    writer.sequences[0] = 1
    assert writer.write(b"late", version=12) == STALE_EPOCH
    assert values(cluster) == [b"a"]


def test_the_answer_to_an_end_may_be_lost(writer: Writer) -> None:
    writer.write(b"a", version=12)
    before = writer.epoch
    writer.end(5, commit=True)
    writer.epoch = before
    assert writer.end(5, commit=False) == INVALID_STATE
    assert writer.end(5, commit=True) == 0
    assert writer.epoch == before + 1


def test_nothing_may_be_aborted_but_not_committed(writer: Writer) -> None:
    before = writer.epoch
    assert writer.end(5, commit=True) == INVALID_STATE
    assert writer.end(5, commit=False) == 0
    assert writer.epoch == before + 1


def test_the_last_epoch_is_followed_by_a_new_id(cluster: Cluster, writer: Writer) -> None:
    found = cluster.transactions.transactions["tx"]
    found.producer = found.producer._replace(epoch=0x7FFE)
    writer.epoch = 0x7FFE
    before = writer.producer_id
    writer.write(b"a", version=12)
    assert writer.end(5, commit=True) == 0
    assert (writer.producer_id != before, writer.epoch) == (True, 0)
    assert values(cluster) == [b"a"]


# --- librdkafka -------------------------------------------------------------------------------------------------------


def transactional(servers: str, name: str = "tx", **options: Any) -> Producer:
    made = Producer({"bootstrap.servers": servers, "transactional.id": name, "log_level": 0, **options})
    made.init_transactions(20)
    return made


@pytest.mark.parametrize("version", ["0.11", "2.0", "2.8", "3.9", "4.4", None])
def test_librdkafka_commits_and_aborts(version: str | None) -> None:
    with KafkaCluster(version=version) as cluster:
        cluster.create_topic("t", 3)
        producer = transactional(cluster.bootstrap_servers)
        for number, commit in enumerate((True, False, True)):
            producer.begin_transaction()
            for partition in range(3):
                producer.produce("t", b"%d" % number, partition=partition)
            (producer.commit_transaction if commit else producer.abort_transaction)(20)

        committed = [(record.partition, record.value) for record in cluster.records("t", only_committed=True)]
        assert committed == [(partition, value) for partition in range(3) for value in (b"0", b"2")]
        assert [message.value() for message in read_committed(cluster.bootstrap_servers, 3, 6)] == [b"0", b"2"] * 3


def read_committed(servers: str, partitions: int, count: int) -> list[Any]:
    """By partition, from a consumer that reads committed records only; it must find that there are no more."""
    consumer = Consumer({
        "bootstrap.servers": servers, "group.id": "g", "isolation.level": "read_committed", "enable.partition.eof": True,
        "fetch.wait.max.ms": 20, "log_level": 0,
    })  # fmt: skip
    found: list[Any] = []
    ends = 0
    try:
        consumer.assign([TopicPartition("t", partition, 0) for partition in range(partitions)])
        while ends < partitions:
            message = consumer.poll(20)
            assert message is not None
            if message.error() is None:
                found.append(message)
            else:
                ends += 1
    finally:
        consumer.close()
    assert len(found) == count
    return sorted(found, key=lambda message: (message.partition(), message.offset()))


def test_librdkafka_is_fenced_by_a_second_one() -> None:
    with KafkaBroker() as broker:
        broker.create_topic("t")
        first = transactional(broker.bootstrap_servers)
        first.begin_transaction()
        first.produce("t", b"lost")
        first.flush(20)
        second = transactional(broker.bootstrap_servers)
        second.begin_transaction()
        second.produce("t", b"kept")
        second.commit_transaction(20)

        with pytest.raises(KafkaException) as raised:
            first.commit_transaction(20)

        assert raised.value.args[0].fatal()
        assert [record.value for record in broker.records("t", only_committed=True)] == [b"kept"]
