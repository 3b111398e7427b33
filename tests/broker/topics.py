"""Creates topics through the broker's own API (0.10.2 and newer)."""

from __future__ import annotations

from collections.abc import Mapping

from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

CREATE_TIMEOUT_S = 20.0


def create_through_broker(bootstrap: str, name: str, partitions: int, replication: int, config: Mapping[str, str]) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    topic = NewTopic(name, num_partitions=partitions, replication_factor=replication, config=dict(config))
    (created,) = admin.create_topics([topic], request_timeout=CREATE_TIMEOUT_S).values()
    created.result(CREATE_TIMEOUT_S)
