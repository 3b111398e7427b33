"""The client's share of the options: frozen, in seconds and bytes, secrets in no repr.

Imported by: client.*, producer.assembly.  Imports: client.addresses, client.sasl, errors.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Callable, Union

from kafka.client.addresses import Address, parse_bootstrap_servers
from kafka.client.sasl import require_mechanism
from kafka.errors import KafkaConfigurationError

Password = Union[str, bytes, bytearray, Callable[[], Union[str, bytes, bytearray]]]

_LONGEST_SETUP_S = 10.0
"""Bound on connecting and shaking hands, however long requests may take: a stopped broker accepts and never answers."""


@dataclass(frozen=True)
class TlsOptions:
    """How TLS is done; a ready `context` wins over all else."""

    context: ssl.SSLContext | None
    check_hostname: bool
    cafile: str | None
    certfile: str | None
    keyfile: str | None
    password: Password | None = field(repr=False)
    crlfile: str | None


@dataclass(frozen=True)
class SaslOptions:
    """Who the client is."""

    mechanism: str
    username: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class ClientOptions:
    """Everything that the network needs to know of what the user chose."""

    client_id: str
    bootstrap_servers: tuple[Address, ...]
    api_version: tuple[int, ...] | None
    request_timeout_s: float
    metadata_max_age_s: float
    retry_backoff_s: float
    reconnect_backoff_s: float
    reconnect_backoff_max_s: float
    connections_max_idle_s: float
    max_in_flight: int
    max_response_bytes: int
    send_buffer_bytes: int | None
    receive_buffer_bytes: int | None
    socket_options: tuple[tuple[Any, ...], ...]
    tls: TlsOptions | None
    sasl: SaslOptions | None

    @property
    def setup_timeout_s(self) -> float:
        """Bound on making one connection ready: TCP, TLS, versions and authentication together."""
        return min(self.request_timeout_s, _LONGEST_SETUP_S)


def client_options(config: Mapping[str, Any]) -> ClientOptions:
    """The client's share of the producer's config; KafkaConfigurationError names the option that is wrong."""
    protocol = config["security_protocol"]
    return ClientOptions(
        client_id=config["client_id"],
        bootstrap_servers=parse_bootstrap_servers(config["bootstrap_servers"]),
        api_version=config["api_version"],
        request_timeout_s=config["request_timeout_ms"] / 1000,
        metadata_max_age_s=config["metadata_max_age_ms"] / 1000,
        retry_backoff_s=config["retry_backoff_ms"] / 1000,
        reconnect_backoff_s=config["reconnect_backoff_ms"] / 1000,
        reconnect_backoff_max_s=config["reconnect_backoff_max_ms"] / 1000,
        connections_max_idle_s=config["connections_max_idle_ms"] / 1000,
        max_in_flight=config["max_in_flight_requests_per_connection"],
        max_response_bytes=config["receive_message_max_bytes"],
        send_buffer_bytes=config["send_buffer_bytes"],
        receive_buffer_bytes=config["receive_buffer_bytes"],
        socket_options=tuple(tuple(option) for option in config["socket_options"]),
        tls=_tls_options(config) if protocol in ("SSL", "SASL_SSL") else None,
        sasl=_sasl_options(config) if protocol in ("SASL_PLAINTEXT", "SASL_SSL") else None,
    )


def _tls_options(config: Mapping[str, Any]) -> TlsOptions:
    return TlsOptions(
        context=config["ssl_context"],
        check_hostname=config["ssl_check_hostname"],
        cafile=config["ssl_cafile"],
        certfile=config["ssl_certfile"],
        keyfile=config["ssl_keyfile"],
        password=config["ssl_password"],
        crlfile=config["ssl_crlfile"],
    )


def _sasl_options(config: Mapping[str, Any]) -> SaslOptions:
    mechanism = config["sasl_mechanism"]
    if mechanism is None:
        raise KafkaConfigurationError(f"sasl_mechanism: must be given with security_protocol={config['security_protocol']!r}")
    require_mechanism(mechanism)
    for name in ("sasl_plain_username", "sasl_plain_password"):
        if config[name] is None:
            raise KafkaConfigurationError(f"{name}: must be given with sasl_mechanism={mechanism!r}")
    if config["api_version"] is not None and config["api_version"] < (0, 10):
        raise KafkaConfigurationError(f"sasl_mechanism: {mechanism!r} needs Kafka 0.10 or newer, and api_version is {config['api_version']}")
    return SaslOptions(mechanism=mechanism, username=config["sasl_plain_username"], password=config["sasl_plain_password"])
