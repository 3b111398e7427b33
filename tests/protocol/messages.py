"""Every message that kafka.protocol has, and ways to build them from plain values."""

from __future__ import annotations

from typing import Any

from kafka.protocol.api_versions import ApiVersionsRequest
from kafka.protocol.fetch import FetchRequest
from kafka.protocol.list_offsets import ListOffsetsRequest
from kafka.protocol.metadata import MetadataRequest
from kafka.protocol.produce import ProduceRequest
from kafka.protocol.sasl_authenticate import SaslAuthenticateRequest
from kafka.protocol.sasl_handshake import SaslHandshakeRequest
from kafka.protocol.schema import Field, Message, Request, Struct

REQUESTS: list[type[Request]] = [
    ProduceRequest,
    FetchRequest,
    ListOffsetsRequest,
    MetadataRequest,
    SaslHandshakeRequest,
    ApiVersionsRequest,
    SaslAuthenticateRequest,
]
MESSAGES: list[type[Message]] = [message for request in REQUESTS for message in (request, request.RESPONSE)]
EVERY_VERSION = [(message, version) for message in MESSAGES for version in range(message.VALID_VERSIONS[0], message.VALID_VERSIONS[1] + 1)]
EVERY_VERSION_IDS = [f"{message.__name__}-{version}" for message, version in EVERY_VERSION]


def build(struct_class: type[Struct], values: dict[str, Any]) -> Any:
    """An instance with these values; dicts in it become instances too."""
    return struct_class(**{name: _built(struct_class.FIELDS[name], value) for name, value in values.items()})


def _built(field: Field, value: Any) -> Any:
    if isinstance(value, dict):
        return build(field.element, value)
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [build(field.element, item) for item in value]
    return value
