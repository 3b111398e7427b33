"""client.handshake: versions of every kind of broker, then SASL; bytes in, bytes out."""

from __future__ import annotations

from typing import Any

import pytest

from kafka.client.handshake import KAFKA_0_8_2, KAFKA_0_9, Closing, Handshake
from kafka.client.negotiation import legacy_table
from kafka.client.sasl.plain import PlainMechanism
from kafka.errors import CorrelationIdError, KafkaError, SaslAuthenticationFailedError, UnsupportedSaslMechanismError
from kafka.protocol.api_versions import ApiVersion, ApiVersionsRequest, ApiVersionsResponse, FinalizedFeatureKey
from kafka.protocol.framing import has_flexible_response_header, read_request_header, response_frame
from kafka.protocol.metadata import (
    MetadataRequest,
    MetadataResponse,
    MetadataResponseBroker,
    MetadataResponsePartition,
    MetadataResponseTopic,
)
from kafka.protocol.sasl_authenticate import SaslAuthenticateRequest, SaslAuthenticateResponse
from kafka.protocol.sasl_handshake import SaslHandshakeRequest, SaslHandshakeResponse

CLASSES: dict[int, Any] = {c.API_KEY: c for c in (ApiVersionsRequest, MetadataRequest, SaslHandshakeRequest, SaslAuthenticateRequest)}
MODERN = {0: (3, 12), 3: (0, 13), 17: (0, 1), 18: (0, 4), 36: (0, 2)}


def handshake(**given: Any) -> Handshake:
    return Handshake(**{"client_id": "me", "believed": None, "mechanism": None, "asks_metadata_first": False, **given})


def said(buffers: Any) -> tuple[Any, int, int]:
    """(request, its version, its correlation id) in what the handshake wants to send."""
    frame = b"".join(buffers)[4:]
    header = read_request_header(frame, is_flexible=lambda key, version: CLASSES[key].is_flexible(version))
    return CLASSES[header.api_key].decode(header.version, frame, header.body_offset), header.version, header.correlation_id


def answer(request: tuple[Any, int, int], response: Any, version: int | None = None) -> bytes:
    asked, asked_version, correlation_id = request
    version = asked_version if version is None else version
    flexible = has_flexible_response_header(type(asked), version)
    return b"".join(response_frame(correlation_id, flexible, response.encode_chain(version)))[4:]


def versions(ranges: dict[int, tuple[int, int]], **fields: Any) -> ApiVersionsResponse:
    rows = [ApiVersion(api_key=key, min_version=low, max_version=high) for key, (low, high) in ranges.items()]
    return ApiVersionsResponse(api_keys=rows, **fields)


def test_a_modern_broker_is_ready_after_one_question() -> None:
    shake = handshake()
    asked = said(shake.start())
    assert (type(asked[0]), asked[1]) == (ApiVersionsRequest, 3)
    assert asked[0].client_software_name == "kafka-producer"
    features = [FinalizedFeatureKey(name="transaction.version", max_version_level=2, min_version_level=1)]
    assert shake.receive(answer(asked, versions(MODERN, finalized_features=features))) == []
    assert shake.is_done
    assert shake.table is not None
    assert shake.table.ranges[3] == (0, 13)
    assert shake.table.finalized_features == {"transaction.version": 2}


def test_error_35_is_asked_again_with_version_0() -> None:
    shake = handshake()
    refused = answer(said(shake.start()), ApiVersionsResponse(error_code=35), version=0)
    again = said(shake.receive(refused))
    assert again[1] == 0
    assert shake.receive(answer(again, versions({0: (0, 2), 3: (0, 2), 18: (0, 0)}))) == []
    assert shake.is_done


def test_nothing_but_the_code_of_error_35_is_read() -> None:
    shake = handshake()
    asked = said(shake.start())
    again = said(shake.receive(asked[2].to_bytes(4, "big") + (35).to_bytes(2, "big") + b"\xff whatever follows"))
    assert again[1] == 0


def test_a_broker_that_lists_newer_versions_is_asked_once_more_for_its_features() -> None:
    shake = handshake()
    again = said(shake.receive(answer(said(shake.start()), ApiVersionsResponse(error_code=35), version=0)))
    more = said(shake.receive(answer(again, versions({**MODERN, 18: (0, 4)}))))
    assert more[1] == 4
    assert shake.receive(answer(more, versions(MODERN))) == []
    assert shake.is_done


def test_0_9_is_known_by_its_answer_to_the_second_question() -> None:
    shake = handshake()
    shake.start()
    asked = said(shake.on_silence())
    assert (type(asked[0]), asked[1]) == (MetadataRequest, 1)
    assert shake.receive(answer(asked, MetadataResponse(), version=0)) == []
    assert shake.is_done
    assert shake.old_release == KAFKA_0_9
    assert shake.table is not None
    assert shake.table.ranges[0] == (0, 1)


@pytest.mark.parametrize("answers_versions", [False, True])
def test_an_answer_lost_or_misnumbered_makes_no_old_broker_of_a_modern_one(answers_versions: bool) -> None:
    """Its records would be written in an old format from then on, and headers refused."""
    shake = handshake()
    first = said(shake.start())
    second = said(shake.on_silence())
    frame = answer((first[0], first[1], second[2]), versions(MODERN)) if answers_versions else answer(second, MetadataResponse())
    with pytest.raises(CorrelationIdError):
        shake.receive(frame)
    assert shake.old_release is None


def test_a_slow_modern_broker_answers_both_and_is_taken_for_what_it_is() -> None:
    shake = handshake()
    first = said(shake.start())
    second = said(shake.on_silence())
    assert shake.receive(answer(first, versions(MODERN))) == []
    assert not shake.is_done
    assert shake.receive(answer(second, MetadataResponse())) == []
    assert shake.is_done
    assert shake.old_release is None


ONE_BROKER = {"brokers": [MetadataResponseBroker(node_id=0, host="127.0.0.1", port=9092)], "controller_id": 0}
TWO_BROKERS = {
    "brokers": [MetadataResponseBroker(node_id=number, host="broker.example", port=9092, rack="") for number in (1, 2)],
    "controller_id": 1,
}
TOPIC = {"topics": [MetadataResponseTopic(name="t", partitions=[MetadataResponsePartition(leader_id=1, replica_nodes=[1], isr_nodes=[1])])]}
ANSWERS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "one broker": ONE_BROKER,
    "one broker and a topic": {**ONE_BROKER, **TOPIC},
    "two brokers": TWO_BROKERS,
    "two brokers and a topic": {**TWO_BROKERS, **TOPIC},
}


@pytest.mark.parametrize("fields", ANSWERS.values(), ids=ANSWERS)
def test_0_8_2_closes_on_the_first_question_and_answers_the_second_as_if_it_were_older(fields: dict[str, Any]) -> None:
    first = handshake()
    first.start()
    assert first.on_closed() is Closing.MAYBE_OLD
    second = handshake(asks_metadata_first=True)
    asked = said(second.start())
    assert (type(asked[0]), asked[1]) == (MetadataRequest, 1)
    assert second.receive(answer(asked, MetadataResponse(**fields), version=0)) == []
    assert second.is_done
    assert second.old_release == KAFKA_0_8_2


@pytest.mark.parametrize("fields", ANSWERS.values(), ids=ANSWERS)
def test_a_modern_broker_is_not_taken_for_old_however_often_it_closes(fields: dict[str, Any]) -> None:
    for _ in range(3):
        shake = handshake(asks_metadata_first=True)
        probe = said(shake.receive(answer(said(shake.start()), MetadataResponse(**fields))))
        assert type(probe[0]) is ApiVersionsRequest
        assert shake.on_closed() is Closing.LOST
        assert shake.old_release is None
    assert shake.receive(answer(probe, versions(MODERN))) == []
    assert shake.is_done


def test_bytes_behind_an_answer_do_not_make_a_modern_broker_old() -> None:
    shake = handshake(asks_metadata_first=True)
    probe = said(shake.receive(answer(said(shake.start()), MetadataResponse(**ONE_BROKER)) + b"\0\0"))
    assert type(probe[0]) is ApiVersionsRequest


def test_believed_versions_are_not_asked_for() -> None:
    shake = handshake(believed=legacy_table((0, 9)))
    assert shake.start() == []
    assert shake.is_done


def test_sasl_plain_in_both_of_its_framings() -> None:
    for handshake_version, frames in ((1, True), (0, False)):
        shake = handshake(mechanism=PlainMechanism("alice", "secret"))
        asked = said(shake.receive(answer(said(shake.start()), versions({**MODERN, 17: (0, handshake_version)}))))
        assert (asked[0].mechanism, asked[1]) == ("PLAIN", handshake_version)
        token = shake.receive(answer(asked, SaslHandshakeResponse(mechanisms=["PLAIN"])))
        if frames:
            authenticate = said(token)
            assert authenticate[0].auth_bytes == b"\0alice\0secret"
            shake.receive(answer(authenticate, SaslAuthenticateResponse(session_lifetime_ms=60_000)))
            assert shake.session_lifetime_s == 60
        else:
            assert b"".join(token) == b"\0\0\0\x0d\0alice\0secret"  # type: ignore[arg-type]
            shake.receive(b"")
        assert shake.is_done


def test_a_mechanism_the_broker_lacks_is_told_with_those_it_has() -> None:
    shake = handshake(mechanism=PlainMechanism("a", "b"))
    asked = said(shake.receive(answer(said(shake.start()), versions(MODERN))))
    with pytest.raises(UnsupportedSaslMechanismError, match=r"PLAIN.*SCRAM-SHA-256"):
        shake.receive(answer(asked, SaslHandshakeResponse(error_code=33, mechanisms=["SCRAM-SHA-256"])))


def test_a_refused_password_is_told_in_the_brokers_words() -> None:
    shake = handshake(mechanism=PlainMechanism("a", "b"))
    asked = said(shake.receive(answer(said(shake.start()), versions(MODERN))))
    authenticate = said(shake.receive(answer(asked, SaslHandshakeResponse(mechanisms=["PLAIN"]))))
    with pytest.raises(SaslAuthenticationFailedError, match="go away"):
        shake.receive(answer(authenticate, SaslAuthenticateResponse(error_code=58, error_message="go away")))


def test_a_broker_that_closes_on_credentials_has_refused_them() -> None:
    shake = handshake(mechanism=PlainMechanism("a", "b"))
    asked = said(shake.receive(answer(said(shake.start()), versions(MODERN))))
    shake.receive(answer(asked, SaslHandshakeResponse(mechanisms=["PLAIN"])))
    assert shake.on_closed() is Closing.REFUSED


@pytest.mark.parametrize("frame", [b"", b"\0", b"\0\0\0\x63\0\0", b"\0\0\0\0"])
def test_garbage_is_an_error_of_kafkas(frame: bytes) -> None:
    shake = handshake()
    shake.start()
    with pytest.raises(KafkaError):
        shake.receive(frame)
    with pytest.raises(CorrelationIdError):
        handshake().receive(b"\0\0\0\0\0\0")
