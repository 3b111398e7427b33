"""Where kafka-python 2.1 to 2.3 had the interface of token providers.

Imported by: applications.  Imports: oauth.
"""

from __future__ import annotations

from kafka.oauth import AbstractTokenProvider

__all__ = ["AbstractTokenProvider"]
