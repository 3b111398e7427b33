"""python -m kafka.testing: a process that other programs use, and that ends when it is told."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from tests.broker.free_ports import free_port
from tests.testing.wire import RawClient

ROOT = Path(__file__).parents[2]


@contextlib.contextmanager
def served(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process, when it is ready, and what it printed."""
    command = [sys.executable, "-m", "kafka.testing", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


def test_other_programs_use_the_brokers_it_names() -> None:
    with served("--port", "0", "--brokers", "3", "--partitions", "6", "--topic", "orders:12", "--topic", "plain") as (_, servers):
        listed = AdminClient({"bootstrap.servers": servers}).list_topics(timeout=10)
        assert len(servers.split(",")) == len(listed.brokers) == 3
        assert {name: len(topic.partitions) for name, topic in listed.topics.items()} == {"orders": 12, "plain": 6}

        errors: list[object] = []
        producer = Producer({"bootstrap.servers": servers, "log_level": 0})
        producer.produce("orders", b"v", on_delivery=lambda error, _: errors.append(error))
        assert producer.flush(10) == 0
        assert errors == [None]


def test_it_listens_on_the_port_it_is_given_and_those_that_follow() -> None:
    port = free_port()
    with served("--port", str(port)) as (_, servers):
        assert servers == f"127.0.0.1:{port}"
        RawClient(servers).__exit__()


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_quietly(ending: signal.Signals) -> None:
    with served("--port", str(free_port())) as (process, servers):
        with RawClient(servers):
            process.send_signal(ending)
            output, errors = process.communicate(timeout=10)
        assert (process.returncode, output, errors) == (0, "", "")
        with pytest.raises(ConnectionRefusedError):
            RawClient(servers)


def test_a_port_that_is_taken_is_one_line_and_a_failure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with served("--port", str(port)) as (process, printed):
            _, errors = process.communicate(timeout=10)
    assert (printed, process.returncode) == ("", 1)
    assert errors.startswith(f"kafka.testing: cannot listen on port {port}: ")
    assert errors.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--port", "70000"), 2, "--port"),
        (("--topic", "t:many"), 2, "--topic"),
        (("--topic", "a/b"), 1, "cannot name a topic"),
        (("--version", "0.7"), 1, "0.7"),
        (("--brokers", "0"), 1, "at least one broker"),
        (("--port", "65535", "--brokers", "2"), 1, "cannot listen on port 65535"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_served(arguments: tuple[str, ...], code: int, said: str) -> None:
    with served(*arguments) as (process, printed):
        _, errors = process.communicate(timeout=10)
    assert (printed, process.returncode) == ("", code)
    assert said in errors
    assert "Traceback" not in errors
