"""Ask the running tasks questions: findings say what was expected and what came back."""

from __future__ import annotations

import dataclasses
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from preflight.aws import describe_network, reachability
from preflight.aws.reachability import Blocker, Interface, Network
from preflight.deploy import aws_errors, load_balancers
from preflight.deploy.declared_resources import DeclaredResource
from preflight.deploy.deployment import Deployment
from preflight.deploy.load_balancers import LoadBalancers, PublicListener
from preflight.deploy.tasks import RunningTask, StoppedTask
from preflight.errors import WaitExpiredError
from preflight.model import Finding, Severity, SmokeAnswer
from preflight.plan import plan
from preflight.plan.plan import Plan, SmokeEntry
from preflight.system import http, waiting
from preflight.system.http import Response

NEAR, FAR = 10.0, 60.0  # seconds for an answer, from this machine and from AWS, where DNS has to learn a name first
SOURCE = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-networking.html"
FIX = "Let the container serve what the plan expects, or correct the plan."
Inside = Callable[[str, int, str], Mapping[str, Any]]
_OUTPUT = re.compile(r"\{output\.([A-Za-z0-9]+)\}")


def _nothing() -> Blocker | None:
    """No link is known to be missing."""
    return None


@dataclass(frozen=True)
class _Request:
    """One question: what of the plan it is, to which URL, whom it asks, and what may keep an answer from coming."""

    entry: SmokeEntry
    url: str
    name: str
    task: RunningTask | None = None
    missing: Callable[[], Blocker | None] = _nothing


class SmokeTest:
    """The questions of a plan to one deployment.

    `inside` asks a task within its own network; `skipped` says of task definitions why their tasks do
    not really run.
    """

    def __init__(
        self,
        deployment: Deployment,
        asked: Plan,
        values: Mapping[str, str],
        shown: str,
        *,
        inside: Inside | None = None,
        skipped: Mapping[str, str] | None = None,
    ) -> None:
        self._deployment = deployment
        self._plan = asked
        self._values = values
        self._shown = shown
        self._inside = inside
        self._skipped = skipped or {}
        self._balancers = LoadBalancers(deployment.session)
        self.running: list[RunningTask] = []
        self.answers: list[SmokeAnswer] = []
        self.unasked: list[str] = []

    def findings(self) -> list[Finding]:
        """Ask every question; a finding for each wrong or missing answer.

        Raises:
            NotLoopbackError: a rehearsal's task has an address that is not on this machine.
        """
        found = [finding for entry in self._plan.smoke for finding in self._ask(self._filled(entry))]
        return found + [self._deployment.of_stopped(stopped) for stopped in self._fallen()]

    def _fallen(self) -> Iterator[StoppedTask]:
        """Tasks that were asked and have stopped since."""
        asked = {task.arn for task in self.running}
        for arn, cluster in self._deployment.services.items():
            for stopped in self._deployment.tasks.stopped(cluster, arn.rpartition("/")[2]):
                if stopped.arn in asked:
                    yield stopped

    def _filled(self, entry: SmokeEntry) -> SmokeEntry:
        texts: dict[str, Any] = {
            key: plan.fill(value, self._values)
            for key in ("service", "cluster", "url", "get", "contains")
            if isinstance(value := getattr(entry, key), str)
        }
        filled = dataclasses.replace(entry, **texts)
        known = self._declared(filled)
        if known is None:
            return filled
        _, cluster, service = known.physical.split("/")
        return dataclasses.replace(filled, cluster=cluster, service=service)

    def _declared(self, entry: SmokeEntry) -> DeclaredResource | None:
        """The service that an entry names by its logical id, where no service has that very name."""
        every = self._deployment.blueprint.of_kind("AWS::ECS::Service")
        named = [d for d in every if d.physical.rpartition("/")[2] == entry.service]
        logical = [d for d in every if d.logical == entry.service and d.physical.count("/") == 2]
        return logical[0] if logical and not named else None

    def _ask(self, entry: SmokeEntry) -> Iterator[Finding]:
        if entry.service is None:
            yield from self._ask_url(entry)
            return
        try:
            found = self._deployment.tasks.running(entry.cluster, entry.service)
        except ClientError as error:
            if aws_errors.is_account_error(error):
                raise
            yield self._finding(entry, f"service {entry.service}: {error.response['Error']['Message']}")
            return
        if not found:
            yield self._finding(entry, f"service {entry.service} has no running task")
        self.running += found
        real = [task for task in found if task.definition not in self._skipped]
        self.unasked += sorted({self._skipped[t.definition] for t in found if t.definition in self._skipped})
        yield from self._ask_tasks(entry, real)

    def _ask_tasks(self, entry: SmokeEntry, found: list[RunningTask]) -> Iterator[Finding]:
        if entry.is_inside:
            for task in found:
                yield from self._ask_inside(entry, task)
            return
        entrances = [] if any(self._is_open(entry, task) for task in found) else self._entrances(entry)
        if found and entrances:
            yield from self._ask_entrance(entry, entrances[0])
            return
        for task in found:
            yield from self._ask_task(entry, task)

    def _is_open(self, entry: SmokeEntry, task: RunningTask) -> bool:
        """Whether the asker reaches the task itself; one that pulls by its public address may admit only its load balancer."""
        return task.public is not None and self._link(self._face(task), entry.port, entry) is None

    def _entrances(self, entry: SmokeEntry) -> list[PublicListener]:
        """The listeners of public load balancers in front of a service, the one on the asked port first."""
        every = self._balancers.entrances(entry.cluster, str(entry.service))
        return sorted((e for e in every if e.is_public), key=lambda e: (e.port != entry.port, e.port))

    def _ask_entrance(self, entry: SmokeEntry, entrance: PublicListener) -> Iterator[Finding]:
        faces = self._balancers.faces(entrance.balancer)

        def missing() -> Blocker | None:
            links = [self._link(face, entrance.port, entry, has_groups=bool(face.groups)) for face in faces]
            return links[0] if links and all(links) else None

        name = f"load balancer {entrance.host} in front of {entry.service}"
        yield from self._judge(_Request(entry, entrance.url(entry.get), name, None, missing))

    def _ask_url(self, entry: SmokeEntry) -> Iterator[Finding]:
        outputs = {name: self._deployment.output(name) for name in _OUTPUT.findall(str(entry.url))}
        unknown = [name for name, value in outputs.items() if value is None]
        if unknown:
            yield self._finding(entry, f"url: no stack of the plan has an output {unknown[0]}")
            return
        url = _OUTPUT.sub(lambda found: str(outputs[found.group(1)]), str(entry.url))
        yield from self._judge(_Request(entry, url, url))

    def _ask_inside(self, entry: SmokeEntry, task: RunningTask) -> Iterator[Finding]:
        """Ask a task within its network, if anybody there is admitted."""
        name = f"task {task.id} of {entry.service}"
        face = self._face(task)
        missing = reachability.from_inside(self._network(face), face, entry.port)
        if missing is not None:
            yield self._finding(entry, f"{name} cannot be asked from inside its network", missing, task)
            return
        if self._inside is None:
            self.unasked.append(f"{name} is asked from inside its network, where nobody can ask on an account")
            return
        url, ask = f"http://{task.private}:{entry.port}{entry.get}", self._inside
        asked = _Request(entry, url, name, task)
        yield from self._hold(asked, lambda: Response(**ask(task.id, entry.port, entry.get)))

    def _ask_task(self, entry: SmokeEntry, task: RunningTask) -> Iterator[Finding]:
        name = f"task {task.id} of {entry.service}"

        def missing() -> Blocker | None:
            return self._link(self._face(task), entry.port, entry)

        if task.public is None:
            said = f"{name} has no public address, so nobody on the internet can ask it"
            yield self._finding(entry, said, missing(), task)
            return
        url = f"http://{task.public}{'' if entry.port == 80 else f':{entry.port}'}{entry.get}"
        yield from self._judge(_Request(entry, url, name, task, missing))

    def _judge(self, asked: _Request) -> Iterator[Finding]:
        host, session = load_balancers.host_of(asked.url), self._deployment.session
        at = self._balancers.address(host)
        if at is None and session.has_loopback_only and host.endswith(http.BALANCERS):
            yield self._finding(asked.entry, f"{asked.name}: nobody on the internet reaches it", asked.missing())
            return
        session.check_address(at or host)
        yield from self._hold(asked, lambda: http.fetch(asked.url, at=at))

    def _hold(self, asked: _Request, ask: Callable[[], Response]) -> Iterator[Finding]:
        """Ask until the answer is the one that the plan wants, or time is up."""
        entry, began = asked.entry, time.monotonic()
        page = self._page(entry, asked.url, ask)
        taken = time.monotonic() - began
        self.answers.append(SmokeAnswer(entry.service or asked.url, asked.url, page.status, entry.status, taken))
        if page.fits(entry.status, entry.contains):
            return
        wanted = f"status {entry.status}" + (f" and a page with {entry.contains!r}" if entry.contains else "")
        said = f"{asked.name}: GET {asked.url} was to bring {wanted}, and brought {page.shown()}"
        yield self._finding(entry, said, asked.missing() if page.status is None else None, asked.task)

    def _page(self, entry: SmokeEntry, url: str, ask: Callable[[], Response]) -> Response:
        last, session = Response(None, "", "no answer"), self._deployment.session

        def probe() -> Response | None:
            nonlocal last
            last = ask()
            return last if last.fits(entry.status, entry.contains) else None

        timeout = NEAR if session.has_loopback_only else FAR
        try:
            return waiting.until(
                probe, what=f"a page at {url}", timeout=timeout, interval=session.interval, sleep=session.sleep
            )
        except WaitExpiredError:
            return last

    def _face(self, task: RunningTask) -> Interface:
        ec2 = self._deployment.session.client("ec2")
        found = ec2.describe_network_interfaces(NetworkInterfaceIds=[task.interface])["NetworkInterfaces"][0]
        return dataclasses.replace(load_balancers.of(found), has_public_address=task.public is not None)

    def _network(self, face: Interface) -> Network:
        return describe_network.describe_network(self._deployment.session.client("ec2"), face.vpc)

    def _link(
        self, face: Interface, port: int, entry: SmokeEntry, *, has_groups: bool = True
    ) -> Blocker | None:
        """The link of the chain from the caller to an interface that is missing, if one is."""
        caller = entry.caller or reachability.ANY_INTERNET_CALLER
        return reachability.from_internet(self._network(face), face, port, caller=caller, has_groups=has_groups)

    def _finding(
        self,
        entry: SmokeEntry,
        message: str,
        missing: Blocker | None = None,
        task: RunningTask | None = None,
    ) -> Finding:
        at, name = self._at(missing, task), missing.property if missing is not None else None
        return Finding(
            "smoke",
            "SMOKE_GET",
            Severity.ERROR,
            f"{message}: {missing.message}" if missing is not None else message,
            file=at.template.name if at is not None else self._shown,
            line=at.line(name) if at is not None else entry.line,
            resource=at.logical if at is not None else None,
            property=name,
            fix=missing.fix if missing is not None else FIX,
            source=SOURCE,
        )

    def _at(self, missing: Blocker | None, task: RunningTask | None) -> DeclaredResource | None:
        """The resource whose line would mend it: that of the missing link, else the service."""
        known = self._deployment.blueprint
        at = known.find(missing.resource) if missing is not None and missing.resource else None
        if at is None and task is not None:
            at = next((d for d in known.of_kind("AWS::ECS::Service") if d.physical.endswith(f"/{task.service}")), None)
        return at
