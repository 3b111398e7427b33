"""The answers of real Kafka that the embedded one is held to are those that it gives."""

from __future__ import annotations

import pytest

from tests.broker.conftest import StartCluster
from tests.conformance import script
from tests.conformance.parts import PARTS


@pytest.mark.parametrize("version", script.VERSIONS)
def test_the_kept_answers_are_real_kafkas(version: str, cluster_of: StartCluster) -> None:
    assert PARTS
    kafka = cluster_of(version)
    assert {one.name: one.run(kafka.bootstrap) for one in script.scenarios_of(version)} == script.kept_answers(version)
