"""Sends the smoke requests of a plan to what runs: findings say what was expected and what came back."""

from __future__ import annotations

import dataclasses
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from preflight.aws import describe_network, reachability, security_group_evaluation
from preflight.aws.network import ANY_INTERNET_CALLER, Blocker, Interface, Network
from preflight.deploy import aws_errors, load_balancers, local_ports
from preflight.deploy.declared_resources import DeclaredResource
from preflight.deploy.deployment import Deployment
from preflight.deploy.load_balancers import PublicListener, PublicLoadBalancers
from preflight.deploy.places import Place
from preflight.deploy.scheduled_runs import ScheduledRuns
from preflight.deploy.tasks import ServiceTask, StoppedTask
from preflight.errors import WaitExpiredError
from preflight.model import Finding, Progress, Say, Severity, SmokeAnswer
from preflight.plan import placeholders
from preflight.plan.plan import Plan, SmokeEntry
from preflight.system import http, waiting
from preflight.system.http import Response

NEAR, FAR = 10.0, 60.0  # seconds for a response, from this machine and from AWS, where DNS has to learn a name first
SOURCE = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-networking.html"
FIX = "Make the container serve what the plan expects, or correct the plan."
Inside = Callable[[str, int, str], Mapping[str, Any]]
_OUTPUT = re.compile(r"\{output\.([A-Za-z0-9]+)\}")


@dataclass(frozen=True)
class _Request:
    """One GET: its entry in the plan, its URL and receiver, and what looks for a reason why no response comes."""

    entry: SmokeEntry
    url: str
    receiver: str
    task: ServiceTask | None = None
    blocker: Callable[[], Blocker | None] = lambda: None


class SmokeTest:
    """The smoke requests of a plan to one deployment.

    `inside` sends a request to a task within its own network; `skipped` has the reasons why the tasks of
    task definitions do not really run; `schedules` runs scheduled tasks; `plan_name` is what reports call the plan.
    """

    def __init__(
        self,
        deployment: Deployment,
        plan: Plan,
        values: Mapping[str, str],
        plan_name: str,
        *,
        inside: Inside | None = None,
        skipped: Mapping[str, str] | None = None,
        say: Say = lambda _text: None,
        schedules: ScheduledRuns | None = None,
    ) -> None:
        self._deployment = deployment
        self._plan = plan
        self._values = values
        self._plan_name = plan_name
        self._inside = inside
        self._skipped = skipped or {}
        self._say = say
        self._schedules = schedules
        self._balancers = PublicLoadBalancers(deployment.session)
        self._reachable: set[tuple[str, int, str | None]] = set()
        self.running: list[ServiceTask] = []
        self.answers: list[SmokeAnswer] = []
        self.pages: dict[str, tuple[str, int]] = {}  # where on this machine the page of a URL is
        self.unsent: list[str] = []

    def findings(self) -> list[Finding]:
        """Send every request and return a finding for each wrong or missing response.

        Raises:
            NotLoopbackError: a task of the emulated account has an address that is not on this machine.
        """
        findings = [finding for entry in self._plan.smoke for finding in self._check(self.filled(entry))]
        return findings + [self._deployment.of_stopped(task) for task in self._stopped_since()]

    def _stopped_since(self) -> Iterator[StoppedTask]:
        """Tasks that were running when their service was checked and have stopped since."""
        arns = {task.arn for task in self.running}
        for arn, cluster in self._deployment.services.items():
            for task in self._deployment.tasks.stopped(cluster, arn.rpartition("/")[2]):
                if task.arn in arns:
                    yield task

    def filled(self, entry: SmokeEntry) -> SmokeEntry:
        """Returns an entry with the values of its placeholders, and with the name of a service given by logical id."""
        texts: dict[str, Any] = {
            key: placeholders.fill(value, self._values)
            for key in ("service", "cluster", "url", "get", "contains", "schedule")
            if isinstance(value := getattr(entry, key), str)
        }
        filled = dataclasses.replace(entry, **texts)
        declared = self._declared_service(filled)
        if declared is None:
            return filled
        _, cluster, service = declared.physical.split("/")
        return dataclasses.replace(filled, cluster=cluster, service=service)

    def _declared_service(self, entry: SmokeEntry) -> DeclaredResource | None:
        """Returns the service whose logical id the entry names, unless a service has that very name."""
        services = self._deployment.declared_resources.of_kind("AWS::ECS::Service")
        if any(service.physical.rpartition("/")[2] == entry.service for service in services):
            return None
        return next((s for s in services if s.logical == entry.service and s.physical.count("/") == 2), None)

    def places(self, entry: SmokeEntry) -> list[Place]:
        """Returns where an entry is asked now: at its URL, at its service's public load balancer, or at each of its tasks.

        There is none for an entry that is asked from inside, nor for what the caller does not reach.

        Raises:
            ClientError: the service is not there.
        """
        entry = self.filled(entry)
        if entry.is_inside or entry.schedule is not None:
            return []
        if entry.service is None:
            url = _OUTPUT.sub(lambda match: str(self._deployment.output(match[1])), str(entry.url))
            return self._open_places([Place(url, url)])
        tasks = [task for task in self._deployment.tasks.running(entry.cluster, entry.service) if task.public]
        if reached := [task for task in tasks if self._is_reachable(entry, task)]:
            return self._open_places(
                [Place(self._task_url(entry, task), f"task {task.id} of {entry.service}", task.public, task.arn) for task in reached]
            )
        listeners = self._public_listeners(entry)[:1]
        receiver = "load balancer {} in front of {}".format
        return self._open_places([Place(li.url(entry.get), receiver(li.host, entry.service)) for li in listeners])

    def _open_places(self, places: list[Place]) -> list[Place]:
        """Returns places with their addresses; of an emulated account those that it has opened on this machine."""
        session = self._deployment.session
        if not session.has_loopback_only:
            return places
        hosts = [place.address or load_balancers.host_of(place.url) for place in places]
        filled = [
            dataclasses.replace(place, address=self._balancers.address(host) or host)
            for place, host in zip(places, hosts, strict=True)
        ]
        is_open = local_ports.of(session)
        for address, _ in is_open:
            session.check_address(address)
        return [place for place in filled if (place.address, load_balancers.port_of(place.url)) in is_open]

    def _check(self, entry: SmokeEntry) -> Iterator[Finding]:
        if entry.schedule is not None and self._schedules is not None:
            yield from self._schedules.findings(entry)
            return
        if entry.service is None:
            yield from self._check_url(entry)
            return
        try:
            tasks = self._deployment.tasks.running(entry.cluster, entry.service)
        except ClientError as error:
            if aws_errors.is_account_error(error):
                raise
            yield self._finding(entry, f"service {entry.service}: {error.response['Error']['Message']}")
            return
        if not tasks:
            yield self._finding(entry, f"service {entry.service} has no running task")
        self.running += tasks
        self.unsent += sorted({self._skipped[t.definition] for t in tasks if t.definition in self._skipped})
        yield from self._check_service(entry, [task for task in tasks if task.definition not in self._skipped])

    def _check_service(self, entry: SmokeEntry, tasks: list[ServiceTask]) -> Iterator[Finding]:
        """Check every task, or the public load balancer in front of them if no task is reachable itself."""
        if entry.is_inside:
            for task in tasks:
                yield from self._check_from_inside(entry, task)
            return
        listeners = [] if any(self._is_reachable(entry, task) for task in tasks) else self._public_listeners(entry)
        if tasks and listeners:
            yield from self._check_load_balancer(entry, listeners[0])
            return
        for task in tasks:
            yield from self._check_task(entry, task)

    def _is_reachable(self, entry: SmokeEntry, task: ServiceTask) -> bool:
        """Whether the caller reaches the task itself; a public address may serve only to pull the image."""
        key = task.arn, entry.port, entry.caller
        if key not in self._reachable and task.public and self._blocker(self._interface(task), entry.port, entry) is None:
            self._reachable.add(key)
        return key in self._reachable

    def _public_listeners(self, entry: SmokeEntry) -> list[PublicListener]:
        """Returns the listeners of public load balancers in front of a service, the one on the entry's port first."""
        listeners = self._balancers.entrances(entry.cluster, str(entry.service))
        public = [listener for listener in listeners if listener.is_public]
        return sorted(public, key=lambda listener: (listener.port != entry.port, listener.port))

    def _check_load_balancer(self, entry: SmokeEntry, listener: PublicListener) -> Iterator[Finding]:
        interfaces = self._balancers.faces(listener.balancer)

        def blocker() -> Blocker | None:
            blockers = [self._blocker(i, listener.port, entry, has_groups=bool(i.groups)) for i in interfaces]
            return blockers[0] if blockers and all(blockers) else None

        receiver = f"load balancer {listener.host} in front of {entry.service}"
        yield from self._send(_Request(entry, listener.url(entry.get), receiver, None, blocker))

    def _check_url(self, entry: SmokeEntry) -> Iterator[Finding]:
        outputs = {name: self._deployment.output(name) for name in _OUTPUT.findall(str(entry.url))}
        unknown = [name for name, value in outputs.items() if value is None]
        if unknown:
            yield self._finding(entry, f"url: no stack of the plan has an output {unknown[0]}")
            return
        url = _OUTPUT.sub(lambda match: str(outputs[match[1]]), str(entry.url))
        yield from self._send(_Request(entry, url, url))

    def _check_from_inside(self, entry: SmokeEntry, task: ServiceTask) -> Iterator[Finding]:
        """Check a task from within its network, if its security groups admit anything there."""
        receiver, interface = f"task {task.id} of {entry.service}", self._interface(task)
        blocker = security_group_evaluation.admits_inside(self._network(interface), interface, entry.port)
        if blocker is not None:
            yield self._finding(entry, f"{receiver} is not reachable from inside its network", blocker, task)
            return
        if self._inside is None:
            self.unsent.append(f"{receiver} takes requests from inside its network only, which cannot be sent on a real account")
            return
        inside, url = self._inside, f"http://{task.private}:{entry.port}{entry.get}"
        request = _Request(entry, url, receiver, task)
        yield from self._expect(request, lambda: Response(**inside(task.id, entry.port, entry.get)))

    def _check_task(self, entry: SmokeEntry, task: ServiceTask) -> Iterator[Finding]:
        receiver = f"task {task.id} of {entry.service}"

        def blocker() -> Blocker | None:
            return self._blocker(self._interface(task), entry.port, entry)

        if task.public is None:
            message = f"{receiver} has no public address, so it is not reachable from the internet"
            yield self._finding(entry, message, blocker(), task)
            return
        yield from self._send(_Request(entry, self._task_url(entry, task), receiver, task, blocker))

    @staticmethod
    def _task_url(entry: SmokeEntry, task: ServiceTask) -> str:
        return f"http://{task.public}{'' if entry.port == 80 else f':{entry.port}'}{entry.get}"

    def _send(self, request: _Request) -> Iterator[Finding]:
        """Send a request from the internet; to this machine only, if the account is emulated."""
        host, session = load_balancers.host_of(request.url), self._deployment.session
        address = self._balancers.address(host)
        if address is None and session.has_loopback_only and host.endswith(http.BALANCERS):
            message = f"{request.receiver} is not reachable from the internet"
            yield self._finding(request.entry, message, request.blocker())
            return
        session.check_address(address or host)
        yield from self._expect(request, lambda: self._fetch(request.url, address))

    def _fetch(self, url: str, address: str | None) -> Response:
        """Returns the response of a URL: on this machine of what the account opened only, else of the internet only.

        What else listens on this machine, on every address perhaps, is none of the run's.
        """
        session = self._deployment.session
        if not session.has_loopback_only:
            return http.fetch(url, at=address, is_public_only=True)
        receiver = address or load_balancers.host_of(url), load_balancers.port_of(url)
        if receiver not in local_ports.of(session):
            return Response(None, "", f"no answer: no task or load balancer of the run is open at {receiver[0]}:{receiver[1]}")
        response = http.fetch(url, at=address)
        if response.status is not None:
            self.pages[url] = receiver
        return response

    def _expect(self, request: _Request, fetch: Callable[[], Response]) -> Iterator[Finding]:
        """Repeat a request until the response is the expected one or time is up."""
        entry, started = request.entry, time.monotonic()
        self._say(Progress(kind="page", name=request.url, detail=entry.service or "", state="asked"))
        response = self._last_response(request, fetch)
        seconds = time.monotonic() - started
        target = entry.service or request.url
        self.answers.append(SmokeAnswer(target, request.url, response.status, entry.status, seconds))
        if response.fits(entry.status, entry.contains):
            return
        expected = f"status {entry.status}" + (f" and a page with {entry.contains!r}" if entry.contains else "")
        message = f"{request.receiver}: GET {request.url}: expected {expected}, got {response.shown()}"
        yield self._finding(entry, message, request.blocker() if response.status is None else None, request.task)

    def _last_response(self, request: _Request, fetch: Callable[[], Response]) -> Response:
        """Returns the expected response, or the last one before time was up."""
        last, session, entry = Response(None, "", "no answer"), self._deployment.session, request.entry

        def probe() -> Response | None:
            nonlocal last
            last = fetch()
            return last if last.fits(entry.status, entry.contains) else None

        page, timeout = f"a page at {request.url}", NEAR if session.has_loopback_only else FAR
        try:
            return waiting.until(probe, what=page, timeout=timeout, interval=session.interval, sleep=session.sleep)
        except WaitExpiredError:
            return last

    def _interface(self, task: ServiceTask) -> Interface:
        ec2 = self._deployment.session.client("ec2")
        interfaces = ec2.describe_network_interfaces(NetworkInterfaceIds=[task.interface])["NetworkInterfaces"]
        return dataclasses.replace(load_balancers.of(interfaces[0]), has_public_address=task.public is not None)

    def _network(self, interface: Interface) -> Network:
        return describe_network.describe_network(self._deployment.session.client("ec2"), interface.vpc)

    def _blocker(
        self, interface: Interface, port: int, entry: SmokeEntry, *, has_groups: bool = True
    ) -> Blocker | None:
        """Returns what blocks the entry's caller on the internet from an interface, or None."""
        caller = entry.caller or ANY_INTERNET_CALLER
        return reachability.from_internet(self._network(interface), interface, port, caller=caller, has_groups=has_groups)

    def _finding(
        self, entry: SmokeEntry, message: str, blocker: Blocker | None = None, task: ServiceTask | None = None
    ) -> Finding:
        declared, name = self._resource_to_fix(blocker, task), blocker.property if blocker is not None else None
        return Finding(
            "smoke",
            "SMOKE_GET",
            Severity.ERROR,
            f"{message}: {blocker.message}" if blocker is not None else message,
            file=declared.template.name if declared is not None else self._plan_name,
            line=declared.line(name) if declared is not None else entry.line,
            resource=declared.logical if declared is not None else None,
            property=name,
            fix=blocker.fix if blocker is not None else FIX,
            source=SOURCE,
        )

    def _resource_to_fix(self, blocker: Blocker | None, task: ServiceTask | None) -> DeclaredResource | None:
        """Returns the declared resource that blocks, else the task's service."""
        declared = self._deployment.declared_resources
        resource = declared.find(blocker.resource) if blocker is not None and blocker.resource else None
        if resource is not None or task is None:
            return resource
        services = declared.of_kind("AWS::ECS::Service")
        return next((service for service in services if service.physical.endswith(f"/{task.service}")), None)
