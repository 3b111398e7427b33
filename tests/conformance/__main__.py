"""Plays the script: against real Kafka, to keep what it answers, or against a cluster that is named, to show it.

python -m tests.conformance --record [VERSION ...]      python -m tests.conformance HOST:PORT VERSION [SCENARIO ...]
"""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Iterator

from tests.broker.real_kafka import RealKafka
from tests.conformance import script
from tests.conformance.parts import PARTS


@contextlib.contextmanager
def _started(version: str, brokers: int) -> Iterator[str]:
    with RealKafka(version, brokers=brokers) as kafka:
        yield kafka.bootstrap


def main(arguments: list[str]) -> int:
    assert PARTS
    if arguments[:1] == ["--record"]:
        for version in arguments[1:] or script.VERSIONS:
            script.keep_answers(version, script.play_all(version, functools.partial(_started, version)))
        return 0
    bootstrap, version, *names = arguments
    for one in script.scenarios_of(version):
        if not names or one.name in names:
            sys.stdout.write(f"{one.name}\n")
            for asked, answer in one.run(bootstrap):
                sys.stdout.write(f"    {asked}: {answer}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
