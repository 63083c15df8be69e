"""One HTTP server on loopback: our services in front, moto's behind."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from moto.core.base_backend import BackendDict, backend_lock
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from preflight.container_engine.standins import Standins
from preflight.rehearsal import acting, preload, protocol
from preflight.rehearsal.account import Account
from preflight.rehearsal.cloudformation.api import Api
from preflight.rehearsal.cloudformation.resources import catalog
from preflight.rehearsal.connectivity import inside_requests
from preflight.rehearsal.connectivity.cloud_map import CloudMapInstances
from preflight.rehearsal.connectivity.public_ports import PublicPorts, SmokeTarget
from preflight.rehearsal.connectivity.vpc_traffic import VpcTraffic
from preflight.rehearsal.containers.runner import ContainerRunner
from preflight.rehearsal.containers.running_task import RunningTasks
from preflight.rehearsal.containers.stubs import Stubs
from preflight.rehearsal.ecs import api
from preflight.rehearsal.ecs.state import State
from preflight.rehearsal.iam import authentication
from preflight.rehearsal.iam.actions import parsing
from preflight.rehearsal.iam.authentication import Authenticator, RequestDeniedError, SignedScope
from preflight.rehearsal.iam.authorization import Authorizer
from preflight.rehearsal.iam.principals import Principals
from preflight.rehearsal.iam.resource_policies import ResourcePolicies
from preflight.rehearsal.iam.temporary_credentials import TemporaryCredentials
from preflight.rehearsal.ledger import Ledger
from preflight.rehearsal.load_balancing.load_balancers import Balancers
from preflight.rehearsal.load_balancing.targets import Targets
from preflight.rehearsal.network.interfaces import Interfaces
from preflight.rehearsal.network.metadata_endpoint import MetadataEndpoint
from preflight.rehearsal.protocol import Call, Operation, Refusal
from preflight.rehearsal.services import (
    application_autoscaling,
    ec2,
    ec2_default_vpc,
    ecr,
    elbv2,
    iam,
    logs,
    resourcegroupstagging,
    s3,
    servicediscovery,
)
from preflight.rehearsal.services.ecr_registry import Registry
from preflight.rehearsal.services.sts import Sts
from preflight.rehearsal.tasks.awslogs import Logs
from preflight.rehearsal.tasks.container_backend import ContainerBackend
from preflight.rehearsal.tasks.image_pull import Pulls
from preflight.rehearsal.tasks.launch_checks import LaunchChecks
from preflight.rehearsal.tasks.role_credentials import Credentials
from preflight.rehearsal.tasks.service_scheduler import Scheduler
from preflight.rehearsal.tasks.task_lifecycle import TaskLauncher, TaskServices

LOOPBACK = "127.0.0.1"
OBSERVATIONS = "/_preflight/observations"
Check = Callable[[Account, Call], None]
POLL = 0.05  # seconds until a shutdown is noticed
_MOVES_PACKETS = re.compile(
    r"^(Authorize|Revoke|Create|Delete|Replace|Attach|Detach|Associate|Disassociate|Modify)\w*"
    r"(SecurityGroup|Route|NetworkAcl|InternetGateway|NatGateway)"
)
_CHANGES_BALANCERS = re.compile(r"^(Create|Delete|Modify|Set)(LoadBalancer|Listener|Subnets|SecurityGroups)")
SLOW = {"ec2", "iam"}  # services that read files of a megabyte when they begin
WHOLE = {"cloudformation", "ecs", "pricing"}  # services that are ours alone; prices are not pretended, so all is refused
FRONTED = {
    *WHOLE,
    "ecr",
    "ec2",
    "s3",
    "logs",
    "iam",
    "elasticloadbalancing",
    "application-autoscaling",
    "servicediscovery",
    "sts",
}  # services that we stand in front of


@dataclass(frozen=True)
class ServerOptions:
    """What the plan says of how tasks run: what is asked of them, what is stubbed."""

    questions: tuple[SmokeTarget, ...] = ()
    stubs: tuple[str, ...] = ()


class Server:
    """The pretended account behind a WSGI application."""

    def __init__(
        self,
        *,
        port: int,
        folder: Path,
        runner: ContainerRunner | None,
        standins: Standins | None,
        settings: ServerOptions,
    ) -> None:
        self.book = Ledger()
        self.address = f"http://{LOOPBACK}:{port}"
        self._moto = DomainDispatcherApplication(create_backend_app)
        self.account = Account(self.application)
        self.sessions = TemporaryCredentials()
        known = Principals(self.account.id, self.sessions)
        judge = Authorizer(known, ResourcePolicies(self.account))
        self.account.judge = judge.judge
        self._door = Authenticator(self.account, known, judge)
        self._registry = Registry(self.account, folder / "registry")
        self._state = State(self.account)
        self._runs = RunningTasks()
        interfaces = Interfaces(self.account)
        self._balancers = Balancers(self.account, interfaces, self._runs, self.book)
        self._targets = Targets(self._state, self.account, self._runs, self._balancers.faces)
        self._balancers.targets = self._targets
        self._doors = PublicPorts(self._state, self.account, self._runs, self.book, settings.questions)
        staff = TaskServices(
            interfaces=interfaces,
            launch_checks=LaunchChecks(self.account, self._registry),
            public_ports=self._doors,
            targets=self._targets,
            cloud_map=CloudMapInstances(self.account),
            credentials=Credentials(known),
            stubs=Stubs(settings.stubs),
        )
        means = self._means(runner, standins, port) if runner is not None else None
        self._launcher = TaskLauncher(self._state, self._runs, staff, self.book, means)
        self._scheduler = Scheduler(self._state, self._launcher, self.book)
        self.cloudformation = Api(self.account, catalog.types(), self.book)
        self._operations: Mapping[str, Mapping[str, Operation]] = {
            "cloudformation": self.cloudformation.operations(),
            "ecs": api.operations(self._state, launch=self._launcher.begin, stop=self._launcher.stop),
            "ecr": ecr.operations(self._registry, lambda: self.address, account=self.account.id),
            "elasticloadbalancing": elbv2.operations(self.account, self._targets),
            "sts": Sts(self.account, known).operations(),
        }
        self._furnished: set[str] = set()
        self._unfurnished: set[str] = set()  # regions that are being furnished just now
        self._turn = threading.RLock()  # between a check and what moto then does, nobody else comes
        self._checks: Mapping[str, Mapping[str, Check]] = {
            "application-autoscaling": application_autoscaling.CHECKS,
            "ec2": ec2.CHECKS,
            "elasticloadbalancing": elbv2.CHECKS,
            "iam": iam.CHECKS,
            "logs": logs.CHECKS,
            "servicediscovery": servicediscovery.CHECKS,
        }

    def _means(self, runner: ContainerRunner, standins: Standins | None, port: int) -> ContainerBackend:
        return ContainerBackend(
            runner=runner,
            pulls=Pulls(self._registry, runner, self.book, port=port, standins=standins),
            metadata_endpoint=MetadataEndpoint(port=port),
            vpc_traffic=VpcTraffic(
                self._state, self._runs, self._balancers, self.book, has_egress=runner.has_egress
            ),
            logs=Logs(self.account),
        )

    def application(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer one request, if who makes it may make it."""
        request = Request(environ)
        if authentication.is_form(request):
            environ["wsgi.input"] = io.BytesIO(request.get_data())  # the door reads whether it is a call by token
        scope = authentication.scope(request)
        service = scope.service if scope else ""
        if scope is not None and not parsing.is_stream(service, request):
            environ["wsgi.input"] = io.BytesIO(request.get_data())  # moto reads it once more
        try:
            who = self._door.let_in(request, scope)
        except RequestDeniedError as turned:
            return turned.answer(environ, start_response)
        except Exception as error:  # noqa: BLE001 - whatever broke, the client gets an answer
            return self._broken(service, request, error)(environ, start_response)
        with acting.asked_by(who):
            return self._answered(environ, start_response, request, scope)

    def _broken(self, service: str, request: Request, error: Exception) -> Response:
        """What a client gets where we broke: an answer of its protocol, and no page of HTML."""
        said = f"the rehearsal broke in {service} {protocol.operation_name(request) or request.path}: {error!r}"
        self.book.trouble(said)
        return protocol.broken(service, said)

    def _answered(
        self, environ: dict[str, Any], start_response: Any, request: Request, scope: SignedScope | None
    ) -> Iterable[bytes]:
        service = scope.service if scope else ""
        if scope is not None and service == "ec2":
            self._furnish(scope.region)
        if scope is not None and service == "iam":
            with self._turn:
                iam.furnish(self.account, scope.region)
        name = protocol.operation_name(request) if service in self._checks else None
        found: Iterable[bytes] = ()
        try:
            with self._turn if name in self._checks.get(service, {}) else contextlib.nullcontext():
                answered = self._own(request, scope)
                if answered is None:
                    found = self._moto(environ, start_response)
                    if scope is not None and name == "CreatePrivateDnsNamespace":
                        servicediscovery.place_zones(self.account, scope.region)
        except Exception as error:  # noqa: BLE001 - whatever broke, the client gets an answer
            answered = self._broken(service, request, error)
        if answered is not None:
            return answered(environ, start_response)
        if scope is not None and service == "s3":
            s3.tag_new(self.account, scope.region, request)
        if scope is not None and service in {"ec2", "elasticloadbalancing"}:
            self._follow(scope.region, request.form.get("Action", ""))
        return found

    def _follow(self, region: str, name: str) -> None:
        """Do what follows from a request that was answered; what goes wrong with that is no fault of the request."""
        if region in self._unfurnished:
            return  # its first request holds the turn, and nothing is open there yet
        try:
            self._adapt(region, name)
        except Exception as error:  # noqa: BLE001 - as above
            self.book.trouble(f"the rehearsal broke in what follows from {name} in {region}: {error!r}")

    def _adapt(self, region: str, name: str) -> None:
        """Open and close what a change of networks or load balancers opens and closes."""
        if name == "CreateVpc":
            ec2_default_vpc.admit_itself(self.account, region)
        if name == "CreateVpcEndpoint":
            ec2_default_vpc.guard_endpoints(self.account, region)
        if name == "CreateLoadBalancer":
            elbv2.face_internet(self.account, region)
        if _MOVES_PACKETS.match(name):
            self._doors.refresh(region)
        if _MOVES_PACKETS.match(name) or _CHANGES_BALANCERS.match(name):
            self._balancers.refresh(region)
            self._launcher.refresh()

    def _furnish(self, region: str) -> None:
        """Complete the default VPC of a region before anybody sees it."""
        with self._turn:
            if region in self._furnished:
                return
            self._furnished.add(region)
            self._unfurnished.add(region)
            try:
                ec2_default_vpc.furnish(self.account, region)
                ec2_default_vpc.admit_itself(self.account, region)
            finally:
                self._unfurnished.discard(region)

    def _own(self, request: Request, scope: SignedScope | None) -> Response | None:
        """The answer of our own services, None where moto is to answer."""
        if request.path == OBSERVATIONS:
            self.cloudformation.audit()
            return Response(json.dumps(self.book.observations().to_json()), content_type="application/json")
        if request.path == inside_requests.PATH:
            return inside_requests.answer(request, self._runs)
        if scope is None and (request.path == "/v2" or request.path.startswith("/v2/")):
            return self._registry.answer(request)  # services of AWS have such paths too, in signed requests
        if scope is None or scope.service not in FRONTED:
            return None
        service, region = scope.service, scope.region
        name = protocol.operation_name(request) or ""
        if service == "logs" and name in {"GetLogEvents", "FilterLogEvents"}:
            self._launcher.flush()
        operations = self._operations.get(service, {})
        if name in operations or service in WHOLE:
            return protocol.answer(service, region, request, operations, trouble=self.book.trouble)
        return self._refused(service, region, name, request)

    def _refused(self, service: str, region: str, name: str, request: Request) -> Response | None:
        """AWS's refusal where moto would be too kind, else None."""
        check = self._checks.get(service, {}).get(name)
        if check is None:
            return None
        model = protocol.SIGNED.get(service, service)
        try:
            check(self.account, protocol.parse(model, region, request))
        except Refusal as refusal:
            return protocol.refuse(protocol.model_of(model), name, refusal)
        except ClientError:
            return None  # what the request names does not exist: moto says so
        return None

    def start(self) -> None:
        """Start to schedule services and to run tasks."""
        self._launcher.start()
        self._scheduler.start()

    def close(self) -> None:
        """Stop every task and remove every container."""
        self.account.closing.set()
        self.cloudformation.close()
        self._scheduler.close()
        self._balancers.close()
        self._launcher.close()


class _Quiet(MotoRequestHandler):  # type: ignore[misc]  # mypy skips moto
    """Serves without a line in a log for every request."""

    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 - the name is werkzeug's
        """Say nothing."""


def _forget() -> None:
    """Drop what moto keeps of an account before.

    BackendDict.reset builds every service anew; the two that take a second for that are dropped without.
    """
    with backend_lock:
        for kept in BackendDict._instances:  # noqa: SLF001 - moto has no other way to drop them
            if kept.service_name in SLOW:
                kept.clear()
    BackendDict.reset()


@contextlib.contextmanager
def running(
    *,
    folder: Path,
    runner: ContainerRunner | None = None,
    standins: Standins | None = None,
    port: int = 0,
    settings: ServerOptions | None = None,
) -> Iterator[Server]:
    """Serve a fresh account on a port of loopback (0: a free one) until the block ends."""
    os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "false"  # moto reads it when its IAM begins: `iam.furnish` is quicker
    os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"  # and this when its EC2 does: no task on Fargate has one
    s3.hold_policies()
    resourcegroupstagging.find_all()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    _forget()
    served: list[Server] = []

    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        return served[0].application(environ, start_response)

    http = make_server(LOOPBACK, port, application, threaded=True, request_handler=_Quiet)
    server = Server(
        port=http.server_port, folder=folder, runner=runner, standins=standins, settings=settings or ServerOptions()
    )
    served.append(server)
    server.start()
    preload.preload(server.account)
    thread = threading.Thread(target=http.serve_forever, args=(POLL,), daemon=True, name="http")
    thread.start()
    try:
        yield server
    finally:
        server.close()
        http.shutdown()
        thread.join()
        http.server_close()
