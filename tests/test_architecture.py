"""The layers of docs/architecture.rst, held against every import in kafka/."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from kafka._speedups import FROM_SOURCE

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "kafka"

# A module may import modules of lower floors, and those of its own room (the same entry) or of the rooms named for it.
FLOORS: list[list[str]] = [
    ["_speedups", "_accel", "errors", "structs", "version", "_clock", "_handover", "_transport", "_world", "_log", "future", "cluster", "metrics"],
    ["codec", "record", "protocol", "partitioner", "serializer"],
    ["client"],
    [
        "producer.future",
        "producer.memory",
        "producer.partition_queue",
        "producer.records",
        "producer.batch",
        "producer.ahead",
        "producer.failures",
        "producer.accumulator",
        "producer.partitioning",
        "producer.deferral",
        "producer.delivery",
        "producer.schedule",
        "producer.metrics",
        "producer.idle_topics",
        "producer.options",
        "producer.arguments",
        "producer.send_path",
    ],
    ["producer.sender"],
    ["producer.config", "producer.assembly", "producer.lifecycle", "producer.status", "producer.kafka", "producer"],
    ["testing", "testing.mock_producer", "testing.leftovers", "admin", "consumer", "common", "util", "oauth", "sasl", "net", "client_async", ""],
]

# Imports between rooms of one floor.
SIBLINGS = {
    ("cluster", "errors"), ("cluster", "future"), ("cluster", "structs"), ("cluster", "_clock"), ("cluster", "_handover"), ("cluster", "_log"),
    ("_accel", "_speedups"), ("future", "_accel"), ("_transport", "_accel"),
    ("future", "errors"), ("future", "_clock"), ("_world", "_clock"), ("_world", "_transport"), ("_log", "_clock"),
    ("future", "_log"), ("metrics", "errors"), ("metrics", "_log"), ("record", "codec"),
    ("sasl", "oauth"), ("net", "oauth"),
}  # fmt: skip

TESTING_MAY_IMPORT = {
    "_clock", "_transport", "_world", "_log", "errors", "structs", "version", "protocol", "record", "codec", "testing",
}  # fmt: skip

# What layers without I/O must not import.
PURE = ("protocol", "record", "codec", "partitioner", "serializer", "client.handshake", "client.sasl", "producer.delivery")
WORLDLY = {"socket", "ssl", "select", "selectors", "threading", "time"}

IN_FUNCTION_IMPORTS = {"asyncio", "crc32c", "crcmod", "lz4", "snappy", "zstandard", "cramjam", "trustme"}
"""Optional packages, and one that is a third of the import time."""


def test_each_module_that_is_compiled_as_it_stands_has_its_types_beside_it() -> None:
    typed = {".".join(("kafka", *path.relative_to(PACKAGE).with_suffix("").parts)) for path in PACKAGE.rglob("*.pxd")}
    assert {name for name in typed if not name.startswith("kafka._speedups.")} == set(FROM_SOURCE)
    assert list(FROM_SOURCE) == sorted(FROM_SOURCE)


def modules() -> dict[str, Path]:
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def room_of(module: str) -> tuple[int, str]:
    """The floor and the room, the longest name of the table that the module's name begins with."""
    candidates = [
        (len(room), floor, room) for floor, rooms in enumerate(FLOORS) for room in rooms if module == room or (room and module.startswith(room + "."))
    ]
    if not candidates:
        raise LookupError(f"kafka.{module} stands on no floor of the table")
    _, floor, room = max(candidates)
    return floor, room


def imports_of(module: str) -> list[tuple[str, bool, int]]:
    """(module of ours or top-level name of another, whether it is ours, line) of each import that runs."""
    tree = ast.parse(MODULES[module].read_text())
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        for name in names:
            if name == "kafka" or name.startswith("kafka."):
                inner = name[len("kafka.") :]
                while inner and inner not in MODULES:
                    inner = inner.rpartition(".")[0]
                found.append((inner, True, node.lineno))
            else:
                found.append((name.partition(".")[0], False, node.lineno))
    return found


def type_checking_lines(module: str) -> set[int]:
    lines: set[int] = set()
    for node in ast.walk(ast.parse(MODULES[module].read_text())):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            for child in node.body:
                lines.update(range(child.lineno, (child.end_lineno or child.lineno) + 1))
    return lines


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_down(module: str) -> None:
    floor, room = room_of(module)
    typing_only = type_checking_lines(module)
    for imported, ours, line in imports_of(module):
        if not ours or line in typing_only:
            continue
        its_floor, its_room = room_of(imported)
        if room == "testing":
            assert its_room in TESTING_MAY_IMPORT, f"kafka.{module}:{line} imports kafka.{imported}: the broker knows neither client nor producer"
            continue
        allowed = its_floor < floor or its_room == room or (room, its_room) in SIBLINGS or (its_floor == floor and floor >= 3)
        assert allowed, f"kafka.{module}:{line} imports kafka.{imported}, which does not stand below it"


def test_no_module_imports_itself_through_others() -> None:
    graph = {
        module: {imported for imported, ours, line in imports_of(module) if ours and line not in type_checking_lines(module) and imported != module}
        for module in MODULES
    }
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, f"a circle of imports: {' -> '.join((*path[path.index(module) :], module))}"
        if module in done:
            return
        for imported in graph[module]:
            if not module.startswith(imported + "."):  # a package's face is loaded before what it holds
                visit(imported, (*path, module))
        done.add(module)

    for module in MODULES:
        visit(module, ())


@pytest.mark.parametrize("module", [m for m in MODULES if m.startswith(tuple(PURE))])
def test_pure_layers_touch_no_socket_lock_or_clock(module: str) -> None:
    touched = {name for name, ours, _ in imports_of(module) if not ours} & WORLDLY
    assert not touched


@pytest.mark.parametrize("module", MODULES)
def test_imports_stand_at_the_top_of_the_file(module: str) -> None:
    tree = ast.parse(MODULES[module].read_text())
    for function in ast.walk(tree):
        if not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        for node in ast.walk(function):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
                assert all(name.partition(".")[0] in IN_FUNCTION_IMPORTS for name in names), f"kafka.{module}:{node.lineno} imports inside a function"


@pytest.mark.parametrize("module", MODULES)
def test_no_junk_drawers_and_every_file_says_what_it_is(module: str) -> None:
    kept_for_old_code = {"util", "common", "record.util", "partitioner.base"}
    last = module.rpartition(".")[2]
    assert module in kept_for_old_code or last not in {"util", "utils", "helpers", "common", "compat", "base", "misc"}
    assert ast.get_docstring(ast.parse(MODULES[module].read_text()))
