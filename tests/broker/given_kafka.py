"""A cluster that is running already, named by BOOTSTRAP: the same tests run against it."""

from __future__ import annotations

import os
from collections.abc import Mapping

from tests.broker import topics
from tests.broker.kafka_jars import NEWEST, release
from tests.broker.real_kafka import new_topic_name


class GivenKafka:
    """Only what can be done from outside: topics are created, nothing is started, stopped or looked into.

    Its release is taken to be BOOTSTRAP_VERSION, by default the newest one tested.

    Threads: one.
    """

    listeners = ("PLAINTEXT",)

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap
        self.version = _given_version()
        self.release = self.given_release()

    @staticmethod
    def given_release() -> tuple[int, ...]:
        return release(_given_version())

    def bootstrap_for(self, protocol: str) -> str:
        if protocol != "PLAINTEXT":
            raise LookupError(f"nothing is known of a {protocol} listener of {self.bootstrap}")
        return self.bootstrap

    def create_topic(self, name: str | None = None, *, partitions: int = 1, replication: int = 1, config: Mapping[str, str] | None = None) -> str:
        name = name or new_topic_name()
        topics.create_through_broker(self.bootstrap, name, partitions, replication, dict(config or {}))
        return name


def _given_version() -> str:
    return os.environ.get("BOOTSTRAP_VERSION") or NEWEST
