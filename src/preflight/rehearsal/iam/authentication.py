"""Authenticates a request.

A request that is signed with a key which STS or IAM of the account issued comes from the principal it was
issued to. The administrator has one key, or every other key if the account has no administrator's key.
Signatures are not verified: the key ID alone is the secret.
Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-authentication-methods.html.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from preflight.aws import partitions
from preflight.rehearsal import acting
from preflight.rehearsal.account import Account
from preflight.rehearsal.iam import error_responses
from preflight.rehearsal.iam.actions import parsing
from preflight.rehearsal.iam.authorization import Authorizer
from preflight.rehearsal.iam.error_responses import RequestDeniedError
from preflight.rehearsal.iam.principals import INVALID, Principals
from preflight.rehearsal.identity import Principal
from preflight.rehearsal.protocol import Refusal

if TYPE_CHECKING:
    from werkzeug.wrappers import Request

_SIGNED = re.compile(
    r"(?:Credential=|^)(?P<key>[^/\s]*)/\d+/(?P<region>[a-z0-9-]+)/(?P<service>[a-z0-9-]+)/aws4_request"
)
BY_TOKEN = ("AssumeRoleWithWebIdentity", "AssumeRoleWithSAML")  # unsigned calls
GLOBAL = "us-east-1"
UNKNOWN_KEY = Refusal("InvalidClientTokenId", INVALID, status=403)


@dataclass(frozen=True)
class SignedScope:
    """The access key, the region and the service (by its signing name) of a signature."""

    key: str
    region: str
    service: str


def scope(request: Request) -> SignedScope | None:
    """Returns the scope of a request's signature, in a header or in the query; None if it is not signed."""
    match = _signature(request)
    if match:
        return SignedScope(match["key"], match["region"], match["service"])
    if is_form(request) and request.path == "/" and request.form.get("Action") in BY_TOKEN:
        return SignedScope("", GLOBAL, "sts")
    return None


def signing_key(request: Request) -> str | None:
    """Returns the access key of a request's signature, or None; its body is not read."""
    match = _signature(request)
    return match["key"] if match else None


def _signature(request: Request) -> re.Match[str] | None:
    return _SIGNED.search(request.headers.get("Authorization") or request.args.get("X-Amz-Credential", ""))


def is_form(request: Request) -> bool:
    """Whether the input of a request is a form."""
    return bool(request.mimetype == "application/x-www-form-urlencoded")


class Authenticator:
    """Finds the principal of a request and denies what its policies do not allow."""

    def __init__(self, account: Account, principals: Principals, judge: Authorizer, *, administrator: str | None) -> None:
        self._account = account
        self._administrator = administrator
        self._known = principals
        self._gate = judge

    def authorize(self, request: Request, signed: SignedScope | None) -> Principal | None:
        """Returns the principal of a request, None for the administrator.

        Raises:
            RequestDeniedError: its key is not valid, or its policies do not allow the request.
        """
        who = self._who(request, signed)
        if who is not None and signed is not None:
            self._check(who, request, signed)
        return who

    def _who(self, request: Request, signed: SignedScope | None) -> Principal | None:
        if acting.WSGI_KEY in request.environ:
            session: Principal | None = request.environ[acting.WSGI_KEY]
            return session
        if signed is None or not signed.key:
            return None
        if signed.key == self._administrator:
            return None
        try:
            principal = self._known.of(signed.key, partitions.partition_of(signed.region)[0])
            if principal is None and self._administrator is not None:
                raise UNKNOWN_KEY
        except Refusal as refusal:
            raise RequestDeniedError(error_responses.stale(signed.service, request, refusal)) from None
        return principal

    def _check(self, who: Principal, request: Request, signed: SignedScope) -> None:
        targets = parsing.targets(signed.service, signed.region, self._account.id, request)
        denials = list(self._gate.denials(who, targets, signed.region))
        if denials:
            raise RequestDeniedError(error_responses.denied(signed.service, signed.region, request, denials))
