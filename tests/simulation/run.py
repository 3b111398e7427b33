"""One run: what its seed says, then everything is put right, and then the producer must be well."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import kafka
from tests.simulation import calls, troubles
from tests.simulation.circumstances import draw
from tests.simulation.model import Violation
from tests.simulation.scene import Scene
from tests.simulation.troubles import Heal

RECOVERS_S = 4.0
"""After so long, once the cluster is well and connections that brokers had left hanging are given up, a new record is acknowledged."""
_HEALS = 0.15  # how likely a step puts something right
_LATE_S = 20.0  # what is under way in the network at the end arrives in this time
_PAUSE_S = 0.05  # between records that try whether the producer is well
_LAST_LINES = 40

_T = TypeVar("_T")


class Report(NamedTuple):
    """A run that kept every promise."""

    trace: list[str]
    digest: str
    """Of everything that happened, to the byte."""
    records: int
    acknowledged: int
    written: int
    virtual_s: float
    turns: int


class FailedRun(AssertionError):
    """A promise was broken: says what, in which circumstances, what came before, and how to run it again."""


def play(seed: int) -> Report:
    """Play a seed; FailedRun where something does not hold."""
    circumstances = draw(seed)
    scene = Scene(circumstances)
    try:
        with scene.playing():
            _play(scene)
    except Exception as error:
        raise FailedRun(_story(scene, error)) from error
    finally:
        scene.leave()
    return _report(scene)


def _play(scene: Scene) -> None:
    circumstances, chance = scene.circumstances, scene.chance
    scene.note(calls.make_producer(scene))
    pending: list[Heal] = []
    for _ in range(circumstances.steps):
        if chance.random() < circumstances.unrest:
            words, heal = _some(scene, troubles.TROUBLES)(scene)
            if heal is not None:
                pending.append(heal)
        elif pending and chance.random() < _HEALS:
            pending.pop(chance.randrange(len(pending)))()
            words = "something is put right"
        elif scene.producer.is_closed:
            scene.clock.run_for(1.0)
            words = calls.make_producer(scene)
        else:
            words = _some(scene, calls.CALLS)(scene)
        scene.note(words)
        scene.check()
    _put_right(scene, pending)
    _recover(scene)
    _end(scene)


def _some(scene: Scene, table: Sequence[tuple[_T, float]]) -> _T:
    return scene.chance.choices([one for one, _ in table], [weight for _, weight in table])[0]


def _put_right(scene: Scene, pending: list[Heal]) -> None:
    scene.cluster.faults.clear()
    scene.producers_clock.shift_s = 0.0  # brokers refuse what is far ahead
    for heal in reversed(pending):
        heal()
    for link in (scene.network.link(address) for address in scene.cluster.addresses()):
        link.heal()
    for plan in scene.circumstances.topics:
        if plan.name not in scene.cluster.topics:
            scene.cluster.create_topic(plan.name, plan.partitions)
    for name, count in scene.widest.items():
        if len(scene.cluster.topics[name].partitions) < count:
            scene.cluster.add_partitions(name, count)
    scene.note("everything is put right")
    scene.clock.run_for(troubles.LONGEST_S + scene.circumstances.request_s)
    scene.check()


def _recover(scene: Scene) -> None:
    """A record for every partition is acknowledged within seconds."""
    until_s = scene.now_s + RECOVERS_S
    if scene.producer.is_closed:
        scene.note(calls.make_producer(scene))
    for name in sorted(scene.cluster.topics):
        for partition in range(len(scene.cluster.topics[name].partitions)):
            _deliver(scene, name, partition, until_s)
    scene.note("every partition takes records")


def _deliver(scene: Scene, name: str, partition: int, until_s: float) -> None:
    """One record; one more while those without retries, or without time to wait, meet what is left of the trouble."""
    facade = calls.facade_of(scene.producer)
    while True:
        sent = calls.send_one(scene, name, partition=partition)
        if isinstance(sent, str):
            found = sent
        else:
            facade.flush()
            scene.check()
            found = repr(sent.outcome)
            if sent.future.succeeded():
                return
        scene.clock.run_for(_PAUSE_S)
        if scene.now_s > until_s:
            raise Violation(f"{RECOVERS_S} s after the cluster was well, a record for {name}-{partition} is not acknowledged: {found}")


def _end(scene: Scene) -> None:
    facade = calls.facade_of(scene.producer)
    facade.flush()
    scene.check()
    scene.producer.is_closed = True
    facade.close()
    scene.check_closed(scene.producer)
    scene.let_arrive(_LATE_S)
    scene.check()
    scene.invariants.check_end(scene.producers)


def _report(scene: Scene) -> Report:
    logs = scene.invariants.written.logs()
    everything = hashlib.sha256()
    for line in scene.trace:
        everything.update(line.encode())
    for log in logs:
        everything.update(repr((log, log.records)).encode())
    for request in scene.cluster.requests.of(None):
        everything.update(repr(request[:6]).encode())
    everything.update(repr((scene.turns, scene.now_s)).encode())
    outcomes = [sent.outcome for sent in scene.invariants.sent if sent.future is not None]
    return Report(
        trace=scene.trace,
        digest=everything.hexdigest(),
        records=len(scene.invariants.sent),
        acknowledged=sum(not isinstance(outcome, BaseException) for outcome in outcomes),
        written=sum(len(log.records) for log in logs),
        virtual_s=scene.now_s,
        turns=scene.turns,
    )


def _story(scene: Scene, error: BaseException) -> str:
    seed = scene.circumstances.seed
    left_out = max(0, len(scene.trace) - _LAST_LINES)
    return "\n".join(
        (
            f"seed {seed} at {scene.now_s:.4f} s: {type(error).__name__}: {error}",
            f"  {scene.circumstances}",
            *([f"  ... {left_out} steps before"] if left_out else []),
            *(f"  {line}" for line in scene.trace[-_LAST_LINES:]),
            f"  again: KAFKA_IMPL={kafka.__impl__} python -m tests.simulation --first {seed} --seeds 1 --verbose",
        )
    )
