"""What one run is made of: a cluster, topics, and the options of its producers, drawn from the seed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, NamedTuple

from kafka.partitioner.sticky import StickyPartitioner
from kafka.testing.releases import NEWEST, release_of

Release = tuple[int, ...]

_VERSIONS = ("0.8.1", "0.8.2", "0.9", "0.10.0", "0.10.2", "0.11", "1.0", "1.1", "2.0", "2.3", "2.8", "3.1", "3.9", "4.0", "4.4")
_FIRST_WITH_PROBING, _FIRST_WITH_MAGIC_1, _FIRST_WITH_HEADERS, _FIRST_WITH_ZSTD = (0, 10), (0, 10), (0, 11), (2, 1)
_FOREVER = 1_000_000
DEFAULT_DELIVERY_MS = 120_000


class TopicPlan(NamedTuple):
    """A topic that is there from the start."""

    name: str
    partitions: int
    replication_factor: int
    config: dict[str, Any]


class Circumstances(NamedTuple):
    """All that is decided before the first step."""

    seed: int
    version: str | None
    brokers: int
    default_partitions: int
    latency_s: float
    capacity_bytes: int
    topics: tuple[TopicPlan, ...]
    options: dict[str, Any]
    """Of every producer."""
    idle_s: float
    """After how long out of use producers forget a topic."""
    unrest: float
    """How likely a step is trouble."""
    steps: int

    @property
    def release(self) -> Release:
        return NEWEST if self.version is None else release_of(self.version)

    @property
    def has_headers(self) -> bool:
        return self.release >= _FIRST_WITH_HEADERS

    @property
    def has_timestamps(self) -> bool:
        return self.release >= _FIRST_WITH_MAGIC_1

    @property
    def keeps_order(self) -> bool:
        return bool(self.options["max_in_flight_requests_per_connection"] == 1)

    @property
    def sends_noise(self) -> bool:
        """Whether some records are made of what cannot be compressed."""
        return bool(self.options.get("check_size_after_compression"))

    @property
    def request_s(self) -> float:
        return float(self.options["request_timeout_ms"]) / 1000

    @property
    def has_patience(self) -> bool:
        """Whether requests have their own time, however old the records are."""
        return not self.options["retries"] and "delivery_timeout_ms" not in self.options

    @property
    def bound_s(self) -> float:
        """How long a record may have no outcome (docs/guarantees.rst)."""
        options = self.options
        linger_and_request: int = options["linger_ms"] + options["request_timeout_ms"]
        if "delivery_timeout_ms" in options:
            return float(options["delivery_timeout_ms"]) / 1000
        if options["retries"]:
            return max(DEFAULT_DELIVERY_MS, linger_and_request) / 1000
        return (linger_and_request + int(options["request_timeout_ms"])) / 1000


def draw(seed: int) -> Circumstances:
    """What this seed is made of."""
    chance = random.Random(f"{seed}/circumstances")
    version = chance.choice(_VERSIONS) if chance.random() < 0.5 else None
    release = NEWEST if version is None else release_of(version)
    brokers = chance.choice((1, 2, 2, 3, 3))
    return Circumstances(
        seed=seed,
        version=version,
        brokers=brokers,
        default_partitions=chance.randint(1, 3),
        latency_s=chance.choice((0.0, 0.001, 0.005, 0.02)),
        capacity_bytes=chance.choice((500, 65536, 65536)),
        topics=tuple(_topic(f"t{number}", chance, brokers, release) for number in range(chance.randint(1, 2))),
        options={**_options(chance, release, version), **_of_records_and_topics(random.Random(f"{seed}/large records"))},
        idle_s=random.Random(f"{seed}/idle").choice((300.0, 300.0, 1.0, 0.1)),
        unrest=chance.choice((0.0, 0.03, 0.08, 0.15, 0.3)),
        steps=chance.randint(25, 60),
    )


def first_of_all(key: bytes | None, partitions: Sequence[int], available: Sequence[int]) -> int:
    """A program's own partitioner."""
    return partitions[0]


def _topic(name: str, chance: random.Random, brokers: int, release: Release) -> TopicPlan:
    factor = chance.randint(1, brokers)
    config: dict[str, Any] = {}
    if chance.random() < 0.3:
        config["min.insync.replicas"] = chance.randint(1, factor)
    if chance.random() < 0.2:
        config["max.message.bytes"] = chance.choice((500, 1200))
    if chance.random() < 0.2 and release >= _FIRST_WITH_MAGIC_1:
        config["message.timestamp.type"] = "LogAppendTime"
    return TopicPlan(name, chance.randint(1, 4), factor, config)


def _of_records_and_topics(chance: random.Random) -> dict[str, Any]:
    """Which records are sent at all, and how long topics are waited for; of half the seeds."""
    if chance.random() < 0.5:
        return {}
    return {
        "check_size_after_compression": chance.random() < 0.7,
        "unknown_topic_retries": chance.choice((None, 0, 1, 4)),
        "compression_gzip_level": chance.choice((-1, 1, 9)),
    }


def _options(chance: random.Random, release: Release, version: str | None) -> dict[str, Any]:
    codecs = [None, None, None, "gzip", "snappy", *(["lz4"] if release >= (0, 8, 2) else []), *(["zstd"] if release >= _FIRST_WITH_ZSTD else [])]
    linger_ms = chance.choice((0, 0, 5, 50, 500))
    request_timeout_ms = chance.choice((300, 1000, 3000))
    options: dict[str, Any] = {
        "acks": chance.choice((0, 1, 1, "all", "all")),
        "retries": chance.choice((0, 0, 1, 3, _FOREVER, _FOREVER)),
        "retry_backoff_ms": chance.choice((1, 10, 100, 300)),  # with 0 and no latency a refusal would be tried again for ever in one instant
        "linger_ms": linger_ms,
        "batch_size": chance.choice((0, 100, 400, 16384)),
        "max_in_flight_requests_per_connection": chance.choice((1, 1, 2, 5)),
        "request_timeout_ms": request_timeout_ms,
        "compression_type": chance.choice(codecs),
        "buffer_memory": chance.choice((1500, 5000, 50_000, 33_554_432)),
        "max_block_ms": chance.choice((0, 50, 500, 3000)),
        "max_request_size": chance.choice((1200, 1_048_576)),
        "metadata_max_age_ms": chance.choice((2000, 300_000)),
        "reconnect_backoff_ms": chance.choice((0, 50)),
        "connections_max_idle_ms": chance.choice((1500, 540_000)),
        "metrics_enabled": chance.random() < 0.8,
        "exit_timeout_ms": 5000,
    }
    if chance.random() < 0.4:
        options["delivery_timeout_ms"] = linger_ms + request_timeout_ms + chance.choice((0, 500, 4000))
    if options["acks"] != 0 and options["batch_size"] < options["max_request_size"] and chance.random() < 0.3:
        options["max_batch_size"] = min(options["batch_size"] + chance.choice((0, 300, 1000)), options["max_request_size"])
    if chance.random() < 0.2:
        sticky = StickyPartitioner()
        sticky.random = random.Random(chance.getrandbits(32))
        options["partitioner"] = chance.choice((sticky, first_of_all))
    if version is not None and (release < _FIRST_WITH_PROBING or chance.random() < 0.3):
        options["api_version"] = release
    return options
