"""Chooses between the compiled twins in kafka._speedups and the Python code they mirror; the only importer of the former.

KAFKA_IMPL=python or =compiled decides; without it the compiled ones are used where they were built.
Imported by: future, record, producer, kafka.  Imports: _speedups.
"""

from __future__ import annotations

import importlib
import logging
import os
from types import ModuleType
from typing import Any

log = logging.getLogger(__name__)

_CHOICES = ("", "python", "compiled")


def _load() -> ModuleType | None:
    wanted = os.environ.get("KAFKA_IMPL", "")
    if wanted not in _CHOICES:
        raise ImportError(f"KAFKA_IMPL={wanted!r}: it must be 'python' or 'compiled'")
    if wanted == "python":
        return None
    try:
        return importlib.import_module("kafka._speedups.append")
    except ModuleNotFoundError as error:
        if wanted:
            raise ImportError(f"KAFKA_IMPL=compiled, but kafka-producer was installed without its compiled send path ({error})") from error
        log.info("The compiled send path is not installed, Python code does its work: reinstall kafka-producer where a C compiler is present")
        return None


_compiled = _load()

IMPLEMENTATION = "python" if _compiled is None else "compiled"


def install(**parts: Any) -> None:
    """Give compiled code the Python parts it works with; where none is in use there is nobody to give them to."""
    if _compiled is not None:
        _compiled.install(**parts)


def pick(name: str, python: Any) -> Any:
    """The compiled twin of this name where it is in use, else the Python code it mirrors."""
    return python if _compiled is None else getattr(_compiled, name)
