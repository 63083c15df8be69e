"""The HTTP server of an emulated account, on loopback."""

from __future__ import annotations

import contextlib
import io
import logging
import socket
import tempfile
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response
from werkzeug.wsgi import get_input_stream

from preflight.container_engine.disk_growth import DiskGrowth
from preflight.container_engine.standins import Standins
from preflight.rehearsal import acting, assembly, preload, protocol
from preflight.rehearsal.account import Account
from preflight.rehearsal.assembly import EmulationOptions, TaskOptions
from preflight.rehearsal.containers.runner import ContainerRunner
from preflight.rehearsal.iam import authentication, error_responses, request_filter
from preflight.rehearsal.iam.actions import parsing
from preflight.rehearsal.iam.authentication import SignedScope
from preflight.rehearsal.iam.error_responses import RequestDeniedError
from preflight.rehearsal.protocol import Refusal
from preflight.system.memory import MemoryGrowth

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

BACKLOG = 128  # connections that wait to be accepted
MAX_BODY = 64 << 20  # bytes of a request that are kept in memory
SMALL_BODY = 1 << 20  # bytes of a request that waits for no turn
MAX_LARGE_BODIES = 4  # larger requests that are read and answered at once: so many of the run's client, and so many of all others
BODY_PAUSE = 120.0  # seconds that a client may send nothing within a request, and keep an idle connection
FULL = Refusal("ServiceUnavailable", "The emulated account is full.", status=503)
POLL = 0.05  # seconds until a shutdown is noticed


class Server:
    """An emulated account behind a WSGI application."""

    def __init__(self, options: EmulationOptions) -> None:
        self.address = f"http://{assembly.LOOPBACK}:{options.port}"
        self.account = Account(self.application, address=self.address)
        self.parts = assembly.assemble(self.account, options)
        self.ledger = self.parts.core.ledger
        self._growth = (MemoryGrowth(), DiskGrowth(Path(tempfile.gettempdir())))  # moto spools objects of S3 to a disk
        self._turns_of_client = threading.BoundedSemaphore(MAX_LARGE_BODIES)
        self._turns_of_others = threading.BoundedSemaphore(MAX_LARGE_BODIES)
        self._administrator = options.administrator

    def application(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request, if its principal may make it."""
        request = Request(environ)
        with self._turn(request):
            return self._answer(environ, start_response, request)

    def _turn(self, request: Request) -> contextlib.AbstractContextManager[object]:
        """Returns what bounds how many large bodies are in memory at once; layers of images never are.

        Others cannot keep the run's client waiting.
        """
        is_own = acting.WSGI_KEY in request.environ  # made while another one is answered
        is_large = (request.content_length or 0) > SMALL_BODY or "Transfer-Encoding" in request.headers
        if is_own or not is_large or _is_of_registry(request):
            return contextlib.nullcontext()
        is_of_client = self._administrator is not None and authentication.signing_key(request) == self._administrator
        return self._turns_of_client if is_of_client else self._turns_of_others

    def _answer(self, environ: WSGIEnvironment, start_response: StartResponse, request: Request) -> Iterable[bytes]:
        try:
            scope = self._read(environ, request)
        except RequestEntityTooLarge:
            self.ledger.trouble(f"{request.method} {request.path}: a request has more than {MAX_BODY >> 20} MiB. Next: send large objects in parts")
            return Response("EntityTooLarge", status=413)(environ, start_response)
        except ClientDisconnected as disconnected:
            return disconnected(environ, start_response)
        service = scope.service if scope is not None else ""
        try:
            self._check(environ, request, scope)
            principal = self.parts.authenticator.authorize(request, scope)
            if principal is not None and scope is not None:
                self._check_growth(request, scope)
        except RequestDeniedError as denied:
            return denied.answer(environ, start_response)
        except Exception as error:  # noqa: BLE001 - the client gets an answer to every request
            response = self.parts.dispatcher.internal_error(service, request, error)
            return response(environ, start_response)
        with acting.asked_by(principal):
            return self.parts.dispatcher.dispatch(environ, start_response, request, scope)

    @staticmethod
    def _read(environ: WSGIEnvironment, request: Request) -> SignedScope | None:
        """Returns the scope of a request, whose body is read unless a handler streams it; only layers of images have no bound.

        Raises:
            RequestEntityTooLarge: the body is too large.
        """
        if not _is_of_registry(request):
            _bound(environ)
        if authentication.is_form(request):
            environ["wsgi.input"] = io.BytesIO(request.get_data())  # the scope may depend on a field of the form
        scope = authentication.scope(request)
        if scope is not None:
            _bound(environ)
            if not parsing.is_stream(scope.service, request):
                environ["wsgi.input"] = io.BytesIO(request.get_data())  # moto reads it once more
        return scope

    def _check(self, environ: WSGIEnvironment, request: Request, scope: SignedScope | None) -> None:
        """Check a request that comes over HTTP, before its principal is known.

        Raises:
            RequestDeniedError: it is not for this account, or for something that is not offered.
        """
        if acting.WSGI_KEY in environ:
            return
        request_filter.check_target(request, scope)
        if scope is None and self._administrator is not None:
            request_filter.check_unsigned(request, administrator=self._administrator)

    def _check_growth(self, request: Request, scope: SignedScope) -> None:
        """Check that what containers send leaves room on this machine; reading and the client's own requests go on.

        Raises:
            RequestDeniedError: the account has grown too much.
        """
        operation = protocol.operation_name(request)
        if request.method in {"GET", "HEAD"} or protocol.READING.match(operation or ""):
            return
        trouble = next(filter(None, (growth.trouble() for growth in self._growth)), None)
        if trouble is None:
            return
        self.ledger.trouble(f"the emulated account keeps no more of what containers send: {trouble}. Next: send less, or use --target aws")
        raise RequestDeniedError(error_responses.refuse(scope.service, request, FULL))


def _is_of_registry(request: Request) -> bool:
    """Whether a request may be of a client that pushes an image: it has a path of a registry and no signature."""
    return request.path.startswith("/v2/") and not authentication.is_form(request) and authentication.signing_key(request) is None


def _bound(environ: WSGIEnvironment) -> None:
    """Bound the body of a request.

    Raises:
        RequestEntityTooLarge: its header says that it is larger; reading one without a length raises it later.
    """
    environ["wsgi.input"] = get_input_stream(environ, max_content_length=MAX_BODY)


class _QuietRequestHandler(MotoRequestHandler):  # type: ignore[misc]  # mypy skips moto
    """Serves without a line in a log for every request."""

    protocol_version = "HTTP/1.1"
    timeout = BODY_PAUSE

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 - the name is werkzeug's
        """Write nothing."""


@contextlib.contextmanager
def running(
    *,
    folder: Path,
    runner: ContainerRunner | None = None,
    standins: Standins | None = None,
    port: int = 0,
    tasks: TaskOptions | None = None,
    administrator: str | None = None,
) -> Iterator[Server]:
    """Serve a fresh account on a port of loopback (0: a free one) until the block ends.

    The access key of the `administrator` is the only one that was not issued; if it is None, any key is its.
    """
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    assembly.prepare_moto()
    with socket.create_server((assembly.LOOPBACK, port), backlog=BACKLOG) as listener:
        port = listener.getsockname()[1]
        server = Server(EmulationOptions(port, folder, runner, standins, tasks or TaskOptions(), administrator))
        http = make_server(
            assembly.LOOPBACK,
            port,
            server.application,
            threaded=True,
            request_handler=_QuietRequestHandler,
            fd=listener.fileno(),
        )
        server.parts.start()
        preload.preload(server.account)
        thread = threading.Thread(target=http.serve_forever, args=(POLL,), daemon=True, name="http")
        thread.start()
        try:
            yield server
        finally:
            server.parts.close()
            http.shutdown()
            thread.join()
            http.server_close()
