"""The judge sees what is wrong."""

from __future__ import annotations

import math

from tests.broker.read_back import StoredRecord
from tests.chaos.judge import SentRecord, Verdict, judge
from tests.chaos.run import Outcome, broken_promises


def stored(offset: int, name: str, partition: int = 0) -> StoredRecord:
    return StoredRecord(partition, offset, None, None, None, name.encode().ljust(20, b"."), [])


def acked(name: str, offset: int, *, partition: int = 0, sent_s: float = 1.0, done_s: float | None = 2.0) -> SentRecord:
    return SentRecord(name, partition, sent_s, done_s, offset)


def judged(told: list[SentRecord], log: list[StoredRecord], *, well_s: float = 0.0, log_since_s: float = 0.0) -> Verdict:
    return judge(told, log, well_s=well_s, log_since_s=log_since_s, resolves_in_s=5.0, cpu_s_a_minute=1.0)


def broken(verdict: Verdict, in_flight: int = 1) -> list[str]:
    return broken_promises(Outcome({"max_in_flight_requests_per_connection": in_flight}, verdict))


def test_all_is_well() -> None:
    verdict = judged([acked("parent-0", 0), acked("parent-1", 1)], [stored(0, "parent-0"), stored(1, "parent-1")])
    assert verdict == Verdict(2, 2, 0, 0, 0, 0, 0, 0, 2.0, 1.0, 1.0)
    assert broken(verdict) == []


def test_an_acknowledged_record_must_be_where_it_is_said_to_be() -> None:
    assert judged([acked("parent-0", 0)], []).missing == 1
    elsewhere = judged([acked("parent-0", 0)], [stored(0, "parent-1"), stored(1, "parent-0")])
    assert elsewhere.missing == 1
    assert len(broken(elsewhere)) == 2  # and out of order


def test_what_was_acknowledged_in_a_log_that_is_gone_does_not_count() -> None:
    told = [acked("parent-0", 0, done_s=2.0), acked("parent-1", 0, done_s=4.0)]
    assert judged(told, [stored(0, "parent-1")], log_since_s=3.0).missing == 0
    assert judged(told, [stored(0, "parent-0")], log_since_s=3.0).missing == 1


def test_a_future_must_be_done_in_time() -> None:
    assert judged([acked("parent-0", -1, done_s=None)], []).unresolved == 1
    assert judged([acked("parent-0", 0, done_s=9.0)], [stored(0, "parent-0")]).unresolved == 1


def test_a_record_that_failed_as_surely_not_written_must_not_be_there() -> None:
    failed = [SentRecord("parent-0", 0, 1.0, 2.0, -1, "error", "no"), SentRecord("parent-1", 0, 1.0, 2.0, -1, "error", "maybe")]
    verdict = judged(failed, [stored(0, "parent-0"), stored(1, "parent-1")])
    assert (verdict.failed, verdict.false_no) == (2, 1)


def test_order_is_that_of_first_copies_of_each_process_in_each_partition() -> None:
    repeated = [stored(0, "parent-0"), stored(1, "child-0"), stored(2, "parent-6"), stored(3, "parent-0"), stored(0, "parent-1", 1)]
    verdict = judged([], repeated)
    assert (verdict.duplicated, verdict.out_of_order) == (1, 0)
    swapped = judged([acked("parent-6", 0)], [stored(0, "parent-6"), stored(1, "parent-0")])
    assert swapped.out_of_order == 1
    assert len(broken(swapped)) == 1
    assert broken(swapped, in_flight=5) == []


def test_what_is_written_twice_counts_where_nothing_was_lost() -> None:
    twice = judged([acked("parent-0", 0)], [stored(0, "parent-0"), stored(1, "parent-0")])
    assert broken_promises(Outcome({}, twice)) == []
    assert len(broken_promises(Outcome({}, twice, may_repeat=False))) == 1


def test_recovery_is_that_of_the_slowest_partition() -> None:
    log = [stored(0, "parent-0"), stored(1, "parent-2"), stored(0, "parent-1", 1)]
    told = [acked("parent-0", 0, done_s=3.0), acked("parent-1", 0, partition=1, sent_s=4.0, done_s=9.0), acked("parent-2", 1, sent_s=4.0, done_s=4.5)]
    assert judged(told, log, well_s=4.0).recovery_s == 5.0
    assert judged(told[:1], log, well_s=4.0).recovery_s == math.inf
