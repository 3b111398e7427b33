"""Every option of the producer, declared once, and the rules between them.

Imported by: producer.kafka, docs.  Imports: _log, client.sasl, codec, errors, partitioner, producer.{options,delivery}.
"""

from __future__ import annotations

import copy
import difflib
import itertools
import logging
import selectors
import socket
from collections.abc import Mapping
from typing import Any

from kafka import codec
from kafka._log import GuardedLogger
from kafka.client.sasl import require_mechanism
from kafka.codec import NO_CODEC_ID, Codec, gzip, lz4, zstd
from kafka.errors import KafkaConfigurationError
from kafka.partitioner.default import DefaultPartitioner
from kafka.producer import options as check
from kafka.producer.accumulator import BatchSizes
from kafka.producer.delivery import DeliveryPolicy
from kafka.producer.options import Option

log = GuardedLogger(logging.getLogger(__name__))

_INT32_MAX = 2**31 - 1

OPTIONS: tuple[Option, ...] = (
    # --- cluster ------------------------------------------------------------------------------------------------
    Option(
        "bootstrap_servers",
        "localhost",
        check.servers,
        "",
        "cluster",
        "'host[:port]', several separated by commas, or a list of them, to get the first metadata from; default port 9092.",
    ),
    Option(
        "client_id",
        None,
        check.optional(check.text),
        "",
        "cluster",
        "Name of this client in the brokers' logs and in its thread's name; None gives 'kafka-python-producer-#'.",
    ),
    Option(
        "api_version",
        None,
        check.optional(check.api_version),
        "",
        "cluster",
        "Release of Kafka whose protocol is used at most, e.g. (2, 8); below (0, 10) it is believed and nothing is asked. None asks the brokers.",
    ),
    Option(
        "api_version_auto_timeout_ms",
        2000,
        check.number(0),
        "ms",
        "cluster",
        "How long the constructor tries to reach a broker before NoBrokersAvailable; only without api_version.",
    ),
    Option(
        "bootstrap_timeout_ms",
        None,
        check.optional(check.number(0)),
        "ms",
        "cluster",
        "The later name of api_version_auto_timeout_ms; wins over it where given.",
    ),
    Option("metadata_max_age_ms", 300000, check.number(0), "ms", "cluster", "After how long metadata is asked for again without a reason."),
    Option(
        "unknown_topic_retries",
        None,
        check.optional(check.integer(0)),
        "",
        "cluster",
        "How often brokers are asked again for a topic of which they say that it does not exist, and nobody knows better, before send() and "
        "partitions_for() raise UnknownTopicError rather than wait; pauses between grow from retry_backoff_ms to 1 s. 4 or more where brokers make "
        "topics that are asked for, which takes them a moment, or lag behind one another. None: they wait for max_block_ms.",
    ),
    Option("allow_auto_create_topics", True, check.not_built_yet(True), "", "cluster", "Let brokers create topics that are sent to."),
    # --- records ------------------------------------------------------------------------------------------------
    Option(
        "key_serializer",
        None,
        check.optional(check.serializer),
        "",
        "records",
        "f(key), or an object with serialize(topic, key) or serialize(topic, headers, key), giving bytes or None.",
    ),
    Option("value_serializer", None, check.optional(check.serializer), "", "records", "The same for values."),
    Option(
        "partitioner",
        DefaultPartitioner(),
        check.partitioner,
        "",
        "records",
        "f(key_bytes, all_partitions, available_partitions), or an object with partition(topic, key, key_bytes, value, value_bytes, cluster). "
        "Default: Java's murmur2 of the key, and without a key a random partition that has a leader.",
    ),
    Option(
        "compression_type",
        None,
        check.optional(check.one_of("gzip", "snappy", "lz4", "zstd", "none")),
        "",
        "records",
        "Codec for whole batches: 'gzip', 'snappy', 'lz4', 'zstd' or None. A batch that it would make larger is sent as it is.",
    ),
    Option(
        "compression_gzip_level",
        gzip.DEFAULT_LEVEL,
        check.level(gzip.LEVELS, gzip.DEFAULT_LEVEL),
        "",
        "records",
        "1 (fast) to 9 (small), or -1 for zlib's default, 6 (KIP-390). Where the isal package is installed, -1 and 1 are compressed by it, several "
        "times as fast and to about the same size, the others by zlib.",
    ),
    Option(
        "compression_lz4_level",
        None,
        check.optional(check.level(lz4.LEVELS)),
        "",
        "records",
        "1 (fast) to 17 (small) (KIP-390); the library's highest is 12, and those above are the same. None: the fast compressor, which Java has "
        "under its default, 9.",
    ),
    Option(
        "compression_zstd_level",
        zstd.DEFAULT_LEVEL,
        check.level(zstd.LEVELS),
        "",
        "records",
        "-131072 (fast) to 22 (small) (KIP-390); high levels take much memory and time.",
    ),
    # --- batching -----------------------------------------------------------------------------------------------
    Option("batch_size", 16384, check.integer(0), "bytes", "batching", "Size at which a batch is full; 0 sends every record alone."),
    Option("linger_ms", 0, check.number(0), "ms", "batching", "How long a record may wait for company."),
    Option(
        "buffer_memory",
        33554432,
        check.integer(1),
        "bytes",
        "batching",
        "Bound on encoded bytes that are queued or in flight; send() waits for room, at most max_block_ms.",
    ),
    Option(
        "max_block_ms",
        60000,
        check.number(0),
        "ms",
        "batching",
        "How long send() and partitions_for() may wait, for metadata and room together.",
    ),
    Option(
        "max_request_size",
        1048576,
        check.integer(1, _INT32_MAX),
        "bytes",
        "batching",
        "Bound on a record and on the batches of one request.",
    ),
    Option(
        "check_size_after_compression",
        False,
        check.boolean,
        "",
        "batching",
        "Hold max_request_size against a record as it is compressed (KAFKA-4169): one that is larger is sent in a batch of its own, if that is small "
        "enough then; else its future fails. buffer_memory must have room for it as it is. Of effect with compression_type only.",
    ),
    Option(
        "max_batch_size",
        None,
        check.optional(check.integer(0, _INT32_MAX)),
        "bytes",
        "batching",
        "What a batch may grow to, beyond batch_size, while it waits for the wire; at most max_request_size. Brokers that refuse it get "
        "smaller batches. None: max_request_size, or batch_size where that is given or acks=0.",
    ),
    # --- delivery -----------------------------------------------------------------------------------------------
    Option(
        "acks",
        1,
        check.one_of(0, 1, -1, "all"),
        "",
        "delivery",
        "0: nobody answers. 1: the leader has it. 'all' or -1: all replicas in sync have it.",
    ),
    Option(
        "retries",
        0,
        check.integer_or_infinity,
        "",
        "delivery",
        "How often a batch is sent again after an error that may pass. With more than one request in flight this may change the order.",
    ),
    Option("retry_backoff_ms", 100, check.number(0), "ms", "delivery", "How long to wait before that."),
    Option("request_timeout_ms", 30000, check.number(1, _INT32_MAX), "ms", "delivery", "How long to wait for a broker's answer."),
    Option(
        "delivery_timeout_ms",
        None,
        check.optional(check.number(1)),
        "ms",
        "delivery",
        "Bound on a record's whole way, retries included; at least linger_ms + request_timeout_ms. "
        "None: with retries the larger of 120000 and that sum.",
    ),
    Option(
        "max_in_flight_requests_per_connection",
        5,
        check.integer(1),
        "",
        "delivery",
        "Produce requests on a connection that wait for answers; 1 keeps order under retries.",
    ),
    Option(
        "exit_timeout_ms",
        5000,
        check.number(0),
        "ms",
        "delivery",
        "How long the end of the interpreter waits until what producers still have is delivered; the rest is lost, with one line in the log. "
        "It also bounds the close() at the end of a with block that an exception leaves, and the end of a producer that nobody refers to.",
    ),
    Option(
        "on_delivery_error",
        None,
        check.optional(check.function),
        "",
        "delivery",
        "f(error), called for each record that fails, whether or not somebody looks at its future: on the thread that fails it, after the future's "
        "callbacks and under the same rules. The error has topic_partition, persisted, attempts, elapsed and last_error.",
    ),
    # --- connections --------------------------------------------------------------------------------------------
    Option("receive_buffer_bytes", None, check.optional(check.integer(1)), "bytes", "connections", "SO_RCVBUF; None leaves it to the system."),
    Option("send_buffer_bytes", None, check.optional(check.integer(1)), "bytes", "connections", "SO_SNDBUF; None leaves it to the system."),
    Option(
        "socket_options",
        [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
        check.sequence_of(check.socket_option),
        "",
        "connections",
        "Arguments for setsockopt of each connection. Unless named here, SO_KEEPALIVE is turned on and TCP_USER_TIMEOUT is request_timeout_ms.",
    ),
    Option("reconnect_backoff_ms", 50, check.number(0), "ms", "connections", "How long to wait before connecting to a broker again."),
    Option(
        "reconnect_backoff_max_ms",
        1000,
        check.number(0),
        "ms",
        "connections",
        "What that grows to, doubling with each failure, 20 % either way at random.",
    ),
    Option("connections_max_idle_ms", 540000, check.number(0), "ms", "connections", "After how long an unused connection is closed."),
    Option(
        "receive_message_max_bytes",
        100000000,
        check.integer(1),
        "bytes",
        "connections",
        "Bound on an answer; a larger one closes the connection.",
    ),
    Option("selector", selectors.DefaultSelector, check.function, "", "connections", "Makes the selectors.BaseSelector to wait with."),
    # --- security -----------------------------------------------------------------------------------------------
    Option(
        "security_protocol",
        "PLAINTEXT",
        check.one_of("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"),
        "",
        "security",
        "How connections are secured.",
    ),
    Option("ssl_context", None, check.anything, "", "security", "A ready ssl.SSLContext; the other ``ssl_*`` options are ignored then."),
    Option("ssl_check_hostname", True, check.boolean, "", "security", "Whether the broker's certificate must be for its host name."),
    Option(
        "ssl_cafile",
        None,
        check.optional(check.readable_file),
        "",
        "security",
        "Certificates of the authorities to trust, PEM; None: the system's.",
    ),
    Option("ssl_certfile", None, check.optional(check.readable_file), "", "security", "The client's certificate chain, PEM."),
    Option(
        "ssl_keyfile",
        None,
        check.optional(check.readable_file),
        "",
        "security",
        "The client's private key, PEM; None where the certificate's file has it.",
    ),
    Option("ssl_password", None, check.optional(check.anything), "", "security", "Password of the private key."),
    Option(
        "ssl_crlfile",
        None,
        check.optional(check.readable_file),
        "",
        "security",
        "Revocation list, PEM; the broker's own certificate is checked against it.",
    ),
    Option("ssl_ciphers", None, check.not_built_yet(None), "", "security", "Ciphers of OpenSSL's format."),
    Option(
        "sasl_mechanism",
        None,
        check.optional(check.text),
        "",
        "security",
        "'PLAIN' (others are refused until they are built). Of effect with SASL_PLAINTEXT and SASL_SSL only, as a warning says.",
    ),
    Option("sasl_plain_username", None, check.optional(check.text), "", "security", "User name for PLAIN."),
    Option("sasl_plain_password", None, check.optional(check.text), "", "security", "Password for PLAIN."),
    Option("sasl_kerberos_name", None, check.not_built_yet(None), "", "security", "GSSAPI's server name."),
    Option("sasl_kerberos_service_name", "kafka", check.not_built_yet("kafka"), "", "security", "GSSAPI's service name."),
    Option("sasl_kerberos_domain_name", None, check.not_built_yet(None), "", "security", "GSSAPI's domain."),
    Option("sasl_oauth_token_provider", None, check.not_built_yet(None), "", "security", "OAUTHBEARER's provider of tokens."),
    # --- metrics ------------------------------------------------------------------------------------------------
    Option("metrics_enabled", True, check.boolean, "", "metrics", "False: nothing is measured and metrics() gives None."),
    Option(
        "metric_reporters",
        [],
        check.sequence_of(check.function),
        "",
        "metrics",
        "Classes of AbstractMetricsReporter to tell of every metric.",
    ),
    Option("metrics_num_samples", 2, check.integer(1), "", "metrics", "Samples kept for a metric."),
    Option("metrics_sample_window_ms", 30000, check.number(1), "ms", "metrics", "What each sample covers."),
    # --- of later producers, at the values that change nothing ---------------------------------------------------
    Option("enable_idempotence", False, check.not_built_yet(False), "", "later", "Exactly one copy of each record in the log (KIP-98)."),
    Option("transactional_id", None, check.not_built_yet(None), "", "later", "Transactions under this name (KIP-98)."),
    Option("transaction_timeout_ms", 60000, check.not_built_yet(60000), "ms", "later", "How long a transaction may stay open."),
    Option(
        "client_dns_lookup",
        "use_all_dns_ips",
        check.not_built_yet("use_all_dns_ips"),
        "",
        "later",
        "Every address of a name is tried in turn (KIP-602).",
    ),
    Option("proxy_url", None, check.not_built_yet(None), "", "later", "A proxy to connect through."),
    Option("socks5_proxy", None, check.not_built_yet(None), "", "later", "The older name of proxy_url."),
    Option("kafka_client", None, check.not_built_yet(None), "", "later", "Another client class."),
    Option("bootstrap_topics_filter", set(), check.not_built_yet(set()), "", "later", "Without meaning for a producer."),
    Option("sock_chunk_bytes", 4096, check.not_built_yet(4096), "bytes", "later", "Without meaning here: reads are as large as what has come."),
    Option("sock_chunk_buffer_count", 1000, check.not_built_yet(1000), "", "later", "Without meaning here, likewise."),
    Option(
        "reconnect_backoff_max",
        1000,
        check.not_built_yet(1000),
        "ms",
        "later",
        "How releases 1.3.4 and 1.3.5 misspelt reconnect_backoff_max_ms.",
    ),
)

BY_NAME: Mapping[str, Option] = {option.name: option for option in OPTIONS}

_COMPRESSION_ATTRS = "compression_attrs"
_COMPRESSION_LEVELS = {name: f"compression_{name}_level" for name in ("gzip", "lz4", "zstd")}

_client_numbers = itertools.count(1)


def default_config() -> dict[str, Any]:
    """A new dict of every option at its default; mutable defaults are copies."""
    return {option.name: copy.copy(option.default) if isinstance(option.default, (list, set)) else option.default for option in OPTIONS}


def resolve(given: Mapping[str, Any]) -> dict[str, Any]:
    """The producer's `config`: defaults, what was given, and what follows from it; KafkaConfigurationError names what is wrong.

    What follows has one entry that is no option, `compression_attrs`, the codec's number; it may be given where it is right, so that one
    producer's config makes another.
    """
    given = dict(given)
    compression_attrs = given.pop(_COMPRESSION_ATTRS, None)
    _check_each(given)
    config = default_config()
    config.update(given)
    if config["compression_type"] == "none":
        config["compression_type"] = None
    if config["acks"] == "all":
        config["acks"] = -1
    if config["client_id"] is None:
        config["client_id"] = f"kafka-python-producer-{next(_client_numbers)}"
    if config["api_version"] == "auto":
        config["api_version"] = None
    elif config["api_version"] == "0.9":
        config["api_version"] = (0, 9)
    for rule in RULES:
        rule(config)
    if config["max_batch_size"] is None:
        grows = "batch_size" not in given and config["acks"] != 0
        config["max_batch_size"] = config["max_request_size"] if grows else config["batch_size"]
    chosen = chosen_codec(config)
    config[_COMPRESSION_ATTRS] = NO_CODEC_ID if chosen is None else chosen.id
    if compression_attrs not in (None, config[_COMPRESSION_ATTRS]):
        raise KafkaConfigurationError(f"{_COMPRESSION_ATTRS}: {compression_attrs!r} is not valid, it follows from compression_type")
    return config


def _check_each(given: Mapping[str, Any]) -> None:
    """Look at names and values, each by itself; one error tells of all that is wrong with them."""
    wrong: list[KafkaConfigurationError] = []
    unknown = {name: value for name, value in given.items() if name not in BY_NAME}
    if unknown:
        suggestions = _suggestions(unknown, given.get("compression_type"))
        wrong.append(KafkaConfigurationError(f"Unrecognized configs: {_without_secrets(unknown)}{suggestions}"))
    for name, value in given.items():
        if name not in unknown and value is not BY_NAME[name].default:
            try:
                BY_NAME[name].check(name, value)
            except KafkaConfigurationError as error:
                wrong.append(error)
    if len(wrong) == 1:
        raise wrong[0]
    if wrong:
        raise KafkaConfigurationError("; ".join(str(error.args[0]) for error in wrong))


_LIBRDKAFKA_NAMES = {
    "batch.num.messages": "batch_size",
    "compression.codec": "compression_type",
    "compression.level": "compression_gzip_level",  # of whichever codec is chosen
    "max.in.flight": "max_in_flight_requests_per_connection",
    "message.max.bytes": "max_request_size",
    "message.send.max.retries": "retries",
    "message.timeout.ms": "delivery_timeout_ms",
    "metadata.broker.list": "bootstrap_servers",
    "queue.buffering.max.kbytes": "buffer_memory",
    "queue.buffering.max.messages": "buffer_memory",
    "queue.buffering.max.ms": "linger_ms",
    "request.required.acks": "acks",
    "sasl.mechanisms": "sasl_mechanism",
    "sasl.password": "sasl_plain_password",
    "sasl.username": "sasl_plain_username",
    "socket.keepalive.enable": "socket_options",
    "socket.receive.buffer.bytes": "receive_buffer_bytes",
    "socket.send.buffer.bytes": "send_buffer_bytes",
    "socket.timeout.ms": "request_timeout_ms",
    "ssl.ca.location": "ssl_cafile",
    "ssl.certificate.location": "ssl_certfile",
    "ssl.crl.location": "ssl_crlfile",
    "ssl.key.location": "ssl_keyfile",
    "ssl.key.password": "ssl_password",
    "topic.metadata.refresh.interval.ms": "metadata_max_age_ms",
}
"""Names that confluent-kafka has for what an option here does; Java's are found by their likeness."""


def _suggestions(unknown: Mapping[str, Any], compression_type: Any) -> str:
    hints = []
    for name in unknown:
        meant = _LIBRDKAFKA_NAMES.get(str(name).replace("_", "."))
        if meant in _COMPRESSION_LEVELS.values() and isinstance(compression_type, str):
            meant = _COMPRESSION_LEVELS.get(compression_type, meant)
        close = [meant] if meant else difflib.get_close_matches(str(name).lower().replace(".", "_"), BY_NAME, n=1)
        if close:
            hints.append(f"{close[0]!r} instead of {name!r}")
    return f" (did you mean {', '.join(hints)}?)" if hints else ""


def _without_secrets(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: "..." if "password" in str(name) or "secret" in str(name) else value for name, value in values.items()}


# --- rules between options ------------------------------------------------------------------------------------------


def delivery_outlives_linger_and_request(config: Mapping[str, Any]) -> None:
    least_ms = config["linger_ms"] + config["request_timeout_ms"]
    if config["delivery_timeout_ms"] is not None and config["delivery_timeout_ms"] < least_ms:
        raise KafkaConfigurationError(
            "delivery_timeout_ms: Must set delivery_timeout_ms higher than linger_ms + request_timeout_ms: "
            f"{config['delivery_timeout_ms']} < {least_ms}"
        )


def codec_is_installed_and_known_to_brokers(config: Mapping[str, Any]) -> None:
    name, version = config["compression_type"], config["api_version"]
    if name is None:
        return
    codec.require(name)
    needs = {"lz4": ((0, 8, 2), "LZ4 Requires >= Kafka 0.8.2 Brokers"), "zstd": ((2, 1), "Zstd Requires >= Kafka 2.1.0 Brokers")}.get(name)
    if needs and version is not None and version < needs[0]:
        raise KafkaConfigurationError(f"compression_type: {needs[1]}, and api_version is {version}")


def largest_batch_fits_the_other_sizes(config: Mapping[str, Any]) -> None:
    most = config["max_batch_size"]
    if most is None:
        return
    if most < config["batch_size"]:
        raise KafkaConfigurationError(f"max_batch_size: {most} is less than batch_size={config['batch_size']}")
    if most > max(config["max_request_size"], config["batch_size"]):
        raise KafkaConfigurationError(f"max_batch_size: {most} is more than max_request_size={config['max_request_size']}")
    if config["acks"] == 0 and most > config["batch_size"]:
        raise KafkaConfigurationError("max_batch_size: with acks=0 batches cannot grow, since no broker says what it refuses")


def options_of_compression_have_an_effect(config: Mapping[str, Any]) -> None:
    """Not an error, since programs may read codec and levels from their own settings, each by itself."""
    chosen = config["compression_type"]
    idle = [option for name, option in _COMPRESSION_LEVELS.items() if name != chosen and config[option] != BY_NAME[option].default]
    if chosen is None and config["check_size_after_compression"]:
        idle.append("check_size_after_compression")
    if idle:
        log.warning("%s given, and of no effect with compression_type=%r", ", ".join(idle), chosen)


def sasl_mechanism_is_built(config: Mapping[str, Any]) -> None:
    if config["sasl_mechanism"] is not None:
        require_mechanism(config["sasl_mechanism"])


def security_options_have_an_effect(config: Mapping[str, Any]) -> None:
    """Not an error, since programs give what they read from their own settings; but whoever expects to be secured should hear of it."""
    protocol = config["security_protocol"]
    for prefix, protocols in (("sasl_", ("SASL_PLAINTEXT", "SASL_SSL")), ("ssl_", ("SSL", "SASL_SSL"))):
        idle = [name for name, option in BY_NAME.items() if name.startswith(prefix) and config[name] != option.default]
        if idle and protocol not in protocols:
            log.warning(
                "%s given, and of no effect with security_protocol=%r: it must be %s for that", ", ".join(idle), protocol, " or ".join(protocols)
            )


RULES = (
    delivery_outlives_linger_and_request,
    codec_is_installed_and_known_to_brokers,
    options_of_compression_have_an_effect,
    largest_batch_fits_the_other_sizes,
    sasl_mechanism_is_built,
    security_options_have_an_effect,
)


# --- what the parts are built from ----------------------------------------------------------------------------------


def delivery_policy(config: Mapping[str, Any]) -> DeliveryPolicy:
    """The sender's share of the options."""
    timeout_ms = config["delivery_timeout_ms"]
    if timeout_ms is None and config["retries"] > 0:
        timeout_ms = max(120000, config["linger_ms"] + config["request_timeout_ms"])
    return DeliveryPolicy(
        acks=config["acks"],
        retries=config["retries"],
        retry_backoff_s=config["retry_backoff_ms"] / 1000,
        request_timeout_s=config["request_timeout_ms"] / 1000,
        linger_s=config["linger_ms"] / 1000,
        delivery_timeout_s=None if timeout_ms is None else timeout_ms / 1000,
        max_block_s=config["max_block_ms"] / 1000,
        max_request_bytes=config["max_request_size"],
        keeps_order=config["max_in_flight_requests_per_connection"] == 1,
    )


def most_record_bytes(config: Mapping[str, Any]) -> int:
    """Larger records are refused before they are put into a batch: more than max_request_size where that is for what compression makes of them."""
    is_for_compressed = config["check_size_after_compression"] and config["compression_type"] is not None
    return _INT32_MAX if is_for_compressed else int(config["max_request_size"])


def batch_sizes(config: Mapping[str, Any]) -> BatchSizes:
    """The accumulator's share of the options."""
    most = min(config["max_batch_size"], config["max_request_size"])
    return BatchSizes(sendable=min(config["batch_size"], most), most=most)


def chosen_codec(config: Mapping[str, Any]) -> Codec | None:
    """The codec of batches, at the level that is wanted; None sends them as they are."""
    name = config["compression_type"]
    if name is None:
        return None
    return codec.require(name).at_level(config[_COMPRESSION_LEVELS[name]] if name in _COMPRESSION_LEVELS else None)
