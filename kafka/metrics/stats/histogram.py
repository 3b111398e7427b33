"""Counting values in bins.

Imported by: metrics.stats.  Imports: errors.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

from kafka.errors import InvalidArgumentValueError


class BinScheme(Protocol):
    """Which bin a value belongs to."""

    @property
    def bins(self) -> int:
        """How many bins there are."""

    def to_bin(self, x: float) -> int:
        """The bin that counts `x`."""

    def from_bin(self, b: int) -> float:
        """The lower edge of a bin."""


class ConstantBinScheme:
    """Bins of equal width from `min_val` to `max_val`; the first and the last count what lies below and above.

    Threads: any.
    """

    def __init__(self, bins: int, min_val: float, max_val: float) -> None:
        if bins < 3 or not min_val < max_val:
            raise InvalidArgumentValueError(f"{bins} bins from {min_val} to {max_val}: at least 3 are needed, and a range")
        self.bins = bins
        self._min = min_val
        self._max = max_val
        self._width = (max_val - min_val) / (bins - 2)

    def from_bin(self, b: int) -> float:
        if b == 0:
            return -math.inf
        return math.inf if b == self.bins - 1 else self._min + (b - 1) * self._width

    def to_bin(self, x: float) -> int:
        if x < self._min:
            return 0
        return self.bins - 1 if x > self._max else int((x - self._min) / self._width) + 1


class LinearBinScheme:
    """Bins from 0 to `max_val`, each wider than the one before by the same amount; the last counts what lies above.

    Threads: any.
    """

    def __init__(self, num_bins: int, max_val: float) -> None:
        if num_bins < 2 or max_val <= 0:
            raise InvalidArgumentValueError(f"{num_bins} bins up to {max_val}: at least 2 are needed, up to a number above 0")
        self.bins = num_bins
        self._max = max_val
        self._scale = max_val / (num_bins * (num_bins - 1) / 2)

    def from_bin(self, b: int) -> float:
        return math.inf if b == self.bins - 1 else self._scale * b * (b + 1) / 2

    def to_bin(self, x: float) -> int:
        if x < 0:
            raise InvalidArgumentValueError(f"Bins that begin at 0 cannot count {x}")
        return self.bins - 1 if x > self._max else int(math.sqrt(2 * x / self._scale + 0.25) - 0.5)


class Histogram:
    """How many values each bin has counted.

    Threads: record() runs on one thread at a time; `counts` may be read by any.
    """

    ConstantBinScheme = ConstantBinScheme
    LinearBinScheme = LinearBinScheme

    def __init__(self, bin_scheme: BinScheme) -> None:
        self._bin_scheme = bin_scheme
        self._counts = [0] * bin_scheme.bins

    @property
    def counts(self) -> list[int]:
        """A copy of each bin's count."""
        return self._counts.copy()

    def record(self, value: float) -> None:
        self._counts[self._bin_scheme.to_bin(value)] += 1

    def value(self, quantile: float) -> float:
        """The lower edge of the bin in which this share of all values is passed; NaN where there are none."""
        return quantile_of([self.counts], self._bin_scheme, quantile)


def quantile_of(histograms: Sequence[Sequence[int]], bin_scheme: BinScheme, quantile: float) -> float:
    """The lower edge of the bin in which this share of what several histograms counted is passed; NaN where that is nothing."""
    merged = [sum(counts) for counts in zip(*histograms)]
    total = sum(merged)
    if not total:
        return math.nan
    passed = 0
    for b, count in enumerate(merged):
        passed += count
        if passed / total > quantile:
            return bin_scheme.from_bin(b)
    return math.inf
