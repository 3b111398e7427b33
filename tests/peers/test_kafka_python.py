"""kafka-python 2.3.3 and 3.x on kafka.testing."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, Callable

import pytest

from kafka.testing import KafkaBroker, KafkaCluster
from tests.environments import KAFKA_PYTHON_EXTRAS, environment_with

SCRIPT = Path(__file__).with_name("kafka_python_acts.py")
RELEASES = ("kafka-python==2.3.3", "kafka-python>=3,<4")
ACT_LIMIT_S = 50

Act = Callable[..., Any]

pytestmark = pytest.mark.timeout(360)  # the first use of a release installs it


@pytest.fixture(params=RELEASES)
def act(request: pytest.FixtureRequest) -> Act:
    """Has kafka-python do something, in a process of its own."""
    interpreter = environment_with(request.param, *KAFKA_PYTHON_EXTRAS)

    def run(name: str, **arguments: Any) -> Any:
        command = [str(interpreter), "-I", "-W", "ignore", str(SCRIPT), name, json.dumps(arguments)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=ACT_LIMIT_S, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


@pytest.mark.parametrize("codec", [None, "gzip", "snappy", "lz4", "zstd"])
def test_it_writes_with_every_codec_and_reads_that_back(act: Act, codec: str | None) -> None:
    with KafkaCluster(default_partitions=3) as cluster:
        offsets = act("produce", servers=cluster.bootstrap_servers, topic="t", count=200, compression_type=codec)
        stored = cluster.records("t")
        read = act("read_by_assignment", servers=cluster.bootstrap_servers, topic="t", partitions=3, count=200)

    assert sorted(record.value or b"" for record in stored) == sorted(b"v%d" % number for number in range(200))
    assert {int(partition): found for partition, found in offsets.items()} == {
        partition: [record.offset for record in stored if record.partition == partition] for partition in {record.partition for record in stored}
    }
    assert read["records"] == [
        [r.partition, r.offset, (r.value or b"").decode(), [[name, (value or b"").decode()] for name, value in r.headers]] for r in stored
    ]
    assert (read["begins"], sum(read["ends"])) == ([0, 0, 0], 200)


@pytest.mark.parametrize("version", ["0.11", "2.8", "4.4"])
def test_it_writes_idempotently_to_brokers_of_many_releases(act: Act, version: str) -> None:
    with KafkaBroker(version=version) as broker:
        act("produce", servers=broker.bootstrap_servers, topic="t", count=100, enable_idempotence=True)
        assert [record.value for record in broker.records("t")] == [b"v%d" % number for number in range(100)]
        assert broker.requests("InitProducerId")


@pytest.mark.parametrize("version", ["0.11", "2.8", "4.4"])
def test_its_transactions_are_kept_or_lost_as_a_whole(act: Act, version: str) -> None:
    with KafkaBroker(version=version) as broker:
        act("transactions", servers=broker.bootstrap_servers, topic="t", transactional_id="me")
        read = act("read_by_assignment", servers=broker.bootstrap_servers, topic="t", partitions=1, count=6, isolation_level="read_committed")
    assert [value for _, _, value, _ in read["records"]] == ["kept"] * 3 + ["kept too"] * 3


def test_two_members_of_a_group_share_a_topic_and_commit(act: Act) -> None:
    with KafkaCluster(default_partitions=4) as cluster:
        act("produce", servers=cluster.bootstrap_servers, topic="t", count=200)
        seen = act("read_by_group", servers=cluster.bootstrap_servers, topic="t", group="g", count=200)
        ends = [len([record for record in cluster.records("t") if record.partition == partition]) for partition in range(4)]
    assert seen["distinct"] == 200
    assert [len(share) for share in seen["shares"]] == [2, 2]
    assert seen["committed"] == sorted(ends)


def test_it_administrates_topics(act: Act) -> None:
    with KafkaCluster() as cluster:
        assert act("administrate", servers=cluster.bootstrap_servers, topic="t") == {"listed": [True, False], "partitions": 5}
