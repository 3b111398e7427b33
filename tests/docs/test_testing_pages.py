"""docs/testing.rst and docs/testing-faults.rst: every example is a test that passes, and everything that the product has is shown."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import kafka.testing
from kafka.testing import faults
from tests.docs.examples import python_blocks

ROOT = Path(__file__).parents[2]
PAGES = {name: (ROOT / "docs" / f"{name}.rst") for name in ("testing", "testing-faults")}
EXAMPLES = {name: python_blocks(page) for name, page in PAGES.items()}
SEEN_ON_OTHERS = {"Record", "ReceivedRequest", "SentRecord"}
"""What nobody makes by himself."""


def names_in(blocks: list[str]) -> set[str]:
    return {
        node.attr if isinstance(node, ast.Attribute) else node.id
        for block in blocks
        for node in ast.walk(ast.parse(block))
        if isinstance(node, (ast.Attribute, ast.Name))
    }


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.timeout(180)
def test_every_example_passes(page: str, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makeini("[pytest]\naddopts = --strict-markers -W error\n")
    pytester.makepyfile(**{f"test_example_{number:02}": example for number, example in enumerate(EXAMPLES[page])})

    result = pytester.runpytest_subprocess("-p", "pytest_kafka_producer", "-p", "no:cacheprovider", "-q", timeout=170)

    outcomes = result.parseoutcomes()
    assert set(outcomes) == {"passed"}
    assert all("def test_" in example for example in EXAMPLES[page])
    assert outcomes["passed"] >= sum(example.count("def test_") for example in EXAMPLES[page]) >= 12


@pytest.mark.parametrize("name", faults.__all__)
def test_every_fault_has_an_example(name: str) -> None:
    assert f"``{name}(" in PAGES["testing-faults"].read_text()
    assert any(f"faults.{name}(" in example for example in EXAMPLES["testing-faults"])


@pytest.mark.parametrize("name", sorted(set(kafka.testing.__all__) - SEEN_ON_OTHERS))
def test_everything_that_can_be_imported_has_an_example(name: str) -> None:
    assert name in names_in(EXAMPLES["testing"])
