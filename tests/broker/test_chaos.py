"""Steady load while brokers die, hang, restart, lose connections, topics and replicas: nothing acknowledged is missing, and delivery goes on.

`python -m tests.chaos` is the same for longer.
"""

from __future__ import annotations

import pytest

from tests.broker.real_kafka import RealKafka
from tests.chaos.plan import SHORT, SHORT_AFTER_S, SHORT_BEFORE_S
from tests.chaos.run import broken_promises, run

SLACK = 2.0  # a busy machine's


@pytest.mark.parametrize("name", SHORT)
def test_nothing_acknowledged_is_missing_and_delivery_goes_on(three_brokers: RealKafka, name: str) -> None:
    fault, loads = SHORT[name]

    outcomes = run(three_brokers, fault, before_s=SHORT_BEFORE_S, after_s=SHORT_AFTER_S, loads=loads)

    broken = {str(outcome.options): (broken_promises(outcome, slack=SLACK), outcome.verdict) for outcome in outcomes}
    assert not any(promises for promises, _ in broken.values()), broken
    assert all(outcome.verdict.acknowledged for outcome in outcomes)
