"""What one HTTP request to AWS asks for: service and operation, as `cloudformation:CreateChangeSet`."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

import botocore.session

_SCOPE = re.compile(r"Credential=[^/\s]*/\d+/[a-z0-9-]+/(?P<service>[a-z0-9-]+)/aws4_request")
_REGISTRY = re.compile(r"/v2/(?:.+/(?P<part>manifests|blobs/uploads|blobs)(?:/[^/]*)?)?$")
IGNORED = {"x-id"}  # tells the operation once more


def of(method: str, target: str, headers: Mapping[str, str], body: bytes) -> str:
    """The name of what a request asks for; header names are in lower case."""
    parts, scope = urlsplit(target), _SCOPE.search(headers.get("authorization", ""))
    if scope is None:
        found = _REGISTRY.match(parts.path)
        return f"registry:{method} {(found['part'] or 'base') if found else parts.path}"
    return f"{scope['service']}:{_operation(scope['service'], method, target, headers, body)}"


def _operation(service: str, method: str, target: str, headers: Mapping[str, str], body: bytes) -> str:
    parts = urlsplit(target)
    if "x-amz-target" in headers:
        return headers["x-amz-target"].rpartition(".")[2]
    if "/operation/" in parts.path:
        return parts.path.rpartition("/")[2]
    named = parse_qs(body.decode(errors="replace")).get("Action") if service != "s3" else None
    return named[0] if named else _of_path(method, parts.path, parts.query)


def _of_path(method: str, path: str, query: str) -> str:
    """The operation of S3: among those of that method and place the one whose markers are in the query."""
    has_key = path.strip("/").count("/") > 0
    given = set(parse_qs(query, keep_blank_values=True)) - IGNORED
    fitting = [one for one in _places() if one[:2] == (method, has_key) and one[2] <= given]
    return max(fitting, key=lambda one: len(one[2]))[3] if fitting else f"{method} {path}"


@functools.cache
def _places() -> list[tuple[str, bool, set[str], str]]:
    """Method, whether an object is meant, markers in the query, and name of every operation of S3."""
    model = botocore.session.get_session().get_service_model("s3")
    found = []
    for name in (name for name in model.operation_names if "Copy" not in name):  # copies differ by a header only
        http = model.operation_model(name).http
        path, _, query = http["requestUri"].partition("?")
        markers = set(parse_qs(query, keep_blank_values=True)) - IGNORED
        found.append((http["method"], "{Key" in path, markers, name))
    return found
