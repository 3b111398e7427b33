"""A TCP proxy that hands every byte on a fixed time after it came: a long way.

    python -m benchmarks.servers.delaying_proxy HOST:PORT ONE_WAY_MS [WINDOW_BYTES]

A window is what a sender may have unconfirmed, as that of TCP; without one the way is as broad as the machine can make it.
Prints `host:port` and forwards every connection to HOST:PORT until its input ends.
Run by: benchmarks.clusters.
"""

from __future__ import annotations

import math
import socket
import sys
import threading
import time
from collections import deque

READ_BYTES = 1 << 20


class DelayedDirection:
    """One direction of a connection: a thread that reads and stamps, a thread that waits and writes.

    Bytes count against the window for a round trip from when they were read: as long as it takes until a confirmation of them is back.
    Threads: its own two.
    """

    def __init__(self, source: socket.socket, target: socket.socket, delay_s: float, window_bytes: float) -> None:
        self._source = source
        self._target = target
        self._delay_s = delay_s
        self._window_left = window_bytes  # of the thread that reads, like the next
        self._unconfirmed: deque[tuple[float, int]] = deque()  # (when the confirmation is back, bytes)
        self._under_way: deque[tuple[float, bytes]] = deque()  # (when to hand on, bytes); empty bytes are the end
        self._has_some = threading.Semaphore(0)

    def start(self) -> None:
        for work in (self._read, self._write):
            threading.Thread(target=work, daemon=True).start()

    def _read(self) -> None:
        data = b"first"
        while data:
            room = self._wait_for_window()
            try:
                data = self._source.recv(room)
            except OSError:
                data = b""
            read_s = time.monotonic()
            self._window_left -= len(data)
            self._unconfirmed.append((read_s + 2 * self._delay_s, len(data)))
            self._under_way.append((read_s + self._delay_s, data))
            self._has_some.release()

    def _wait_for_window(self) -> int:
        """How many bytes may be read now: at least one."""
        while self._unconfirmed and (self._window_left < 1 or self._unconfirmed[0][0] <= time.monotonic()):
            confirmed_s, count = self._unconfirmed.popleft()
            time.sleep(max(0.0, confirmed_s - time.monotonic()))
            self._window_left += count
        return int(min(READ_BYTES, self._window_left))

    def _write(self) -> None:
        while True:
            self._has_some.acquire()
            due_s, data = self._under_way.popleft()
            wait_s = due_s - time.monotonic()
            if wait_s > 0:
                time.sleep(wait_s)
            try:
                if not data:
                    self._target.shutdown(socket.SHUT_WR)
                    return
                self._target.sendall(data)
            except OSError:
                self._source.close()
                return


def serve(listener: socket.socket, target: tuple[str, int], delay_s: float, window_bytes: float) -> None:
    while True:
        client, _ = listener.accept()
        broker = socket.create_connection(target)
        for end in (client, broker):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        DelayedDirection(client, broker, delay_s, window_bytes).start()
        DelayedDirection(broker, client, delay_s, window_bytes).start()


def main() -> None:
    host, _, port = sys.argv[1].rpartition(":")
    listener = socket.create_server(("127.0.0.1", 0))
    window_bytes = float(sys.argv[3]) if len(sys.argv) > 3 else math.inf
    threading.Thread(target=serve, args=(listener, (host, int(port)), float(sys.argv[2]) / 1000, window_bytes), daemon=True).start()
    print(f"127.0.0.1:{listener.getsockname()[1]}", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
