"""Results: a line of the table for each row, and the file that plots are drawn from.

Imported by: __main__, matrix, plots.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import os
import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.clients import ROOT
from benchmarks.contests import Contest, Pace, ratios, spread
from benchmarks.rows import Row

HEADER = f"{'row':28} {'ours':>10} {'peer':>10}  {'ratio (min..max)':24} {'bound':9} verdict"
_PRECISION = 3


@dataclass
class Result:
    """A measured row, as it is written to the file. `held` is None where nothing is asked of this implementation."""

    name: str
    what: str
    theme: str
    figure: str
    implementation: str
    client: str
    peer_client: str | None
    ours: dict[str, float]
    peer: dict[str, float] | None
    compared: dict[str, float]
    bound: str
    held: bool | None
    records: int
    commit: str
    broker: str

    def line(self) -> str:
        ours, peer = shown(self.figure, self.ours), shown(self.figure, self.peer)
        return f"{self.name:28} {ours:>10} {peer:>10}  {self.spread:24} {self.bound:9} {self.verdict}"

    @property
    def spread(self) -> str:
        low, middle, high = (f"{self.compared[name]:.{_PRECISION}g}" for name in ("min", "median", "max"))
        return f"{middle} ({low}..{high})"

    @property
    def verdict(self) -> str:
        return "-" if self.held is None else "held" if self.held else "NOT held"


def result_of(row: Row, contest: Contest, commit: str) -> Result:
    ours = contest.values(row.ours, row.figure)
    peer = contest.values(row.peer, row.figure) if row.peer else None
    compared = spread(ratios(ours, peer) if peer else ours)
    implementation = contest.reports[row.ours][0].implementation or os.environ.get("KAFKA_IMPL", "python")
    bound = row.bound_for(implementation)
    return Result(
        name=row.name,
        what=row.what,
        theme=row.theme,
        figure=row.figure,
        implementation=implementation,
        client=row.ours.client.name,
        peer_client=row.peer.client.name if row.peer else None,
        ours=spread(ours),
        peer=spread(peer) if peer else None,
        compared=compared,
        bound=str(bound) if bound else "-",
        held=bound.holds(compared["median"]) if bound else None,
        records=contest.records[row.ours],
        commit=commit,
        broker=row.ours.broker.value,
    )


def shown(figure: str, values: dict[str, float] | None) -> str:
    """The median of a figure with its unit, as people read it; '-' where there is none."""
    if values is None:
        return "-"
    value = values["median"]
    if figure == "records_per_s":
        return f"{value / 1e6:.2f} M/s" if value >= 1e6 else f"{value / 1e3:.1f} k/s"
    unit = {"import_ms": "ms", "overhead_bytes_per_record": "B"}.get(figure, "us")
    return f"{value:.{_PRECISION}g} {unit}" if value < 1000 else f"{value:,.0f} {unit}"


def versions(contests: list[Contest]) -> dict[str, str]:
    """What the clients said they are."""
    found: dict[str, str] = {"python": platform.python_version()}
    for contest in contests:
        for run, reports in contest.reports.items():
            for name, version in reports[0].versions.items() if reports else ():
                found[run.client.name if name == "kafka" else name] = version
    return dict(sorted(found.items()))


def machine() -> dict[str, Any]:
    return {"processor": _processor(), "cores": os.cpu_count(), "memory_gib": _memory_gib(), "system": f"{platform.system()} {platform.release()}"}


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _memory_gib() -> int:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30))


def commit() -> str:
    """The commit of the source tree, with a plus where files differ from it; empty outside a clone."""
    done = subprocess.run(["git", "describe", "--always", "--dirty=+"], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def write(path: Path, results: list[Result], contests: list[Contest], pace: Pace) -> None:
    """Write the file; rows of the same machine that it has already and that were not measured now stay in it."""
    here = machine()
    kept: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    if kept.get("machine") != here:
        kept = {"versions": {}, "rows": []}
    measured = {result.name for result in results}
    rows = [row for row in kept["rows"] if row["name"] not in measured] + [dataclasses.asdict(result) for result in results]
    content = {
        "measured": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        "machine": here,
        "versions": {**kept["versions"], **versions(contests)},
        "pace": dataclasses.asdict(pace),
        "rows": rows,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n")
