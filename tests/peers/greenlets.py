"""A program that sends from a hundred greenlets: python greenlets.py gevent|eventlet HOW SERVERS; prints how often another greenlet ran meanwhile."""

import importlib
import sys
from typing import Any

LIBRARY, HOW, SERVERS = sys.argv[1:]
GREENLETS, RECORDS = 100, 10

library: Any = importlib.import_module(LIBRARY)


def patch() -> None:
    if LIBRARY == "eventlet":
        library.monkey_patch(**({"thread": False} if HOW == "threads left" else {}))
    else:
        importlib.import_module("gevent.monkey").patch_all(thread=HOW != "threads left")


if HOW != "after":
    patch()
from kafka import KafkaProducer  # noqa: E402

if HOW == "after":
    patch()

producer = KafkaProducer(bootstrap_servers=SERVERS, linger_ms=1)
ticks = 0


def tick() -> None:
    global ticks
    while True:
        library.sleep(0.001)
        ticks += 1


def work(name: int) -> list[int]:
    return [producer.send("t", b"%d.%d" % (name, number)).get(20).offset for number in range(RECORDS)]


library.spawn(tick)
workers = [library.spawn(work, name) for name in range(GREENLETS)]
offsets = [worker.wait() if LIBRARY == "eventlet" else worker.get() for worker in workers]
assert sorted(offset for found in offsets for offset in found) == list(range(GREENLETS * RECORDS))
sent_in_callbacks: list[tuple[Any, Any]] = []


def send_two(_: Any) -> None:
    with_headers = producer.send("in-callbacks", b"first", headers=[("name", b"value")], partition=0)
    sent_in_callbacks.append((with_headers, producer.send("in-callbacks", b"second", partition=0)))


producer.partitions_for("in-callbacks")
producer.send("in-callbacks", b"before", partition=0).get(20)
for _ in range(3):
    producer.send("t", b"with a callback").add_callback(send_two).get(20)
producer.flush(10)
for first, second in sent_in_callbacks:
    assert first.get(20).offset < second.get(20).offset
assert len(sent_in_callbacks) == 3
producer.send("t", b"last")
producer.flush(10)
producer.close(5)
sys.stdout.write(f"{ticks}\n")
