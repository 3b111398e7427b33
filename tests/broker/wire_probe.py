"""Asks a broker for metadata with hand-written bytes, so that nothing of ours judges whether it is up.

Metadata v0 is answered by every release from 0.8 to 4.x.
"""

from __future__ import annotations

import socket
import struct
from typing import NamedTuple

CORRELATION_ID = 20


class Metadata(NamedTuple):
    """What one broker believes: the living brokers' ids, and each topic's leaders by partition (-1: none)."""

    broker_ids: frozenset[int]
    leaders: dict[str, dict[int, int]]


class _Reader:
    """Threads: one."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def number(self, form: str) -> int:
        value: int = struct.unpack_from(form, self._data, self._at)[0]
        self._at += struct.calcsize(form)
        return value

    def text(self) -> str:
        size = self.number(">h")
        self._at += size
        return self._data[self._at - size : self._at].decode()

    def skip_ids(self) -> None:
        count = self.number(">i")
        self._at += 4 * count


def read_metadata(address: tuple[str, int], *, timeout_s: float = 2.0) -> Metadata | None:
    """One question about all topics; None when there is no whole answer."""
    body = struct.pack(">hhih", 3, 0, CORRELATION_ID, 5) + b"probe" + struct.pack(">i", 0)
    try:
        with socket.create_connection(address, timeout=timeout_s) as connection:
            connection.sendall(struct.pack(">i", len(body)) + body)
            frame = _read_exactly(connection, struct.unpack(">i", _read_exactly(connection, 4))[0])
    except OSError:
        return None
    return _decode(_Reader(frame))


def _read_exactly(connection: socket.socket, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        received = connection.recv(size - len(parts))
        if not received:
            raise ConnectionResetError("closed in the middle of an answer")
        parts += received
    return bytes(parts)


def _decode(answer: _Reader) -> Metadata:
    answer.number(">i")  # correlation id
    broker_ids = []
    for _ in range(answer.number(">i")):
        broker_ids.append(answer.number(">i"))
        answer.text()
        answer.number(">i")
    leaders: dict[str, dict[int, int]] = {}
    for _ in range(answer.number(">i")):
        answer.number(">h")  # error code
        of_topic = leaders.setdefault(answer.text(), {})
        for _ in range(answer.number(">i")):
            answer.number(">h")  # error code
            partition = answer.number(">i")
            of_topic[partition] = answer.number(">i")
            answer.skip_ids()  # replicas
            answer.skip_ids()  # in sync
    return Metadata(frozenset(broker_ids), leaders)
