"""Fetch, versions 0-18.

Behaviour: whole batches from the one that has the offset on; at least one batch whatever the limits (KIP-74). Waits until there are `min_bytes`,
or an error, or `max_wait_ms` is over. With isolation level 1 ends before the first open transaction and lists those that were aborted. Says
who leads instead (KIP-951).
Differs from a broker: no sessions (KIP-227): every answer says so, and clients then name all partitions each time. Nothing is converted to
older message formats: error 35. Followers and their offsets do not exist; nobody is sent to another replica.
Imported by: testing.handlers.  Imports: errors, protocol, testing.{cluster,exchange}.
"""

from __future__ import annotations

from kafka.errors import (
    BrokerResponseError,
    FencedLeaderEpochError,
    FetchSessionIdNotFoundError,
    NotLeaderForPartitionError,
    OffsetOutOfRangeError,
    UnknownTopicIdError,
    UnsupportedVersionError,
)
from kafka.protocol.fetch import (
    AbortedTransaction,
    FetchableTopicResponse,
    FetchLeaderIdAndEpoch,
    FetchNodeEndpoint,
    FetchPartition,
    FetchResponse,
    FetchTopic,
    PartitionData,
)
from kafka.testing.cluster import NO_LEADER, Node, Partition, Topic
from kafka.testing.exchange import Call, Later

VERSIONS = (0, 18)

_READ_COMMITTED = 1
_FIRST_WITH_TOPIC_IDS, _FIRST_WITH_ENDPOINTS = 13, 16
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
        self._new_leaders: dict[int, Node] = {}

    def run(self) -> FetchResponse:
        response = FetchResponse(responses=[self._topic(topic) for topic in self._call.request.topics])
        if self._call.version >= _FIRST_WITH_ENDPOINTS:
            response.node_endpoints = [FetchNodeEndpoint(node_id=node.node_id, host=node.host, port=node.port) for node in self._new_leaders.values()]
        return response

    def _topic(self, asked: FetchTopic) -> FetchableTopicResponse:
        cluster = self._call.cluster
        by_id = self._call.version >= _FIRST_WITH_TOPIC_IDS
        topic = cluster.topic_by_id(asked.topic_id) if by_id else cluster.topics.get(asked.topic)
        if topic is None and by_id:
            partitions = [self._failed(partition, UnknownTopicIdError()) for partition in asked.partitions]
        else:
            partitions = [self._partition(topic, partition) for partition in asked.partitions]
        return FetchableTopicResponse(topic=asked.topic, topic_id=asked.topic_id, partitions=partitions)

    def _partition(self, topic: Topic | None, asked: FetchPartition) -> PartitionData:
        try:
            return self._read(self._call.led(topic, asked.partition, asked.current_leader_epoch), asked)
        except (NotLeaderForPartitionError, FencedLeaderEpochError) as error:
            failed = self._failed(asked, error)
            if topic is not None and self._call.version >= _FIRST_WITH_ENDPOINTS:
                failed.current_leader = self._hint(topic.partitions[asked.partition])
            return failed
        except BrokerResponseError as error:
            return self._failed(asked, error)

    def _read(self, partition: Partition, asked: FetchPartition) -> PartitionData:
        log = partition.log
        only_committed = self._call.request.isolation_level == _READ_COMMITTED
        end_offset = log.last_stable_offset if only_committed else log.next_offset
        if not log.start_offset <= asked.fetch_offset <= log.next_offset:
            raise OffsetOutOfRangeError
        limit_bytes = min(asked.partition_max_bytes, self._left_bytes)
        found = log.read(asked.fetch_offset, limit_bytes, must_progress=self.size_bytes == 0, end_offset=end_offset)
        if found.newest_magic > self._newest_magic():
            raise UnsupportedVersionError
        self.size_bytes += found.size_bytes
        self._left_bytes -= found.size_bytes
        aborted = log.aborted_between(asked.fetch_offset, found.next_offset) if only_committed else None
        return PartitionData(
            partition_index=asked.partition,
            high_watermark=log.next_offset,
            last_stable_offset=log.last_stable_offset,
            log_start_offset=log.start_offset,
            aborted_transactions=aborted
            and [AbortedTransaction(producer_id=ended.producer_id, first_offset=ended.first_offset) for ended in aborted],
            records=found.buffers,
        )

    def _hint(self, partition: Partition) -> FetchLeaderIdAndEpoch:
        """Who leads the partition now, so that the client need not ask (KIP-951)."""
        if partition.leader != NO_LEADER:
            self._new_leaders[partition.leader] = self._call.cluster.nodes[partition.leader]
        return FetchLeaderIdAndEpoch(leader_id=partition.leader, leader_epoch=partition.leader_epoch)

    def _newest_magic(self) -> int:
        version = self._call.version
        return 0 if version < _FIRST_WITH_MAGIC_1 else 1 if version < _FIRST_WITH_MAGIC_2 else 2

    def _failed(self, asked: FetchPartition, error: BrokerResponseError) -> PartitionData:
        self.has_errors = True
        return PartitionData(partition_index=asked.partition, error_code=error.errno, high_watermark=-1, records=[])
