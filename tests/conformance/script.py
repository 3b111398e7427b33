"""Scenarios: what they are, and how all of them are run against a cluster."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable, NamedTuple

from tests.broker.kafka_jars import release
from tests.conformance.peer import Peer

VERSIONS = ("2.8.2", "4.4.0")
"""The releases whose answers are kept."""
BROKERS = (1, 3)
ANSWERS = Path(__file__).with_name("answers")

Seen = tuple[str, Any]
"""What was asked, in words, and what was answered, as JSON has it."""


class Scenario(NamedTuple):
    """A part of the script; `since` is the first release that can play it, `brokers` how many it wants."""

    name: str
    play: Callable[[Peer], Iterator[Seen]]
    since: tuple[int, ...]
    brokers: int

    def run(self, bootstrap: str) -> list[list[Any]]:
        """[[what was asked, what was answered], ...] in order."""
        with Peer(bootstrap) as peer:
            seen = [[asked, answer] for asked, answer in self.play(peer)]
        plain: list[list[Any]] = json.loads(json.dumps(seen))
        return plain


SCENARIOS: dict[str, Scenario] = {}


def scenario(*, since: str = "0.11", brokers: int = 1) -> Callable[[Callable[[Peer], Iterator[Seen]]], Callable[[Peer], Iterator[Seen]]]:
    """Make a function a scenario, under its own name."""

    def register(play: Callable[[Peer], Iterator[Seen]]) -> Callable[[Peer], Iterator[Seen]]:
        SCENARIOS[play.__name__] = Scenario(play.__name__, play, release(since), brokers)
        return play

    return register


def scenarios_of(version: str) -> list[Scenario]:
    return [one for one in SCENARIOS.values() if one.since <= release(version)]


def play_all(version: str, start: Callable[[int], contextlib.AbstractContextManager[str]]) -> dict[str, list[list[Any]]]:
    """What a cluster answers to all scenarios; `start(brokers)` runs one and gives its bootstrap servers."""
    answers: dict[str, list[list[Any]]] = {}
    for brokers in BROKERS:
        with start(brokers) as bootstrap:
            answers.update({one.name: one.run(bootstrap) for one in scenarios_of(version) if one.brokers == brokers})
    return answers


def kept_answers(version: str) -> dict[str, list[list[Any]]]:
    """{scenario: what real Kafka of this version answered}."""
    found: dict[str, list[list[Any]]] = json.loads((ANSWERS / f"{version}.json").read_text())
    return found


def differences(seen: dict[str, list[list[Any]]], kept: dict[str, list[list[Any]]]) -> list[str]:
    """A line for each answer that is not the kept one."""

    def lines(answers: dict[str, list[list[Any]]]) -> dict[tuple[str, int], str]:
        return {(name, at): f"{asked}: {json.dumps(answer)}" for name, pairs in answers.items() for at, (asked, answer) in enumerate(pairs)}

    found, expected = lines(seen), lines(kept)
    places = sorted(place for place in found.keys() | expected.keys() if found.get(place) != expected.get(place))
    return [f"{place[0]}, {found.get(place, 'nothing')}; kept is {expected.get(place, 'nothing')}" for place in places]


def keep_answers(version: str, answers: dict[str, list[list[Any]]]) -> None:
    """One line for each answer, so that changes are seen as such."""
    parts = []
    for name, seen in sorted(answers.items()):
        lines = ",\n".join(f"  {json.dumps(pair)}" for pair in seen)
        parts.append(f"{json.dumps(name)}: [\n{lines}\n]")
    ANSWERS.mkdir(exist_ok=True)
    (ANSWERS / f"{version}.json").write_text("{\n" + ",\n".join(parts) + "\n}\n")
