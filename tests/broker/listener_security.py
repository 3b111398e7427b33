"""Certificates and passwords of the TLS and SASL listeners, made anew for each run."""

from __future__ import annotations

import datetime
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat, load_pem_private_key, pkcs12

PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
STORE_PASSWORD = "not-a-secret"
KEY_PASSWORD = "of-the-key"
USERS: Mapping[str, str] = MappingProxyType({"alice": "alice-secret", "bob": 'bob,"quoted" \\ secret'})

_JAAS = """\
KafkaServer {{
    org.apache.kafka.common.security.plain.PlainLoginModule required
    username="broker" password="broker-secret"
    {users};
}};
"""


class TlsFiles(NamedTuple):
    """Paths of PEM files for clients, and of PKCS12 stores for brokers."""

    ca_file: Path
    client_cert_file: Path
    client_key_file: Path
    client_key_with_password: Path  # the same, encrypted with KEY_PASSWORD
    crl_file: Path  # revokes nobody
    crl_file_against_broker: Path  # revokes the broker's certificate
    other_ca_file: Path  # an authority that signed neither brokers nor clients
    key_store: Path
    trust_store: Path


@functools.cache
def _authority(name: str) -> trustme.CA:
    return trustme.CA(organization_name=name, key_type=trustme.KeyType.ECDSA)


def write_tls_files(folder: Path) -> TlsFiles:
    folder.mkdir()
    files = TlsFiles(
        ca_file=folder / "ca.pem",
        client_cert_file=folder / "client.pem",
        client_key_file=folder / "client.key",
        client_key_with_password=folder / "client-encrypted.key",
        crl_file=folder / "crl.pem",
        crl_file_against_broker=folder / "crl-against-broker.pem",
        other_ca_file=folder / "other-ca.pem",
        key_store=folder / "broker.p12",
        trust_store=folder / "trust.p12",
    )
    authority = _authority("kafka tests")
    authority.cert_pem.write_to_path(files.ca_file)
    _authority("another").cert_pem.write_to_path(files.other_ca_file)
    client = authority.issue_cert("client.test", common_name="client.test", key_type=trustme.KeyType.ECDSA)
    client.private_key_pem.write_to_path(files.client_key_file)
    client.cert_chain_pems[0].write_to_path(files.client_cert_file)
    broker = authority.issue_cert("127.0.0.1", "localhost", common_name="localhost", key_type=trustme.KeyType.ECDSA)
    files.client_key_with_password.write_bytes(_encrypted(client))
    files.crl_file.write_bytes(_revocation_list(authority, ()))
    files.crl_file_against_broker.write_bytes(_revocation_list(authority, (broker,)))
    files.key_store.write_bytes(_key_store(broker))
    files.trust_store.write_bytes(_trust_store(authority))
    return files


def _encrypted(certificate: trustme.LeafCert) -> bytes:
    key = load_pem_private_key(certificate.private_key_pem.bytes(), password=None)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(KEY_PASSWORD.encode()))


def _revocation_list(authority: trustme.CA, revoked: Sequence[trustme.LeafCert]) -> bytes:
    now = datetime.datetime.now(datetime.timezone.utc)
    issuer = x509.load_pem_x509_certificate(authority.cert_pem.bytes())
    builder = x509.CertificateRevocationListBuilder().issuer_name(issuer.subject)
    builder = builder.last_update(now - datetime.timedelta(days=1)).next_update(now + datetime.timedelta(days=1))
    for leaf in revoked:
        serial = x509.load_pem_x509_certificate(leaf.cert_chain_pems[0].bytes()).serial_number
        builder = builder.add_revoked_certificate(x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now).build())
    key: Any = load_pem_private_key(authority.private_key_pem.bytes(), password=None)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def _key_store(broker: trustme.LeafCert) -> bytes:
    key = load_pem_private_key(broker.private_key_pem.bytes(), password=None)
    certificate = x509.load_pem_x509_certificate(broker.cert_chain_pems[0].bytes())
    encryption = BestAvailableEncryption(STORE_PASSWORD.encode())
    return pkcs12.serialize_key_and_certificates(b"broker", key, certificate, None, encryption)  # type: ignore[arg-type]


def _trust_store(authority: trustme.CA) -> bytes:
    trusted = pkcs12.PKCS12Certificate(x509.load_pem_x509_certificate(authority.cert_pem.bytes()), b"ca")
    return pkcs12.serialize_java_truststore([trusted], BestAvailableEncryption(STORE_PASSWORD.encode()))


def write_jaas_file(folder: Path) -> Path:
    path = folder / "jaas.conf"
    users = "\n    ".join(f"user_{name}={_quoted(password)}" for name, password in {**USERS, "broker": "broker-secret"}.items())
    path.write_text(_JAAS.format(users=users))
    return path


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def broker_properties(protocols: tuple[str, ...], tls: TlsFiles | None) -> dict[str, str]:
    """What a broker needs for these listeners; client certificates are optional unless the caller says otherwise."""
    properties: dict[str, str] = {}
    if tls is not None:
        properties.update(
            {
                "ssl.keystore.location": str(tls.key_store),
                "ssl.keystore.type": "PKCS12",
                "ssl.keystore.password": STORE_PASSWORD,
                "ssl.key.password": STORE_PASSWORD,
                "ssl.truststore.location": str(tls.trust_store),
                "ssl.truststore.type": "PKCS12",
                "ssl.truststore.password": STORE_PASSWORD,
                "ssl.client.auth": "requested",
            }
        )
    if any(protocol.startswith("SASL_") for protocol in protocols):
        properties["sasl.enabled.mechanisms"] = "PLAIN"
    return properties


def certificates_of(kafka: Any) -> TlsFiles:
    """The files of a cluster that has a TLS listener."""
    files: TlsFiles | None = kafka.tls
    if files is None:
        raise ValueError(f"{kafka!r} was started without a TLS listener")
    return files
