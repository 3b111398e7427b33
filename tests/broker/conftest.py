"""Fixtures of real clusters: one release is running at a time, started once, stopped before the next."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.broker.given_kafka import GivenKafka
from tests.broker.kafka_jars import NEWEST, KafkaUnavailableError, brokers_are_required, release, wanted_versions
from tests.broker.node_files import supported_protocols
from tests.broker.real_kafka import RealKafka
from tests.chaos import run as chaos

HERE = Path(__file__).resolve().parent
GIVEN = "given"
CLUSTER_FIXTURES = ("kafka", "real_kafka", "three_brokers", "asks_for_certificates", "cluster_of")
TIMEOUT_S = 180  # fixtures start clusters, and the first use of a release may fetch it


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "_cluster" not in metafunc.fixturenames:
        return
    versions = _versions_for(metafunc.definition)
    if os.environ.get("BOOTSTRAP") and "real_kafka" not in metafunc.fixturenames:
        versions = [GIVEN]
    cases = metafunc.definition.get_closest_marker("kafka_cases")
    if cases is None:
        metafunc.parametrize("_cluster", versions, indirect=True, scope="session")
        return
    names, cases_of = cases.args
    rows = [
        pytest.param(version, *case, id="-".join([version, *map(_case_id, case)]))
        for version in versions
        for case in cases_of(GivenKafka.given_release() if version == GIVEN else release(version))
    ]
    metafunc.parametrize(["_cluster", *names], rows, indirect=["_cluster"], scope="session")


def _case_id(value: Any) -> str:
    return ".".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _versions_for(test: pytest.Item) -> list[str]:
    if test.get_closest_marker("newest_kafka"):
        return [NEWEST] if NEWEST in wanted_versions() else []
    since, until = test.get_closest_marker("kafka_since"), test.get_closest_marker("kafka_until")
    oldest = release(since.args[0]) if since else (0,)
    latest = release(until.args[0]) if until else release(NEWEST)
    return [version for version in wanted_versions() if oldest <= release(version) <= latest]


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark what needs a cluster, before -m chooses."""
    if _needs_cluster(item):
        item.add_marker(pytest.mark.broker)
        item.add_marker(pytest.mark.timeout(TIMEOUT_S))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what needs a cluster last, release by release."""
    items.sort(key=_turn)


def _needs_cluster(item: pytest.Item) -> bool:
    return item.path.parent == HERE and any(name in getattr(item, "fixturenames", ()) for name in CLUSTER_FIXTURES)


def _turn(item: pytest.Item) -> tuple[int, ...]:
    if not _needs_cluster(item):
        return (0,)
    callspec = getattr(item, "callspec", None)
    version = callspec.params.get("_cluster") if callspec else None
    if version is None:
        return (2,)
    if not isinstance(version, str):
        return (0,)  # none of the wanted releases is meant: pytest skips the test
    return (1, *(release(version) if version != GIVEN else (0,)))


@pytest.fixture(scope="session")
def _cluster(request: pytest.FixtureRequest) -> Iterator[RealKafka | GivenKafka]:
    if request.param == GIVEN:
        yield GivenKafka(os.environ["BOOTSTRAP"])
    else:
        with _started(RealKafka(request.param, listeners=supported_protocols(request.param))) as kafka:
            yield kafka


@pytest.fixture
def kafka(_cluster: RealKafka | GivenKafka) -> RealKafka | GivenKafka:
    """Each tested release in turn, one broker with every listener it can have; or the cluster of BOOTSTRAP."""
    return _cluster


@pytest.fixture
def real_kafka(_cluster: RealKafka) -> RealKafka:
    """The same, for tests that look into the broker or need its TLS and SASL listeners: never that of BOOTSTRAP."""
    return _cluster


@pytest.fixture(scope="session")
def three_brokers() -> Iterator[RealKafka]:
    """A cluster of three brokers of the newest release that makes no topic by itself; a test leaves all of them running."""
    with _started(chaos.cluster()) as kafka:
        yield kafka


@pytest.fixture(scope="module")
def asks_for_certificates() -> Iterator[RealKafka]:
    """One broker of the newest release with every listener; its TLS clients must have certificates."""
    with _started(RealKafka(NEWEST, listeners=supported_protocols(NEWEST), config={"ssl.client.auth": "required"})) as kafka:
        yield kafka


class StartCluster(Protocol):
    def __call__(self, version: str, **arguments: Any) -> RealKafka: ...


@pytest.fixture
def cluster_of() -> Iterator[StartCluster]:
    """Starts a cluster for one test: the arguments are RealKafka's."""
    with contextlib.ExitStack() as clusters:
        yield lambda version, **arguments: clusters.enter_context(_started(RealKafka(version, **arguments)))


def _started(kafka: RealKafka) -> RealKafka:
    problem = ""
    try:
        kafka.start()
    except KafkaUnavailableError as error:
        problem = str(error)
    if problem and brokers_are_required():
        pytest.fail(f"real Kafka is required, but {problem}", pytrace=False)
    if problem:
        pytest.skip(problem)
    return kafka
