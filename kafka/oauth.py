"""The interface of token providers for SASL/OAUTHBEARER.

Imported by: sasl, net, applications.  Imports: nothing of ours.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any


class AbstractTokenProvider(ABC):
    """Gives the tokens that a client authenticates with; pass an instance of a subclass as `sasl_oauth_token_provider`.

    Threads: whichever authenticates a connection.
    """

    def __init__(self, **config: Any) -> None:
        """Subclasses take what they need."""
        super().__init__()

    @abstractmethod
    def token(self) -> str:
        """A token that is valid now, in the compact form of RFC 7515; called for each authentication, so keep it while it is valid."""

    def extensions(self) -> dict[str, str]:
        """SASL extensions to send along (KIP-342); none unless overridden."""
        return {}
