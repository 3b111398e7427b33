"""Producer ids and sequence numbers: what is appended once, what is recognised, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from kafka.protocol.init_producer_id import InitProducerIdRequest
from kafka.testing import KafkaBroker
from kafka.testing.clock import VirtualClock
from kafka.testing.cluster import Cluster
from kafka.testing.connection import ServerConnection
from tests.testing.test_broker import Sent, deliver
from tests.testing.test_produce import EPOCH_MS
from tests.testing.wire import ask, batch, outcome, produce

OUT_OF_ORDER, DUPLICATE, STALE_EPOCH, UNKNOWN_PRODUCER = 45, 46, 47, 59
LARGEST = 0x7FFFFFFF


def numbered(sequence: int, count: int = 2, *, producer_id: int = 7, epoch: int = 0) -> bytes:
    return batch([b"v"] * count, producer_id=producer_id, producer_epoch=epoch, base_sequence=sequence, at_ms=EPOCH_MS)


def sent(connection: ServerConnection, data: bytes) -> tuple[int, int]:
    """(error code, base offset)."""
    answered = outcome(ask(connection, produce(data), 9))
    return answered.error_code, answered.base_offset


@pytest.mark.parametrize("version", range(6))
def test_every_version_gives_a_producer_an_id_of_its_own(connection: ServerConnection, version: int) -> None:
    answers = [ask(connection, InitProducerIdRequest(transactional_id=None, transaction_timeout_ms=1000), version) for _ in range(3)]
    assert [(a.error_code, a.producer_epoch) for a in answers] == [(0, 0)] * 3
    assert len({a.producer_id for a in answers}) == 3


def test_batches_in_sequence_are_appended(cluster: Cluster, connection: ServerConnection) -> None:
    assert [sent(connection, numbered(sequence)) for sequence in (0, 2, 4)] == [(0, 0), (0, 2), (0, 4)]
    assert len(cluster.records("t")) == 6


def test_each_of_the_last_five_batches_is_recognised_and_not_appended_again(cluster: Cluster, connection: ServerConnection) -> None:
    for sequence in range(0, 14, 2):
        sent(connection, numbered(sequence))

    again = [sent(connection, numbered(sequence)) for sequence in range(0, 14, 2)]

    assert again == [(OUT_OF_ORDER, -1)] * 2 + [(0, offset) for offset in (4, 6, 8, 10, 12)]
    assert len(cluster.batches("t")) == 7


def test_a_batch_with_other_records_at_the_same_sequence_is_out_of_order(connection: ServerConnection) -> None:
    sent(connection, numbered(0, 3))
    assert [sent(connection, numbered(0, 2)), sent(connection, numbered(1, 2))] == [(OUT_OF_ORDER, -1)] * 2


def test_a_gap_is_out_of_order_and_what_was_missing_may_still_come(cluster: Cluster, connection: ServerConnection) -> None:
    assert [sent(connection, numbered(sequence)) for sequence in (0, 4, 2, 4)] == [(0, 0), (OUT_OF_ORDER, -1), (0, 2), (0, 4)]
    assert len(cluster.batches("t")) == 3


def test_a_repeated_batch_is_answered_with_its_first_place_and_time(connection: ServerConnection) -> None:
    sent(connection, numbered(0))
    sent(connection, numbered(2))
    answered = outcome(ask(connection, produce(numbered(0)), 9))
    assert (answered.base_offset, answered.log_append_time_ms) == (0, EPOCH_MS + 1)


def test_sequences_go_on_with_0_after_the_largest(cluster: Cluster, connection: ServerConnection) -> None:
    assert sent(connection, numbered(LARGEST - 2)) == (0, 0)  # of an unknown producer any number is taken
    assert sent(connection, numbered(LARGEST)) == (0, 2)  # has LARGEST and 0
    assert sent(connection, numbered(LARGEST)) == (0, 2)
    assert sent(connection, numbered(1)) == (0, 4)
    assert len(cluster.batches("t")) == 3


def test_each_producer_and_each_partition_has_its_own_sequence(connection: ServerConnection) -> None:
    assert sent(connection, numbered(0)) == (0, 0)
    assert sent(connection, numbered(0, producer_id=8)) == (0, 2)
    assert outcome(ask(connection, produce(numbered(0), partition=1), 9)).base_offset == 0
    assert sent(connection, numbered(2)) == (0, 4)


def test_a_new_epoch_begins_with_0_and_ends_the_old_one(connection: ServerConnection) -> None:
    sent(connection, numbered(0))
    assert sent(connection, numbered(2, epoch=1)) == (OUT_OF_ORDER, -1)
    assert sent(connection, numbered(0, epoch=1)) == (0, 2)
    assert sent(connection, numbered(2)) == (STALE_EPOCH, -1)
    assert sent(connection, numbered(0)) == (STALE_EPOCH, -1)


def test_sequences_survive_an_election(clock: VirtualClock) -> None:
    cluster = Cluster(clock=clock, brokers=2)
    cluster.create_topic("t")
    sent(ServerConnection(cluster, cluster.nodes[1]), numbered(0))
    cluster.move_leader("t", 0)
    there = ServerConnection(cluster, cluster.nodes[2])
    assert [sent(there, numbered(0)), sent(there, numbered(2))] == [(0, 0), (0, 2)]


def test_a_topic_made_again_knows_nobody(cluster: Cluster, connection: ServerConnection) -> None:
    sent(connection, numbered(0))
    cluster.delete_topic("t")
    cluster.create_topic("t")
    assert sent(connection, numbered(2)) == (0, 0)


@pytest.mark.parametrize(
    ("version", "sequences", "codes"),
    [
        ("0.11", (0, 2, 0, 2), [0, 0, DUPLICATE, 0]),  # remembers the last batch only
        ("0.11", (2,), [OUT_OF_ORDER]),
        ("1.0", (0, 2, 0), [0, 0, 0]),
        ("1.0", (2,), [UNKNOWN_PRODUCER]),
        ("2.4", (2,), [UNKNOWN_PRODUCER]),
        ("2.5", (2,), [0]),
        ("4.4", (2, 4, 2), [0, 0, 0]),
    ],
)
def test_older_releases_say_it_in_their_ways(clock: VirtualClock, version: str, sequences: tuple[int, ...], codes: list[int]) -> None:
    cluster = Cluster(clock=clock, version=version)
    cluster.create_topic("t")
    connection = ServerConnection(cluster, cluster.nodes[1])
    assert [outcome(ask(connection, produce(numbered(sequence)), 3)).error_code for sequence in sequences] == codes


@pytest.mark.parametrize("version", ["0.11", "2.8", "4.4", None])
def test_librdkafkas_idempotent_producer_delivers_in_order_once(version: str | None) -> None:
    records: list[Sent] = [(None, b"%d" % n, []) for n in range(500)]
    options: dict[str, Any] = {"enable.idempotence": True, "batch.num.messages": 7}
    with KafkaBroker(version=version) as broker:
        deliver(broker.bootstrap_servers, "t", records, **options)
        assert [r.value for r in broker.records("t")] == [value for _, value, _ in records]
        assert len(broker.requests("InitProducerId")) == 1
