"""Keys and values: the same bytes for every client and in every run.

Imported by: the workers.
"""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterator

from benchmarks.workers.task import Work

DISTINCT_TEXTS = 5000
SEED = 20

_EVENTS = ("view", "click", "search", "add_to_cart", "checkout", "refund")
_PAGES = ("/", "/catalogue", "/item", "/basket", "/account/orders", "/help/returns")
_WORDS = ("order", "delivered", "to", "the", "second", "address", "customer", "asked", "about", "a", "missing", "part", "of", "parcel", "again")


def values(work: Work, count: int) -> Iterator[bytes]:
    """`count` values of the work's size."""
    if work.text:
        return itertools.islice(itertools.cycle(texts(work.value_bytes)), count)
    return itertools.repeat(b"x" * work.value_bytes, count)


def keys(work: Work) -> Iterator[bytes]:
    """The work's keys, over and over."""
    return itertools.cycle([b"customer-%06d" % number for number in range(work.keys)])


def texts(size: int) -> list[bytes]:
    """JSON of an event's fields, whose numbers and words vary, cut to `size`; gzip leaves about a quarter of it."""
    chance = random.Random(SEED)
    return [_text(chance, number, size) for number in range(DISTINCT_TEXTS)]


def _text(chance: random.Random, number: int, size: int) -> bytes:
    event = {
        "id": f"{chance.getrandbits(48):012x}",
        "at": 1700000000000 + number * 37 + chance.randrange(37),
        "event": chance.choice(_EVENTS),
        "session": f"{chance.getrandbits(64):016x}",
        "page": chance.choice(_PAGES),
        "price": round(chance.uniform(1, 500), 2),
    }
    text = json.dumps(event, separators=(",", ":"))
    while len(text) < size:
        note = " ".join(chance.choices(_WORDS, k=6))
        text += f'{{"n":{chance.randrange(10**6)},"note":"{note}"}}'
    return text[:size].encode()
