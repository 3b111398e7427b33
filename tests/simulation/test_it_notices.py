"""The simulation can fail: bugs that are put into the producer are found within a few seeds, and by the promise that they break."""

from __future__ import annotations

import itertools
import re
from typing import Any, Callable

import pytest

from kafka.client.backoff import Backoff
from kafka.cluster import ClusterMetadata
from kafka.producer import batch as producer_batch
from kafka.producer import failures, sender
from kafka.producer.accumulator import RecordAccumulator
from kafka.producer.delivery import DeliveryPolicy, Outcome, outcome_for
from kafka.producer.memory import BufferMemory
from kafka.testing.connection import ServerConnection
from tests.simulation.circumstances import draw
from tests.simulation.run import FailedRun, play
from tests.simulation.scene import Scene
from tests.testing.wire import ask, batch, produce

Plant = Callable[[pytest.MonkeyPatch], None]

SEEDS = 300  # among which each must be found


def room_is_given_back_twice(patch: pytest.MonkeyPatch) -> None:
    released = BufferMemory.release

    def release(memory: Any, size_bytes: int) -> None:
        released(memory, size_bytes)
        released(memory, size_bytes)

    patch.setattr(BufferMemory, "release", release)


def room_of_little_batches_is_kept(patch: pytest.MonkeyPatch) -> None:
    released = BufferMemory.release
    patch.setattr(BufferMemory, "release", lambda memory, size_bytes: released(memory, size_bytes) if size_bytes > 150 else None)


def a_retry_goes_to_the_tail(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(producer_batch, "_numbers", itertools.count(0, -1))  # what was made later counts as earlier


def lost_answers_count_as_refusals(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(sender, "is_written_for_sure_not", lambda error, acks: True)


def errors_say_that_nothing_is_written(patch: pytest.MonkeyPatch) -> None:
    with_fate = failures.with_fate
    patch.setattr(failures, "with_fate", lambda error, fate: with_fate(error, fate._replace(may_be_written=False)))


def records_have_more_time_than_they_should(patch: pytest.MonkeyPatch) -> None:
    real: Any = DeliveryPolicy.longest_wait_s
    patch.setattr(DeliveryPolicy, "longest_wait_s", property(lambda policy: real.fget(policy) + 0.5))


def a_refusal_counts_as_success(patch: pytest.MonkeyPatch) -> None:
    def decide(error: type[BaseException], attempts: int, retries: float) -> Outcome:
        return Outcome.SUCCEED if error.__name__ == "NotEnoughReplicasError" else outcome_for(error, attempts, retries)

    patch.setattr(sender, "outcome_for", decide)


def a_new_leader_is_not_asked_for(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ClusterMetadata, "leader_refused", lambda cluster, partition: None)


def nobody_waits_before_connecting_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Backoff, "fail", lambda backoff: 0.0)


def expiring_fails(patch: pytest.MonkeyPatch) -> None:
    def raise_something(*arguments: Any) -> None:
        raise ZeroDivisionError

    patch.setattr(sender, "expired_error", raise_something)


def topics_with_records_are_forgotten(patch: pytest.MonkeyPatch) -> None:
    def retire(accumulator: Any, topics: Any) -> list[str]:
        for topic in topics:
            for queue in accumulator._queues.pop(topic, {}).values():
                queue.retire()
        return list(topics)

    patch.setattr(RecordAccumulator, "busy_topics", lambda accumulator: set())
    patch.setattr(RecordAccumulator, "retire", retire)


PLANTED: dict[Plant, str] = {
    room_is_given_back_twice: "buffer_memory are in use",
    room_of_little_batches_is_kept: "buffer_memory are in use",
    a_retry_goes_to_the_tail: "which was sent after it",
    lost_answers_count_as_refusals: "is said not to be written|was surely not written",
    errors_say_that_nothing_is_written: "is said not to be written|was surely not written",
    records_have_more_time_than_they_should: "and was due at|It took",
    a_refusal_counts_as_success: "is acknowledged as",
    a_new_leader_is_not_asked_for: "after the cluster was well",
    nobody_waits_before_connecting_again: "spins|time does not move",
    topics_with_records_are_forgotten: "which was sent after it|and was due at",
    expiring_fails: "This was logged|and was due at|It took",
}
"""Bugs, and what the simulation says of them."""


def first_failure() -> str:
    """What the first seed that fails says."""
    for seed in range(SEEDS):
        try:
            play(seed)
        except FailedRun as failed:
            return str(failed)
    return f"{SEEDS} seeds have not failed"


@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: plant.__name__)
def test_the_simulation_notices_that(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch)
    story = first_failure()
    assert re.search(PLANTED[plant], story.partition("\n")[0]), story
    (again,) = re.findall(r"^seed (\d+) ", story)
    assert f"python -m tests.simulation --first {again} --seeds 1" in story


@pytest.mark.parametrize("same", [True, False])
def test_the_simulation_notices_another_checksum_under_the_same_sequence_number(same: bool) -> None:
    scene = Scene(draw(0))
    topic = scene.circumstances.topics[0].name
    connection = ServerConnection(scene.cluster, scene.cluster.nodes[1])
    with scene.playing():
        for value in (b"first", b"first" if same else b"other"):
            ask(connection, produce(batch([value], producer_id=7, producer_epoch=0, base_sequence=0), topic=topic), 9)
    told = [str(found) for found in scene.invariants.broken if "was sent with checksums" in str(found)]
    assert len(told) == (0 if same else 1)
