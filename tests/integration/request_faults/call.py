"""The service and operation of an HTTP request to AWS, as `cloudformation:CreateChangeSet`."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

import botocore.session

_SCOPE = re.compile(r"Credential=[^/\s]*/\d+/[a-z0-9-]+/(?P<service>[a-z0-9-]+)/aws4_request")
_REGISTRY = re.compile(r"/v2/(?:.+/(?P<part>manifests|blobs/uploads|blobs)(?:/[^/]*)?)?$")
IGNORED = {"x-id"}  # repeats the operation


def name_of(method: str, target: str, headers: Mapping[str, str], body: bytes) -> str:
    """Returns service and operation of a request; header names are in lower case."""
    parts, scope = urlsplit(target), _SCOPE.search(headers.get("authorization", ""))
    if scope is None:
        match = _REGISTRY.match(parts.path)
        return f"registry:{method} {(match['part'] or 'base') if match else parts.path}"
    return f"{scope['service']}:{_operation(scope['service'], method, target, headers, body)}"


def _operation(service: str, method: str, target: str, headers: Mapping[str, str], body: bytes) -> str:
    parts = urlsplit(target)
    if "x-amz-target" in headers:
        return headers["x-amz-target"].rpartition(".")[2]
    if "/operation/" in parts.path:
        return parts.path.rpartition("/")[2]
    actions = parse_qs(body.decode(errors="replace")).get("Action") if service != "s3" else None
    return actions[0] if actions else _of_path(method, parts.path, parts.query)


def _of_path(method: str, path: str, query: str) -> str:
    """Returns the operation of S3 of that method and path whose markers are in the query."""
    has_key = path.strip("/").count("/") > 0
    keys = set(parse_qs(query, keep_blank_values=True)) - IGNORED
    matching = [row for row in _s3_operations() if row[:2] == (method, has_key) and row[2] <= keys]
    return max(matching, key=lambda row: len(row[2]))[3] if matching else f"{method} {path}"


@functools.cache
def _s3_operations() -> list[tuple[str, bool, set[str], str]]:
    """Returns method, whether the path has a key, markers in the query, and name of every operation of S3."""
    model = botocore.session.get_session().get_service_model("s3")
    rows = []
    for name in (name for name in model.operation_names if "Copy" not in name):  # copies differ by a header only
        http = model.operation_model(name).http
        path, _, query = http["requestUri"].partition("?")
        markers = set(parse_qs(query, keep_blank_values=True)) - IGNORED
        rows.append((http["method"], "{Key" in path, markers, name))
    return rows
