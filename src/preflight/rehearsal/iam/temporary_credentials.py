"""Temporary credentials that STS of the account has issued.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp.html.
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from preflight.rehearsal import protocol
from preflight.rehearsal.identity import Principal

_LETTERS = string.ascii_uppercase + "234567"
Clock = Callable[[], datetime]


@dataclass(frozen=True)
class RoleSession:
    """One set of credentials, and whose they are."""

    key: str
    secret: str
    token: str
    expires: datetime
    identity: Principal | None

    def shown(self) -> Mapping[str, Any]:
        """The credentials as STS answers them."""
        return {
            "AccessKeyId": self.key,
            "SecretAccessKey": self.secret,
            "SessionToken": self.token,
            "Expiration": self.expires,
        }


class TemporaryCredentials:
    """The credentials that are out, by access key; `clock` says what time it is."""

    def __init__(self, clock: Clock = protocol.utc_now) -> None:
        self.clock = clock
        self._all: dict[str, RoleSession] = {}

    def issue(self, identity: Principal | None, *, seconds: float) -> RoleSession:
        """Credentials for `identity`, None for the administrator, that are good for so many seconds."""
        key = "ASIA" + "".join(secrets.choice(_LETTERS) for _ in range(16))
        expires = self.clock() + timedelta(seconds=seconds)
        session = RoleSession(key, secrets.token_urlsafe(30), secrets.token_urlsafe(120), expires, identity)
        self._all[key] = session
        return session

    def find(self, key: str) -> RoleSession | None:
        """The session of an access key, also one that has expired."""
        return self._all.get(key)

    def is_over(self, session: RoleSession) -> bool:
        """Whether its credentials have expired."""
        return self.clock() >= session.expires
