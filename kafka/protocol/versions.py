"""Which version of a request a broker and this library share, and which release of Kafka a broker's ranges tell.

Imported by: client, producer, testing.  Imports: errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kafka.errors import UnsupportedVersionError

PRODUCE, FETCH, LIST_OFFSETS, METADATA, OFFSET_FETCH, FIND_COORDINATOR, SASL_HANDSHAKE, API_VERSIONS = 0, 1, 2, 3, 9, 10, 17, 18
INIT_PRODUCER_ID, ADD_PARTITIONS_TO_TXN, ADD_OFFSETS_TO_TXN, END_TXN, TXN_OFFSET_COMMIT = 22, 24, 25, 26, 28
DESCRIBE_LOG_DIRS, SASL_AUTHENTICATE = 35, 36

FIRST_PRODUCE_WITH_MAGIC_2 = 3


# One column for each API that a producer uses, and for those by which releases are told apart.
_COLUMNS = (
    PRODUCE, FETCH, LIST_OFFSETS, METADATA, OFFSET_FETCH, FIND_COORDINATOR, SASL_HANDSHAKE, API_VERSIONS, INIT_PRODUCER_ID,
    ADD_PARTITIONS_TO_TXN, ADD_OFFSETS_TO_TXN, END_TXN, TXN_OFFSET_COMMIT, DESCRIBE_LOG_DIRS, SASL_AUTHENTICATE,
)  # fmt: skip
__ = -1  # the release does not have it
_HIGHEST = {
    (0, 8, 0):  ( 0,  0,  0,  0, __, __, __, __, __, __, __, __, __, __, __),
    (0, 8, 1):  ( 0,  0,  0,  0,  0, __, __, __, __, __, __, __, __, __, __),
    (0, 8, 2):  ( 0,  0,  0,  0,  1,  0, __, __, __, __, __, __, __, __, __),
    (0, 9):     ( 1,  1,  0,  0,  1,  0, __, __, __, __, __, __, __, __, __),
    (0, 10, 0): ( 2,  2,  0,  1,  1,  0,  0,  0, __, __, __, __, __, __, __),
    (0, 10, 1): ( 2,  3,  1,  2,  1,  0,  0,  0, __, __, __, __, __, __, __),
    (0, 10, 2): ( 2,  3,  1,  2,  2,  0,  0,  0, __, __, __, __, __, __, __),
    (0, 11):    ( 3,  5,  2,  4,  3,  1,  0,  1,  0,  0,  0,  0,  0, __, __),
    (1, 0):     ( 5,  6,  2,  5,  3,  1,  1,  1,  0,  0,  0,  0,  0,  0,  0),
    (1, 1):     ( 5,  7,  2,  5,  3,  1,  1,  1,  0,  0,  0,  0,  0,  0,  0),
    (2, 0):     ( 6,  8,  3,  6,  4,  2,  1,  2,  1,  1,  1,  1,  1,  1,  0),
    (2, 1):     ( 7, 10,  4,  7,  5,  2,  1,  2,  1,  1,  1,  1,  2,  1,  0),
    (2, 2):     ( 7, 10,  5,  7,  5,  2,  1,  2,  1,  1,  1,  1,  2,  1,  1),
    (2, 3):     ( 7, 11,  5,  8,  5,  2,  1,  2,  1,  1,  1,  1,  2,  1,  1),
    (2, 4):     ( 8, 11,  5,  9,  6,  3,  1,  3,  2,  1,  1,  1,  2,  1,  1),
    (2, 5):     ( 8, 11,  5,  9,  7,  3,  1,  3,  3,  1,  1,  1,  3,  1,  2),
    (2, 6):     ( 8, 11,  5,  9,  7,  3,  1,  3,  3,  1,  1,  1,  3,  2,  2),
    (2, 7):     ( 8, 12,  5,  9,  7,  3,  1,  3,  4,  2,  2,  2,  3,  2,  2),
    (2, 8):     ( 9, 12,  6, 11,  7,  3,  1,  3,  4,  3,  3,  3,  3,  2,  2),
    (3, 0):     ( 9, 12,  7, 11,  8,  4,  1,  3,  4,  3,  3,  3,  3,  2,  2),
    (3, 1):     ( 9, 13,  7, 12,  8,  4,  1,  3,  4,  3,  3,  3,  3,  2,  2),
    (3, 2):     ( 9, 13,  7, 12,  8,  4,  1,  3,  4,  3,  3,  3,  3,  3,  2),
    (3, 3):     ( 9, 13,  7, 12,  8,  4,  1,  3,  4,  3,  3,  3,  3,  4,  2),
    (3, 4):     ( 9, 13,  7, 12,  8,  4,  1,  3,  4,  3,  3,  3,  3,  4,  2),
    (3, 5):     ( 9, 15,  8, 12,  8,  4,  1,  3,  4,  3,  3,  3,  3,  4,  2),
    (3, 6):     ( 9, 15,  8, 12,  8,  4,  1,  3,  4,  4,  3,  3,  3,  4,  2),
    (3, 7):     (10, 16,  8, 12,  9,  4,  1,  3,  4,  4,  3,  3,  3,  4,  2),
    (3, 8):     (11, 16,  8, 12,  9,  5,  1,  3,  5,  5,  4,  4,  4,  4,  2),
    (3, 9):     (11, 17,  9, 12,  9,  6,  1,  4,  5,  5,  4,  4,  4,  4,  2),
    (4, 0):     (12, 17, 10, 13,  9,  6,  1,  4,  5,  5,  4,  5,  5,  4,  2),
    (4, 1):     (13, 18, 10, 13,  9,  6,  1,  4,  5,  5,  4,  5,  5,  4,  2),
    (4, 2):     (13, 18, 11, 13, 10,  6,  1,  4,  5,  5,  4,  5,  5,  4,  2),
    (4, 3):     (13, 18, 11, 13, 10,  6,  1,  4,  5,  5,  4,  5,  5,  5,  2),
    (4, 4):     (13, 18, 11, 13, 10,  6,  1,  5,  5,  5,  4,  5,  6,  5,  2),
}  # fmt: skip

RELEASES: dict[tuple[int, ...], dict[int, int]] = {
    release: {api_key: highest for api_key, highest in zip(_COLUMNS, row) if highest != __} for release, row in _HIGHEST.items()
}
"""Kafka's releases, oldest first, and the highest versions that their brokers list; 3.3 and 3.4 list the same."""


class ApiVersionTable:
    """What one broker speaks: api key -> (lowest, highest) version.

    Threads: any; not changed after construction.
    """

    def __init__(self, ranges: Mapping[int, tuple[int, int]], finalized_features: Mapping[str, int] | None = None) -> None:
        self.ranges = dict(ranges)
        self.finalized_features = dict(finalized_features or {})
        if API_VERSIONS in self.ranges and self.ranges.get(PRODUCE, (0, 0))[1] >= _PRODUCE_OF_4_0:
            # 4.x names Produce 0 to 2 for the sake of old clients and refuses them (KAFKA-18659).
            lowest, highest = self.ranges[PRODUCE]
            self.ranges[PRODUCE] = (max(lowest, FIRST_PRODUCE_WITH_MAGIC_2), highest)

    def choose(self, request_class: Any, cap: int | None = None) -> int:
        """The newest version that both sides know, at most `cap`; UnsupportedVersionError says why there is none."""
        ours_low, ours_high = request_class.VALID_VERSIONS
        known = self.ranges.get(request_class.API_KEY)
        if known is None:
            raise UnsupportedVersionError(f"The broker does not know {request_class.__name__}")
        if request_class.NEWEST_ASKED is not None:
            ours_high = request_class.NEWEST_ASKED
        low, high = max(ours_low, known[0]), min(ours_high, known[1])
        if cap is not None:
            high = min(high, cap)
        if high < low:
            capped = f", and api_version allows {cap} at most" if cap is not None else ""
            raise UnsupportedVersionError(
                f"{request_class.__name__}: the broker takes versions {known[0]} to {known[1]}, this library speaks {ours_low} to {ours_high}{capped}"
            )
        return int(high)

    def __repr__(self) -> str:
        return f"ApiVersionTable({self.ranges})"


_PRODUCE_OF_4_0 = 12


def newest_release(table: ApiVersionTable) -> tuple[int, ...]:
    """The newest release whose versions the broker covers; (0, 10, 0) at least, since older ones have no ApiVersions.

    Only APIs that the broker lists are compared: brokers of other make lack some.
    """
    newest: tuple[int, ...] = (0, 10, 0)
    for release, highest in RELEASES.items():
        if PRODUCE in table.ranges and all(table.ranges[key][1] >= highest[key] for key in highest.keys() & table.ranges.keys()):
            newest = max(newest, release)
    return newest


def caps_for(api_version: tuple[int, ...]) -> dict[int, int]:
    """The newest versions that this release allows: of the newest release in the table that is not newer; the oldest one's for older still."""
    known = [release for release in RELEASES if _padded(release) <= _padded(api_version)]
    return dict(RELEASES[known[-1] if known else next(iter(RELEASES))])


def _padded(release: tuple[int, ...]) -> tuple[int, ...]:
    """(0, 10) is (0, 10, 0), the first of its line."""
    return (*release, 0, 0)[:4]
