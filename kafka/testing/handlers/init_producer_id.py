"""InitProducerId, versions 0-5.

Behaviour: a new id for producers without a transactional id; the next epoch of a transactional id, whose open transaction is aborted before (its
new producer is told to come again, error 51).
Differs from a broker: a transactional id never expires; what brokers keep in the topic __transaction_state exists nowhere else.
Imported by: testing.handlers.  Imports: errors, protocol, testing.{exchange,transactions}.
"""

from __future__ import annotations

from kafka.errors import BrokerResponseError, InvalidProducerEpochError, InvalidRequestError, ProducerFencedError
from kafka.protocol.init_producer_id import InitProducerIdResponse
from kafka.testing.exchange import Call
from kafka.testing.handlers.find_coordinator import check_coordinator
from kafka.testing.transactions import NO_PRODUCER, ProducerIdAndEpoch

VERSIONS = (0, 5)

_FIRST_WITH_FENCED = 4


def handle(call: Call) -> InitProducerIdResponse:
    try:
        producer = _producer(call)
    except BrokerResponseError as error:
        is_old = isinstance(error, ProducerFencedError) and call.version < _FIRST_WITH_FENCED
        return InitProducerIdResponse(error_code=InvalidProducerEpochError.errno if is_old else error.errno, producer_epoch=NO_PRODUCER)
    return InitProducerIdResponse(producer_id=producer.producer_id, producer_epoch=producer.epoch)


def _producer(call: Call) -> ProducerIdAndEpoch:
    request, transactions = call.request, call.cluster.transactions
    expected = ProducerIdAndEpoch(request.producer_id, request.producer_epoch)
    if (expected.producer_id == NO_PRODUCER) is not (expected.epoch == NO_PRODUCER):
        raise InvalidRequestError("A producer has both an id and an epoch, or neither")
    if request.transactional_id is None:
        return transactions.new_producer()
    if not request.transactional_id:
        raise InvalidRequestError("A transactional id is not empty")
    check_coordinator(call, request.transactional_id)
    return transactions.init_producer(request.transactional_id, request.transaction_timeout_ms, expected)
