"""A client that knows frames and nothing else, and batches to send with it."""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Sequence
from typing import Any

from kafka import record
from kafka.protocol.api_versions import ApiVersionsRequest
from kafka.protocol.framing import FrameDecoder, request_frame, response_body_offset
from kafka.protocol.produce import PartitionProduceData, PartitionProduceResponse, ProduceRequest, TopicProduceData
from kafka.testing.connection import ServerConnection

NOW_MS = 1_700_000_000_000
CORRELATION_ID = 77


def frame_of(request: Any, version: int) -> bytes:
    chain = request.encode_chain(version)
    return b"".join(request_frame(request.API_KEY, version, CORRELATION_ID, "tests", request.is_flexible(version), chain))


def response_in(request: Any, version: int, frame: bytes) -> Any:
    assert int.from_bytes(frame[:4], "big") == CORRELATION_ID
    return request.RESPONSE.decode(version, frame, response_body_offset(type(request), version, frame))


def ask(connection: ServerConnection, request: Any, version: int) -> Any:
    """The answer, None where there is none now."""
    connection.receive(frame_of(request, version))
    return answer(connection, request, version)


def answer(connection: ServerConnection, request: Any, version: int) -> Any:
    output = b"".join(connection.take_output())
    if not output:
        return None
    (frame,) = FrameDecoder(1 << 30).feed(output)
    return response_in(request, version, frame)


class RawClient:
    """One connection to a KafkaBroker."""

    def __init__(self, bootstrap_servers: str) -> None:
        host, port = bootstrap_servers.split(":")
        self._socket = socket.create_connection((host, int(port)), 10)
        self._decoder = FrameDecoder(1 << 30)
        self._frames: deque[bytes] = deque()

    def __enter__(self) -> RawClient:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def frame(self) -> bytes | None:
        """The next answer; None at the end of the stream."""
        while not self._frames:
            received = self._socket.recv(1 << 20)
            if not received:
                return None
            self._frames.extend(self._decoder.feed(received))
        return self._frames.popleft()

    def ask(self, request: Any, version: int) -> Any:
        self.send(frame_of(request, version))
        frame = self.frame()
        return None if frame is None else response_in(request, version, frame)


def batch(
    values: Sequence[bytes | None],
    *,
    magic: int = 2,
    codec: Any = None,
    headers: Sequence[tuple[str, bytes | None]] = (),
    at_ms: int = NOW_MS,
    **producer: Any,
) -> bytes:
    """What a producer sends for these values, one millisecond apart, each with key b"k".

    producer: producer_id, producer_epoch, base_sequence and transactional, which message format 2 has places for.
    """
    message_format: Any = record.format_for(magic)
    records = [message_format.encode(index, at_ms, at_ms + index, b"k", value, headers) for index, value in enumerate(values)]
    last_ms = at_ms + len(values) - 1
    return b"".join(message_format.assemble(records, len(records), base_timestamp_ms=at_ms, max_timestamp_ms=last_ms, codec=codec, **producer))


def asking_versions() -> ApiVersionsRequest:
    return ApiVersionsRequest(client_software_name="tests", client_software_version="1")


def produce(records: bytes | None, *, topic: str = "t", partition: int = 0, acks: int = -1, transactional_id: str | None = None) -> ProduceRequest:
    data = PartitionProduceData(index=partition, records=records)
    topic_data = [TopicProduceData(name=topic, partition_data=[data])]
    return ProduceRequest(acks=acks, timeout_ms=1000, topic_data=topic_data, transactional_id=transactional_id)


def outcome(response: Any) -> PartitionProduceResponse:
    """The only partition's part of the answer to produce()."""
    (topic,) = response.responses
    (partition,) = topic.partition_responses
    assert isinstance(partition, PartitionProduceResponse)
    return partition
