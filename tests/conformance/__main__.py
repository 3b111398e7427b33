"""Plays the script: against real Kafka, to keep what it answers, or against a cluster that is named, to show it.

python -m tests.conformance --record [VERSION ...]      python -m tests.conformance HOST:PORT VERSION [SCENARIO ...]
"""

from __future__ import annotations

import sys

from tests.broker.real_kafka import RealKafka
from tests.conformance import script
from tests.conformance.parts import PARTS


def main(arguments: list[str]) -> int:
    assert PARTS
    if arguments[:1] == ["--record"]:
        for version in arguments[1:] or script.VERSIONS:
            with RealKafka(version) as kafka:
                script.keep_answers(version, {one.name: one.run(kafka.bootstrap) for one in script.scenarios_of(version)})
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
