"""TLS on the broker's side, in memory.

Imported by: testing.{cluster,endpoint}.  Imports: testing.outbox.
"""

from __future__ import annotations

import ssl

from kafka.testing.outbox import Buffer

_CHUNK_BYTES = 65536


def check_server_context(context: ssl.SSLContext | None) -> None:
    """ValueError where a broker could not speak TLS with it; None is no TLS."""
    if context is None:
        return
    if not isinstance(context, ssl.SSLContext):
        raise ValueError(f"ssl_context is an ssl.SSLContext, not {context!r}")
    if context.check_hostname:  # Python 3.9 makes contexts of clients that could serve
        raise ValueError("ssl_context is not one for servers: it checks the names of hosts")
    try:
        context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_side=True)
    except (ssl.SSLError, ValueError) as error:
        raise ValueError(f"ssl_context is not one for servers: {error}") from None


class ServerTls:
    """Between what is on the wire and what the broker reads and writes.

    Threads: the broker's.
    """

    def __init__(self, context: ssl.SSLContext) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._ssl = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._is_established = False
        self._is_broken = False
        self.has_ended = False
        """The client has said goodbye, or the two do not get along; what is left to send says why."""

    def decrypt(self, ciphertext: Buffer) -> bytes:
        """What the client says with these bytes of the wire and those before."""
        self._incoming.write(ciphertext)
        plaintext = bytearray()
        try:
            if not self._is_established:
                self._ssl.do_handshake()
                self._is_established = True
            while True:
                data = self._ssl.read(_CHUNK_BYTES)
                if not data:
                    self.has_ended = True
                    break
                plaintext += data
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.has_ended = True
        except ssl.SSLError:
            self.has_ended = self._is_broken = True
        return bytes(plaintext)

    def encrypt(self, plaintext: list[Buffer]) -> list[Buffer]:
        """For the wire: this, behind what the protocol itself has to say."""
        for buffer in () if self._is_broken else plaintext:
            view = memoryview(buffer)
            while view:
                view = view[self._ssl.write(view[:_CHUNK_BYTES]) :]
        return [self._outgoing.read()] if self._outgoing.pending else []

    def say_goodbye(self) -> list[Buffer]:
        """For the wire: the end in good order."""
        if self._is_established and not self.has_ended:
            try:
                self._ssl.unwrap()
            except ssl.SSLError:
                pass  # the client's own goodbye need not be waited for
        return self.encrypt([])
