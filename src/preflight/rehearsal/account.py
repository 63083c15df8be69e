"""The pretended account: its number, and clients that reach its services without a socket."""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError  # noqa: TC002 - as everywhere here
from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.request import Request
from werkzeug.test import run_wsgi_app

from preflight.rehearsal.identity import Principal

Application = Callable[..., Any]
WHO = "preflight.identity"  # of a WSGI environment: in whose name we ask ourselves; no client can set such a key
DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")
# In whose name this thread calls the account, and who has called it; None is its administrator.
_acting: ContextVar[Principal | None] = ContextVar("acting", default=None)
_asking: ContextVar[Principal | None] = ContextVar("asking", default=None)


@contextlib.contextmanager
def acting_as(who: Principal | None) -> Iterator[None]:
    """Call the account in somebody's name, or as its administrator, until the block ends."""
    token = _acting.set(who)
    try:
        yield
    finally:
        _acting.reset(token)


@contextlib.contextmanager
def asked_by(who: Principal | None) -> Iterator[None]:
    """Answer a request of somebody: what we ask meanwhile, we ask as the administrator."""
    token = _asking.set(who)
    try:
        with acting_as(None):
            yield
    finally:
        _asking.reset(token)


def denial(error: ClientError) -> str | None:
    """AWS's sentence where an answer is a denial, None where it is anything else."""
    said = error.response["Error"]
    return str(said["Message"]) if said["Code"] in DENIED else None


def principal() -> Principal | None:
    """In whose name work has to be done that is begun here: of whom we act for, else of whom we answer."""
    return _acting.get() or _asking.get()


def through(service: str) -> Principal | None:
    """The same, where a service asks for them."""
    who = principal()
    return None if who is None else who.through(service)


def acting() -> Principal | None:
    """In whose name this thread calls the account."""
    return _acting.get()


# What somebody may not do in a region, of an operation of a service with its input: a sentence, or None.
Judge = Callable[[Principal, str, str, str, Mapping[str, Any]], str | None]


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
    what was completed as AWS makes it. `judge` says what somebody may not do.

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
        self.judge: Judge | None = None
        self._cached = functools.cache(self._client)

    def denial(self, service: str, region: str, operation: str, given: Mapping[str, Any]) -> str | None:
        """AWS's sentence where the one in whose name this thread works may not make a call, else None."""
        who = _acting.get()
        return None if who is None or self.judge is None else self.judge(who, service, region, operation, given)

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
        asked.environ[WHO] = _acting.get()
        body, status, headers = run_wsgi_app(self._application, asked.environ, buffered=True)
        code = int(status.split(" ", 1)[0])
        return AWSResponse(request.url, code, dict(headers), _Body(b"".join(body)))
