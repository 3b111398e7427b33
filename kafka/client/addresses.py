"""Brokers' addresses: reading bootstrap_servers, and telling literal addresses from names.

Imported by: client.*.  Imports: errors.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from typing import NamedTuple

from kafka.errors import KafkaConfigurationError

DEFAULT_PORT = 9092
_PROTOCOL = re.compile(r"^[A-Za-z][A-Za-z0-9_+.-]*://")


class Address(NamedTuple):
    """A host, by name or by address without brackets, and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_bootstrap_servers(servers: str | Sequence[str]) -> tuple[Address, ...]:
    """Addresses in the order given, each once; several may stand in one string, separated by commas.

    KafkaConfigurationError says which entry cannot be read and why.
    """
    entries = [servers] if isinstance(servers, str) else list(servers)
    found: dict[Address, None] = {}
    for entry in entries:
        if not isinstance(entry, str):
            raise KafkaConfigurationError(f"bootstrap_servers: {entry!r} is not a 'host[:port]' string")
        for part in entry.split(","):
            if part.strip():
                found[_parse_address(part.strip())] = None
    if not found:
        raise KafkaConfigurationError(f"bootstrap_servers: {servers!r} names no server")
    return tuple(found)


def _parse_address(text: str) -> Address:
    rest = _PROTOCOL.sub("", text, count=1)
    if rest.startswith("["):
        host, bracket, after = rest[1:].partition("]")
        if not bracket or (after and not after.startswith(":")) or not is_literal(host):
            raise KafkaConfigurationError(f"bootstrap_servers: {text!r} is not a '[IPv6 address]:port'")
        port = after[1:]
        has_port = bool(after)
    elif rest.count(":") > 1:
        host, port, has_port = rest, "", False
        if not is_literal(host):
            raise KafkaConfigurationError(f"bootstrap_servers: {text!r} has more than one port; an IPv6 address needs brackets")
    else:
        host, colon, port = rest.partition(":")
        has_port = bool(colon)
    if not host or any(character.isspace() or character in "/?#@" for character in host):
        raise KafkaConfigurationError(f"bootstrap_servers: {text!r} names no host")
    return Address(host, _parse_port(text, port) if has_port else DEFAULT_PORT)


def _parse_port(text: str, port: str) -> int:
    if not (port.isascii() and port.isdigit() and 0 < int(port) <= 65535):
        raise KafkaConfigurationError(f"bootstrap_servers: the port of {text!r} is not a number from 1 to 65535")
    return int(port)


def is_literal(host: str) -> bool:
    """Whether the host is an address already, which needs no name service."""
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
