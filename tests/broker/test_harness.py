"""The harness itself: what it starts works for others' clients, and it leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, Producer

from tests.broker import wire_probe
from tests.broker.conftest import StartCluster
from tests.broker.free_ports import HIGHEST, LOWEST, free_port
from tests.broker.given_kafka import GivenKafka
from tests.broker.java_peer import java_send
from tests.broker.kafka_jars import NEWEST, wanted_versions
from tests.broker.node_files import write_properties
from tests.broker.processes import Daemon, ScratchFolder, StartError, run_to_end, wait_until
from tests.broker.read_back import read_back, read_with_kafka_python
from tests.broker.real_kafka import RealKafka

ROOT = Path(__file__).resolve().parents[2]
SECURE = ("SSL", "SASL_PLAINTEXT", "SASL_SSL")


# -- without Kafka


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[Daemon]:
    daemon = Daemon("sleeper", [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"], tmp_path / "log")
    yield daemon
    daemon.kill()


def test_a_killed_program_is_gone_and_reaped(sleeper: Daemon) -> None:
    sleeper.kill()

    assert not sleeper.is_running
    with pytest.raises(ProcessLookupError):
        os.kill(sleeper.pid, 0)


def test_the_log_of_a_program_is_shown_with_its_failure(sleeper: Daemon) -> None:
    assert wait_until(lambda: "up" in sleeper.log_tail(), timeout_s=20)

    assert str(sleeper.start_error("ended")).splitlines()[0] == "sleeper ended"
    assert "up" in str(sleeper.start_error("ended"))


KILLED_RUN = """
import sys
from pathlib import Path
from tests.broker.processes import Daemon, ScratchFolder
folder = ScratchFolder()
daemon = Daemon("sleeper", ["sleep", "600"], folder.path / "log")
print(daemon.pid, folder.path, flush=True)
sys.stdin.read()
"""


def test_programs_of_a_killed_run_die_with_it_and_its_folder_is_swept_by_the_next_run() -> None:
    run = subprocess.Popen([sys.executable, "-c", KILLED_RUN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    with run:
        assert run.stdout is not None
        pid, folder = run.stdout.readline().split()
        run.kill()

    assert wait_until(lambda: _is_gone(int(pid)), timeout_s=20)
    assert Path(folder).is_dir()
    ScratchFolder().remove()
    assert not Path(folder).exists()


def _is_gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state == "Z"  # dead; it is for init to reap it


def test_the_folder_of_a_run_that_is_alive_is_not_swept() -> None:
    first = ScratchFolder()
    second = ScratchFolder()

    assert first.path.is_dir()

    first.remove()
    second.remove()
    assert not first.path.exists()


def test_a_failed_program_raises_with_what_it_said() -> None:
    with pytest.raises(StartError, match="the reason"):
        run_to_end([[sys.executable, "-c", "import sys; sys.exit('the reason')"]], timeout_s=20)


def test_a_program_that_takes_too_long_is_ended() -> None:
    began_s = time.monotonic()

    with pytest.raises(StartError, match="not finished in time"):
        run_to_end([["sleep", "600"]], timeout_s=0.2)

    assert time.monotonic() - began_s < 20


def test_ports_are_free_different_and_out_of_reach_of_outgoing_connections() -> None:
    ports = [free_port() for _ in range(50)]

    assert len(set(ports)) == 50
    assert all(LOWEST <= port < HIGHEST for port in ports)


def test_backslashes_survive_in_properties(tmp_path: Path) -> None:
    written = write_properties(tmp_path / "file", {"name": "a\\b"}).read_text()

    assert written == "name=a\\\\b\n"


@pytest.mark.parametrize("answer", [b"", b"\0\0\0\x10short"], ids=["closed", "cut"])
def test_a_broker_that_does_not_answer_in_full_is_not_up(answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_answer_once, args=(server, answer))
        thread.start()
        found = wire_probe.read_metadata(server.getsockname())
        thread.join()

    assert found is None


def _answer_once(server: socket.socket, answer: bytes) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(4096)
        connection.sendall(answer)


def test_an_unknown_release_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_TESTS_VERSIONS", "4.4.0, 7.7")

    with pytest.raises(ValueError, match=r"names 7\.7; known are 0\.8\.2\.2"):
        wanted_versions()


def test_a_listener_that_a_release_cannot_have_is_refused() -> None:
    with pytest.raises(ValueError, match=r"0\.9\.0\.1 has no listeners of type SASL_SSL"):
        RealKafka("0.9.0.1", listeners=["SASL_SSL"])


@pytest.mark.parametrize("required", [False, True], ids=["optional", "required"])
def test_without_java_there_is_one_line_that_says_so(required: bool, tmp_path: Path) -> None:
    environment = {"PATH": str(tmp_path), "KAFKA_TESTS_REQUIRE_BROKERS": "1" if required else ""}
    command = [sys.executable, "-m", "tests.broker.kafka_jars"]

    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.stdout == "no tests against real Kafka: java or javac is missing: real Kafka needs a JDK of version 17 or newer\n"
    assert done.returncode == (1 if required else 0)


# -- with every release


def send(bootstrap: str, topic: str, values: list[bytes], **options: Any) -> None:
    """Produce with confluent-kafka; raises the first failure."""
    failures: list[KafkaError] = []
    settings = {"bootstrap.servers": bootstrap, "log_level": 0, "message.timeout.ms": 15000, **options}
    producer = Producer(settings)
    for value in values:
        producer.produce(topic, value, on_delivery=lambda error, _: failures.append(error) if error else None)
    assert producer.flush(20) == 0
    if failures:
        raise KafkaException(failures[0])


@pytest.mark.kafka_since("0.10.2.2")
def test_what_librdkafka_sends_both_readers_read_back(kafka: RealKafka | GivenKafka) -> None:
    topic = kafka.create_topic(partitions=3)
    values = [b"value %d" % number for number in range(20)]

    send(kafka.bootstrap, topic, values, **{"compression.type": "gzip"})

    by_librdkafka = read_back(kafka.bootstrap, topic, partitions=3, count=20, version=kafka.version)
    by_kafka_python = read_with_kafka_python(kafka.bootstrap, topic, partitions=3, count=20, version=kafka.version)
    assert sorted(record.value or b"" for record in by_librdkafka) == sorted(values)
    assert by_librdkafka == sorted(by_kafka_python)


def test_what_the_java_producer_sends_is_read_back_and_in_the_log(real_kafka: RealKafka) -> None:
    topic = real_kafka.create_topic(partitions=3)
    sent = [(b"k%d" % number, None if number == 4 else b"v%d" % number) for number in range(12)]

    placed = java_send(real_kafka, topic, sent)

    found = read_back(real_kafka.bootstrap, topic, partitions=3, count=12, version=real_kafka.version)
    assert {(record.partition, record.offset): (record.key, record.value) for record in found} == dict(zip(placed, sent))
    assert {partition for partition, _ in placed} == {0, 1, 2}
    has_time = real_kafka.release >= (0, 10)
    assert {record.timestamp_type for record in found} == ({0} if has_time else {None})
    dumped = "\n".join(real_kafka.dump_log(topic))
    assert all(f"v{number}" in dumped for number in range(12) if number != 4)


@pytest.mark.kafka_since("0.10.2.2")
@pytest.mark.parametrize("protocol", SECURE)
def test_secured_listeners_answer_those_who_know_the_password_and_the_authority(real_kafka: RealKafka, protocol: str) -> None:
    topic = real_kafka.create_topic()
    options = _librdkafka_security(real_kafka, protocol, "bob")

    send(real_kafka.bootstrap_for(protocol), topic, [b"secret"], **options)

    (found,) = read_back(real_kafka.bootstrap_for(protocol), topic, count=1, version=real_kafka.version, options=options)
    assert found.value == b"secret"


def _librdkafka_security(kafka: RealKafka, protocol: str, user: str) -> dict[str, str]:
    assert kafka.tls is not None
    options = {"security.protocol": protocol}
    if protocol.endswith("SSL"):
        options["ssl.ca.location"] = str(kafka.tls.ca_file)
    if protocol.startswith("SASL"):
        options.update({"sasl.mechanism": "PLAIN", "sasl.username": user, "sasl.password": kafka.users[user]})
    return options


@pytest.mark.kafka_since("0.9.0.1")
def test_a_tls_listener_shows_a_certificate_of_the_authority(real_kafka: RealKafka) -> None:
    assert real_kafka.tls is not None
    context = ssl.create_default_context(cafile=str(real_kafka.tls.ca_file))
    host, _, port = real_kafka.bootstrap_for("SSL").rpartition(":")

    with socket.create_connection((host, int(port)), timeout=10) as plain, context.wrap_socket(plain, server_hostname=host) as secured:
        assert secured.getpeercert()


@pytest.mark.newest_kafka
def test_a_wrong_password_and_an_unknown_authority_are_refused(real_kafka: RealKafka) -> None:
    topic = real_kafka.create_topic()
    assert real_kafka.tls is not None
    wrong_password = {**_librdkafka_security(real_kafka, "SASL_PLAINTEXT", "alice"), "sasl.password": "wrong"}
    wrong_authority = {"security.protocol": "SSL", "ssl.ca.location": str(real_kafka.tls.other_ca_file)}

    for protocol, options in (("SASL_PLAINTEXT", wrong_password), ("SSL", wrong_authority)):
        with pytest.raises(KafkaException):
            send(real_kafka.bootstrap_for(protocol), topic, [b"never"], **{**options, "message.timeout.ms": 500})


# -- faults and clean-up


def test_a_required_client_certificate_is_asked_for(cluster_of: StartCluster) -> None:
    kafka = cluster_of(NEWEST, listeners=["SSL"], config={"ssl.client.auth": "required"})
    topic = kafka.create_topic()
    assert kafka.tls is not None
    anonymous = {"security.protocol": "SSL", "ssl.ca.location": str(kafka.tls.ca_file)}
    known = {**anonymous, "ssl.certificate.location": str(kafka.tls.client_cert_file), "ssl.key.location": str(kafka.tls.client_key_file)}

    send(kafka.bootstrap_for("SSL"), topic, [b"known"], **known)

    with pytest.raises(KafkaException):
        send(kafka.bootstrap_for("SSL"), topic, [b"never"], **{**anonymous, "message.timeout.ms": 500})


def test_a_killed_broker_hands_over_and_comes_back(three_brokers: RealKafka) -> None:
    topic = three_brokers.create_topic(replication=3)
    first = three_brokers.leader(topic, 0)

    three_brokers.kill(first)
    assert wait_until(lambda: three_brokers.leader(topic, 0) not in (first, -1), timeout_s=30)
    send(three_brokers.bootstrap, topic, [b"after"])

    three_brokers.restart(first)
    assert three_brokers.metadata().broker_ids == {0, 1, 2}


def test_a_broker_that_shuts_down_in_order_comes_back(three_brokers: RealKafka) -> None:
    three_brokers.shut_down(1)
    assert not three_brokers.nodes[1].is_running

    three_brokers.restart(1)
    assert three_brokers.nodes[1].is_running


def test_a_paused_broker_accepts_connections_and_says_nothing(three_brokers: RealKafka) -> None:
    three_brokers.pause(2)
    try:
        socket.create_connection(three_brokers.nodes[2].address, timeout=5).close()
        assert wire_probe.read_metadata(three_brokers.nodes[2].address, timeout_s=0.3) is None
    finally:
        three_brokers.resume(2)
    three_brokers.wait_until_answering()


@pytest.mark.parametrize("version", ["0.8.2.2", "2.8.2"])
def test_a_killed_broker_of_a_zookeeper_cluster_starts_again(version: str, cluster_of: StartCluster) -> None:
    kafka = cluster_of(version)
    topic = kafka.create_topic()
    kafka.kill(0)

    kafka.restart(0)

    assert wait_until(lambda: kafka.leader(topic, 0) == 0, timeout_s=30)


def test_stop_ends_every_process_and_deletes_every_file(cluster_of: StartCluster) -> None:
    kafka = cluster_of("2.8.2")
    folder, pids = kafka.folder, kafka.pids

    kafka.stop()

    assert len(pids) == 2
    assert all(_is_gone(pid) for pid in pids)
    assert not folder.exists()


def test_a_broker_that_cannot_start_shows_its_log(cluster_of: StartCluster) -> None:
    with pytest.raises(StartError, match=r"ended instead of answering(.|\n)*num\.io\.threads"):
        cluster_of("2.8.2", config={"num.io.threads": "none"})


def test_an_interrupt_while_starting_leaves_nothing(cluster_of: StartCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    pids: list[int] = []

    def interrupted(kafka: RealKafka) -> None:
        pids.extend(kafka.pids)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(RealKafka, "wait_until_answering", interrupted)

    with pytest.raises(KeyboardInterrupt):
        cluster_of("2.8.2")

    assert len(pids) == 2
    assert all(_is_gone(pid) for pid in pids)
