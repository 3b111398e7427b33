"""python -m kafka.testing: the embedded Kafka as a process, for programs of any language.

Imported by: nothing.  Imports: testing.broker.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from kafka.testing.broker import KafkaCluster

_DEFAULT_PORT = 9092
_LONG_S = 3600.0


class _Topic(NamedTuple):
    name: str
    partitions: int | None


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM; prints the bootstrap servers as one line when clients may connect. 1 where it cannot start."""
    options = _parser().parse_args(arguments)
    try:
        cluster = KafkaCluster(
            brokers=options.brokers,
            version=options.version,
            default_partitions=options.partitions,
            auto_create_topics=not options.no_auto_create,
        )
        for topic in options.topic:
            cluster.create_topic(topic.name, topic.partitions)
    except ValueError as error:
        return _fail(error)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        cluster.start(port=options.port)
    except (OSError, OverflowError, ValueError) as error:  # ports are counted up from the first
        return _fail(f"cannot listen on port {options.port}{f' and the {options.brokers - 1} after it' if options.brokers > 1 else ''}: {error}")
    try:
        sys.stdout.write(f"{cluster.bootstrap_servers}\n")
        sys.stdout.flush()
        while True:
            time.sleep(_LONG_S)
    except KeyboardInterrupt:
        return 0
    finally:
        cluster.stop()


def _fail(why: Any) -> int:
    sys.stderr.write(f"kafka.testing: {why}\n")
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m kafka.testing",
        description="A Kafka for tests on 127.0.0.1, in memory. Prints its bootstrap servers when it is ready; Ctrl-C or SIGTERM ends it.",
    )
    parser.add_argument("--port", type=_port, default=_DEFAULT_PORT, help="of the first broker; 0: free ones (default: %(default)s)")
    parser.add_argument("--brokers", type=int, default=1, metavar="N", help="how many share the topics (default: %(default)s)")
    parser.add_argument("--version", metavar="X.Y", help="release of Kafka to be like, from 0.8.2 on (default: the newest)")
    parser.add_argument("--partitions", type=int, default=1, metavar="N", help="of topics made without a number (default: %(default)s)")
    parser.add_argument("--topic", type=_topic, action="append", default=[], metavar="NAME[:N]", help="a topic to make; may be repeated")
    parser.add_argument("--no-auto-create", action="store_true", help="do not make topics that are asked for")
    return parser


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise ValueError(text)
    return port


def _topic(text: str) -> _Topic:
    name, _, partitions = text.partition(":")
    return _Topic(name, int(partitions) if partitions else None)


if __name__ == "__main__":
    sys.exit(main())
