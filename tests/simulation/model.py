"""What a run's program knows: the records that it sent, and what it was told of them."""

from __future__ import annotations

from collections import deque
from typing import Any, NamedTuple

from kafka import KafkaProducer


class Violation(AssertionError):
    """A promise that was not kept."""


class Lane(NamedTuple):
    """Records whose order the program decided: those of one producer that were sent by callbacks, by signal handlers, or by everything else."""

    producer: int
    place: str


class Sent:
    """A record that was given to send()."""

    def __init__(
        self, number: int, topic: str, *, partition: int | None, key: bytes | None, value: bytes | None, headers: Any, lane: Lane
    ) -> None:
        self.number = number
        self.topic = topic
        self.partition = partition
        self.key = key
        self.value = value
        self.headers = tuple(headers)
        self.lane = lane
        self.stamps_ms = (0, 0)
        """Between which the record's timestamp must be."""
        self.future: Any = None  # None: send() raised
        self.due_s = 0.0
        """When it must have an outcome."""
        self.outcome: Any = None
        """RecordMetadata, or an error."""
        self.is_never_written = False
        """It was said that no broker has it, nor will have."""
        self.tellings = 0
        """How often its callback was called."""

    def __repr__(self) -> str:
        return f"#{self.number} of {self.lane}"

    @property
    def payload_bytes(self) -> int:
        return len(self.key or b"") + len(self.value or b"")


class Producer:
    """A producer of the run, and what was sent through it."""

    def __init__(self, number: int, facade: KafkaProducer) -> None:
        self.number = number
        self.facade: KafkaProducer | None = facade
        """None once nobody refers to it any more."""
        self.sender = facade._sender
        self.memory = facade._accumulator.memory
        self.home = facade._home
        self.size_limits = facade._accumulator.size_limits
        """Of topics whose brokers have refused larger batches, which were then split."""
        self.client_id: str = facade.config["client_id"]
        self.is_closed = False
        self.waiting: deque[Sent] = deque()
        """Those without an outcome, by their deadlines, and some that have one."""
        self.failed = 0
        """How many records have failed with a delivery error."""
        self.hooked = 0
        """How many errors on_delivery_error was told of."""
        self.untaken = 0
        """How many have failed since flush(raise_errors=True) told of some."""

    def __repr__(self) -> str:
        return f"producer {self.number}"
