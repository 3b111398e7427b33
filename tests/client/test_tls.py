"""client.tls: encryption over any stream, in pieces of any size, and files that do not work."""

from __future__ import annotations

import ssl
from collections import deque
from pathlib import Path
from typing import Any

import pytest
import trustme

from kafka.client.options import TlsOptions
from kafka.client.tls import TlsStream, build_context, server_name
from kafka.errors import KafkaConfigurationError

AUTHORITY = trustme.CA()


def options(**given: Any) -> TlsOptions:
    fields: dict[str, Any] = {
        "context": None, "check_hostname": True, "cafile": None, "certfile": None, "keyfile": None, "password": None, "crlfile": None, **given,
    }  # fmt: skip
    return TlsOptions(**fields)


@pytest.fixture
def ca_file(tmp_path: Path) -> str:
    path = tmp_path / "ca.pem"
    AUTHORITY.cert_pem.write_to_path(path)
    return str(path)


class Peer:
    """A TLS server in memory behind a stream that takes and gives `piece` bytes at a time."""

    def __init__(self, host: str = "broker.test", piece: int = 1 << 20, version: ssl.TLSVersion | None = None) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        AUTHORITY.issue_cert(host).configure_cert(context)
        if version is not None:
            context.maximum_version = version
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_side=True)
        self.piece = piece
        self.received = b""
        self.waits = deque([False])
        self.is_shut = False
        self.heard_goodbye = False

    def turn(self) -> None:
        try:
            self.tls.do_handshake()
            while not self.heard_goodbye:
                data = self.tls.read(65536)
                self.received += data
                self.heard_goodbye = not data
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError:
            pass  # the client says no; it is the client that is looked at

    def send(self, buffers: Any) -> int:
        self.waits.rotate()
        if self.waits[0]:
            raise BlockingIOError
        count = self.incoming.write(bytes(buffers[0][: self.piece]))
        self.turn()
        return count

    def recv_into(self, buffer: memoryview) -> int:
        data = self.outgoing.read(min(self.piece, len(buffer)))
        if not data:
            raise BlockingIOError
        buffer[: len(data)] = data
        return len(data)

    def fileno(self) -> int:
        return -1

    def finish_connect(self) -> None:
        """Connected from the start."""

    def shutdown_write(self) -> None:
        self.is_shut = True

    def close(self) -> None:
        """Nothing to close."""


def established(peer: Peer, ca_file: str) -> TlsStream:
    stream = TlsStream(peer, build_context(options(cafile=ca_file)), "broker.test")
    for _ in range(100_000):
        if stream.handshake():
            return stream
        stream.flush()
    raise AssertionError("the handshake does not end")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("piece", [1, 7, 1 << 20])
def test_data_passes_in_pieces_of_any_size(ca_file: str, piece: int, version: ssl.TLSVersion) -> None:
    peer = Peer(piece=piece, version=version)
    stream = established(peer, ca_file)
    payload = bytes(range(256)) * (10 if piece == 1 else 2000)
    left = memoryview(payload)
    while len(left):
        left = left[stream.send([left]) :]
    assert stream.flush()
    assert peer.received == payload
    peer.tls.write(payload)
    buffer, received = memoryview(bytearray(1000)), b""
    while len(received) < len(payload):
        received += buffer[: stream.recv_into(buffer)]
    assert received == payload


def test_a_full_socket_below_is_waited_for_and_nothing_is_lost(ca_file: str) -> None:
    peer = Peer(piece=50)
    stream = established(peer, ca_file)
    peer.waits = deque([False, True, True])
    left, blocked = memoryview(b"x" * 20_000), 0
    while len(left):
        try:
            left = left[stream.send([left]) :]
        except BlockingIOError:
            blocked += 1
    while not stream.flush():
        blocked += 1
    assert blocked
    assert not stream.has_unsent
    assert peer.received == b"x" * 20_000


def test_a_certificate_for_another_host_is_refused_unless_not_checked(ca_file: str) -> None:
    stream = TlsStream(Peer(host="other.test"), build_context(options(cafile=ca_file)), "broker.test")
    with pytest.raises(ssl.SSLCertVerificationError, match=r"broker\.test"):
        for _ in range(10):
            stream.handshake()
    relaxed = TlsStream(Peer(host="other.test"), build_context(options(cafile=ca_file, check_hostname=False)), "broker.test")
    assert any(relaxed.handshake() for _ in range(10))


def test_an_unknown_authority_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(other)
    stream = TlsStream(Peer(), build_context(options(cafile=str(other))), "broker.test")
    with pytest.raises(ssl.SSLCertVerificationError):
        for _ in range(10):
            stream.handshake()


def test_closing_says_goodbye_and_shuts_the_stream_below(ca_file: str) -> None:
    peer = Peer()
    stream = established(peer, ca_file)
    stream.shutdown_write()
    assert peer.heard_goodbye
    assert peer.is_shut


@pytest.mark.parametrize("option", ["cafile", "certfile", "crlfile"])
def test_a_file_that_is_no_pem_names_its_option(tmp_path: Path, option: str) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("not a certificate")
    with pytest.raises(KafkaConfigurationError, match=f"ssl_{option}"):
        build_context(options(**{option: str(broken)}))


def test_a_key_alone_and_a_wrong_context_are_refused(tmp_path: Path) -> None:
    with pytest.raises(KafkaConfigurationError, match="ssl_keyfile"):
        build_context(options(keyfile=str(tmp_path / "k")))
    with pytest.raises(KafkaConfigurationError, match="ssl_context"):
        build_context(options(context=object()))


def test_a_ready_context_wins() -> None:
    context = ssl.create_default_context()
    assert build_context(options(context=context, cafile="/ignored")) is context


@pytest.mark.parametrize(("host", "expected"), [("broker.test.", "broker.test"), ("127.0.0.1", "127.0.0.1"), ("fe80::1%eth0", "fe80::1")])
def test_the_name_that_is_asked_for(host: str, expected: str) -> None:
    assert server_name(host) == expected
