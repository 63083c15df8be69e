"""Reads of an HTTP request what it asks for."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote

from botocore.exceptions import UnknownServiceError
from werkzeug.wrappers import Request  # noqa: TC002 - as everywhere here

from preflight.aws import partitions
from preflight.rehearsal import protocol
from preflight.rehearsal.iam.actions import catalog, s3
from preflight.rehearsal.iam.actions.request import ApiRequest, RequiredPermission
from preflight.rehearsal.iam.actions.s3 import S3Request
from preflight.rehearsal.protocol import Refusal


def api_request(service: str, region: str, account: str, request: Request) -> ApiRequest:
    """The call that a request makes; without input where that cannot be read."""
    name = protocol.operation_name(request) or protocol.routed(protocol.SIGNED.get(service, service), request)[0]
    try:
        parameters = protocol.parse(protocol.SIGNED.get(service, service), region, request).parameters
    except (Refusal, UnknownServiceError, KeyError):
        parameters = {}
    return ApiRequest(catalog.prefix_of(service), region, account, name, parameters)


def of_s3(region: str, request: Request) -> S3Request:
    """A request to S3; the bucket is the first part of the path, as loopback has no names for buckets."""
    bucket, _, key = unquote(request.path).lstrip("/").partition("/")
    return S3Request(
        partitions.partition_of(region)[0],
        request.method,
        bucket,
        key,
        {name: str(request.args[name]) for name in request.args},
        {name.lower(): value for name, value in request.headers.items()},
        b"" if is_stream("s3", request) else request.get_data(),
    )


def is_stream(service: str, request: Request) -> bool:
    """Whether the body is an object of S3, of which IAM sees nothing and which may be long."""
    return service == "s3" and "/" in request.path.strip("/")


def targets(service: str, region: str, account: str, request: Request) -> Iterator[RequiredPermission]:
    """What a request asks for."""
    if service == "s3":
        yield from s3.targets(of_s3(region, request))
    else:
        yield from catalog.targets(api_request(service, region, account, request))
