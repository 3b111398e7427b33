"""The program that sends: so many records a second to every partition in turn, and writes down what became of each.

    python -m tests.chaos.sender JSON

Prints `sending` when the first record is acknowledged, and `recovered` when records sent after `well` are, in every partition.
Its input has lines: `partitions N` (send to so many from now on), `fork` (a child sends as well), `well TIME` (the fault ended at that
time.monotonic(), which is one for all processes), and ends when it is to end.
"""

from __future__ import annotations

import json
import os
import queue
import resource
import sys
import threading
import time
import traceback
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaTimeoutError

PARENT, CHILD = "parent", "child"
CHILD_SENDS_S = 2.0
TICK_S = 0.01
VALUE_BYTES = 100
GRACE_S = 5.0


class Sent:
    """One record; all but the first four fields are written by the thread that completes it."""

    __slots__ = ("done_s", "error", "name", "offset", "partition", "sent_s")

    def __init__(self, name: str, partition: int) -> None:
        self.name = name
        self.partition = partition
        self.sent_s = time.monotonic()
        self.done_s: float | None = None
        self.offset = -1
        self.error: BaseException | None = None

    def on_success(self, metadata: Any) -> None:
        self.offset = metadata.offset
        self.done_s = time.monotonic()

    def on_error(self, error: BaseException) -> None:
        self.error = error
        self.done_s = time.monotonic()

    def as_json(self) -> dict[str, Any]:
        failure = {"error": repr(self.error), "persisted": getattr(self.error, "persisted", None)} if self.error else {}
        told = {"name": self.name, "partition": self.partition, "sent_s": self.sent_s, "done_s": self.done_s, "offset": self.offset}
        return {**told, **failure}


class Sending:
    """Threads: one; what is in `commands` comes from another."""

    def __init__(self, task: dict[str, Any], commands: queue.SimpleQueue[list[str] | None]) -> None:
        self._topic = task["topic"]
        self._per_tick = task["rate"] * TICK_S
        self._partitions = task["partitions"]
        self._path = task["path"]
        self._commands = commands
        self._who = PARENT
        self._sent: list[Sent] = []
        self._refused = 0
        self._child = 0
        self._well_s: float | None = None
        self._awaited: set[int] = set()
        self._looked_at = 0
        self._producer = KafkaProducer(**task["options"])
        self._resolves_in_s = task["options"]["delivery_timeout_ms"] / 1000 + GRACE_S
        self._began_s, self._began_cpu_s = time.monotonic(), _cpu_s()

    def run(self) -> None:
        self._send_one()
        while self._sent[0].done_s is None:
            time.sleep(TICK_S)
        _say("sending")
        while self._obey():
            self._tick()
            self._watch_recovery()
        if self._child and os.waitpid(self._child, 0)[1]:
            raise RuntimeError("the child failed")
        self._end()

    def _obey(self) -> bool:
        while not self._commands.empty():
            command = self._commands.get()
            if command is None:
                return False
            if command[0] == "partitions":
                self._partitions = int(command[1])
            elif command[0] == "fork":
                self._fork()
            elif command[0] == "well":
                self._well_s = float(command[1])
                self._awaited = set(range(self._partitions))
                self._looked_at = len(self._sent)
        return True

    def _tick(self) -> None:
        """Send what is due; where send() had to wait, nothing is made up for."""
        due = self._per_tick
        while due >= 1:
            self._send_one()
            due -= 1
        time.sleep(TICK_S)

    def _send_one(self) -> None:
        number = len(self._sent)
        sent = Sent(f"{self._who}-{number}", number % self._partitions)
        value = sent.name.encode().ljust(VALUE_BYTES, b".")
        try:
            future = self._producer.send(self._topic, value, partition=sent.partition)
        except KafkaTimeoutError:  # within max_block_ms there was no metadata: there is no record
            self._refused += 1
            return
        sent.sent_s = time.monotonic()
        self._sent.append(sent)
        future.add_callback(sent.on_success)
        future.add_errback(sent.on_error)

    def _watch_recovery(self) -> None:
        if self._well_s is None or not self._awaited:
            return
        for sent in self._sent[self._looked_at :]:
            if sent.done_s is not None and sent.error is None and sent.sent_s >= self._well_s:
                self._awaited.discard(sent.partition)
        if not self._awaited:
            _say("recovered")

    def _fork(self) -> None:
        pid = os.fork()
        if pid:
            self._child = pid
            return
        self._who, self._sent, self._path = CHILD, [], f"{self._path}.{CHILD}"
        end_s = time.monotonic() + CHILD_SENDS_S
        try:
            while time.monotonic() < end_s:
                self._tick()
            self._end()
            os._exit(0)
        except BaseException:  # noqa: BLE001 - whatever it is, the parent's loop must not go on in the child
            traceback.print_exc()
            os._exit(1)

    def _end(self) -> None:
        """Every future has its time; the producer is closed when that is over, so that closing resolves none."""
        ends_by_s = time.monotonic() + self._resolves_in_s
        for sent in self._sent:
            while sent.done_s is None and time.monotonic() < ends_by_s:
                time.sleep(TICK_S)
        used = {"seconds": time.monotonic() - self._began_s, "cpu_s": _cpu_s() - self._began_cpu_s, "refused": self._refused}
        with open(self._path, "w") as file:
            json.dump({**used, "sent": [sent.as_json() for sent in self._sent]}, file)
        self._producer.close(5)


def _cpu_s() -> float:
    mine, childrens = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return mine.ru_utime + mine.ru_stime + childrens.ru_utime + childrens.ru_stime


def _say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def _listen(commands: queue.SimpleQueue[list[str] | None]) -> None:
    for line in sys.stdin:
        commands.put(line.split())
    commands.put(None)


def main() -> None:
    commands: queue.SimpleQueue[list[str] | None] = queue.SimpleQueue()
    sending = Sending(json.loads(sys.argv[1]), commands)
    threading.Thread(target=_listen, args=(commands,), daemon=True).start()
    sending.run()


if __name__ == "__main__":
    main()
