"""The newest Kafka: security that refuses, replicas, and what 4.x does that others do not."""

from __future__ import annotations

import ssl
from typing import Any

import pytest

from kafka import KafkaProducer
from kafka.errors import KafkaConfigurationError, KafkaError, NoBrokersAvailable, SaslAuthenticationFailedError, UnknownTopicError
from tests.broker.conftest import StartCluster
from tests.broker.kafka_jars import NEWEST
from tests.broker.listener_security import KEY_PASSWORD, certificates_of
from tests.broker.read_back import read_back
from tests.broker.real_kafka import RealKafka


def refused(**configs: Any) -> BaseException:
    with pytest.raises(KafkaError) as caught:
        KafkaProducer(api_version_auto_timeout_ms=3000, **configs)
    return caught.value


def test_a_client_certificate_is_presented(asks_for_certificates: RealKafka) -> None:
    topic = asks_for_certificates.create_topic()
    files: dict[str, Any] = {
        "ssl_cafile": certificates_of(asks_for_certificates).ca_file,
        "ssl_certfile": certificates_of(asks_for_certificates).client_cert_file,
        "ssl_keyfile": certificates_of(asks_for_certificates).client_key_file,
    }
    with KafkaProducer(
        bootstrap_servers=asks_for_certificates.bootstrap_for("SSL"), security_protocol="SSL", api_version_auto_timeout_ms=10_000, **files
    ) as producer:
        assert producer.send(topic, b"v").get(20).offset == 0


def test_a_ready_ssl_context_is_used(asks_for_certificates: RealKafka) -> None:
    topic = asks_for_certificates.create_topic()
    context = ssl.create_default_context(cafile=str(certificates_of(asks_for_certificates).ca_file))
    context.load_cert_chain(str(certificates_of(asks_for_certificates).client_cert_file), str(certificates_of(asks_for_certificates).client_key_file))
    with KafkaProducer(
        bootstrap_servers=asks_for_certificates.bootstrap_for("SSL"), security_protocol="SSL", ssl_context=context, api_version_auto_timeout_ms=10_000
    ) as producer:
        assert producer.send(topic, b"v").get(20).offset == 0


def presented(kafka: RealKafka, **files: Any) -> dict[str, Any]:
    """Options of a client with a certificate, and with what `files` says."""
    tls = certificates_of(kafka)
    return {
        "bootstrap_servers": kafka.bootstrap_for("SSL"),
        "security_protocol": "SSL",
        "ssl_cafile": tls.ca_file,
        "ssl_certfile": tls.client_cert_file,
        "ssl_keyfile": tls.client_key_file,
        **files,
    }


def sends(kafka: RealKafka, **configs: Any) -> bool:
    topic = kafka.create_topic()
    with KafkaProducer(api_version_auto_timeout_ms=10_000, **configs) as producer:
        return producer.send(topic, b"v").get(20).offset == 0


@pytest.mark.parametrize("password", [KEY_PASSWORD, KEY_PASSWORD.encode(), lambda: KEY_PASSWORD], ids=["str", "bytes", "function"])
def test_a_key_with_a_password(asks_for_certificates: RealKafka, password: Any) -> None:
    key = certificates_of(asks_for_certificates).client_key_with_password
    assert sends(asks_for_certificates, **presented(asks_for_certificates, ssl_keyfile=key, ssl_password=password))


def test_a_wrong_password_of_the_key_names_the_option(asks_for_certificates: RealKafka) -> None:
    key = certificates_of(asks_for_certificates).client_key_with_password
    error = refused(**presented(asks_for_certificates, ssl_keyfile=key, ssl_password="wrong-one"))
    assert isinstance(error, KafkaConfigurationError)
    assert "ssl_password" in str(error) or "ssl_keyfile" in str(error)
    assert "wrong-one" not in str(error)


def test_a_revocation_list_is_obeyed(asks_for_certificates: RealKafka) -> None:
    tls = certificates_of(asks_for_certificates)
    assert sends(asks_for_certificates, **presented(asks_for_certificates, ssl_crlfile=tls.crl_file))
    error = refused(**presented(asks_for_certificates, ssl_crlfile=tls.crl_file_against_broker))
    assert "revoked" in str(error)


def test_the_host_name_is_checked_unless_told_not_to(asks_for_certificates: RealKafka) -> None:
    other_name = asks_for_certificates.bootstrap_for("SSL").replace("127.0.0.1", "127.1")  # the same address, and not in the certificate
    error = refused(**presented(asks_for_certificates, bootstrap_servers=other_name))
    assert "127.1" in str(error)
    assert "certificate is not" in str(error)
    assert sends(asks_for_certificates, **presented(asks_for_certificates, bootstrap_servers=other_name, ssl_check_hostname=False))


def test_without_the_certificate_that_is_asked_for_there_is_no_broker(asks_for_certificates: RealKafka) -> None:
    error = refused(
        bootstrap_servers=asks_for_certificates.bootstrap_for("SSL"),
        security_protocol="SSL",
        ssl_cafile=certificates_of(asks_for_certificates).ca_file,
    )
    assert isinstance(error, NoBrokersAvailable)
    assert asks_for_certificates.bootstrap_for("SSL") in str(error)


def test_an_unknown_authority_is_named(asks_for_certificates: RealKafka) -> None:
    error = refused(
        bootstrap_servers=asks_for_certificates.bootstrap_for("SSL"),
        security_protocol="SSL",
        ssl_cafile=certificates_of(asks_for_certificates).other_ca_file,
    )
    assert "certificate is not accepted" in str(error)


@pytest.mark.parametrize("protocol", ["SASL_PLAINTEXT", "SASL_SSL"])
def test_a_wrong_password_is_told_at_once_and_not_shown(asks_for_certificates: RealKafka, protocol: str) -> None:
    files: dict[str, Any] = {}
    if protocol == "SASL_SSL":
        files = {
            "ssl_cafile": certificates_of(asks_for_certificates).ca_file,
            "ssl_certfile": certificates_of(asks_for_certificates).client_cert_file,
            "ssl_keyfile": certificates_of(asks_for_certificates).client_key_file,
        }
    error = refused(
        bootstrap_servers=asks_for_certificates.bootstrap_for(protocol),
        security_protocol=protocol,
        sasl_mechanism="PLAIN",
        sasl_plain_username="alice",
        sasl_plain_password="not-this-one",
        **files,
    )
    assert isinstance(error, SaslAuthenticationFailedError)
    assert "not-this-one" not in str(error)


def test_records_are_on_all_replicas(three_brokers: RealKafka) -> None:
    topic = three_brokers.create_topic(partitions=6, replication=3, config={"min.insync.replicas": "2"})
    with KafkaProducer(
        bootstrap_servers=three_brokers.bootstrap, acks="all", retries=10, api_version_auto_timeout_ms=10_000, compression_type="lz4"
    ) as producer:
        futures = [producer.send(topic, b"%d" % n, key=b"%d" % n) for n in range(2000)]
        producer.flush(30)
        assert {future.get(0).partition for future in futures} == set(range(6))
    read = read_back(three_brokers.bootstrap, topic, count=2000, version=three_brokers.version, partitions=6)
    assert sorted(int(r.value or b"") for r in read) == list(range(2000))


@pytest.mark.parametrize("creates", [True, False])
def test_topics_that_are_made_when_asked_for_are_waited_for_and_others_fail_fast(cluster_of: StartCluster, creates: bool) -> None:
    kafka = cluster_of(NEWEST, config={"auto.create.topics.enable": str(creates).lower()})
    with KafkaProducer(bootstrap_servers=kafka.bootstrap, api_version_auto_timeout_ms=10_000, retries=5, unknown_topic_retries=4) as producer:
        if creates:
            assert producer.send("made", b"v").get(30).offset == 0
        else:
            with pytest.raises(UnknownTopicError, match="Topic nosuch does not exist"):
                producer.send("nosuch", b"v")
            topic = kafka.create_topic()
            assert producer.send(topic, b"v").get(30).offset == 0


def test_a_stopped_leader_is_replaced_and_nothing_acknowledged_is_missing(cluster_of: StartCluster) -> None:
    kafka = cluster_of(NEWEST, brokers=3, config={"broker.session.timeout.ms": "3000", "broker.heartbeat.interval.ms": "500"})
    topic = kafka.create_topic(partitions=3, replication=3)
    producer = KafkaProducer(
        bootstrap_servers=kafka.bootstrap,
        acks="all",
        retries=1000,
        max_in_flight_requests_per_connection=1,
        request_timeout_ms=5000,
        api_version_auto_timeout_ms=10_000,
    )
    futures = [producer.send(topic, b"%d" % n, partition=n % 3) for n in range(300)]
    kafka.kill(kafka.leader(topic, 0))
    futures += [producer.send(topic, b"%d" % n, partition=n % 3) for n in range(300, 900)]
    producer.flush(60)
    acknowledged = {n for n, future in enumerate(futures) if future.succeeded()}
    producer.close(10)
    assert len(acknowledged) == 900
    read = read_back(kafka.bootstrap, topic, count=900, version=kafka.version, partitions=3)
    assert {int(r.value or b"") for r in read} == acknowledged
    for partition in range(3):
        first_seen = list(dict.fromkeys(int(r.value or b"") for r in read if r.partition == partition))
        assert first_seen == sorted(first_seen)
