"""Faults of the broker's work on a request.

Imported by: testing.faults.  Imports: errors, testing.{exchange,outbox,refusals,rules}.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, ClassVar

from kafka.errors import BrokerResponseError
from kafka.testing.exchange import NEVER, Answer, Call, Handler, Later, Silence, then
from kafka.testing.refusals import refused
from kafka.testing.rules import Fault, Hit, check_not_negative

_METADATA = frozenset({3})


@dataclass(frozen=True)
class Error(Fault):
    """The broker does nothing and answers with this error (a class of kafka.errors, or a number).

    Of a request for several topics or partitions only those that the rule is for are refused. Metadata is looked up, and topics are
    made, before its answer gets the error. Where an answer has one error code for all, that is used. acks=0 has no answer, and closes
    the connection.
    """

    error: type[BrokerResponseError] | int

    def __post_init__(self) -> None:
        given: Any = self.error
        if not isinstance(given, int) and not (isinstance(given, type) and issubclass(given, BrokerResponseError)):
            raise ValueError(f"{given!r} is neither an error of brokers nor a number")
        if isinstance(given, int) and not -(2**15) <= given < 2**15:
            raise ValueError(f"Error: {given} is no error code, which has 16 bits")

    def serve(self, hit: Hit, call: Call, usual: Handler) -> Answer:
        code = self.error if isinstance(self.error, int) else self.error.errno
        return refused(call, int(code or 0), hit.rule.covers, usual)


@dataclass(frozen=True)
class DropRequest(Fault):
    """The broker does nothing and never answers, and so serves nothing behind it on this connection: brokers answer in order.

    A request that wants no answer (acks=0) is passed over.
    """

    def serve(self, hit: Hit, call: Call, usual: Handler) -> Answer:
        return Silence.NO_ANSWER if getattr(call.request, "acks", None) == 0 else NEVER


@dataclass(frozen=True)
class DropReply(Fault):
    """The broker does what is asked and never answers, and so serves nothing behind it on this connection: brokers answer in order."""

    def serve(self, hit: Hit, call: Call, usual: Handler) -> Answer:
        return then(usual(call), lambda response: NEVER)


@dataclass(frozen=True)
class _Delay(Fault):
    seconds: float
    up_to_s: float | None = None
    """The longest delay, where each is drawn between the two."""

    def __post_init__(self) -> None:
        if self.seconds < 0 or (self.up_to_s is not None and self.up_to_s < self.seconds):
            raise ValueError(f"There is no delay from {self.seconds} to {self.up_to_s} s")

    def _end_s(self, hit: Hit, call: Call) -> float:
        delay_s = self.seconds if self.up_to_s is None else hit.rule.chance.uniform(self.seconds, self.up_to_s)
        return call.cluster.clock.monotonic() + delay_s


@dataclass(frozen=True)
class DelayRequest(_Delay):
    """The broker waits before it does what is asked; requests behind it on the connection wait too."""

    def serve(self, hit: Hit, call: Call, usual: Handler) -> Answer:
        return Later(self._end_s(hit, call), lambda is_due: usual(call) if is_due else None)


@dataclass(frozen=True)
class DelayReply(_Delay):
    """The broker does what is asked at once and waits before it answers; requests behind it on the connection wait too."""

    def serve(self, hit: Hit, call: Call, usual: Handler) -> Answer:
        return then(usual(call), lambda response: Later(self._end_s(hit, call), lambda is_due: response if is_due else None))


@dataclass(frozen=True)
class Throttle(Fault):
    """The answer asks the client to be silent for so long, and as long the broker reads nothing from it, as a quota does (KIP-219).

    Answers of versions without throttle_time_ms do not say it.
    """

    seconds: float

    def __post_init__(self) -> None:
        check_not_negative(self, seconds=self.seconds)

    def serve(self, hit: Hit, call: Call, usual: Handler) -> Answer:
        def change(response: Any) -> Any:
            if "throttle_time_ms" in response.FIELDS:
                response.throttle_time_ms = round(self.seconds * 1000)
            hit.condition.mute(self.seconds)
            return response

        return then(usual(call), change)


@dataclass(frozen=True)
class WrongLeader(Fault):
    """Metadata's answer names another leader than the true one, which goes on to lead; -1 for none."""

    node_id: int
    leader_epoch: int | None = None
    """None for the true one."""
    apis: ClassVar[frozenset[int] | None] = _METADATA

    def serve(self, hit: Hit, call: Call, usual: Handler) -> Answer:
        def change(response: Any) -> Any:
            for topic in response.topics:
                for partition in topic.partitions:
                    if hit.rule.covers(topic.name, partition.partition_index):
                        partition.leader_id = self.node_id
                        if self.leader_epoch is not None:
                            partition.leader_epoch = self.leader_epoch
            return response

        return then(usual(call), change)


@dataclass(frozen=True)
class Change(Fault):
    """The answer is what `function(request, response)` returns, both objects of kafka.protocol; it runs in the broker's thread."""

    function: Callable[[Any, Any], Any]

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise ValueError(f"Change: {self.function!r} cannot be called")

    def serve(self, hit: Hit, call: Call, usual: Handler) -> Answer:
        return then(usual(call), lambda response: self.function(call.request, response))


@dataclass(frozen=True)
class CutRequest(Fault):
    """The connection ends when so many bytes of the request (its size included) have come, or all of it, and the broker does nothing.

    What counts is what has come: the client may have handed more to its own system by then. Not for topics and partitions, which are
    not known so early.
    """

    after_bytes: int | None = None
    """None for all of it."""
    reset: bool = True
    """False for an end in good order."""
    needs_body: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_not_negative(self, after_bytes=self.after_bytes)
