"""Produce the short way: many batches written, and many good answers read, without an object for each part of the message.

The bytes are those of protocol.produce, which also reads every answer that is not plain; tests hold the two equal.
Imported by: producer.sender.  Imports: protocol.produce, protocol.primitives.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

from kafka.errors import UnsupportedVersionError
from kafka.protocol.primitives import Buffer, unsigned_varint
from kafka.protocol.produce import BatchIndexAndErrorMessage, ProduceRequest, ProduceResponse

_ACKS_AND_TIMEOUT = struct.Struct(">hi")
_INT16 = struct.Struct(">h")
_INT32 = struct.Struct(">i")
_INDEX_AND_SIZE = struct.Struct(">ii")
_NO_TAGS = b"\0"
_ONE_BYTE = tuple(unsigned_varint(value) for value in range(128))
_LEAST_BUFFER = 128
_MOST_SHIFT = 28  # of a number of 32 bits
_NULL_COMPACT = b"\0"
_NULL_STRING = _INT16.pack(-1)


class PartitionAnswer:
    """What a broker says of one partition's batch.

    Threads: one.
    """

    __slots__ = ("base_offset", "error_code", "error_message", "log_append_time_ms", "log_start_offset", "partition", "record_errors")

    def __init__(
        self,
        partition: int,
        error_code: int,
        base_offset: int,
        log_append_time_ms: int = -1,
        log_start_offset: int = -1,
        record_errors: Sequence[BatchIndexAndErrorMessage] = (),
        error_message: str | None = None,
    ) -> None:
        self._fill(partition, error_code, base_offset, log_append_time_ms, log_start_offset, record_errors, error_message)

    def _fill(
        self,
        partition: int,
        error_code: int,
        base_offset: int,
        log_append_time_ms: int,
        log_start_offset: int,
        record_errors: Sequence[BatchIndexAndErrorMessage],
        error_message: str | None,
    ) -> None:
        self.partition = partition
        self.error_code = error_code
        self.base_offset = base_offset
        self.log_append_time_ms = log_append_time_ms
        self.log_start_offset = log_start_offset
        self.record_errors = record_errors
        self.error_message = error_message


class _Layout(NamedTuple):
    """A partition's answer without an error, from a version on."""

    layout: struct.Struct
    rest: bytes
    """What then follows: no record errors, no message, no tags."""


_FROM_0 = _Layout(struct.Struct(">ihq0s"), b"")
_FROM_2 = _Layout(struct.Struct(">ihqq0s"), b"")
_FROM_5 = _Layout(struct.Struct(">ihqqq0s"), b"")
_FROM_8 = _Layout(struct.Struct(">ihqqq6s"), b"\x00\x00\x00\x00\xff\xff")
_FROM_9 = _Layout(struct.Struct(">ihqqq3s"), b"\x01\x00\x00")
_ERROR_CODE = 1
_LAYOUTS = (_FROM_0, _FROM_0, _FROM_2, _FROM_2, _FROM_2, _FROM_5, _FROM_5, _FROM_5, _FROM_8, *[_FROM_9] * (ProduceRequest.VALID_VERSIONS[1] - 8))
"""By version."""


class ProduceAnswer:
    """What a broker says of a request: `partitions[topic][number]`.

    Threads: one.
    """

    __slots__ = ("partitions", "throttle_time_ms")

    def __init__(self, partitions: Mapping[str, Mapping[int, PartitionAnswer]], throttle_time_ms: int) -> None:
        self.partitions = partitions
        self.throttle_time_ms = throttle_time_ms

    def find(self, topic: str, index: int) -> PartitionAnswer | None:
        """The answer for a partition; None where the broker did not name it."""
        of_topic = self.partitions.get(topic)
        return None if of_topic is None else of_topic.get(index)

    @classmethod
    def decode(cls, version: int, buffer: Buffer, offset: int = 0) -> ProduceAnswer:
        """The answer in `buffer` from `offset` on; ProtocolDecodeError where it is none."""
        plain = _plain_answer(version, bytes(buffer), offset)
        return plain if plain is not None else _any_answer(ProduceResponse.decode(version, buffer, offset))


def _any_answer(response: ProduceResponse) -> ProduceAnswer:
    partitions: dict[str, dict[int, PartitionAnswer]] = {}
    for topic in response.responses:
        of_topic = partitions.setdefault(topic.name, {})
        for p in topic.partition_responses:
            of_topic[p.index] = PartitionAnswer(
                p.index, p.error_code, p.base_offset, p.log_append_time_ms, p.log_start_offset, p.record_errors, p.error_message
            )
    return ProduceAnswer(partitions, response.throttle_time_ms)


def _plain_answer(version: int, data: bytes, at: int) -> ProduceAnswer | None:
    """The answer, where no partition has an error and nothing is tagged or cut off; None where the schema must look."""
    layout, rest = _LAYOUTS[version]
    flexible = version >= 9
    partitions: dict[str, dict[int, PartitionAnswer]] = {}
    try:
        count, at = _count(data, at, flexible)
        for _ in range(count):
            name, at = _name(data, at, flexible)
            size, at = _count(data, at, flexible)
            if name in partitions:
                return None
            of_topic: dict[int, PartitionAnswer] = {}
            begin, at = at, at + size * layout.size
            for fields in layout.iter_unpack(memoryview(data)[begin:at]):
                if fields[_ERROR_CODE] or fields[-1] != rest:
                    return None
                answer = PartitionAnswer.__new__(PartitionAnswer)
                appended_ms = fields[3] if len(fields) > 4 else -1
                answer._fill(fields[0], 0, fields[2], appended_ms, fields[4] if len(fields) > 5 else -1, (), None)
                of_topic[fields[0]] = answer
            if len(of_topic) != size:
                return None
            partitions[name] = of_topic
            if flexible:
                if data[at]:
                    return None
                at += 1
        throttle_time_ms = 0
        if version >= 1:
            (throttle_time_ms,) = _INT32.unpack_from(data, at)
            at += _INT32.size
        if flexible and data[at]:
            return None
    except (IndexError, struct.error, UnicodeDecodeError):
        return None
    return ProduceAnswer(partitions, throttle_time_ms)


def _count(data: bytes, at: int, flexible: bool) -> tuple[int, int]:
    """The length of an array; IndexError where there is none."""
    if flexible:
        count, at = _unsigned(data, at)
        count -= 1
    else:
        (count,) = _INT32.unpack_from(data, at)
        at += _INT32.size
    if count < 0:
        raise IndexError
    return count, at


def _name(data: bytes, at: int, flexible: bool) -> tuple[str, int]:
    if flexible:
        size, at = _unsigned(data, at)
        size -= 1
    else:
        (size,) = _INT16.unpack_from(data, at)
        at += _INT16.size
    if size < 0 or at + size > len(data):
        raise IndexError
    return data[at : at + size].decode(), at + size


def _unsigned(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
        shift += 7
        if shift > _MOST_SHIFT:
            raise IndexError


class _TopicBatches:
    """A topic's part of a request.

    Threads: one.
    """

    __slots__ = ("chain", "count")

    def __init__(self) -> None:
        self.count = 0
        self.chain: list[Buffer] = []  # the batches' buffers, what stands before each among them


class ProduceBatches:
    """A Produce request of a version for batches that are there as buffers; each is written when it is added.

    Threads: one.
    """

    API_KEY = ProduceRequest.API_KEY
    VALID_VERSIONS = (0, ProduceRequest.NEWEST_ASKED)
    FLEXIBLE_FROM = ProduceRequest.FLEXIBLE_FROM
    NEWEST_ASKED = ProduceRequest.NEWEST_ASKED
    RESPONSE: ClassVar[Any] = ProduceAnswer
    is_flexible = ProduceRequest.is_flexible

    __slots__ = ("_topics", "acks", "flexible", "timeout_ms", "version")

    def __init__(self, version: int, acks: int, timeout_ms: int) -> None:
        """UnsupportedVersionError for a version not declared."""
        first, last = ProduceBatches.VALID_VERSIONS
        if not first <= version <= last:
            raise UnsupportedVersionError(f"ProduceBatches is known from version {first} to {last}, not {version}")
        self.version = version
        self.flexible = version >= ProduceBatches.FLEXIBLE_FROM
        self.acks = acks
        self.timeout_ms = timeout_ms
        self._topics: dict[str, _TopicBatches] = {}

    def add(self, topic: str, partition: int, buffers: Sequence[Buffer], size_bytes: int) -> None:
        """Append a batch of `size_bytes` in all."""
        of_topic = self._topics.get(topic)
        if of_topic is None:
            of_topic = self._topics[topic] = _TopicBatches()
        if self.flexible:
            head = _INT32.pack(partition) + _varint(size_bytes + 1)
            if of_topic.count:
                head = _NO_TAGS + head  # of the batch before
        else:
            head = _INDEX_AND_SIZE.pack(partition, size_bytes)
        of_topic.count += 1
        chain = of_topic.chain
        first = buffers[0]
        if len(first) < _LEAST_BUFFER:  # a batch's header: a copy costs less than a buffer of its own
            chain.append(head + first)
            chain += buffers[1:]
        else:
            chain.append(head)
            chain += buffers

    def encode_chain(self, version: int) -> list[Buffer]:
        """The body as buffers in order, the batches' own among them; UnsupportedVersionError for another version than the one it was made for."""
        if version != self.version:
            raise UnsupportedVersionError(f"The batches were written for version {self.version}, not {version}")
        flexible = self.flexible
        out: list[Buffer] = []
        start = (_NULL_COMPACT if flexible else _NULL_STRING) if version >= 3 else b""
        head = start + _ACKS_AND_TIMEOUT.pack(self.acks, self.timeout_ms) + _length(len(self._topics), flexible)
        for topic, of_topic in self._topics.items():
            name = topic.encode()
            size = _varint(len(name) + 1) if flexible else _INT16.pack(len(name))
            out.append(head + size + name + _length(of_topic.count, flexible))
            out += of_topic.chain
            head = _NO_TAGS + _NO_TAGS if flexible else b""
        if flexible:
            head += _NO_TAGS
        if head:
            out.append(head)
        return out


def _length(count: int, flexible: bool) -> bytes:
    return _varint(count + 1) if flexible else _INT32.pack(count)


def _varint(value: int) -> bytes:
    if value < len(_ONE_BYTE):
        return _ONE_BYTE[value]
    if value < len(_ONE_BYTE) ** 2:
        return bytes((value & 0x7F | 0x80, value >> 7))
    return unsigned_varint(value)
