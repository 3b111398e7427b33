"""CRC-32C (RFC 3720), by the fastest library that is installed.

Imported by: record.batch_v2, record.reading.  Imports: nothing of ours; crc32c or crcmod.
"""

from __future__ import annotations

import logging
from typing import Any, Protocol, Union

Data = Union[bytes, bytearray, memoryview]


class Checksum(Protocol):
    """Threads: any."""

    def __call__(self, data: Data, crc: int = 0, /) -> int:
        """The checksum of `data`, going on from `crc`."""



log = logging.getLogger(__name__)

_hardware: Any
try:
    import crc32c as _hardware
except ImportError:
    _hardware = None
try:
    import crcmod.predefined as _portable
except ImportError:
    _portable = None


def hardware() -> Checksum | None:
    """The crc32c package, which uses the processor's instruction; None where it is not installed."""
    if _hardware is None:
        return None
    function: Checksum = _hardware.crc32c
    return function


def portable() -> Checksum | None:
    """The crcmod package, which installs anywhere; None where it is not installed."""
    if _portable is None:
        return None
    function: Checksum = _portable.mkCrcFun("crc-32c")
    return function


def is_portable_compiled() -> bool:
    """Whether crcmod was installed with a compiler."""
    try:
        import crcmod._crcfunext as compiled
    except ImportError:
        return False
    return compiled is not None


def _choose() -> tuple[str, Checksum]:
    chosen = hardware()
    if chosen is not None:
        return "crc32c", chosen
    chosen = portable()
    if chosen is None:
        raise ImportError("kafka-producer needs one of the packages crc32c and crcmod")
    if not is_portable_compiled():
        log.warning("CRC-32C is computed in pure Python, at 5 MB/s: crcmod was installed without a compiler (0.33 GB/s with one). pip install crc32c")
    return "crcmod", chosen


implementation, crc32c = _choose()
"""crc32c(data, crc): the checksum of `data`, going on from `crc`, which is 0 at the beginning."""
