"""Code blocks of the documentation, as the tests run them."""

from __future__ import annotations

import itertools
import textwrap
from pathlib import Path

PYTHON = ".. code-block:: python"


def python_blocks(page: Path) -> list[str]:
    """The Python of each block, in order."""
    blocks: list[str] = []
    lines = page.read_text().splitlines()
    for number, line in enumerate(lines):
        if line.strip() == PYTHON:
            indent = line[: len(line) - len(line.lstrip())] + " "
            block = itertools.takewhile(lambda inner: not inner or inner.startswith(indent), lines[number + 1 :])  # noqa: B023 - used up at once
            blocks.append(textwrap.dedent("\n".join(block)).strip() + "\n")
    return blocks
