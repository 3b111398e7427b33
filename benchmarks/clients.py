"""The clients that are compared, and the environment of each, made on the first run.

Imported by: rows, contests, matrix, plots.
"""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENTS = Path(os.environ.get("KAFKA_BENCH_PEERS", ROOT / ".venv-peers"))
PACKAGE = "benchmarks"


class Client(NamedTuple):
    """`worker` is its program in benchmarks.workers; without requirements it runs in this interpreter's environment.

    `mock_options` are what it needs to get along with librdkafka's mock cluster.
    """

    name: str
    worker: str
    requirements: tuple[str, ...] = ()
    mock_options: tuple[tuple[str, Any], ...] = ()


# kafka-python gets every optional package that makes it faster.
_KAFKA_PYTHON_EXTRAS = ("crc32c", "python-snappy", "lz4", "zstandard")

OURS = Client("kafka-producer", "kafka_api")
CONFLUENT = Client("confluent-kafka", "confluent", ("confluent-kafka",))
KAFKA_PYTHON_2 = Client("kafka-python 2.3.3", "kafka_api", ("kafka-python==2.3.3", *_KAFKA_PYTHON_EXTRAS))
# It cannot read the mock's answer to the ApiVersions request that it sends to newer brokers.
KAFKA_PYTHON_3 = Client("kafka-python 3", "kafka_api", ("kafka-python>=3,<4", *_KAFKA_PYTHON_EXTRAS), (("api_version", (2, 3)),))
BARE_SOCKET = Client("bare socket loop", "bare_socket")
OUR_IMPORT = Client("import kafka", "import_time")
CONFLUENT_IMPORT = Client("import confluent_kafka", "import_time", CONFLUENT.requirements)


class Place(NamedTuple):
    """Where a client's programs are started."""

    python: str
    folder: Path


def place_of(client: Client) -> Place:
    """The client's interpreter and the folder to start it in: there `benchmarks` can be imported, and of this project nothing else but for ours."""
    if not client.requirements:
        return Place(sys.executable, ROOT)
    environment = ENVIRONMENTS / "-".join(_plain(text) for text in client.requirements[:1])
    python = environment / "bin" / "python"
    if not (environment / ".complete").exists():
        _make(environment, python, client.requirements)
    return Place(str(python), _folder_without_kafka())


def _make(environment: Path, python: Path, requirements: Sequence[str]) -> None:
    print(f"making {environment} with {', '.join(requirements)} ...", file=sys.stderr)
    venv.create(environment, with_pip=True, clear=True)
    (ENVIRONMENTS / ".gitignore").write_text("*\n")
    subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *requirements], check=True)
    (environment / ".complete").touch()


def _folder_without_kafka() -> Path:
    """A folder that holds a link to this package: in ROOT, `kafka` would be ours for every client."""
    folder = ENVIRONMENTS / "importable"
    folder.mkdir(exist_ok=True)
    link = folder / PACKAGE
    if not link.is_symlink() or link.resolve() != ROOT / PACKAGE:
        link.unlink(missing_ok=True)
        link.symlink_to(ROOT / PACKAGE)
    return folder


def _plain(requirement: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-." else "_" for letter in requirement)
