"""Tokens of OpenID Connect providers: what they claim, and what STS refuses of them. Pure.

Source: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html and
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from preflight.aws.iam_policy_evaluation import Value
from preflight.rehearsal.protocol import Refusal

INVALID = "InvalidIdentityToken"
NO_TOKEN = "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"  # noqa: S105 - a sentence
KEYS = ("sub", "amr", "email")  # claims that are condition keys under their own name


@dataclass(frozen=True)
class Claims:
    """What a token says of itself."""

    issuer: str
    subject: str
    audiences: Sequence[str]
    expires: float
    all: Mapping[str, Any]


def claims(token: str) -> Claims:
    """The claims of a token, taken at their word: its signature is not verified.

    Raises:
        Refusal: it is no token, or lacks a claim.
    """
    read = _payload(token)
    for name in ("iss", "sub", "aud", "exp"):
        if name not in read:
            raise Refusal(INVALID, f"Missing a required claim: {name}")
    if not str(read["iss"]).startswith("https://"):
        raise Refusal(INVALID, "Issuer must be a valid URL")
    audiences = read["aud"] if isinstance(read["aud"], list) else [read["aud"]]
    try:
        expires = float(read["exp"])
    except (TypeError, ValueError, OverflowError):
        raise Refusal(INVALID, NO_TOKEN) from None
    if not math.isfinite(expires):  # it would be good for ever
        raise Refusal(INVALID, NO_TOKEN)
    return Claims(str(read["iss"]), str(read["sub"]), [str(audience) for audience in audiences], expires, read)


def _payload(token: str) -> Mapping[str, Any]:
    _, _, rest = token.strip().partition(".")
    payload, _, signature = rest.partition(".")
    if not signature or "." in signature:
        raise Refusal(INVALID, NO_TOKEN)
    try:
        read = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        raise Refusal(INVALID, NO_TOKEN) from None
    if not isinstance(read, Mapping):
        raise Refusal(INVALID, NO_TOKEN)
    return read


def check(claims: Claims, audiences: Sequence[str] | None, *, now: datetime) -> None:
    """Check a token against the provider of its issuer; `audiences` is None where the account has no such provider.

    Raises:
        Refusal: there is no provider, the token is for another audience, or it has expired.
    """
    if audiences is None:
        raise Refusal(INVALID, f"No OpenIDConnect provider found in your account for {claims.issuer}")
    if not set(claims.audiences) & set(audiences):
        raise Refusal(INVALID, "Incorrect token audience")
    moment = now.replace(tzinfo=timezone.utc).timestamp()
    if moment >= claims.expires:
        msg = f"Token expired: current date/time {int(moment)} must be before the expiration date/time {int(claims.expires)}"
        raise Refusal("ExpiredTokenException", msg)


def context(claims: Claims, provider: str) -> dict[str, Value]:
    """The condition keys of a provider that a token fills; `aud` is the party that the token was issued to."""
    values: dict[str, Value] = {}
    for name in KEYS:
        value = claims.all.get(name)
        if value is not None:
            values[f"{provider}:{name}".lower()] = tuple(map(str, value)) if isinstance(value, list) else str(value)
    own = tuple(claims.audiences) if len(claims.audiences) > 1 else claims.audiences[0]
    party = claims.all.get("azp")
    values[f"{provider}:aud".lower()] = str(party) if party else own
    if party:
        values[f"{provider}:oaud".lower()] = own
    return values
