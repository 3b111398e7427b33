"""Where a run takes place: a clock, a cluster and a network in memory, the producers on them, and what was logged."""

from __future__ import annotations

import contextlib
import functools
import logging
import random
import weakref
from collections.abc import Iterator
from typing import Callable

from kafka import KafkaProducer
from kafka._clock import Latch
from kafka._world import World
from kafka.producer import idle_topics
from kafka.testing import Cluster, MemoryTransport, VirtualClock
from tests.simulation.circumstances import Circumstances
from tests.simulation.invariants import SLACK_S, Invariants
from tests.simulation.model import Producer, Violation

_GRACE_S = 0.05  # that close() takes beyond its budget to end the I/O thread
_MOST_TURNS = 2_000  # of one producer without time moving


class ProducersClock:
    """What producers take the time from: the clock of the run, whose wall clock somebody sets anew, and in whose waits signals may come."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self.shift_s = 0.0
        """How far the wall clock is off."""
        self.signal_at_s: float | None = None
        """When a signal comes to the wait that goes on then."""
        self.handler: Callable[[], None] = default_int_handler
        """What the signal's handler does."""
        self.in_handler = False
        self.handled_s = 0.0
        """Time that handlers took."""

    def monotonic(self) -> float:
        return self._clock.monotonic()

    def time(self) -> float:
        return self._clock.time() + self.shift_s

    def wait(self, latch: Latch, deadline_s: float | None) -> bool:
        at_s = self.signal_at_s
        if at_s is None or (deadline_s is not None and deadline_s <= at_s):
            return self._clock.wait(latch, deadline_s)
        if self._clock.wait(latch, at_s):
            return True
        self.signal_at_s = None
        self._handle()
        return self._clock.wait(latch, deadline_s)

    def _handle(self) -> None:
        began_s = self.monotonic()
        self.in_handler = True
        try:
            self.handler()
        finally:
            self.in_handler = False
            self.handled_s += self.monotonic() - began_s


def default_int_handler() -> None:
    """What Ctrl-C does to a program that has no other."""
    raise KeyboardInterrupt


class _LogWatch(logging.Handler):
    """Keeps what no producer should ever have to say."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.bad: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        is_expected = record.name == "kafka.producer.failures" or record.getMessage().startswith("Authentication with ")  # of garbage that says so
        if record.exc_info is not None or (record.levelno >= logging.ERROR and not is_expected):
            self.bad.append(self.format(record))


class Scene:
    """One run's world."""

    def __init__(self, circumstances: Circumstances) -> None:
        self.circumstances = circumstances
        self.chance = random.Random(f"{circumstances.seed}/steps")
        self.clock = VirtualClock()
        self.producers_clock = ProducersClock(self.clock)
        self.cluster = Cluster(
            clock=self.clock,
            brokers=circumstances.brokers,
            version=circumstances.version,
            default_partitions=circumstances.default_partitions,
            seed=circumstances.seed,
        )
        self._bootstrap_servers = self.cluster.bootstrap_servers  # a program is configured once, wherever brokers go
        for plan in circumstances.topics:
            self.cluster.create_topic(plan.name, plan.partitions, replication_factor=plan.replication_factor, config=plan.config)
        self.network = MemoryTransport(
            self.cluster, self.clock, latency_s=circumstances.latency_s, capacity_bytes=circumstances.capacity_bytes
        )
        self.invariants = Invariants(circumstances, self.clock, self.network)
        self.producers: list[Producer] = []
        """All there were; the last one is in use."""
        self.trace: list[str] = []
        """A line for each thing that happened."""
        self.turns = 0
        self.widest: dict[str, int] = {}
        """How many partitions topics had that were deleted: what was sent to one that is gone waits for it."""
        self._worlds: list[World] = []
        self._steps: list[Callable[[], None]] = []
        self._logs = _LogWatch()
        self._still_turns = 0
        self._turned_s = -1.0

    @property
    def now_s(self) -> float:
        return self.clock.monotonic()

    @property
    def producer(self) -> Producer:
        return self.producers[-1]

    @contextlib.contextmanager
    def playing(self) -> Iterator[None]:
        """Watch what brokers write and producers log meanwhile."""
        logger = logging.getLogger("kafka")
        level, propagates = logger.level, logger.propagate
        logger.addHandler(self._logs)
        logger.setLevel(logging.WARNING)
        logger.propagate = False
        idle_s, idle_topics._IDLE_S = idle_topics._IDLE_S, self.circumstances.idle_s
        try:
            with self.invariants.written.watching():
                yield
        finally:
            idle_topics._IDLE_S = idle_s
            logger.removeHandler(self._logs)
            logger.setLevel(level)
            logger.propagate = propagates

    def note(self, words: str) -> None:
        self.trace.append(f"{self.now_s:10.4f}  {words}")

    def add_producer(self) -> Producer:
        """Make a producer, with what the constructor raises."""
        number = len(self.producers) + 1
        seed, hooked = self.circumstances.seed, [0]
        world = World(self.producers_clock, random.Random(f"{seed}/{number}"), self.network, starts_threads=False)
        self._worlds.append(world)
        kind = type("SimulatedProducer", (KafkaProducer,), {"_world": world})
        made: list[Producer] = []

        def note_failure(error: BaseException) -> None:
            hooked[0] += 1
            if made:
                made[0].hooked = hooked[0]

        facade = kind(
            bootstrap_servers=self._bootstrap_servers,
            client_id=f"simulated-{number}",
            on_delivery_error=note_failure,
            **self.circumstances.options,
        )
        producer = Producer(number, facade)
        made.append(producer)
        self.producers.append(producer)
        step = functools.partial(self._turn, producer)
        self._steps.append(step)
        self.clock.add_step(step)
        return producer

    def _turn(self, producer: Producer) -> None:
        sender = producer.sender
        if sender.terminated.is_open:
            self.clock.sleep_until(float("inf"))
            return
        sender.step()
        self.turns += 1
        self._still_turns = self._still_turns + 1 if self.now_s == self._turned_s else 0
        self._turned_s = self.now_s
        if self._still_turns > _MOST_TURNS:
            raise Violation(f"The I/O thread spins: {_MOST_TURNS} turns at {self.now_s}")
        self.invariants.after_turn(producer)

    @contextlib.contextmanager
    def within(self, budget_s: float | None) -> Iterator[None]:
        """The body keeps its budget."""
        clock = self.producers_clock
        began_s, handled_s = self.now_s, clock.handled_s
        try:
            yield
        finally:
            took_s = self.now_s - began_s - (clock.handled_s - handled_s)
            if budget_s is not None and took_s > budget_s + SLACK_S:
                raise Violation(f"It took {took_s:.4f} s, and had {budget_s:.4f} s")

    def check(self) -> None:
        """What must hold after every step."""
        self.invariants.look(self.producers)
        if self._logs.bad:
            raise Violation(f"This was logged: {self._logs.bad[0]}")

    def check_closed(self, producer: Producer) -> None:
        """close() has returned: the I/O thread has ended, every record has its outcome, and no connection is open."""
        if not producer.sender.terminated.is_open:
            raise Violation(f"The I/O thread of {producer} goes on after close()")
        self.invariants.check_all_done(producer, "close()")
        links = (self.network.link(address) for address in self.cluster.addresses())
        left = [stream for link in links for stream in link.streams() if stream.fileno() >= 0]
        if left and all(other.sender.terminated.is_open for other in self.producers):
            raise Violation(f"{len(left)} connections are open after close()")

    def leave(self) -> None:
        """Have nothing outlive the run, and nobody end its producers: not the end of the interpreter, nor their collection.

        In one thread errors of the I/O thread refer, by their frames, to whoever waited, and so to a producer that would never be collected; and
        what watches over errors that nobody has seen refers to the clock and to on_delivery_error.
        """
        for producer in self.producers:
            producer.sender.terminated.open()
            producer.facade = None
            producer.waiting.clear()
        for step in self._steps:
            self.clock.remove_step(step)
        for finalizer in list(weakref.finalize._registry):  # type: ignore[attr-defined]
            living = finalizer.peek()
            if living is not None and isinstance(living[0], KafkaProducer) and living[0]._world in self._worlds:
                finalizer.detach()

    def let_arrive(self, seconds: float) -> None:
        """What is under way in the network arrives, though no producer runs."""
        self.clock.advance(seconds)
        self.network.timeline.run_due(self.now_s)

    def close_budget_s(self, timeout_s: float) -> float:
        """How long close(timeout_s) may take."""
        return timeout_s + _GRACE_S
