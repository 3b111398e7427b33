"""What the releases of Kafka serve: API key -> lowest and highest version, for each release from 0.8.0 on.

The kafka-clients jars' definitions say it for those that have them, the releases' own tables for older ones.
Imported by: testing.{broker,cluster,connection}.  Imports: protocol.versions.
"""

from __future__ import annotations

from collections.abc import Mapping

from kafka.protocol.versions import RELEASES

Release = tuple[int, ...]

NEWEST: Release = max(RELEASES)
FIRST_WITH_KRAFT: Release = (3, 3)
"""Older releases are taken to have ZooKeeper, where the controller alone changes topics."""

_OFFSET_COMMIT, _JOIN_GROUP, _HEARTBEAT, _LEAVE_GROUP, _SYNC_GROUP, _DESCRIBE_GROUPS, _LIST_GROUPS = 8, 11, 12, 13, 14, 15, 16
_CREATE_TOPICS, _DELETE_TOPICS, _OFFSET_FOR_LEADER_EPOCH, _DESCRIBE_CONFIGS, _CREATE_PARTITIONS, _DELETE_GROUPS = 19, 20, 23, 32, 37, 42

# APIs that only consumers and administrators use: since which release which version is the highest.  The others are in RELEASES.
_HIGHEST_SINCE: dict[int, dict[Release, int]] = {
    _OFFSET_COMMIT: {(0, 8, 1): 0, (0, 8, 2): 1, (0, 9): 2, (0, 11): 3, (2, 0): 4, (2, 1): 6, (2, 3): 7, (2, 4): 8, (3, 7): 9, (4, 2): 10},
    _JOIN_GROUP: {(0, 9): 0, (0, 10, 1): 1, (0, 11): 2, (2, 0): 3, (2, 2): 4, (2, 3): 5, (2, 4): 6, (2, 5): 7, (3, 2): 9},
    _HEARTBEAT: {(0, 9): 0, (0, 11): 1, (2, 0): 2, (2, 3): 3, (2, 4): 4},
    _LEAVE_GROUP: {(0, 9): 0, (0, 11): 1, (2, 0): 2, (2, 4): 4, (3, 2): 5},
    _SYNC_GROUP: {(0, 9): 0, (0, 11): 1, (2, 0): 2, (2, 3): 3, (2, 4): 4, (2, 5): 5},
    _DESCRIBE_GROUPS: {(0, 9): 0, (0, 11): 1, (2, 0): 2, (2, 3): 3, (2, 4): 5, (4, 0): 6},
    _LIST_GROUPS: {(0, 9): 0, (0, 11): 1, (2, 0): 2, (2, 4): 3, (2, 6): 4, (3, 8): 5},
    _CREATE_TOPICS: {(0, 10, 1): 0, (0, 10, 2): 1, (0, 11): 2, (2, 0): 3, (2, 4): 5, (2, 7): 6, (2, 8): 7},
    _DELETE_TOPICS: {(0, 10, 1): 0, (0, 11): 1, (2, 0): 2, (2, 1): 3, (2, 4): 4, (2, 7): 5, (2, 8): 6},
    _OFFSET_FOR_LEADER_EPOCH: {(0, 11): 0, (2, 0): 1, (2, 1): 2, (2, 3): 3, (2, 8): 4},
    _DESCRIBE_CONFIGS: {(0, 11): 0, (1, 1): 1, (2, 0): 2, (2, 6): 3, (2, 7): 4},
    _CREATE_PARTITIONS: {(1, 0): 0, (2, 0): 1, (2, 5): 2, (2, 7): 3},
    _DELETE_GROUPS: {(1, 1): 0, (2, 0): 1, (2, 4): 2, (4, 2): 3},
}

_FIRST_WITHOUT_OLD_CLIENTS: Release = (4, 0)
_LOWEST_SINCE_4_0 = {
    1: 4, 2: 1, 8: 2, 9: 1, _CREATE_TOPICS: 2, _DELETE_TOPICS: 1, _OFFSET_FOR_LEADER_EPOCH: 2, _DESCRIBE_CONFIGS: 1,
}  # fmt: skip
"""KIP-896; 0 where nothing stands.  Produce is listed from 0 on, though versions below 3 are refused (KAFKA-18659)."""


def release_of(version: str) -> Release:
    """The release that "2.8", "2.8.2" or "0.10.2.2" belongs to; ValueError for none from 0.8.0 to the newest one known."""
    try:
        number = tuple(int(part) for part in version.split("."))
    except ValueError:
        raise ValueError(f"{version!r} is no version of Kafka") from None
    # (2, 8) for 2.8.2, (0, 10, 2) for 0.10.2.2; 0.9 and 0.11 have one line each
    found = [release for release in RELEASES if number[: len(release)] == release or (*number, 0) == release]
    if not found:
        raise ValueError(f"Kafka {version} is not known; there are {_shown(min(RELEASES))} to {_shown(NEWEST)}")
    return found[0]


def versions_of(release: Release) -> Mapping[int, tuple[int, int]]:
    """{API key: (lowest, highest version)} that a broker of this release takes."""
    highest = dict(RELEASES[release])
    for api_key, since in _HIGHEST_SINCE.items():
        known = [version for first, version in since.items() if first <= release]
        if known:
            highest[api_key] = max(known)
    lowest = _LOWEST_SINCE_4_0 if release >= _FIRST_WITHOUT_OLD_CLIENTS else {}
    return {api_key: (lowest.get(api_key, 0), high) for api_key, high in highest.items()}


def _shown(release: Release) -> str:
    return ".".join(map(str, release))
