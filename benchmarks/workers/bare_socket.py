"""Sends a batch that was encoded once, over and over, from a loop that does nothing else: what is left when a producer costs nothing.

    python -m benchmarks.workers.bare_socket TASK

One connection; 16 KiB batches, one a request, for each partition in turn; five requests in flight, acks=1.
Run by: benchmarks.contests.
"""

from __future__ import annotations

import socket
import struct
import time

from benchmarks.workers import payloads
from benchmarks.workers.task import Outcome, Report, Stopwatch, Task, finish, read_task
from kafka.protocol.framing import request_frame
from kafka.protocol.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from kafka.record import MemoryRecordsBuilder

VERSION = 7  # the last before topics' names and lengths are written as varints
BATCH_BYTES = 16384
IN_FLIGHT = 5
NO_COMPRESSION = 0
RETRY_S = 60.0

_SIZE = struct.Struct(">i")
_ERROR = struct.Struct(">h")
# The answer before its one error code: size, correlation id, count of topics, length of the name, (name), count of partitions, partition.
_BEFORE_ERROR = 4 + 4 + 4 + 2 + 4 + 4


class BareLoop:
    """Requests out, answers in.

    Threads: one.
    """

    def __init__(self, task: Task) -> None:
        host, _, port = task.bootstrap.rpartition(":")
        self._socket = socket.create_connection((host, int(port)))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._answers = self._socket.makefile("rb", buffering=1 << 16)
        self._error_at = _BEFORE_ERROR - _SIZE.size + len(task.topic.encode())
        batch, self.records_per_batch = encoded_batch(task)
        self._frames = [produce_frame(task.topic, partition, batch) for partition in range(task.partitions)]

    def prime(self) -> int:
        """Send every frame until it is taken: a new topic's leaders need a moment. Returns the number of records."""
        deadline_s = time.monotonic() + RETRY_S
        for frame in self._frames:
            self._socket.sendall(frame)
            while self._read_error():
                if time.monotonic() > deadline_s:
                    raise SystemExit("the topic's leader takes no batches")
                time.sleep(0.1)
                self._socket.sendall(frame)
        return len(self._frames) * self.records_per_batch

    def run(self, batches: int) -> int:
        """Send so many batches; how many were acknowledged."""
        frames, send = self._frames, self._socket.sendall
        acknowledged = 0
        for number in range(batches):
            if number >= IN_FLIGHT:
                acknowledged += not self._read_error()
            send(frames[number % len(frames)])
        for _ in range(min(batches, IN_FLIGHT)):
            acknowledged += not self._read_error()
        return acknowledged

    def _read_error(self) -> int:
        (size,) = _SIZE.unpack(self._answers.read(_SIZE.size))
        error: int = _ERROR.unpack_from(self._answers.read(size), self._error_at)[0]
        return error


def encoded_batch(task: Task) -> tuple[bytes, int]:
    """A full batch of the task's values, and how many there are in it."""
    builder = MemoryRecordsBuilder(magic=2, compression_type=NO_COMPRESSION, batch_size=BATCH_BYTES)
    now_ms = int(time.time() * 1000)
    (value,) = payloads.values(task.work, 1)
    count = 0
    while builder.append(now_ms, None, value) is not None:
        count += 1
    return builder.buffer(), count


def produce_frame(topic: str, partition: int, batch: bytes) -> bytes:
    data = TopicProduceData(name=topic, partition_data=[PartitionProduceData(index=partition, records=batch)])
    request = ProduceRequest(transactional_id=None, acks=1, timeout_ms=30000, topic_data=[data])
    return b"".join(request_frame(ProduceRequest.API_KEY, VERSION, 1, "bare-socket", False, request.encode_chain(VERSION)))


def main() -> None:
    task = read_task()
    loop = BareLoop(task)
    report = Report(versions={})
    report.primed = loop.prime()
    batches = max(1, task.records // loop.records_per_batch)
    watch = Stopwatch()
    acknowledged = loop.run(batches)
    if acknowledged != batches:
        raise SystemExit(f"only {acknowledged} of {batches} batches were acknowledged")
    sent = batches * loop.records_per_batch
    report.take(Outcome(sent, sent, watch.figures(sent)))
    finish(task, report)


if __name__ == "__main__":
    main()
