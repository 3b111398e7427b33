"""What messages look like on the wire, written out by hand, and what their classes promise."""

from __future__ import annotations

import random
import uuid
from typing import Any

import pytest

from kafka.errors import KafkaProtocolError, UnsupportedVersionError
from kafka.protocol.api_versions import ApiVersion, ApiVersionsRequest, ApiVersionsResponse, FinalizedFeatureKey
from kafka.protocol.fetch import FetchableTopicResponse, FetchResponse, PartitionData
from kafka.protocol.metadata import MetadataRequest, MetadataRequestTopic, MetadataResponse
from kafka.protocol.primitives import ProtocolDecodeError
from kafka.protocol.produce import (
    BatchIndexAndErrorMessage,
    LeaderIdAndEpoch,
    NodeEndpoint,
    PartitionProduceData,
    PartitionProduceResponse,
    ProduceRequest,
    ProduceResponse,
    TopicProduceData,
    TopicProduceResponse,
)
from kafka.protocol.sasl_authenticate import SaslAuthenticateRequest, SaslAuthenticateResponse
from kafka.protocol.schema import Message
from tests.protocol.messages import EVERY_VERSION, EVERY_VERSION_IDS, MESSAGES
from tests.protocol.samples import sample


def produce_request() -> ProduceRequest:
    partition = PartitionProduceData(index=2, records=[b"ab", b"", bytearray(b"cde")])
    return ProduceRequest(acks=-1, timeout_ms=1000, topic_data=[TopicProduceData(name="tp", partition_data=[partition])])


def produce_response(**more: Any) -> ProduceResponse:
    partition = PartitionProduceResponse(index=2, error_code=6, base_offset=9, **more)
    return ProduceResponse(responses=[TopicProduceResponse(name="tp", partition_responses=[partition])], throttle_time_ms=5)


GOLDEN = [
    pytest.param(
        produce_request(), 0, "ffff 000003e8 00000001 0002 7470 00000001 00000002 00000005 6162636465", id="Produce 0"
    ),
    pytest.param(
        produce_request(), 3, "ffff ffff 000003e8 00000001 0002 7470 00000001 00000002 00000005 6162636465", id="Produce 3: transactions"
    ),
    pytest.param(
        produce_request(), 9, "00 ffff 000003e8 02 03 7470 02 00000002 06 6162636465 00 00 00", id="Produce 9: flexible"
    ),
    pytest.param(
        produce_response(), 0, "00000001 0002 7470 00000001 00000002 0006 0000000000000009", id="Produce response 0"
    ),
    pytest.param(
        produce_response(log_append_time_ms=7),
        2,
        "00000001 0002 7470 00000001 00000002 0006 0000000000000009 0000000000000007 00000005",
        id="Produce response 2: time of the broker",
    ),
    pytest.param(
        produce_response(record_errors=[BatchIndexAndErrorMessage(batch_index=1)], error_message="no"),
        8,
        "00000001 0002 7470 00000001 00000002 0006 0000000000000009 ffffffffffffffff ffffffffffffffff"
        "00000001 00000001 ffff 0002 6e6f 00000005",
        id="Produce response 8: which records",
    ),
    pytest.param(
        ProduceResponse(
            responses=[
                TopicProduceResponse(
                    name="tp",
                    partition_responses=[PartitionProduceResponse(current_leader=LeaderIdAndEpoch(leader_id=3, leader_epoch=4))],
                )
            ],
            node_endpoints=[NodeEndpoint(node_id=3, host="h", port=9)],
        ),
        10,
        "02 03 7470 02 00000000 0000 0000000000000000 ffffffffffffffff ffffffffffffffff 01 00"
        "01 00 09 00000003 00000004 00  00  00000000  01 00 0d 02 00000003 02 68 00000009 00 00",
        id="Produce response 10: the new leader",
    ),
    pytest.param(MetadataRequest(topics=[]), 0, "00000000", id="Metadata 0: all topics"),
    pytest.param(MetadataRequest(topics=None), 1, "ffffffff", id="Metadata 1: all topics"),
    pytest.param(MetadataRequest(topics=None), 9, "00 01 00 00 00", id="Metadata 9: all topics, flexible"),
    pytest.param(
        MetadataRequest(topics=[MetadataRequestTopic(name="t")], allow_auto_topic_creation=False),
        10,
        "02 00000000000000000000000000000000 02 74 00 00 00 00 00",
        id="Metadata 10: topic ids",
    ),
    pytest.param(ApiVersionsRequest(), 0, "", id="ApiVersions 0"),
    pytest.param(ApiVersionsRequest(client_software_name="a", client_software_version="1"), 3, "02 61 02 31 00", id="ApiVersions 3"),
    pytest.param(
        ApiVersionsResponse(
            api_keys=[ApiVersion(api_key=0, min_version=0, max_version=12)],
            finalized_features_epoch=1,
            finalized_features=[FinalizedFeatureKey(name="f", max_version_level=2, min_version_level=1)],
        ),
        3,
        "0000 02 0000 0000 000c 00 00000000  02  01 08 0000000000000001  02 08 02 02 66 0002 0001 00",
        id="ApiVersions response 3: features",
    ),
    pytest.param(SaslAuthenticateRequest(auth_bytes=b"\0u\0p"), 0, "00000004 00750070", id="SaslAuthenticate 0"),
    pytest.param(SaslAuthenticateRequest(auth_bytes=b"\0u\0p"), 2, "05 00750070 00", id="SaslAuthenticate 2"),
]  # fmt: skip


@pytest.mark.parametrize(("message", "version", "expected"), GOLDEN)
def test_messages_have_these_bytes(message: Message, version: int, expected: str) -> None:
    encoded = message.encode(version)

    assert encoded.hex() == expected.replace(" ", "")
    assert type(message).decode(version, encoded).encode(version) == encoded


@pytest.mark.parametrize(("message", "version"), EVERY_VERSION, ids=EVERY_VERSION_IDS)
def test_a_message_comes_back_as_it_was(message: type[Message], version: int) -> None:
    original = sample(message, version, random.Random(version))

    assert message.decode(version, original.encode(version)) == original


def test_records_are_passed_through_uncopied() -> None:
    request = produce_request()

    chain = request.encode_chain(12)

    given: Any = request.topic_data[0].partition_data[0].records
    assert [buffer for buffer in chain if any(buffer is one for one in given)] == given
    assert b"".join(chain) == request.encode(12)


def test_decoded_records_are_a_view_of_the_frame() -> None:
    frame = bytearray(produce_request().encode(7))

    records: Any = ProduceRequest.decode(7, frame).topic_data[0].partition_data[0].records

    assert records.obj is frame
    assert records == b"abcde"


def test_missing_records_stay_none() -> None:
    response = FetchResponse(responses=[FetchableTopicResponse(topic="t", partitions=[PartitionData(records=None)])])

    assert FetchResponse.decode(12, response.encode(12)).responses[0].partitions[0].records is None


def test_decoded_tokens_are_bytes_of_their_own() -> None:
    token = SaslAuthenticateResponse.decode(2, SaslAuthenticateResponse(auth_bytes=b"v=abc").encode(2)).auth_bytes

    assert type(token) is bytes
    assert token.decode() == "v=abc"


def test_a_message_may_begin_within_a_buffer() -> None:
    encoded = b"header" + produce_response().encode(9)

    assert ProduceResponse.decode(9, memoryview(encoded), 6) == produce_response()


def test_fields_that_a_version_lacks_have_their_defaults_when_read() -> None:
    partition = ProduceResponse.decode(0, produce_response(log_append_time_ms=7).encode(0)).responses[0].partition_responses[0]

    assert (partition.log_append_time_ms, partition.log_start_offset, partition.error_message) == (-1, -1, None)
    assert partition.record_errors == []
    assert partition.current_leader == LeaderIdAndEpoch(leader_id=-1, leader_epoch=-1)


def test_an_old_answer_about_a_topic_has_the_zero_id() -> None:
    topic = MetadataResponse.decode(0, bytes.fromhex("00000000 00000001 0000 0001 74 00000000")).topics[0]

    assert topic.topic_id == uuid.UUID(int=0)


def test_defaults_are_not_shared_between_instances() -> None:
    changed = ProduceRequest()
    changed.topic_data.append(TopicProduceData())
    PartitionProduceResponse().current_leader.leader_id = 5

    assert ProduceRequest().topic_data == []
    assert PartitionProduceResponse().current_leader.leader_id == -1


def test_an_unknown_field_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match="timeout_msec"):
        ProduceRequest(timeout_msec=1)


@pytest.mark.parametrize("message", MESSAGES)
def test_versions_that_are_not_known_are_refused_in_words(message: type[Message]) -> None:
    first, last = message.VALID_VERSIONS

    for version in (first - 1, last + 1):
        with pytest.raises(UnsupportedVersionError, match=message.__name__):
            message().encode(version)
        with pytest.raises(UnsupportedVersionError, match=message.__name__):
            message.decode(version, b"")


def test_neither_secrets_nor_payloads_are_shown() -> None:
    decoded = ProduceRequest.decode(0, produce_request().encode(0))

    shown = f"{SaslAuthenticateRequest(auth_bytes=b'secret')} {produce_request()} {decoded}"

    assert "<6 bytes>" in shown
    assert shown.count("<5 bytes>") == 2
    assert "secret" not in shown
    assert "ab" not in shown


def test_decode_errors_are_protocol_errors() -> None:
    assert issubclass(ProtocolDecodeError, KafkaProtocolError)
