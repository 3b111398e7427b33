"""TLS and SASL on the broker's side: with our producer, librdkafka, and byte by byte."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import os
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from typing import Any, Callable

import pytest
from confluent_kafka import KafkaException, Producer

from kafka import KafkaProducer
from kafka.protocol.api_versions import ApiVersionsRequest
from kafka.protocol.metadata import MetadataRequest, MetadataRequestTopic
from kafka.protocol.sasl_authenticate import SaslAuthenticateRequest
from kafka.protocol.sasl_handshake import SaslHandshakeRequest
from kafka.testing import AcceptedToken, Certificates, Cluster, KafkaBroker, Sasl, VirtualClock, faults
from kafka.testing.connection import ServerConnection
from kafka.testing.sasl.session import TRANSITIONS, SaslSession, SaslState
from tests.testing.networks import NETWORKS, Client
from tests.testing.wire import answer, ask, frame_of

METADATA = MetadataRequest(topics=[])
USERS = {"alice": "secret", "b=o,b": "p\u00e4ss"}


@pytest.fixture(scope="module")
def certificates() -> Iterator[Certificates]:
    made = Certificates()
    yield made
    made.remove()


def check_token(token: str, extensions: Mapping[str, str]) -> AcceptedToken | None:
    return AcceptedToken(extensions.get("logicalCluster", "someone"), 100.0) if token == "good" else None


# --- TLS --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("of_whom", ["a client", "nobody"])
def test_a_context_that_is_not_for_servers_is_refused(certificates: Certificates, of_whom: str) -> None:
    context: Any = certificates.client_context() if of_whom == "a client" else "x"
    with pytest.raises(ValueError, match="ssl_context"):
        KafkaBroker(ssl_context=context)


def test_our_producer_writes_over_tls(certificates: Certificates) -> None:
    with KafkaBroker(ssl_context=certificates.server_context()) as broker:
        with KafkaProducer(bootstrap_servers=broker.bootstrap_servers, security_protocol="SSL", ssl_cafile=certificates.cafile) as producer:
            assert producer.send("t", b"x" * 1_000_000).get(10).offset == 0
        assert [len(record.value or b"") for record in broker.records("t")] == [1_000_000]


def test_librdkafka_writes_over_tls_with_a_certificate_of_its_own(certificates: Certificates) -> None:
    with KafkaBroker(ssl_context=certificates.server_context(requires_client_certificate=True)) as broker:
        errors: list[Any] = []
        producer = Producer({
            "bootstrap.servers": broker.bootstrap_servers, "security.protocol": "SSL", "ssl.ca.location": certificates.cafile,
            "ssl.certificate.location": certificates.client_certfile, "ssl.key.location": certificates.client_keyfile,
        })  # fmt: skip
        producer.produce("t", b"v", on_delivery=lambda error, _: errors.append(error))
        assert producer.flush(10) == 0
        assert errors == [None]


def handshake(client: Client, context: ssl.SSLContext) -> None:
    """As far as it goes; ssl.SSLError is what the server says."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    is_established = False
    while True:
        try:
            if not is_established:
                tls.do_handshake()
                is_established = True
                tls.write(frame_of(METADATA, 9))
            tls.read(4096)
        except ssl.SSLWantReadError:
            client.send(outgoing.read())
            data = client.read()
            if data:
                incoming.write(data)
            else:
                incoming.write_eof()
        else:
            return


@pytest.fixture(params=NETWORKS)
def tls_network(request: pytest.FixtureRequest, certificates: Certificates) -> Iterator[Any]:
    made = NETWORKS[request.param](brokers=1, ssl_context=certificates.server_context(requires_client_certificate=True))
    yield made
    made.close()


def test_a_request_is_answered_over_tls(tls_network: Any, certificates: Certificates) -> None:
    handshake(tls_network.connect(), certificates.client_context(with_certificate=True))


def test_a_client_without_the_certificate_that_is_wanted_is_told_so(tls_network: Any, certificates: Certificates) -> None:
    with pytest.raises(ssl.SSLError, match="CERTIFICATE_REQUIRED"):
        handshake(tls_network.connect(), certificates.client_context())


def test_a_client_that_trusts_others_does_not_disturb_the_broker(tls_network: Any, certificates: Certificates) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(tls_network.connect(), ssl.create_default_context())
    handshake(tls_network.connect(), certificates.client_context(with_certificate=True))


def test_a_client_that_does_not_speak_tls_is_disconnected(tls_network: Any) -> None:
    client = tls_network.connect()
    client.send(frame_of(METADATA, 9))
    assert client.read_all() in (b"", b"\x15\x03\x03\x00\x02\x02F"), "an alert at most: protocol version"


def test_a_connection_is_cut_in_the_middle_of_the_handshake(tls_network: Any, certificates: Certificates) -> None:
    for fault in (faults.Cut(received_bytes=100), faults.Cut(sent_bytes=0), faults.Cut(sent_bytes=300)):
        with tls_network.cluster.faults.add(fault), pytest.raises((ConnectionResetError, ssl.SSLError)):
            handshake(tls_network.connect(), certificates.client_context(with_certificate=True))
    handshake(tls_network.connect(), certificates.client_context(with_certificate=True))


def test_certificates_are_for_the_hosts_that_are_asked_for() -> None:
    made = Certificates("elsewhere.example")
    context = made.client_context()
    with KafkaBroker(ssl_context=made.server_context()) as broker:
        address = broker.cluster.nodes[1].address
        with pytest.raises(ssl.SSLCertVerificationError, match=r"elsewhere|Hostname mismatch"), socket.create_connection(address) as sock:
            context.wrap_socket(sock, server_hostname="localhost")
        with socket.create_connection(address) as sock, context.wrap_socket(sock, server_hostname="elsewhere.example"):
            pass
    made.remove()


def test_files_of_certificates_go_with_them() -> None:
    made = Certificates()
    files = [made.cafile, made.client_certfile, made.client_keyfile]
    assert all(os.path.exists(name) for name in files)
    made.remove()
    made.remove()
    assert not any(os.path.exists(name) for name in files)
    made = Certificates()
    name = made.cafile
    del made
    assert not os.path.exists(name)


# --- SASL: other people's clients ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
@pytest.mark.parametrize("user", USERS)
def test_librdkafka_comes_in_with_a_password(mechanism: str, user: str) -> None:
    with KafkaBroker(sasl=Sasl(USERS)) as broker:
        assert written_by(broker, {"sasl.mechanism": mechanism, "sasl.username": user, "sasl.password": USERS[user]})


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_librdkafka_is_told_why_it_does_not_come_in(mechanism: str) -> None:
    with KafkaBroker(sasl=Sasl(USERS)) as broker:
        for credentials in ({"sasl.username": "alice", "sasl.password": "wrong"}, {"sasl.username": "nobody", "sasl.password": "secret"}):
            errors: list[str] = []
            config = {"sasl.mechanism": mechanism, **credentials, "error_cb": lambda error, errors=errors: errors.append(error.str())}
            assert not written_by(broker, config, until=lambda errors=errors: errors)
            assert any("Invalid username or password" in text or "invalid credentials" in text for text in errors), errors


def test_librdkafka_comes_in_with_a_token_over_tls(certificates: Certificates) -> None:
    with KafkaBroker(sasl=Sasl(check_token=check_token), ssl_context=certificates.server_context()) as broker:
        config: dict[str, Any] = {
            "sasl.mechanism": "OAUTHBEARER", "security.protocol": "SASL_SSL", "ssl.ca.location": certificates.cafile,
            "oauth_cb": lambda _: ("good", time.time() + 100, "someone", {"logicalCluster": "c"}),
        }  # fmt: skip
        assert written_by(broker, config)
        errors: list[str] = []
        bad = {**config, "oauth_cb": lambda _: ("bad", time.time() + 100), "error_cb": lambda error: errors.append(error.str())}
        assert not written_by(broker, bad, until=lambda: errors)
        assert any("invalid_token" in text for text in errors), errors


def test_librdkafka_authenticates_again_before_its_session_ends() -> None:
    with KafkaBroker(sasl=Sasl(USERS, session_lifetime_s=0.5)) as broker:
        producer = Producer({
            "bootstrap.servers": broker.bootstrap_servers, "security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "SCRAM-SHA-256",
            "sasl.username": "alice", "sasl.password": "secret", "log_level": 0,
        })  # fmt: skip
        rule = broker.faults.add(faults.DelayReply(0), api="SaslHandshake")
        producer.produce("t", b"v")
        assert producer.flush(10) == 0
        rule.wait(rule.hits + 2)
        producer.produce("t", b"v")
        assert producer.flush(10) == 0
        assert len(broker.records("t")) == 2


def written_by(broker: KafkaBroker, config: Mapping[str, Any], *, until: Callable[[], object] = lambda: None) -> bool:
    """Whether a producer of librdkafka's delivers a record before `until` is true, within 10 s."""
    end_s = time.monotonic() + 10
    producer = Producer({"bootstrap.servers": broker.bootstrap_servers, "security.protocol": "SASL_PLAINTEXT", "log_level": 0, **config})
    producer.poll(0)
    try:
        producer.produce("t", b"v")
        is_written = False
        while not (is_written or until() or time.monotonic() >= end_s):
            is_written = producer.flush(0.1) == 0
        return is_written
    except KafkaException:
        return False
    finally:
        producer.purge()
        producer.flush(1)


def test_our_producer_comes_in_with_a_password_over_tls(certificates: Certificates) -> None:
    options = {"security_protocol": "SASL_SSL", "ssl_cafile": certificates.cafile, "sasl_mechanism": "PLAIN", "sasl_plain_username": "alice"}
    with KafkaBroker(sasl=Sasl(USERS, mechanisms=["PLAIN"]), ssl_context=certificates.server_context()) as broker:
        producer = KafkaProducer(bootstrap_servers=broker.bootstrap_servers, sasl_plain_password="secret", **options)
        assert producer.send("t", b"v").get(10).offset == 0
        producer.close()


# --- SASL: message by message -------------------------------------------------------------------------------------------


class Door:
    """A connection to a cluster in virtual time that wants authentication."""

    def __init__(self, sasl: Sasl | None) -> None:
        self.clock = VirtualClock()
        self.cluster = Cluster(clock=self.clock, sasl=sasl)
        self.connection = ServerConnection(self.cluster, self.cluster.nodes[1])

    def choose(self, mechanism: str, version: int = 1) -> Any:
        return ask(self.connection, SaslHandshakeRequest(mechanism=mechanism), version)

    def say(self, message: bytes, version: int = 2) -> Any:
        return ask(self.connection, SaslAuthenticateRequest(auth_bytes=message), version)

    def say_raw(self, message: bytes) -> bytes:
        self.connection.receive(len(message).to_bytes(4, "big") + message)
        return b"".join(self.connection.take_output())

    @property
    def is_open(self) -> bool:
        """Whether a request that needs authentication is answered."""
        return ask(self.connection, METADATA, 9) is not None and not self.connection.is_closing


PLAIN = b"\0alice\0secret"


def test_versions_may_be_asked_for_before_authentication_and_nothing_else() -> None:
    door = Door(Sasl(USERS))
    assert ask(door.connection, ApiVersionsRequest(), 0).error_code == 0
    assert door.choose("PLAIN").mechanisms == ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]
    assert not door.is_open
    assert door.connection.is_closing
    assert not Door(Sasl(USERS)).is_open
    door = Door(Sasl(USERS))
    assert ask(door.connection, ApiVersionsRequest(), 0).error_code == 0
    assert ask(door.connection, ApiVersionsRequest(), 0) is None, "once only"
    assert door.connection.is_closing


def test_versions_may_be_asked_for_again_where_the_first_was_too_new() -> None:
    door = Door(Sasl(USERS))
    frame = bytearray(frame_of(ApiVersionsRequest(), 4))
    frame[6:8] = (99).to_bytes(2, "big")
    door.connection.receive(bytes(frame))
    assert door.connection.take_output()
    assert ask(door.connection, ApiVersionsRequest(), 0).error_code == 0
    assert door.choose("PLAIN").error_code == 0


def test_a_mechanism_that_is_not_offered_is_refused_with_those_that_are() -> None:
    door = Door(Sasl(USERS, mechanisms=["SCRAM-SHA-512"]))
    response = door.choose("PLAIN")
    assert (response.error_code, response.mechanisms) == (33, ["SCRAM-SHA-512"])
    assert door.connection.is_closing


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (b"\0alice\0secret", None),
        (b"alice\0alice\0secret", None),
        (b"\0alice\0wrong", "Invalid username or password"),
        (b"\0nobody\0secret", "Invalid username or password"),
        (b"bob\0alice\0secret", "authorization id"),
        (b"\0\0secret", "username not specified"),
        (b"\0alice\0", "password not specified"),
        (b"alice", "expected 3 tokens"),
        (b"\0\xff\0secret", "Invalid username or password"),
        (b"\0\0\0\0", "expected 3 tokens, got 4"),
    ],
)
def test_plain(message: bytes, words: str | None) -> None:
    door = Door(Sasl(USERS))
    door.choose("PLAIN")
    response = door.say(message)
    if words is None:
        assert (response.error_code, response.error_message, response.session_lifetime_ms) == (0, "", 0)
        assert door.is_open
    else:
        assert response.error_code == 58
        assert words in response.error_message
        assert door.connection.is_closing


def test_tokens_without_headers_follow_version_0_of_the_handshake() -> None:
    door = Door(Sasl(USERS))
    door.choose("PLAIN", 0)
    assert door.say_raw(PLAIN) == b"\0\0\0\0"
    assert door.is_open
    door = Door(Sasl(USERS))
    door.choose("PLAIN", 0)
    assert door.say_raw(b"\0alice\0wrong") == b""
    assert door.connection.is_closing


def prove(door: Door, digest: str, saslname: str, password: str) -> dict[str, str]:
    """SCRAM's four messages as RFC 5802 computes them; gives the fields of the broker's first."""
    bare = f"n={saslname},r=fyko+d2lbbFgONRv9qkxdawL"
    challenge = door.say(f"n,,{bare}".encode()).auth_bytes.decode()
    fields = dict(part.split("=", 1) for part in challenge.split(","))
    final = f"c=biws,r={fields['r']}"
    salted = hashlib.pbkdf2_hmac(digest, password.encode(), base64.b64decode(fields["s"]), int(fields["i"]))
    client_key = hmac.new(salted, b"Client Key", digest).digest()
    signed = f"{bare},{challenge},{final}".encode()
    signature = hmac.new(hashlib.new(digest, client_key).digest(), signed, digest).digest()
    proof = base64.b64encode(bytes(a ^ b for a, b in zip(client_key, signature))).decode()
    last = door.say(f"{final},p={proof}".encode()).auth_bytes
    server_key = hmac.new(salted, b"Server Key", digest).digest()
    assert last == b"v=" + base64.b64encode(hmac.new(server_key, signed, digest).digest())
    return fields


@pytest.mark.parametrize("digest", ["sha256", "sha512"])
def test_scram_as_the_rfc_has_it(digest: str) -> None:
    door = Door(Sasl(USERS, scram_iterations=5000))
    door.choose(f"SCRAM-SHA-{digest[3:]}")
    fields = prove(door, digest, "b=3Do=2Cb", "p\u00e4ss")
    assert fields["r"].startswith("fyko+d2lbbFgONRv9qkxdawL")
    assert len(fields["r"]) == 48
    assert fields["i"] == "5000"
    assert door.is_open


@pytest.mark.parametrize(
    "messages",
    [
        [b"n,,n=nobody,r=x"],
        [b"n,,n=alice,r="],
        [b"p=tls-unique,,n=alice,r=x"],
        [b"y,,n=alice,r=x"],
        [b"nonsense"],
        [b"\xff"],
        [b"n,,n=alice,r=x", b"c=biws,r=x,p=AAAA"],
        [b"n,,n=alice,r=x", b"c=biws,r={nonce},p=AAAA"],
        [b"n,,n=alice,r=x", b"c=biws,r={nonce},p=" + base64.b64encode(bytes(32))],
        [b"n,,n=alice,r=x", b"c=eSws,r={nonce},p=" + base64.b64encode(bytes(32))],
        [b"n,,n=alice,r=x", b"c=biws,r={nonce},p=!"],
        [b"n,,n=alice,r=x", b"c=biws"],
    ],
)
def test_scram_that_proves_nothing_is_refused(messages: list[bytes]) -> None:
    door = Door(Sasl(USERS))
    door.choose("SCRAM-SHA-256")
    response, nonce = None, b""
    for message in messages:
        assert response is None or response.error_code == 0
        response = door.say(message.replace(b"{nonce}", nonce))
        nonce = response.auth_bytes.partition(b",")[0][2:]
    assert response is not None
    assert response.error_code == 58
    assert response.error_message == "Authentication failed during authentication due to invalid credentials with SASL mechanism SCRAM-SHA-256"
    assert door.connection.is_closing


def test_scram_for_somebody_else_is_refused_in_words() -> None:
    door = Door(Sasl(USERS))
    door.choose("SCRAM-SHA-256")
    assert "authorization id that is different from username" in door.say(b"n,a=bob,n=alice,r=x").error_message


def test_a_token_is_checked_by_the_test() -> None:
    seen: list[Any] = []

    def check(token: str, extensions: Mapping[str, str]) -> AcceptedToken | None:
        seen.append((token, dict(extensions)))
        return AcceptedToken("me", 60.0)

    door = Door(Sasl(check_token=check))
    assert door.choose("OAUTHBEARER").mechanisms == ["OAUTHBEARER"]
    response = door.say(b"n,a=me,\x01auth=Bearer abc.def-_~+/==\x01extension=value\x01\x01")
    assert (response.error_code, response.auth_bytes, response.session_lifetime_ms) == (0, b"", 60_000)
    assert seen == [("abc.def-_~+/==", {"extension": "value"})]
    assert door.is_open


def test_a_token_that_is_refused_ends_with_the_clients_acknowledgement() -> None:
    door = Door(Sasl(check_token=check_token))
    door.choose("OAUTHBEARER")
    response = door.say(b"n,,\x01auth=Bearer bad\x01\x01")
    assert (response.error_code, response.auth_bytes) == (0, b'{"status":"invalid_token"}')
    assert not door.connection.is_closing
    response = door.say(b"\x01")
    assert (response.error_code, response.error_message) == (58, '{"status":"invalid_token"}')
    assert door.connection.is_closing


@pytest.mark.parametrize(
    "message",
    [b"", b"n,,\x01\x01", b"n,,\x01auth=Basic x\x01\x01", b"n,,\x01auth=Bearer good\x01", b"n,a=other,\x01auth=Bearer good\x01\x01"],
)
def test_what_holds_no_token_is_refused(message: bytes) -> None:
    door = Door(Sasl(check_token=check_token))
    door.choose("OAUTHBEARER")
    assert door.say(message).error_code == 58
    assert door.connection.is_closing


def test_a_checker_that_fails_closes_the_connection_alone(caplog: pytest.LogCaptureFixture) -> None:
    def check(token: str, extensions: Mapping[str, str]) -> AcceptedToken | None:
        raise LookupError(token)

    with KafkaBroker(sasl=Sasl({"alice": "secret"}, check_token=check)) as broker:
        config = {"sasl.mechanism": "OAUTHBEARER", "oauth_cb": lambda _: ("good", time.time() + 100)}
        assert not written_by(broker, config, until=lambda: "LookupError" in caplog.text)
        assert written_by(broker, {"sasl.mechanism": "PLAIN", "sasl.username": "alice", "sasl.password": "secret"})
    assert "LookupError" in caplog.text


def test_a_session_ends_unless_the_client_authenticates_again() -> None:
    door = Door(Sasl(USERS, session_lifetime_s=60))
    door.choose("PLAIN")
    assert door.say(PLAIN).session_lifetime_ms == 60_000
    door.clock.advance(59)
    assert door.is_open
    assert door.choose("PLAIN").error_code == 0
    assert door.say(PLAIN).session_lifetime_ms == 60_000
    door.clock.advance(59)
    assert door.is_open
    door.clock.advance(1)
    assert door.choose("PLAIN").error_code == 0, "late, but before anything else"
    assert door.say(PLAIN).error_code == 0
    door.clock.advance(60)
    assert not door.is_open
    assert door.connection.is_closing


def test_a_proof_may_be_good_for_less_than_a_session() -> None:
    door = Door(Sasl(check_token=check_token, session_lifetime_s=1000))
    door.choose("OAUTHBEARER")
    assert door.say(b"n,,\x01auth=Bearer good\x01\x01").session_lifetime_ms == 100_000


def test_who_authenticates_again_must_be_the_same() -> None:
    door = Door(Sasl(USERS, session_lifetime_s=60))
    door.choose("PLAIN")
    door.say(PLAIN)
    door.choose("PLAIN")
    response = door.say("\0b=o,b\0p\u00e4ss".encode())
    assert (response.error_code, response.error_message) == (58, "Cannot change principals during re-authentication from User.alice: User.b=o,b")
    door = Door(Sasl(USERS, session_lifetime_s=60))
    door.choose("PLAIN")
    door.say(PLAIN)
    assert door.choose("SCRAM-SHA-256").error_code == 0
    assert door.say(b"n,,n=alice,r=x") is None
    assert door.connection.is_closing


def test_a_second_proof_that_fails_is_called_so() -> None:
    door = Door(Sasl(USERS, session_lifetime_s=60, mechanisms=["SCRAM-SHA-256"]))
    door.choose("SCRAM-SHA-256")
    prove(door, "sha256", "alice", "secret")
    door.choose("SCRAM-SHA-256")
    assert "during re-authentication due to invalid credentials" in door.say(b"n,,n=nobody,r=x").error_message


def test_nothing_else_is_served_in_the_middle_of_authenticating_again() -> None:
    door = Door(Sasl(USERS, session_lifetime_s=60))
    door.choose("PLAIN")
    door.say(PLAIN)
    door.choose("PLAIN")
    assert not door.is_open


def test_what_comes_in_the_middle_of_authenticating_is_refused_in_its_own_words() -> None:
    door = Door(Sasl(USERS))
    door.choose("PLAIN")
    (topic,) = ask(door.connection, MetadataRequest(topics=[MetadataRequestTopic(name="t")]), 9).topics
    assert topic.error_code == 34
    assert door.connection.is_closing
    assert door.cluster.topics == {}


@pytest.mark.parametrize("sasl", [None, Sasl(USERS)], ids=["no SASL", "authenticated"])
def test_sasl_out_of_place_is_an_error_and_no_more(sasl: Sasl | None) -> None:
    door = Door(sasl)
    if sasl is not None:
        door.choose("PLAIN")
        door.say(PLAIN)
    assert door.choose("PLAIN").error_code == 34
    assert door.say(b"").error_code == 34
    assert door.is_open


def test_passwords_may_be_changed_while_the_cluster_runs() -> None:
    sasl = Sasl(USERS)
    sasl.users["alice"] = "new"
    for password, code in ((b"secret", 58), (b"new", 0)):
        door = Door(sasl)
        door.choose("PLAIN")
        assert door.say(b"\0alice\0" + password).error_code == code


def test_an_authentication_may_be_made_to_fail() -> None:
    door = Door(Sasl(USERS))
    door.cluster.faults.add(faults.Error(58), api="SaslAuthenticate")
    door.choose("PLAIN")
    assert door.say(PLAIN).error_code == 58
    assert door.connection.is_closing


def test_requests_wait_for_the_answer_to_authentication() -> None:
    door = Door(Sasl(USERS))
    door.cluster.faults.add(faults.DelayReply(1.0), api="SaslAuthenticate")
    door.choose("PLAIN")
    door.connection.receive(frame_of(SaslAuthenticateRequest(auth_bytes=PLAIN), 2))
    assert door.connection.take_output() == []
    door.clock.advance(1.0)
    door.connection.look_again()
    assert answer(door.connection, SaslAuthenticateRequest(), 2).error_code == 0
    assert door.is_open


@pytest.mark.parametrize(
    "make",
    [
        lambda: Sasl(),
        lambda: Sasl(USERS, mechanisms=["OAUTHBEARER"]),
        lambda: Sasl(USERS, mechanisms=["GSSAPI"]),
        lambda: Sasl(USERS, scram_iterations=1000),
        lambda: Cluster(clock=VirtualClock(), sasl=Sasl(USERS), version="0.9"),
    ],
)
def test_what_nobody_could_use_is_refused(make: Any) -> None:
    with pytest.raises(ValueError, match=r"mechanism|iterations|GSSAPI|not OAUTHBEARER"):
        make()


def test_no_secret_stands_in_a_repr() -> None:
    assert "secret" not in repr(Sasl(USERS))


@pytest.mark.parametrize(("before", "after"), list(itertools.product(SaslState, SaslState)), ids=lambda state: state.name)
def test_every_pair_of_states(before: SaslState, after: SaslState) -> None:
    session = SaslSession(Sasl(USERS), VirtualClock(), None)  # type: ignore[arg-type]
    session.state = before
    if after in TRANSITIONS[before]:
        session._go(after)
        assert session.state is after
    else:
        with pytest.raises(RuntimeError, match=after.name):
            session._go(after)
        assert session.state is before
