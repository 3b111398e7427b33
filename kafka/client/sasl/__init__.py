"""SASL mechanisms by name: one file each, bytes in and bytes out.

Imported by: client.options, client.handshake, client.client.  Imports: errors, client.sasl.*.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Callable

from kafka.client.sasl.abc import SaslMechanism
from kafka.client.sasl.plain import PlainMechanism
from kafka.errors import KafkaConfigurationError

MECHANISMS: Mapping[str, Callable[[str, str], SaslMechanism]] = {"PLAIN": PlainMechanism}

_NOT_BUILT_YET = frozenset({"GSSAPI", "OAUTHBEARER", "SCRAM-SHA-256", "SCRAM-SHA-512", "AWS_MSK_IAM"})


def require_mechanism(name: str) -> Callable[[str, str], SaslMechanism]:
    """What makes the mechanism from a user name and a password; KafkaConfigurationError where it is not there."""
    if name in MECHANISMS:
        return MECHANISMS[name]
    known = ", ".join(sorted(MECHANISMS))
    if name in _NOT_BUILT_YET:
        raise KafkaConfigurationError(f"sasl_mechanism: {name!r} is not built yet; there is {known}")
    raise KafkaConfigurationError(f"sasl_mechanism: {name!r} is not known; there is {known}")
