"""The embedded Kafka answers as real Kafka of the same version does."""

from __future__ import annotations

import pytest

from kafka.testing import KafkaCluster
from tests.conformance import script
from tests.conformance.parts import PARTS

KEPT = {version: script.kept_answers(version) for version in script.VERSIONS}
EVERY_SCENARIO = [pytest.param(version, one, id=f"{version}-{one.name}") for version in script.VERSIONS for one in script.scenarios_of(version)]


@pytest.mark.parametrize("version", script.VERSIONS)
def test_there_are_answers_for_every_scenario(version: str) -> None:
    assert PARTS
    assert sorted(KEPT[version]) == sorted(one.name for one in script.scenarios_of(version))


@pytest.mark.parametrize(("version", "played"), EVERY_SCENARIO)
def test_the_embedded_kafka_answers_as_the_real_one(version: str, played: script.Scenario) -> None:
    with KafkaCluster(brokers=played.brokers, version=version) as cluster:
        assert played.run(cluster.bootstrap_servers) == KEPT[version][played.name]
