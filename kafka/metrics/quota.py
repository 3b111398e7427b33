"""A bound for a metric's value.

Imported by: metrics.  Imports: nothing of ours.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Quota:
    """An upper or a lower bound, itself acceptable; equal to another of the same kind and bound.

    Threads: any.
    """

    bound: float
    is_upper: bool

    @staticmethod
    def upper_bound(upper_bound: float) -> Quota:
        return Quota(upper_bound, True)

    @staticmethod
    def lower_bound(lower_bound: float) -> Quota:
        return Quota(lower_bound, False)

    def is_upper_bound(self) -> bool:
        return self.is_upper

    def is_acceptable(self, value: float) -> bool:
        return value <= self.bound if self.is_upper else value >= self.bound
