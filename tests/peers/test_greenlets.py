"""gevent and eventlet: sockets, selectors and threads are theirs, from before our import or after it, or threads are as they were."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from kafka.testing import KafkaBroker
from tests.environments import environment_with

PROGRAM = Path(__file__).with_name("greenlets.py")
ROOT = PROGRAM.parents[2]

pytestmark = pytest.mark.timeout(360)  # the first use installs them


@pytest.mark.parametrize("how", ["before", "after", "threads left"])
@pytest.mark.parametrize("library", ["gevent", "eventlet"])
def test_a_hundred_greenlets_send_and_wait_for_what_becomes_of_it(library: str, how: str) -> None:
    interpreter = environment_with("gevent", "eventlet", "crc32c")
    with KafkaBroker() as broker:
        command = [str(interpreter), "-W", "ignore", str(PROGRAM), library, how, broker.bootstrap_servers]
        done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)})
        assert done.returncode == 0, done.stderr
        assert len(broker.records("t")) == 1004
        assert int(done.stdout) > 3 or how == "threads left", "others ran while these waited"
