"""Runs a program once, and judges its end."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from kafka.testing import KafkaBroker
from tests.exits.programs import Program, source

LATE_S = 5.0
"""How much later than its budget an end may be noticed: the machine is busy with other runs."""

_ROOT = str(Path(__file__).parent.parent.parent)
_LOST = "record(s) not delivered"
_OURS = re.compile(r"(DEBUG|INFO|WARNING|ERROR) kafka\.[a-z_.]+ ")


class End(NamedTuple):
    """How a run ended."""

    took_s: float
    """From its last statement to the end of the process."""
    problems: tuple[str, ...]


def run(program: Program, python: str = sys.executable) -> End:
    """One run, with a broker of its own."""
    with KafkaBroker() as broker:
        command = [python, "-c", source(program), broker.bootstrap_servers]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=_ROOT) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            word = process.stdout.readline()
            if word == "made\n":
                broker.stop()
                process.stdin.write("go\n")
                process.stdin.flush()
                word = process.stdout.readline()
            began_s = time.monotonic()
            try:
                _, stderr = process.communicate("go\n", timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()
                return End(time.monotonic() - began_s, ("it does not end",))
            took_s = time.monotonic() - began_s
        problems = list(_problems(program, process.returncode, stderr, took_s))
        if word != "ending\n":
            problems.append(f"it did not come to its end\n{stderr}")
        if not program.loses and len(broker.records("t")) < program.stored:
            problems.append(f"{len(broker.records('t'))} records are stored")
    return End(took_s, tuple(problems))


def _problems(program: Program, code: int, stderr: str, took_s: float) -> list[str]:
    problems = []
    if code != program.code:
        problems.append(f"exit status {code}")
    if took_s > program.budget_s + LATE_S:
        problems.append(f"it took {took_s:.1f} s")
    lines = [line for line in stderr.splitlines() if line.strip()]
    if program.code and "LookupError: of the program" in lines:
        begin, end = lines.index("Traceback (most recent call last):"), lines.index("LookupError: of the program")
        del lines[begin : end + 1]
    lost = sum(_LOST in line for line in lines)
    if lost != program.loses:
        problems.append(f"{lost} lines say what was lost, and {program.loses} producers have lost something")
    strange = [line for line in lines if not (program.loses and _OURS.match(line))]
    if strange:
        problems.append(f"on stderr: {strange[:5]}")
    return problems
