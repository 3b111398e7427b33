"""Every way to exit, over every state of the broker, with records pending and without: in time, without a traceback, nothing left, nothing untold."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from typing import Any

import pytest

from kafka.testing import Certificates, KafkaBroker, faults

STRICT = [sys.executable, "-X", "dev", "-W", "error", "-W", "ignore:.*fork:DeprecationWarning"]
MOST_S = 6.0

BEGINNING = """
import gc, logging, os, signal, sys, threading, time, warnings
logging.basicConfig(format="%(levelname)s %(name)s %(message)s")
from kafka import KafkaProducer

LIMIT_S = float(sys.argv[3])

def make():
    options = dict(linger_ms=60_000, request_timeout_ms=70_000, api_version=(2, 6), max_block_ms=5000, retries=5, exit_timeout_ms=LIMIT_S * 1000)
    made = KafkaProducer(bootstrap_servers=sys.argv[1], **options)
    made.partitions_for("t")
    return made

def is_told(word):
    print(word, flush=True)
    return sys.stdin.readline()

producer = make()
is_told("made")  # and the broker is put into its state
if sys.argv[2] == "pending":
    for number in range(10):
        producer.send("t", b"%d" % number)
"""

EXITS: dict[str, tuple[str, int]] = {
    "the script ends": ("", 0),
    "sys.exit": ("sys.exit(3)", 3),
    "an exception": ("raise LookupError('of the user')", 1),
    "os._exit": ("os._exit(4)", 4),
    "close": ("producer.close(2 * LIMIT_S)", 0),
    "close at once": ("producer.close(0)", 0),
    "close twice, in threads": (
        "threads = [threading.Thread(target=producer.close, args=(2 * LIMIT_S,)) for _ in range(20)]\n"
        "for t in threads: t.start()\n"
        "for t in threads: t.join()",
        0,
    ),
    "flush that gives up": ("try: producer.flush(0.2)\nexcept TimeoutError: pass", 0),
    "collected": ("warnings.simplefilter('always', ResourceWarning); del producer; gc.collect()", 0),
    "a thread that sends": (
        "def send():\n"
        "    try:\n"
        "        while True: producer.send('t', b'of the thread'); time.sleep(0.001)\n"
        "    except Exception: pass\n"
        "threading.Thread(target=send, daemon=True).start(); time.sleep(0.1)",
        0,
    ),
    "SIGTERM": ("os.kill(os.getpid(), signal.SIGTERM); time.sleep(5)", -signal.SIGTERM),
    "SIGTERM, with a handler that closes": (
        "def stop(number, frame): producer.close(LIMIT_S); sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, stop); os.kill(os.getpid(), signal.SIGTERM); time.sleep(5)",
        0,
    ),
    "Ctrl-C": (
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # who starts the tests in the background has it ignored
        "try:\n"
        "    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
        "    while True: producer.flush(); time.sleep(0.01)\n"
        "except KeyboardInterrupt: pass",
        0,
    ),
    "held by a global that outlives all": ("import builtins; builtins.kept = producer", 0),
}

STATES = {"well": 5.0, "down": 0.5, "frozen": 0.5}
"""Of the broker, and how many seconds what is pending may take at the end: all of them where it goes nowhere."""


def put_into(broker: KafkaBroker, state: str) -> None:
    if state == "down":
        broker.stop()
    elif state == "frozen":
        broker.faults.add(faults.Freeze())


def own_lines(stderr: str) -> list[str]:
    """What was written besides the one traceback of the user's own exception."""
    lines = [line for line in stderr.splitlines() if line.strip()]
    if lines and "LookupError: of the user" in lines:
        end = lines.index("LookupError: of the user")
        begin = lines.index("Traceback (most recent call last):")
        del lines[begin : end + 1]
    return lines


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("pending", ["pending", "nothing pending"])
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("way", EXITS)
def test_every_exit_is_in_time_and_quiet(broker: KafkaBroker, way: str, state: str, pending: str) -> None:
    ending, code = EXITS[way]
    command = [*STRICT, "-c", BEGINNING + ending, broker.bootstrap_servers, pending, str(STATES[state])]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "made\n"
        put_into(broker, state)
        began_s = time.monotonic()
        _, stderr = process.communicate("go\n", timeout=30)
        took_s = time.monotonic() - began_s
    assert process.returncode == code, stderr
    assert took_s < MOST_S
    told = own_lines(stderr)
    warned = [line for line in told if "ResourceWarning" in line]
    assert len([line for line in warned if "unclosed KafkaProducer" in line]) == (way == "collected"), stderr
    told = [line for line in told if line not in warned]
    assert all(line.startswith(("WARNING kafka.", "ERROR kafka.")) for line in told), stderr
    stored = {record.value for record in broker.records("t")} - {b"of the thread"}
    if state == "well" and pending == "pending" and way not in ("os._exit", "SIGTERM", "close at once"):
        assert stored == {b"%d" % number for number in range(10)}
    if pending != "pending":
        assert not stored
        if way != "a thread that sends":
            assert not [line for line in told if "not delivered" in line]
    elif stored != {b"%d" % number for number in range(10)} and way not in ("os._exit", "SIGTERM"):
        assert len([line for line in told if "record(s) not delivered" in line]) == 1, stderr


FORKING = """
import os, sys, threading
from kafka import KafkaProducer

mode, options = sys.argv[2], {}
if mode == "TLS":
    options = dict(security_protocol="SSL", ssl_cafile=sys.argv[3])
producer = KafkaProducer(bootstrap_servers=sys.argv[1], linger_ms=20_000 if mode == "pending" else 0, **options)
producer.partitions_for("t")
is_over, threads, sent = threading.Event(), [], [0]
if mode == "pending":
    for number in range(1000):
        producer.send("t", b"parent")
    sent[0] = 1000
if mode == "threads":
    def send():
        number = 0
        while not is_over.is_set():
            producer.send("t", b"parent")
            number += 1
            is_over.wait(0.0005)
        sent.append(number)
    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
codes = []
for worker in range(5):
    if mode == "TLS":
        producer.send("t", b"parent").get(10)
        sent[0] += 1
    pid = os.fork()
    if pid == 0:
        producer.send("t", b"child %d" % worker)
        producer.close()
        threads = threading.enumerate()
        sys.exit(0 if len(threads) == 1 else 7)
    codes.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
is_over.set()
for thread in threads:
    thread.join()
producer.close()
print(sum(sent))
sys.exit(sum(codes))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize("mode", ["threads", "TLS", "pending"])
def test_forks_in_strict_processes(mode: str) -> None:
    certificates = Certificates() if mode == "TLS" else None
    given: dict[str, Any] = {} if certificates is None else {"ssl_context": certificates.server_context()}
    with KafkaBroker(**given) as broker:
        command = [*STRICT, "-c", FORKING, broker.bootstrap_servers, mode, "" if certificates is None else certificates.cafile]
        done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        stored = Counter(record.value for record in broker.records("t"))
    assert stored.pop(b"parent") == int(done.stdout)
    assert stored == Counter(b"child %d" % worker for worker in range(5))
