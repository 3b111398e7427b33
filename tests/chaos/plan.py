"""The faults, in a long form and in one that is short enough for every change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tests.chaos.faults import (
    ClusterDown,
    ConnectionsCut,
    Fault,
    Forked,
    LeadersKilled,
    LeaderStopped,
    PartitionsAdded,
    RollingRestart,
    TooFewInSync,
    TopicRecreated,
)

ORDERED: Mapping[str, Any] = {"max_in_flight_requests_per_connection": 1}
BOTH: Sequence[Mapping[str, Any]] = (ORDERED, {})
DELAY_S = 0.02


class Planned(NamedTuple):
    fault: Fault
    loads: Sequence[Mapping[str, Any]] = BOTH


LONG: Mapping[str, Planned] = {
    "leaders-killed": Planned(LeadersKilled(times=3, down_s=5)),
    "leader-stopped": Planned(LeaderStopped(seconds=15)),
    "rolling-restart": Planned(RollingRestart()),
    "cluster-down": Planned(ClusterDown(seconds=20)),
    "cluster-down-longer-than-delivery": Planned(ClusterDown(seconds=40), [{**options, "delivery_timeout_ms": 30_000} for options in BOTH]),
    "connections-cut": Planned(ConnectionsCut(seconds=20)),
    "connections-cut-far-away": Planned(ConnectionsCut(seconds=20, delay_s=DELAY_S)),
    "topic-recreated": Planned(TopicRecreated(gone_s=5)),
    "partitions-added": Planned(PartitionsAdded()),
    "too-few-in-sync": Planned(TooFewInSync(seconds=15)),
    "fork": Planned(Forked()),
}
LONG_BEFORE_S, LONG_AFTER_S = 5.0, 10.0

_GIVES_UP: Mapping[str, Any] = {"request_timeout_ms": 3000, "delivery_timeout_ms": 3000}

SHORT: Mapping[str, Planned] = {
    "leaders-killed": Planned(LeadersKilled(times=1, down_s=1)),
    "leader-stopped": Planned(LeaderStopped(seconds=5)),
    "rolling-restart": Planned(RollingRestart()),
    "cluster-down": Planned(ClusterDown(seconds=1), [*BOTH, {**ORDERED, **_GIVES_UP}]),
    "connections-cut": Planned(ConnectionsCut(seconds=2)),
    "connections-cut-far-away": Planned(ConnectionsCut(seconds=2, delay_s=DELAY_S)),
    "topic-recreated": Planned(TopicRecreated(gone_s=0.5)),
    "partitions-added": Planned(PartitionsAdded()),
    "too-few-in-sync": Planned(TooFewInSync(seconds=4)),
    "fork": Planned(Forked()),
}
SHORT_BEFORE_S, SHORT_AFTER_S = 0.5, 0.2
