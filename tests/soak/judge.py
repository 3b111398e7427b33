"""Whether what was measured stayed flat, and whether what was said is true."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

MORE_FILES = 2  # medians of files and threads vary with how many connections a fault leaves
MORE_THREADS = 1  # a resolver, the producer that is made anew


NOT_IN_TIME = {"late": "without an outcome in time", "open": "without an outcome when close() was back", "never": "without an outcome"}


class Sample(NamedTuple):
    """Of the process that is watched."""

    rss_kb: int
    files: int
    threads: int

    @classmethod
    def of(cls, pid: int) -> Sample | None:
        """None when it has ended."""
        status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        files = sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
        if "VmRSS" not in status:
            return None
        return cls(int(status["VmRSS"].split()[0]), files, int(status["Threads"]))


class Thirds(NamedTuple):
    """Medians of the first, the middle and the last third of a run."""

    first: float
    middle: float
    last: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Thirds:
        size = len(values) // 3
        return cls(*(statistics.median(values[start : start + size]) for start in (0, size, 2 * size)))

    def __str__(self) -> str:
        return f"{self.first:,.0f}, {self.middle:,.0f}, {self.last:,.0f}"


def growth(samples: Sequence[Sample], *, more_kb: int) -> list[str]:
    """What is larger in the last third than in the middle one, beyond bounds."""
    found = []
    for name, bound in (("rss_kb", more_kb), ("files", MORE_FILES), ("threads", MORE_THREADS)):
        thirds = Thirds.of([getattr(sample, name) for sample in samples])
        if thirds.last > thirds.middle + bound:
            found.append(f"{name} grew: medians of the thirds are {thirds}")
    return found


class Told(NamedTuple):
    """What a thread was told of one record."""

    verdict: str
    partition: int
    offset: int


def read_outcomes(folder: Path) -> dict[str, Told]:
    """By the record's name, `thread-number`."""
    told = {}
    for path in folder.iterdir():
        for line in path.read_text().splitlines():
            number, verdict, partition, offset = line.split()
            told[f"{path.name}-{number}"] = Told(verdict, int(partition), int(offset))
    return told


def lies(told: Mapping[str, Told], log: Mapping[tuple[int, int], str]) -> Counter[str]:
    """How many outcomes are not so; `log` has the name of the record at each (partition, offset)."""
    written = set(log.values())
    found: Counter[str] = Counter()
    for name, (verdict, partition, offset) in told.items():
        if verdict == "acked" and log.get((partition, offset)) != name:
            found["acknowledged, and not there"] += 1
        elif verdict == "no" and name in written:
            found["failed as surely not written, and there"] += 1
        elif verdict in NOT_IN_TIME:
            found[NOT_IN_TIME[verdict]] += 1
    return found
