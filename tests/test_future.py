"""kafka.future: what kafka-python's Future promises, the verbs of concurrent.futures, and completion without locks."""

from __future__ import annotations

import asyncio
import concurrent.futures
import itertools
import logging
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

import pytest

import kafka.future
from kafka._clock import SystemClock
from kafka.errors import IllegalStateError, KafkaError, KafkaTimeoutError, NotLeaderForPartitionError
from kafka.future import Future, Home, PythonCompletionState, PythonFutureState
from kafka.producer.future import FutureProduceResult, FutureRecordMetadata, RecordMetadata
from kafka.structs import TopicPartition


@pytest.fixture
def result() -> FutureProduceResult:
    return FutureProduceResult(TopicPartition("t", 3), Home(SystemClock()))


def record(result: FutureProduceResult, position: int = 0) -> FutureRecordMetadata:
    return FutureRecordMetadata(result, position, 1000 + position, 1, 2, -1)


def test_callbacks_get_their_own_arguments_before_the_value() -> None:
    calls: list[Any] = []
    future = Future()

    assert future.add_callback(lambda *args, **kwargs: calls.append((args, kwargs)), 1, 2, three=3) is future
    future.success("value")

    assert calls == [((1, 2, "value"), {"three": 3})]


def test_callbacks_run_in_the_order_of_registration_and_errbacks_only_on_failure() -> None:
    calls: list[Any] = []
    future = Future()
    future.add_callback(calls.append).add_errback(lambda e: calls.append(("error", e))).add_both(lambda v: calls.append(("both", v)))

    future.success(1)

    assert calls == [1, ("both", 1)]


def test_a_callback_on_a_done_future_runs_at_once_in_this_thread() -> None:
    threads: list[int] = []
    future = Future().success(1)

    future.add_callback(lambda _: threads.append(threading.get_ident()))
    future.add_errback(lambda _: threads.append(-1))

    assert threads == [threading.get_ident()]


def test_an_error_in_a_callback_is_logged_and_the_others_run(caplog: pytest.LogCaptureFixture) -> None:
    calls: list[Any] = []
    future = Future().add_callback(lambda _: 1 / 0).add_callback(calls.append)

    with caplog.at_level(logging.ERROR, "kafka.future"):
        future.success(5)

    assert calls == [5]
    assert [r.getMessage() for r in caplog.records if r.name == "kafka.future"] == ["Error processing callback"]


def test_errors_in_callbacks_propagate_when_asked_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Future, "error_on_callbacks", True)
    future = Future().success(1)

    with pytest.raises(ZeroDivisionError):
        future.add_callback(lambda _: 1 / 0)


def test_ctrl_c_in_a_callback_on_a_done_future_reaches_the_caller() -> None:
    def interrupt(_: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Future().success(1).add_callback(interrupt)


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, GeneratorExit, MemoryError])
def test_nothing_a_callback_raises_stops_the_io_thread(result: FutureProduceResult, error: type[BaseException]) -> None:
    calls: list[Any] = []

    def raise_it(_: Any) -> None:
        raise error

    record(result).add_callback(raise_it).add_callback(calls.append)
    result.succeed(7)

    assert [metadata.offset for metadata in calls] == [7]


def test_failure_takes_a_class_or_an_instance() -> None:
    assert isinstance(Future().failure(KafkaError).exception, KafkaError)
    error = NotLeaderForPartitionError("x")
    future = Future().failure(error)
    assert future.exception is error
    assert future.failed()
    assert not future.succeeded()
    assert future.retriable()


@pytest.mark.parametrize("style", [AssertionError, TypeError])
def test_failure_without_an_exception_is_refused(style: type[Exception]) -> None:
    with pytest.raises(style):
        Future().failure("no exception")  # type: ignore[arg-type]


def test_completing_twice_is_refused() -> None:
    with pytest.raises(AssertionError, match="already complete"):
        Future().success(1).success(2)
    with pytest.raises(IllegalStateError):
        Future().failure(KafkaError).success(2)


def test_chain_forwards_both_ways() -> None:
    first, second = Future(), Future()
    assert first.chain(second) is first
    first.success(3)
    assert second.value == 3
    third, fourth = Future(), Future()
    third.chain(fourth)
    third.failure(KafkaError)
    assert isinstance(fourth.exception, KafkaError)


def test_the_verbs_of_concurrent_futures() -> None:
    future = Future()
    done: list[Any] = []
    future.add_done_callback(done.append)
    assert (future.done(), future.running(), future.cancel(), future.cancelled()) == (False, True, False, False)

    future.success(4)

    assert (future.done(), future.running(), future.result()) == (True, False, 4)
    assert done == [future]


@pytest.mark.parametrize("style", [KafkaTimeoutError, TimeoutError, concurrent.futures.TimeoutError])
def test_waiting_too_long_is_a_time_out_in_every_style(style: type[Exception]) -> None:
    with pytest.raises(style, match=r"Timeout after waiting for 0\.01 secs\."):
        Future().result(0.01)


def test_result_waits_for_another_thread() -> None:
    future = Future()
    thread = threading.Thread(target=lambda: future.success(9))
    thread.start()
    assert future.result(5) == 9
    thread.join()


def test_futures_take_attributes_of_their_own() -> None:
    future: Any = Future()
    future.note = 1
    assert future.note == 1


def test_awaiting_a_done_future_needs_no_loop() -> None:
    waiting: Iterator[Any] = Future().success(5).__await__()
    with pytest.raises(StopIteration) as stop:
        next(waiting)
    assert stop.value.value == 5
    with pytest.raises(KafkaError):
        next(Future().failure(KafkaError).__await__())


def test_a_pending_future_can_be_awaited_and_cancelling_the_await_leaves_it_alone() -> None:
    async def scenario() -> tuple[Any, Any]:
        future, other = Future(), Future()
        asyncio.get_running_loop().run_in_executor(None, future.success, 11)

        async def wait_for_other() -> None:
            await other

        task = asyncio.create_task(wait_for_other())
        await asyncio.sleep(0)
        task.cancel()
        value = await future
        other.success(12)
        return value, other.value

    assert asyncio.run(scenario()) == (11, 12)


def test_a_callback_registered_while_completing_runs_exactly_once() -> None:
    for _ in range(300):
        future = Future()
        calls: list[int] = []
        start = threading.Barrier(2)

        def complete(future: Future = future, start: threading.Barrier = start) -> None:
            start.wait()
            future.success(1)

        thread = threading.Thread(target=complete)
        thread.start()
        start.wait()
        for number in range(20):
            future.add_callback(lambda _, number=number, calls=calls: calls.append(number))
        thread.join()
        assert sorted(calls) == list(range(20))


def test_who_registers_late_runs_its_own_callback_and_none_that_was_registered_before() -> None:
    """Others register at any two moments between the lines of finish(); the compiled twin has none."""
    moments = itertools.count()
    for late_at in moments:
        for before_at in range(late_at + 1):
            completion: Any = PythonCompletionState(Home(SystemClock()))
            futures = [PythonFutureState(completion, position, -1, -1, -1, -1) for position in range(3)]
            called: list[str] = []
            futures[0].add_callback(lambda _, called=called: called.append("early"))
            reached = finish_and_register(completion, futures, called, before_at, late_at)
            assert sorted(called) == sorted(["early", "before", "late"][: 1 + reached]), (before_at, late_at)
        if reached < 2:
            break
    assert late_at > 10


def finish_and_register(completion: Any, futures: list[Any], called: list[str], *moments: int) -> int:
    """Complete, and register what notes a name before those lines (from 0), by which no other may be called; before how many of them."""
    names = iter(["before", "late"])
    lines = itertools.count()
    reached = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal reached
        if event == "line":
            line = next(lines)
            for _ in range(moments.count(line)):
                reached += 1
                name = next(names)
                count = len(called)
                futures[reached].add_callback(lambda _, name=name: called.append(name))
                assert called[count:] in ([], [name])
        return trace

    traced = sys.gettrace()
    sys.settrace(lambda frame, *_: trace if frame.f_code.co_filename == kafka.future.__file__ else None)
    try:
        completion.finish()
    finally:
        sys.settrace(traced)
    return reached


def test_all_records_of_a_batch_complete_together(result: FutureProduceResult) -> None:
    futures = [record(result, position) for position in range(3)]
    assert [f.is_done for f in futures] == [False] * 3

    result.succeed(100)

    assert [f.get().offset for f in futures] == [100, 101, 102]
    assert futures[1].get() == RecordMetadata("t", 3, TopicPartition("t", 3), 101, 1001, None, 1, 2, -1)


def test_callbacks_of_a_batch_run_in_order_of_records_before_waiters_go_on(result: FutureProduceResult) -> None:
    order: list[Any] = []
    futures = [record(result, position) for position in range(3)]
    futures[2].add_callback(lambda _: order.append(2))
    futures[0].add_callback(lambda _: order.append("0a"))
    futures[0].add_callback(lambda _: order.append("0b"))
    futures[1].add_callback(lambda _: order.append(1))
    waiting = threading.Event()

    def wait() -> None:
        waiting.set()
        futures[0].get(5)
        order.append("waiter")

    thread = threading.Thread(target=wait)
    thread.start()
    waiting.wait()
    result.succeed(0)
    thread.join()

    assert order == ["0a", "0b", 1, 2, "waiter"]


def test_offset_and_timestamp_follow_what_the_broker_said(result: FutureProduceResult) -> None:
    future = record(result, 2)
    result.succeed(-1, log_append_time_ms=5555)
    assert (future.get().offset, future.get().timestamp) == (-1, 5555)


def test_message_format_0_has_no_timestamp_and_old_formats_have_checksums(result: FutureProduceResult) -> None:
    future = record(result)
    result.has_timestamps = False
    result.checksums = [77]
    result.succeed(4)
    assert (future.get().timestamp, future.get().checksum) == (-1, 77)


def test_records_named_by_the_broker_fail_with_their_own_error(result: FutureProduceResult) -> None:
    culprit, bystander = record(result, 0), record(result, 1)
    result.fail(KafkaError("bystander"), {0: KafkaError("culprit")})
    assert str(culprit.exception) == "KafkaError: culprit"
    assert str(bystander.exception) == "KafkaError: bystander"
    assert culprit.value is None


def test_get_on_the_io_thread_is_refused_at_once_unless_done(result: FutureProduceResult) -> None:
    result.home.io_ident = threading.get_ident()
    future = record(result)
    with pytest.raises(IllegalStateError, match="callback"):
        future.get()
    result.succeed(1)
    assert future.get().offset == 1


def test_get_in_a_forked_child_is_refused_at_once(result: FutureProduceResult) -> None:
    result.home.forked = True
    with pytest.raises(IllegalStateError, match="forked"):
        record(result).get()


def test_instrumentation_finds_the_topic_partition(result: FutureProduceResult) -> None:
    assert record(result)._produce_future.topic_partition[1] == 3
