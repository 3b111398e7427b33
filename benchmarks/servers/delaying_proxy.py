"""A TCP proxy that hands every byte on a fixed time after it came: a long way, as broad as the machine can make it.

    python -m benchmarks.servers.delaying_proxy HOST:PORT ONE_WAY_MS

Prints `host:port` and forwards every connection to HOST:PORT until its input ends.
Run by: benchmarks.clusters.
"""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections import deque

READ_BYTES = 1 << 20


class DelayedDirection:
    """One direction of a connection: a thread that reads and stamps, a thread that waits and writes.

    What is under way is not bounded: a sender that has no more in flight than its receiver confirms bounds it, as on a real line.
    Threads: its own two.
    """

    def __init__(self, source: socket.socket, target: socket.socket, delay_s: float) -> None:
        self._source = source
        self._target = target
        self._delay_s = delay_s
        self._under_way: deque[tuple[float, bytes]] = deque()  # (when to hand on, bytes); empty bytes are the end
        self._has_some = threading.Semaphore(0)

    def start(self) -> None:
        for work in (self._read, self._write):
            threading.Thread(target=work, daemon=True).start()

    def _read(self) -> None:
        data = b"first"
        while data:
            try:
                data = self._source.recv(READ_BYTES)
            except OSError:
                data = b""
            self._under_way.append((time.monotonic() + self._delay_s, data))
            self._has_some.release()

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


def serve(listener: socket.socket, target: tuple[str, int], delay_s: float) -> None:
    while True:
        client, _ = listener.accept()
        broker = socket.create_connection(target)
        for end in (client, broker):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        DelayedDirection(client, broker, delay_s).start()
        DelayedDirection(broker, client, delay_s).start()


def main() -> None:
    host, _, port = sys.argv[1].rpartition(":")
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=serve, args=(listener, (host, int(port)), float(sys.argv[2]) / 1000), daemon=True).start()
    print(f"127.0.0.1:{listener.getsockname()[1]}", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
