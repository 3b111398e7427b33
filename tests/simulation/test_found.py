"""What seeds have shown, each in as few steps as it takes."""

from __future__ import annotations

import pytest

from kafka.partitioner import StickyPartitioner
from kafka.testing import faults
from tests.scenarios.stage import Stage
from tests.simulation.run import play

RECOVERS_S = 4.0


@pytest.mark.parametrize("seed", [13721])
def test_a_record_may_be_in_the_same_place_of_a_topic_and_of_the_one_before(seed: int) -> None:
    play(seed)


@pytest.mark.parametrize("seed", [144770])
def test_a_broker_whose_answers_get_wrong_numbers_is_taken_for_no_older_one(seed: int) -> None:
    play(seed)


@pytest.mark.parametrize("seed", [125544])
def test_what_a_lost_connection_gives_back_after_a_pause_is_given_up_in_the_same_turn(seed: int) -> None:
    play(seed)


@pytest.mark.parametrize("version", ["2.3", "2.7", "2.8", None])
def test_a_topic_made_anew_is_found_though_its_leader_epochs_begin_anew(version: str | None) -> None:
    """Before topic ids (2.8) it cannot be told from the old one, whose epochs were higher."""
    stage = Stage(version=version, brokers=3, latency_s=0.005)
    stage.cluster.create_topic("t", 1, assignments=[[2, 1, 3]])
    producer = stage.producer(retries=1000)
    for _ in range(5):
        stage.cluster.move_leader("t", 0)
    producer.send("t", b"before").get()
    assert stage.cluster.topics["t"].partitions[0].leader == 3
    stage.cluster.delete_topic("t")
    stage.cluster.create_topic("t", 1, assignments=[[1, 2, 3]])
    assert producer.send("t", b"after").get(RECOVERS_S).offset == 0


@pytest.mark.parametrize("leader", [77, -1, 1, 2])
def test_one_lie_about_a_leader_and_its_epoch_is_not_believed_for_ever(leader: int) -> None:
    stage = Stage(brokers=2, latency_s=0.005)
    producer = stage.producer(retries=1000)
    rule = stage.cluster.faults.add(faults.WrongLeader(leader, leader_epoch=1000), times=1)
    assert producer.send("t", b"v").get(RECOVERS_S).offset == 0
    assert rule.hits == 1


def test_the_sticky_partitioner_lets_go_of_a_partition_that_a_topic_made_anew_does_not_have() -> None:
    stage = Stage(latency_s=0.005)
    stage.cluster.create_topic("t", 50)
    producer = stage.producer(partitioner=StickyPartitioner())
    producer.send("t", b"before").get()
    stage.cluster.delete_topic("t")
    stage.cluster.create_topic("t", 1)
    for _ in range(2):  # of two batches in a row one at the most is for partition 0, which is there
        producer.send("t", b"meets what is left of the old one")
        producer.flush()
    stage.clock.run_for(1.0)  # metadata is asked for
    assert producer.partitions_for("t") == {0}
    assert producer.send("t", b"after").get(RECOVERS_S).partition == 0
