"""The plan's steps in order, and back: a context manager that yields what runs."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from preflight import engine as engines
from preflight import model, plan, standins, template
from preflight.aws import blueprint, diagnosis, images, location, stacks, stops, tasks
from preflight.aws import session as sessions

Say = Callable[[str], None]
PATIENCE = 2


@dataclass(frozen=True)
class Order:
    """What is to be deployed: the plan, the values of its placeholders, and what builds images."""

    plan: plan.Plan
    values: Mapping[str, str]
    tags: Mapping[str, str]
    engine: engines.Engine | None
    base: standins.Standins | None
    names: Mapping[Path, str]


class HopelessError(Exception):
    """A task stopped for a reason that cannot heal."""

    def __init__(self, stopped: tasks.Stopped) -> None:
        super().__init__(stopped.reason)
        self.stopped = stopped


class FailedError(Exception):
    """The deployment failed; with the findings that say why."""

    def __init__(self, findings: list[model.Finding]) -> None:
        super().__init__(findings[0].message if findings else "the deployment failed")
        self.findings = tuple(findings)


class Deployment:
    """One deployment: its stacks, in the order they were created."""

    def __init__(self, session: sessions.Session, order: Order, say: Say) -> None:
        self.session = session
        self._order = order
        self._say = say
        self._stacks = stacks.Stacks(session)
        self.tasks = tasks.Tasks(session)
        folder = order.plan.templates
        staged = {self._key(p): p for p in plan.templates_in(folder)} if folder is not None else {}
        self._staged = staged | {self._key(s.template): s.template for s in order.plan.stacks}
        self.blueprint = blueprint.Blueprint(self._stacks, staged=self._staged, names=order.names)
        self._made: list[tuple[str, str]] = []
        self._has_bucket = False
        self.services: dict[str, str] = {}
        self.digests: dict[str, str] = {}

    @property
    def stack_names(self) -> tuple[str, ...]:
        """Names of the stacks that were created."""
        return tuple(name for name, _ in self._made)

    def _key(self, path: Path) -> str:
        folder = self._order.plan.templates
        inside = folder is not None and path.is_relative_to(folder)
        relative = path.relative_to(folder if inside and folder is not None else self._order.plan.folder)
        return f"{self._order.values['templates']}/{relative.as_posix()}"

    def up(self) -> None:
        """Stage the templates and take every step.

        Raises:
            FailedError: a step failed.
        """
        self._stage()
        for step in self._order.plan.steps:
            if isinstance(step, plan.Image):
                self._push(step)
            else:
                self._create(step)

    def _stage(self) -> None:
        s3, bucket = self.session.client("s3"), self._order.values["bucket"]
        place = {"CreateBucketConfiguration": {"LocationConstraint": self.session.region}}
        s3.create_bucket(Bucket=bucket, **({} if self.session.region == "us-east-1" else place))
        self._has_bucket = True
        for key, path in self._staged.items():
            s3.put_object(Bucket=bucket, Key=key, Body=path.read_bytes())

    def _url(self, path: Path) -> str:
        values = self._order.values
        suffix = "amazonaws.com.cn" if self.session.region.startswith("cn-") else "amazonaws.com"
        return f"https://{values['bucket']}.s3.{self.session.region}.{suffix}/{self._key(path)}"

    def _push(self, step: plan.Image) -> None:
        name = plan.fill(step.name, self._order.values)
        if self._order.engine is None:
            self._pretend(name)
            return
        self._say(f"building {self._order.names.get(step.build, step.build.name)} and pushing it as {name}")
        try:
            self.digests[name] = images.push(
                self.session,
                self._order.engine,
                folder=step.build,
                name=name,
                run=self._order.values["run"],
                base=self._order.base,
            )
        except images.PushRefusedError as error:
            fix = "Let a step before this one create the repository of that name, and push each tag once."
            raise FailedError([_refused("PushRefused", f"{name} was not pushed: {error}", fix, self._order)]) from None

    def _pretend(self, name: str) -> None:
        """Without a container engine, ECR is told of an image without layers."""
        repository, _, tag = name.partition(":")
        manifest = '{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "layers": [], "config": {"digest": "sha256:%064d", "size": 0}}'
        try:
            self.session.client("ecr").put_image(
                repositoryName=repository,
                imageTag=tag,
                imageManifest=manifest % 0,
                imageManifestMediaType="application/vnd.oci.image.manifest.v1+json",
            )
        except ClientError as error:
            fix = "Let a step before this one create the repository of that name."
            said = f"{name} was not pushed: {error.response['Error']['Message']}"
            raise FailedError([_refused("PushRefused", said, fix, self._order)]) from None

    def _create(self, step: plan.Stack) -> None:
        name = plan.fill(step.name, self._order.values)
        self._say(f"creating stack {name}")
        began = time.monotonic()
        parameters = {key: plan.fill(value, self._order.values) for key, value in step.parameters.items()}
        try:
            stack = self._stacks.create(
                name,
                self._url(step.template),
                parameters=parameters,
                capabilities=step.capabilities,
                tags=self._order.tags,
            )
            self._made.append((name, stack))
            self.blueprint.add(stack, step.template)
            self._stacks.wait_created(stack, look=self._look)
        except stacks.RefusedError as error:
            raise FailedError([self._of_refusal(error, step)]) from None
        except stacks.FailedError as error:
            raise FailedError(self._of_failure(error)) from None
        except HopelessError as error:
            raise FailedError([self.of_stopped(error.stopped)]) from None
        self.blueprint.learn()
        self._note_services()
        self._say(f"stack {name} is created ({time.monotonic() - began:.1f} s)")

    def _note_services(self) -> None:
        for declared in self.blueprint.of_kind("AWS::ECS::Service"):
            parts = declared.physical.split("/")
            if declared.physical.startswith("arn:") and len(parts) > 2:
                self.services[declared.physical] = parts[1]

    def _look(self) -> None:
        """Look at the tasks of the services so far; a stop reason that cannot heal ends the wait.

        Raises:
            HopelessError: there is one.
        """
        self.blueprint.learn()
        self._note_services()
        for arn, cluster in self.services.items():
            stopped = list(self.tasks.stopped(cluster, arn.rpartition("/")[2]))
            for one in stopped:
                if not diagnosis.of(one.reason, one.containers).heals or len(stopped) > PATIENCE:
                    raise HopelessError(one)

    def _of_refusal(self, error: stacks.RefusedError, step: plan.Stack) -> model.Finding:
        name, fix = diagnosis.of_stack(error.message)
        shown = self._order.names.get(step.template, str(step.template))
        path = self._path(step.template, error.message)
        return model.Finding(
            "rehearse",
            error.code,
            model.Severity.ERROR,
            f"stack {error.stack}: {error.message}",
            file=shown,
            line=template.load(step.template).line(*path) if path else 1,
            resource=location.resource_of(path),
            property=name,
            fix=fix,
            source="https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html",
        )

    @staticmethod
    def _path(path: Path, message: str) -> location.Path:
        try:
            return location.of_message(template.load(path), message)
        except template.UnreadableError:
            return ()

    def _of_failure(self, error: stacks.FailedError) -> list[model.Finding]:
        self.blueprint.learn()
        findings = [self._of_resource(failure) for failure in error.failures]
        for arn, cluster in self.services.items():
            for stopped in list(self.tasks.stopped(cluster, arn.rpartition("/")[2]))[:1]:
                findings.insert(0, self.of_stopped(stopped))
        return findings or [
            _refused("StackFailed", f"stack {error.stack} ended in {error.status}", "See its events.", self._order)
        ]

    def _of_resource(self, failure: stacks.Failure) -> model.Finding:
        name, fix = diagnosis.of_stack(failure.reason)
        name = name or location.property_of(failure.reason)
        file, line, resource = self._where(failure, name)
        return model.Finding(
            "rehearse",
            failure.status,
            model.Severity.ERROR,
            f"{failure.kind}: {failure.reason}",
            file=file,
            line=line,
            resource=resource,
            property=name,
            fix=fix,
            source="https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html",
        )

    def _where(self, failure: stacks.Failure, name: str | None) -> tuple[str | None, int | None, str | None]:
        """File, line and logical id of what failed: of the nested template where that was refused."""
        known = self.blueprint.template_of(failure.stack)
        if failure.logical and failure.kind == stacks.STACK and not failure.reason.startswith("Parameters:"):
            inner = self.blueprint.nested(failure.stack, failure.logical)
            path = location.of_message(inner, failure.reason) if inner else ()
            if inner is not None and path:
                return inner.name, inner.line(*path), location.resource_of(path)
        declared = self.blueprint.at(failure.stack, failure.logical) if failure.logical else None
        if declared is not None:
            return declared.template.name, declared.line(name), failure.logical
        path = location.of_message(known, failure.reason) if known else ()
        return (
            (known.name, known.line(*path), failure.logical or location.resource_of(path))
            if known
            else (None, None, failure.logical)
        )

    def of_stopped(self, stopped: tasks.Stopped) -> model.Finding:
        """The finding for a task that stopped."""
        self.blueprint.learn()
        return stops.Stops(self.session, self.blueprint, self.services).finding(stopped)

    def output(self, name: str) -> str | None:
        """The output of that name of the stack that was created last and has one."""
        for _, stack in reversed(self._made):
            found = self._stacks.outputs(stack)
            if name in found:
                return found[name]
        return None

    def down(self) -> list[model.Finding]:
        """Delete what was made, last first; findings for what remains."""
        remains = []
        for name, stack in reversed(self._made):
            self._say(f"deleting stack {name}")
            try:
                self._stacks.delete(stack)
            except stacks.FailedError as error:
                remains += [self._of_resource(failure) for failure in error.failures]
        if self._has_bucket:
            self._empty_bucket()
        return remains

    def _empty_bucket(self) -> None:
        s3, bucket = self.session.client("s3"), self._order.values["bucket"]
        with contextlib.suppress(ClientError):
            for key in self._staged:
                s3.delete_object(Bucket=bucket, Key=key)
            s3.delete_bucket(Bucket=bucket)


def _refused(check: str, message: str, fix: str, order: Order) -> model.Finding:
    shown = order.names.get(order.plan.path, order.plan.path.name)
    return model.Finding("rehearse", check, model.Severity.ERROR, message, file=shown, line=1, fix=fix)


@contextlib.contextmanager
def deployed(
    session: sessions.Session, order: Order, say: Say, *, remains: list[model.Finding]
) -> Iterator[Deployment]:
    """Deploy the plan, yield what runs, and delete it all again.

    Findings for what could not be deleted are added to `remains`.

    Raises:
        FailedError: a step failed; what it had made is deleted by then.
    """
    deployment = Deployment(session, order, say)
    try:
        deployment.up()
        yield deployment
    finally:
        remains += deployment.down()


def described(
    deployment: Deployment, running: list[tasks.Running], answers: tuple[model.Answer, ...]
) -> model.Deployment:
    """What ran, for the report."""
    shown: list[dict[str, Any]] = [
        {"id": task.id, "service": task.service, "private": task.private, "public": task.public or ""}
        for task in running
    ]
    return model.Deployment(
        stacks=deployment.stack_names,
        services=tuple(arn.rpartition("/")[2] for arn in deployment.services),
        tasks=tuple(shown),
        smoke=answers,
    )
