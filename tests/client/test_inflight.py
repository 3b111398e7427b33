"""client.inflight: answers in order, and how far a frame has gone."""

from __future__ import annotations

import math
from typing import Any

import pytest

from kafka.client.inflight import InFlight, Outgoing, Request
from kafka.errors import CorrelationIdError


def request(correlation_id: int, *, deadline_s: float = 10.0, answered: bool = True, counted: bool = True) -> Request:
    def nothing(*_: Any) -> None:
        """Not called here."""

    return Request(
        [b"frame"],
        correlation_id=correlation_id,
        request_class=object,
        version=0,
        queued_at_s=1.0,
        deadline_s=deadline_s,
        is_counted=counted,
        on_response=nothing,
        on_failure=nothing,
        on_written=None if answered else nothing,
    )


def test_answers_come_in_the_order_of_requests() -> None:
    flight = InFlight()
    first, silent, second = request(1), request(2, answered=False), request(3, counted=False)
    for one in (silent, first, second):
        flight.add(one)
    assert (len(flight), flight.counted) == (3, 2)
    assert flight.match(1) is first
    assert flight.match(3) is second
    assert list(flight) == [silent]


@pytest.mark.parametrize("answer", [2, 7, -1])
def test_another_correlation_id_is_an_error(answer: int) -> None:
    flight = InFlight()
    flight.add(request(1))
    flight.add(request(2))
    with pytest.raises(CorrelationIdError, match="expected was 1"):
        flight.match(answer)
    assert len(flight) == 2


def test_an_answer_nobody_awaits_is_an_error() -> None:
    with pytest.raises(CorrelationIdError, match="none was awaited"):
        InFlight().match(0)


def test_time_outs_are_those_of_the_requests() -> None:
    flight = InFlight()
    assert flight.next_deadline_s() == math.inf
    late, soon = request(1, deadline_s=9.0), request(2, deadline_s=5.0)
    flight.add(late)
    flight.add(soon)
    assert flight.next_deadline_s() == 5.0
    assert flight.first_expired(4.9) is None
    assert flight.first_expired(5.0) is soon
    assert flight.oldest_wait_s(4.0) == 3.0
    assert flight.take_all() == [late, soon]
    assert (len(flight), flight.counted) == (0, 0)


def test_a_frame_is_sent_in_any_pieces() -> None:
    for piece in (1, 2, 3, 7, 100):
        outgoing = Outgoing([b"ab", b"", bytearray(b"cdef"), memoryview(b"g")])
        sent = b""
        assert not outgoing.is_started
        done = False
        while not done:
            chunk = b"".join(outgoing.next_buffers())[:piece]
            sent += chunk
            done = outgoing.advance(len(chunk))
        assert sent == b"abcdefg"
        assert outgoing.is_started
        assert outgoing.size_bytes == 7
