"""Reads the template of a request: its body, or an object of S3 by URL."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from botocore.exceptions import ClientError

from preflight.model import JsonObject
from preflight.rehearsal.account import Account
from preflight.rehearsal.cloudformation import template_validation
from preflight.templates import template
from preflight.templates.template import UnreadableError

MAX_BODY = 51_200
_DOMAIN = r"(?:s3(?:[.-](?P<region>[a-z0-9-]+))?|s3\.dualstack\.(?P<dual>[a-z0-9-]+))\.amazonaws\.com(?:\.cn)?"
_VIRTUAL = re.compile(rf"^(?P<bucket>[a-z0-9][a-z0-9.-]+?)\.{_DOMAIN}$")
_PATH = re.compile(rf"^{_DOMAIN}$")


def template_body(request: Mapping[str, Any], account: Account, region: str) -> str:
    """Returns the text of the template that a request contains or points to.

    Raises:
        Refusal: there is none, it is too long, or nothing is at the URL.
    """
    body, url = request.get("TemplateBody"), request.get("TemplateURL")
    if body is not None:
        if len(body.encode()) > MAX_BODY:
            msg = (
                f"1 validation error detected: Value '{body[:100]}' at 'templateBody' failed to satisfy "
                f"constraint: Member must have length less than or equal to {MAX_BODY}"
            )
            raise template_validation.refuse(msg)
        return str(body)
    if not url:
        raise template_validation.refuse("Either Template URL or Template Body must be specified.")
    return fetch(url, account, region)


def fetch(url: str, account: Account, region: str) -> str:
    """Returns the text of a template in S3.

    Raises:
        Refusal: the URL is not one of S3, or nothing is there.
    """
    bucket, key = location(url, endpoint=account.address)
    try:
        response = account.client("s3", region).get_object(Bucket=bucket, Key=key)
    except ClientError as error:
        details = error.response["Error"]
        msg = f"S3 error: {details.get('Message', details['Code'])}\nFor more information check http://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html"
        raise template_validation.refuse(msg) from None
    raw: bytes = response["Body"].read()
    if len(raw) > template.MAX_BYTES:
        raise template_validation.refuse(f"Template may not exceed {template.MAX_BYTES} bytes in size.")
    return raw.decode("utf-8", errors="replace")


def location(url: str, *, endpoint: str) -> tuple[str, str]:
    """Returns bucket and key of an S3 URL, virtual-hosted or path style.

    S3 is also at the account's own endpoint, path style: clients build the URL from AWS_ENDPOINT_URL.

    Raises:
        Refusal: it is no such URL.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        raise template_validation.refuse("TemplateURL must be a supported URL.") from None
    is_own = is_below(endpoint, url)
    host, path = (parts.hostname or ""), unquote(parts.path).lstrip("/")
    virtual = _VIRTUAL.match(host) if parts.scheme == "https" else None
    if virtual and path:
        return virtual.group("bucket"), path
    bucket, _, key = path.partition("/")
    if (is_own or (parts.scheme == "https" and _PATH.match(host))) and bucket and key:
        return bucket, key
    raise template_validation.refuse("TemplateURL must be a supported URL.")


def is_below(endpoint: str, url: str) -> bool:
    """Whether a URL is at the account's own endpoint, which clients take for S3's if AWS_ENDPOINT_URL names it."""
    return bool(endpoint) and url.startswith(f"{endpoint}/")


def parse(body: str) -> JsonObject:
    """Returns the template as plain data.

    Raises:
        Refusal: it is no template.
    """
    try:
        return template.parse(body).data
    except UnreadableError as error:
        raise template_validation.refuse(error.reason) from None
