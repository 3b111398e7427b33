"""The seam to the network: what the client needs of it, as protocols, and real sockets behind them.

Imported by: client, producer.kafka, testing.  Imports: _accel.
"""

from __future__ import annotations

import _socket
import errno
import itertools
import os
import selectors
import socket
import sys
from collections.abc import Sequence
from typing import Any, Callable, Protocol

from kafka import _accel

# Not socket.socket: gevent and eventlet put one in its place that belongs to the thread that made it. On these nothing ever blocks.
_Socket = _socket.socket
_socketpair: Callable[[], tuple[_Socket, _Socket]] = getattr(_socket, "socketpair", socket.socketpair)  # not on Windows

_SELECTOR_AT_IMPORT = selectors.DefaultSelector

SocketOption = tuple[Any, ...]
"""Arguments for setsockopt()."""

_MOST_BUFFERS = 1024  # of one sendmsg(); the least IOV_MAX in use is 1024
_STILL_CONNECTING = frozenset(
    {errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EALREADY, errno.EINTR, getattr(errno, "WSAEWOULDBLOCK", errno.EWOULDBLOCK)}
)


class Stream(Protocol):
    """One non-blocking byte stream to a broker.  Registered with a selector by this object itself (it has fileno()).

    Threads: the I/O thread.
    """

    def fileno(self) -> int: ...

    def finish_connect(self) -> None:
        """Call when the selector says writable: returns if connected, raises OSError with the reason if not."""

    def send(self, buffers: Sequence[bytes | bytearray | memoryview]) -> int:
        """Write as much of the chain as fits and say how many bytes; BlockingIOError where none did."""

    def recv_into(self, buffer: memoryview) -> int:
        """Read into `buffer`; 0 means end of stream, BlockingIOError that nothing is there."""

    def shutdown_write(self) -> None:
        """Tell the peer that no more comes (FIN), so that what was written is not reset by close()."""

    def close(self) -> None: ...


class Waker(Protocol):
    """Interrupts select() from another thread; registered for reading.  wake() never blocks and may be called by any thread."""

    def fileno(self) -> int: ...

    def wake(self) -> None: ...

    def drain(self) -> None:
        """Forget the wake-ups so far; the I/O thread calls it when the selector says readable."""

    def close(self) -> None: ...


class Selector(Protocol):
    """What is used of selectors.BaseSelector."""

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey: ...

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey: ...

    def unregister(self, fileobj: Any) -> selectors.SelectorKey: ...

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]: ...

    def close(self) -> None: ...


class Transport(Protocol):
    """Makes streams, selectors and wakers that fit each other."""

    resolves_at_once: bool
    """True where resolve() cannot block, so that no resolver thread is needed."""

    def resolve(self, host: str, port: int) -> list[tuple[int, Any]]:
        """(address family, socket address) pairs in the order to try them; OSError where the name is not known."""

    def connect(self, family: int, address: Any, options: Sequence[SocketOption]) -> Stream:
        """Begin connecting without blocking; OSError where that fails at once."""

    def selector(self) -> Selector: ...

    def waker(self) -> Waker: ...


def current_selector(chosen: Callable[[], selectors.BaseSelector]) -> Callable[[], selectors.BaseSelector]:
    """What waits: what was chosen, and by default what is the system's now; gevent may have put a cooperative one in its place since the import.

    A real one where gevent left threads as they are: the I/O thread is none of its own then, and no greenlet waits with it.
    """
    if chosen is not _SELECTOR_AT_IMPORT and chosen is not selectors.DefaultSelector:
        return chosen
    monkey = sys.modules.get("gevent.monkey")
    if monkey is not None and monkey.is_module_patched("select") and not monkey.is_module_patched("threading"):
        real: Callable[[], selectors.BaseSelector] = monkey.get_original("selectors", "DefaultSelector")
        return real
    return selectors.DefaultSelector


class SocketTransport:
    """Real sockets.

    Threads: any; each object that it makes belongs to the thread that uses it.
    """

    resolves_at_once = False

    def __init__(self, selector_factory: Callable[[], selectors.BaseSelector]) -> None:
        is_epoll = selector_factory is getattr(selectors, "EpollSelector", None)
        self._new_selector: Callable[[], Selector] = _EPOLL_SELECTOR if is_epoll and _EPOLL_SELECTOR else selector_factory
        self._new_waker: Callable[[], Waker] = _EVENT_WAKER if is_epoll and _EVENT_WAKER else SocketWaker

    def resolve(self, host: str, port: int) -> list[tuple[int, Any]]:
        try:
            found = socket.getaddrinfo(host, port, socket.AF_UNSPEC, socket.SOCK_STREAM)
        except ValueError as error:  # a label of the name is empty or too long, or there is a null in it
            raise OSError(f"{host!r} is no host name: {error}") from error
        return list(dict.fromkeys((int(family), address) for family, _, _, _, address in found))

    def connect(self, family: int, address: Any, options: Sequence[SocketOption]) -> Stream:
        sock = _Socket.__new__(_Socket)  # which has a name before it is open: Ctrl-C in the system call comes right behind it
        try:
            _Socket.__init__(sock, family, socket.SOCK_STREAM)  # not inheritable (PEP 446)
            sock.setblocking(False)
            for option in options:
                sock.setsockopt(*option)
            failure = sock.connect_ex(address)
            if failure and failure not in _STILL_CONNECTING:
                raise OSError(failure, os.strerror(failure))
            stream: Stream = SocketStream(sock)
            return stream
        except BaseException:  # Ctrl-C too
            sock.close()
            raise

    def selector(self) -> Selector:
        return self._new_selector()

    def waker(self) -> Waker:
        return self._new_waker()


class PythonSocketStream:
    """A non-blocking TCP socket.

    Threads: the I/O thread.
    """

    def __init__(self, sock: _Socket) -> None:
        self._sock = sock
        self._sendmsg = getattr(sock, "sendmsg", None)  # not on Windows

    def fileno(self) -> int:
        return self._sock.fileno()

    def finish_connect(self) -> None:
        failure = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if failure:
            raise OSError(failure, os.strerror(failure))

    def send(self, buffers: Sequence[bytes | bytearray | memoryview]) -> int:
        if self._sendmsg is not None and len(buffers) > 1:
            return int(self._sendmsg(buffers[:_MOST_BUFFERS]))
        return self._sock.send(buffers[0])

    def recv_into(self, buffer: memoryview) -> int:
        return self._sock.recv_into(buffer)

    def shutdown_write(self) -> None:
        self._sock.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self._sock.close()


class SocketWaker:
    """A pair of connected sockets: a pipe that select() takes on every platform.

    Threads: wake() any, the rest the I/O thread.
    """

    def __init__(self) -> None:
        made: list[tuple[_Socket, _Socket]] = []
        try:
            made.extend(itertools.islice(iter(_socketpair, None), 1))  # one step of the interpreter: Ctrl-C in the system call comes behind it
            [(self._reader, self._writer)] = made
            self._reader.setblocking(False)
            self._writer.setblocking(False)
        except BaseException:  # Ctrl-C
            for sock in itertools.chain.from_iterable(made):
                sock.close()
            raise

    def fileno(self) -> int:
        return self._reader.fileno()

    def wake(self) -> None:
        try:
            self._writer.send(b"\0")
        except OSError:
            pass  # full, so that the reader is awake anyway; or closed, and there is nobody to wake

    def drain(self) -> None:
        try:
            while len(self._reader.recv(4096)) == 4096:
                pass
        except OSError:
            pass  # nothing there

    def close(self) -> None:
        self._reader.close()
        self._writer.close()


# Compiled, and on Linux; the selector is used in the place of that of the standard library only, which must not have been exchanged.
SocketStream: Any = _accel.pick("sockets.SocketStream", PythonSocketStream)
_EPOLL_SELECTOR: Any = _accel.pick("sockets.EpollSelector", None)
_EVENT_WAKER: Any = _accel.pick("sockets.EventWaker", None)


def watch_of(selector: Selector) -> Any:
    """The Watch of a compiled selector (_speedups.outcomes); None of any other."""
    return selector.watch if _EPOLL_SELECTOR is not None and isinstance(selector, _EPOLL_SELECTOR) else None
