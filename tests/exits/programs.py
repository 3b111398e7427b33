"""The programs: small ones, as people write them, each of which ends without close()."""

from __future__ import annotations

from typing import NamedTuple

_BEGINNING = """
import logging, sys, threading
from kafka import KafkaProducer

def make(**options):
    return KafkaProducer(bootstrap_servers=sys.argv[1], **options)

def say(word):
    print(word, flush=True)
    return sys.stdin.readline()
"""


class Program(NamedTuple):
    """A script, and what its end must be like."""

    script: str
    """It says "ending" when all that it does is done."""
    code: int = 0
    """Its exit status."""
    stored: int = 0
    """How many records the broker has at least."""
    loses: int = 0
    """How many of its producers lose records, since their broker goes away before its end: for each one line says so."""
    budget_s: float = 5.0
    """How long its end may take: exit_timeout_ms."""


_FORMAT = "format='%(levelname)s %(name)s %(message)s'"

_PENDING = """
producer = make(linger_ms=60_000)
for number in range(10):
    producer.send("t", b"%d" % number)
"""

PROGRAMS: dict[str, Program] = {
    "no close": Program('make().send("t", b"v").get(10)\nsay("ending")', stored=1),
    "pending": Program(_PENDING + 'say("ending")', stored=10),
    "broker down": Program(
        f'logging.basicConfig({_FORMAT})\nproducer = make(retries=5, exit_timeout_ms=300)\nproducer.partitions_for("t")\nsay("made")\n'
        'for number in range(10):\n    producer.send("t", b"v")\nsay("ending")',
        loses=1,
        budget_s=0.3,
    ),
    "an exception": Program(_PENDING + 'say("ending")\nraise LookupError("of the program")', code=1, stored=10),
    "a daemon thread that sends": Program(
        "producer, begun = make(), threading.Event()\n"
        "def send():\n"
        "    try:\n"
        '        while True:\n            producer.send("t", b"v")\n            begun.set()\n'
        "    except Exception:\n"
        "        pass\n"
        "threading.Thread(target=send, daemon=True).start()\n"
        'begun.wait(10)\nsay("ending")',
        stored=1,
    ),
    "logging to stderr": Program(
        f"logging.basicConfig(level=logging.DEBUG, {_FORMAT})\n"
        'producers = [make(retries=5, exit_timeout_ms=300, reconnect_backoff_ms=1, reconnect_backoff_max_ms=1) for _ in range(3)]\n'
        'for producer in producers:\n    producer.partitions_for("t")\n'
        'say("made")\n'
        'for producer in producers:\n    producer.send("t", b"v")\n'
        'say("ending")',
        loses=3,
        budget_s=0.3,
    ),
}


def source(program: Program) -> str:
    """What the interpreter is given."""
    return _BEGINNING + program.script
