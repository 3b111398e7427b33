"""kafka.metrics: sensors and their families, quotas, rates, percentiles, expiration, reporters."""

from __future__ import annotations

import threading
import time
from typing import Any, Callable

import pytest

from kafka.errors import QuotaViolationError
from kafka.metrics import AnonMeasurable, DictReporter, MetricConfig, MetricName, Metrics, Quota
from kafka.metrics.metrics_reporter import AbstractMetricsReporter
from kafka.metrics.stats import Avg, Count, Max, Min, Percentile, Percentiles, Rate, Sensor, Total
from kafka.metrics.stats.percentiles import BucketSizing
from kafka.metrics.stats.rate import TimeUnit


class Clock:
    """time.monotonic() as the test sets it."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock)
    return clock


@pytest.fixture
def metrics(clock: Clock) -> Metrics:
    return Metrics(MetricConfig(samples=2, time_window_ms=30_000))


def name(text: str) -> MetricName:
    return MetricName(text, "g")


def value(metrics: Metrics, text: str) -> float:
    return metrics.metrics[name(text)].value()


def total(metrics: Metrics, sensor: Sensor, text: str, config: MetricConfig | None = None) -> None:
    sensor.add(name(text), Total(), config)


# --- sensors and their families -------------------------------------------------------------------------------------


def test_a_sensor_is_made_once_and_found_by_its_name(metrics: Metrics) -> None:
    assert metrics.get_sensor("s") is None
    made = metrics.sensor("s")
    assert metrics.sensor("s") is metrics.get_sensor("s") is made


def test_what_a_child_records_its_parents_record_too(metrics: Metrics) -> None:
    grandparent = metrics.sensor("grandparent")
    mother, father = metrics.sensor("mother", parents=[grandparent]), metrics.sensor("father")
    child = metrics.sensor("child", parents=[mother, father])
    for sensor in (grandparent, mother, father, child):
        total(metrics, sensor, sensor.name)

    child.record(5)
    mother.record(2)
    father.record(1)

    assert {text: value(metrics, text) for text in ("grandparent", "mother", "father", "child")} == {
        "grandparent": 7, "mother": 7, "father": 6, "child": 5,
    }  # fmt: skip


def test_an_ancestor_that_would_record_a_value_twice_is_refused(metrics: Metrics) -> None:
    top = metrics.sensor("top")
    left, right = metrics.sensor("left", parents=[top]), metrics.sensor("right", parents=[top])
    with pytest.raises(ValueError, match="twice"):
        metrics.sensor("diamond", parents=[left, right])
    with pytest.raises(ValueError, match="twice"):
        metrics.sensor("same", parents=[top, top])
    assert metrics.get_sensor("diamond") is None


def test_removing_a_sensor_takes_its_metrics_and_its_children_and_leaves_its_parents(metrics: Metrics) -> None:
    top = metrics.sensor("top")
    middle = metrics.sensor("middle", parents=[top])
    bottom = metrics.sensor("bottom", parents=[middle])
    for sensor in (top, middle, bottom):
        total(metrics, sensor, sensor.name)

    metrics.remove_sensor("middle")

    assert [metrics.get_sensor(text) for text in ("top", "middle", "bottom")] == [top, None, None]
    assert {found.name for found in metrics.metrics} == {"count", "top"}
    metrics.remove_sensor("middle")  # of no effect
    total(metrics, metrics.sensor("middle"), "middle")  # its names are free again
    metrics.remove_sensor("top")
    assert metrics.get_sensor("middle") is not None  # the new one is not of that family


def test_a_name_is_given_once(metrics: Metrics) -> None:
    total(metrics, metrics.sensor("s"), "taken")
    for register in (
        lambda: total(metrics, metrics.sensor("s"), "taken"),
        lambda: total(metrics, metrics.sensor("other"), "taken"),
        lambda: metrics.add_metric(name("taken"), AnonMeasurable(lambda config, now: 1)),
    ):
        with pytest.raises(ValueError, match="taken"):
            register()


def test_a_metric_is_removed_once_and_given_back(metrics: Metrics) -> None:
    metrics.add_metric(name("m"), AnonMeasurable(lambda config, now: 42))
    removed = metrics.remove_metric(name("m"))
    assert removed is not None
    assert (removed.metric_name, removed.value()) == (name("m"), 42)
    assert metrics.remove_metric(name("m")) is None


def test_the_number_of_metrics_counts_itself(metrics: Metrics) -> None:
    count = metrics.metrics[metrics.metric_name("count", "kafka-metrics-count")]
    assert count.value() == 1
    total(metrics, metrics.sensor("s"), "m")
    assert count.value() == 2


def test_values_recorded_by_many_threads_are_all_counted() -> None:
    metrics = Metrics()
    parent = metrics.sensor("parent")
    child = metrics.sensor("child", parents=[parent])
    total(metrics, parent, "parent")
    total(metrics, child, "child")

    threads = [threading.Thread(target=lambda: [child.record() for _ in range(2000)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (value(metrics, "child"), value(metrics, "parent")) == (8000, 8000)


# --- quotas ---------------------------------------------------------------------------------------------------------


def test_a_quota_is_equal_to_one_of_its_kind_and_bound() -> None:
    assert Quota.upper_bound(5) == Quota.upper_bound(5)
    assert Quota.upper_bound(5) != Quota.lower_bound(5)
    assert Quota.upper_bound(5) != Quota.upper_bound(6)
    assert Quota.upper_bound(5).is_acceptable(5)
    assert Quota.lower_bound(5).is_acceptable(5)


@pytest.mark.parametrize(("quota", "violation"), [(Quota.upper_bound(5.0), 6), (Quota.lower_bound(-5.0), -6)], ids=["upper", "lower"])
def test_a_value_that_violates_a_quota_raises_and_is_recorded_all_the_same(metrics: Metrics, quota: Quota, violation: float) -> None:
    sensor = metrics.sensor("s")
    total(metrics, sensor, "bounded", MetricConfig(quota=quota))
    total(metrics, sensor, "free")

    sensor.record(quota.bound)  # the bound itself is acceptable
    with pytest.raises(QuotaViolationError, match="bounded"):
        sensor.record(violation - quota.bound)

    assert value(metrics, "bounded") == value(metrics, "free") == violation


def test_a_violated_quota_of_a_parent_raises_from_the_childs_record(metrics: Metrics) -> None:
    parent = metrics.sensor("parent")
    total(metrics, parent, "parent", MetricConfig(quota=Quota.upper_bound(1.0)))
    child = metrics.sensor("child", parents=[parent])
    total(metrics, child, "child")

    with pytest.raises(QuotaViolationError, match="parent"):
        child.record(2)
    assert value(metrics, "child") == 2


# --- rates, samples, percentiles ------------------------------------------------------------------------------------


def test_sampled_stats_forget_what_is_older_than_all_windows(metrics: Metrics, clock: Clock) -> None:
    sensor = metrics.sensor("s")
    for text, stat in (("avg", Avg()), ("max", Max()), ("min", Min()), ("count", Count()), ("total", Total())):
        sensor.add(name(text), stat)
    for number in range(1, 5):
        sensor.record(number)
    assert [value(metrics, text) for text in ("avg", "max", "min", "count", "total")] == [2.5, 4, 1, 4, 10]
    clock.now_s += 60
    assert [value(metrics, text) for text in ("avg", "max", "min", "count", "total")] == [0.0, float("-inf"), float(2**63 - 1), 0, 10]


def test_a_rate_divides_by_at_least_the_full_windows_of_all_samples_but_one(metrics: Metrics, clock: Clock) -> None:
    sensor = metrics.sensor("s")
    sensor.add(name("bytes"), Rate(TimeUnit.SECONDS))
    sensor.add(name("events"), Rate(TimeUnit.SECONDS, Count()))
    metric = metrics.metrics[name("bytes")]

    def window_ms() -> float:
        size: float = metric.measurable.window_size(metric.config, clock.now_s * 1000)  # type: ignore[attr-defined]
        return size

    sensor.record(90)
    assert (value(metrics, "bytes"), value(metrics, "events"), window_ms()) == (3.0, 1 / 30, 30_000)
    clock.now_s += 15
    assert (value(metrics, "bytes"), window_ms()) == (2.0, 45_000)
    clock.now_s += 15  # a window has passed: there is a full one
    assert (value(metrics, "bytes"), window_ms()) == (3.0, 30_000)
    sensor.record(90)
    clock.now_s += 15
    assert (value(metrics, "bytes"), window_ms()) == (4.0, 45_000)


@pytest.mark.parametrize("samples", [2, 3, 11])
def test_a_steady_rate_is_measured_as_it_is_whatever_the_number_of_samples(clock: Clock, samples: int) -> None:
    metrics = Metrics(MetricConfig(samples=samples, time_window_ms=1000))
    sensor = metrics.sensor("s")
    sensor.add(name("rate"), Rate(TimeUnit.SECONDS))
    for _ in range(samples * 100):
        sensor.record(7)
        clock.now_s += 0.1
    assert value(metrics, "rate") == pytest.approx(70, rel=0.06)


@pytest.mark.parametrize(
    ("unit", "expected"),
    [(TimeUnit.MILLISECONDS, 0.002), (TimeUnit.SECONDS, 2.0), (TimeUnit.MINUTES, 120.0), (TimeUnit.HOURS, 7200.0), (TimeUnit.DAYS, 172800.0)],
)
def test_a_rate_is_given_per_its_unit(metrics: Metrics, unit: int, expected: float) -> None:
    sensor = metrics.sensor("s")
    sensor.add(name("rate"), Rate(unit))
    sensor.record(60)
    assert value(metrics, "rate") == pytest.approx(expected)


@pytest.mark.parametrize(("bucketing", "within"), [(BucketSizing.CONSTANT, 1.1), (BucketSizing.LINEAR, 2.0)])
def test_percentiles_are_those_of_the_values_recorded(metrics: Metrics, bucketing: int, within: float) -> None:
    percentiles = Percentiles(400, bucketing, 100.0, 0.0, percentiles=[Percentile(name(f"p{at}"), at) for at in (25, 50, 75)])
    sensor = metrics.sensor("s")
    sensor.add_compound(percentiles)
    for number in range(100):
        sensor.record(number)
    for at in (25, 50, 75):
        assert value(metrics, f"p{at}") == pytest.approx(at, abs=within)


def test_percentiles_follow_new_values_as_windows_of_events_pass(metrics: Metrics) -> None:
    config = MetricConfig(event_window=50, samples=2)
    sensor = metrics.sensor("s", config)
    sensor.add_compound(Percentiles(400, BucketSizing.CONSTANT, 100.0, 0.0, percentiles=[Percentile(name("p50"), 50)]))
    for number in range(100):
        sensor.record(number)
    for _ in range(100):
        sensor.record(0.0)
    assert value(metrics, "p50") == pytest.approx(0, abs=1.1)


# --- expiration -----------------------------------------------------------------------------------------------------


def test_an_idle_sensor_expires_and_takes_its_metrics_along(clock: Clock) -> None:
    metrics = Metrics()
    idle, busy, lasting = (metrics.sensor(text, None, seconds) for text, seconds in (("idle", 1), ("busy", 1), ("lasting", 100)))
    for sensor in (idle, busy, lasting):
        total(metrics, sensor, sensor.name)

    clock.now_s += 0.9
    busy.record()
    Metrics.ExpireSensorTask.run(metrics)
    assert metrics.get_sensor("idle") is idle
    clock.now_s += 0.2
    Metrics.ExpireSensorTask.run(metrics)

    assert [metrics.get_sensor(text) for text in ("idle", "busy", "lasting")] == [None, busy, lasting]
    assert name("idle") not in metrics.metrics
    again = metrics.sensor("idle", None, 1)
    total(metrics, again, "idle")
    assert metrics.get_sensor("idle") is again is not idle


def test_the_thread_that_expires_sensors_ends_with_close() -> None:
    before = set(threading.enumerate())
    metrics = Metrics(enable_expiration=True)
    (expiration,) = set(threading.enumerate()) - before
    metrics.close()
    expiration.join(10)
    assert not expiration.is_alive()


# --- reporters ------------------------------------------------------------------------------------------------------


class Recorder(AbstractMetricsReporter):
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.calls: list[Any] = []

    def init(self, metrics: list[Any]) -> None:
        self.calls.append(("init", sorted(metric.metric_name.name for metric in metrics)))

    def metric_change(self, metric: Any) -> None:
        self.calls.append(("change", metric.metric_name.name))

    def metric_removal(self, metric: Any) -> None:
        self.calls.append(("removal", metric.metric_name.name))

    def configure(self, configs: Any) -> None:
        self.calls.append(("configure", configs))

    def close(self) -> None:
        self.calls.append(("close", None))


def test_a_reporter_added_later_is_told_of_what_exists_and_then_of_every_change() -> None:
    early, late = Recorder(), Recorder()
    metrics = Metrics(None, [early])
    total(metrics, metrics.sensor("s"), "first")
    metrics.add_reporter(late)
    total(metrics, metrics.sensor("s"), "second")
    metrics.remove_sensor("s")
    metrics.close()
    metrics.close()

    changes = [("change", "second"), ("removal", "first"), ("removal", "second"), ("close", None)]
    assert early.calls == [("init", []), ("change", "count"), ("change", "first"), *changes]
    assert late.calls == [("init", ["count", "first"]), *changes]
    assert metrics.metrics == {}


@pytest.mark.parametrize("error", [ValueError("mine"), SystemExit("mine")], ids=repr)
def test_a_reporter_that_always_raises_is_logged_and_hinders_nobody(error: BaseException, caplog: pytest.LogCaptureFixture) -> None:
    class Raises(AbstractMetricsReporter):
        def init(self, metrics: Any) -> None:
            raise error

        metric_change = metric_removal = configure = init

        def close(self) -> None:
            raise error

    behind = Recorder()
    metrics = Metrics(None, [Raises(), behind])
    metrics.add_reporter(Raises())
    metrics.add_metric(name("m"), AnonMeasurable(lambda config, now: 1))
    assert metrics.remove_metric(name("m")) is not None
    metrics.close()

    assert [call for call, _ in behind.calls] == ["init", "change", "change", "removal", "close"]
    for call in ("init", "metric_change", "metric_removal", "close"):
        assert f"Error in Raises.{call}() of a metrics reporter" in caplog.text


def test_ctrl_c_in_a_reporter_gets_out_of_the_main_thread_and_of_no_other() -> None:
    class Interrupted(Recorder):
        def metric_change(self, metric: Any) -> None:
            raise KeyboardInterrupt

    metrics = Metrics()
    metrics.add_reporter(Interrupted())
    with pytest.raises(KeyboardInterrupt):
        metrics.add_metric(name("main"), AnonMeasurable(lambda config, now: 1))
    passed = []

    def register() -> None:
        metrics.add_metric(name("other"), AnonMeasurable(lambda config, now: 1))
        passed.append(True)

    thread = threading.Thread(target=register)
    thread.start()
    thread.join()
    assert passed == [True]


def test_a_reporter_that_lacks_a_method_cannot_be_made() -> None:
    class Incomplete(AbstractMetricsReporter):
        def init(self, metrics: Any) -> None: ...

    with pytest.raises(TypeError):
        Incomplete()  # type: ignore[abstract]


@pytest.mark.parametrize(("make", "prefix"), [(DictReporter, ""), (lambda: DictReporter("pre"), "pre.")], ids=["no prefix", "prefix"])
def test_the_dict_reporters_keys_have_prefix_group_and_sorted_tags(make: Callable[[], DictReporter], prefix: str) -> None:
    reporter = make()
    metrics = Metrics(MetricConfig(tags={"z": "1", "a": "2"}), [reporter])
    metrics.add_metric(metrics.metric_name("m", "g"), AnonMeasurable(lambda config, now: 42))
    metrics.add_metric(MetricName("bare", "h"), AnonMeasurable(lambda config, now: 43))
    assert reporter.snapshot() == {
        f"{prefix}kafka-metrics-count.a=2,z=1": {"count": 3.0},
        f"{prefix}g.a=2,z=1": {"m": 42},
        f"{prefix}h": {"bare": 43},
    }


# --- names ----------------------------------------------------------------------------------------------------------


def test_a_metric_name_is_told_by_name_group_and_tags_and_cannot_be_changed() -> None:
    first = MetricName("n", "g", "one description", {"k": "v"})
    assert first == MetricName("n", "g", "another", {"k": "v"})
    assert hash(first) == hash(MetricName("n", "g", "another", {"k": "v"}))
    assert first != MetricName("n", "g", "one description", {"k": "w"})
    with pytest.raises(AttributeError):
        first.name = "m"  # type: ignore[misc]
    first.tags["k"] = "w"
    assert first.tags == {"k": "v"}


@pytest.mark.parametrize(("arguments", "error"), [(("", "g"), ValueError), (("n", ""), ValueError), (("n", "g", "d", []), TypeError)])
def test_a_metric_name_that_is_none_is_refused(arguments: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        MetricName(*arguments)


@pytest.mark.parametrize("event_window", [4, 1000])
def test_values_recorded_at_once_count_as_one_by_one_also_where_a_window_begins(event_window: int, clock: Clock) -> None:
    config = MetricConfig(samples=3, time_window_ms=1000, event_window=event_window)
    together, apart = ([Avg(), Max(), Min(), Count(), Total(), Rate()] for _ in range(2))
    now_ms = 5000.0
    for values in ([3.0, 1.0], [], [7.0], [2.0] * 9, [4.0, 5.0, 6.0]):
        for step_ms in (0, 300, 1000, 2500):
            now_ms += step_ms
            for one, other in zip(together, apart):
                one.record_all(config, values, now_ms)
                for value in values:
                    other.record(config, value, now_ms)
            assert [stat.measure(config, now_ms) for stat in together] == [stat.measure(config, now_ms) for stat in apart]
