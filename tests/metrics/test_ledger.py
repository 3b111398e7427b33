"""Values that are noted for sensors and handed over later."""

from __future__ import annotations

import math
import threading
import time

from kafka.metrics import MetricConfig, Metrics
from kafka.metrics.ledger import Ledger
from kafka.metrics.metric_name import MetricName
from kafka.metrics.stats import Count, Total


def test_who_reads_a_metric_sees_all_that_was_noted() -> None:
    metrics, ledger = Metrics(), Ledger()
    name = metrics.metric_name("total", "g")
    sensor = metrics.sensor("s")
    sensor.add(name, Total())
    tally = ledger.keep(sensor)
    for value in (1.0, 2.0, 4.0):
        ledger.note(tally, value)
    assert metrics.metrics[name].value() == 7.0
    ledger.note(tally, 8.0)
    assert metrics.metrics[name].value() == 15.0


def test_values_are_handed_over_when_they_are_many_or_old() -> None:
    metrics, ledger = Metrics(), Ledger()
    sensor = metrics.sensor("s")
    total = Total()
    sensor.add(MetricName("total", "g"), total)
    tally = ledger.keep(sensor)

    def recorded() -> float:
        return total.measure(MetricConfig(), time.monotonic() * 1000)

    ledger.note(tally, 1.0)
    ledger.turn_over(100.0)
    assert recorded() == 0.0
    ledger.turn_over(101.5)  # a second after
    assert recorded() == 1.0
    for _ in range(16384):
        ledger.note(tally, 1.0)
    ledger.turn_over(101.6)
    assert recorded() == 16385.0


def test_no_value_is_lost_or_counted_twice_while_others_read() -> None:
    metrics, ledger = Metrics(), Ledger()
    name = metrics.metric_name("count", "g")
    sensor = metrics.sensor("s")
    sensor.add(name, Count(), MetricConfig(samples=2, event_window=math.inf, time_window_ms=1e9))
    tally = ledger.keep(sensor)
    is_over = threading.Event()

    def read() -> None:
        while not is_over.is_set():
            metrics.metrics[name].value()

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for number in range(50_000):
        ledger.note(tally, 1.0)
        if number % 100 == 0:
            ledger.turn_over(float(number))
    is_over.set()
    for reader in readers:
        reader.join()
    assert metrics.metrics[name].value() == 50_000
