"""A TCP proxy before each broker, which hands bytes on after a delay and cuts every connection when it is told to."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
import time
from collections.abc import Mapping
from types import TracebackType

READ_BYTES = 1 << 16
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: what is unsent is dropped, and the peer gets a reset


class Proxies:
    """Listens on each port of `targets` and forwards to the port that it maps to, all on 127.0.0.1.

    Threads: one of its own; every method any.
    """

    def __init__(self, targets: Mapping[int, int], *, delay_s: float = 0.0) -> None:
        self._targets = targets
        self._delay_s = delay_s
        self._loop = asyncio.new_event_loop()
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._servers: list[asyncio.AbstractServer] = []
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxies")

    def __enter__(self) -> Proxies:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def cut(self) -> None:
        """Reset every connection; returns when it is done."""
        asyncio.run_coroutine_threadsafe(self._cut(), self._loop).result(10)

    async def _cut(self) -> None:
        for writer in tuple(self._writers):
            _reset(writer)

    async def _listen(self) -> None:
        for port, target in self._targets.items():

            async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: int = target) -> None:
                await self._serve(reader, writer, target)

            self._servers.append(await asyncio.start_server(accept, "127.0.0.1", port))

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        await self._cut()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: int) -> None:
        try:
            broker_reader, broker_writer = await asyncio.open_connection("127.0.0.1", target)
        except OSError:
            _reset(writer)
            return
        self._writers |= {writer, broker_writer}
        for source, sink in ((reader, broker_writer), (broker_reader, writer)):
            task = self._loop.create_task(self._forward(source, sink))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _forward(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        """One direction, to its end: whichever end goes, so does the other."""
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        handing_on = self._loop.create_task(self._hand_on(under_way, sink))
        data = b"first"
        try:
            while data:
                try:
                    data = await source.read(READ_BYTES)
                except OSError:
                    data = b""
                under_way.put_nowait((time.monotonic() + self._delay_s, data))
            await handing_on
        finally:
            handing_on.cancel()
            self._writers.discard(sink)
            sink.close()

    async def _hand_on(self, under_way: asyncio.Queue[tuple[float, bytes]], sink: asyncio.StreamWriter) -> None:
        while True:
            due_s, data = await under_way.get()
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))
            if not data or sink.is_closing():
                return
            sink.write(data)


def _reset(writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    if connection is not None and connection.fileno() >= 0:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    writer.transport.abort()
