"""docs/testing-faults.rst: its examples are tests, and there is one of every fault."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

from kafka.testing import faults

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "testing-faults.rst").read_text()
EXAMPLES = [
    textwrap.dedent(found["code"])
    for found in re.finditer(r"^(?P<indent> *)\.\. code-block:: python\n(?P<code>(?:\n|(?P=indent)    .*\n)+)", PAGE, re.MULTILINE)
]


def test_its_examples_pass(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makeini("[pytest]\naddopts = --strict-markers -W error\n")
    pytester.makepyfile(**{f"test_example_{number:02}": example for number, example in enumerate(EXAMPLES)})
    result = pytester.runpytest_subprocess("-p", "pytest_kafka_producer", "-p", "no:cacheprovider", timeout=60)
    outcomes = result.parseoutcomes()
    assert set(outcomes) == {"passed"}
    assert outcomes["passed"] >= len(EXAMPLES) >= 12


@pytest.mark.parametrize("name", faults.__all__)
def test_every_fault_has_an_example(name: str) -> None:
    assert f"``{name}(" in PAGE
    assert any(f"faults.{name}(" in example for example in EXAMPLES)
