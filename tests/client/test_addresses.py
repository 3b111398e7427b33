"""client.addresses: every way to write bootstrap_servers."""

from __future__ import annotations

from typing import Any

import pytest

from kafka.client.addresses import Address, is_literal, parse_bootstrap_servers
from kafka.errors import KafkaConfigurationError


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("localhost", [("localhost", 9092)]),
        ("h:1", [("h", 1)]),
        ("a:1,b:2 , c", [("a", 1), ("b", 2), ("c", 9092)]),
        (["a:1", "b:2,c:3"], [("a", 1), ("b", 2), ("c", 3)]),
        (["a:1", "a:1"], [("a", 1)]),
        ("PLAINTEXT://h:1", [("h", 1)]),
        ("SASL_SSL://[::1]:2", [("::1", 2)]),
        ("[::1]", [("::1", 9092)]),
        ("::1", [("::1", 9092)]),
        ("[fe80::1%eth0]:5", [("fe80::1%eth0", 5)]),
    ],
)
def test_servers_are_found(given: Any, expected: list[tuple[str, int]]) -> None:
    assert list(parse_bootstrap_servers(given)) == expected


@pytest.mark.parametrize("given", ["", [], ",", "h:x", "h:0", "h:65536", ":9092", "[::1", "[h]:1", "a:1:2", "h/x", [5], "h:", "a b:1"])
def test_what_is_no_server_is_refused_by_name(given: Any) -> None:
    with pytest.raises(KafkaConfigurationError, match="bootstrap_servers"):
        parse_bootstrap_servers(given)


def test_addresses_print_as_they_are_written() -> None:
    assert [str(Address("h", 1)), str(Address("::1", 2))] == ["h:1", "[::1]:2"]
    assert is_literal("127.0.0.1")
    assert not is_literal("localhost")
