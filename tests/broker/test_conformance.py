"""The answers of real Kafka that the embedded one is held to are those that it gives."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from tests.broker.conftest import StartCluster
from tests.conformance import script
from tests.conformance.parts import PARTS


@pytest.mark.parametrize("version", script.VERSIONS)
def test_the_kept_answers_are_real_kafkas(version: str, cluster_of: StartCluster) -> None:
    assert PARTS

    @contextlib.contextmanager
    def start(brokers: int) -> Iterator[str]:
        with cluster_of(version, brokers=brokers) as kafka:
            yield kafka.bootstrap

    assert not script.differences(script.play_all(version, start), script.kept_answers(version))
