"""The AccessDenied of each service, and the refusal of a key that is not valid, in the service's own form.

Sources: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html and
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html.
"""

from __future__ import annotations

from collections.abc import Mapping
from xml.sax.saxutils import escape

from botocore.exceptions import UnknownServiceError
from werkzeug.wrappers import Request, Response

from preflight.rehearsal import protocol
from preflight.rehearsal.iam.actions import parsing, s3
from preflight.rehearsal.iam.actions.s3 import S3Request
from preflight.rehearsal.protocol import Refusal

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


class RequestDeniedError(Exception):
    """A denied request, and the answer to it."""

    def __init__(self, answer: Response) -> None:
        super().__init__()
        self.answer = answer


def denied(service: str, region: str, request: Request, denials: list[str]) -> Response:
    """Returns the AccessDenied of a service, in its protocol."""
    if service == "s3":
        return _denied_by_s3(parsing.of_s3(region, request), denials)
    style = _style(service)
    code, status = _DENIED.get(style, ("AccessDenied", 403))
    message = (NOT_AUTHORIZED if style == "ec2" else "") + denials[0]
    return refuse(service, request, Refusal(code, message, status=status))


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


def stale(service: str, request: Request, refusal: Refusal) -> Response:
    """Returns the refusal of a key that is no longer valid, in the words of its service."""
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
