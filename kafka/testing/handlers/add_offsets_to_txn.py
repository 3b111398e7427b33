"""AddOffsetsToTxn, versions 0-4.

Behaviour: the offsets of a group become a part of the transaction.
Differs from a broker: nothing that is known.
Imported by: testing.handlers.  Imports: errors, protocol, testing.{exchange,transactions}.
"""

from __future__ import annotations

from kafka.errors import BrokerResponseError, InvalidGroupIdError, InvalidProducerEpochError, ProducerFencedError
from kafka.protocol.add_offsets_to_txn import AddOffsetsToTxnResponse
from kafka.testing.exchange import Call
from kafka.testing.handlers.find_coordinator import check_coordinator
from kafka.testing.transactions import ProducerIdAndEpoch

VERSIONS = (0, 4)

_FIRST_WITH_FENCED = 2


def handle(call: Call) -> AddOffsetsToTxnResponse:
    request = call.request
    try:
        check_coordinator(call, request.transactional_id)
        if not request.group_id:
            raise InvalidGroupIdError
        producer = ProducerIdAndEpoch(request.producer_id, request.producer_epoch)
        call.cluster.transactions.add(request.transactional_id, producer, group=request.group_id)
    except ProducerFencedError as error:
        return AddOffsetsToTxnResponse(error_code=error.errno if call.version >= _FIRST_WITH_FENCED else InvalidProducerEpochError.errno)
    except BrokerResponseError as error:
        return AddOffsetsToTxnResponse(error_code=error.errno)
    return AddOffsetsToTxnResponse()
