"""Errors and structs under the name they had in kafka-python 1.x.

Imported by: applications.  Imports: errors, structs.
"""

from __future__ import annotations

from typing import Any

from kafka import errors, structs


def __getattr__(name: str) -> Any:
    for module in (errors, structs):
        if not name.startswith("_") and hasattr(module, name):
            return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
