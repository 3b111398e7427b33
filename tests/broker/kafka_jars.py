"""The class paths of real Kafka releases, fetched once through Maven (pom.xml).

Run as a program it fetches every release that is not there yet.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
POM = HERE / "pom.xml"
VERSIONS = ("0.8.2.2", "0.9.0.1", "0.10.2.2", "0.11.0.3", "1.1.1", "2.8.2", "3.9.1", "4.4.0")
NEWEST = VERSIONS[-1]
DEFINITIONS = "definitions"
OLDEST_JAVA = 17
FETCH_TIMEOUT_S = 600


class KafkaUnavailableError(RuntimeError):
    """Real Kafka cannot be started on this machine; the text is one line that says why."""


def release(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def wanted_versions() -> tuple[str, ...]:
    """Every release, or those named in KAFKA_TESTS_VERSIONS (separated by commas)."""
    named = os.environ.get("KAFKA_TESTS_VERSIONS", "")
    chosen = tuple(version.strip() for version in named.split(",") if version.strip()) or VERSIONS
    unknown = sorted(set(chosen) - set(VERSIONS))
    if unknown:
        raise ValueError(f"KAFKA_TESTS_VERSIONS names {', '.join(unknown)}; known are {', '.join(VERSIONS)}")
    return tuple(version for version in VERSIONS if version in chosen)


def brokers_are_required() -> bool:
    return os.environ.get("KAFKA_TESTS_REQUIRE_BROKERS", "") not in ("", "0")


@functools.cache
def java_problem() -> str | None:
    """Why Java cannot run Kafka here, or None."""
    if not sys.platform.startswith("linux"):
        return "real Kafka is started on Linux only"
    if shutil.which("java") is None or shutil.which("javac") is None:
        return f"java or javac is missing: real Kafka needs a JDK of version {OLDEST_JAVA} or newer"
    answer = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', answer)
    if found is None or int(found.group(1)) < OLDEST_JAVA:
        return f"Java is older than {OLDEST_JAVA}: {answer.splitlines()[0] if answer else 'no answer'}"
    return None


def jars_folder(name: str) -> Path:
    root = os.environ.get("KAFKA_TESTS_JARS")
    return (Path(root).resolve() if root else HERE / ".jars") / name


def _is_fetched(name: str) -> bool:
    stamp = jars_folder(name) / ".complete"
    return stamp.is_file() and stamp.read_text() == _pom_digest()


def _pom_digest() -> str:
    return hashlib.sha256(POM.read_bytes()).hexdigest()


def fetch(name: str) -> Path:
    """Return the folder with the jars of a release (or of DEFINITIONS), asking Maven if need be."""
    folder = jars_folder(name)
    if _is_fetched(name):
        return folder
    if shutil.which("mvn") is None:
        raise KafkaUnavailableError("mvn is missing: Maven fetches the releases of real Kafka")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f"{name}.") as unfinished:
        made = Path(unfinished) / "jars"
        goal = "dependency:copy" if name == DEFINITIONS else "dependency:copy-dependencies"
        command = ["mvn", "-q", "-B", "-f", str(POM), f"-P{name}", goal, f"-DoutputDirectory={made}", "-DincludeScope=runtime"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=FETCH_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            raise KafkaUnavailableError(f"Maven did not fetch Kafka {name} within {FETCH_TIMEOUT_S} s") from None
        if done.returncode != 0 or not made.is_dir():
            lines = (done.stdout + done.stderr).strip().splitlines()
            raise KafkaUnavailableError(f"Maven could not fetch Kafka {name}: {lines[0] if lines else 'it said nothing'}")
        (made / ".complete").write_text(_pom_digest())
        shutil.rmtree(folder, ignore_errors=True)
        made.rename(folder)
    return folder


def class_path(version: str) -> str:
    problem = java_problem()
    if problem:
        raise KafkaUnavailableError(problem)
    return f"{fetch(version)}/*"


def main() -> int:
    problem = java_problem()
    try:
        if problem:
            raise KafkaUnavailableError(problem)
        for name in (*wanted_versions(), DEFINITIONS):
            if not _is_fetched(name):
                sys.stdout.write(f"fetching Kafka {name} ...\n")
                sys.stdout.flush()
                fetch(name)
    except KafkaUnavailableError as error:
        sys.stdout.write(f"no tests against real Kafka: {error}\n")
        return 1 if brokers_are_required() else 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
