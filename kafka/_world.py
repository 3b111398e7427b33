"""The three objects through which the producer meets the world: time, chance and the network.

Imported by: client, producer, testing.  Imports: _clock, _transport.
"""

from __future__ import annotations

import random
from typing import NamedTuple

from kafka._clock import Clock
from kafka._transport import Transport


class World(NamedTuple):
    """What the facade builds everything upon; tests pass another one and drive the producer from a single thread."""

    clock: Clock
    random: random.Random
    transport: Transport
    starts_threads: bool = True
    """False where `clock.wait()` runs the sender's steps itself."""
