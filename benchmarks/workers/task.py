"""What a worker is told, as JSON in its one argument, and what it reports, as JSON on its standard output.

Imported by: every worker, benchmarks.rows, benchmarks.contests, benchmarks.matrix.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import time
from typing import Any, NamedTuple

PRIMED_PARTITIONS = 4


@dataclasses.dataclass(frozen=True)
class Work:
    """What is done in a run, whoever does it.

    `mode` is the name of a function in the client's worker. Values of `text` are many and compress as logs do; others are one value of
    one repeated byte. `keys` is how many keys take turns, 0 for none. `options` go to the client as they are.
    `seconds` is how long a run takes, about, where the mode finds the number of records itself.
    `without` are optional packages that the run pretends not to have; `module` must have been loaded when it ends.
    """

    mode: str
    value_bytes: int = 100
    text: bool = False
    keys: int = 0
    threads: int = 1
    seconds: float = 1.0
    options: tuple[tuple[str, Any], ...] = ()
    without: tuple[str, ...] = ()
    module: str = ""


@dataclasses.dataclass(frozen=True)
class Task:
    """A run: the work, where, and how much of it. `broker_pid` is the broker's process, where it may be stopped."""

    work: Work
    bootstrap: str
    topic: str
    partitions: int
    records: int
    broker_pid: int = 0

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self))


class Outcome(NamedTuple):
    """What a mode measured. `acknowledged` is None where the client was asked for no outcomes: then only the broker's count tells."""

    sent: int
    acknowledged: int | None
    figures: dict[str, float]


@dataclasses.dataclass
class Report:
    """What came of a task. `primed` records were sent before the clock was started."""

    versions: dict[str, str]
    sent: int = 0
    acknowledged: int | None = None
    figures: dict[str, float] = dataclasses.field(default_factory=dict)
    primed: int = 0
    implementation: str = ""

    def take(self, outcome: Outcome) -> None:
        self.sent, self.acknowledged, self.figures = outcome

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self))


def read_task() -> Task:
    """The task of this process; packages to do without cannot be imported from here on."""
    told = json.loads(sys.argv[1])
    work = Work(**told.pop("work"))
    for name in work.without:
        sys.modules[name] = None  # type: ignore[assignment]  # how `import` is told that there is none
    options = tuple((name, tuple(value) if isinstance(value, list) else value) for name, value in work.options)
    return Task(dataclasses.replace(work, options=options), **told)


def finish(task: Task, report: Report) -> None:
    """Print the report; an error where the work was to use a package and did not."""
    if task.work.module and task.work.module not in sys.modules:
        raise SystemExit(f"{task.work.module} was not used")
    print(report.to_json())


class Stopwatch:
    """Wall-clock and processor time of this process (all threads, librdkafka's too) from construction on."""

    def __init__(self) -> None:
        self._cpu_s = time.process_time()
        self._began_s = time.perf_counter()

    def figures(self, records: int) -> dict[str, float]:
        seconds = time.perf_counter() - self._began_s
        cpu_s = time.process_time() - self._cpu_s
        return {"records_per_s": records / seconds, "cpu_us_per_record": cpu_s / records * 1e6, "seconds": seconds}


def latency_figures(samples_s: list[float]) -> dict[str, float]:
    ordered = sorted(samples_s)
    return {"p50_us": ordered[len(ordered) // 2] * 1e6, "p99_us": ordered[len(ordered) * 99 // 100] * 1e6}
