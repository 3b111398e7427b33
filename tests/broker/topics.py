"""Creates, changes and looks at topics through the broker's own API (0.10.2 and newer)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import confluent_kafka.admin
from confluent_kafka import TopicCollection
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewPartitions, NewTopic

CREATE_TIMEOUT_S = 20.0
_names: Any = confluent_kafka.admin  # its types do not export all that it documents


def create_through_broker(bootstrap: str, name: str, partitions: int, replication: int, config: Mapping[str, str]) -> None:
    admin = _admin(bootstrap)
    topic = NewTopic(name, num_partitions=partitions, replication_factor=replication, config=dict(config))
    (created,) = admin.create_topics([topic], request_timeout=CREATE_TIMEOUT_S).values()
    created.result(CREATE_TIMEOUT_S)


def delete(bootstrap: str, name: str) -> None:
    """Returns when the deletion is decided; brokers carry it out in their own time."""
    admin = _admin(bootstrap)
    (deleted,) = admin.delete_topics([name], request_timeout=CREATE_TIMEOUT_S).values()
    deleted.result(CREATE_TIMEOUT_S)


def add_partitions(bootstrap: str, name: str, count: int) -> None:
    """Have `count` partitions in all."""
    admin = _admin(bootstrap)
    (added,) = admin.create_partitions([NewPartitions(name, count)], request_timeout=CREATE_TIMEOUT_S).values()
    added.result(CREATE_TIMEOUT_S)


def configure(bootstrap: str, name: str, option: str, value: str) -> None:
    """Set one option of a topic."""
    entry = _names.ConfigEntry(option, value, incremental_operation=_names.AlterConfigOpType.SET)
    resource = _names.ConfigResource(_names.ResourceType.TOPIC, name, incremental_configs=[entry])
    admin = _admin(bootstrap)
    (changed,) = admin.incremental_alter_configs([resource], request_timeout=CREATE_TIMEOUT_S).values()
    changed.result(CREATE_TIMEOUT_S)


def topic_id(bootstrap: str, name: str) -> str:
    """What tells a topic from an earlier one of the same name (2.8 and newer)."""
    admin = _admin(bootstrap)
    (found,) = admin.describe_topics(TopicCollection([name]), request_timeout=CREATE_TIMEOUT_S).values()
    return str(found.result(CREATE_TIMEOUT_S).topic_id)


def in_sync(bootstrap: str, name: str) -> list[int]:
    """How many replicas are in sync, of each partition."""
    found = _admin(bootstrap).list_topics(name, timeout=CREATE_TIMEOUT_S).topics[name]
    return [len(partition.isrs) for partition in found.partitions.values()]


def _admin(bootstrap: str) -> AdminClient:
    """To be kept until its futures are done: they fail when it goes."""
    return AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
