"""What a client may do (KIP-430), which is everything: there are no ACLs.

Imported by: testing.handlers.  Imports: protocol, testing.releases.
"""

from __future__ import annotations

from kafka.protocol.metadata import NOT_ASKED
from kafka.testing.releases import Release

# Bits, by the numbers of org.apache.kafka.common.acl.AclOperation.
_READ, _WRITE, _CREATE, _DELETE, _ALTER, _DESCRIBE, _CLUSTER_ACTION = 1 << 3, 1 << 4, 1 << 5, 1 << 6, 1 << 7, 1 << 8, 1 << 9
_DESCRIBE_CONFIGS, _ALTER_CONFIGS, _IDEMPOTENT_WRITE = 1 << 10, 1 << 11, 1 << 12
_CONFIGS = _DESCRIBE_CONFIGS | _ALTER_CONFIGS

ON_CLUSTER = _CREATE | _ALTER | _DESCRIBE | _CLUSTER_ACTION | _CONFIGS | _IDEMPOTENT_WRITE
ON_TOPIC = _READ | _WRITE | _CREATE | _DELETE | _ALTER | _DESCRIBE | _CONFIGS
_ON_GROUP = _READ | _DELETE | _DESCRIBE

_FIRST_WITH_CONFIGS_OF_GROUPS: Release = (4, 0)


def on_group(release: Release) -> int:
    """Groups have settings with KIP-848; 3.9 does not tell of them."""
    return _ON_GROUP | _CONFIGS if release >= _FIRST_WITH_CONFIGS_OF_GROUPS else _ON_GROUP


def if_asked(is_asked: bool, operations: int) -> int:
    return operations if is_asked else NOT_ASKED
