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


def _load() -> dict[str, ModuleType] | None:
    wanted = os.environ.get("KAFKA_IMPL", "")
    if wanted not in _CHOICES:
        raise ImportError(f"KAFKA_IMPL={wanted!r}: it must be 'python' or 'compiled'")
    if wanted == "python":
        return None
    try:
        _check_built()
        return {name.rpartition(".")[2]: importlib.import_module(name) for name in TWINS}
    except ModuleNotFoundError as error:
        if wanted:
            raise ImportError(f"KAFKA_IMPL=compiled, but kafka-producer was installed without its compiled send path ({error})") from error
        log.info("The compiled send path is not installed, Python code does its work: reinstall kafka-producer where a C compiler is present")
        return None


def _check_built() -> None:
    """ModuleNotFoundError where one of FROM_SOURCE is not compiled: they work together, or not at all."""
    for name in FROM_SOURCE:
        path = os.path.join(_PACKAGE, *name.split(".")[1:])
        if not any(os.path.exists(path + suffix) for suffix in importlib.machinery.EXTENSION_SUFFIXES):
            raise ModuleNotFoundError(f"{name} is not compiled", name=name)


_compiled = _load()

IMPLEMENTATION = "python" if _compiled is None else "compiled"


class _Sources:
    """Has the import system take the sources of FROM_SOURCE, while this is the Python implementation's copy of the package."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> importlib.machinery.ModuleSpec | None:
        if name not in FROM_SOURCE or sys.modules.get(__name__) is not _this_copy:
            return None
        return importlib.util.spec_from_file_location(name, os.path.join(_PACKAGE, *name.split(".")[1:]) + ".py")


_this_copy = sys.modules[__name__]
if _compiled is None:
    sys.meta_path.insert(0, _Sources)


def install(module: str, **parts: Any) -> None:
    """Give one of the compiled modules the Python parts it works with; where none is in use there is nobody to give them to."""
    if _compiled is not None:
        _compiled[module].install(**parts)


def pick(twin: str, python: Any) -> Any:
    """The compiled twin, "module.name", where it is in use, else the Python code it mirrors."""
    module, _, name = twin.partition(".")
    return python if _compiled is None or module not in _compiled else getattr(_compiled[module], name)
