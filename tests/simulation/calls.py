"""What a program does with its producer, by chance: every call of the API, and time that passes."""

from __future__ import annotations

from typing import Any, Callable

from kafka.errors import (
    IllegalStateError,
    InvalidArgumentValueError,
    KafkaError,
    KafkaTimeoutError,
    NoBrokersAvailable,
    RecordsNotDeliveredError,
    TopicAuthorizationFailedError,
)
from tests.simulation.model import Lane, Producer, Sent, Violation
from tests.simulation.scene import Scene, default_int_handler
from tests.simulation.written import mark

Call = Callable[[Scene], str]
"""Does something and says what."""

_FEW, _MANY = 5, 40
_BOOTSTRAP_S = 2.0  # api_version_auto_timeout_ms
_GIVES_UP_S = 1.1  # for its last words, where acks=0
_MOST_CHAINED = 3  # records that callbacks send for one record


def send_one(scene: Scene, topic: str, *, partition: int | None = None, size: int = 0, key: bytes | None = None, depth: int = 0) -> Sent | str:
    """Send a record; what send() raised, if that is documented."""
    producer, chance, circumstances = scene.producer, scene.chance, scene.circumstances
    facade = facade_of(producer)
    on_io = producer.home.on_io_thread()
    number = len(scene.invariants.sent)
    value: bytes | None = mark(number, size, is_noise=circumstances.sends_noise and number % 3 == 0)
    if circumstances.has_timestamps and chance.random() < 0.05:
        key, value = value, None
    headers = [("h", b"%d" % number), ("empty", None)] if circumstances.has_headers and chance.random() < 0.2 else []
    timestamp_ms = 1_500_000_000_000 + number if chance.random() < 0.2 else None
    place = "callbacks" if on_io else "signal handlers" if scene.producers_clock.in_handler else "everywhere else"
    lane = Lane(producer.number, place)
    sent = scene.invariants.begin(topic, partition=partition, key=key, value=value, headers=headers, lane=lane)
    before_s, shift_s = scene.clock.time(), scene.producers_clock.shift_s
    try:
        with scene.within(0.0 if on_io else circumstances.options["max_block_ms"] / 1000):
            future = facade.send(topic, value, key, headers, partition, timestamp_ms)
    except (KafkaTimeoutError, IllegalStateError, InvalidArgumentValueError, KeyboardInterrupt) as error:
        _check_refusal(scene, error, has_headers=bool(headers), has_partition=partition is not None)
        scene.invariants.refused(sent)
        return type(error).__name__
    stamps_s = (before_s + shift_s, scene.clock.time() + shift_s)
    sent.stamps_ms = (int(stamps_s[0] * 1000), int(stamps_s[1] * 1000)) if timestamp_ms is None else (timestamp_ms, timestamp_ms)
    scene.invariants.taken(sent, producer, future)
    follows = depth < _MOST_CHAINED and chance.random() < 0.1

    def tell(outcome: Any) -> None:
        sent.tellings += 1
        if follows and producer is scene.producer and not producer.is_closed:
            try:
                _call_back(scene, topic, depth + 1)
            except Violation as found:
                scene.invariants.broken.append(found)

    future.add_both(tell)
    return sent


def _check_refusal(scene: Scene, error: BaseException, *, has_headers: bool, has_partition: bool) -> None:
    producer = scene.producer
    if isinstance(error, IllegalStateError) and not producer.is_closed:
        raise Violation(f"send() raised {error!r}, and {producer} is open") from error
    if isinstance(error, InvalidArgumentValueError):
        is_old = has_headers and facade_of(producer).config["api_version"] < (0, 11)
        if not is_old and not has_partition:
            raise Violation(f"send() raised {error!r}") from error


def _call_back(scene: Scene, topic: str, depth: int) -> None:
    """What a program's callback does."""
    producer = scene.producer
    facade = facade_of(producer)
    if producer.home.on_io_thread():
        undone = next((sent.future for sent in scene.invariants.pending.values() if not sent.future.is_done), None)
        for wait in (facade.flush, *([undone.get] if undone is not None else [])):
            try:
                wait()
            except IllegalStateError:
                continue
            raise Violation(f"{wait} waits in a callback")
    facade.status()
    send_one(scene, topic, size=scene.chance.choice((0, 50)), depth=depth)


def facade_of(producer: Producer) -> Any:
    """The producer itself."""
    if producer.facade is None:
        raise LookupError(f"{producer} is gone")
    return producer.facade


# --- calls ----------------------------------------------------------------------------------------------------------


def send_some(scene: Scene) -> str:
    chance, producer = scene.chance, scene.producer
    topic = _some_topic(scene)
    count = chance.randint(1, _FEW) if chance.random() < 0.85 else chance.randint(1, _MANY)
    words = []
    one_partition = chance.randrange(4) if chance.random() < 0.4 else None
    for _ in range(count):
        if producer.is_closed:  # by a signal handler
            break
        partition = one_partition if one_partition is not None else chance.randrange(4) if chance.random() < 0.2 else None
        size = chance.choice((0, 0, 30, 100, 300, 900, 2000)) if chance.random() < 0.5 else chance.randrange(200)
        key = b"%d" % chance.randrange(5) if chance.random() < 0.3 else None
        sent = send_one(scene, topic, partition=partition, size=size, key=key)
        if isinstance(sent, str):
            words.append(sent)
            break
        words.append(f"#{sent.number}")
    return f"send to {topic}: {' '.join(words)}"


def flush(scene: Scene) -> str:
    chance, producer = scene.chance, scene.producer
    timeout_s = None if chance.random() < 0.4 else chance.choice((0, 0.05, 1.0))
    raises = chance.random() < 0.3
    before = [sent for sent in scene.invariants.pending.values() if sent.lane.producer == producer.number]
    known_failures, told = producer.untaken, 0
    try:
        with scene.within(_latest_due_s(scene, before) if timeout_s is None else timeout_s):
            facade_of(producer).flush(timeout_s, raise_errors=raises)
    except KafkaTimeoutError:
        if timeout_s is None:
            raise Violation("flush() without a time-out had one") from None
        return f"flush({timeout_s}): time-out"
    except RecordsNotDeliveredError as error:
        told = sum(failure.records for failure in error.failures)
    scene.invariants.look(scene.producers)
    left = [sent for sent in before if not sent.future.is_done]
    if left:
        raise Violation(f"flush() has returned, and {left[0]} has no outcome")
    if raises:
        least = known_failures + sum(isinstance(sent.outcome, BaseException) for sent in before)
        if not least <= told <= producer.untaken:  # some may have failed after those that it waited for
            raise Violation(f"flush(raise_errors=True) tells of {told} failures; {least} to {producer.untaken} have failed")
        producer.untaken -= told
    return f"flush({timeout_s}): {told} failed" if told else f"flush({timeout_s}): everything is flushed"


def _latest_due_s(scene: Scene, records: list[Sent]) -> float:
    """How long it may take until these have an outcome."""
    return max((sent.due_s for sent in records), default=scene.now_s) - scene.now_s


def get(scene: Scene) -> str:
    pending = list(scene.invariants.pending.values())
    if not pending:
        return "get: nothing to wait for"
    sent = scene.chance.choice(pending)
    timeout_s = None if scene.chance.random() < 0.5 else scene.chance.choice((0, 0.1, 2.0))
    left_s = sent.due_s - scene.now_s
    try:
        with scene.within(max(0.0, left_s) if timeout_s is None else timeout_s):
            sent.future.get(timeout_s)
    except KafkaError as error:
        if not sent.future.is_done and (timeout_s is None or not isinstance(error, KafkaTimeoutError)):
            raise Violation(f"get({timeout_s}) of {sent}, which has no outcome, raised {error!r}") from error
        return f"get({timeout_s}) of {sent}: {type(error).__name__}"
    return f"get({timeout_s}) of {sent}: acknowledged"


def partitions_for(scene: Scene) -> str:
    topic = _some_topic(scene)
    try:
        with scene.within(scene.circumstances.options["max_block_ms"] / 1000):
            found = facade_of(scene.producer).partitions_for(topic)
    except (KafkaTimeoutError, TopicAuthorizationFailedError) as error:
        return f"partitions_for({topic}): {type(error).__name__}"
    return f"partitions_for({topic}): {sorted(found)}"


def look(scene: Scene) -> str:
    """status() and metrics() never fail, and say what is so."""
    producer = scene.producer
    facade = facade_of(producer)
    status = facade.status()
    facade.metrics()
    pending = sum(sent.lane.producer == producer.number and not sent.future.is_done for sent in scene.invariants.pending.values())
    told = sum(partition.queued_records + partition.in_flight_records for partition in status.partitions) + sum(status.waiting_for_metadata.values())
    if told != pending:
        raise Violation(f"status() tells of {told} records without an outcome, and there are {pending}: {status}")
    if status.buffered_bytes != producer.memory.used_bytes:
        raise Violation(f"status() says that {status.buffered_bytes} bytes are buffered, and {producer.memory.used_bytes} are")
    return f"status: {told} pending, {status.buffered_bytes} bytes"


def pass_time(scene: Scene) -> str:
    seconds = scene.chance.expovariate(5.0) if scene.chance.random() < 0.8 else scene.chance.uniform(0, 5)
    scene.clock.run_for(seconds)
    return f"{seconds:.4f} s pass"


def freeze_process(scene: Scene) -> str:
    """As SIGSTOP does, or a suspended machine: time goes on, and the program does not."""
    seconds = scene.chance.choice((0.2, 1.0, 10.0))
    scene.clock.advance(seconds)
    if scene.circumstances.has_patience:
        for sent in scene.invariants.pending.values():
            sent.due_s += seconds  # it may be sent yet, and then has the time of a request
    scene.clock.run_for(0.001)
    return f"the process does nothing for {seconds} s"


def set_wall_clock(scene: Scene) -> str:
    scene.producers_clock.shift_s = scene.chance.choice((0.0, 3600.0, -86_400.0, 1e6))
    return f"the wall clock is off by {scene.producers_clock.shift_s} s"


def interrupt(scene: Scene) -> str:
    """Ctrl-C comes while something waits, and the producer is usable after it."""
    scene.producers_clock.signal_at_s = scene.now_s + scene.chance.uniform(0, 0.5)
    waits: tuple[Call, ...] = (send_some, flush, get, partitions_for)
    try:
        words = scene.chance.choice(waits)(scene)
    except KeyboardInterrupt:
        words = "interrupted"
    scene.producers_clock.signal_at_s = None
    return f"Ctrl-C: {words}"


def handle_signal(scene: Scene) -> str:
    """A signal comes while something waits, and its handler uses the producer."""
    clock, done = scene.producers_clock, []

    def handler() -> None:
        done.append(scene.chance.choice((send_some, flush_in_handler, look, close_in_handler))(scene))

    clock.handler, clock.signal_at_s = handler, scene.now_s + scene.chance.uniform(0, 0.5)
    waits: tuple[Call, ...] = (send_some, flush, get, partitions_for)
    try:
        words = scene.chance.choice(waits)(scene)
    except IllegalStateError:
        if not scene.producer.is_closed:
            raise
        words = "closed meanwhile"
    clock.handler, clock.signal_at_s = default_int_handler, None
    if scene.producer.is_closed:
        scene.check_closed(scene.producer)
    return f"{words}; in a signal handler: {done[0]}" if done else words


def flush_in_handler(scene: Scene) -> str:
    try:
        with scene.within(0.1):
            facade_of(scene.producer).flush(0.1)
    except KafkaTimeoutError:
        return "flush: time-out"
    return "flush"


def close_in_handler(scene: Scene) -> str:
    if scene.chance.random() < 0.7:
        return "nothing"
    scene.producer.is_closed = True
    with scene.within(scene.close_budget_s(0.2)):
        facade_of(scene.producer).close(0.2)
    return "close"


def interrupt_close(scene: Scene) -> str:
    """Ctrl-C comes while close() waits: what is left is given up."""
    producer = scene.producer
    producer.is_closed = True
    scene.producers_clock.signal_at_s = scene.now_s + scene.chance.uniform(0, 0.5)
    words = "closed before Ctrl-C"
    try:
        facade_of(producer).close()
    except KeyboardInterrupt:
        scene.clock.run_for(_GIVES_UP_S)
        words = "Ctrl-C: close"
    scene.producers_clock.signal_at_s = None
    scene.check_closed(producer)
    return words


def begin_anew(scene: Scene) -> str:
    """Close the producer, or let go of it, and make another."""
    words = scene.chance.choice((close, close, abandon, close_in_callback, interrupt_close))(scene)
    return f"{words}; {make_producer(scene)}"


def close(scene: Scene) -> str:
    producer = scene.producer
    pending = [sent for sent in scene.invariants.pending.values() if sent.lane.producer == producer.number]
    timeout_s = None if scene.chance.random() < 0.4 else scene.chance.choice((0, 0.2, 2.0))
    producer.is_closed = True
    budget_s = scene.close_budget_s(max(0.0, _latest_due_s(scene, pending)) + 1.0 if timeout_s is None else timeout_s)
    with scene.within(budget_s):
        facade_of(producer).close(timeout_s)
    scene.check_closed(producer)
    refused = send_one(scene, scene.circumstances.topics[0].name)
    if not isinstance(refused, str):
        raise Violation(f"{producer} is closed and took a record")
    return f"close({timeout_s})"


def close_in_callback(scene: Scene) -> str:
    """The last record's callback closes the producer, and that goes on behind it."""
    producer = scene.producer
    sent = send_one(scene, scene.circumstances.topics[0].name)
    if isinstance(sent, str):
        return f"{sent}; {close(scene)}"

    def finish(outcome: Any) -> None:
        producer.is_closed = True
        facade_of(producer).close()

    sent.future.add_both(finish)
    scene.clock.run_for(2 * scene.circumstances.bound_s + 1.0)
    scene.check_closed(producer)
    return "close in a callback"


def abandon(scene: Scene) -> str:
    """Nobody refers to the producer any more: it ends within exit_timeout_ms."""
    producer = scene.producer
    producer.is_closed = True
    facade_of(producer)._lifecycle.abandon()  # as its collection does, which one thread's frames may put off here
    producer.facade = None
    scene.clock.run_for(scene.circumstances.options["exit_timeout_ms"] / 1000 + 1.0)
    scene.check_closed(producer)
    return "the producer is let go of"


def make_producer(scene: Scene) -> str:
    """A new one, if somebody answers."""
    try:
        with scene.within(_BOOTSTRAP_S):
            made = scene.add_producer()
    except NoBrokersAvailable as error:
        return f"no producer is made: {error}"
    return f"{made} is made"


def _some_topic(scene: Scene) -> str:
    known = [plan.name for plan in scene.circumstances.topics]
    return scene.chance.choice(known) if scene.chance.random() < 0.93 else "made-on-demand"


CALLS: tuple[tuple[Call, float], ...] = (
    (send_some, 10.0),
    (pass_time, 6.0),
    (flush, 1.0),
    (get, 1.0),
    (look, 1.0),
    (partitions_for, 0.4),
    (freeze_process, 0.3),
    (set_wall_clock, 0.2),
    (interrupt, 0.4),
    (handle_signal, 0.4),
    (begin_anew, 0.3),
)
"""And how often each is chosen."""
