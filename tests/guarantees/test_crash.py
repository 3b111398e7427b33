"""What survives kill -9 of the program: every record whose acknowledgement the program has seen, so that it can go on behind it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kafka.testing import KafkaBroker, faults

PROGRAM = """
import sys
from kafka import KafkaProducer
servers, journal, last = sys.argv[1], sys.argv[2], int(sys.argv[3])
try:
    begins = max(int(line) for line in open(journal)) + 1
except (FileNotFoundError, ValueError):
    begins = 0
options = {"bootstrap_servers": servers, "acks": "all", "retries": 10, "max_in_flight_requests_per_connection": 1}
with open(journal, "a") as done, KafkaProducer(**options) as producer:
    waiting = []
    for number in range(begins, last):
        waiting.append((number, producer.send("t", b"%d" % number)))
        if len(waiting) == 50:
            for sent, future in waiting:
                future.get(10)
            done.write(f"{sent}\\n")
            done.flush()
            waiting.clear()
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no such signal")
def test_a_program_that_goes_on_behind_its_last_acknowledgement_loses_no_record_to_kill_9(broker: KafkaBroker, tmp_path: Path) -> None:
    """At least once: what it had not been told of is sent again."""
    broker.create_topic("t", 1)
    journal, last = tmp_path / "journal", 2000
    command = [sys.executable, "-c", PROGRAM, broker.bootstrap_servers, str(journal), str(last)]
    for killed in range(4):
        unacknowledged = broker.faults.add(faults.DropReply(), api="Produce", skip=3 + killed)
        process = subprocess.Popen(command)
        unacknowledged.wait(timeout_s=50)  # the program waits now for what it has written
        process.kill()
        assert process.wait(10) == -signal.SIGKILL
        unacknowledged.remove()
    subprocess.run(command, check=True, timeout=50)
    values = [int(record.value or b"") for record in broker.records("t")]
    assert list(dict.fromkeys(values)) == list(range(last))
    assert len(values) > last, "some were sent twice"
