"""TLS: a context from options, and an encrypted stream over any other stream.

Imported by: client.connection, client.channel, client.client.  Imports: client.options, errors, _transport.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Sequence
from typing import Callable

from kafka._transport import Stream
from kafka.client.options import TlsOptions
from kafka.errors import KafkaConfigurationError

_CHUNK_BYTES = 65536  # plaintext encrypted, and ciphertext read, at a time


def build_context(options: TlsOptions) -> ssl.SSLContext:
    """The context to connect with; every file is read now.  KafkaConfigurationError names the option that does not work."""
    if options.context is not None:
        if not isinstance(options.context, ssl.SSLContext):
            raise KafkaConfigurationError(f"ssl_context: must be an ssl.SSLContext, not {type(options.context).__name__}")
        return options.context
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = options.check_hostname
    if options.cafile is None:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    else:
        _read("ssl_cafile", options.cafile, lambda path: context.load_verify_locations(path))
    if options.crlfile is not None:
        _read("ssl_crlfile", options.crlfile, lambda path: context.load_verify_locations(path))
        context.verify_flags |= ssl.VerifyFlags.VERIFY_CRL_CHECK_LEAF
    if options.certfile is not None:
        _load_client_certificate(context, options)
    elif options.keyfile is not None:
        raise KafkaConfigurationError("ssl_keyfile: is of no use without ssl_certfile")
    return context


def _read(option: str, path: str, load: Callable[[str], None]) -> None:
    try:
        load(os.fspath(path))
    except (OSError, ValueError) as error:
        raise KafkaConfigurationError(f"{option}: cannot use {os.fspath(path)!r}: {_reason(error)}") from error


def _load_client_certificate(context: ssl.SSLContext, options: TlsOptions) -> None:
    """Find out which of the two files is the bad one: OpenSSL does not say."""
    for option, path in (("ssl_certfile", options.certfile), ("ssl_keyfile", options.keyfile)):
        if path is not None:
            _read(option, path, _open_once)
    # Without a password OpenSSL would ask for one on the terminal, and the constructor would wait for a person.
    password = options.password if options.password is not None else ""
    try:
        context.load_cert_chain(str(options.certfile), options.keyfile, password)
    except (OSError, ValueError, TypeError) as error:
        files = " and ".join(repr(os.fspath(path)) for path in (options.certfile, options.keyfile) if path is not None)
        hint = " (is ssl_password right?)" if options.password is not None else " (is the key encrypted, and ssl_password missing?)"
        raise KafkaConfigurationError(f"ssl_certfile, ssl_keyfile: cannot use {files}: {_reason(error)}{hint}") from error


def _open_once(path: str) -> None:
    with open(path, "rb"):
        pass


def _reason(error: BaseException) -> str:
    return str(error) or type(error).__name__


def server_name(host: str) -> str:
    """The name to ask for and to check the certificate against: no brackets, no zone, no trailing dot."""
    name = host.strip("[]").partition("%")[0]
    return name[:-1] if name.endswith(".") and len(name) > 1 else name


class TlsStream:
    """Encrypts and decrypts between the client and another stream, in memory, so that reading may need writing and the other way.

    Invariant: what send() accepted is encrypted; it is in the stream below once has_unsent is False.
    Threads: the I/O thread.
    """

    def __init__(self, inner: Stream, context: ssl.SSLContext, host: str) -> None:
        self.inner = inner
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._ssl = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_name(host))
        self._ciphertext: memoryview = memoryview(b"")  # taken from _outgoing and not yet sent
        self._chunk = bytearray(_CHUNK_BYTES)
        self._is_established = False

    @property
    def has_unsent(self) -> bool:
        """Ciphertext waits for the stream below to be writable."""
        return bool(len(self._ciphertext)) or self._outgoing.pending > 0

    @property
    def has_pending(self) -> bool:
        """Bytes may be had without the stream below becoming readable: select() does not know of them."""
        return self._is_established and (self._ssl.pending() > 0 or self._incoming.pending > 0)

    @property
    def version(self) -> str | None:
        return self._ssl.version()

    def handshake(self) -> bool:
        """One step; True when done, False when more must come or go first.  OSError (ssl.SSLError is one) where it fails."""
        while True:
            try:
                self._ssl.do_handshake()
            except ssl.SSLWantReadError:
                self.flush()
                if not self._feed():
                    return False
            except ssl.SSLError:
                self._flush_quietly()  # the alert that tells the broker why
                raise
            else:
                self._is_established = True
                self.flush()
                return True

    def fileno(self) -> int:
        return self.inner.fileno()

    def finish_connect(self) -> None:
        self.inner.finish_connect()

    def send(self, buffers: Sequence[bytes | bytearray | memoryview]) -> int:
        accepted = 0
        for buffer in buffers:
            view = memoryview(buffer).cast("B")
            while len(view):
                if not self.flush():
                    return self._accepted(accepted)
                try:
                    count = self._ssl.write(view[:_CHUNK_BYTES])
                except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                    return self._accepted(accepted)  # in a renegotiation: goes on when the broker's part has been read
                accepted += count
                view = view[count:]
        self.flush()
        return self._accepted(accepted)

    @staticmethod
    def _accepted(count: int) -> int:
        if count == 0:
            raise BlockingIOError
        return count

    def flush(self) -> bool:
        """Send ciphertext as far as the stream below takes it; True if none is left."""
        while True:
            if not len(self._ciphertext):
                if not self._outgoing.pending:
                    return True
                self._ciphertext = memoryview(self._outgoing.read())
            try:
                count = self.inner.send([self._ciphertext])
            except BlockingIOError:
                return False
            self._ciphertext = self._ciphertext[count:]

    def _flush_quietly(self) -> None:
        try:
            self.flush()
        except OSError:
            pass  # the connection is lost for another reason, which is being reported

    def recv_into(self, buffer: memoryview) -> int:
        while True:
            try:
                count = self._ssl.read(len(buffer), buffer)
            except ssl.SSLWantReadError:
                self.flush()  # an answer to a key update or to a renegotiation
                if not self._feed():
                    raise BlockingIOError from None
            except ssl.SSLWantWriteError:
                if not self.flush():
                    raise BlockingIOError from None
            except ssl.SSLZeroReturnError:
                return 0
            except ssl.SSLEOFError:
                return 0  # closed without close_notify, as brokers do
            else:
                return int(count)

    def _feed(self) -> bool:
        """Take ciphertext from the stream below; False if there is none yet."""
        try:
            count = self.inner.recv_into(memoryview(self._chunk))
        except BlockingIOError:
            return False
        if count:
            self._incoming.write(memoryview(self._chunk)[:count])
        else:
            self._incoming.write_eof()
        return True

    def shutdown_write(self) -> None:
        if self._is_established:
            try:
                self._ssl.unwrap()
            except ssl.SSLError:
                pass  # WANT_READ: the broker's own close_notify need not be waited for
            self._flush_quietly()
        self.inner.shutdown_write()

    def close(self) -> None:
        self.inner.close()
