"""A program that brings a producer into a state in which nothing can be done, and says how much CPU some seconds of it take.

python -m tests.scenarios.quiet_states STATE: prints "ready", waits for a line, measures, prints the seconds of CPU.
"""

from __future__ import annotations

import contextlib
import select
import socket
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any, Callable

from kafka import KafkaProducer
from kafka.errors import KafkaTimeoutError
from kafka.testing import KafkaBroker, Sasl, faults

WATCHED_S = 6.0
_MOST_FILLERS = 64


def producer_for(servers: str, **configs: Any) -> KafkaProducer:
    return KafkaProducer(bootstrap_servers=servers, **configs)


@contextlib.contextmanager
def wanting_metadata_of(server: tuple[str, int]) -> Iterator[None]:
    """A producer that has been told what to expect of this server, and wants to know of a topic."""
    producer = producer_for("{}:{}".format(*server), api_version=(2, 8), max_block_ms=0)
    try:
        producer.send("t", b"v")
    except KafkaTimeoutError:
        yield
        producer.close(0)
    else:
        raise AssertionError("nobody can have answered")


@contextlib.contextmanager
def connected(**configs: Any) -> Iterator[tuple[KafkaBroker, KafkaProducer]]:
    """A producer that has delivered a record."""
    with KafkaBroker() as broker:
        producer = producer_for(broker.bootstrap_servers, **configs)
        is_delivered = False
        while not is_delivered:  # which may take longer than a record may where others share the processor
            with contextlib.suppress(KafkaTimeoutError):
                is_delivered = bool(producer.send("t", b"v").get(10))
        yield broker, producer
        producer.close(0)


@contextlib.contextmanager
def idle() -> Iterator[None]:
    with connected():
        yield


@contextlib.contextmanager
def refused() -> Iterator[None]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        with wanting_metadata_of(taken.getsockname()):
            yield


@contextlib.contextmanager
def refused_with_records_waiting() -> Iterator[None]:
    with connected(retries=1000) as (broker, producer):
        broker.stop()
        for _ in range(100):
            producer.send("t", b"v")
        yield


@contextlib.contextmanager
def unreachable_without_answers() -> Iterator[None]:
    """TCP connects, and then nothing comes, as with a stopped broker."""
    with socket.create_server(("127.0.0.1", 0)) as silent, wanting_metadata_of(silent.getsockname()):
        yield


@contextlib.contextmanager
def unreachable_without_connections() -> Iterator[None]:
    """SYNs are not answered: the queue of the server is full."""
    with contextlib.ExitStack() as sockets:
        server = sockets.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(_MOST_FILLERS):
            filler = sockets.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(server.getsockname())
            _, is_connected, _ = select.select([], [filler], [], 0.2)
            if not is_connected:
                break
        else:
            raise AssertionError("the server's queue does not fill")
        with wanting_metadata_of(server.getsockname()):
            yield


@contextlib.contextmanager
def leaderless() -> Iterator[None]:
    with connected(retries=1000) as (broker, producer):
        for partition in broker.cluster.topics["t"].partitions:
            partition.leader = -1
        producer._metadata.request_update().result(10)
        future = producer.send("t", b"v")
        yield
        assert not future.is_done


@contextlib.contextmanager
def buffer_full() -> Iterator[None]:
    with connected(retries=1000, buffer_memory=2000, max_block_ms=60_000) as (broker, producer):
        broker.stop()
        threading.Thread(target=fill, args=(producer,), daemon=True).start()
        while not producer._accumulator.memory.waiters:
            time.sleep(0.01)
        yield


@contextlib.contextmanager
def authentication_refused() -> Iterator[None]:
    with KafkaBroker(sasl=Sasl({"alice": "right"})) as broker:
        wrong = {"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "PLAIN", "sasl_plain_username": "alice", "sasl_plain_password": "wrong"}
        producer = producer_for(broker.bootstrap_servers, api_version=(2, 8), max_block_ms=0, **wrong)
        with contextlib.suppress(KafkaTimeoutError):
            producer.send("t", b"v")
        yield
        producer.close(0)


@contextlib.contextmanager
def throttled() -> Iterator[None]:
    with connected(retries=1000) as (broker, producer):
        broker.faults.add(faults.Throttle(60.0), api="Produce")
        producer.send("t", b"v").get(10)
        future = producer.send("t", b"v")
        yield
        assert not future.is_done


@contextlib.contextmanager
def expired() -> Iterator[None]:
    with connected(retries=1000, request_timeout_ms=200, delivery_timeout_ms=400) as (broker, producer):
        broker.stop()
        future = producer.send("t", b"v")
        while not future.is_done:
            time.sleep(0.01)
        yield


def fill(producer: KafkaProducer) -> None:
    try:
        while True:
            producer.send("t", b"x" * 500)
    except Exception:  # noqa: BLE001 - closing ends it
        pass


STATES: dict[str, Callable[[], contextlib.AbstractContextManager[None]]] = {
    state.__name__: state
    for state in (
        idle,
        refused,
        refused_with_records_waiting,
        unreachable_without_answers,
        unreachable_without_connections,
        leaderless,
        buffer_full,
        authentication_refused,
        throttled,
        expired,
    )
}


def main(state: str) -> None:
    with STATES[state]():
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        before_s = time.process_time()
        time.sleep(WATCHED_S)
        sys.stdout.write(f"{time.process_time() - before_s}\n")


if __name__ == "__main__":
    main(sys.argv[1])
