"""The table of what this library is held to: each row a figure of ours against a peer's, both taken in turn in one run.

Imported by: __main__, contests, clusters, matrix, report, plots.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import Enum
from typing import Callable, NamedTuple

from benchmarks.clients import (
    BARE_SOCKET,
    CONFLUENT,
    CONFLUENT_IMPORT,
    KAFKA_PYTHON_2,
    KAFKA_PYTHON_3,
    OUR_IMPORT,
    OURS,
    Client,
)
from benchmarks.workers.task import Work


class Broker(Enum):
    """What is sent to."""

    NONE = "none"
    MOCK = "librdkafka's mock cluster"
    MOCK_1_MS = "librdkafka's mock cluster, 1 ms of round trip away"
    FAR_MOCK = "librdkafka's mock cluster, 20 ms of round trip away"
    MOCK_100_MS = "librdkafka's mock cluster, 100 ms of round trip away"
    FAR_UNBOUNDED_MOCK = "the same, over a line that any number of bytes may be on"
    REAL = "Apache Kafka 4.4.0"


class Count(NamedTuple):
    """Bounds on the records of a run; between them it is what fills the wanted time."""

    least: int
    most: int


FILLING = Count(50_000, 4_000_000)
FIXED_COUNT = Count(1_000_000, 1_000_000)
LONG_COUNT = Count(4_000_000, 4_000_000)
LATENCY_COUNT = Count(2_000, 2_000)
IMPORTS = Count(7, 7)


@dataclass(frozen=True)
class Run:
    """One client's part in a row; equal ones are run once for all rows."""

    client: Client
    work: Work
    broker: Broker = Broker.MOCK
    partitions: int = 4
    count: Count = FILLING


class Bound(NamedTuple):
    """`value` is what the ratio (or, where there is no peer, the figure) is at least or at most."""

    value: float
    is_least: bool

    def holds(self, measured: float) -> bool:
        return measured >= self.value if self.is_least else measured <= self.value

    def __str__(self) -> str:
        return f"{'>=' if self.is_least else '<='} {self.value:g}"


def at_least(value: float) -> Bound:
    return Bound(value, True)


def at_most(value: float) -> Bound:
    return Bound(value, False)


@dataclass(frozen=True)
class Row:
    """`bound` is for the compiled implementation, `python_bound` for the other; `theme` is what rows of one plot have in common."""

    name: str
    what: str
    theme: str
    ours: Run
    peer: Run | None
    bound: Bound | None = None
    python_bound: Bound | None = None
    figure: str = "records_per_s"

    def bound_for(self, implementation: str) -> Bound | None:
        return self.bound if implementation == "compiled" else self.python_bound


RATE = "records_per_s"
CPU = "cpu_us_per_record"
TEXT_CODECS = ("snappy", "lz4", "zstd")
NO_ISAL = ("isal",)


def _theme(
    theme: str, what: str, ours: Work, peer: Work, bound: float, *, against_kafka_python: dict[Client, float], pure: float | None = None
) -> tuple[Row, ...]:
    """The rows of one kind of work: against confluent-kafka, and against releases of kafka-python, which do as ours does."""
    run = Run(OURS, ours)
    rows = [Row(f"{theme}:confluent", what, theme, run, Run(CONFLUENT, peer), at_least(bound))]
    for client, least in against_kafka_python.items():
        short = f"{theme}:kafka-python-{client.name.split()[1][0]}"
        python_bound = at_least(pure) if pure else None
        rows.append(Row(short, what, theme, run, Run(client, dataclasses.replace(ours, without=())), at_least(least), python_bound))
    return tuple(rows)


def _codec(codec: str, value_bytes: int) -> tuple[Row, ...]:
    options = (("compression_type", codec),)
    size, least, others = ("100b", 2, _BOTH_25) if value_bytes == 100 else ("1kb", 1, _2_ONLY_12)
    return _theme(
        f"{codec}-{size}",
        f"{codec}, {_size(value_bytes)} of text",
        Work("keep", value_bytes, text=True, options=options),
        Work("report", value_bytes, text=True, options=(("compression.type", codec),)),
        least,
        against_kafka_python=others,
    )


def _gzip(value_bytes: int, *, isal: bool) -> Row:
    size = "100b" if value_bytes == 100 else "1kb"
    theme = f"gzip{'-isal' if isal else ''}-{size}"
    ours = Work("keep", value_bytes, text=True, options=(("compression_type", "gzip"),))
    ours = dataclasses.replace(ours, module="isal") if isal else dataclasses.replace(ours, without=NO_ISAL)
    peer = Work("report", value_bytes, text=True, options=(("compression.type", "gzip"), ("compression.level", 6)))
    what = f"gzip{' with isal' if isal else ''}, {_size(value_bytes)} of text"
    return Row(f"{theme}:confluent", what, theme, Run(OURS, ours), Run(CONFLUENT, peer), at_least(2 if isal else 1))


def _size(value_bytes: int) -> str:
    return f"{value_bytes} B" if value_bytes < 1000 else f"{value_bytes // 1000} KB"


def _latency(figure: str) -> tuple[Row, ...]:
    what = f"send().get() one at a time, {figure}"
    peers = (
        ("confluent", _one_at_a_time(CONFLUENT), 1.25),
        ("kafka-python-2", _one_at_a_time(KAFKA_PYTHON_2), 0.5),
        ("kafka-python-3", _one_at_a_time(KAFKA_PYTHON_3), 0.5),
    )
    return tuple(
        Row(f"latency-{figure}:{name}", what, "latency", _one_at_a_time(OURS), peer, at_most(most), figure=f"{figure}_us")
        for name, peer, most in peers
    )


def _real_latency(figure: str) -> Row:
    what = f"send().get() one at a time on Apache Kafka 4.4.0, {figure}"
    ours, peer = _one_at_a_time(OURS, Broker.REAL), _one_at_a_time(CONFLUENT, Broker.REAL)
    return Row(f"real-latency-{figure}:confluent", what, "real-latency", ours, peer, figure=f"{figure}_us")


def _one_at_a_time(client: Client, broker: Broker = Broker.MOCK) -> Run:
    options = (("linger.ms", 0),) if client is CONFLUENT else ()
    return Run(client, Work("wait", options=options), broker, partitions=1, count=LATENCY_COUNT)


def _scaling(name: str, what: str, theme: str, run_of: Callable[[int], Run], bounds: dict[int, float]) -> tuple[Row, ...]:
    """This library against itself at 1."""
    return tuple(Row(f"{name}-{n}", what.format(n=n), theme, run_of(n), run_of(1), at_least(least)) for n, least in bounds.items())


def _with_partitions(partitions: int) -> Run:
    return Run(OURS, Work("keep"), partitions=partitions, count=LONG_COUNT)


def _with_threads(threads: int) -> Run:
    return Run(OURS, Work("share", threads=threads), count=FIXED_COUNT)


def _far(client: Client, mode: str, broker: Broker = Broker.FAR_MOCK) -> Run:
    return Run(client, Work(mode, 1000), broker, partitions=1, count=Count(10_000, 4_000_000))


def _real(client: Client, mode: str, value_bytes: int) -> Run:
    return Run(client, Work(mode, value_bytes), Broker.REAL)


_BOTH_25 = {KAFKA_PYTHON_2: 25.0, KAFKA_PYTHON_3: 25.0}
_BOTH_10 = {KAFKA_PYTHON_2: 10.0, KAFKA_PYTHON_3: 10.0}
_2_ONLY_12 = {KAFKA_PYTHON_2: 12.0}
_MURMUR2 = (("partitioner", "murmur2_random"),)
_1_GIB = (("buffer_memory", 1 << 30),)
_UNMEASURED = Work("keep", options=(("metrics_enabled", False),))
_FAR = "1 KB, one partition, 20 ms of round trip"
_REAL_100B = "100 B on Apache Kafka 4.4.0"

ROWS: tuple[Row, ...] = (
    *_theme("100b", "100 B, a future kept per record", Work("keep"), Work("report"), 4, against_kafka_python=_BOTH_25, pure=4),
    Row("100b-cpu:confluent", "100 B, CPU a record", "cpu", Run(OURS, Work("keep")), Run(CONFLUENT, Work("report")), at_most(0.3), figure=CPU),
    *_theme("100b-dropped", "100 B, futures dropped, no reports", Work("drop"), Work("silent"), 2, against_kafka_python=_BOTH_25, pure=4),
    *_theme("100b-callback", "100 B, a callback on each", Work("callback"), Work("callback"), 1.5, against_kafka_python=_BOTH_10, pure=4),
    *_theme("1kb", "1 KB", Work("keep", 1000), Work("report", 1000), 1.4, against_kafka_python=_2_ONLY_12),
    *_theme("10kb", "10 KB", Work("keep", 10_000), Work("report", 10_000), 1, against_kafka_python=_2_ONLY_12),
    *_theme(
        "keyed",
        "100 B with one of 1000 keys",
        Work("keep", keys=1000),
        Work("report", keys=1000, options=_MURMUR2),
        3,
        against_kafka_python=_BOTH_25,
        pure=4,
    ),
    *(row for codec in TEXT_CODECS for value_bytes in (100, 1000) for row in _codec(codec, value_bytes)),
    *(_gzip(value_bytes, isal=isal) for value_bytes in (100, 1000) for isal in (False, True)),
    *_latency("p50"),
    *_latency("p99"),
    _real_latency("p50"),
    _real_latency("p99"),
    Row("far:kafka-python-2", _FAR, "far", _far(OURS, "keep"), _far(KAFKA_PYTHON_2, "keep"), at_least(60)),
    Row("far:confluent", _FAR, "far", _far(OURS, "keep"), _far(CONFLUENT, "report"), at_least(0.8)),
    Row(
        "far-unbounded:confluent",
        f"{_FAR}, any number of bytes on the line",
        "far",
        _far(OURS, "keep", Broker.FAR_UNBOUNDED_MOCK),
        _far(CONFLUENT, "report", Broker.FAR_UNBOUNDED_MOCK),
    ),
    Row("real-100b:confluent", _REAL_100B, "real-100b", _real(OURS, "keep", 100), _real(CONFLUENT, "report", 100), at_least(1.8)),
    Row("real-100b:bare", _REAL_100B, "real-100b", _real(OURS, "keep", 100), _real(BARE_SOCKET, "pipeline", 100), at_least(0.75)),
    Row(
        "real-1kb:confluent",
        "1 KB on Apache Kafka 4.4.0",
        "real-1kb",
        _real(OURS, "keep", 1000),
        _real(CONFLUENT, "report", 1000),
        at_least(1),
    ),
    *_scaling("partitions", "{n:,} partitions, against 1", "partitions", _with_partitions, {100: 0.8, 10_000: 0.5}),
    *_scaling("threads", "{n} application threads, against 1", "threads", _with_threads, {4: 0.8, 16: 0.8, 64: 0.8}),
    Row("metrics", "100 B, against metrics_enabled=False", "metrics", Run(OURS, Work("keep")), Run(OURS, _UNMEASURED), at_least(0.98)),
    Row("metrics-cpu", "the same, CPU a record", "metrics", Run(OURS, Work("keep")), Run(OURS, _UNMEASURED), at_most(1.02), figure=CPU),
    Row(
        "memory",
        "memory of 1 M queued 100 B records beyond their values",
        "memory",
        Run(OURS, Work("queue", options=_1_GIB), count=FIXED_COUNT),
        None,
        at_most(120),
        figure="overhead_bytes_per_record",
    ),
    Row(
        "import",
        "import kafka, against import confluent_kafka",
        "import",
        Run(OUR_IMPORT, Work("import", options=(("package", "kafka"),)), Broker.NONE, count=IMPORTS),
        Run(CONFLUENT_IMPORT, Work("import", options=(("package", "confluent_kafka"),)), Broker.NONE, count=IMPORTS),
        at_most(1),
        at_most(1),
        figure="import_ms",
    ),
)
