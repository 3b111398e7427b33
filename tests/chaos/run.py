"""One fault under load, from new topics to verdicts."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from tests.broker.kafka_jars import NEWEST
from tests.broker.read_back import read_back
from tests.broker.real_kafka import RealKafka, new_topic_name
from tests.chaos.faults import PARTITIONS, REPLICAS, TOPIC_CONFIG, Fault, Stage
from tests.chaos.judge import Verdict, judge
from tests.chaos.load import Load

RATE = 300.0  # records a second and process
RECOVERS_WITHIN_S = 20.0  # else it is not waited for; what is asked of it is less

RECOVERY_S = 4.0
CPU_S_A_MINUTE = 10.0

CLUSTER: Mapping[str, str] = {"auto.create.topics.enable": "false"}
"""Of all brokers: a topic that was deleted must not come back because a producer asks for it."""


def cluster() -> RealKafka:
    """Three brokers of the newest release, not started yet."""
    return RealKafka(NEWEST, brokers=REPLICAS, config=CLUSTER, has_fronts=True)


class Outcome(NamedTuple):
    """Of one load: its options that are not the usual ones, and what became of its records."""

    options: Mapping[str, Any]
    verdict: Verdict
    may_repeat: bool = True


def broken_promises(outcome: Outcome, *, slack: float = 1.0) -> list[str]:
    """What may not be; order is promised with one request in flight. Bounds of time are `slack` times what they are on a quiet machine."""
    found = outcome.verdict
    wrong = [f"{count} records {what}" for what, count in _never(outcome) if count]
    if found.recovery_s > slack * RECOVERY_S:
        wrong.append(f"delivering again only {found.recovery_s:.2f} s after the fault")
    if found.cpu_s_a_minute > slack * CPU_S_A_MINUTE:
        wrong.append(f"{found.cpu_s_a_minute:.1f} s of CPU a minute")
    return wrong


def _never(outcome: Outcome) -> list[tuple[str, int]]:
    found = outcome.verdict
    is_ordered = outcome.options.get("max_in_flight_requests_per_connection") == 1
    return [
        ("without an outcome in time", found.unresolved),
        ("acknowledged, and not where they were said to be", found.missing),
        ("failed as surely not written, and there", found.false_no),
        ("out of order", found.out_of_order if is_ordered else 0),
        ("written twice without need", 0 if outcome.may_repeat else found.duplicated),
    ]


def run(kafka: RealKafka, fault: Fault, *, before_s: float, after_s: float, loads: Sequence[Mapping[str, Any]]) -> list[Outcome]:
    """Send for `before_s`, have it happen, and send until each partition delivers again and `after_s` more; one load for each of the options."""
    stage = Stage(kafka)
    with ExitStack() as undone:
        bootstrap = undone.enter_context(fault.setting(stage))
        stage.loads = [_start(kafka, bootstrap, options, undone) for options in loads]
        for load in stage.loads:
            load.wait_until_it_sends()
        time.sleep(before_s)
        fault.befall(stage)
        well_s = time.monotonic()
        for load in stage.loads:
            load.all_is_well(well_s)
        for load in stage.loads:
            load.recovers(well_s + RECOVERS_WITHIN_S - time.monotonic())
        time.sleep(after_s)
        for load in stage.loads:
            load.end()
        return [Outcome(options, _verdict(stage, load, well_s), fault.may_repeat) for options, load in zip(loads, stage.loads)]


def _start(kafka: RealKafka, bootstrap: str, options: Mapping[str, Any], undone: ExitStack) -> Load:
    topic = kafka.create_topic(new_topic_name("chaos"), partitions=PARTITIONS, replication=REPLICAS, config=TOPIC_CONFIG)
    load = Load(Path(kafka.folder), bootstrap=bootstrap, topic=topic, partitions=PARTITIONS, rate=RATE, options=options)
    undone.callback(load.kill)
    return load


def _verdict(stage: Stage, load: Load, well_s: float) -> Verdict:
    told, cpu_s_a_minute = load.finish()
    log = read_back(stage.kafka.bootstrap, load.topic, count=0, version=stage.kafka.version, partitions=load.partitions)
    return judge(told, log, well_s=well_s, log_since_s=stage.log_since_s, resolves_in_s=load.resolves_in_s, cpu_s_a_minute=cpu_s_a_minute)
