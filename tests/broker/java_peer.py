"""The Java producer as a peer: what it does with a record is what ours must do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from tests.broker.real_kafka import RealKafka

SOURCE = Path(__file__).with_name("JavaPeer.java")


class Placed(NamedTuple):
    partition: int
    offset: int


def java_send(
    kafka: RealKafka, topic: str, records: Iterable[tuple[bytes | None, bytes | None]], options: Mapping[str, str] | None = None
) -> list[Placed]:
    """Send (key, value) pairs with the Java producer of the cluster's release; returns where each one went."""
    settings = {"bootstrap.servers": kafka.bootstrap, **(options or {})}
    lines = "".join(f"{_word(key)} {_word(value)}\n" for key, value in records)
    printed = kafka.run_java([str(SOURCE), topic, *(f"{name}={value}" for name, value in settings.items())], input_text=lines)
    return [Placed(int(partition), int(offset)) for partition, offset in map(str.split, printed.splitlines())]


def _word(data: bytes | None) -> str:
    return "-" if data is None else f"x{data.hex()}"
