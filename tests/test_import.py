"""What `import kafka` costs and leaves alone."""

from __future__ import annotations

import subprocess
import sys

import pytest

import kafka
from kafka._speedups import FROM_SOURCE, TWINS

MOST_CPU_S = 0.050


def run(script: str, *options: str) -> str:
    done = subprocess.run([sys.executable, *options, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("what", ["import kafka", "from kafka import KafkaProducer", "import kafka.testing"])
def test_importing_starts_no_thread_and_opens_no_socket(what: str) -> None:
    script = f"""
import socket, threading
def refuse(*_, **__): raise AssertionError("a socket")
socket.socket.__init__ = refuse
{what}
print(threading.active_count())
"""
    assert run(script, "-W", "error") == "1\n"


def test_importing_takes_less_than_50_ms() -> None:
    """Of this thread's CPU, the best of some, so that what else the machine does is not counted."""
    script = "import time; before = time.process_time(); import kafka; print(time.process_time() - before)"
    assert min(float(run(script)) for _ in range(7)) < MOST_CPU_S


def test_the_producer_is_imported_without_what_only_some_programs_need() -> None:
    script = "import sys; from kafka import KafkaProducer; print(*sorted(sys.modules))"
    loaded = set(run(script).split())
    assert not loaded & {"asyncio", "botocore", "cryptography", "gssapi", "multiprocessing", "pytest"}
    assert not {name for name in loaded if name.startswith("kafka.testing")}


@pytest.mark.parametrize("first", [*TWINS, *FROM_SOURCE])
def test_whatever_module_is_imported_first_the_producer_can_be_imported_then(first: str) -> None:
    if kafka.__impl__ == "python" and first in TWINS:
        first = "kafka.producer"
    script = f"import {first}; from kafka import KafkaProducer; from kafka.producer.sender import Sender; print(Sender.__module__)"
    assert run(script) == "kafka.producer.sender\n"
