"""producer.config: every option, its default, its check, and what an error says."""

from __future__ import annotations

import inspect
import random
import re
import selectors
import socket
from pathlib import Path
from typing import Any

import pytest

from kafka import KafkaProducer
from kafka.client.options import client_options
from kafka.codec import require
from kafka.errors import KafkaConfigurationError
from kafka.partitioner import DefaultPartitioner
from kafka.producer.config import _LIBRDKAFKA_NAMES, OPTIONS, RULES, batch_sizes, chosen_codec, delivery_policy, resolve
from tools.config_reference import TARGET, reference

DOCUMENTED_IN_1_3: dict[str, Any] = {
    "bootstrap_servers": "localhost",
    "client_id": None,
    "key_serializer": None,
    "value_serializer": None,
    "acks": 1,
    "compression_type": None,
    "retries": 0,
    "batch_size": 16384,
    "linger_ms": 0,
    "buffer_memory": 33554432,
    "max_block_ms": 60000,
    "max_request_size": 1048576,
    "metadata_max_age_ms": 300000,
    "retry_backoff_ms": 100,
    "request_timeout_ms": 30000,
    "receive_buffer_bytes": None,
    "send_buffer_bytes": None,
    "socket_options": [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
    "reconnect_backoff_ms": 50,
    "reconnect_backoff_max_ms": 1000,
    "max_in_flight_requests_per_connection": 5,
    "security_protocol": "PLAINTEXT",
    "ssl_context": None,
    "ssl_check_hostname": True,
    "ssl_cafile": None,
    "ssl_certfile": None,
    "ssl_keyfile": None,
    "ssl_password": None,
    "ssl_crlfile": None,
    "api_version": None,
    "api_version_auto_timeout_ms": 2000,
    "metric_reporters": [],
    "metrics_num_samples": 2,
    "metrics_sample_window_ms": 30000,
    "selector": selectors.DefaultSelector,
    "sasl_mechanism": None,
    "sasl_plain_username": None,
    "sasl_plain_password": None,
}


@pytest.mark.parametrize("name", DOCUMENTED_IN_1_3)
def test_documented_defaults(name: str) -> None:
    assert KafkaProducer.DEFAULT_CONFIG[name] == DOCUMENTED_IN_1_3[name]


def test_the_default_partitioner_is_javas() -> None:
    assert isinstance(KafkaProducer.DEFAULT_CONFIG["partitioner"], DefaultPartitioner)


def test_passing_every_default_changes_nothing() -> None:
    config = resolve({**KafkaProducer.DEFAULT_CONFIG, "client_id": "me"})
    assert config == {**resolve({}), "client_id": "me", "max_batch_size": 16384}  # a batch_size that is passed is a limit


def test_config_is_a_plain_dict_of_its_own() -> None:
    first, second = resolve({}), resolve({})
    assert type(first) is dict
    first["socket_options"].append((1, 2, 3))
    assert second["socket_options"] == KafkaProducer.DEFAULT_CONFIG["socket_options"] == [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]


def test_client_ids_count_up() -> None:
    numbers = [int(re.fullmatch(r"kafka-python-producer-(\d+)", resolve({})["client_id"])[1]) for _ in range(2)]  # type: ignore[index]
    assert numbers[1] == numbers[0] + 1


def test_all_becomes_minus_one_and_versions_become_tuples() -> None:
    assert resolve({"acks": "all"})["acks"] == -1
    assert resolve({"api_version": "0.9"})["api_version"] == (0, 9)
    assert resolve({"api_version": "auto"})["api_version"] is None


BAD: list[tuple[str, Any]] = [
    ("acks", 2), ("acks", "1"), ("acks", True), ("acks", None),
    ("retries", -1), ("retries", 1.5), ("retries", "3"),
    ("batch_size", -1), ("batch_size", 1.5), ("max_batch_size", -1), ("max_batch_size", "big"),
    ("linger_ms", -1), ("linger_ms", "5"), ("buffer_memory", 0), ("buffer_memory", None),
    ("unknown_topic_retries", -1), ("unknown_topic_retries", 1.5), ("unknown_topic_retries", True), ("unknown_topic_retries", "4"),
    ("max_block_ms", -1), ("max_request_size", 0), ("request_timeout_ms", 0), ("delivery_timeout_ms", 0),
    ("max_in_flight_requests_per_connection", 0), ("metadata_max_age_ms", -1), ("retry_backoff_ms", "x"),
    ("receive_buffer_bytes", 0), ("send_buffer_bytes", -5), ("socket_options", "x"), ("socket_options", [5]),
    ("reconnect_backoff_ms", -1), ("reconnect_backoff_max_ms", None), ("connections_max_idle_ms", -1),
    ("client_id", b"bytes"), ("client_id", 5), ("bootstrap_servers", 5), ("bootstrap_servers", []), ("bootstrap_servers", [("h", 1)]),
    ("key_serializer", 5), ("value_serializer", "x"), ("partitioner", 5), ("selector", None),
    ("compression_type", "foo"), ("compression_type", 5),
    ("check_size_after_compression", 1), ("check_size_after_compression", None),
    ("compression_gzip_level", 0), ("compression_gzip_level", 10), ("compression_gzip_level", -2), ("compression_gzip_level", None),
    ("compression_gzip_level", True), ("compression_gzip_level", 6.0), ("compression_lz4_level", 0), ("compression_lz4_level", 18),
    ("compression_lz4_level", "9"), ("compression_zstd_level", -131073), ("compression_zstd_level", 23), ("compression_zstd_level", None),
    ("security_protocol", "TLS"), ("ssl_check_hostname", "yes"), ("ssl_cafile", "/no/such/file"), ("ssl_certfile", 5),
    ("sasl_mechanism", 5), ("api_version", "2.8"), ("api_version", (2,)), ("api_version", [2, 8]), ("api_version_auto_timeout_ms", -1),
    ("on_delivery_error", 5), ("exit_timeout_ms", -1),
    ("metric_reporters", "x"), ("metrics_num_samples", 0), ("metrics_sample_window_ms", 0), ("metrics_enabled", 1),
    ("enable_idempotence", True), ("transactional_id", "t"), ("socks5_proxy", "socks5://x"), ("proxy_url", "http://x"),
    ("sasl_oauth_token_provider", object()), ("allow_auto_create_topics", False), ("kafka_client", object), ("ssl_ciphers", "ALL"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), BAD, ids=lambda v: "an object" if type(v) is object else repr(v)[:30])
def test_a_bad_value_is_refused_with_the_options_name(name: str, value: Any) -> None:
    for style in (KafkaConfigurationError, AssertionError, ValueError):
        with pytest.raises(style, match=name):
            resolve({name: value})


def test_every_option_has_a_bad_value_in_the_table() -> None:
    takes_anything = {"ssl_context", "ssl_password"}
    later_without_use = {option.name for option in OPTIONS if option.group == "later"}
    untested = {option.name for option in OPTIONS} - {name for name, _ in BAD} - takes_anything - later_without_use
    assert untested <= {
        "bootstrap_timeout_ms", "receive_message_max_bytes", "ssl_keyfile", "ssl_crlfile", "sasl_plain_username", "sasl_plain_password",
        "sasl_kerberos_name", "sasl_kerberos_service_name", "sasl_kerberos_domain_name",
    }  # fmt: skip


def test_an_unknown_option_is_refused_with_a_suggestion_and_without_secrets() -> None:
    with pytest.raises(AssertionError, match=r"Unrecognized configs: \{'linger.ms': 5\} \(did you mean 'linger_ms' instead of 'linger.ms'\?\)"):
        resolve({"linger.ms": 5})
    with pytest.raises(ValueError, match="Unrecognized configs") as caught:
        resolve({"my_password": "geheim"})
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize("seed", range(20))
def test_a_typing_error_is_answered_with_the_name_that_was_meant(seed: int) -> None:
    chance = random.Random(seed)
    for option in OPTIONS:
        name = option.name
        at = chance.randrange(len(name))
        typo = chance.choice(
            [name[:at] + name[at + 1 :], name[:at] + "x" + name[at:], name[:at] + "q" + name[at + 1 :], name.replace("_", "-"), name.upper()]
        )
        if typo in {one.name for one in OPTIONS}:
            continue
        with pytest.raises(KafkaConfigurationError, match=f"did you mean '{name}'"):
            resolve({typo: 1})


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("queue.buffering.max.ms", "linger_ms"),  # confluent-kafka's
        ("message.timeout.ms", "delivery_timeout_ms"),
        ("ssl.ca.location", "ssl_cafile"),
        ("delivery.timeout.ms", "delivery_timeout_ms"),  # Java's
        ("max.in.flight.requests.per.connection", "max_in_flight_requests_per_connection"),
        ("reconnect.backoff.max.ms", "reconnect_backoff_max_ms"),
        ("bootstrap.servers", "bootstrap_servers"),
        ("compression.gzip.level", "compression_gzip_level"),
        ("compression.lz4.level", "compression_lz4_level"),
        ("compression.zstd.level", "compression_zstd_level"),
    ],
)
def test_names_of_other_clients_are_answered_with_ours(theirs: str, ours: str) -> None:
    with pytest.raises(KafkaConfigurationError, match=f"did you mean '{ours}' instead of '{theirs}'"):
        resolve({theirs: 5})


@pytest.mark.parametrize("codec", ["gzip", "lz4", "zstd"])
def test_a_level_without_a_codecs_name_is_taken_for_that_of_the_codec(codec: str) -> None:
    with pytest.raises(KafkaConfigurationError, match=f"did you mean 'compression_{codec}_level' instead of 'compression.level'"):
        resolve({"compression_type": codec, "compression.level": 5})


@pytest.mark.parametrize(
    ("name", "value", "bounds"),
    [
        ("compression_gzip_level", 10, "-1 or an integer from 1 to 9"),
        ("compression_lz4_level", 18, "an integer from 1 to 17"),
        ("compression_zstd_level", 23, "an integer from -131072 to 22"),
    ],
)
def test_the_error_of_a_level_has_its_bounds(name: str, value: int, bounds: str) -> None:
    with pytest.raises(KafkaConfigurationError, match=f"{name}: {value} is not valid, it must be {bounds}"):
        resolve({name: value})


@pytest.mark.parametrize(
    ("codec", "levels"), [("gzip", [-1, 1, 9]), ("lz4", [None, 1, 17]), ("zstd", [-131072, -1, 0, 22]), ("snappy", []), (None, [])]
)
def test_batches_are_compressed_by_the_codec_at_the_level(codec: str | None, levels: list[Any], caplog: pytest.LogCaptureFixture) -> None:
    data = b"".join(b"%d" % (n * n) for n in range(1000))
    assert (chosen_codec(resolve({"compression_type": codec})) is None) == (codec is None)
    for level in levels:
        chosen = chosen_codec(resolve({"compression_type": codec, f"compression_{codec}_level": level}))
        assert chosen is not None
        assert chosen.compress(data) == require(str(codec)).at_level(level).compress(data)
    assert not caplog.messages


def test_the_level_of_a_codec_that_is_not_chosen_is_named_in_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    resolve({"compression_type": "gzip", "compression_gzip_level": 9, "compression_lz4_level": 9, "compression_zstd_level": 9})
    assert caplog.messages == ["compression_lz4_level, compression_zstd_level given, and of no effect with compression_type='gzip'"]


def test_a_check_after_compression_that_never_comes_is_named_in_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    resolve({"compression_type": "lz4", "check_size_after_compression": True})
    assert not caplog.messages
    resolve({"check_size_after_compression": True})
    assert caplog.messages == ["check_size_after_compression given, and of no effect with compression_type=None"]


def test_the_names_that_are_suggested_for_others_exist() -> None:
    assert set(_LIBRDKAFKA_NAMES.values()) <= {option.name for option in OPTIONS}


OF_KAFKA_PYTHON = """
acks allow_auto_create_topics api_version api_version_auto_timeout_ms batch_size bootstrap_servers bootstrap_timeout_ms bootstrap_topics_filter
buffer_memory client_dns_lookup client_id compression_type connections_max_idle_ms delivery_timeout_ms enable_idempotence kafka_client key_serializer
linger_ms max_block_ms max_in_flight_requests_per_connection max_request_size metadata_max_age_ms metric_reporters metrics_enabled
metrics_num_samples metrics_sample_window_ms partitioner proxy_url receive_buffer_bytes receive_message_max_bytes reconnect_backoff_max_ms
reconnect_backoff_ms request_timeout_ms retries retry_backoff_ms sasl_kerberos_domain_name sasl_kerberos_name sasl_kerberos_service_name
sasl_mechanism sasl_oauth_token_provider sasl_plain_password sasl_plain_username security_protocol selector send_buffer_bytes
sock_chunk_buffer_count sock_chunk_bytes socket_options socks5_proxy ssl_cafile ssl_certfile ssl_check_hostname ssl_ciphers ssl_context
ssl_crlfile ssl_keyfile ssl_password transaction_timeout_ms transactional_id value_serializer
"""


def test_every_option_that_a_producer_of_kafka_python_had_is_known() -> None:
    """From 1.3.5, 2.0.2, 2.3.3 and 3.0.12."""
    assert set(OF_KAFKA_PYTHON.split()) <= {option.name for option in OPTIONS}


def test_one_error_tells_of_all_that_is_wrong() -> None:
    with pytest.raises(KafkaConfigurationError) as caught:
        resolve({"linger.ms": 5, "acks": 7, "batch_size": "large", "retries": 3})
    for said in ("linger.ms", "did you mean 'linger_ms'", "acks: 7", "batch_size: 'large'"):
        assert said in str(caught.value)
    assert "retries" not in str(caught.value)


def test_a_codec_that_is_not_known_or_too_new_is_refused() -> None:
    with pytest.raises(AssertionError, match="Zstd Requires"):
        resolve({"compression_type": "zstd", "api_version": (0, 11)})
    with pytest.raises(ValueError, match="LZ4 Requires"):
        resolve({"compression_type": "lz4", "api_version": (0, 8, 1)})


def test_delivery_must_outlive_linger_and_request_where_it_is_given() -> None:
    with pytest.raises(KafkaConfigurationError, match="delivery_timeout_ms"):
        resolve({"delivery_timeout_ms": 30_000, "linger_ms": 1})
    resolve({"request_timeout_ms": 500_000})


@pytest.mark.parametrize(
    ("given", "expected_s"),
    [
        ({}, None),
        ({"retries": 3}, 120.0),
        ({"retries": 3, "request_timeout_ms": 200_000, "linger_ms": 1000}, 201.0),
        ({"delivery_timeout_ms": 50_000}, 50.0),
    ],
)
def test_what_bounds_delivery(given: dict[str, Any], expected_s: float | None) -> None:
    assert delivery_policy(resolve(given)).delivery_timeout_s == expected_s


def test_sasl_needs_a_mechanism_that_is_built_and_its_secrets() -> None:
    for given, words in (
        ({}, "sasl_mechanism"),
        ({"sasl_mechanism": "GSSAPI"}, "GSSAPI.*not built yet"),
        ({"sasl_mechanism": "PLAIN"}, "sasl_plain_username"),
        ({"sasl_mechanism": "PLAIN", "sasl_plain_username": "u"}, "sasl_plain_password"),
    ):
        with pytest.raises(KafkaConfigurationError, match=words):
            client_options(resolve({"security_protocol": "SASL_PLAINTEXT", **given}))


@pytest.mark.parametrize("protocol", ["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"])
@pytest.mark.parametrize(
    ("mechanism", "words"), [("GSSAPI", "not built yet"), ("SCRAM-SHA-512", "not built yet"), ("OAUTHBEARER", "not built yet"), ("NOPE", "not known")]
)
def test_a_mechanism_that_is_not_built_is_refused_whatever_the_protocol(protocol: str, mechanism: str, words: str) -> None:
    with pytest.raises(KafkaConfigurationError, match=f"sasl_mechanism: '{mechanism}' is {words}"):
        resolve({"security_protocol": protocol, "sasl_mechanism": mechanism})


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"sasl_mechanism": "PLAIN"}, "sasl_mechanism"),
        ({"sasl_plain_username": "u", "sasl_plain_password": "geheim"}, "sasl_plain_username, sasl_plain_password"),
        ({"security_protocol": "SSL", "sasl_mechanism": "PLAIN"}, "sasl_mechanism"),
        ({"ssl_check_hostname": False, "ssl_password": "geheim"}, "ssl_check_hostname, ssl_password"),
        ({"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "PLAIN", "ssl_check_hostname": False}, "ssl_check_hostname"),
    ],
)
def test_options_of_security_without_effect_are_named_in_a_warning(given: dict[str, Any], named: str, caplog: pytest.LogCaptureFixture) -> None:
    config = resolve(given)
    (message,) = caplog.messages
    assert message.startswith(f"{named} given, and of no effect with security_protocol={config['security_protocol']!r}")
    assert "geheim" not in message


def test_options_of_security_that_have_an_effect_or_are_defaults_are_not_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    resolve({"security_protocol": "SASL_SSL", "sasl_mechanism": "PLAIN", "ssl_check_hostname": False})
    resolve(KafkaProducer.DEFAULT_CONFIG)
    assert not caplog.messages


@pytest.mark.parametrize(("codec", "number"), [(None, 0), ("none", 0), ("gzip", 1), ("snappy", 2), ("lz4", 3), ("zstd", 4)])
def test_the_codecs_number_is_in_the_config(codec: str | None, number: int) -> None:
    assert resolve({"compression_type": codec})["compression_attrs"] == number


def test_one_producers_config_makes_another() -> None:
    config = resolve({"compression_type": "gzip", "acks": "all", "client_id": "me"})
    assert resolve(config) == config
    with pytest.raises(KafkaConfigurationError, match="compression_attrs"):
        resolve({"compression_attrs": 1})


def test_secrets_stand_in_no_repr() -> None:
    config = resolve(
        {
            "security_protocol": "SASL_SSL",
            "sasl_mechanism": "PLAIN",
            "sasl_plain_username": "u",
            "sasl_plain_password": "geheim",
            "ssl_password": "tief",
        }
    )
    shown = repr(client_options(config))
    assert "geheim" not in shown
    assert "tief" not in shown


def test_rules_are_named_functions_and_options_are_documented() -> None:
    assert all(inspect.isfunction(rule) for rule in RULES)
    assert all(option.doc.endswith(".") for option in OPTIONS)
    assert len({option.name for option in OPTIONS}) == len(OPTIONS)


def test_the_reference_is_up_to_date() -> None:
    assert Path(TARGET).read_text() == reference(), "run python -m tools.config_reference"


@pytest.mark.parametrize(
    ("given", "most"),
    [
        ({}, 1048576),
        ({"max_request_size": 50000}, 50000),
        ({"batch_size": 16384}, 16384),
        ({"batch_size": 0}, 0),
        ({"acks": 0}, 16384),
        ({"batch_size": 1000, "max_batch_size": 9000}, 9000),
        ({"max_batch_size": 20000}, 20000),
    ],
    ids=str,
)
def test_batches_grow_only_where_no_batch_size_is_passed(given: dict[str, Any], most: int) -> None:
    assert resolve(given)["max_batch_size"] == most


@pytest.mark.parametrize(
    "given",
    [
        {"batch_size": 2000, "max_batch_size": 1000},
        {"max_batch_size": 2000000},
        {"max_batch_size": 20000, "acks": 0},
    ],
    ids=str,
)
def test_a_largest_batch_that_does_not_fit_the_other_options_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(KafkaConfigurationError, match="max_batch_size"):
        resolve(given)


def test_a_batch_size_beyond_max_request_size_is_cut_to_it() -> None:
    sizes = batch_sizes(resolve({"batch_size": 2_000_000, "max_request_size": 100_000}))
    assert (sizes.sendable, sizes.most) == (100_000, 100_000)


def test_a_compression_type_of_another_type_is_told_beside_a_name_that_is_not_ours() -> None:
    with pytest.raises(KafkaConfigurationError, match="compression_type"):
        KafkaProducer(**{"compression.level": 3, "compression_type": ["gzip"]})
