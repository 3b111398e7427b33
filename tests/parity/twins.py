"""Both implementations side by side in one process: the package as the suite has it, and a second copy of it with the other one."""

from __future__ import annotations

import importlib
import importlib.util
import os
import random
import sys
from types import ModuleType
from typing import Any, Callable, TypeVar

import pytest

import kafka

T = TypeVar("T")

if importlib.util.find_spec("kafka._speedups.outcomes") is None:
    if os.environ.get("KAFKA_IMPL") == "compiled":
        raise ImportError("KAFKA_IMPL=compiled, but kafka._speedups is not built")
    pytest.skip("kafka._speedups is not built: there are no twins to compare", allow_module_level=True)

_MODULES = (
    "kafka",
    "kafka._clock",
    "kafka._world",
    "kafka.cluster",
    "kafka.codec",
    "kafka.errors",
    "kafka.future",
    "kafka.producer.accumulator",
    "kafka.producer.batch",
    "kafka.producer.future",
    "kafka.producer.memory",
    "kafka.producer.records",
    "kafka.producer.send_path",
    "kafka.record",
    "kafka.structs",
    "kafka.testing",
)


class Twin:
    """One implementation: the modules of its copy of the package, and short ways to what the tests make of them."""

    def __init__(self, modules: dict[str, ModuleType]) -> None:
        self.name: str = modules["kafka"].__impl__
        self.errors: Any = modules["kafka.errors"]
        self.future: Any = modules["kafka.future"]
        self.results: Any = modules["kafka.producer.future"]
        self.memory: Any = modules["kafka.producer.memory"]
        self.records: Any = modules["kafka.producer.records"]
        self.send_path: Any = modules["kafka.producer.send_path"]
        self.accumulator: Any = modules["kafka.producer.accumulator"]
        self.batch: Any = modules["kafka.producer.batch"]
        self.record: Any = modules["kafka.record"]
        self.codec: Any = modules["kafka.codec"]
        self.cluster: Any = modules["kafka.cluster"]
        self.testing: Any = modules["kafka.testing"]
        self.KafkaProducer: Any = modules["kafka"].KafkaProducer
        self.TopicPartition: Any = modules["kafka.structs"].TopicPartition
        self._world: Any = modules["kafka._world"]
        self._clock: Any = modules["kafka._clock"]

    def __repr__(self) -> str:
        return self.name

    def home(self) -> Any:
        return self.future.Home(self._clock.SystemClock())

    def result(self) -> Any:
        """What the records of a new batch share."""
        return self.results.FutureProduceResult(self.TopicPartition("t", 3), self.home())

    def stage(self, *, partitions: int = 3, **configs: Any) -> tuple[Any, Any]:
        """(producer, cluster) in one thread and virtual time, with the topic's metadata there."""
        clock = self.testing.VirtualClock()
        cluster = self.testing.Cluster(clock=clock, default_partitions=partitions)
        transport = self.testing.MemoryTransport(cluster, clock)
        world = self._world.World(clock, random.Random(1), transport, starts_threads=False)
        kind = type("VirtualProducer", (self.KafkaProducer,), {"_world": world})
        producer = kind(bootstrap_servers=cluster.bootstrap_servers, **configs)
        clock.add_step(lambda: clock.sleep_until(float("inf")) if producer._sender.terminated.is_open else producer._sender.step())
        producer.partitions_for("t")
        return producer, cluster


def _second_copy(implementation: str) -> Twin:
    """The package imported once more, under the other implementation; `import kafka` gives the first one as before."""
    first = {name: module for name, module in sys.modules.items() if name == "kafka" or name.startswith("kafka.")}
    for name in first:
        del sys.modules[name]
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("KAFKA_IMPL", implementation)
            return Twin({name: importlib.import_module(name) for name in _MODULES})
    finally:
        for name in [name for name in sys.modules if name == "kafka" or name.startswith("kafka.")]:
            del sys.modules[name]
        sys.modules.update(first)


_first = Twin({name: importlib.import_module(name) for name in _MODULES})
_second = _second_copy("python" if kafka.__impl__ == "compiled" else "compiled")

PYTHON, COMPILED = (_second, _first) if _first.name == "compiled" else (_first, _second)
assert (PYTHON.name, COMPILED.name) == ("python", "compiled")

EACH = pytest.mark.parametrize("twin", [PYTHON, COMPILED], ids=str)


def same(play: Callable[[Twin], T]) -> T:
    """What `play` gives, which must be the same with both."""
    expected = play(PYTHON)
    assert play(COMPILED) == expected
    return expected


def attempt(call: Callable[[], Any]) -> Any:
    """What a call gives, or the class and the words of what it raises."""
    try:
        return call()
    except Exception as error:  # noqa: BLE001 - which one it is, is compared
        return type(error).__name__, str(error)
