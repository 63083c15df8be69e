"""The pretended account: its number, and clients that reach its services without a socket."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.request import Request
from werkzeug.test import run_wsgi_app

Application = Callable[..., Any]


class _Body:
    """The part of urllib3's response that botocore reads."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, **_options: object) -> Any:
        yield self._content
        self._content = b""

    def read(self, _size: int | None = None) -> bytes:
        content, self._content = self._content, b""
        return content


class Account:
    """Number `id` and clients of every service, region by region.

    `closing` is set when the account goes, so that whoever waits in it stops waiting. `furnished` names
    what was completed as AWS makes it.

    The clients are the ones that a resource handler or the scheduler calls, as CloudFormation and
    ECS call other services: through their API, serialized and parsed, only not over a socket.
    """

    def __init__(self, application: Application, *, account_id: str = DEFAULT_ACCOUNT_ID) -> None:
        self.id = account_id
        self._application = application
        self._session = boto3.Session(
            aws_access_key_id="rehearsal",
            aws_secret_access_key="rehearsal",  # noqa: S106 - not a secret
        )
        self._lock = threading.Lock()
        self.closing = threading.Event()
        self.furnished: set[str] = set()
        self._cached = functools.cache(self._client)

    def client(self, service: str, region: str) -> Any:
        """A boto3 client of this account."""
        with self._lock:
            return self._cached(service, region)

    def _client(self, service: str, region: str) -> Any:
        client = self._session.client(
            service,
            region_name=region,
            endpoint_url="http://127.0.0.1",
            config=Config(
                retries={"total_max_attempts": 1},
                parameter_validation=False,
                s3={"addressing_style": "path"},
            ),
        )
        client.meta.events.register("before-send", self._send)
        return client

    def _send(self, request: Any, **_event: object) -> AWSResponse:
        asked = Request.from_primitives(request.method, request.url, request.headers, request.body)
        asked.environ["RAW_URI"] = urlsplit(request.url).path
        body, status, headers = run_wsgi_app(self._application, asked.environ, buffered=True)
        code = int(status.split(" ", 1)[0])
        return AWSResponse(request.url, code, dict(headers), _Body(b"".join(body)))
