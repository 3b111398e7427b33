"""The ZooKeeper that brokers before KRaft need."""

from __future__ import annotations

import socket
import time
from pathlib import Path

from tests.broker import java_programs
from tests.broker.free_ports import free_port
from tests.broker.node_files import write_properties
from tests.broker.processes import Daemon, StartError, growing_delays, wait_until

START_TIMEOUT_S = 30.0
SESSION_END_TIMEOUT_S = 30.0
MAIN = "org.apache.zookeeper.server.quorum.QuorumPeerMain"


class ZooKeeper:
    """One server on a loopback port, started by its constructor.

    Threads: one.
    """

    def __init__(self, version: str, folder: Path) -> None:
        home = folder / "zookeeper"
        home.mkdir()
        self.port = free_port()
        properties = {
            "dataDir": str(home),
            "clientPort": str(self.port),
            "clientPortAddress": "127.0.0.1",
            "tickTime": "1000",  # the shortest session is two of them
            "maxClientCnxns": "0",
            "admin.enableServer": "false",
            "4lw.commands.whitelist": "dump",
        }
        config_file = write_properties(folder / "zookeeper.properties", properties)
        command = java_programs.java_command(version, [MAIN, str(config_file)], scratch=folder)
        self._daemon = Daemon("ZooKeeper", command, folder / "zookeeper.log")
        try:
            self._wait_for_listener()
        except BaseException:
            self.kill()
            raise

    @property
    def pid(self) -> int:
        return self._daemon.pid

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def kill(self) -> None:
        self._daemon.kill()

    def wait_until_forgotten(self, node_id: int) -> None:
        """Return when a dead broker's session has ended: until then newer brokers refuse to start, 0.8's start half."""
        if not wait_until(lambda: f"/brokers/ids/{node_id}\n" not in self._dump(), timeout_s=SESSION_END_TIMEOUT_S):
            raise StartError(f"ZooKeeper still knows broker {node_id}, {SESSION_END_TIMEOUT_S} s after its end")

    def _dump(self) -> str:
        """Every session with the paths that it holds."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5.0) as connection:
            connection.sendall(b"dump")
            parts = []
            while part := connection.recv(65536):
                parts.append(part)
        return b"".join(parts).decode()

    def _wait_for_listener(self) -> None:
        deadline_s = time.monotonic() + START_TIMEOUT_S
        for delay_s in growing_delays():
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1.0).close()
            except OSError:
                if not self._daemon.is_running:
                    raise self._daemon.start_error("ended instead of listening") from None
                if time.monotonic() > deadline_s:
                    raise self._daemon.start_error(f"does not listen after {START_TIMEOUT_S} s") from None
                time.sleep(delay_s)
            else:
                return
