"""What can go wrong, by kind: give one to cluster.faults.add(), with what it is for.

A request meets faults when it is whole and can be read: one of a version that the broker does not speak meets none.
Imported by: applications' tests.  Imports: testing.faults.*.
"""

from __future__ import annotations

from kafka.testing.faults.connections import Cut, Freeze, HalfOpen, StopReading
from kafka.testing.faults.replies import CutReply, Garbage, Trickle, WrongCorrelationId
from kafka.testing.faults.requests import (
    Change,
    CutRequest,
    DelayReply,
    DelayRequest,
    DropReply,
    DropRequest,
    Error,
    Throttle,
    WrongLeader,
)

__all__ = [
    "Change",
    "Cut",
    "CutReply",
    "CutRequest",
    "DelayReply",
    "DelayRequest",
    "DropReply",
    "DropRequest",
    "Error",
    "Freeze",
    "Garbage",
    "HalfOpen",
    "StopReading",
    "Throttle",
    "Trickle",
    "WrongCorrelationId",
    "WrongLeader",
]
