"""Fixtures that every part of the suite may use."""

from __future__ import annotations

import importlib
import signal
import threading
from collections.abc import Iterator
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any, Callable

import hypothesis
import pytest

import kafka
from kafka import KafkaProducer
from kafka._speedups import FROM_SOURCE, TWINS
from kafka.testing import KafkaBroker

hypothesis.settings.register_profile("suite", deadline=None)  # of a case; others share the processor
hypothesis.settings.load_profile("suite")


def pytest_configure() -> None:
    """What is tested must be what is written: compiled code older than its source is an error. Children must hear of Ctrl-C, as from a terminal."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as of what a shell runs in the background; programs that are started inherit it
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if kafka.__impl__ != "compiled":
        return
    package = Path(str(kafka.__file__)).parent
    for path in package.rglob(f"*{EXTENSION_SUFFIXES[0]}"):
        name = ".".join((*path.relative_to(package.parent).parent.parts, path.name.split(".")[0]))
        if name not in (*TWINS, *FROM_SOURCE):
            pytest.exit(f"{path} is of a module that is not compiled any more, and is found before its source: delete it", 4)
    for name in (*TWINS, *FROM_SOURCE):
        built = Path(str(importlib.import_module(name).__file__))
        sources = [path for path in built.parent.glob(f"{built.name.split('.')[0]}.p*") if path.suffix in (".py", ".pyx", ".pxd")]
        if any(source.stat().st_mtime > built.stat().st_mtime for source in sources):
            pytest.exit(f"{name} was changed after it was compiled: run python setup.py build_ext --inplace", 4)


LONGEST_FIRST = (
    "tests/broker",
    "tests/guarantees/test_lifecycle_matrix.py",
    "tests/testing/test_pytest_plugin.py",
    "tests/test_packaging.py",
    "tests/guarantees/test_hostile_peers.py",
    "tests/peers/test_confluent_kafka.py",
    "tests/soak/test_soak.py",
    "tests/simulation/test_seeds.py",
    "tests/scenarios/test_broker_faults.py",
    "tests/peers/test_kafka_python.py",
    "tests/guarantees/test_interrupts.py",
    "tests/guarantees/test_calm_logs.py",
)
"""What takes more than ten seconds, as workers should begin it: a run ends with the last of them. Of the rest, what has more tests comes first."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Where workers share the suite, one has a whole module, and all of real Kafka: two clusters at a time are too much for a small machine."""
    from xdist.scheduler import LoadScopeScheduling

    missing = [name for name in LONGEST_FIRST if not (config.rootpath / name).exists()]
    assert not missing, f"LONGEST_FIRST names what is not there: {missing}"

    class ByModule(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return "tests/broker" if nodeid.startswith("tests/broker/") else nodeid.split("::", 1)[0]

        def _assign_work_unit(self, node: Any) -> None:
            longest = next((name for name in LONGEST_FIRST if name in self.workqueue), None)
            if longest is not None:
                self.workqueue.move_to_end(longest, last=False)
            super()._assign_work_unit(node)

    return ByModule(config, log)


def pytest_report_header() -> str:
    return f"kafka: the {kafka.__impl__} send path (KAFKA_IMPL=python or =compiled chooses), {kafka.__file__}"


@pytest.fixture
def broker() -> Iterator[KafkaBroker]:
    """An embedded broker whose topics have three partitions."""
    with KafkaBroker(default_partitions=3) as running:
        yield running


@pytest.fixture
def make_producer(broker: KafkaBroker) -> Iterator[Callable[..., KafkaProducer]]:
    """Makes producers for the embedded broker, and closes them; no thread may be left."""
    made: list[KafkaProducer] = []
    before = set(threading.enumerate())

    def make(**configs: Any) -> KafkaProducer:
        patient = {"max_block_ms": 10_000, "api_version_auto_timeout_ms": 20_000}
        producer = KafkaProducer(**{"bootstrap_servers": broker.bootstrap_servers, **patient, **configs})
        made.append(producer)
        return producer

    yield make
    for producer in made:
        producer.close(timeout=5)
    left = [thread.name for thread in set(threading.enumerate()) - before if thread.name.endswith("-network-thread")]
    assert not left, f"threads left behind: {left}"


@pytest.fixture
def producer(make_producer: Callable[..., KafkaProducer]) -> KafkaProducer:
    """A producer with defaults."""
    return make_producer()
