"""How a service refuses, in its own words and its own protocol: what a proxy answers in its place.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html,
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html and CommonErrors of the other services.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

THROTTLED = {
    "s3": ("SlowDown", 503, "Please reduce your request rate."),
    "ec2": ("RequestLimitExceeded", 503, "Request limit exceeded."),
    "cloudformation": ("Throttling", 400, "Rate exceeded"),
    "sts": ("Throttling", 400, "Rate exceeded"),
    "tagging": ("ThrottledException", 400, "Rate exceeded"),
    "registry": ("TOOMANYREQUESTS", 429, "Rate exceeded"),
}
BROKEN = {
    "s3": ("InternalError", 500, "We encountered an internal error. Please try again."),
    "ec2": ("InternalError", 500, "An internal error has occurred"),
    "ecs": ("ServerException", 500, "Service Unavailable. Please try again later."),
    "ecr": ("ServerException", 500, "Service Unavailable. Please try again later."),
    "tagging": ("InternalServiceException", 500, "Internal Server Error"),
    "registry": ("UNKNOWN", 500, "Internal Server Error"),
}
EXPIRED = {
    "s3": ("ExpiredToken", 400, "The provided token has expired."),
    "ec2": ("RequestExpired", 400, "Request has expired."),
    "cloudformation": ("ExpiredToken", 403, "The security token included in the request is expired"),
    "sts": ("ExpiredToken", 403, "The security token included in the request is expired"),
    "registry": ("DENIED", 403, "Your authorization token has expired. Reauthenticate and try again."),
}
QUERY = {"cloudformation", "sts", "elasticloadbalancing", "iam"}


@dataclass(frozen=True)
class Refusal:
    """An HTTP answer."""

    status: int
    kind: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


def throttled(service: str) -> Refusal:
    """The service says that it is asked too often."""
    return _worded(service, THROTTLED.get(service, ("ThrottlingException", 400, "Rate exceeded")))


def broken(service: str) -> Refusal:
    """The service says that it broke."""
    return _worded(service, BROKEN.get(service, ("InternalFailure", 500, "The request processing has failed.")))


def expired(service: str) -> Refusal:
    """The service says that the credentials have expired."""
    usual = ("ExpiredTokenException", 400, "The security token included in the request is expired")
    return _worded(service, EXPIRED.get(service, usual))


def _worded(service: str, words: tuple[str, int, str]) -> Refusal:
    code, status, message = words
    told = f"<Code>{code}</Code><Message>{message}</Message>"
    if service == "s3":
        return Refusal(status, "application/xml", f"<Error>{told}<RequestId>0</RequestId></Error>".encode())
    if service == "ec2":
        body = f"<Response><Errors><Error>{told}</Error></Errors><RequestID>0</RequestID></Response>"
        return Refusal(status, "text/xml", body.encode())
    if service in QUERY:
        body = f"<ErrorResponse><Error><Type>Sender</Type>{told}</Error><RequestId>0</RequestId></ErrorResponse>"
        return Refusal(status, "text/xml", body.encode())
    if service == "registry":
        body = json.dumps({"errors": [{"code": code, "message": message}]})
        return Refusal(status, "application/json", body.encode())
    if service == "tagging":
        body_map = b"\xa2" + _cbor("__type") + _cbor(code) + _cbor("message") + _cbor(message)
        return Refusal(status, "application/cbor", body_map, (("smithy-protocol", "rpc-v2-cbor"),))
    body = json.dumps({"__type": code, "message": message})
    return Refusal(status, "application/x-amz-json-1.1", body.encode())


def _cbor(text: str) -> bytes:
    """A text of at most 255 bytes, as https://www.rfc-editor.org/rfc/rfc8949 writes it."""
    return b"\x78" + bytes([len(text)]) + text.encode()
