"""Builds the parts of a producer from its options and connects them.

Imported by: producer.kafka.  Imports: everything that it connects.
"""

from __future__ import annotations

import contextlib
from typing import Any, NamedTuple

from kafka._log import Outlet
from kafka._world import World
from kafka.client.client import KafkaClient
from kafka.client.metrics import ClientMetrics, RegisteredClientMetrics
from kafka.client.options import ClientOptions, client_options
from kafka.cluster import ClusterMetadata
from kafka.future import Home
from kafka.metrics import MetricConfig, Metrics
from kafka.metrics.ledger import Ledger
from kafka.producer import config as producer_config
from kafka.producer.accumulator import RecordAccumulator
from kafka.producer.deferral import Deferral
from kafka.producer.idle_topics import IdleTopics
from kafka.producer.memory import BufferMemory
from kafka.producer.metrics import RegisteredSenderMetrics, SenderMetrics
from kafka.producer.partitioning import Router
from kafka.producer.send_path import FastPath, fast_path_for
from kafka.producer.sender import Sender


class Parts(NamedTuple):
    """What a facade is made of."""

    home: Home
    cluster: ClusterMetadata
    client: KafkaClient
    accumulator: RecordAccumulator
    router: Router
    sender: Sender
    metrics: Metrics | None
    send_path: FastPath | None
    options: ClientOptions

    def discard(self) -> None:
        """No I/O thread has run, and none will."""
        _discard(self.client, self.metrics)


def assemble(config: dict[str, Any], world: World, options: ClientOptions | None = None) -> Parts:
    """Make the parts, and meet the cluster if no api_version says what to expect; completes `config` with what it found.

    With `options`, of parts that were made of this config before, nobody is met: `config` is complete, and brokers are connected to when needed.
    NoBrokersAvailable where nobody answers in time.
    """
    is_known = options is not None
    options = client_options(config) if options is None else options
    outlet = Outlet(world.clock)
    home = Home(world.clock, outlet)
    cluster = ClusterMetadata()
    ledger = Ledger()
    metrics = client = None
    try:
        metrics = metrics_of(config)
        client = KafkaClient(
            options=options,
            clock=world.clock,
            random=world.random,
            transport=world.transport,
            cluster=cluster,
            metrics=ClientMetrics() if metrics is None else RegisteredClientMetrics(metrics, ledger, group_prefix="producer"),
            outlet=outlet,
        )
        home.watch = client.watch
        cluster.on_update_wanted = client.wake
        if not is_known:
            _meet_cluster(config, client, world)
        codec = producer_config.chosen_codec(config)
        accumulator = RecordAccumulator(
            home=home,
            memory=BufferMemory(config["buffer_memory"]),
            sizes=producer_config.batch_sizes(config),
            magic=_magic_for(config["api_version"]),
            wake=client.wake,
            on_delivery_error=config["on_delivery_error"],
            codec=codec,
        )
        router = Router(
            cluster=cluster,
            accumulator=accumulator,
            partitioner=config["partitioner"],
            random=world.random,
            unknown_topic_retries=config["unknown_topic_retries"],
        )
        policy = producer_config.delivery_policy(config)
        deferral = Deferral(home=home, accumulator=accumulator, router=router, cluster=cluster, policy=policy)
        measured = _sender_metrics(metrics, ledger, client, world)
        sender = Sender(
            home=home,
            client=client,
            cluster=cluster,
            accumulator=accumulator,
            deferral=deferral,
            policy=policy,
            codec=codec,
            metrics=measured,
            idle_topics=IdleTopics(cluster=cluster, accumulator=accumulator, router=router, metrics=measured),
            on_end=_nothing if metrics is None else metrics.close,
            outlet=outlet,
        )
        path = fast_path_for(config, clock=world.clock, random=world.random, accumulator=accumulator, cluster=cluster)
        return Parts(home, cluster, client, accumulator, router, sender, metrics, path, options)
    except BaseException:
        _discard(client, metrics)
        raise


def _discard(client: KafkaClient | None, metrics: Metrics | None) -> None:
    if client is not None:
        client.forget()  # not close(), which is for a client that Ctrl-C has not interrupted in the middle of anything
    if metrics is not None:
        metrics.close()


def _meet_cluster(config: dict[str, Any], client: KafkaClient, world: World) -> None:
    if config["api_version"] is not None:
        client.bootstrap(None)
        return
    timeout_ms = config["bootstrap_timeout_ms"]
    if timeout_ms is None:
        timeout_ms = config["api_version_auto_timeout_ms"]
    client.bootstrap(world.clock.monotonic() + timeout_ms / 1000)
    config["api_version"] = client.api_version
    producer_config.codec_is_installed_and_known_to_brokers(config)


def _magic_for(api_version: tuple[int, ...]) -> int:
    return 2 if api_version >= (0, 11) else 1 if api_version >= (0, 10) else 0


def metrics_of(config: dict[str, Any]) -> Metrics | None:
    """The registry that the options ask for, with its reporters; None where nothing is to be measured."""
    if not config["metrics_enabled"]:
        return None
    settings = MetricConfig(
        samples=config["metrics_num_samples"], time_window_ms=config["metrics_sample_window_ms"], tags={"client-id": config["client_id"]}
    )
    reporters: list[Any] = []
    try:
        for kind in config["metric_reporters"]:
            reporters.append(kind())  # noqa: PERF401 - those that are made are closed where another cannot be
        return Metrics(settings, reporters)
    except BaseException:  # of a reporter, or Ctrl-C
        for reporter in reporters:
            with contextlib.suppress(Exception):
                reporter.close()
        raise


def _sender_metrics(metrics: Metrics | None, ledger: Ledger, client: KafkaClient, world: World) -> SenderMetrics:
    if metrics is None:
        return SenderMetrics()
    return RegisteredSenderMetrics(metrics, ledger, requests_in_flight=client.in_flight_request_count, monotonic=world.clock.monotonic)


def _nothing() -> None:
    """There are no metrics to close."""
