"""SASL on the broker's side: who may come in, and by what mechanism.

Imported by: testing, testing.{cluster,connection}.  Imports: testing.sasl.*.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from typing import Callable

from kafka.testing.sasl.abc import ServerMechanism
from kafka.testing.sasl.oauthbearer import AcceptedToken, OAuthBearer, TokenChecker
from kafka.testing.sasl.plain import Plain
from kafka.testing.sasl.scram import LEAST_ITERATIONS, Scram, ScramSecrets

_WITH_PASSWORDS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")


class Sasl:
    """Users, tokens and mechanisms of a cluster.

    Threads: any.
    """

    def __init__(
        self,
        users: Mapping[str, str] | None = None,
        *,
        check_token: TokenChecker | None = None,
        mechanisms: Iterable[str] | None = None,
        session_lifetime_s: float | None = None,
        scram_iterations: int = LEAST_ITERATIONS,
    ) -> None:
        """users: {name: password}, for PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512. check_token: for OAUTHBEARER, called with a token and
        its extensions; AcceptedToken lets it in, None does not. mechanisms: of these, the ones to offer; by default all that users or
        tokens are given for. session_lifetime_s: after how long clients must authenticate again (connections.max.reauth.ms, KIP-368).

        ValueError for a mechanism that does not exist, or that nobody could use.
        """
        self.users = dict(users or {})
        """May be changed at any time; who is in stays in until the session's end."""
        self.session_lifetime_s = session_lifetime_s
        self._secrets = ScramSecrets(scram_iterations)
        self._check_token = check_token
        usable = (*(_WITH_PASSWORDS if self.users else ()), *(("OAUTHBEARER",) if check_token else ()))
        self.mechanisms = usable if mechanisms is None else tuple(mechanisms)
        """Those that are offered, in this order."""
        unusable = [name for name in self.mechanisms if name not in usable]
        if unusable or not self.mechanisms:
            there_is, wanted = ", ".join(usable) or "no mechanism", ", ".join(unusable) or "none"
            raise ValueError(f"With the users and the check_token given there is {there_is}, not {wanted}")

    def __repr__(self) -> str:
        return f"<Sasl {', '.join(self.mechanisms)}, {len(self.users)} users>"

    def mechanism(self, name: str, chance: random.Random) -> ServerMechanism:
        """One authentication by a mechanism that is offered; nonces are drawn from `chance`."""
        makers: dict[str, Callable[[], ServerMechanism]] = {
            "PLAIN": lambda: Plain(self.users),
            "SCRAM-SHA-256": lambda: Scram("sha256", self.users, self._secrets, chance),
            "SCRAM-SHA-512": lambda: Scram("sha512", self.users, self._secrets, chance),
            "OAUTHBEARER": lambda: OAuthBearer(self._check_token),
        }
        return makers[name]()


__all__ = ["AcceptedToken", "Sasl"]
