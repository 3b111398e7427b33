"""The pytest plugin, as projects meet it: in a pytest of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

import pytest

ROOT = Path(__file__).parents[2]
Run = Callable[[str], pytest.RunResult]


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a test file with the plugin."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makeini("[pytest]\naddopts = --strict-markers -W error\n")

    def run_file(source: str) -> pytest.RunResult:
        pytester.makepyfile(source)
        return pytester.runpytest_subprocess("-p", "pytest_kafka_producer", "-p", "no:cacheprovider", timeout=60)

    return run_file


def test_the_package_names_it_as_its_plugin() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    assert '[project.entry-points.pytest11]\npytest_kafka_producer = "pytest_kafka_producer"\n' in project
    assert 'py-modules = ["pytest_kafka_producer"]' in project


def test_nothing_of_the_package_is_imported_until_a_fixture_is_asked_for(run: Run) -> None:
    result = run("""
        import sys

        def test_without():
            assert not [name for name in sys.modules if name.partition(".")[0] == "kafka"]

        def test_with(kafka_broker):
            assert "kafka.testing" in sys.modules
            assert "kafka.producer" in sys.modules
    """)
    result.assert_outcomes(passed=2)


def test_the_fixtures_work_together(run: Run) -> None:
    result = run("""
        import pytest
        from kafka import KafkaProducer
        from kafka.testing import KafkaBroker, KafkaCluster

        def test_broker(kafka_broker, kafka_producer):
            assert type(kafka_broker) is KafkaBroker
            assert type(kafka_producer) is KafkaProducer
            assert kafka_producer.send("orders", b"espresso").get(10).offset == 0
            assert [record.value for record in kafka_broker.records("orders")] == [b"espresso"]

        @pytest.mark.kafka_producer(acks="all", client_id="mine", value_serializer=str.encode)
        def test_cluster(kafka_cluster, kafka_producer):
            assert type(kafka_cluster) is KafkaCluster
            assert len(kafka_cluster.bootstrap_servers.split(",")) == 3
            assert kafka_producer.config["client_id"] == "mine"
            assert kafka_producer.send("orders", "espresso").get(10).offset == 0
            assert len(kafka_cluster.records("orders")) == 1

        @pytest.mark.kafka(default_partitions=6)
        class TestMarked:
            @pytest.mark.kafka(brokers=2)
            def test_broker(self, kafka_broker, kafka_producer):
                assert len(kafka_broker.bootstrap_servers.split(",")) == 2
                assert kafka_producer.partitions_for("orders") == set(range(6))

        def test_one_broker_for_all_fixtures_of_a_test(kafka_producer, kafka_broker):
            assert kafka_producer.config["bootstrap_servers"] == kafka_broker.bootstrap_servers
    """)
    result.assert_outcomes(passed=4)


def test_futures_behave_as_without_the_plugin(run: Run) -> None:
    result = run("""
        import asyncio
        import inspect
        import kafka.producer.kafka
        from kafka.future import Future
        from kafka.producer.future import FutureRecordMetadata

        def test_future(kafka_producer):
            assert "Publish a record" in kafka_producer.send.__doc__
            assert str(inspect.signature(kafka_producer.send)).startswith("(topic: 'str', value")
            future = kafka_producer.send("t", b"v")
            assert isinstance(future, FutureRecordMetadata) and isinstance(future, Future)
            seen = []
            assert future.add_callback(seen.append).add_errback(seen.append) is future
            future.add_both(seen.append)
            future.add_done_callback(lambda done: seen.append(done))
            chained = future.chain(Future())
            assert future.get(10) == future.value == future.result() == chained.get(10)
            assert future.succeeded() and future.done() and future.is_done and not future.failed()
            assert seen[:2] == [future.value] * 2

            async def awaits():
                return await kafka_producer.send("t", b"v")

            assert asyncio.run(awaits()).offset == 1
    """)
    result.assert_outcomes(passed=1)


LEAVES = {
    "a record that was never flushed": (
        """
        def test_it(kafka_producer):
            kafka_producer.send("orders", b"v")
        """,
        "*1 record was never flushed: call flush() or close()*",
    ),
    "records after the last flush": (
        """
        def test_it(kafka_producer):
            kafka_producer.send("orders", b"v")
            kafka_producer.flush()
            for _ in range(3):
                kafka_producer.send("orders", b"v", partition=0)
        """,
        "*3 records were never flushed*",
    ),
    "an error that nobody looked at": (
        """
        import pytest

        @pytest.mark.kafka(max_message_bytes=1000)
        def test_it(kafka_producer):
            kafka_producer.send("orders", b"x" * 2000).add_callback(print)
            kafka_producer.flush()
        """,
        "*1 record was not delivered, and nobody looked at the error*",
    ),
    "an error at once": (
        """
        def test_it(kafka_producer):
            kafka_producer.send("orders", b"x" * 2000000)
            kafka_producer.close()
        """,
        "*1 x orders: *larger than the maximum request size*",
    ),
    "a producer of the code under test that is not closed": (
        """
        from kafka import KafkaProducer

        def publish(servers):
            producer = KafkaProducer(bootstrap_servers=servers, client_id="forgotten")
            producer.send("orders", b"v")
            producer.flush()
            return producer

        kept = []

        def test_it(kafka_broker):
            kept.append(publish(kafka_broker.bootstrap_servers))
        """,
        "*1 thread(s) of Kafka still running*",
    ),
    "its records": (
        """
        import pytest
        from kafka import KafkaProducer

        @pytest.mark.filterwarnings("ignore::ResourceWarning")
        def test_it(kafka_broker):
            producer = KafkaProducer(bootstrap_servers=kafka_broker.bootstrap_servers)
            producer.send("orders", b"v")
        """,
        "*1 record was never flushed*",
    ),
    "a broker of its own": (
        """
        from kafka.testing import KafkaBroker

        kept = []

        def test_it(kafka_broker):
            kept.append(KafkaBroker())
            kept[0].start()
        """,
        "*thread(s) of Kafka still running*",
    ),
}


@pytest.mark.parametrize("name", LEAVES)
def test_a_test_fails_for_what_it_leaves(run: Run, name: str) -> None:
    source, said = LEAVES[name]
    result = run(source)
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines([said])
    assert result.ret == 1


def test_a_test_that_leaves_nothing_passes(run: Run) -> None:
    result = run("""
        import threading
        import pytest
        from kafka import KafkaProducer
        from kafka.testing import KafkaBroker, MockProducer

        def test_waits(kafka_producer):
            kafka_producer.send("t", b"v").get(10)

        def test_is_told(kafka_producer):
            told = threading.Event()
            kafka_producer.send("t", b"v").add_callback(lambda _: told.set())
            assert told.wait(10)

        def test_has_a_callback_that_is_about_to_run(kafka_producer):
            kafka_producer.send("t", b"v").add_callback(print)

        @pytest.mark.kafka(max_message_bytes=1000)
        def test_looks_at_errors(kafka_producer):
            errors = []
            futures = [kafka_producer.send("t", b"x" * 2000) for _ in range(4)]
            futures[0].add_errback(errors.append)
            kafka_producer.flush()
            assert futures[1].failed()
            assert futures[2].exception is errors[0] or futures[2].exception is not None
            with pytest.raises(Exception):
                futures[3].get()

        def test_closes(kafka_broker):
            with KafkaProducer(bootstrap_servers=kafka_broker.bootstrap_servers) as producer:
                producer.send("t", b"v")
            with KafkaBroker() as another:
                assert another.records("t") == []

        def test_uses_a_mock(kafka_broker):
            MockProducer(auto_complete=False).send("t", b"v")
    """)
    result.assert_outcomes(passed=6)


def test_a_marker_allows_what_is_meant(run: Run) -> None:
    result = run("""
        import pytest
        from kafka import KafkaProducer

        kept = []

        @pytest.mark.kafka_allow("unflushed")
        def test_unflushed(kafka_producer):
            kafka_producer.send("t", b"v")

        @pytest.mark.kafka_allow("errors")
        def test_errors(kafka_producer):
            kafka_producer.send("t", b"x" * 2000000)
            kafka_producer.flush()

        @pytest.mark.kafka_allow("threads")
        def test_threads(kafka_broker):
            kept.append(KafkaProducer(bootstrap_servers=kafka_broker.bootstrap_servers))

        def test_the_next_test_begins_without_what_was_left(kafka_broker):
            with pytest.raises(Exception, match="closed"):
                kept[0].send("t", b"v")

        @pytest.mark.kafka_allow("everything")
        def test_typo(kafka_broker):
            pass
    """)
    result.assert_outcomes(passed=4, errors=1)
    result.stdout.fnmatch_lines(["*kafka_allow knows unflushed, errors, threads, and not everything*"])


def test_a_test_that_failed_is_not_failed_twice(run: Run) -> None:
    result = run("""
        import pytest

        def test_fails(kafka_producer):
            kafka_producer.send("t", b"v")
            assert False

        def test_skips(kafka_producer):
            kafka_producer.send("t", b"v")
            pytest.skip("later")

        @pytest.mark.xfail
        def test_is_known_to_fail(kafka_producer):
            kafka_producer.send("t", b"v")
            assert False
    """)
    result.assert_outcomes(failed=1, skipped=1, xfailed=1)


def test_a_method_that_is_put_back_too_late_works_as_ever(run: Run) -> None:
    result = run("""
        from kafka import KafkaProducer
        from kafka.testing import KafkaBroker

        def test_patches(monkeypatch, kafka_broker):
            monkeypatch.setattr(KafkaProducer, "send", lambda *_: None)

        def test_then():
            with KafkaBroker() as broker, KafkaProducer(bootstrap_servers=broker.bootstrap_servers) as producer:
                assert type(producer.send("t", b"v")).__name__.endswith("FutureRecordMetadata")
    """)
    result.assert_outcomes(passed=2)


def test_the_producers_methods_are_its_own_again_afterwards(run: Run) -> None:
    result = run("""
        from kafka import KafkaProducer

        before = {name: vars(KafkaProducer)[name] for name in ("send", "flush", "close")}

        def test_one(kafka_producer):
            assert KafkaProducer.send is not before["send"]

        def test_other():
            assert {name: vars(KafkaProducer)[name] for name in before} == before
    """)
    result.assert_outcomes(passed=2)


def test_a_producer_that_was_made_before_the_test_is_left_alone(run: Run) -> None:
    result = run("""
        import pytest
        from kafka import KafkaProducer
        from kafka.testing import KafkaBroker

        @pytest.fixture(scope="module")
        def shared():
            with KafkaBroker() as broker, KafkaProducer(bootstrap_servers=broker.bootstrap_servers, linger_ms=60_000) as producer:
                yield producer

        def test_first(shared, kafka_broker):
            shared.send("t", b"v")
            shared.flush(10)

        def test_second(shared, kafka_broker):
            shared.send("t", b"v")
            assert not shared._closed
    """)
    result.assert_outcomes(passed=2)


@pytest.mark.parametrize(
    ("marker", "said"),
    [
        ("kafka('2.8')", "the marker kafka takes options by name, and not '2.8'"),
        ("kafka_producer('all')", "the marker kafka_producer takes options by name, and not 'all'"),
        ("kafka_allow", "kafka_allow takes what is allowed: 'unflushed', 'errors', 'threads'"),
        ("kafka_allow(errors=True)", "kafka_allow takes what is allowed"),
    ],
)
def test_a_marker_that_would_be_ignored_is_an_error(run: Run, marker: str, said: str) -> None:
    result = run(f"""
        import pytest

        @pytest.mark.{marker}
        def test(kafka_producer):
            pass
    """)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"*{said}*"])
