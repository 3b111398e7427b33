"""Which requests and connections meet which faults, how often, and by what chance.

Imported by: testing.{cluster,condition,connection,exchange,faults}.  Imports: _clock, testing.{apis,outbox}.
"""

from __future__ import annotations

import itertools
import random
import threading
from collections.abc import Container, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Callable, ClassVar, NamedTuple

from kafka._clock import Clock, Latch
from kafka.testing.apis import api_key
from kafka.testing.outbox import Delivery

if TYPE_CHECKING:
    from kafka.testing.condition import Condition

Names = Iterable["tuple[str | None, int | None]"]
"""(topic, partition) pairs; None for what a request does not say."""


class Asked(NamedTuple):
    """What rules look at: a request, or a connection (then all but the first three are None)."""

    connection: int
    node_id: int
    client_id: str | None
    api_key: int | None = None
    names: Callable[[], Names] | None = None
    """What topics and partitions the request names; not called unless a rule wants to know. None where only its beginning has come."""


class Hit(NamedTuple):
    """A rule that a request has met."""

    rule: Rule
    condition: Condition
    """Of the connection that the request came on."""


class Fault:
    """Something that goes wrong; see testing.faults.  Each method is what a broker without faults does.

    Threads: any; it never changes.
    """

    apis: ClassVar[frozenset[int] | None] = None
    """The APIs that can have it; None for all."""
    needs_body: ClassVar[bool] = True
    """Whether it waits until the whole request has come."""
    is_of_connections: ClassVar[bool] = False
    """Whether it is something that happens to a connection, with or without a request."""

    def serve(self, hit: Hit, call: Any, usual: Callable[[Any], Any]) -> Any:
        """The testing.exchange.Answer to a Call; `usual` is the handler, or what another fault makes of it."""
        return usual(call)

    def deliver(self, delivery: Delivery, chance: random.Random) -> None:
        """Change how an answer is written."""


def check_not_negative(fault: Fault, **values: float | None) -> None:
    """ValueError that names the first of the fault's values which is below 0."""
    for name, value in values.items():
        if value is not None and value < 0:
            raise ValueError(f"{type(fault).__name__}: {name} must be 0 or more, not {value}")


class Conditions(NamedTuple):
    """What a rule is for, and how often; None does not matter.  Faults.add() says what each means."""

    api: int | None
    topic: str | None
    partition: int | None
    node: int | None
    client_id: str | None
    connection: int | None
    skip: int
    times: int | None
    each_connection: bool
    probability: float


class Rule:
    """A fault and what it is for.  Leaving its `with` block, or remove(), ends it.

    Threads: any.
    """

    def __init__(self, faults: Faults, fault: Fault, number: int, conditions: Conditions) -> None:
        self.fault = fault
        self.number = number
        self.is_removed = False
        self._faults = faults
        self._conditions = conditions
        self.chance = random.Random(f"{faults.seed}/{number}")
        """Threads: the broker's."""
        self._lock = threading.Lock()  # guards the four fields below
        self._seen: dict[int, int] = {}
        self._met: dict[int, int] = {}
        self._hits = 0
        self._waiters: list[tuple[int, Latch]] = []

    def __repr__(self) -> str:
        return f"<Rule {self.fault!r}, {self._hits} hits>"

    def __enter__(self) -> Rule:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.remove()

    @property
    def hits(self) -> int:
        """How many requests or connections have met it."""
        return self._hits

    @property
    def is_for_requests(self) -> bool:
        """Whether requests meet it, and not connections by themselves."""
        return not self.fault.is_of_connections or self._conditions.api is not None or self.is_for_partitions

    @property
    def is_for_partitions(self) -> bool:
        return self._conditions.topic is not None or self._conditions.partition is not None

    def remove(self) -> None:
        """End it: requests no longer meet it, and frozen connections go on.  A second time does nothing."""
        self._faults.remove(self)

    def wait(self, hits: int = 1, timeout_s: float = 10.0) -> None:
        """Until so many have met it; TimeoutError after `timeout_s` of the cluster's clock."""
        latch = Latch()
        with self._lock:
            if self._hits >= hits:
                return
            self._waiters.append((hits, latch))
        clock = self._faults.clock
        if not clock.wait(latch, clock.monotonic() + timeout_s):
            raise TimeoutError(f"After {timeout_s} s {self._hits} of {hits} have met {self!r}")

    def covers(self, topic: str | None, partition: int | None) -> bool:
        """Whether it is for this partition; what is None is not known, and is covered."""
        wanted = self._conditions
        return all(mine is None or other is None or mine == other for mine, other in ((wanted.topic, topic), (wanted.partition, partition)))

    def concerns(self, asked: Asked) -> bool:
        """Whether it is for such a request or connection, whatever the counts say."""
        wanted = self._conditions
        if self.is_removed or (self.fault.apis is not None and asked.api_key not in self.fault.apis):
            return False
        pairs = (
            (wanted.api, asked.api_key),
            (wanted.node, asked.node_id),
            (wanted.client_id, asked.client_id),
            (wanted.connection, asked.connection),
        )
        if not all(mine is None or mine == other for mine, other in pairs):
            return False
        if not self.is_for_partitions:
            return True
        return asked.names is not None and any(self.covers(topic, partition) for topic, partition in asked.names())

    def take(self, connection: int) -> bool:
        """Count one more that it is for; whether that one meets it."""
        wanted = self._conditions
        key = connection if wanted.each_connection else 0
        with self._lock:
            seen = self._seen[key] = self._seen.get(key, 0) + 1
            met = self._met.get(key, 0)
            if seen <= wanted.skip or (wanted.times is not None and met >= wanted.times):
                return False
            if wanted.probability < 1 and self.chance.random() >= wanted.probability:
                return False
            self._met[key] = met + 1
            self._hits += 1
            reached = [latch for hits, latch in self._waiters if hits <= self._hits]
        for latch in reached:
            latch.open()
        return True


class Faults:
    """The faults of a cluster.

    Threads: any.
    """

    def __init__(self, clock: Clock, *, node_ids: Container[int], seed: int = 0) -> None:
        """`seed` decides what happens by chance: each rule draws its own numbers, one after the other."""
        self._node_ids = node_ids
        self.clock = clock
        self.seed = seed
        self._lock = threading.Lock()  # guards the fields below
        self._rules: tuple[Rule, ...] = ()
        self._numbers = itertools.count(1)
        self._connections = itertools.count(1)
        self._watchers: list[Callable[[], None]] = []

    def __repr__(self) -> str:
        return f"<Faults: {', '.join(map(repr, self._rules)) or 'none'}>"

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Those in force, in the order they were added; the same object until there is a change."""
        return self._rules

    def add(
        self,
        fault: Fault,
        *,
        api: str | int | None = None,
        topic: str | None = None,
        partition: int | None = None,
        node: int | None = None,
        client_id: str | None = None,
        connection: int | None = None,
        skip: int = 0,
        times: int | None = None,
        each_connection: bool = False,
        probability: float = 1.0,
    ) -> Rule:
        """From now on whatever fits all that is given meets `fault`: requests, or connections where the fault is of that kind and neither
        `api`, `topic` nor `partition` is given.

        api: "Produce", or its number. topic, partition: that the request names. node: a broker's id. connection: its number, in the order
        the cluster accepted them, from 1. skip: how many that fit pass before. times: how many meet it at most. each_connection: count both
        anew for each connection. probability: of meeting it, drawn from the cluster's seed.
        Several that fit one request are all met; the one added first comes first.
        Returns when the brokers go by it.  ValueError where the fault cannot have these conditions.
        """
        key = None if api is None else api_key(api)
        conditions = Conditions(key, topic, partition, node, client_id, connection, skip, times, each_connection, probability)
        _check(fault, conditions, self._node_ids)
        with self._lock:
            rule = Rule(self, fault, next(self._numbers), conditions)
            self._rules = (*self._rules, rule)
        self._tell()
        return rule

    def remove(self, rule: Rule) -> None:
        """As rule.remove()."""
        with self._lock:
            if rule.is_removed:
                return
            rule.is_removed = True
            self._rules = tuple(other for other in self._rules if other is not rule)
        self._tell()

    def clear(self) -> None:
        """End all of them."""
        for rule in self._rules:
            self.remove(rule)

    # --- the brokers' side ------------------------------------------------------------------------------------------

    def watch(self, watcher: Callable[[], None]) -> None:
        """Have `watcher` called after each change, by the thread that made it; it returns when the broker has taken note."""
        with self._lock:
            self._watchers.append(watcher)

    def unwatch(self, watcher: Callable[[], None]) -> None:
        with self._lock:
            self._watchers.remove(watcher)

    def next_connection(self) -> int:
        """A number for a connection that is accepted."""
        return next(self._connections)

    def met_by(self, asked: Asked, condition: Condition) -> list[Hit]:
        """The rules that this request meets, or its beginning; asking counts."""
        has_body = asked.names is not None
        return [
            Hit(rule, condition)
            for rule in self._rules
            if rule.is_for_requests and rule.fault.needs_body is has_body and rule.concerns(asked) and rule.take(asked.connection)
        ]

    def _tell(self) -> None:
        for watcher in list(self._watchers):
            watcher()


def _check(fault: Fault, conditions: Conditions, node_ids: Container[int]) -> None:
    if not isinstance(fault, Fault):
        raise ValueError(f"{fault!r} is no fault: see kafka.testing.faults")
    if not fault.needs_body and (conditions.topic is not None or conditions.partition is not None):
        raise ValueError(f"{fault!r} comes before the topics of a request are known")
    if conditions.node is not None and conditions.node not in node_ids:
        raise ValueError(f"node={conditions.node}: the cluster has no such broker")
    if (conditions.partition is not None and conditions.partition < 0) or (conditions.connection is not None and conditions.connection < 1):
        given = f"partition={conditions.partition}, connection={conditions.connection}"
        raise ValueError(f"There is none of {given}: partitions count from 0, connections from 1")
    if fault.apis is not None and conditions.api is not None and conditions.api not in fault.apis:
        raise ValueError(f"api={conditions.api}: {fault!r} is for {', '.join(map(str, sorted(fault.apis)))} alone")
    times, probability = conditions.times, conditions.probability
    if conditions.skip < 0 or (times is not None and times < 1) or not 0 <= probability <= 1:
        raise ValueError(f"There is no fault with skip={conditions.skip}, times={times} and probability={probability}")
