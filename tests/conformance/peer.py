"""A client that asks one broker what it is told to ask, in versions that Kafka 2.8 and 4.4 both speak."""

from __future__ import annotations

import itertools
import struct
import time
import uuid
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Callable

from kafka.protocol.create_topics import CreatableTopic, CreatableTopicConfig, CreateTopicsRequest
from kafka.protocol.fetch import FetchPartition, FetchRequest, FetchTopic
from kafka.protocol.list_offsets import ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic
from kafka.protocol.metadata import MetadataRequest, MetadataRequestTopic
from kafka.record import layout, read
from kafka.record.crc32c import crc32c
from tests.testing.wire import RawClient, batch, outcome, produce

SETTLES_WITHIN_S = 30.0
NOT_YET = {14, 15, 16, 51}  # coordinators that load or are not there yet, transactions that are being ended
NOT_SERVED_YET = {3, 5, 6}  # of topics that were created a moment ago

DEFAULT_VERSIONS = {
    0: 9, 1: 12, 2: 6, 3: 11, 8: 8, 9: 7, 10: 3, 11: 7, 12: 4, 13: 4, 14: 5, 15: 5, 16: 4, 18: 3, 19: 7, 20: 6, 22: 4, 23: 4, 24: 3, 25: 3, 26: 3,
    28: 3, 32: 4, 37: 3,
}  # fmt: skip

_topics = itertools.count(1)
_run = uuid.uuid4().hex[:6]


class Peer:
    """Asks the first broker of a cluster.

    Threads: one.
    """

    def __init__(self, bootstrap: str) -> None:
        self.address = bootstrap.split(",")[0]
        self._client = RawClient(self.address)
        self._others: dict[str, Peer] = {}

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for other in self._others.values():
            other.__exit__(None, None, None)
        self._client.__exit__()

    def at(self, address: str) -> Peer:
        """Who asks another broker; closed with this one."""
        if address == self.address:
            return self
        if address not in self._others:
            self._others[address] = Peer(address)
        return self._others[address]

    def brokers(self) -> dict[int, str]:
        """Addresses by node id."""
        return {broker.node_id: f"{broker.host}:{broker.port}" for broker in self.ask(MetadataRequest(topics=[])).brokers}

    def controller(self) -> Peer:
        """Who asks the broker that creates topics."""
        return self.at(self.brokers()[self.ask(MetadataRequest(topics=[])).controller_id])

    def leader(self, topic: str, partition: int) -> int:
        """The leader's node id; -1 while there is none."""
        (found,) = self.ask(MetadataRequest(topics=[MetadataRequestTopic(name=topic)], allow_auto_topic_creation=False)).topics
        return next((one.leader_id for one in found.partitions if one.partition_index == partition), -1)

    def connect(self) -> RawClient:
        """Another connection, for the caller to close."""
        return RawClient(self.address)

    def ask(self, request: Any, version: int | None = None, *, over: RawClient | None = None) -> Any:
        """The answer; ConnectionError where the broker closes the connection."""
        used = DEFAULT_VERSIONS[request.API_KEY] if version is None else version
        answer = (over or self._client).ask(request, used)
        if answer is None:
            raise ConnectionError(f"the broker closed the connection on {type(request).__name__} {used}")
        return answer

    def closes_on(self, data: bytes) -> bool:
        """Whether the broker closes a connection on these bytes, without a word."""
        with self.connect() as client:
            client.send(data)
            try:
                return client.frame() is None
            except ConnectionResetError:
                return True

    def settled(self, request: Any, code: Callable[[Any], int], version: int | None = None, *, not_yet: set[int] = NOT_YET) -> Any:
        """The first answer that is not about the state of a moment."""
        deadline_s = time.monotonic() + SETTLES_WITHIN_S
        while True:
            answer = self.ask(request, version)
            if code(answer) not in not_yet or time.monotonic() > deadline_s:
                return answer
            time.sleep(0.02)  # nothing tells when a real broker is ready

    # --- topics

    @staticmethod
    def new_name(word: str = "conformance") -> str:
        """A name that nobody has used; all with one word are as long, so that answers do not differ by it."""
        return f"{word}-{_run}-{next(_topics):04}"

    def new_topic(self, partitions: int = 1, config: Mapping[str, str] | None = None) -> str:
        """A topic that is ready for everything."""
        name = self.new_name()
        configs = [CreatableTopicConfig(name=key, value=value) for key, value in (config or {}).items()]
        asked = CreatableTopic(name=name, num_partitions=partitions, replication_factor=1, configs=configs)
        (created,) = self.controller().ask(CreateTopicsRequest(topics=[asked])).topics
        if created.error_code:
            raise RuntimeError(f"topic {name} was not created: error {created.error_code}, {created.error_message}")
        deadline_s = time.monotonic() + SETTLES_WITHIN_S
        for partition in range(partitions):
            while self.leader(name, partition) < 0 and time.monotonic() < deadline_s:
                pass
            leading = self.at(self.brokers()[self.leader(name, partition)])
            leading.settled(offsets_request(name, partition), lambda answer: offset_of(answer).error_code, not_yet=NOT_SERVED_YET)
        return name

    def topic_id(self, topic: str) -> uuid.UUID:
        (found,) = self.ask(MetadataRequest(topics=[MetadataRequestTopic(name=topic)])).topics
        identity: uuid.UUID = found.topic_id
        return identity

    # --- records

    def produce(
        self,
        topic: str,
        records: bytes | None,
        *,
        partition: int = 0,
        acks: int = -1,
        version: int | None = None,
        transactional_id: str | None = None,
    ) -> dict[str, Any]:
        """What the leader answers for these records."""
        request = produce(records, topic=topic, partition=partition, acks=acks)
        request.transactional_id = transactional_id
        answer = outcome(self.ask(request, version))
        seen: dict[str, Any] = {"error": answer.error_code, "offset": answer.base_offset, "log start": answer.log_start_offset}
        if answer.log_append_time_ms != -1:
            seen["time"] = "now" if abs(answer.log_append_time_ms / 1000 - time.time()) < 60 else answer.log_append_time_ms
        if answer.record_errors:
            seen["records"] = [error.batch_index for error in answer.record_errors]
        return seen

    def fetch(
        self,
        topic: str,
        offset: int = 0,
        *,
        partition: int = 0,
        isolation: int = 0,
        version: int | None = None,
        wait_ms: int = 500,
        partition_bytes: int = 1 << 20,
        epoch: int = -1,
    ) -> dict[str, Any]:
        """What stands in the log from an offset on: values of records, and of control batches their kind."""
        asked = FetchPartition(partition=partition, fetch_offset=offset, partition_max_bytes=partition_bytes, current_leader_epoch=epoch)
        used = DEFAULT_VERSIONS[1] if version is None else version
        named = FetchTopic(topic_id=self.topic_id(topic), partitions=[asked]) if used >= 13 else FetchTopic(topic=topic, partitions=[asked])
        request = FetchRequest(max_wait_ms=wait_ms, min_bytes=1, isolation_level=isolation, topics=[named])
        (answered,) = self.ask(request, used).responses
        (found,) = answered.partitions
        seen: dict[str, Any] = {"error": found.error_code, "end": found.high_watermark, "stable": found.last_stable_offset}
        if found.aborted_transactions:
            seen["aborted from"] = [aborted.first_offset for aborted in found.aborted_transactions]
        if not found.error_code:
            seen["log"] = [shown for view in read(found.records or b"") for shown in _shown(view)]
        return seen

    def offset(
        self, topic: str, timestamp_ms: int, *, partition: int = 0, isolation: int = 0, epoch: int = -1, version: int | None = None
    ) -> dict[str, Any]:
        """What the leader answers for this time, or this mark in the place of one."""
        answer = offset_of(self.ask(offsets_request(topic, partition, timestamp_ms, isolation=isolation, epoch=epoch), version))
        return {"error": answer.error_code, "offset": answer.offset, "time": answer.timestamp, "epoch": answer.leader_epoch}


class HastyPeer(Peer):
    """Takes every answer for the last one.

    Threads: one.
    """

    def settled(self, request: Any, code: Callable[[Any], int], version: int | None = None, *, not_yet: set[int] = NOT_YET) -> Any:
        return self.ask(request, version)


def _shown(view: Any) -> list[list[Any]]:
    if view.is_control:
        return [[record.offset, "commit" if record.key[2:4] == b"\0\1" else "abort"] for record in view.records]
    return [[record.offset, None if record.value is None else record.value.decode()] for record in view.records]


def offsets_request(topic: str, partition: int, timestamp_ms: int = -1, *, isolation: int = 0, epoch: int = -1) -> ListOffsetsRequest:
    asked = ListOffsetsPartition(partition_index=partition, timestamp=timestamp_ms, current_leader_epoch=epoch)
    return ListOffsetsRequest(replica_id=-1, isolation_level=isolation, topics=[ListOffsetsTopic(name=topic, partitions=[asked])])


def offset_of(answer: Any) -> Any:
    (topic,) = answer.topics
    (partition,) = topic.partitions
    return partition


def stamped(values: Sequence[bytes | None], producer_id: int, epoch: int, sequence: int, *, transactional: bool = False, **options: Any) -> bytes:
    """A batch of a producer that counts (KIP-98)."""
    made = bytearray(batch(values, **{"at_ms": now_ms(), **options}))
    header = list(layout.BATCH_HEADER.unpack_from(made))
    header[5] |= layout.TRANSACTIONAL if transactional else 0
    header[9:12] = producer_id, epoch, sequence
    layout.BATCH_HEADER.pack_into(made, 0, *header)
    return with_checksum(made)


def with_checksum(made: bytearray) -> bytes:
    """The batch with a checksum that fits."""
    struct.pack_into(">I", made, layout.CRC_AT, crc32c(memoryview(made)[layout.CRC_COVERS_FROM :]))
    return bytes(made)


def now_ms() -> int:
    return int(time.time() * 1000)
