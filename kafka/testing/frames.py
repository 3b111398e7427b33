"""How requests are found in what a client sends, each copied once.

Imported by: testing.connection.  Imports: protocol.
"""

from __future__ import annotations

import struct
from typing import Union

from kafka.protocol.primitives import ProtocolDecodeError

Buffer = Union[bytes, bytearray, memoryview]

_SIZE = struct.Struct(">i")


class FrameReader:
    """Cuts a stream of bytes into frames.

    Threads: one.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._size = bytearray()  # of the frame that is coming, as far as it has come
        self._frame: bytearray | None = None  # that frame, with room for all of it
        self._filled_bytes = 0

    @property
    def partial_bytes(self) -> int:
        """How much has come of a frame that is not whole, its size included."""
        return len(self._size) + self._filled_bytes

    def start(self, max_bytes: int) -> memoryview:
        """The beginning of a frame that is not whole, without its size."""
        return memoryview(self._frame or b"")[: min(self._filled_bytes, max_bytes)]

    def feed(self, received: Buffer) -> list[Buffer]:
        """The frames, without their sizes, that are whole now; ProtocolDecodeError for a size that cannot be."""
        view = memoryview(received)
        end = len(view)
        frames: list[Buffer] = []
        position = 0
        while position < end:
            if self._frame is None:
                if not self._size and end - position >= _SIZE.size:
                    (size,) = _SIZE.unpack_from(view, position)
                    self._check(size)
                    behind = position + _SIZE.size + size
                    if behind <= end:
                        frames.append(bytes(view[position + _SIZE.size : behind]))
                        position = behind
                        continue
                position = self._begin(view, position)
            else:
                position = self._fill(view, position)
            if self._frame is not None and self._filled_bytes == len(self._frame):
                frames.append(self._frame)
                self._frame, self._filled_bytes = None, 0
                self._size.clear()
        return frames

    def _begin(self, view: memoryview, position: int) -> int:
        missing = _SIZE.size - len(self._size)
        self._size += view[position : position + missing]
        if len(self._size) == _SIZE.size:
            (size,) = _SIZE.unpack(self._size)
            self._check(size)
            self._frame = bytearray(size)
        return min(position + missing, len(view))

    def _fill(self, view: memoryview, position: int) -> int:
        frame, filled = self._frame, self._filled_bytes
        if frame is None:
            return position
        taken = min(len(frame) - filled, len(view) - position)
        frame[filled : filled + taken] = view[position : position + taken]
        self._filled_bytes += taken
        return position + taken

    def _check(self, size: int) -> None:
        if not 0 <= size <= self._max_bytes:
            raise ProtocolDecodeError(f"A frame of {size} bytes was announced, and at most {self._max_bytes} are taken")
