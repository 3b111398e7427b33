"""Promise 1 where the code itself is wrong: an error that nobody foresaw, in any step of the I/O thread, costs a record or a connection."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from kafka import KafkaProducer
from kafka._clock import Latch
from kafka.cluster import ClusterMetadata
from kafka.codec.gzip import GzipCodec
from kafka.errors import IllegalStateError, InvalidRecordError, KafkaError, NotEnoughReplicasError, UnknownError
from kafka.metrics.stats import Sensor
from kafka.producer.failures import Failures
from kafka.protocol.metadata import MetadataResponse
from kafka.testing import faults
from kafka.testing.memory import MemoryStream, MemoryTransport
from kafka.testing.memory_selector import MemorySelector
from tests.scenarios.stage import Stage

REQUEST_S, DELIVERY_S, RECOVERS_S = 1.0, 4.0, 5.0
MOST_TURNS_PER_S = 100


class Surprise(ArithmeticError):
    """What no code of ours raises or expects."""


class Trap:
    """Raises at the n-th call of what the I/O thread calls, or at each from then on."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.calls_left = -1
        """How many go well before one that does not; negative: all."""
        self.is_lasting = False

    def step_on(self) -> None:
        if not self._stage.clock._is_stepping or self.calls_left < 0:
            return
        self.calls_left -= 1
        if self.calls_left < 0:
            self.calls_left = 0 if self.is_lasting else -1
            raise Surprise("a bug")


class TrappedClock:
    """The stage's clock, with a trap in each look."""

    def __init__(self, stage: Stage, trap: Trap) -> None:
        self._clock = stage.clock
        self._trap = trap

    def monotonic(self) -> float:
        self._trap.step_on()
        return self._clock.monotonic()

    def time(self) -> float:
        return self._clock.time()

    def wait(self, latch: Latch, deadline_s: float | None) -> bool:
        return self._clock.wait(latch, deadline_s)


STEPS: dict[str, tuple[type[Any], str] | None] = {
    "looking at the clock": None,
    "looking a name up": (MemoryTransport, "resolve"),
    "connecting": (MemoryTransport, "connect"),
    "waiting": (MemorySelector, "select"),
    "writing": (MemoryStream, "send"),
    "reading": (MemoryStream, "recv_into"),
    "compressing": (GzipCodec, "compress"),
    "reading metadata": (MetadataResponse, "decode"),
    "taking metadata over": (ClusterMetadata, "update_metadata"),
    "looking for the leader": (ClusterMetadata, "leader_for_partition"),
    "measuring": (Sensor, "record_all"),
    "failing a batch": (Failures, "fail_batch"),
    "telling of failures": (Failures, "tell"),
}


def stage_with(step: str, patch: pytest.MonkeyPatch) -> tuple[Stage, Trap]:
    stage = Stage(latency_s=0.01, default_partitions=2)
    trap = Trap(stage)
    place = STEPS[step]
    if place is None:
        stage.producers_clock = TrappedClock(stage, trap)
    else:
        kind, name = place
        usual = getattr(kind, name)

        def trapped(*arguments: Any, **more: Any) -> Any:
            trap.step_on()
            return usual(*arguments, **more)

        patch.setattr(kind, name, trapped)
    return stage, trap


def exercise(stage: Stage, producer: KafkaProducer) -> list[tuple[float, Any]]:
    """Records that are sent, refused, sent again and given up, over a connection that is lost; when each was sent, and its future."""
    sent: list[tuple[float, Any]] = []
    for number in range(14):
        for partition in range(2):
            try:
                sent.append((stage.now_s, producer.send("t", b"x" * 300, partition=partition)))
            except KafkaError:
                pass  # metadata did not come in time, or the producer has given up
        if number == 3:
            stage.link.cut()
        if number in (5, 7):
            stage.cluster.faults.add(faults.Error(NotEnoughReplicasError if number == 5 else InvalidRecordError), api="Produce", times=1)
        if number == 9:
            stage.link.make_unreachable()
        stage.clock.run_for(0.1)
    stage.clock.run_for(DELIVERY_S + 0.1)
    stage.link.heal()
    return sent


def new_producer(stage: Stage) -> KafkaProducer:
    return stage.producer(
        api_version=(2, 6), retries=3, request_timeout_ms=REQUEST_S * 1000, delivery_timeout_ms=DELIVERY_S * 1000,
        max_block_ms=3000, compression_type="gzip", metadata_max_age_ms=500,
    )  # fmt: skip


@pytest.mark.parametrize("step", STEPS)
def test_an_error_that_nobody_foresaw_once_anywhere_leaves_no_record_without_outcome(step: str) -> None:
    for calls in itertools.count(step=3 if step == "looking at the clock" else 1):  # one turn looks several times
        with pytest.MonkeyPatch.context() as patch:
            stage, trap = stage_with(step, patch)
            producer = new_producer(stage)
            trap.calls_left = calls
            began_s, turns = stage.now_s, stage.turns
            sent = exercise(stage, producer)
            for at_s, future in sent:
                stage.clock.run_for(max(0.0, at_s + DELIVERY_S + 0.2 - stage.now_s))
                assert future.is_done, f"call {calls}"
            assert stage.turns - turns < MOST_TURNS_PER_S * (stage.now_s - began_s), f"call {calls}: it spins"
            was_sprung, trap.calls_left = trap.calls_left < 0, -1
            healed_s = stage.now_s
            assert producer.send("t", b"after").get(RECOVERS_S).topic == "t"
            assert stage.now_s - healed_s < RECOVERS_S
            assert producer.status().buffered_bytes == 0, f"call {calls}"
            producer.close(1)
        if not was_sprung:
            break
    assert calls > 0


@pytest.mark.parametrize("step", [step for step in STEPS if step != "looking at the clock"])
def test_one_that_lasts_ends_in_failed_records_and_not_in_a_loop(step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stage, trap = stage_with(step, monkeypatch)
    producer = new_producer(stage)
    producer.send("t", b"before").get(5)
    trap.calls_left, trap.is_lasting = 0, True
    began_s, turns = stage.now_s, stage.turns
    sent = exercise(stage, producer)
    stage.clock.run_for(DELIVERY_S + 0.2)
    assert all(future.is_done for _, future in sent)
    assert stage.turns - turns < MOST_TURNS_PER_S * (stage.now_s - began_s), "it spins"
    trap.calls_left = -1
    if producer._sender.has_failed:
        with pytest.raises(IllegalStateError, match="a bug"):  # it says what it gave up for
            producer.send("t", b"after").get(RECOVERS_S)
    else:
        assert producer.send("t", b"after").get(RECOVERS_S)
    producer.close(1)
    assert producer.status().buffered_bytes == 0


@pytest.mark.parametrize("step", ["compressing", "taking metadata over"])
def test_whoever_waits_is_told_of_it_in_one_class_which_names_its_cause(step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stage, trap = stage_with(step, monkeypatch)
    producer = new_producer(stage)
    producer.send("t", b"before").get(5)
    trap.calls_left = 0
    future = producer.send("t", b"v") if step == "compressing" else producer._lifecycle.parts.cluster.request_update()
    stage.clock.run_for(1.0)
    assert type(future.exception) is UnknownError
    assert isinstance(future.exception.__cause__, Surprise)
    producer.close(1)
