"""What must hold, whatever happens; the promises of docs/guarantees.rst.

Violation names the one that does not.
"""

from __future__ import annotations

from typing import Any

from kafka._clock import Clock
from kafka.errors import InvalidArgumentValueError, KafkaError
from kafka.producer.future import RecordMetadata
from kafka.record import layout
from kafka.testing import MemoryTransport
from tests.simulation.circumstances import Circumstances
from tests.simulation.model import Lane, Producer, Sent, Violation
from tests.simulation.written import Copy, Log, Sequenced, Written

SLACK_S = 0.001_5  # options are in milliseconds


class Invariants:
    """Told of everything that happens, and raises where it must not."""

    def __init__(self, circumstances: Circumstances, clock: Clock, network: MemoryTransport) -> None:
        self.sent: list[Sent] = []
        """By number."""
        self.pending: dict[int, Sent] = {}
        """Those without an outcome, by number."""
        self.written = Written(network.cluster, on_copies=self._on_copies, on_batch=self._on_batch)
        self.broken: list[Violation] = []
        """Found where nobody could be told: by what runs in the I/O thread, which survives everything."""
        self._circumstances = circumstances
        self._has_answers = circumstances.options["acks"] != 0
        self._clock = clock
        self._network = network
        self._copies: dict[int, list[Copy]] = {}
        self._newest: dict[tuple[Any, ...], int] = {}
        self._checksums: dict[Sequenced, int] = {}

    # --- sending ------------------------------------------------------------------------------------------------

    def begin(self, topic: str, *, partition: int | None, key: bytes | None, value: bytes | None, headers: Any, lane: Lane) -> Sent:
        """A record is about to be sent; the number of the next one is `len(sent)`."""
        sent = Sent(len(self.sent), topic, partition=partition, key=key, value=value, headers=headers, lane=lane)
        self.sent.append(sent)
        return sent

    def refused(self, sent: Sent) -> None:
        """send() has raised: the record is nowhere."""
        self._note_never_written(sent)

    def taken(self, sent: Sent, producer: Producer, future: Any) -> None:
        """send() has returned: the record's time runs."""
        sent.future = future
        sent.due_s = self._clock.monotonic() + self._circumstances.bound_s
        self.pending[sent.number] = sent
        producer.waiting.append(sent)

    # --- what brokers write -------------------------------------------------------------------------------------

    def _on_copies(self, copies: list[Copy]) -> None:
        try:
            self._check_copies(copies)
        except Violation as found:
            self.broken.append(found)

    def _check_copies(self, copies: list[Copy]) -> None:
        open_connections: set[int] | None = None
        for copy in copies:
            number = copy.found.number
            if not 0 <= number < len(self.sent):
                raise Violation(f"{copy.log} has at {copy.offset} what nobody sent: {copy.found}")
            sent = self.sent[number]
            self._check_bytes(sent, copy.log, copy.offset)
            if sent.is_never_written:
                raise Violation(f"{sent} was surely not written ({sent.outcome!r}), and is in {copy.log} at {copy.offset}")
            before = self._copies.setdefault(number, [])
            if before:
                if open_connections is None:
                    open_connections = self._open_connections()
                self._check_repeated(sent, before, copy, open_connections)
            self._check_order(sent, before, copy)
            before.append(copy)

    def _check_repeated(self, sent: Sent, before: list[Copy], copy: Copy, open_connections: set[int]) -> None:
        """A record is sent again only after the connection that might have brought the answer is gone, and comes to be twice in no other way.

        What was sent on a connection that is gone may still come in late.
        """
        for earlier in before:
            if earlier.connection == copy.connection or {earlier.connection, copy.connection} <= open_connections:
                raise Violation(
                    f"{sent} was written to {earlier.log} at {earlier.offset}, its answer can still come on connection {earlier.connection}, "
                    f"and it is written to {copy.log} at {copy.offset} once more"
                )

    def _open_connections(self) -> set[int]:
        """Numbers of those that neither end has given up."""
        network = self._network
        links = (network.link(address) for address in network.cluster.addresses())
        return {stream.connection for link in links for stream in link.streams() if stream.fileno() >= 0}

    def _check_order(self, sent: Sent, before: list[Copy], copy: Copy) -> None:
        """With one request in flight a log has the first copies in the order in which they were sent.

        A record that had failed before it was written, or was never to be answered, may come late by another connection.
        """
        if not self._circumstances.keeps_order or any(earlier.log is copy.log for earlier in before):
            return
        lane: tuple[Any, ...] = (sent.lane, id(copy.log))
        if not self._has_answers:
            lane = (*lane, copy.connection)
        elif sent.future is not None and sent.future.is_done:
            return
        newest = self._newest.get(lane, -1)
        if sent.number < newest:
            raise Violation(f"{sent} stands in {copy.log} at {copy.offset}, behind #{newest}, which was sent after it")
        self._newest[lane] = sent.number

    def _on_batch(self, batch: Sequenced, crc: int) -> None:
        known = self._checksums.setdefault(batch, crc)
        if known != crc:
            self.broken.append(Violation(f"{batch} was sent with checksums {known:08x} and {crc:08x}"))

    def _check_bytes(self, sent: Sent, log: Log, offset: int) -> None:
        found = log.records[offset] if offset < len(log.records) else None
        if found is None or (found.number, found.key, found.value, found.headers) != (sent.number, sent.key, sent.value, sent.headers):
            raise Violation(f"{sent} was {(sent.key, sent.value, sent.headers)}, and {log} has at {offset} {found}")
        first_ms, last_ms = sent.stamps_ms
        is_appended_time = log.log._config.timestamp_type.name == "LOG_APPEND_TIME"
        if found.magic > 0 and not is_appended_time and not first_ms <= found.timestamp_ms <= last_ms:
            raise Violation(f"{sent} is of {sent.stamps_ms}, and {log} has {found}")

    # --- what producers do --------------------------------------------------------------------------------------

    def after_turn(self, producer: Producer) -> None:
        """The I/O thread has done a turn: nothing is overdue, and the buffer within its bounds."""
        self._check_unbroken()
        waiting = producer.waiting
        while waiting and waiting[0].future.is_done:
            waiting.popleft()
        now_s = self._clock.monotonic()
        if waiting and waiting[0].due_s + SLACK_S < now_s:
            raise Violation(f"{waiting[0]} has no outcome at {now_s:.4f}, and was due at {waiting[0].due_s:.4f}")
        memory = producer.memory
        if 0 <= memory.used_bytes <= memory.limit_bytes:
            return
        pieces = len(waiting) if producer.size_limits else 0  # at most, of batches that were split; each has a header of its own
        if not 0 <= memory.used_bytes <= memory.limit_bytes + pieces * layout.BATCH_HEADER.size:
            raise Violation(f"{memory.used_bytes} of {memory.limit_bytes} bytes of buffer_memory are in use")

    def _check_unbroken(self) -> None:
        for found in self.broken:
            raise found

    def look(self, producers: list[Producer]) -> None:
        """See which records have an outcome by now, and that the buffer holds the others."""
        self._check_unbroken()
        done = [sent for sent in self.pending.values() if sent.future.is_done]
        for sent in done:
            del self.pending[sent.number]
            self._settle(sent, producers)
        for producer in producers:
            held = sum(sent.payload_bytes for sent in self.pending.values() if sent.lane.producer == producer.number)
            used = producer.memory.used_bytes
            if used < held or (used and not held):
                raise Violation(f"{used} bytes of buffer_memory are in use for records of {held} bytes, headers not counted")

    def check_all_done(self, producer: Producer, why: str) -> None:
        """Each record that this producer took has its outcome."""
        left = [sent for sent in self.pending.values() if sent.lane.producer == producer.number and not sent.future.is_done]
        if left:
            raise Violation(f"{left[0]} and {len(left) - 1} more have no outcome after {why}")

    def _settle(self, sent: Sent, producers: list[Producer]) -> None:
        error = sent.future.exception
        if error is None:
            sent.outcome = sent.future.get(0)
            self._check_acknowledged(sent, sent.outcome)
            return
        sent.outcome = error
        producer = next(producer for producer in producers if producer.number == sent.lane.producer)
        producer.failed += 1
        producer.untaken += 1
        self._check_error(sent, error)

    def _check_acknowledged(self, sent: Sent, metadata: RecordMetadata) -> None:
        if metadata.topic != sent.topic or (sent.partition is not None and metadata.partition != sent.partition):
            raise Violation(f"{sent} was for {sent.topic}-{sent.partition}, and its future says {metadata}")
        sizes = (-1 if sent.key is None else len(sent.key), -1 if sent.value is None else len(sent.value))
        if (metadata.serialized_key_size, metadata.serialized_value_size) != sizes:
            raise Violation(f"{sent} has sizes {sizes}, and its future says {metadata}")
        if not self._has_answers:
            if metadata.offset != -1:
                raise Violation(f"{sent} has an offset that nobody told: {metadata}")
            return
        logs = self.written.of(metadata.topic, metadata.partition)
        offset = metadata.offset
        there = [log for log in logs if 0 <= offset < len(log.records) and log.records[offset].number == sent.number]
        if not there:
            elsewhere = [(copy.log, copy.offset) for copy in self._copies.get(sent.number, ())]
            raise Violation(f"{sent} is acknowledged as {metadata}, and is not there but at {elsewhere}")
        for log in there:  # a topic made anew may have it in the same place as the old one
            self._check_bytes(sent, log, offset)
        if not any(log.records[offset].magic == 0 or log.records[offset].timestamp_ms == metadata.timestamp for log in there):
            raise Violation(f"{sent}: its future says {metadata}, and its logs have {[log.records[offset] for log in there]}")

    def _check_error(self, sent: Sent, error: BaseException) -> None:
        if not isinstance(error, KafkaError):
            raise Violation(f"{sent} failed with {error!r}, which is no delivery error")
        if isinstance(error, InvalidArgumentValueError):  # of a partition that does not exist
            self._note_never_written(sent)
            return
        if error.persisted not in ("no", "maybe") or (error.attempts == 0 and error.persisted != "no"):
            raise Violation(f"{sent} failed with {error!r}: persisted {error.persisted!r}, {error.attempts} attempts")
        partition = error.topic_partition
        if partition is None or partition.topic != sent.topic or (sent.partition is not None and partition.partition not in (sent.partition, -1)):
            raise Violation(f"{sent} was for {sent.topic}-{sent.partition}, and its error says {partition}")
        if error.persisted == "no":
            self._note_never_written(sent)

    def _note_never_written(self, sent: Sent) -> None:
        sent.is_never_written = True
        for copy in self._copies.get(sent.number, ()):
            raise Violation(f"{sent} is said not to be written ({sent.outcome!r}), and is in {copy.log} at {copy.offset}")

    # --- the end ------------------------------------------------------------------------------------------------

    def check_end(self, producers: list[Producer]) -> None:
        """Nothing is pending; outcomes are what they were; each callback was called once, and the hook once for each failure."""
        if self.pending:
            raise Violation(f"{len(self.pending)} records have no outcome: {next(iter(self.pending.values()))}")
        for sent in self.sent:
            if sent.future is None:
                continue
            now = sent.future.exception if sent.future.exception is not None else sent.future.get(0)
            if type(now) is not type(sent.outcome) or (isinstance(now, RecordMetadata) and now != sent.outcome):
                raise Violation(f"{sent} had the outcome {sent.outcome!r}, and now has {now!r}")
            if sent.tellings != 1:
                raise Violation(f"{sent} has told its callback {sent.tellings} times")
        for producer in producers:
            if producer.failed != producer.hooked:
                raise Violation(f"{producer.failed} records of {producer} have failed, and on_delivery_error was told of {producer.hooked}")
            if producer.memory.used_bytes:
                raise Violation(f"{producer} is closed, and {producer.memory.used_bytes} bytes of its buffer_memory are in use")
