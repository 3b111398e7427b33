"""Frames over one stream: a write queue of buffer chains, and whole frames out of what is read.

Imported by: client.connection.  Imports: client.inflight, client.tls, protocol.framing, _transport.
"""

from __future__ import annotations

from collections import deque
from typing import Callable

from kafka._transport import Stream
from kafka.client.inflight import Outgoing
from kafka.client.tls import TlsStream
from kafka.protocol.framing import FrameDecoder

# Bounds on one turn's work for one connection, so that a fast broker does not starve the others.
_SENDS_PER_TURN = 16
_READS_PER_TURN = 16
_READ_BYTES = 65536


class ConnectionLostError(ConnectionError):
    """The broker has closed the connection."""


class Channel:
    """Moves bytes as far as the stream goes without blocking.

    Threads: the I/O thread.
    """

    def __init__(self, stream: Stream, tls: TlsStream | None, *, max_response_bytes: int, on_written: Callable[[Outgoing], None]) -> None:
        self._stream: Stream = stream if tls is None else tls
        self._tls = tls
        self._decoder = FrameDecoder(max_response_bytes)
        self._on_written = on_written
        self._queue: deque[Outgoing] = deque()
        self._encrypted: deque[Outgoing] = deque()  # accepted by TLS, not yet in the socket
        self._buffer = bytearray(_READ_BYTES)
        self.has_more_to_read = False
        """Reading stopped because the turn was over: select() may not know that there is more."""

    def queue(self, outgoing: Outgoing) -> None:
        self._queue.append(outgoing)

    def has_unsent(self) -> bool:
        return bool(self._queue) or (self._tls is not None and self._tls.has_unsent)

    def flush(self) -> int:
        """Send what the stream takes; says how many bytes.  OSError where the connection is lost."""
        sent = 0
        queue = self._queue
        try:
            for _ in range(_SENDS_PER_TURN):
                if not queue:
                    break
                first = queue[0]
                count = self._stream.send(first.next_buffers())
                sent += count
                if first.advance(count):
                    queue.popleft()
                    self._encrypted.append(first)
        except BlockingIOError:
            pass
        if self._tls is None or self._tls.flush():
            while self._encrypted:
                written = self._encrypted.popleft()
                written.is_written = True
                self._on_written(written)
        return sent

    def read(self) -> tuple[int, list[bytes]]:
        """Bytes read and the frames that are whole now.

        What came before an end of stream is given first; the next call raises ConnectionLostError. OSError where the
        connection is lost, ProtocolDecodeError where what came is no frame.
        """
        received = 0
        frames: list[bytes] = []
        view = memoryview(self._buffer)
        self.has_more_to_read = False
        for _ in range(_READS_PER_TURN):
            try:
                count = self._stream.recv_into(view)
            except BlockingIOError:
                return received, frames
            except OSError:
                if frames:  # answers that came before the reset count; the next read meets the error again
                    self.has_more_to_read = True
                    return received, frames
                raise
            if count == 0:
                if frames:
                    self.has_more_to_read = True
                    return received, frames
                raise ConnectionLostError("the broker closed the connection")
            received += count
            frames.extend(self._decoder.feed(view[:count]))
            if count < len(view) and self._tls is None:
                return received, frames  # the socket is empty: spares a call that would say so
        self.has_more_to_read = True
        return received, frames

    def shutdown_write(self) -> None:
        self._stream.shutdown_write()

    def close(self) -> None:
        self._stream.close()
