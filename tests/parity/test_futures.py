"""Outcomes: values, exceptions, callbacks and their order, parts of split batches, and what the garbage collector may take."""

from __future__ import annotations

import gc
import logging
import random
import weakref
from typing import Any, Callable

import pytest

from tests.parity.twins import COMPILED, EACH, Twin, attempt, same


def futures_of(twin: Twin, result: Any, count: int, first: int = 0) -> list[Any]:
    return [twin.results.FutureRecordMetadata(result, first + n, 1000 + n, n - 1, 2 * n - 1, 3 * n - 1) for n in range(count)]


def outcome(future: Any) -> Any:
    """All that a future says of itself; exceptions by class and words."""
    error = future.exception
    return (
        future.is_done, future.succeeded(), future.failed(), future.retriable(), future.done(), future.running(),
        None if future.value is None else (type(future.value).__name__, tuple(future.value)),
        None if error is None else (type(error).__name__, str(error)),
        attempt(lambda: tuple(future.get(0))),
    )  # fmt: skip


def boom(text: str) -> Callable[[Any], None]:
    def raise_it(_: Any) -> None:
        raise RuntimeError(text)

    return raise_it


Complete = Callable[[Twin, Any], Any]

COMPLETIONS: dict[str, Complete] = {
    "nothing yet": lambda twin, result: None,
    "success": lambda twin, result: result.succeed(40),
    "success without offset": lambda twin, result: result.succeed(-1),
    "log append time": lambda twin, result: result.succeed(2**62, 1_700_000_000_000),
    "log append time 0": lambda twin, result: result.succeed(0, 0),
    "failure": lambda twin, result: result.fail(twin.errors.NotLeaderForPartitionError("moved")),
    "failures of records": lambda twin, result: result.fail(twin.errors.KafkaError("others"), {1: twin.errors.InvalidRecordError("culprit")}),
    "no failures of records": lambda twin, result: result.fail(twin.errors.KafkaError("all"), {}),
    "an error that is an interrupt": lambda twin, result: result.fail(KeyboardInterrupt("^C")),
}


@pytest.mark.parametrize("complete", COMPLETIONS.values(), ids=list(COMPLETIONS))
@pytest.mark.parametrize("first", [0, 5])
def test_futures_say_the_same_of_their_outcome(complete: Complete, first: int) -> None:
    def play(twin: Twin) -> Any:
        result = twin.result()
        result.first_position = first
        futures = futures_of(twin, result, 4, first)
        try:
            complete(twin, result)
            return [result.done, result.settled, [outcome(future) for future in futures]]
        except KeyboardInterrupt as error:
            return repr(error)

    same(play)


def test_old_formats_give_checksums_and_no_timestamps() -> None:
    def play(twin: Twin) -> Any:
        result = twin.result()
        result.has_timestamps = False
        result.checksums = [11, None, 13]
        futures = futures_of(twin, result, 3)
        result.succeed(7)
        return [outcome(future) for future in futures]

    assert [seen[6][1][4:6] for seen in same(play)] == [(-1, 11), (-1, None), (-1, 13)]


def test_a_plain_future_says_the_same_at_each_step() -> None:
    def play(twin: Twin) -> Any:
        seen: list[Any] = []
        for step in ("success", "failure"):
            future = twin.future.Future()
            seen.extend((future.is_done, future.value, future.exception))
            future.add_callback(seen.append).add_errback(lambda error: seen.append(str(error))).add_both(lambda x: seen.append(("both", str(x))))
            future.add_done_callback(lambda me: seen.append(("me", me is future)))  # noqa: B023 - called in this turn
            getattr(future, step)(ValueError("x") if step == "failure" else "x")
            seen.append((future.is_done, future.value, str(future.exception), attempt(lambda: future.result(0))))  # noqa: B023
            seen.append(attempt(lambda: future.success(1)))  # noqa: B023
            seen.append(attempt(lambda: future.failure("nothing")))  # noqa: B023
        return seen

    same(play)


def test_arguments_of_callbacks_come_before_the_value() -> None:
    def play(twin: Twin) -> Any:
        seen: list[Any] = []

        def note(*args: Any, **kwargs: Any) -> None:
            seen.append((tuple(str(arg) for arg in args), kwargs))

        result, failed = twin.result(), twin.result()
        [good], [bad] = futures_of(twin, result, 1), futures_of(twin, failed, 1)
        for future in (good, bad):
            assert future.add_callback(note, 1, two=2) is future
            assert future.add_errback(note, 3, four=4) is future
            assert future.add_both(note, "both") is future
            future.add_callback(note)
            assert future.add_done_callback(lambda me: seen.append(("done", me.succeeded()))) is None
        result.succeed(0)
        failed.fail(twin.errors.KafkaError("words"))
        for future in (good, bad):
            future.add_callback(note, "late").add_errback(note, "late")
        return seen

    same(play)


@pytest.mark.parametrize("seed", range(8))
def test_callbacks_run_in_order_of_records_then_of_registration(seed: int) -> None:
    def play(twin: Twin) -> Any:
        rng = random.Random(seed)
        seen: list[Any] = []
        result = twin.result()
        futures = futures_of(twin, result, 20)
        for number in range(60):
            position = number % 20 if seed == 0 else rng.randrange(20)
            register = rng.choice(("add_callback", "add_errback", "add_both", "add_done_callback"))
            getattr(futures[position], register)(lambda x, number=number, position=position: seen.append((position, number)))
        if seed % 2:
            result.succeed(0)
        else:
            result.fail(twin.errors.KafkaError("x"), {3: twin.errors.KafkaError("own")})
        return seen

    seen = same(play)
    assert seen == sorted(seen)
    assert len(seen) > 20


def test_what_is_registered_while_callbacks_run_runs_once_and_in_the_same_order() -> None:
    def play(twin: Twin) -> Any:
        seen: list[Any] = []
        result = twin.result()
        futures = futures_of(twin, result, 3)

        def again(depth: int, position: int, _: Any) -> None:
            seen.append((depth, position))
            if depth < 3:
                for other in (2, 0, 1):
                    futures[other].add_callback(again, depth + 1, other)

        for position in (1, 0, 2):
            futures[position].add_callback(again, 0, position)
        result.succeed(0)
        return seen

    same(play)


@pytest.mark.parametrize("on_io_thread", [True, False])
@pytest.mark.parametrize("propagate", [True, False])
@pytest.mark.parametrize("error", [RuntimeError, SystemExit, KeyboardInterrupt])
def test_what_callbacks_raise_is_reported_and_gets_out_where_it_should(
    on_io_thread: bool, propagate: bool, error: type[BaseException], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Any) -> None:
        raise error("in callback")

    def play(twin: Twin) -> Any:
        monkeypatch.setattr(twin.future.Future, "error_on_callbacks", propagate)
        caplog.clear()
        seen: list[Any] = []
        result = twin.result()
        futures = futures_of(twin, result, 4)
        futures[0].add_callback(seen.append)
        futures[1].add_callback(fail)
        futures[1].add_both(fail)
        futures[3].add_callback(seen.append)
        result.base_offset = 5
        raised = None
        try:
            result.finish(on_io_thread=on_io_thread)
        except BaseException as got_out:  # noqa: BLE001 - which one it is, is compared
            raised = repr(got_out)
        late = None
        try:
            futures[2].add_callback(fail)
        except BaseException as got_out:  # noqa: BLE001
            late = repr(got_out)
        logged = [(record.name, record.levelno, record.getMessage()) for record in caplog.records]
        return [raised, late, [tuple(one) for one in seen], logged, result.done, result.settled]

    with caplog.at_level(logging.ERROR, logger="kafka"):
        seen = same(play)
    assert (seen[0] is None) == (on_io_thread or (error is RuntimeError and not propagate))


def test_a_refusal_to_register_is_the_same() -> None:
    def play(twin: Twin) -> Any:
        result = twin.result()
        [future] = futures_of(twin, result, 1)
        future.add_callback("not callable")
        future.add_errback(None)
        result.succeed(0)
        return [
            outcome(future),
            attempt(lambda: setattr(future, "is_done", True))[0],
            attempt(lambda: setattr(future, "value", 1))[0],
            attempt(lambda: future.add_callback())[0],
            attempt(lambda: future.add_done_callback(print, 1))[0],
        ]

    same(play)


# --- split batches ------------------------------------------------------------------------------------------------------


def split(twin: Twin, result: Any, firsts: list[int]) -> list[Any]:
    """Parts of a result that begin at these positions of the batch that was split, as ProducerBatch.split() makes them."""
    parts = []
    for first in firsts:
        part = twin.result()
        part.first_position = first
        parts.append((part, first))
    result.split(parts)
    return [part for part, _ in parts]


def test_records_find_their_outcome_in_the_part_that_took_them_over() -> None:
    def play(twin: Twin) -> Any:
        seen: list[Any] = []
        result = twin.result()
        futures = futures_of(twin, result, 10)
        for future in reversed(futures):
            future.add_both(lambda x, position=future._position: seen.append((position, str(x))))
        parts = split(twin, result, [0, 3, 4, 9])
        for future in futures:
            future.add_callback(lambda x, position=future._position: seen.append((position, "after", x.offset)))
        seen.append([future.is_done for future in futures])
        parts[1].fail(twin.errors.KafkaError("part 1"))
        seen.append([outcome(future) for future in futures])
        parts[2].succeed(100)
        parts[0].succeed(50)
        parts[3].succeed(105, 7)
        return [seen, [outcome(future) for future in futures], [future._completion is result for future in futures]]

    same(play)


def test_parts_may_be_split_again() -> None:
    def play(twin: Twin) -> Any:
        seen: list[Any] = []
        result = twin.result()
        futures = futures_of(twin, result, 12)
        for future in futures:
            future.add_both(lambda x, position=future._position: seen.append((position, x.offset)))
        first, second = split(twin, result, [0, 6])
        asked = [future.is_done for future in futures[::2]]  # some have looked where they are meanwhile, some have not
        smaller = [*split(twin, second, [6, 7, 11]), *split(twin, first, [0, 5])]
        for offset, part in enumerate(smaller):
            part.succeed(100 * offset)
        return [seen, asked, [outcome(future) for future in futures], {future._completion.first_position for future in futures}]

    seen = same(play)
    assert len(seen[0]) == 12


def test_a_deferred_record_counts_from_its_place_in_the_batch_that_took_it() -> None:
    def play(twin: Twin) -> Any:
        seen: list[Any] = []
        deferred, batch = twin.result(), twin.result()
        [future] = futures_of(twin, deferred, 1)
        future.add_callback(lambda x: seen.append(x.offset))
        future._position = 17
        deferred.split([(batch, 0)])
        batch.succeed(100)
        return [seen, outcome(future)]

    assert same(play)[0] == [117]


def test_waiters_are_let_through_by_a_split_and_by_the_end() -> None:
    def play(twin: Twin) -> Any:
        result = twin.result()
        seen: list[Any] = [result.wait(0)]
        parts = split(twin, result, [0])
        seen += [result.wait(0), parts[0].wait(0)]
        parts[0].succeed(0)
        return [*seen, parts[0].wait(0), result.done, result.settled]

    same(play)


# --- objects ------------------------------------------------------------------------------------------------------------


@EACH
def test_futures_take_attributes_and_weak_references_and_are_keys(twin: Twin) -> None:
    result = twin.result()
    [future] = futures_of(twin, result, 1)
    future.mine = "note"
    assert (future.mine, {future: 1}[future]) == ("note", 1)
    reference = weakref.ref(future)
    assert reference() is future
    del future
    gc.collect()
    assert reference() is None


def made_by_append(twin: Twin) -> tuple[Any, Any]:
    """A record's future as appending makes it, and its batch's result."""
    result = twin.result()
    buffer = twin.records.RecordBuffer(twin.record.format_for(2), result, 1000, 1 << 20, 1 << 20)
    return buffer.append(None, 0, 1000, None, b"v", (), -1), result


def made_by_hand(twin: Twin) -> tuple[Any, Any]:
    result = twin.result()
    return futures_of(twin, result, 1)[0], result


@EACH
@pytest.mark.parametrize("make", [made_by_append, made_by_hand])
@pytest.mark.parametrize("is_done", [True, False])
def test_a_circle_through_an_attribute_is_collected(twin: Twin, make: Callable[[Twin], Any], is_done: bool) -> None:
    future, result = make(twin)
    future.me = future
    if is_done:
        result.succeed(0)
    gone = weakref.ref(future)
    del future, result
    gc.collect()
    assert gone() is None


@EACH
@pytest.mark.parametrize("make", [made_by_append, made_by_hand])
@pytest.mark.parametrize("register", ["add_callback", "add_errback", "add_done_callback"])
def test_a_circle_through_a_callback_is_collected_once_it_has_run(twin: Twin, make: Callable[[Twin], Any], register: str) -> None:
    future, result = make(twin)
    getattr(future, register)(lambda x, me=future: None)
    result.succeed(0)
    gone = weakref.ref(future)
    del future, result
    gc.collect()
    assert gone() is None


@EACH
def test_a_circle_of_plain_futures_is_collected(twin: Twin) -> None:
    first, second = twin.future.Future(), twin.future.Future()
    first.chain(second)
    second.chain(first)
    gone = weakref.ref(first), weakref.ref(second)
    del first, second
    gc.collect()
    assert [one() for one in gone] == [None, None]


@EACH
def test_a_result_lets_go_of_callbacks_when_they_have_run(twin: Twin) -> None:
    class Callback:
        def __call__(self, _: Any) -> None: ...

    result = twin.result()
    [future] = futures_of(twin, result, 1)
    callbacks = [Callback() for _ in range(20)]
    gone = [weakref.ref(callback) for callback in callbacks]
    for callback in callbacks:
        future.add_callback(callback)
    callbacks.clear()
    del callback
    gc.collect()
    assert all(one() is not None for one in gone)
    result.succeed(0)
    gc.collect()
    assert [one() for one in gone] == [None] * 20


def test_a_future_that_was_never_initialised_says_so() -> None:
    def play(twin: Twin) -> Any:
        kind = type("Mine", (twin.future.Future,), {"__init__": lambda self: None})
        return [attempt(lambda: kind().is_done)[0], attempt(lambda: kind().add_callback(print))[0]]

    assert same(play) == ["AttributeError", "AttributeError"]


def test_compiled_results_refuse_what_is_no_future() -> None:
    with pytest.raises(TypeError):
        COMPILED.result().register(None, 0, print)
    with pytest.raises(TypeError):
        COMPILED.result().register(object(), 0, print)


SIGHTS: dict[str, Callable[[Any], Any]] = {
    "exception": lambda future: future.exception,
    "failed()": lambda future: future.failed(),
    "succeeded()": lambda future: future.succeeded(),
    "get()": lambda future: attempt(lambda: future.get(0)),
    "errback": lambda future: future.add_errback(lambda error: None),
    "add_both()": lambda future: future.add_both(lambda either: None),
    "callback": lambda future: future.add_callback(lambda value: None),
    "done callback": lambda future: future.add_done_callback(lambda done: None),
    "is_done": lambda future: future.is_done,
    "value": lambda future: future.value,
}


@pytest.mark.parametrize("sight", SIGHTS.values(), ids=list(SIGHTS))
@pytest.mark.parametrize("complete", ["failure", "failures of records", "success"])
def test_they_tell_the_same_of_who_looks_at_errors(sight: Callable[[Any], Any], complete: str) -> None:
    def play(twin: Twin) -> list[int]:
        class Looks(list):  # type: ignore[type-arg]
            note = list.append

        result = twin.result()
        result.looks = looks = Looks()
        first, second, _ = futures_of(twin, result, 3)
        if "callback" in str(sight.__code__.co_names) or "errback" in str(sight.__code__.co_names):
            sight(first)  # called at completion
        COMPLETIONS[complete](twin, result)
        sight(second)
        return list(looks)

    seen = same(play)
    assert (seen == []) == (complete == "success" or sight in [SIGHTS[name] for name in ("callback", "done callback", "is_done", "value")])
