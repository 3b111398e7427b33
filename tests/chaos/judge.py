"""What a load was told, against what an independent consumer reads back."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tests.broker.read_back import StoredRecord

LATE_S = 1.0  # a busy machine's, on top of the time by which a future is done


class SentRecord(NamedTuple):
    """What its sender knows; times are of time.monotonic()."""

    name: str
    partition: int
    sent_s: float
    done_s: float | None
    offset: int
    error: str | None = None
    persisted: str | None = None

    @property
    def is_acknowledged(self) -> bool:
        return self.done_s is not None and self.error is None

    @property
    def number(self) -> int:
        return int(self.name.partition("-")[2])


class Verdict(NamedTuple):
    """Counts of records, and times in seconds; `slowest_s` is from send() to the acknowledgement."""

    sent: int
    acknowledged: int
    failed: int
    unresolved: int
    missing: int
    false_no: int
    duplicated: int
    out_of_order: int
    recovery_s: float
    slowest_s: float
    cpu_s_a_minute: float


def judge(
    told: Sequence[SentRecord], log: Sequence[StoredRecord], *, well_s: float, log_since_s: float, resolves_in_s: float, cpu_s_a_minute: float
) -> Verdict:
    """`log` is sorted by partition and offset. Acknowledged records count where they are: at their partition and offset.

    `well_s`: when the fault had ended. `log_since_s`: since when the log that was read exists; what was acknowledged before was in another one.
    """
    at = {(record.partition, record.offset): name_of(record) for record in log}
    copies = Counter(at.values())
    acknowledged = [record for record in told if record.is_acknowledged]
    return Verdict(
        sent=len(told),
        acknowledged=len(acknowledged),
        failed=sum(1 for record in told if record.error is not None),
        unresolved=sum(1 for record in told if record.done_s is None or record.done_s - record.sent_s > resolves_in_s + LATE_S),
        missing=sum(1 for r in acknowledged if (r.done_s or 0.0) >= log_since_s and at.get((r.partition, r.offset)) != r.name),
        false_no=sum(1 for record in told if record.error is not None and record.persisted != "maybe" and copies[record.name]),
        duplicated=sum(copies.values()) - len(copies),
        out_of_order=out_of_order(log),
        recovery_s=recovery_s(told, well_s),
        slowest_s=max((float(record.done_s or 0.0) - record.sent_s for record in acknowledged), default=0.0),
        cpu_s_a_minute=cpu_s_a_minute,
    )


def name_of(record: StoredRecord) -> str:
    return (record.value or b"").rstrip(b".").decode()


def out_of_order(log: Iterable[StoredRecord]) -> int:
    """How many first copies stand behind one that the same process sent to the same partition later."""
    seen: set[str] = set()
    newest: dict[tuple[int, str], int] = {}
    found = 0
    for record in log:
        name = name_of(record)
        if name in seen:
            continue
        seen.add(name)
        sender, _, number = name.partition("-")
        line = record.partition, sender
        found += int(number) < newest.get(line, -1)
        newest[line] = max(int(number), newest.get(line, -1))
    return found


def recovery_s(told: Iterable[SentRecord], well_s: float) -> float:
    """From the fault's end to the first acknowledgement of a record sent after it, in the partition where that took longest."""
    firsts: dict[int, float] = {}
    for record in told:
        if record.sent_s >= well_s:
            done_s = record.done_s if record.is_acknowledged and record.done_s is not None else math.inf
            firsts[record.partition] = min(done_s, firsts.get(record.partition, math.inf))
    return max(firsts.values(), default=math.inf) - well_s
