"""Draws the figures of docs/performance.rst, and writes its tables, from files that `python -m benchmarks --json` wrote.

    python -m benchmarks.plots [FILE ...]

Without a FILE all of docs/performance/*.json are read: one for each implementation of this library.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from benchmarks.clients import BARE_SOCKET, CONFLUENT, KAFKA_PYTHON_2, KAFKA_PYTHON_3, OURS, ROOT
from benchmarks.report import Result, shown
from benchmarks.rows import CPU, RATE, ROWS

FOLDER = ROOT / "docs" / "performance"
TABLES = "results.txt"  # no .rst: Sphinx would take it for a page of its own

# Text stays text, and the same results give the same file.
matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "kafka-producer", "font.family": "sans-serif", "font.size": 9})

PANEL_WIDTH, BAR_HEIGHT, PANEL_FRAME = 3.4, 0.26, 0.75  # inches
COLOURS = {
    f"{OURS.name}, compiled": "#1b6ca8",
    f"{OURS.name}, python": "#7fb2d9",
    CONFLUENT.name: "#d9822b",
    KAFKA_PYTHON_2.name: "#8a8f98",
    KAFKA_PYTHON_3.name: "#b9bdc4",
    BARE_SOCKET.name: "#5b8c5a",
}
MARKERS = {"compiled": "o", "python": "s"}


class Panel(NamedTuple):
    """A theme's bars, one a client."""

    theme: str
    title: str
    figure: str = RATE


class Picture(NamedTuple):
    """A file of panels in columns."""

    name: str
    unit: str
    panels: tuple[Panel, ...]
    columns: int = 3


PICTURES = (
    Picture("sizes", "acknowledged records/s", (Panel("100b", "100 B"), Panel("1kb", "1 KB"), Panel("10kb", "10 KB"))),
    Picture(
        "outcomes",
        "acknowledged records/s",
        (Panel("100b-dropped", "futures dropped, no reports"), Panel("100b-callback", "a callback on each"), Panel("keyed", "1000 keys")),
    ),
    Picture(
        "codecs",
        "acknowledged records/s",
        tuple(
            Panel(f"{codec}-{size}", f"{codec.replace('-', ' with ')}, {title}")
            for codec in ("snappy", "lz4", "zstd", "gzip", "gzip-isal")
            for size, title in (("100b", "100 B"), ("1kb", "1 KB"))
        ),
        columns=2,
    ),
    Picture("cpu", "processor time a record, us", (Panel("cpu", "100 B", CPU),)),
    Picture("latency", "us", (Panel("latency", "send().get(), p50", "p50_us"), Panel("latency", "send().get(), p99", "p99_us"))),
    Picture(
        "real-latency",
        "us",
        (Panel("real-latency", "send().get() on Apache Kafka, p50", "p50_us"), Panel("real-latency", "the same, p99", "p99_us")),
    ),
    Picture(
        "brokers",
        "acknowledged records/s",
        (Panel("real-100b", "Apache Kafka 4.4.0, 100 B"), Panel("real-1kb", "Apache Kafka 4.4.0, 1 KB"), Panel("far", "20 ms away, 1 KB")),
    ),
)
SCALES = (("partitions", "partitions"), ("threads", "application threads"))


class Bar(NamedTuple):
    client: str
    values: dict[str, float]


@dataclass(frozen=True)
class Measurements:
    """One file: its rows, and where they come from."""

    measured: str
    machine: dict[str, Any]
    versions: dict[str, str]
    rows: tuple[Result, ...]

    @classmethod
    def read(cls, path: Path) -> Measurements:
        content = json.loads(path.read_text())
        order = {row.name: number for number, row in enumerate(ROWS)}
        rows = [Result(**row) for row in content["rows"] if row["name"] in order]
        rows.sort(key=lambda row: order[row.name])
        return cls(content["measured"], content["machine"], content["versions"], tuple(rows))

    @property
    def implementation(self) -> str:
        return next((row.implementation for row in self.rows), "")


def bars(panel: Panel, results: Sequence[Result]) -> list[Bar]:
    """The panel's clients, in the order of COLOURS; those of several files once."""
    found: dict[str, dict[str, float]] = {}
    for row in results:
        if row.theme == panel.theme and row.figure == panel.figure:
            found[f"{row.client}, {row.implementation}"] = row.ours
            if row.peer_client and row.peer:
                found.setdefault(row.peer_client, row.peer)
    return [Bar(client, found[client]) for client in COLOURS if client in found]


def draw(picture: Picture, results: Sequence[Result]) -> None:
    filled = [(panel, found) for panel in picture.panels if (found := bars(panel, results))]
    if not filled:
        return
    columns = min(picture.columns, len(filled))
    lines = -(-len(filled) // columns)
    most = max(len(found) for _, found in filled)
    height = PANEL_FRAME + BAR_HEIGHT * most
    figure = Figure(figsize=(1.2 + PANEL_WIDTH * columns, 0.4 + height * lines), layout="constrained")
    axes = list(figure.subplots(lines, columns, squeeze=False).flat)
    for ax, (panel, found) in zip(axes, filled):
        _bars(ax, panel, found)
        ax.set_ylim(most - 0.5, -0.5)  # bars as thick in every panel, the first on top
    for ax in axes[len(filled) :]:
        ax.remove()
    figure.supxlabel(picture.unit, fontsize=9)
    _save(figure, picture.name)


def _bars(ax: Axes, panel: Panel, found: list[Bar]) -> None:
    names = [bar.client for bar in found]
    medians = [bar.values["median"] for bar in found]
    spread = [[bar.values["median"] - bar.values["min"] for bar in found], [bar.values["max"] - bar.values["median"] for bar in found]]
    error_style = {"ecolor": "#333333", "elinewidth": 0.8}
    ax.barh(names, medians, xerr=spread, color=[COLOURS[name] for name in names], height=0.72, error_kw=error_style)
    furthest = max(bar.values["max"] for bar in found)
    for position, bar in enumerate(found):
        ax.text(bar.values["max"] + furthest * 0.02, position, shown(panel.figure, bar.values), va="center", fontsize=8)
    ax.set_xlim(0, furthest * 1.32)
    ax.set_title(panel.title, fontsize=9, loc="left")
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _short(value)))
    ax.locator_params(axis="x", nbins=4)
    ax.tick_params(axis="y", length=0)
    ax.spines[["top", "right", "left"]].set_visible(False)


def draw_scaling(files: Sequence[Measurements]) -> None:
    """What is left of the rate at 1 partition or thread as there are more."""
    figure = Figure(figsize=(7.4, 2.8), layout="constrained")
    for ax, (theme, label) in zip(figure.subplots(1, len(SCALES)), SCALES):
        for file in files:
            _line(ax, file.implementation, [row for row in file.rows if row.theme == theme])
        ax.set_xscale("log")
        ax.set_ylim(bottom=0)
        ticks = sorted({1, *(_number(row) for file in files for row in file.rows if row.theme == theme)})
        ax.set_xticks(ticks, [f"{number:,}" for number in ticks])
        ax.minorticks_off()
        ax.set_xlabel(label)
        ax.set_ylabel("of the rate at 1")
        ax.spines[["top", "right"]].set_visible(False)
        ax.legend(frameon=False, loc="lower left")
    _save(figure, "scaling")


def _line(ax: Axes, implementation: str, rows: Sequence[Result]) -> None:
    numbers = [1, *map(_number, rows)]
    ratios = [1.0, *(row.compared["median"] for row in rows)]
    below = [0.0, *(row.compared["median"] - row.compared["min"] for row in rows)]
    above = [0.0, *(row.compared["max"] - row.compared["median"] for row in rows)]
    colour = COLOURS[f"{OURS.name}, {implementation}"]
    ax.errorbar(numbers, ratios, yerr=[below, above], color=colour, marker=MARKERS[implementation], capsize=2, label=implementation)


def _number(row: Result) -> int:
    """How many partitions or threads a row is about."""
    return int(row.name.rpartition("-")[2])


def _short(value: float) -> str:
    if value >= 1e6:
        return f"{value / 1e6:g} M"
    return f"{value / 1e3:g} k" if value >= 1e3 else f"{value:g}"


def _save(figure: Figure, name: str) -> None:
    path = FOLDER / f"{name}.svg"
    figure.savefig(path, metadata={"Date": None, "Creator": None}, facecolor="white")
    path.write_text("".join(line.rstrip() + "\n" for line in path.read_text().splitlines()))


def tables(files: Sequence[Measurements]) -> str:
    """reStructuredText: of each implementation where it was measured, and every row."""
    return "".join("\n".join([*_origin(file), "", *_table(file), "", ""]) for file in files)


def _origin(file: Measurements) -> list[str]:
    machine = file.machine
    commits = sorted({row.commit for row in file.rows})
    return [
        f"**KAFKA_IMPL={file.implementation}**, commit {', '.join(commits)}, {file.measured}: "
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB, {machine['system']}; "
        # A client's name may say which release it is held to: the version follows anyway.
        + ", ".join(f"{name.split()[0]} {version}" for name, version in file.versions.items()),
    ]


def _table(file: Measurements) -> list[str]:
    lines = [".. list-table::", "   :header-rows: 1", "   :widths: 30 12 18 12 18 8 8", ""]
    lines += _cells("work", "ours", "against", "theirs", "ratio (min..max)", "bound", "")
    for row in file.rows:
        against = row.peer_client if row.peer_client != row.client else "itself"
        ours, theirs = shown(row.figure, row.ours), shown(row.figure, row.peer)
        lines += _cells(row.what, ours, against or "-", theirs, row.spread if row.peer else "-", row.bound, row.verdict)
    return lines


def _cells(first: str, *others: str) -> list[str]:
    return [f"   * - {first}", *(f"     - {_escaped(text)}".rstrip() for text in others)]


def _escaped(text: str) -> str:
    """A dash by itself would begin a list."""
    return r"\-" if text == "-" else text


def main() -> None:
    paths = [Path(name) for name in sys.argv[1:]] or sorted(FOLDER.glob("*.json"))
    if not paths:
        raise SystemExit(f"there are no results in {FOLDER}: python -m benchmarks --json {FOLDER / 'python.json'}")
    files = [Measurements.read(path) for path in paths]
    results = [row for file in files for row in file.rows]
    for picture in PICTURES:
        draw(picture, results)
    draw_scaling(files)
    (FOLDER / TABLES).write_text(tables(files))


if __name__ == "__main__":
    main()
