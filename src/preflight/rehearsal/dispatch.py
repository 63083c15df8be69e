"""Routes a request: to a path of our own, to an operation of a service emulated here, or to moto."""

from __future__ import annotations

import contextlib
import functools
import io
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.exceptions import ClientDisconnected
from werkzeug.wrappers import Request, Response

from preflight.aws.refusals import catalog
from preflight.rehearsal import protocol
from preflight.rehearsal.account import Account
from preflight.rehearsal.iam.authentication import SignedScope
from preflight.rehearsal.ledger import Ledger
from preflight.rehearsal.protocol import Call, Refusal
from preflight.rehearsal.services import ServiceEmulation, model_constraints

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

PathHandler = Callable[[Request], Response]
_POLLS = frozenset({"ReceiveMessage", "PollForActivityTask", "PollForDecisionTask"})  # moto answers them when something comes


class Dispatcher:
    """Answers requests to the paths and services of one account."""

    def __init__(
        self,
        account: Account,
        ledger: Ledger,
        *,
        services: Iterable[ServiceEmulation],
        paths: Mapping[str, PathHandler],
        registry: PathHandler,
    ) -> None:
        self._account = account
        self._ledger = ledger
        self.services = {service.name: service for service in services}
        self._paths = paths
        self._registry = registry
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._lock = threading.RLock()
        self._moto.get_backend_for_host = functools.cache(self._moto.get_backend_for_host)  # it lists moto's folders

    def dispatch(
        self, environ: WSGIEnvironment, start_response: StartResponse, request: Request, scope: SignedScope | None
    ) -> Iterable[bytes]:
        """Answer a request that is allowed; an internal error is answered in the protocol of its service."""
        try:
            handler = self._handler(request, scope)
            if handler is not None:
                return handler(request)(environ, start_response)
            if scope is None:
                return self._moto_answer(environ, start_response, request)
            refusal = _refusal_by_tables(scope, request)
            if refusal is not None:
                return refusal(environ, start_response)
            service = self.services.get(scope.service)
            if service is None:
                return self._moto_answer(environ, start_response, request)
            return self._serve(environ, start_response, request, service, scope.region)
        except ClientDisconnected:
            answer = Response(status=ClientDisconnected.code)
        except Exception as error:  # noqa: BLE001 - the client gets an answer to every request
            answer = self.internal_error(scope.service if scope is not None else "", request, error)
        return answer(environ, start_response)

    def internal_error(self, service: str, request: Request, error: Exception) -> Response:
        """Note an error of the emulator, and return the answer to the request that met it."""
        operation = protocol.operation_name(request) or request.path
        message = f"internal error in the emulated {service} {operation}: {error!r}"
        self._ledger.trouble(message)
        return protocol.broken(service, message)

    def _handler(self, request: Request, scope: SignedScope | None) -> PathHandler | None:
        """Returns the handler of a path of our own; a signed request below /v2 is for a service of AWS."""
        if scope is None and (request.path == "/v2" or request.path.startswith("/v2/")):
            return self._registry
        return self._paths.get(request.path)

    def _serve(
        self,
        environ: WSGIEnvironment,
        start_response: StartResponse,
        request: Request,
        service: ServiceEmulation,
        region: str,
    ) -> Iterable[bytes]:
        if service.before is not None:
            service.before(region, request)
        name = _operation(service.name, request)
        with self._account.moto_lock if name in service.checks else contextlib.nullcontext():
            response = self._response(service, region, name, request)
            if response is not None:
                return response(environ, start_response)
            chunks = self._moto_answer(environ, start_response, request)
            with self._noting_errors(service, region, name):
                if name in service.completions:
                    service.completions[name](self._account, region)
        with self._noting_errors(service, region, name):
            if service.after is not None:
                service.after(region, request)
        return chunks

    def _moto_answer(self, environ: WSGIEnvironment, start_response: StartResponse, request: Request) -> Iterable[bytes]:
        environ["wsgi.input"] = io.BytesIO(request.get_data())  # a client may send it slowly
        is_poll = protocol.operation_name(request) in _POLLS
        with contextlib.nullcontext() if is_poll else self._lock:  # moto goes through dictionaries that another request would change
            chunks: Iterable[bytes] = self._moto(environ, _without_cors(start_response))
        return chunks

    def _response(self, service: ServiceEmulation, region: str, name: str, request: Request) -> Response | None:
        """Returns the answer of a service emulated here, None if moto has to answer."""
        if name in service.operations or not service.uses_moto:
            return protocol.answer(
                service.name, region, request, service.operations, trouble=self._ledger.trouble
            )
        if name in service.checks:
            return self._refusal(service, region, name, request)
        return None

    def _refusal(self, service: ServiceEmulation, region: str, name: str, request: Request) -> Response | None:
        """Returns AWS's refusal of a request that moto would accept, else None."""
        model = protocol.SIGNED.get(service.name, service.name)
        try:
            service.checks[name](self._account, _call(model, region, name, request))
        except Refusal as refusal:
            return protocol.refuse(protocol.model_of(model), name, refusal)
        except ClientError:
            return None  # something that the request names does not exist, which moto reports
        return None

    @contextlib.contextmanager
    def _noting_errors(self, service: ServiceEmulation, region: str, name: str) -> Iterator[None]:
        """Note errors in what follows from a request: its client already has the answer."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - the answer of moto stands
            self._ledger.trouble(f"internal error after the emulated {service.name} {name} in {region}: {error!r}")


def _refusal_by_tables(scope: SignedScope, request: Request) -> Response | None:
    """Returns AWS's refusal of members that a service never takes, whatever the account has; else None."""
    model, name = protocol.SIGNED.get(scope.service, scope.service), _operation(scope.service, request)
    if not name or protocol.READING.match(name) or not (model in model_constraints.SERVICES or name in catalog.OPERATIONS.get(scope.service, ())):
        return None
    try:
        _check_members(scope.service, _call(model, scope.region, name, request))
    except Refusal as refusal:
        return protocol.refuse(protocol.model_of(model), name, refusal)
    return None


def _operation(service: str, request: Request) -> str:
    """Returns the operation that a request names; of EFS, the one REST service whose requests are checked, by its path."""
    name = protocol.operation_name(request)
    if name is None and service == "elasticfilesystem":
        name, _parts = protocol.routed(protocol.SIGNED[service], request)
    return name or ""


def _call(model: str, region: str, name: str, request: Request) -> Call:
    if protocol.operation_name(request) is not None:
        return protocol.parse(model, region, request)
    return protocol.parse_path(model, region, name, request, protocol.routed(model, request)[1])


def _check_members(service: str, call: Call) -> None:
    model_constraints.check(call)
    refused = next(catalog.of_request(service, call.name, call.parameters), None)
    if refused is not None:
        raise Refusal(refused.constraint.code, refused.message)


def _without_cors(start_response: StartResponse) -> StartResponse:
    """Returns what starts a response without moto's Access-Control headers: no web page may read the account."""

    def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
        own = [(name, value) for name, value in headers if not name.lower().startswith("access-control-")]
        return start_response(status, own, *error)

    return start
