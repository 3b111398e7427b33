"""Chooses between compiled code and Python code; the only importer of kafka._speedups.

Some of the compiled code are twins in kafka._speedups (TWINS), picked by name from there; the rest are modules compiled as they stand
(FROM_SOURCE), which lie beside their sources and are found before them.
KAFKA_IMPL=python or =compiled decides; without it the compiled ones are used where they were built.
Imported by: _transport, future, record, producer, kafka.  Imports: _speedups.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import logging
import os
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from kafka._speedups import FROM_SOURCE, TWINS

log = logging.getLogger(__name__)

_CHOICES = ("", "python", "compiled")
_PACKAGE = os.path.dirname(__file__)


def _is_compiled() -> bool:
    wanted = os.environ.get("KAFKA_IMPL", "")
    if wanted not in _CHOICES:
        raise ImportError(f"KAFKA_IMPL={wanted!r}: it must be 'python' or 'compiled'")
    if wanted == "python":
        return False
    missing = [name for name in (*TWINS, *FROM_SOURCE) if not _is_built(name)]  # they work together, or not at all
    if not missing:
        return True
    if wanted:
        raise ImportError(f"KAFKA_IMPL=compiled, but kafka-producer was installed without its compiled send path ({missing[0]} is not compiled)")
    log.info("The compiled send path is not installed, Python code does its work: reinstall kafka-producer where a C compiler is present")
    return False


def _is_built(name: str) -> bool:
    path = os.path.join(_PACKAGE, *name.split(".")[1:])
    return any(os.path.exists(path + suffix) for suffix in importlib.machinery.EXTENSION_SUFFIXES)


IMPLEMENTATION = "compiled" if _is_compiled() else "python"


class _Sources:
    """Has the import system take the sources of FROM_SOURCE, while this is the Python implementation's copy of the package."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> importlib.machinery.ModuleSpec | None:
        if name not in FROM_SOURCE or sys.modules.get(__name__) is not _this_copy:
            return None
        return importlib.util.spec_from_file_location(name, os.path.join(_PACKAGE, *name.split(".")[1:]) + ".py")


_this_copy = sys.modules[__name__]
if IMPLEMENTATION == "python":
    sys.meta_path.insert(0, _Sources)


def install(module: str, **parts: Any) -> None:
    """Give one of the compiled modules the Python parts it works with; where none is in use there is nobody to give them to."""
    if IMPLEMENTATION == "compiled":
        _twin(module).install(**parts)


def pick(twin: str, python: Any) -> Any:
    """The compiled twin, "module.name", where it is in use and there is one for this system, else the Python code it mirrors."""
    module, _, name = twin.partition(".")
    return getattr(_twin(module), name) if IMPLEMENTATION == "compiled" and _name_of(module) in TWINS else python


_twins: dict[str, ModuleType] = {}  # filled when each is first asked for: some need modules that ask for others


def _twin(module: str) -> ModuleType:
    if module not in _twins:
        _twins[module] = importlib.import_module(_name_of(module))
    return _twins[module]


def _name_of(module: str) -> str:
    return f"kafka._speedups.{module}"
