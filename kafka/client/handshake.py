"""What a new connection says before it is ready: versions, then who the client is.  Bytes in, bytes out.

Imported by: client.connection.  Imports: client.{inflight,negotiation,sasl}, errors, protocol.
"""

from __future__ import annotations

import re
import struct
from collections import deque
from enum import Enum
from typing import NamedTuple

from kafka.client.inflight import Buffer
from kafka.client.negotiation import legacy_table, request_buffers, response_from
from kafka.client.sasl.abc import SaslMechanism
from kafka.errors import (
    CorrelationIdError,
    KafkaProtocolError,
    SaslAuthenticationFailedError,
    UnsupportedSaslMechanismError,
    UnsupportedVersionError,
    for_code,
)
from kafka.protocol.api_versions import ApiVersionsRequest, ApiVersionsResponse
from kafka.protocol.metadata import MetadataRequest, MetadataResponse
from kafka.protocol.sasl_authenticate import SaslAuthenticateRequest
from kafka.protocol.sasl_handshake import SaslHandshakeRequest
from kafka.protocol.versions import ApiVersionTable
from kafka.version import __version__

SILENCE_S = 0.3
"""After how long without an answer to ApiVersions an old broker is suspected.

0.9 says nothing at all to ApiVersions, yet answers what comes behind it. The question that tells it is sent this late because
to newer brokers it is waste: they answer ApiVersions long before, and under SASL they close connections on it.
"""

KAFKA_0_8_2 = (0, 8, 2)
KAFKA_0_9 = (0, 9)

_TELLING_METADATA = 1  # brokers without ApiVersions answer it as if it were version 0
_FIRST_ASKED = 3  # KIP-511, flexible; every broker since 2.4 answers it at once
_UNSUPPORTED_VERSION = 35
_SOFTWARE_NAME = "kafka-producer"
_SOFTWARE_VERSION = re.sub(r"[^A-Za-z0-9.-]", "-", __version__).strip(".-")  # brokers refuse other characters
_CORRELATION_ID = struct.Struct(">i")
_ERROR_CODE = struct.Struct(">h")
_SIZE = struct.Struct(">i")


class Step(Enum):
    """Questions of the handshake."""

    VERSIONS = "ApiVersions"
    METADATA = "Metadata"
    SASL_HANDSHAKE = "SaslHandshake"
    SASL_AUTHENTICATE = "SaslAuthenticate"
    SASL_TOKEN = "a SASL token"


class Closing(Enum):
    """What it means that the broker closed the connection during the handshake."""

    LOST = "nothing in particular"
    MAYBE_OLD = "0.8.2 closes on ApiVersions, but so does a broker that is being restarted"
    REFUSED = "it closed on credentials"


class Asked(NamedTuple):
    """A question that waits for its answer."""

    step: Step
    correlation_id: int
    version: int


class Handshake:
    """Finds the broker's versions and authenticates; one for each connection made.

    Threads: the I/O thread.
    """

    def __init__(
        self,
        *,
        client_id: str,
        believed: ApiVersionTable | None,
        mechanism: SaslMechanism | None,
        asks_metadata_first: bool,
    ) -> None:
        """`believed`: versions that are known without asking. `asks_metadata_first`: the last connection was closed on ApiVersions."""
        self._client_id = client_id
        self._mechanism = mechanism
        self._asks_metadata_first = asks_metadata_first and mechanism is None
        self._asked: deque[Asked] = deque()
        self._first_refused: int | None = None
        self._asked_again = False
        self._knows_versions = False  # the broker has shown that it is not too old for ApiVersions
        self._sends_tokens_raw = False
        self._is_probing = believed is None
        self.next_correlation_id = 0
        self.table: ApiVersionTable | None = believed
        self.old_release: tuple[int, ...] | None = None
        """The release of a broker too old for ApiVersions, once it is recognised."""
        self.session_lifetime_s: float | None = None
        """After how long the broker wants authentication again (KIP-368)."""
        self.is_authenticating = False
        self.is_done = False

    @property
    def mechanism_name(self) -> str:
        return "" if self._mechanism is None else self._mechanism.name

    def start(self) -> list[Buffer]:
        """What to send first."""
        if not self._is_probing:
            return self._authenticate()
        if self._asks_metadata_first:
            return self._ask_metadata()
        return self._ask_versions(_FIRST_ASKED)

    @property
    def wonders(self) -> bool:
        """Whether on_silence() has something to try."""
        return self._mechanism is None and self._first_refused is None and [asked.step for asked in self._asked] == [Step.VERSIONS]

    def on_silence(self) -> list[Buffer]:
        """ApiVersions has not been answered for SILENCE_S: ask what every release answers."""
        return self._ask_metadata() if self.wonders else []

    def on_closed(self) -> Closing:
        """What it means that the broker has closed the connection now."""
        waiting = [asked.step for asked in self._asked]
        if Step.SASL_AUTHENTICATE in waiting or Step.SASL_TOKEN in waiting:
            return Closing.REFUSED
        if waiting[:1] == [Step.VERSIONS] and self._mechanism is None and self._first_refused is None:
            return Closing.LOST if self._knows_versions else Closing.MAYBE_OLD
        return Closing.LOST

    def receive(self, frame: bytes) -> list[Buffer]:
        """What to send next.  KafkaError where the broker will not have us, or its answer makes no sense."""
        if not self._asked:
            raise CorrelationIdError("An answer came although none was awaited")
        asked = self._asked[0]
        if asked.step is not Step.SASL_TOKEN:
            asked = self._match(frame)
        self._asked.remove(asked)
        if asked.step is Step.VERSIONS:
            return self._on_versions(asked, frame)
        if asked.step is Step.METADATA:
            return self._on_metadata(asked, frame)
        if asked.step is Step.SASL_HANDSHAKE:
            return self._on_sasl_handshake(asked, frame)
        return self._on_challenge(self._token(asked, frame))

    def _match(self, frame: bytes) -> Asked:
        if len(frame) < _CORRELATION_ID.size:
            raise KafkaProtocolError(f"An answer of {len(frame)} bytes came; the broker may not speak Kafka's protocol")
        (correlation_id,) = _CORRELATION_ID.unpack_from(frame)
        first = self._asked[0]
        if correlation_id == first.correlation_id:
            return first
        if first.step is Step.VERSIONS and len(self._asked) > 1 and correlation_id == self._asked[1].correlation_id:
            return self._asked[1]  # 0.9 skipped ApiVersions
        raise CorrelationIdError(f"An answer has correlation id {correlation_id}, expected was {first.correlation_id}")

    # --- versions -----------------------------------------------------------------------------------------------

    def _ask_versions(self, version: int) -> list[Buffer]:
        request = ApiVersionsRequest(client_software_name=_SOFTWARE_NAME, client_software_version=_SOFTWARE_VERSION)
        return self._ask(Step.VERSIONS, request, version)

    def _ask_metadata(self) -> list[Buffer]:
        return self._ask(Step.METADATA, MetadataRequest(topics=[]), _TELLING_METADATA)

    def _on_versions(self, asked: Asked, frame: bytes) -> list[Buffer]:
        if len(frame) < _CORRELATION_ID.size + _ERROR_CODE.size:
            raise KafkaProtocolError(f"The answer to ApiVersions has {len(frame)} bytes; the broker may not speak Kafka's protocol")
        (error_code,) = _ERROR_CODE.unpack_from(frame, _CORRELATION_ID.size)
        if error_code == _UNSUPPORTED_VERSION and asked.version > 0:
            return self._on_version_refused(asked)
        if error_code:
            if self._asked_again:
                return self._on_versions_known()
            raise for_code(error_code)("in the answer to ApiVersions")
        response: ApiVersionsResponse = response_from(ApiVersionsRequest, asked.version, frame)
        self.table = _table_of(response)
        _, newest = self.table.ranges.get(ApiVersionsRequest.API_KEY, (0, 0))
        better = min(newest, ApiVersionsRequest.VALID_VERSIONS[1])
        if asked.version == 0 and self._first_refused is not None and better >= _FIRST_ASKED and not self._asked_again:
            self._asked_again = True  # features are told in later versions only
            return self._ask_versions(better)
        return self._on_versions_known()

    def _on_version_refused(self, asked: Asked) -> list[Buffer]:
        """Nothing but the code is read: what follows it is laid out in one way or another, by the broker's age (KIP-511)."""
        if self._asked_again:
            return self._on_versions_known()
        self._first_refused = asked.version
        return self._ask_versions(0)

    def _on_versions_known(self) -> list[Buffer]:
        if self._asked:
            return []  # the answer to Metadata, asked in doubt, is still to come
        return self._authenticate()

    def _on_metadata(self, asked: Asked, frame: bytes) -> list[Buffer]:
        if self._asked and self._asked[0].correlation_id < asked.correlation_id:
            if not _is_old_answer(frame):
                raise CorrelationIdError("ApiVersions was not answered, but what came behind it was, by a broker that is no old one")
            return self._on_old(KAFKA_0_9)
        if self.table is None and _is_old_answer(frame):
            return self._on_old(KAFKA_0_8_2)
        self._knows_versions = True
        if self._asked:
            return []
        if self.table is None:
            return self._ask_versions(_FIRST_ASKED)
        return self._authenticate()

    def _on_old(self, release: tuple[int, ...]) -> list[Buffer]:
        self._asked.clear()
        self.old_release = release
        self.table = legacy_table(release)
        return self._authenticate()

    # --- authentication -----------------------------------------------------------------------------------------

    def _authenticate(self) -> list[Buffer]:
        if self._mechanism is None:
            self.is_done = True
            return []
        self.is_authenticating = True
        version = self._table().choose(SaslHandshakeRequest)
        return self._ask(Step.SASL_HANDSHAKE, SaslHandshakeRequest(mechanism=self._mechanism.name), version)

    def _on_sasl_handshake(self, asked: Asked, frame: bytes) -> list[Buffer]:
        mechanism = self._the_mechanism()
        response = response_from(SaslHandshakeRequest, asked.version, frame)
        if response.error_code:
            error = for_code(response.error_code)
            offered = ", ".join(response.mechanisms) or "none"
            raise error(f"The broker does not take SASL mechanism {mechanism.name}; it offers: {offered}")
        self._sends_tokens_raw = asked.version == 0
        return self._say(mechanism.first_message())

    def _say(self, message: bytes) -> list[Buffer]:
        if self._sends_tokens_raw:
            self._asked.append(Asked(Step.SASL_TOKEN, -1, 0))
            return [_SIZE.pack(len(message)) + message]
        version = self._table().choose(SaslAuthenticateRequest)
        return self._ask(Step.SASL_AUTHENTICATE, SaslAuthenticateRequest(auth_bytes=message), version)

    def _token(self, asked: Asked, frame: bytes) -> bytes:
        if asked.step is Step.SASL_TOKEN:
            return bytes(frame)
        response = response_from(SaslAuthenticateRequest, asked.version, frame)
        if response.error_code:
            raise for_code(response.error_code)(response.error_message or "the broker gave no reason")
        if response.session_lifetime_ms > 0:
            self.session_lifetime_s = response.session_lifetime_ms / 1000
        return bytes(response.auth_bytes)

    def _on_challenge(self, challenge: bytes) -> list[Buffer]:
        answer = self._the_mechanism().respond(challenge)
        if answer is not None:
            return self._say(answer)
        self.is_done = True
        return []

    # --- asking -------------------------------------------------------------------------------------------------

    def _ask(self, step: Step, request: object, version: int) -> list[Buffer]:
        correlation_id = self.next_correlation_id
        self.next_correlation_id += 1
        self._asked.append(Asked(step, correlation_id, version))
        return request_buffers(request, version, correlation_id, self._client_id)

    def _table(self) -> ApiVersionTable:
        if self.table is None:
            raise UnsupportedVersionError("The broker's versions are not known")
        return self.table

    def _the_mechanism(self) -> SaslMechanism:
        if self._mechanism is None:
            raise UnsupportedSaslMechanismError("No SASL mechanism was chosen")
        return self._mechanism


def _is_old_answer(frame: bytes) -> bool:
    """Whether the answer to Metadata is laid out as version 0 although a newer one was asked for."""
    return _is_exactly(0, frame) and not _is_exactly(_TELLING_METADATA, frame)


def _is_exactly(version: int, frame: bytes) -> bool:
    """Whether the answer is of this version, with nothing behind it."""
    body = bytes(frame[_CORRELATION_ID.size :])
    try:
        return MetadataResponse.decode(version, body).encode(version) == body
    except KafkaProtocolError:
        return False


def refused_without_words(mechanism: str) -> SaslAuthenticationFailedError:
    """Brokers before SaslAuthenticate (KIP-152) close the connection on bad credentials and say nothing."""
    return SaslAuthenticationFailedError(f"The broker closed the connection during {mechanism} authentication: user name or password may be wrong")


def _table_of(response: ApiVersionsResponse) -> ApiVersionTable:
    ranges = {api.api_key: (api.min_version, api.max_version) for api in response.api_keys}
    features = {feature.name: feature.max_version_level for feature in response.finalized_features}
    return ApiVersionTable(ranges, features)
