"""Authenticates a request and returns the service's own AccessDenied.

A request that is signed with a key which STS or IAM of the account issued comes from the principal it was
issued to. The administrator has one key, or every other key if the account has no administrator's key.
Signatures are not verified: the key ID alone is the secret.
Sources: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html and
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from xml.sax.saxutils import escape

from botocore.exceptions import UnknownServiceError
from werkzeug.wrappers import Request, Response

from preflight.aws import partitions
from preflight.rehearsal import acting, protocol
from preflight.rehearsal.account import Account
from preflight.rehearsal.iam.actions import parsing, s3
from preflight.rehearsal.iam.actions.s3 import S3Request
from preflight.rehearsal.iam.authorization import Authorizer
from preflight.rehearsal.iam.principals import INVALID, Principals
from preflight.rehearsal.identity import Principal
from preflight.rehearsal.protocol import Refusal

_SIGNED = re.compile(
    r"(?:Credential=|^)(?P<key>[^/\s]*)/\d+/(?P<region>[a-z0-9-]+)/(?P<service>[a-z0-9-]+)/aws4_request"
)
BY_TOKEN = ("AssumeRoleWithWebIdentity", "AssumeRoleWithSAML")  # unsigned calls
GLOBAL = "us-east-1"
UNKNOWN_KEY = Refusal("InvalidClientTokenId", INVALID, status=403)
NOT_AUTHORIZED = "You are not authorized to perform this operation. "
S3_EXPIRED = "The provided token has expired."
_EXPIRED: Mapping[str, tuple[str, int]] = {
    "ec2": ("RequestExpired", 400),
    "json": ("ExpiredTokenException", 400),
    "rest-json": ("ExpiredTokenException", 403),
    protocol.CBOR: ("ExpiredTokenException", 400),
}
_DENIED: Mapping[str, tuple[str, int]] = {
    "ec2": ("UnauthorizedOperation", 403),
    "json": ("AccessDeniedException", 400),
    "rest-json": ("AccessDeniedException", 403),
    protocol.CBOR: ("AccessDeniedException", 400),
}


@dataclass(frozen=True)
class SignedScope:
    """The access key, the region and the service (by its signing name) of a signature."""

    key: str
    region: str
    service: str


def scope(request: Request) -> SignedScope | None:
    """Returns the scope of a request's signature, in a header or in the query; None if it is not signed."""
    signed = request.headers.get("Authorization") or request.args.get("X-Amz-Credential", "")
    match = _SIGNED.search(signed)
    if match:
        return SignedScope(match["key"], match["region"], match["service"])
    if is_form(request) and request.path == "/" and request.form.get("Action") in BY_TOKEN:
        return SignedScope("", GLOBAL, "sts")
    return None


def is_form(request: Request) -> bool:
    """Whether the input of a request is a form."""
    return bool(request.mimetype == "application/x-www-form-urlencoded")


class RequestDeniedError(Exception):
    """A denied request, and the answer to it."""

    def __init__(self, answer: Response) -> None:
        super().__init__()
        self.answer = answer


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
            raise RequestDeniedError(_stale(signed.service, request, refusal)) from None
        return principal

    def _check(self, who: Principal, request: Request, signed: SignedScope) -> None:
        targets = parsing.targets(signed.service, signed.region, self._account.id, request)
        denials = list(self._gate.denials(who, targets, signed.region))
        if denials:
            raise RequestDeniedError(_denied(signed, request, denials))


def _denied(signed: SignedScope, request: Request, denials: list[str]) -> Response:
    if signed.service == "s3":
        return _denied_by_s3(parsing.of_s3(signed.region, request), denials)
    style = _style(signed.service)
    code, status = _DENIED.get(style, ("AccessDenied", 403))
    message = (NOT_AUTHORIZED if style == "ec2" else "") + denials[0]
    return refuse(signed.service, request, Refusal(code, message, status=status))


def _style(service: str) -> str:
    """Returns the protocol of a service; JSON if the service is unknown."""
    try:
        return protocol.spoken(protocol.model_of(protocol.SIGNED.get(service, service)))
    except (UnknownServiceError, KeyError):
        return "json"


def refuse(service: str, request: Request, refusal: Refusal) -> Response:
    """Returns a refusal in the protocol of a service, or as text if the service is unknown here."""
    try:
        model = protocol.model_of(protocol.SIGNED.get(service, service))
    except (UnknownServiceError, KeyError):
        return Response(refusal.message, status=refusal.status, content_type="text/plain")
    return protocol.refuse(model, protocol.operation_name(request), refusal)


def _stale(service: str, request: Request, refusal: Refusal) -> Response:
    """The refusal of a key that is good no longer, in the words of its service."""
    if service == "s3":
        is_expired = refusal.code == "ExpiredToken"
        return _s3_error(400 if is_expired else 403, refusal.code, S3_EXPIRED if is_expired else refusal.message)
    if refusal.code != "ExpiredToken":
        return refuse(service, request, refusal)
    code, status = _EXPIRED.get(_style(service), ("ExpiredToken", 403))
    return refuse(service, request, Refusal(code, refusal.message, status=status))


def _denied_by_s3(request: S3Request, denials: list[str]) -> Response:
    """S3's denial; of a request that deletes several objects one for each of them.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html.
    """
    if not request.is_batch:
        return _s3_error(403, "AccessDenied", denials[0])
    keys = map(escape, s3.keys_in(request.body))
    detail = f"<Code>AccessDenied</Code><Message>{escape(denials[0])}</Message>"
    errors = "".join(f"<Error><Key>{key}</Key>{detail}</Error>" for key in keys)
    return _xml(200, f'<DeleteResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{errors}</DeleteResult>')


def _s3_error(status: int, code: str, message: str) -> Response:
    return _xml(status, f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>")


def _xml(status: int, body: str) -> Response:
    return Response(f'<?xml version="1.0" encoding="UTF-8"?>\n{body}', status=status, content_type="application/xml")
