"""The program that is watched: eight threads that send through producers, and write down what became of every record.

    python -m tests.soak.senders JSON

Prints a line when it has a producer. Ends when its input does; prints what it then has left of threads and open files.
"""

from __future__ import annotations

import json
import os
import random
import sys
import threading
import time
from collections import deque
from typing import Any, NamedTuple

from kafka import KafkaProducer
from kafka.errors import KafkaError, KafkaTimeoutError, NoBrokersAvailable

TOPIC = "soak"
SHARING = 7  # threads with one producer between them; another one makes a new producer again and again
VALUE_BYTES = 100
DELIVERY_TIMEOUT_S = 10.0
GRACE_S = 2.0  # a busy machine's, on top of the time by which a future is done
PULSE_S = 0.02
LIFETIME_S = (2.0, 10.0)  # of the producers that are made anew
MOST_OUTSTANDING = 2000

OPTIONS: dict[str, Any] = {
    "acks": "all",
    "retries": 1_000_000,
    "linger_ms": 10,
    "request_timeout_ms": 2000,
    "delivery_timeout_ms": DELIVERY_TIMEOUT_S * 1000,
    "max_block_ms": 5000,
    "buffer_memory": 4_000_000,
    "metadata_max_age_ms": 5000,
    "connections_max_idle_ms": 4000,
    "api_version_auto_timeout_ms": 3000,
    "compression_type": "gzip",
}


class Outstanding(NamedTuple):
    number: int
    future: Any
    due_s: float


class Outcomes:
    """One file of lines `number verdict partition offset`; `offset` is of the acknowledged.

    The verdicts: acked; no, maybe (failed, and what its error says of the log); late (done, but not in time), open (done, but not when close()
    was back), never.
    Threads: one.
    """

    def __init__(self, path: str) -> None:
        self._file = open(path, "w")  # noqa: SIM115 - closed by close()

    def write(self, number: int, verdict: str, partition: int = -1, offset: int = -1) -> None:
        self._file.write(f"{number} {verdict} {partition} {offset}\n")

    def close(self) -> None:
        self._file.close()


class Sending:
    """What one thread does.

    Threads: its own; `producer` is shared.
    """

    def __init__(self, name: int, producer: KafkaProducer | None, outcomes: Outcomes, rate: float, seed: int, ending: threading.Event) -> None:
        self._name = name
        self._producer = producer
        self._outcomes = outcomes
        self._pause_s = 1 / rate
        self._chance = random.Random(f"{seed}/{name}")
        self._ending = ending
        self._number = 0
        self._outstanding: deque[Outstanding] = deque()

    def run(self, bootstrap: str) -> None:
        if self._producer is not None:
            self._send_until(self._producer, float("inf"))
        while not self._ending.is_set():
            try:
                producer = KafkaProducer(bootstrap_servers=bootstrap, **OPTIONS)
            except NoBrokersAvailable:
                continue
            self._send_until(producer, time.monotonic() + self._chance.uniform(*LIFETIME_S))
            producer.close(self._chance.choice([0, 0.1, DELIVERY_TIMEOUT_S]))
            self._settle(is_closed=True)
        while self._outstanding:
            self._settle()
            time.sleep(0.01)
        self._outcomes.close()

    def _send_until(self, producer: KafkaProducer, end_s: float) -> None:
        while not self._ending.is_set() and time.monotonic() < end_s:
            self._send(producer)
            self._settle()
            self._do_something_else(producer)
            time.sleep(self._chance.uniform(0, 2 * self._pause_s))

    def _send(self, producer: KafkaProducer) -> None:
        if len(self._outstanding) >= MOST_OUTSTANDING:
            return
        value = b"%d-%d" % (self._name, self._number)
        try:
            future = producer.send(TOPIC, value.ljust(VALUE_BYTES, b"."))
        except KafkaTimeoutError:  # no metadata, or no room, within max_block_ms: there is no record
            return
        self._outstanding.append(Outstanding(self._number, future, time.monotonic() + DELIVERY_TIMEOUT_S + GRACE_S))
        self._number += 1

    def _settle(self, *, is_closed: bool = False) -> None:
        """Write down what is done, or should be; after close() everything should."""
        outstanding = self._outstanding
        now_s = time.monotonic()
        while outstanding and (is_closed or outstanding[0].future.done() or outstanding[0].due_s < now_s):
            number, future, _ = outstanding.popleft()
            if not future.done() and not (is_closed and _is_done_within(future, GRACE_S)):
                is_done = _is_done_within(future, DELIVERY_TIMEOUT_S)
                self._outcomes.write(number, "never" if not is_done else "open" if is_closed else "late")
                continue
            error = future.exception
            if error is None:
                found = future.get(0)
                self._outcomes.write(number, "acked", found.partition, found.offset)
            else:
                self._outcomes.write(number, getattr(error, "persisted", "maybe"))

    def _do_something_else(self, producer: KafkaProducer) -> None:
        """What applications also call, now and then."""
        what = self._chance.random()
        try:
            if what < 0.002:
                producer.flush(0.5)
            elif what < 0.01 and self._outstanding:
                self._outstanding[-1].future.get(0.2)
            elif what < 0.02:
                producer.partitions_for(TOPIC)
            elif what < 0.03:
                producer.status()
            elif what < 0.04:
                producer.metrics()
        except KafkaError:
            pass  # not in time, or failed: the record's own outcome tells


def _is_done_within(future: Any, seconds: float) -> bool:
    deadline_s = time.monotonic() + seconds
    while not future.done() and time.monotonic() < deadline_s:
        time.sleep(PULSE_S)
    return bool(future.done())


class Pulse:
    """How long the process was held up at worst: a busy machine's doing, nobody else's.

    Threads: its own; `longest_s` is read by any.
    """

    def __init__(self) -> None:
        self.longest_s = 0.0
        self.name = "pulse"
        threading.Thread(target=self._beat, name=self.name, daemon=True).start()

    def _beat(self) -> None:
        while True:
            began_s = time.monotonic()
            time.sleep(PULSE_S)
            self.longest_s = max(self.longest_s, time.monotonic() - began_s - PULSE_S)


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def main() -> None:
    task = json.loads(sys.argv[1])
    files_before = open_files()
    pulse = Pulse()
    ending = threading.Event()
    shared = KafkaProducer(bootstrap_servers=task["bootstrap"], **OPTIONS)
    threads = []
    for name in range(SHARING + 1):
        producer = shared if name < SHARING else None
        outcomes = Outcomes(f"{task['folder']}/{name}")
        sending = Sending(name, producer, outcomes, task["rate"] / (SHARING + 1), task["seed"], ending)
        threads.append(threading.Thread(target=sending.run, args=(task["bootstrap"],)))
    for thread in threads:
        thread.start()
    sys.stdout.write("sending\n")
    sys.stdout.flush()
    sys.stdin.read()
    ending.set()
    for thread in threads:
        thread.join()
    shared.close(DELIVERY_TIMEOUT_S)
    left = {
        "threads": [thread.name for thread in threading.enumerate() if thread.name not in (pulse.name, "MainThread")],
        "files": open_files() - files_before,
    }
    sys.stdout.write(json.dumps({"left": left, "held_up_s": pulse.longest_s}))


if __name__ == "__main__":
    main()
