"""After os.fork() the child's producer works: fresh connections, a thread on the first send, nothing on the parent's sockets, nothing twice."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any, Callable

import pytest

from kafka import KafkaProducer
from kafka.errors import IllegalStateError
from kafka.testing import Certificates, KafkaBroker, faults
from tests.guarantees.children import Child, in_child

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork"),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]
Make = Callable[..., KafkaProducer]


def values(broker: KafkaBroker, topic: str = "t") -> Counter[Any]:
    return Counter(record.value for record in broker.records(topic))


def threads_of(producer: KafkaProducer) -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith(producer.config["client_id"])]


def connections_made(broker: KafkaBroker) -> Callable[[], int]:
    """A function that tells how many connections the broker was made since it was last asked."""
    last = broker.faults.next_connection()  # which is a number of its own

    def made() -> int:
        nonlocal last
        before, last = last, broker.faults.next_connection()
        return last - before - 1

    return made


def send_and_wait(producer: KafkaProducer, value: bytes) -> int:
    offset: int = producer.send("t", value).get(10).offset
    return offset


def test_the_childs_producer_works_and_the_parent_goes_on(broker: KafkaBroker, make_producer: Make) -> None:
    producer = make_producer()
    send_and_wait(producer, b"before")
    child = Child(lambda: [send_and_wait(producer, b"child %d" % number) for number in range(10)])
    for number in range(10):
        send_and_wait(producer, b"parent %d" % number)
    child.result()
    send_and_wait(producer, b"after")
    expected = [b"before", b"after", *(b"%s %d" % (who, number) for who in (b"child", b"parent") for number in range(10))]
    assert values(broker) == Counter(expected)


def test_the_childs_thread_starts_with_its_first_send(make_producer: Make) -> None:
    producer = make_producer()
    send_and_wait(producer, b"before")

    def child() -> list[Any]:
        at_first = threads_of(producer)
        producer.flush()
        unused = threads_of(producer)
        send_and_wait(producer, b"child")
        used = threads_of(producer)
        producer.close()
        return [at_first, unused, len(used), threads_of(producer)]

    assert in_child(child) == [[], [], 1, []]


def test_nothing_is_written_to_the_parents_connections_and_they_stay(broker: KafkaBroker, make_producer: Make) -> None:
    producer = make_producer()
    send_and_wait(producer, b"before")
    before = len(broker.cluster.requests.of(None))
    made = connections_made(broker)
    in_child(producer.close)
    assert len(broker.cluster.requests.of(None)) == before, "a child that only closes says nothing"
    send_and_wait(producer, b"after")
    assert made() == 0, "the parent's connection is the one it had"
    in_child(lambda: send_and_wait(producer, b"child"))
    assert made() == 2, "the child made its own: bootstrap and leader"
    send_and_wait(producer, b"last")
    assert made() == 0
    of_parent = [r.correlation_id for r in broker.cluster.requests.of("Produce") if r.client_id == producer.config["client_id"]]
    assert of_parent == [of_parent[0], of_parent[0] + 1, of_parent[0] + 2]


def test_a_name_that_the_producer_gave_itself_is_another_in_the_child(broker: KafkaBroker, make_producer: Make) -> None:
    own, given = make_producer(), make_producer(client_id="given")

    def child() -> list[Any]:
        for producer in (own, given):
            send_and_wait(producer, b"v")
        return [own.config["client_id"], given.config["client_id"], os.getpid()]

    name, kept, pid = in_child(child)
    assert (name, kept) == (f"{own.config['client_id']}-{pid}", "given")
    assert name in {request.client_id for request in broker.cluster.requests.of("Produce")}


def test_what_the_parent_queued_is_sent_by_the_parent_alone(broker: KafkaBroker, make_producer: Make) -> None:
    producer = make_producer(linger_ms=60_000)
    producer.partitions_for("t")
    pending = [producer.send("t", b"%d" % number) for number in range(1000)]

    def child() -> None:
        with pytest.raises(IllegalStateError, match="forked"):
            pending[0].get(5)
        producer.flush(5)
        sent = producer.send("t", b"child")
        producer.flush(10)
        assert sent.get(0)
        producer.close()

    in_child(child)
    producer.flush(10)
    assert all(future.succeeded() for future in pending)
    assert values(broker) == Counter([*(b"%d" % number for number in range(1000)), b"child"])


def test_a_full_buffer_of_the_parents_is_no_matter_of_the_child(broker: KafkaBroker, make_producer: Make) -> None:
    producer = make_producer(buffer_memory=2000, linger_ms=60_000, max_block_ms=10_000)
    producer.partitions_for("t")
    producer.send("t", b"x" * 1500)
    in_child(lambda: producer.send("t", b"y" * 1500) and producer.flush(10))
    producer.flush(10)
    assert sorted(values(broker)) == [b"x" * 1500, b"y" * 1500]


@pytest.mark.slow
@pytest.mark.parametrize("serializer", [None, bytes], ids=["compiled path", "python path"])
def test_a_fork_while_threads_send_gives_children_that_send(broker: KafkaBroker, make_producer: Make, serializer: Any) -> None:
    producer = make_producer(value_serializer=serializer)
    send_and_wait(producer, b"before")
    is_over = threading.Event()
    sent = Counter([b"before"])

    def send(name: int) -> None:
        number = 0
        while not is_over.is_set():
            future = producer.send("t", b"%d-%d" % (name, number))
            sent[b"%d-%d" % (name, number)] += 1
            number += 1
            if number % 50 == 0:
                future.get(10)

    threads = [threading.Thread(target=send, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    try:
        for number in range(12):
            in_child(lambda: send_and_wait(producer, b"child %d" % number))  # noqa: B023
            sent[b"child %d" % number] += 1
    finally:
        is_over.set()
        for thread in threads:
            thread.join()
    producer.flush(20)
    assert values(broker) == sent


def test_tls_connections_of_parent_and_child_do_not_meet() -> None:
    certificates = Certificates()
    with (
        KafkaBroker(ssl_context=certificates.server_context()) as broker,
        KafkaProducer(bootstrap_servers=broker.bootstrap_servers, security_protocol="SSL", ssl_cafile=certificates.cafile) as producer,
    ):
        send_and_wait(producer, b"before")
        made = connections_made(broker)
        for number in range(10):
            child = Child(lambda: [send_and_wait(producer, b"child %d.%d" % (number, again)) for again in range(5)])  # noqa: B023
            for again in range(5):
                send_and_wait(producer, b"parent %d.%d" % (number, again))
            child.result()
        assert values(broker) == Counter(
            [b"before", *(b"%s %d.%d" % (who, number, again) for who in (b"child", b"parent") for number in range(10) for again in range(5))]
        )
        assert made() == 2 * 10, "each child made two, bootstrap and leader; the parent none"


def test_a_grandchild_works_too(broker: KafkaBroker, make_producer: Make) -> None:
    producer = make_producer()
    send_and_wait(producer, b"before")

    def child() -> list[int]:
        first = in_child(lambda: send_and_wait(producer, b"of an unused child"))
        send_and_wait(producer, b"child")
        return [first, in_child(lambda: send_and_wait(producer, b"of a used child"))]

    in_child(child)
    assert values(broker) == Counter([b"before", b"of an unused child", b"child", b"of a used child"])


FACADE = tuple(str(Path("kafka") / "producer" / name) for name in ("kafka.py", "lifecycle.py", "assembly.py"))


def test_a_signal_handler_may_send_anywhere_in_the_childs_first_call(broker: KafkaBroker, make_producer: Make) -> None:
    """That call makes the child's producer: the handler's record and its own go through the same one."""
    producer = make_producer()
    send_and_wait(producer, b"before")

    def child(lines: int) -> list[Any]:
        in_handler: list[Any] = []
        left = lines

        def on_line(frame: Any, event: str, argument: Any) -> Any:
            nonlocal left
            left -= event == "line"
            if left == 0 and event == "line":
                in_handler.append(producer.send("t", b"handler"))
            return on_line

        sys.settrace(lambda frame, *_: on_line if frame.f_code.co_filename.endswith(FACADE) else None)
        future = producer.send("t", b"main")
        sys.settrace(None)
        producer.flush(10)
        assert all(one.succeeded() for one in (future, *in_handler)), "flush() is about both"
        threads = [thread.name for thread in threading.enumerate() if thread.name.startswith(producer.config["client_id"])]
        producer.close(5)
        return [len(in_handler), len(threads)]

    children, lines = 0, 1
    while True:
        handled, threads = in_child(lambda lines=lines: child(lines))
        assert threads == 1
        children += 1
        if not handled:
            break
        lines += 3
    assert children > 20
    assert values(broker) == Counter({b"before": 1, b"main": children, b"handler": children - 1})


def test_every_method_answers_in_a_child(make_producer: Make) -> None:
    producer, closed = make_producer(), make_producer()
    send_and_wait(producer, b"before")
    closed.close()

    def child() -> list[Any]:
        with pytest.raises(IllegalStateError, match="closed"):
            closed.send("t", b"v")
        closed.close()
        answers = [producer.bootstrap_connected(), producer.partitions_for("t"), bool(producer.metrics()), producer.status().state]
        producer.close()
        producer.close(0)
        with pytest.raises(IllegalStateError, match="closed"):
            producer.send("t", b"v")
        return answers

    assert in_child(child) == [False, {0, 1, 2}, True, "open"]
    send_and_wait(producer, b"after")


def test_a_child_that_closes_first_stays_closed(make_producer: Make) -> None:
    producer = make_producer()

    def child() -> None:
        with producer:
            pass
        with pytest.raises(IllegalStateError, match="closed"):
            producer.send("t", b"v")

    in_child(child)
    send_and_wait(producer, b"after")


def test_threads_of_a_child_that_send_first_at_once_share_one_producer(broker: KafkaBroker, make_producer: Make) -> None:
    producer = make_producer()

    def child() -> int:
        barrier = threading.Barrier(10)

        def send() -> None:
            barrier.wait()
            send_and_wait(producer, b"v")

        threads = [threading.Thread(target=send) for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return len(threads_of(producer))

    assert in_child(child) == 1
    assert values(broker) == {b"v": 10}


def test_the_childs_copies_of_the_parents_connections_are_closed_at_once(broker: KafkaBroker, make_producer: Make) -> None:
    """Otherwise brokers would never hear of the parent's end."""
    make_producer()
    producer = make_producer()
    send_and_wait(producer, b"before")


    def to_broker() -> int:
        """How many of this process's sockets are connected to the broker."""
        found = 0
        for name in os.listdir("/dev/fd"):
            try:
                with socket.socket(fileno=os.dup(int(name))) as copy:
                    found += copy.family == socket.AF_INET and copy.getpeername()[1] == broker.cluster.nodes[1].port
            except OSError:
                pass  # no socket, or not connected
        return found

    assert to_broker()
    assert in_child(to_broker) == 0


def test_a_wait_that_a_forking_signal_handler_interrupted_ends_in_the_child(broker: KafkaBroker, make_producer: Make) -> None:
    producer = make_producer()
    producer.partitions_for("t")
    has_forked = threading.Event()

    def answer_later(request: Any, response: Any) -> Any:
        has_forked.wait(20)
        return response

    broker.faults.add(faults.Change(answer_later), api="Produce")
    for wait in (producer.flush, None):
        has_forked.clear()
        future = producer.send("t", b"v")
        children: list[int] = []

        def fork(number: int, frame: Any) -> None:
            children.append(os.fork())  # noqa: B023
            if children[-1]:  # noqa: B023
                has_forked.set()
            else:
                signal.alarm(20)

        before = signal.signal(signal.SIGUSR1, fork)
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGUSR1)).start()
        code = 0
        try:
            wait() if wait is not None else future.get()
        except IllegalStateError:
            code = 3
        finally:
            signal.signal(signal.SIGUSR1, before)
            if not children[0]:
                os._exit(code)
        assert future.get(10)
        _, status = os.waitpid(children[0], 0)
        assert os.waitstatus_to_exitcode(status) == (0 if wait is not None else 3)


def test_a_fork_in_a_callback_ends_the_childs_copy_of_the_io_thread(broker: KafkaBroker, make_producer: Make) -> None:
    producer = make_producer(linger_ms=60_000)  # nothing is sent before the callback is registered
    children: list[int] = []

    def fork(metadata: Any) -> None:
        assert threading.current_thread() is not threading.main_thread()
        children.append(os.fork())
        if not children[-1]:
            signal.alarm(20)
            try:
                sent = producer.send("t", b"child")
                producer.flush(10)
                producer.close(10)
                os._exit(0 if sent.succeeded() else 1)
            finally:
                os._exit(2)

    producer.send("t", b"parent").add_callback(fork)
    producer.flush(10)
    _, status = os.waitpid(children[0], 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert values(broker) == {b"parent": 1, b"child": 1}


def _send_in_process(producer: KafkaProducer, value: bytes) -> None:
    send_and_wait(producer, value)


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="multiprocessing cannot fork here")
def test_multiprocessing_with_a_producer_of_the_parents(broker: KafkaBroker, make_producer: Make) -> None:
    producer = make_producer()
    send_and_wait(producer, b"before")
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_send_in_process, args=(producer, b"%d" % number)) for number in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(20)
    assert [process.exitcode for process in processes] == [0] * 4
    assert values(broker) == Counter([b"before", b"0", b"1", b"2", b"3"])


def _leave(producer: KafkaProducer, values: list[bytes]) -> None:
    for value in values:
        producer.send("t", value)


def _make_and_leave(servers: str, values: list[bytes]) -> None:
    producer = KafkaProducer(bootstrap_servers=servers, linger_ms=60_000)
    _leave(producer, values)


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_a_process_of_multiprocessing_that_closes_nothing_sends_what_it_left(broker: KafkaBroker, make_producer: Make, method: str) -> None:
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip("multiprocessing cannot do this here")
    context = multiprocessing.get_context(method)
    sent = [b"%d" % number for number in range(20)]
    broker.create_topic("t", 1)
    target: tuple[Any, tuple[Any, ...]] = (_make_and_leave, (broker.bootstrap_servers, sent))
    if method == "fork":
        target = (_leave, (make_producer(linger_ms=60_000), sent))
    process = context.Process(target=target[0], args=target[1])
    process.start()
    process.join(30)
    assert process.exitcode == 0
    assert values(broker) == Counter(sent)


PREFORK = """
import os, sys
from kafka import KafkaProducer

producer = KafkaProducer(bootstrap_servers=sys.argv[1], linger_ms=60_000)
producer.partitions_for("t")
for number in range(100):
    producer.send("t", b"parent %d" % number)
children = []
for worker in range(3):
    pid = os.fork()
    if pid == 0:
        if worker:
            producer.send("t", b"worker %d" % worker)
            producer.close()
        sys.exit(0)
    children.append(pid)
codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]
producer.close()
sys.exit(sum(codes))
"""


def test_prefork_workers_exit_without_a_word_about_what_the_parent_queued(broker: KafkaBroker) -> None:
    command = [sys.executable, "-X", "dev", "-W", "error", "-W", "ignore:.*fork:DeprecationWarning", "-c", PREFORK, broker.bootstrap_servers]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert values(broker) == Counter([*(b"parent %d" % number for number in range(100)), b"worker 1", b"worker 2"])
