"""kafka.cluster: what applications take from it besides the metadata."""

from __future__ import annotations

import socket

import pytest

from kafka.cluster import collect_hosts, get_ip_port_afi


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("kafka.example", ("kafka.example", 9092, socket.AF_UNSPEC)),
        (" kafka.example:1234 ", ("kafka.example", 1234, socket.AF_UNSPEC)),
        ("127.0.0.1", ("127.0.0.1", 9092, socket.AF_INET)),
        ("127.0.0.1:1234", ("127.0.0.1", 1234, socket.AF_INET)),
        ("::1", ("::1", 9092, socket.AF_INET6)),
        ("[::1]", ("::1", 9092, socket.AF_INET6)),
        ("[2001:db8::1]:1234", ("2001:db8::1", 1234, socket.AF_INET6)),
        ("SASL_SSL://kafka.example:1234", ("kafka.example", 1234, socket.AF_UNSPEC)),
        ("SSL://[::1]:1234", ("::1", 1234, socket.AF_INET6)),
    ],
)
def test_an_address_is_taken_apart_and_its_family_told(text: str, expected: tuple[str, int, int]) -> None:
    assert get_ip_port_afi(text) == expected


def test_a_port_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="http"):
        get_ip_port_afi("kafka.example:http")


@pytest.mark.parametrize("hosts", ["b:2, a:1 ,c", ["b:2", "a:1", "c"]], ids=["text", "list"])
def test_hosts_are_collected_in_order_or_shuffled(hosts: str | list[str]) -> None:
    ordered = [("b", 2, socket.AF_UNSPEC), ("a", 1, socket.AF_UNSPEC), ("c", 9092, socket.AF_UNSPEC)]
    assert collect_hosts(hosts, randomize=False) == ordered
    seen = {tuple(collect_hosts(hosts)) for _ in range(200)}
    assert len(seen) == 6
    assert all(sorted(found) == sorted(ordered) for found in seen)
