"""Fetch, versions 0-12.

Behaviour: whole batches from the one that has the offset on; at least one batch whatever the limits (KIP-74). Waits until there are `min_bytes`,
or an error, or `max_wait_ms` is over.
Differs from a broker: no sessions (KIP-227): every answer says so, and clients then name all partitions each time. Nothing is converted to
older message formats: error 35. No transactions: everything is committed. Offsets past the end are an error at once.
Imported by: testing.handlers.  Imports: errors, protocol, testing.exchange.
"""

from __future__ import annotations

from kafka.errors import (
    BrokerResponseError,
    FetchSessionIdNotFoundError,
    NotLeaderForPartitionError,
    OffsetOutOfRangeError,
    UnknownTopicOrPartitionError,
    UnsupportedVersionError,
)
from kafka.protocol.fetch import FetchableTopicResponse, FetchPartition, FetchResponse, PartitionData
from kafka.testing.exchange import Call, Later

VERSIONS = (0, 12)

_FIRST_WITH_MAGIC_1, _FIRST_WITH_MAGIC_2 = 2, 4
_FIRST_WITH_TOTAL = 3  # the first version that bounds the answer as a whole


def handle(call: Call) -> FetchResponse | Later:
    request = call.request
    if request.session_id != 0:
        return FetchResponse(error_code=FetchSessionIdNotFoundError.errno)

    def look(must_answer: bool) -> FetchResponse | None:
        reading = _Reading(call)
        response = reading.run()
        is_enough = reading.has_errors or reading.size_bytes >= request.min_bytes
        return response if must_answer or is_enough or not request.topics else None

    answer = look(request.max_wait_ms <= 0)
    if answer is not None:
        return answer
    return Later(call.cluster.clock.monotonic() + request.max_wait_ms / 1000, look)


class _Reading:
    """One look at all partitions asked for.

    Threads: the broker's.
    """

    def __init__(self, call: Call) -> None:
        self._call = call
        self._left_bytes = call.request.max_bytes if call.version >= _FIRST_WITH_TOTAL else 2**31 - 1
        self.size_bytes = 0
        self.has_errors = False

    def run(self) -> FetchResponse:
        return FetchResponse(
            responses=[
                FetchableTopicResponse(topic=topic.topic, partitions=[self._partition(topic.topic, asked) for asked in topic.partitions])
                for topic in self._call.request.topics
            ]
        )

    def _partition(self, topic: str, asked: FetchPartition) -> PartitionData:
        call = self._call
        partition = call.cluster.partition(topic, asked.partition)
        if partition is None:
            return self._failed(asked, UnknownTopicOrPartitionError)
        if partition.leader != call.node.node_id:
            return self._failed(asked, NotLeaderForPartitionError)
        log = partition.log
        if not log.start_offset <= asked.fetch_offset <= log.next_offset:
            return self._failed(asked, OffsetOutOfRangeError)
        limit_bytes = min(asked.partition_max_bytes, self._left_bytes)
        found = log.read(asked.fetch_offset, limit_bytes, must_progress=self.size_bytes == 0)
        if found.newest_magic > self._newest_magic():
            return self._failed(asked, UnsupportedVersionError)
        self.size_bytes += found.size_bytes
        self._left_bytes -= found.size_bytes
        return PartitionData(
            partition_index=asked.partition,
            high_watermark=log.next_offset,
            last_stable_offset=log.next_offset,
            log_start_offset=log.start_offset,
            aborted_transactions=None,
            records=found.buffers,
        )

    def _newest_magic(self) -> int:
        version = self._call.version
        return 0 if version < _FIRST_WITH_MAGIC_1 else 1 if version < _FIRST_WITH_MAGIC_2 else 2

    def _failed(self, asked: FetchPartition, error: type[BrokerResponseError]) -> PartitionData:
        self.has_errors = True
        return PartitionData(partition_index=asked.partition, error_code=error.errno, high_watermark=-1, records=[])
