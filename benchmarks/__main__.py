"""Acknowledged records per second of this library and of kafka-python, in turn against one broker, and their ratio.

    python -m benchmarks [--records N] [--runs N] [--bootstrap HOST:PORT]

The broker is librdkafka's mock cluster in a process of its own unless one is named. kafka-python gets an environment of its own, since it is
imported by the same name.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import uuid
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PEER = "kafka-python==2.3.3"
PEER_ENVIRONMENT = Path(os.environ.get("KAFKA_BENCH_PEER", HERE.parent / ".venv-kafka-python"))

MOCK_CLUSTER = """
import sys
from confluent_kafka import Producer
holder = Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 1})
broker = next(iter(holder.list_topics(timeout=10).brokers.values()))
print(f"{broker.host}:{broker.port}", flush=True)
sys.stdin.read()
"""


def peer_python() -> str:
    """The interpreter of the environment that has kafka-python, made on the first run."""
    python = PEER_ENVIRONMENT / "bin" / "python"
    if not python.exists():
        print(f"making {PEER_ENVIRONMENT} with {PEER} ...", file=sys.stderr)
        venv.create(PEER_ENVIRONMENT, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", PEER, "crc32c"], check=True)
    return str(python)


@contextmanager
def cluster(bootstrap: str | None) -> Iterator[str]:
    if bootstrap:
        yield bootstrap
        return
    mock = subprocess.Popen([sys.executable, "-c", MOCK_CLUSTER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert mock.stdin is not None
    assert mock.stdout is not None
    try:
        yield mock.stdout.readline().strip()
    finally:
        mock.stdin.close()
        mock.wait(10)


def measure(python: str, settings: dict[str, Any]) -> dict[str, Any]:
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent) if python == sys.executable else ""}
    done = subprocess.run(
        [python, str(HERE / "workload.py"), json.dumps(settings)],
        env=environment, cwd="/", capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise SystemExit(f"{python} failed:\n{done.stderr}")
    figures: dict[str, Any] = json.loads(done.stdout)
    if figures["failed"]:
        raise SystemExit(f"{figures['failed']} records were not acknowledged with {python}")
    return figures


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--records", type=int, default=200_000, help="records of each run")
    arguments.add_argument("--runs", type=int, default=5, help="runs of each client, in turn")
    arguments.add_argument("--value-bytes", type=int, default=100)
    arguments.add_argument("--bootstrap", help="a cluster to use instead of the mock")
    chosen = arguments.parse_args()
    peer = peer_python()
    rates: dict[str, list[float]] = {"kafka-producer": [], PEER: []}
    costs: dict[str, list[float]] = {"kafka-producer": [], PEER: []}
    with cluster(chosen.bootstrap) as bootstrap:
        settings = {"bootstrap": bootstrap, "records": chosen.records, "value_bytes": chosen.value_bytes, "options": {}}
        for run in range(chosen.runs + 1):
            for name, python in (("kafka-producer", sys.executable), (PEER, peer)):
                figures = measure(python, {**settings, "topic": f"bench-{uuid.uuid4().hex[:8]}"})
                if run:  # the first is a warm-up
                    rates[name].append(figures["records_per_s"])
                    costs[name].append(figures["cpu_us_per_record"])
    where = chosen.bootstrap or "librdkafka's mock cluster"
    print(
        f"{chosen.records:,} records of {chosen.value_bytes} bytes, futures kept, defaults of each; median of {chosen.runs} runs in turn\n"
        f"Python {platform.python_version()}, {os.cpu_count()} cores, against {where}"
    )
    for name in rates:
        low, high = min(rates[name]), max(rates[name])
        cost = statistics.median(costs[name])
        print(f"  {name:22} {statistics.median(rates[name]):>10,.0f} records/s ({low:,.0f} to {high:,.0f})  {cost:.1f} us CPU a record")
    pairs = [ours / theirs for ours, theirs in zip(rates["kafka-producer"], rates[PEER])]
    print(f"  ratio, run by run      {statistics.median(pairs):>10.2f} ({min(pairs):.2f} to {max(pairs):.2f})")


if __name__ == "__main__":
    main()
