"""The emulated account: its number, and clients that reach its services without a socket."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore import UNSIGNED
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.request import Request
from werkzeug.test import run_wsgi_app

from preflight.rehearsal import acting
from preflight.rehearsal.identity import Principal

Application = Callable[..., Any]
# Returns AWS's sentence if a principal may not call an operation of a service in a region with an input.
Judge = Callable[[Principal, str, str, str, Mapping[str, Any]], str | None]


_session_lock = threading.Lock()


@functools.cache
def _session() -> boto3.Session:
    """Returns the session of every account, which reads the models of services once a process; it is not thread-safe."""
    return boto3.Session(
        aws_access_key_id="rehearsal",
        aws_secret_access_key="rehearsal",  # noqa: S106 - not a secret
    )


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


def _name_scope(model: Any, request: Any, signing_name: str, region_name: str, operation_name: str, **_event: object) -> None:
    """Name the scope of a signature, without the signature, which nothing here verifies."""
    if model.operation_model(operation_name).auth_type != "none":
        scope = f"rehearsal/20000101/{region_name}/{signing_name}/aws4_request"
        request.headers["Authorization"] = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"


class Account:
    """Number `id` and clients of every service, region by region.

    `closing` is set at the end, so that everything that waits in the account stops. `moto_lock` makes
    check-then-act on moto atomic. `completed` names what was completed as AWS makes it. `judge` says
    what a principal may not do. `address` is where clients reach the account.

    Resource handlers and the scheduler use the clients as CloudFormation and ECS call other services:
    through their API, serialized and parsed, only not over a socket.
    """

    def __init__(self, application: Application, *, address: str = "", account_id: str = DEFAULT_ACCOUNT_ID) -> None:
        self.id = account_id
        self.address = address
        self._application = application
        self.closing = threading.Event()
        self.moto_lock = threading.RLock()
        self.completed: set[str] = set()
        self.judge: Judge | None = None
        self._cached = functools.cache(self._client)

    def denial(self, service: str, region: str, operation: str, parameters: Mapping[str, Any]) -> str | None:
        """Returns AWS's sentence if the principal of this thread may not make a call, else None."""
        principal = acting.acting()
        if principal is None or self.judge is None:
            return None
        return self.judge(principal, service, region, operation, parameters)

    def client(self, service: str, region: str) -> Any:
        """Returns a boto3 client of this account."""
        with _session_lock:
            return self._cached(service, region)

    def _client(self, service: str, region: str) -> Any:
        client = _session().client(
            service,
            region_name=region,
            endpoint_url="http://127.0.0.1",
            config=Config(
                signature_version=UNSIGNED,
                retries={"total_max_attempts": 1},
                parameter_validation=False,
                s3={"addressing_style": "path"},
            ),
        )
        client.meta.events.register("before-sign", functools.partial(_name_scope, client.meta.service_model))
        client.meta.events.register("before-send", self._send)
        return client

    def _send(self, request: Any, **_event: object) -> AWSResponse:
        call = Request.from_primitives(request.method, request.url, request.headers, request.body)
        call.environ["RAW_URI"] = urlsplit(request.url).path
        call.environ[acting.WSGI_KEY] = acting.acting()
        body, status, headers = run_wsgi_app(self._application, call.environ, buffered=True)
        code = int(status.split(" ", 1)[0])
        return AWSResponse(request.url, code, dict(headers), _Body(b"".join(body)))
