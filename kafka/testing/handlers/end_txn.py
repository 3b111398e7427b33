"""EndTxn, versions 0-5.

Behaviour: markers are written at once wherever a partition has a leader, and where not, when it has one again; until then error 51. From version 5
on the producer gets its next epoch (KIP-890).
Differs from a broker: the transaction is over when the answer comes, not a moment later.
Imported by: testing.handlers.  Imports: errors, protocol, testing.{exchange,transactions}.
"""

from __future__ import annotations

from kafka.errors import BrokerResponseError, InvalidProducerEpochError, ProducerFencedError
from kafka.protocol.end_txn import EndTxnResponse
from kafka.testing.exchange import Call
from kafka.testing.handlers.find_coordinator import check_coordinator
from kafka.testing.transactions import ProducerIdAndEpoch

VERSIONS = (0, 5)

_FIRST_WITH_FENCED, _FIRST_WITH_EPOCHS = 2, 5


def handle(call: Call) -> EndTxnResponse:
    request = call.request
    producer = ProducerIdAndEpoch(request.producer_id, request.producer_epoch)
    bumps_epoch = call.version >= _FIRST_WITH_EPOCHS
    try:
        check_coordinator(call, request.transactional_id)
        after = call.cluster.transactions.end(request.transactional_id, producer, is_commit=request.committed, bumps_epoch=bumps_epoch)
    except ProducerFencedError as error:
        return EndTxnResponse(error_code=error.errno if call.version >= _FIRST_WITH_FENCED else InvalidProducerEpochError.errno)
    except BrokerResponseError as error:
        return EndTxnResponse(error_code=error.errno)
    return EndTxnResponse(producer_id=after.producer_id, producer_epoch=after.epoch) if bumps_epoch else EndTxnResponse()
