"""The pytest plugin of kafka-producer: fixtures kafka_broker, kafka_cluster and kafka_producer; docs/testing.rst tells of them.

It stands outside the package and imports it only when a fixture is asked for: pytest loads it in every project that has kafka-producer installed.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from kafka import KafkaProducer
    from kafka.testing import KafkaBroker, KafkaCluster
    from kafka.testing.leftovers import Leftovers

_DID_NOT_PASS = pytest.StashKey[bool]()


def pytest_configure(config: pytest.Config) -> None:
    for line in (
        "kafka(**options): what kafka_broker and kafka_cluster are made with, as KafkaCluster's arguments",
        "kafka_producer(**options): what kafka_producer is made with, as KafkaProducer's options",
        "kafka_allow(*kinds): leave 'unflushed' records, unseen 'errors' or running 'threads' without failing for it",
    ):
        config.addinivalue_line("markers", line)


@pytest.hookimpl(hookwrapper=True)  # what every pytest from 7 on knows
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, None]:
    outcome = yield
    if call.when != "teardown" and not outcome.get_result().passed:
        item.stash[_DID_NOT_PASS] = True


@pytest.fixture
def _kafka_leftovers(request: pytest.FixtureRequest) -> Iterator[Leftovers]:
    """Fails the test, in the end, for what it left undone; not where it has failed already, or was skipped."""
    from kafka.testing.leftovers import KINDS, Leftovers

    marks = list(request.node.iter_markers("kafka_allow"))
    allowed = {kind for mark in marks for kind in mark.args}
    if any(not mark.args or mark.kwargs for mark in marks):
        pytest.fail(f"kafka_allow takes what is allowed: {', '.join(map(repr, KINDS))}", pytrace=False)
    if not allowed <= set(KINDS):
        pytest.fail(f"kafka_allow knows {', '.join(KINDS)}, and not {', '.join(sorted(allowed - set(KINDS)))}", pytrace=False)
    with Leftovers() as leftovers:
        yield leftovers
        found = [] if request.node.stash.get(_DID_NOT_PASS, False) else leftovers.found(allowed)
    if found:
        pytest.fail("\n".join(found), pytrace=False)


@pytest.fixture
def kafka_broker(request: pytest.FixtureRequest, _kafka_leftovers: Leftovers) -> Iterator[KafkaBroker]:
    """A running KafkaBroker of one node."""
    from kafka.testing import KafkaBroker

    with KafkaBroker(**_options(request, "kafka")) as broker:
        yield broker


@pytest.fixture
def kafka_cluster(request: pytest.FixtureRequest, _kafka_leftovers: Leftovers) -> Iterator[KafkaCluster]:
    """A running KafkaCluster, of three nodes unless the marker says otherwise."""
    from kafka.testing import KafkaCluster

    with KafkaCluster(**_options(request, "kafka")) as cluster:
        yield cluster


@pytest.fixture
def kafka_producer(request: pytest.FixtureRequest, _kafka_leftovers: Leftovers) -> Iterator[KafkaProducer]:
    """A KafkaProducer for the test's kafka_cluster where it asks for one, else for kafka_broker."""
    from kafka import KafkaProducer

    asks_for_cluster = "kafka_cluster" in request.fixturenames and "kafka_broker" not in request.fixturenames
    kafka = request.getfixturevalue("kafka_cluster" if asks_for_cluster else "kafka_broker")
    producer = KafkaProducer(**{"bootstrap_servers": kafka.bootstrap_servers, **_options(request, "kafka_producer")})
    yield producer
    _kafka_leftovers.dismiss(producer)


def _options(request: pytest.FixtureRequest, marker: str) -> dict[str, Any]:
    """Of all markers of this name on the test, its class and module, the nearest last."""
    options: dict[str, Any] = {}
    for mark in reversed(list(request.node.iter_markers(marker))):
        if mark.args:
            pytest.fail(f"the marker {marker} takes options by name, and not {', '.join(map(repr, mark.args))}", pytrace=False)
        options.update(mark.kwargs)
    return options
