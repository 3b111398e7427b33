"""docs/guarantees.rst: every example is a test that passes, and the tests it names exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.examples import python_blocks

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "guarantees.rst"


@pytest.mark.timeout(60)
def test_every_example_passes(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    examples = python_blocks(PAGE)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makeini("[pytest]\naddopts = --strict-markers -W error\n")
    pytester.makepyfile(**{f"test_example_{number:02}": example for number, example in enumerate(examples)})

    result = pytester.runpytest_subprocess("-p", "pytest_kafka_producer", "-p", "no:cacheprovider", "-q", timeout=50)

    assert result.parseoutcomes() == {"passed": len(examples)}


@pytest.mark.parametrize("name", sorted(set(re.findall(r"``((?:tests/\w+/)?test_\w+\.py)``", PAGE.read_text()))))
def test_the_tests_that_it_names_exist(name: str) -> None:
    assert (ROOT / name).is_file() or (ROOT / "tests" / "guarantees" / name).is_file()
