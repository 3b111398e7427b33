"""SASL/PLAIN said to a real broker and to kafka.testing's, as its release: each has the same answers."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from kafka.protocol.api_versions import ApiVersionsRequest
from kafka.protocol.find_coordinator import FindCoordinatorRequest
from kafka.protocol.metadata import MetadataRequest, MetadataRequestTopic
from kafka.protocol.sasl_authenticate import SaslAuthenticateRequest
from kafka.protocol.sasl_handshake import SaslHandshakeRequest
from kafka.testing import KafkaBroker, Sasl
from tests.broker.kafka_jars import release
from tests.broker.real_kafka import RealKafka
from tests.testing.wire import RawClient, frame_of, response_in

FIRST_WITH_AUTHENTICATE = (1, 0)
FIRST_WITH_OUR_WORDS = (2, 8)  # older ones say the same in other words


class Say(NamedTuple):
    """A request; or, without one, bytes with their size before them."""

    request: Any
    version: int = 0


VERSIONS = Say(ApiVersionsRequest(client_software_name="tests", client_software_version="1"))
METADATA = Say(MetadataRequest(topics=[]), 1)


def handshake(mechanism: str, version: int = 1) -> Say:
    return Say(SaslHandshakeRequest(mechanism=mechanism), version)


def proof(user: str, password: str) -> Say:
    return Say(SaslAuthenticateRequest(auth_bytes=plain(user, password)))


def plain(user: str, password: str, identity: str = "") -> bytes:
    return f"{identity}\0{user}\0{password}".encode()


CONVERSATIONS: dict[str, list[Say]] = {
    "versions, then in": [VERSIONS, handshake("PLAIN"), proof("alice", "{alice}"), METADATA],
    "in": [handshake("PLAIN"), proof("alice", "{alice}"), METADATA],
    "versions twice": [VERSIONS, VERSIONS],
    "nothing but a request": [METADATA],
    "authenticate at once": [proof("alice", "{alice}")],
    "another mechanism": [handshake("GSSAPI"), METADATA],
    "wrong password": [handshake("PLAIN"), proof("alice", "wrong"), METADATA],
    "unknown user": [handshake("PLAIN"), proof("nobody", "{alice}"), METADATA],
    "no user": [handshake("PLAIN"), proof("", "{alice}"), METADATA],
    "no password": [handshake("PLAIN"), proof("alice", ""), METADATA],
    "two tokens": [handshake("PLAIN"), Say(SaslAuthenticateRequest(auth_bytes=b"alice\0secret")), METADATA],
    "five tokens": [handshake("PLAIN"), Say(SaslAuthenticateRequest(auth_bytes=b"\0a\0b\0c\0d")), METADATA],
    "for somebody else": [handshake("PLAIN"), Say(SaslAuthenticateRequest(auth_bytes=plain("alice", "{alice}", "bob"))), METADATA],
    "for oneself": [handshake("PLAIN"), Say(SaslAuthenticateRequest(auth_bytes=plain("alice", "{alice}", "alice"))), METADATA],
    "handshake again": [handshake("PLAIN"), proof("alice", "{alice}"), handshake("PLAIN"), METADATA],
    "authenticate again": [handshake("PLAIN"), proof("alice", "{alice}"), proof("alice", "{alice}"), METADATA],
    "handshake twice": [handshake("PLAIN"), handshake("PLAIN")],
    "something else in between": [handshake("PLAIN"), METADATA],
    "one more in between": [handshake("PLAIN"), Say(MetadataRequest(topics=[MetadataRequestTopic(name="t")]), 1)],
    "a group in between": [handshake("PLAIN"), Say(FindCoordinatorRequest(key="g"), 0)],
    "versions after": [handshake("PLAIN"), proof("alice", "{alice}"), VERSIONS],
}

RAW: dict[str, list[Say]] = {
    "raw": [handshake("PLAIN", 0), Say(plain("alice", "{alice}")), METADATA],
    "raw, wrong password": [handshake("PLAIN", 0), Say(plain("alice", "wrong")), METADATA],
    "versions, then raw": [VERSIONS, handshake("PLAIN", 0), Say(plain("alice", "{alice}")), METADATA],
    "versions twice, raw": [VERSIONS, VERSIONS],
    "nothing but a request, raw": [METADATA],
}
"""What brokers before SaslAuthenticate understand too."""

WITHOUT_SASL: dict[str, list[Say]] = {
    "handshake out of place": [handshake("PLAIN"), METADATA],
    "authenticate out of place": [proof("alice", "{alice}"), METADATA],
}


def answers(bootstrap: str, conversation: list[Say], version: str, password: str = "") -> list[Any]:
    """Of each answer what is the same for all clusters; "closed" where there is none."""
    has_words = release(version) >= FIRST_WITH_OUR_WORDS
    found: list[Any] = []
    with RawClient(bootstrap) as client:
        for said in conversation:
            try:
                client.send(_bytes_of(said, password))
                frame = client.frame()
            except ConnectionError:
                frame = None
            if frame is None:
                return [*found, "closed"]
            found.append(_shown(said, frame, has_words=has_words))
    return found


def _bytes_of(said: Say, password: str) -> bytes:
    if isinstance(said.request, bytes):
        token = said.request.replace(b"{alice}", password.encode())
        return len(token).to_bytes(4, "big") + token
    if isinstance(said.request, SaslAuthenticateRequest):
        return frame_of(SaslAuthenticateRequest(auth_bytes=said.request.auth_bytes.replace(b"{alice}", password.encode())), said.version)
    return frame_of(said.request, said.version)


def _shown(said: Say, frame: bytes, *, has_words: bool) -> Any:
    if isinstance(said.request, bytes):
        return frame
    response = response_in(said.request, said.version, frame)
    names = ("error_code", "auth_bytes", "mechanisms", *(("error_message",) if has_words else ()))
    return {name: getattr(response, name) for name in names if hasattr(response, name)}


@pytest.mark.kafka_since("0.10.2.2")
def test_sasl_is_answered_as_by_a_real_broker(real_kafka: RealKafka) -> None:
    has_authenticate = release(real_kafka.version) >= FIRST_WITH_AUTHENTICATE
    with KafkaBroker(sasl=Sasl(real_kafka.users, mechanisms=["PLAIN"]), version=real_kafka.version) as ours:
        for name, conversation in {**(CONVERSATIONS if has_authenticate else {}), **RAW}.items():
            known = (conversation, real_kafka.version, real_kafka.users["alice"])
            theirs = answers(real_kafka.bootstrap_for("SASL_PLAINTEXT"), *known)
            assert (name, answers(ours.bootstrap_servers, *known)) == (name, theirs)


@pytest.mark.kafka_since("1.1.1")
def test_sasl_out_of_place_is_answered_as_by_a_real_broker(real_kafka: RealKafka) -> None:
    with KafkaBroker(version=real_kafka.version) as ours:
        for name, conversation in WITHOUT_SASL.items():
            theirs = answers(real_kafka.bootstrap, conversation, real_kafka.version)
            assert (name, answers(ours.bootstrap_servers, conversation, real_kafka.version)) == (name, theirs)
