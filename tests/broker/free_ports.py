"""Ports that stay free while a broker is down.

They lie below the range that the kernel gives to outgoing connections: none of those can take a restarting broker's port.
"""

from __future__ import annotations

import random
import socket

LOWEST, HIGHEST = 15000, 30000

_given_out: set[int] = set()


def free_port() -> int:
    """A loopback port that nobody listens on and that was not given out before in this process."""
    for _ in range(1000):
        port = random.randrange(LOWEST, HIGHEST)
        if port not in _given_out and _can_listen(port):
            _given_out.add(port)
            return port
    raise OSError(f"no free port between {LOWEST} and {HIGHEST}")


def _can_listen(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
