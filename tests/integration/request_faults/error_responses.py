"""The error responses of AWS services, each in its own words and protocol, which a proxy sends in their place.

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
class ErrorResponse:
    """An HTTP response."""

    status: int
    content_type: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


def throttled(service: str) -> ErrorResponse:
    """Returns the response to too many requests."""
    return _response(service, THROTTLED.get(service, ("ThrottlingException", 400, "Rate exceeded")))


def broken(service: str) -> ErrorResponse:
    """Returns the response of a service that broke."""
    return _response(service, BROKEN.get(service, ("InternalFailure", 500, "The request processing has failed.")))


def expired(service: str) -> ErrorResponse:
    """Returns the response to expired credentials."""
    usual = ("ExpiredTokenException", 400, "The security token included in the request is expired")
    return _response(service, EXPIRED.get(service, usual))


def _response(service: str, words: tuple[str, int, str]) -> ErrorResponse:
    code, status, message = words
    elements = f"<Code>{code}</Code><Message>{message}</Message>"
    if service == "s3":
        return ErrorResponse(status, "application/xml", f"<Error>{elements}<RequestId>0</RequestId></Error>".encode())
    if service == "ec2":
        body = f"<Response><Errors><Error>{elements}</Error></Errors><RequestID>0</RequestID></Response>"
        return ErrorResponse(status, "text/xml", body.encode())
    if service in QUERY:
        body = f"<ErrorResponse><Error><Type>Sender</Type>{elements}</Error><RequestId>0</RequestId></ErrorResponse>"
        return ErrorResponse(status, "text/xml", body.encode())
    if service == "registry":
        body = json.dumps({"errors": [{"code": code, "message": message}]})
        return ErrorResponse(status, "application/json", body.encode())
    if service == "tagging":
        body_map = b"\xa2" + _cbor("__type") + _cbor(code) + _cbor("message") + _cbor(message)
        return ErrorResponse(status, "application/cbor", body_map, (("smithy-protocol", "rpc-v2-cbor"),))
    body = json.dumps({"__type": code, "message": message})
    return ErrorResponse(status, "application/x-amz-json-1.1", body.encode())


def _cbor(text: str) -> bytes:
    """Returns a text of at most 255 bytes, as https://www.rfc-editor.org/rfc/rfc8949 writes it."""
    return b"\x78" + bytes([len(text)]) + text.encode()
