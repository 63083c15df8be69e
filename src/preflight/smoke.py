"""Ask the running tasks questions: findings say what was expected and what came back."""

from __future__ import annotations

import dataclasses
import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from preflight import errors, model, plan, reachability, vpc, waiting
from preflight.aws import deployment as deployments
from preflight.aws import tasks

DEADLINE = 10.0
MAX_BYTES = 1_048_576
SOURCE = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-networking.html"


@dataclass(frozen=True)
class Page:
    """What came back: a status and the beginning of a text, or (`status` None) what went wrong."""

    status: int | None
    text: str
    trouble: str = ""

    def fits(self, asked: plan.Smoke) -> bool:
        """Whether it is the answer that the plan wants."""
        return self.status == asked.status and (asked.contains is None or asked.contains in self.text)

    def shown(self) -> str:
        """In one line."""
        if self.status is None:
            return self.trouble
        start = " ".join(self.text.split())[:120]
        return f"status {self.status} and {start!r}"


def fetch(url: str, *, timeout: float = 5.0) -> Page:
    """One GET; redirects are not followed, proxies are not used, and no answer is an answer too."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Stay)
    try:
        with opener.open(url, timeout=timeout) as answer:
            return Page(answer.status, answer.read(MAX_BYTES).decode(errors="replace"))
    except urllib.error.HTTPError as error:
        with error:
            return Page(error.code, error.read(MAX_BYTES).decode(errors="replace"))
    except (OSError, ValueError, http.client.HTTPException) as error:
        return Page(None, "", f"no answer: {getattr(error, 'reason', None) or error}")


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: object) -> None:
        """Follow no redirect: where it leads is not ours to ask."""
        return


class Smoke:
    """The questions of a plan to one deployment."""

    def __init__(
        self, deployment: deployments.Deployment, asked: plan.Plan, values: Mapping[str, str], shown: str
    ) -> None:
        self._deployment = deployment
        self._plan = asked
        self._values = values
        self._shown = shown
        self.running: list[tasks.Running] = []
        self.answers: list[model.Answer] = []

    def findings(self) -> list[model.Finding]:
        """Ask every question; a finding for each wrong or missing answer.

        Raises:
            NotLoopbackError: a rehearsal's task has an address that is not on this machine.
        """
        return [finding for entry in self._plan.smoke for finding in self._ask(self._filled(entry))]

    def _filled(self, entry: plan.Smoke) -> plan.Smoke:
        texts: dict[str, Any] = {
            key: plan.fill(value, self._values)
            for key in ("service", "cluster", "url", "get", "contains")
            if isinstance(value := getattr(entry, key), str)
        }
        return dataclasses.replace(entry, **texts)

    def _ask(self, entry: plan.Smoke) -> Iterator[model.Finding]:
        if entry.service is None:
            yield from self._ask_url(entry)
            return
        try:
            found = self._deployment.tasks.running(entry.cluster, entry.service)
        except ClientError as error:
            yield self._finding(entry, f"service {entry.service}: {error.response['Error']['Message']}")
            return
        if not found:
            yield self._finding(entry, f"service {entry.service} has no running task")
        self.running += found
        for task in found:
            yield from self._ask_task(entry, task)

    def _ask_url(self, entry: plan.Smoke) -> Iterator[model.Finding]:
        yield from self._judge(entry, str(entry.url), str(entry.url), None)

    def _ask_task(self, entry: plan.Smoke, task: tasks.Running) -> Iterator[model.Finding]:
        name = f"task {task.id} of {entry.service}"
        if task.public is None:
            missing = self._missing(entry, task)
            yield self._finding(
                entry, f"{name} has no public address, so nobody on the internet can ask it", missing, task
            )
            return
        url = f"http://{task.public}{'' if entry.port == 80 else f':{entry.port}'}{entry.get}"
        yield from self._judge(entry, url, name, task)

    def _judge(self, entry: plan.Smoke, url: str, name: str, task: tasks.Running | None) -> Iterator[model.Finding]:
        self._deployment.session.check_address(urlsplit(url).hostname or "")
        began = time.monotonic()
        page = self._page(entry, url)
        taken = time.monotonic() - began
        self.answers.append(model.Answer(entry.service or url, url, page.status, entry.status, taken))
        if page.fits(entry):
            return
        wanted = f"status {entry.status}" + (f" and a page with {entry.contains!r}" if entry.contains else "")
        missing = self._missing(entry, task) if task is not None and page.status is None else None
        yield self._finding(
            entry, f"{name}: GET {url} was to bring {wanted}, and brought {page.shown()}", missing, task
        )

    def _page(self, entry: plan.Smoke, url: str) -> Page:
        last = Page(None, "", "no answer")

        def probe() -> Page | None:
            nonlocal last
            last = fetch(url)
            return last if last.fits(entry) else None

        try:
            return waiting.until(probe, what=f"a page at {url}", timeout=DEADLINE, interval=0.1)
        except errors.WaitExpiredError:
            return last

    def _missing(self, entry: plan.Smoke, task: tasks.Running | None) -> reachability.Missing | None:
        """The link of the chain from the internet to the task that is missing, if one is."""
        if task is None:
            return None
        ec2 = self._deployment.session.client("ec2")
        found = ec2.describe_network_interfaces(NetworkInterfaceIds=[task.interface])["NetworkInterfaces"][0]
        face = reachability.Interface(
            found["VpcId"],
            found["SubnetId"],
            found["PrivateIpAddress"],
            tuple(group["GroupId"] for group in found["Groups"]),
            has_public_address=task.public is not None,
        )
        return reachability.from_internet(vpc.describe(ec2, found["VpcId"]), face, entry.port)

    def _finding(
        self,
        entry: plan.Smoke,
        message: str,
        missing: reachability.Missing | None = None,
        task: tasks.Running | None = None,
    ) -> model.Finding:
        file, line, resource, name = self._shown, entry.line, None, None
        fix = "Let the container serve what the plan expects, or correct the plan."
        if missing is not None:
            message, fix = f"{message}: {missing.message}", missing.fix
            name = missing.property
        known = self._deployment.blueprint
        at = known.find(missing.resource) if missing is not None and missing.resource else None
        if at is None and task is not None:
            at = next((d for d in known.of_kind("AWS::ECS::Service") if d.physical.endswith(f"/{task.service}")), None)
        if at is not None:
            file, line, resource = at.template.name, at.line(name), at.logical
        return model.Finding(
            "smoke",
            "SMOKE_GET",
            model.Severity.ERROR,
            message,
            file=file,
            line=line,
            resource=resource,
            property=name,
            fix=fix,
            source=SOURCE,
        )
