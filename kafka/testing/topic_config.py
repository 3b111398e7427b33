"""What is configured for a topic, by Kafka's names.

Imported by: testing.{cluster,log}, testing.handlers.  Imports: nothing of ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any


class TimestampType(Enum):
    """message.timestamp.type of a topic."""

    CREATE_TIME = "CreateTime"
    LOG_APPEND_TIME = "LogAppendTime"


TIMESTAMP_TYPE, MAX_MESSAGE_BYTES, MIN_INSYNC_REPLICAS = "message.timestamp.type", "max.message.bytes", "min.insync.replicas"
_CLEANUP_POLICY, _COMPACT = "cleanup.policy", "compact"

ONLY_SHOWN = {
    "cleanup.policy": "delete", "compression.type": "producer", "delete.retention.ms": "86400000", "file.delete.delay.ms": "60000",
    "flush.messages": "9223372036854775807", "flush.ms": "9223372036854775807", "index.interval.bytes": "4096",
    "max.compaction.lag.ms": "9223372036854775807", "min.cleanable.dirty.ratio": "0.5", "min.compaction.lag.ms": "0", "preallocate": "false",
    "retention.bytes": "-1", "retention.ms": "604800000", "segment.bytes": "1073741824", "segment.index.bytes": "10485760",
    "segment.jitter.ms": "0", "segment.ms": "604800000", "unclean.leader.election.enable": "false",
}  # fmt: skip
"""Options that Kafka's topics have and that are kept and shown here, and their defaults: nothing is removed or compressed anew, and of the
cleanup.policy compact this much is left, that every record must have a key."""


class TopicConfig:
    """The options that were given for a topic; others are the cluster's.

    Threads: any read; replaced whole when it changes.
    """

    def __init__(self, given: Mapping[str, Any] | None = None) -> None:
        """ValueError for a name that no topic's option has, or a value that it cannot have."""
        self.given = {name: str(value) for name, value in (given or {}).items()}
        for name in self.given:
            if name not in ONLY_SHOWN and name not in (TIMESTAMP_TYPE, MAX_MESSAGE_BYTES, MIN_INSYNC_REPLICAS):
                raise ValueError(f"Unknown topic config name: {name}")
        self.timestamp_type = TimestampType(self.given.get(TIMESTAMP_TYPE, TimestampType.CREATE_TIME.value))
        self.is_compacted = _COMPACT in self.given.get(_CLEANUP_POLICY, "").split(",")
        self.max_message_bytes = self._number(MAX_MESSAGE_BYTES, 0)
        """None where the cluster's limit holds."""
        self.min_insync_replicas = self._number(MIN_INSYNC_REPLICAS, 1)
        """None where the cluster's number holds."""

    def _number(self, name: str, least: int) -> int | None:
        if name not in self.given:
            return None
        try:
            number = int(self.given[name])
        except ValueError:
            raise ValueError(f"{name} is a number, not {self.given[name]!r}") from None
        if number < least:
            raise ValueError(f"{name} is at least {least}, not {number}")
        return number
