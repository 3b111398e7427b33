"""Logs are calm: an outage of five minutes gives at most 20 lines, none has a payload or a secret, and a handler may send to the producer itself."""

from __future__ import annotations

import gc
import logging
import logging.config
import socket
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any, Callable

import pytest

from kafka import KafkaProducer
from kafka.errors import KafkaError, NotEnoughReplicasError, NotLeaderForPartitionError
from kafka.testing import KafkaBroker, Sasl, faults
from tests.guarantees.budgets import assert_keeps, seconds_of
from tests.scenarios.stage import Stage

Make = Callable[..., KafkaProducer]
OUTAGE_S = 300
MOST_LINES = 20


def go_away(stage: Stage) -> None:
    for link in stage.links:
        link.refuse()
        link.cut()


def vanish(stage: Stage) -> None:
    for link in stage.links:
        link.make_unreachable()


def come_and_go(stage: Stage) -> None:
    """Connections are cut every second for as long as the outage lasts."""
    for link in stage.links:
        for number in range(OUTAGE_S):
            stage.transport.timeline.plan(stage.now_s + number, link.cut)


def lose_leaders(stage: Stage) -> None:
    stage.cluster.faults.add(faults.WrongLeader(-1))
    stage.cluster.faults.add(faults.Error(NotLeaderForPartitionError), api="Produce")


def lose_names(stage: Stage) -> None:
    def resolve(host: str, port: int) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, f"{host} is not known")

    stage.transport.resolve = resolve  # type: ignore[method-assign]
    for link in stage.links:
        link.cut()


def lose_trust(stage: Stage) -> None:
    stage.cluster.sasl.users["alice"] = "another password"  # type: ignore[union-attr]
    for link in stage.links:
        link.cut()


OUTAGES: dict[str, Callable[[Stage], Any]] = {
    "refused": go_away,
    "unreachable": vanish,
    "cut every second": come_and_go,
    "no leader": lose_leaders,
    "not the leader": lambda stage: stage.cluster.faults.add(faults.Error(NotLeaderForPartitionError), api="Produce"),
    "too few replicas": lambda stage: stage.cluster.faults.add(faults.Error(NotEnoughReplicasError), api="Produce"),
    "no answers": lambda stage: stage.cluster.faults.add(faults.DropReply(), api="Produce"),
    "garbage": lambda stage: stage.cluster.faults.add(faults.Garbage(0)),
    "no names": lose_names,
    "authentication refused": lose_trust,
    "frozen": lambda stage: stage.cluster.faults.add(faults.Freeze()),
}


@pytest.mark.slow
@pytest.mark.parametrize(("brokers", "retries"), [(1, 0), (6, 1_000_000)], ids=["one broker, no retries", "six brokers, retries"])
@pytest.mark.parametrize("outage", OUTAGES)
def test_five_minutes_without_kafka_give_at_most_20_lines(
    outage: str, brokers: int, retries: int, caplog: pytest.LogCaptureFixture
) -> None:
    secure = {"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "PLAIN", "sasl_plain_username": "alice", "sasl_plain_password": "pass-word"}
    stage = Stage(brokers=brokers, latency_s=0.002, sasl=Sasl({"alice": "pass-word"}))
    producer = stage.producer(retries=retries, request_timeout_ms=5000, delivery_timeout_ms=20_000, max_block_ms=1000, **secure)
    topics = [f"topic-{number}" for number in range(6)]
    for topic in topics:
        producer.send(topic, b"v").get()
    caplog.set_level(logging.INFO)
    OUTAGES[outage](stage)
    began_s = stage.now_s
    watched: list[Any] = []
    while stage.now_s < began_s + OUTAGE_S:
        for number, topic in enumerate(topics):
            future = producer.send(topic, b"v")
            if number == 0:
                watched.append(future)
        stage.clock.run_for(2)
    del future
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) <= MOST_LINES, "\n".join(lines)
    assert lines, "it is told that something is wrong"
    assert outage != "authentication refused" or any("Authentication with" in line for line in lines)
    assert any(future.failed() for future in watched) or outage == "cut every second"


@pytest.mark.parametrize("retries", [0, 3])
def test_callbacks_that_raise_for_each_record_of_an_outage_give_no_more_lines(retries: int, caplog: pytest.LogCaptureFixture) -> None:
    def fail(error: Any) -> None:
        raise RuntimeError(f"cannot store {error}")

    stage = Stage(latency_s=0.002)
    producer = stage.producer(
        retries=retries, request_timeout_ms=2000, delivery_timeout_ms=5000, on_delivery_error=fail, linger_ms=100, value_serializer=bytes
    )
    producer.send("t", b"v").get()
    caplog.set_level(logging.INFO)
    go_away(stage)
    began_s = stage.now_s
    while stage.now_s < began_s + OUTAGE_S:
        for _ in range(10):
            producer.send("t", b"v").add_errback(fail).add_both(fail)
        stage.clock.run_for(1)
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) <= MOST_LINES, "\n".join(lines)
    assert any("Error processing errback" in line for line in lines)
    assert any("Error in on_delivery_error" in line for line in lines)
    assert any(record.exc_info for record in caplog.records), "the first has its traceback"
    assert any("more like this were not logged" in line for line in lines)


@pytest.mark.filterwarnings("ignore:unclosed KafkaProducer:ResourceWarning")
def test_a_producer_that_is_collected_leaves_the_loggers_as_they_were(broker: KafkaBroker) -> None:
    KafkaProducer(bootstrap_servers=broker.bootstrap_servers).send("t", b"v").get(10)
    modules = [module for name, module in sys.modules.items() if name.startswith("kafka.")]
    before = {module.__name__: vars(module).get("log") for module in modules}
    for _ in range(3):
        producer = KafkaProducer(bootstrap_servers=broker.bootstrap_servers)
        producer.send("t", b"v").get(10)
        del producer
        gc.collect()
    assert {module.__name__: vars(module).get("log") for module in modules} == before
    assert [handler for name in logging.root.manager.loggerDict if name.startswith("kafka.") for handler in logging.getLogger(name).handlers] == []


def test_lines_that_were_held_back_are_counted_in_later_ones(caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage()
    producer = stage.producer(retries=1_000_000, request_timeout_ms=1000, delivery_timeout_ms=3_000_000)
    producer.send("t", b"v").get()
    caplog.set_level(logging.INFO)
    go_away(stage)
    producer.send("t", b"v")
    stage.clock.run_for(3600)
    lines = [record.getMessage() for record in caplog.records]
    assert any("more like this were not logged" in line for line in lines)
    assert len(lines) < 110, "one line every 40 s at most"


SECRETS = ("pass-word", "pay-load", "the-key", "header-value")


def test_neither_payloads_nor_secrets_are_in_any_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with KafkaBroker(sasl=Sasl({"alice": "pass-word"})) as broker:
        options = {
            "bootstrap_servers": broker.bootstrap_servers,
            "security_protocol": "SASL_PLAINTEXT",
            "sasl_mechanism": "PLAIN",
            "sasl_plain_username": "alice",
            "sasl_plain_password": "pass-word",
            "request_timeout_ms": 1500,
        }
        with KafkaProducer(**options) as producer:
            send = lambda: producer.send("t", b"pay-load", b"the-key", [("header", b"header-value")])  # noqa: E731
            send().get(10)
            for fault in (faults.Error(NotEnoughReplicasError), faults.DropReply(), faults.Garbage(), faults.Garbage(0), faults.CutReply(5)):
                with broker.faults.add(fault, api="Produce"), pytest.raises(KafkaError):
                    send().get(10)
            broker.stop()
            lost = send()
            producer.close(0.2)
            assert producer._sender.terminated.block(10)
            assert lost.failed()
        with pytest.raises(KafkaError):
            KafkaProducer(**{**options, "sasl_plain_password": "not the pass-word"}, api_version_auto_timeout_ms=300)
    text = "\n".join(f"{record.getMessage()} {record.exc_text or ''} {record.args!r}" for record in caplog.records if record.name.startswith("kafka"))
    assert "not delivered" in text
    assert not [secret for secret in SECRETS if secret in text]


class ToKafka(logging.Handler):
    """Sends each line through a producer, as handlers of applications do: the line of its own library too."""

    def __init__(self, producer: KafkaProducer) -> None:
        super().__init__()
        self.producer = producer
        self.sent = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.sent += 1
        try:
            self.producer.send("logs", record.getMessage().encode())
        except KafkaError:
            self.handleError(record)

    def close(self) -> None:
        self.producer.close(1)
        super().close()


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """The root logger with every level on; as it was after the test."""
    logger = logging.getLogger()
    level, handlers = logger.level, logger.handlers[:]
    logger.setLevel(logging.DEBUG)
    yield logger
    logger.setLevel(level)
    logger.handlers[:] = handlers


def test_the_first_line_of_a_handler_that_sends_it_does_not_hang(broker: KafkaBroker, make_producer: Make, root: logging.Logger) -> None:
    """The handler's lock is held while send() waits for the I/O thread, which logs that it has connected."""
    producer = make_producer(max_block_ms=20_000)
    handler = ToKafka(producer)
    root.addHandler(handler)
    began_s = time.monotonic()
    logging.getLogger("application").info("the first")
    assert time.monotonic() - began_s < 5
    producer.flush(10)
    root.removeHandler(handler)
    assert b"the first" in [record.value for record in broker.records("logs")]


def test_logging_may_be_configured_anew_while_lines_are_sent(broker: KafkaBroker, make_producer: Make, root: logging.Logger) -> None:
    made: list[KafkaProducer] = []

    def new_handler() -> ToKafka:
        made.append(make_producer(linger_ms=1))
        return ToKafka(made[-1])

    settings = {
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {"kafka": {"()": new_handler}},
        "root": {"level": "DEBUG", "handlers": ["kafka"]},
    }
    is_over = threading.Event()

    def work() -> None:
        while not is_over.is_set():
            logging.getLogger("application").info("a line")

    threads = [threading.Thread(target=work) for _ in range(2)]
    before = logging.getLogger().handlers[:]
    for thread in threads:
        thread.start()
    try:
        began_s = time.monotonic()
        for _ in range(5):
            logging.config.dictConfig(settings)
            count = len(broker.records("logs"))
            while len(broker.records("logs")) < count + 10:
                time.sleep(0.01)
                assert time.monotonic() - began_s < 60
    finally:
        is_over.set()
        for thread in threads:
            thread.join(30)
        root.handlers[:] = before
    assert not [thread for thread in threads if thread.is_alive()]
    assert len(made) == 5


def test_the_producer_works_under_a_handler_that_sends_to_it_while_connections_break(
    broker: KafkaBroker, make_producer: Make, root: logging.Logger
) -> None:
    producer = make_producer(retries=1000, max_block_ms=20_000, buffer_memory=20_000)
    handler = ToKafka(producer)
    root.addHandler(handler)
    log = logging.getLogger("application")

    def work(name: int) -> None:
        for number in range(100):
            log.info("line %d.%d %s", name, number, "x" * 300)

    threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
    pause = threading.Event()
    began_s = time.monotonic()
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        with broker.faults.add(faults.Cut()):
            pass
        pause.wait(0.3)
    for thread in threads:
        thread.join()
    producer.flush(20)
    root.removeHandler(handler)
    assert time.monotonic() - began_s < 20
    arrived = {record.value.split(b" x")[0] for record in broker.records("logs") if record.value is not None}
    assert arrived >= {b"line %d.%d" % (name, number) for name in range(4) for number in range(100)}
    assert handler.sent < 400 + 200, "lines about the sending of lines do not multiply"


def test_a_handler_that_another_thread_is_in_holds_up_no_record_and_gets_its_lines_later(make_producer: Make) -> None:
    class Noting(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            noted.append(record.getMessage())
            is_told.set()

    noted: list[str] = []
    is_told = threading.Event()
    handler, logger = Noting(), logging.getLogger("kafka")
    producer = make_producer(linger_ms=60_000)  # nothing is acknowledged before flush(), so that the callback is the I/O thread's
    logger.addHandler(handler)
    try:
        handler.acquire()
        try:
            producer.send("t", b"v").add_callback(lambda _: 1 / 0)
            producer.flush(5)
            for _ in range(3):
                future = producer.send("t", b"v")
                producer.flush(5)
                assert future.get(0)
            assert not noted
        finally:
            handler.release()
        assert is_told.wait(5)
        assert noted[0] == "Error processing callback"
    finally:
        logger.removeHandler(handler)


def test_configuring_logging_anew_may_close_a_handler_that_closes_its_producer(broker: KafkaBroker, make_producer: Make) -> None:
    logger = logging.getLogger("application.of.its.own")

    def configure_once() -> float:
        producer = make_producer(linger_ms=60_000)
        handler = ToKafka(producer)
        handler.setLevel(logging.CRITICAL)
        logger.addHandler(handler)
        producer.send("t", b"v")
        [thread] = [thread for thread in threading.enumerate() if thread.name == f"{producer.config['client_id']}-network-thread"]
        broker.stop()
        with logging._lock:  # type: ignore[attr-defined]  # dictConfig() holds it while it closes what was there before
            logging.getLogger("kafka").manager._clear_cache()  # type: ignore[attr-defined]  # as setLevel() does
            took_s = seconds_of(handler.close)
            thread.join(10)
            assert not thread.is_alive(), "it waits for that lock"
        logger.removeHandler(handler)
        broker.start()
        return took_s

    assert_keeps(0.0, 2.0, configure_once)
