"""The plan's steps in order, and back: a context manager that yields what runs."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from preflight import model
from preflight.aws import partitions
from preflight.container_engine.engine import Engine
from preflight.container_engine.standins import Standins
from preflight.deploy import aws_errors, image_push, stop_reasons
from preflight.deploy.change_sets import ChangeSet, StackRequest
from preflight.deploy.declared_resources import DeclaredResources
from preflight.deploy.image_push import PushRefusedError
from preflight.deploy.removal import Removal
from preflight.deploy.session import Session
from preflight.deploy.stack_events import Events
from preflight.deploy.stack_findings import StackFindings
from preflight.deploy.stacks import Failure, RefusedError, StackFailedError, Stacks
from preflight.deploy.task_findings import TaskFindings
from preflight.deploy.tasks import RunningTask, StoppedTask, Tasks
from preflight.deploy.template_bucket import Bucket
from preflight.errors import StopRequested, WaitExpiredError
from preflight.model import Finding, Say, Severity, SmokeAnswer
from preflight.plan import plan
from preflight.plan.plan import ImageStep, Plan, StackStep
from preflight.system import waiting

DEFAULT_PLATFORM = "linux/amd64"  # of tasks that say nothing else
PATIENCE = 2
LATE = 5.0  # seconds in which a request that nobody waited for is carried out
NO_REPOSITORY = "Let a step before this one create the repository of that name, and push each tag once."
EMPTY_MANIFEST = {
    "schemaVersion": 2,
    "mediaType": "application/vnd.oci.image.manifest.v1+json",
    "layers": [],
    "config": {"digest": f"sha256:{0:064d}", "size": 0},
}


@dataclass(frozen=True)
class DeploymentOptions:
    """What is to be deployed: the plan, the values of its placeholders, and what builds images.

    One that `is_told` tells change sets and events while they happen.
    """

    plan: Plan
    values: Mapping[str, str]
    tags: Mapping[str, str]
    engine: Engine | None
    base: Standins | None
    names: Mapping[Path, str]
    is_told: bool = False
    sweep: str = "preflight sweep"  # the command that removes what is left behind
    platforms: Mapping[str, str] = field(default_factory=dict)  # of images, by the names of their steps


class PermanentTaskFailureError(Exception):
    """A task stopped for a reason that cannot heal."""

    def __init__(self, stopped: StoppedTask) -> None:
        super().__init__(stopped.reason)
        self.stopped = stopped


class DeploymentFailedError(Exception):
    """The deployment failed; with the findings that say why."""

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__(findings[0].message if findings else "the deployment failed")
        self.findings = tuple(findings)


class Deployment:
    """One deployment: its stacks, in the order they were created."""

    def __init__(self, session: Session, order: DeploymentOptions, say: Say) -> None:
        self.session = session
        self._order = order
        self._say = say
        self._stacks = Stacks(session)
        self._events = Events(self._stacks, say)
        self.tasks = Tasks(session)
        folder = order.plan.templates
        staged = {self._key(p): p for p in plan.templates_in(folder)} if folder is not None else {}
        self._staged = staged | {self._key(s.template): s.template for s in order.plan.stacks}
        self.blueprint = DeclaredResources(self._stacks, staged=self._staged, names=order.names)
        self._failures = StackFindings(self.blueprint, order.names)
        self._made: dict[str, str] = {}  # ids of stacks by name, the name where the id is not known yet
        self._unanswered: set[str] = set()  # names of stacks whose creation was asked for, and nobody said how that went
        self.services: dict[str, str] = {}
        self.digests: dict[str, str] = {}
        self.is_kept = False
        self._count = itertools.count(1)

    @property
    def stack_names(self) -> tuple[str, ...]:
        """Names of the stacks that were created."""
        return tuple(self._made)

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
        self._bucket.make(self._order.tags)
        self._stage()
        for step in self._order.plan.steps:
            self.session.sleep(0)
            if isinstance(step, ImageStep):
                self._push(step)
            else:
                self._create(step)

    def again(self, run: str, folders: Mapping[Path, Path] | None = None) -> list[str]:
        """Take every step once more for another value of {run}: push images, update stacks.

        `folders` are built instead of those of the plan. Returns the logical ids of resources that changed.

        Raises:
            FailedError: a step failed; its stack was rolled back.
        """
        self._order = replace(self._order, values={**self._order.values, "run": run})
        self._stage()
        changed = []
        for step in self._order.plan.steps:
            if isinstance(step, StackStep):
                changed += self._update(step)
            elif plan.fill(step.name, self._order.values) not in self.digests:
                self._push(replace(step, build=(folders or {}).get(step.build, step.build)))
        return changed

    @property
    def _bucket(self) -> Bucket:
        return Bucket(self.session, self._order.values["bucket"])

    def _stage(self) -> None:
        for key, path in self._staged.items():
            self._bucket.put(key, path.read_bytes())

    def _url(self, path: Path) -> str:
        values = self._order.values
        _, suffix = partitions.partition_of(self.session.region)
        return f"https://{values['bucket']}.s3.{self.session.region}.{suffix}/{self._key(path)}"

    def _push(self, step: ImageStep) -> None:
        name = plan.fill(step.name, self._order.values)
        self._say(f"building {self._order.names.get(step.build, step.build.name)} and pushing it as {name}")
        try:
            self.digests[name] = self._pushed(step, name)
        except PushRefusedError as error:
            found = self._finding("PushRefused", f"{name} was not pushed: {error}", NO_REPOSITORY)
            raise DeploymentFailedError([found]) from None
        self._say(f"{name} is pushed, digest {self.digests[name]}")

    def _pushed(self, step: ImageStep, name: str) -> str:
        """Digest of an image, built and pushed; without a container engine, ECR is told of one without layers."""
        engine = self._order.engine
        if engine is None:
            return image_push.declare(self.session, name, EMPTY_MANIFEST)
        return image_push.push(
            self.session,
            engine,
            folder=step.build,
            name=name,
            platform=self._order.platforms.get(step.name, DEFAULT_PLATFORM),
            run=self._order.values["run"],
            base=self._order.base,
        )

    def _wanted(self, step: StackStep) -> StackRequest:
        values = self._order.values
        return StackRequest(
            name=plan.fill(step.name, values),
            url=self._url(step.template),
            parameters={key: plan.fill(value, values) for key, value in step.parameters.items()},
            capabilities=step.capabilities,
            tags=self._order.tags,
        )

    def _next_change_set(self) -> str:
        """A name that no change set of the run has yet."""
        return f"preflight-{self._order.values['run']}-{next(self._count)}"

    def _create(self, step: StackStep) -> None:
        wanted, began = self._wanted(step), time.monotonic()
        self._say(f"creating stack {wanted.name}")
        self._made[wanted.name] = wanted.name  # whatever happens from here on, it may be there
        with self._explained(step):
            made = self._asked(wanted)
            self._made[wanted.name] = made.stack
            self.blueprint.add(made.stack, step.template)
            self._carry_out(made)
        self._say(f"stack {wanted.name} is created ({time.monotonic() - began:.1f} s)")

    def _asked(self, wanted: StackRequest) -> ChangeSet:
        """Prepare to create a stack, and note while it is not known how that went."""
        self._unanswered.add(wanted.name)
        try:
            made = self._stacks.create(wanted, self._next_change_set())
        except (RefusedError, StackFailedError):
            self._unanswered.remove(wanted.name)
            raise
        self._unanswered.remove(wanted.name)
        return made

    def _update(self, step: StackStep) -> list[str]:
        wanted = self._wanted(step)
        self._say(f"updating stack {wanted.name}")
        with self._explained(step):
            made = self._stacks.update(wanted, self._next_change_set())
            self._events.skip(self._made[wanted.name])
            if made is not None:
                self._carry_out(made)
        changed = self._events.changed(self._made[wanted.name])
        self._say(f"stack {wanted.name}: {', '.join(changed) or 'nothing'} changed")
        return changed

    def _carry_out(self, made: ChangeSet) -> None:
        """Show a change set, execute it, and learn what it made."""
        if self._order.is_told:
            for change in made.changes:
                self._say(f"  {change.action} {change.kind} {change.logical}")
        self._stacks.execute(made, look=lambda: self._look(made.stack))
        self._tell(made.stack)
        self.blueprint.learn()
        self._note_services()

    @contextlib.contextmanager
    def _explained(self, step: StackStep) -> Iterator[None]:
        """Turn what goes wrong with a stack into findings."""
        try:
            yield
        except RefusedError as error:
            raise DeploymentFailedError([self._failures.of_refusal(error, step)]) from None
        except StackFailedError as error:
            self._tell(error.stack)
            raise DeploymentFailedError(self._of_failure(error)) from None
        except PermanentTaskFailureError as error:
            raise DeploymentFailedError([self.of_stopped(error.stopped)]) from None

    def _tell(self, stack: str) -> None:
        if self._order.is_told:
            self._events.tell(stack)

    def _note_services(self) -> None:
        for declared in self.blueprint.of_kind("AWS::ECS::Service"):
            parts = declared.physical.split("/")
            if declared.physical.startswith("arn:") and len(parts) > 2:
                self.services[declared.physical] = parts[1]

    def _look(self, stack: str) -> None:
        """Tell what happens, and look at the tasks of the services so far.

        Raises:
            HopelessError: one stopped for a reason that cannot heal.
        """
        self._tell(stack)
        self.blueprint.learn()
        self._note_services()
        for arn, cluster in self.services.items():
            stopped = list(self.tasks.stopped(cluster, arn.rpartition("/")[2]))
            for one in stopped:
                if not stop_reasons.of(one.reason, one.containers).heals or len(stopped) > PATIENCE:
                    raise PermanentTaskFailureError(one)

    def _of_failure(self, error: StackFailedError) -> list[Finding]:
        self.blueprint.learn()
        found = [self._failures.of_resource(failure) for failure in error.failures]
        for arn, cluster in self.services.items():
            for stopped in list(self.tasks.stopped(cluster, arn.rpartition("/")[2]))[:1]:
                found.insert(0, self.of_stopped(stopped))
        return found or [self._finding("StackFailed", f"stack {error.stack} ended in {error.status}", "See its events.")]

    def _finding(self, check: str, message: str, fix: str) -> Finding:
        """A finding about the plan."""
        path = self._order.plan.path
        shown = self._order.names.get(path, path.name)
        return Finding("rehearse", check, Severity.ERROR, message, file=shown, line=1, fix=fix)

    def of_stopped(self, stopped: StoppedTask) -> Finding:
        """The finding for a task that stopped."""
        self.blueprint.learn()
        return TaskFindings(self.session, self.blueprint, self.services).finding(stopped)

    def output(self, name: str) -> str | None:
        """The output of that name of the stack that was created last and has one."""
        for stack in reversed(self._made.values()):
            found = self._stacks.outputs(stack)
            if name in found:
                return found[name]
        return None

    def down(self) -> list[Finding]:
        """Delete what was made, last first; findings for what remains."""
        remains: list[Finding] = []
        remover = Removal(self.session, self._say)
        for name, stack in reversed(self._made.items()):
            self._say(f"deleting stack {name}")
            with self._noting(f"stack {name}", remains):
                if name in self._unanswered:
                    self._await(name)
                for kept in remover.stack(stack):
                    self._say(kept)
        with self._noting(f"bucket {self._bucket.name}", remains):
            remover.bucket(self._bucket.name)
        return remains

    def _await(self, stack: str) -> None:
        """Wait for a stack that may yet come: we were stopped while CloudFormation was asked for it."""
        with contextlib.suppress(WaitExpiredError):
            waiting.until(lambda: self._stacks.tags(stack), what=f"stack {stack}", timeout=LATE)

    @contextlib.contextmanager
    def _noting(self, what: str, remains: list[Finding]) -> Iterator[None]:
        """Add a finding for what could not be deleted in the block, and go on."""
        try:
            yield
        except StackFailedError as error:
            remains += [self._undeleted(failure) for failure in error.failures]
        except (ClientError, BotoCoreError) as error:
            remains.append(self._remaining(what, aws_errors.describe(error)))
        except WaitExpiredError as error:
            remains.append(self._remaining(what, str(error)))

    def _undeleted(self, failure: Failure) -> Finding:
        """The finding for what could not be deleted; a plain one where AWS does not help to find its line."""
        try:
            return self._failures.of_resource(failure)
        except (ClientError, BotoCoreError):
            return self._remaining(f"{failure.kind} {failure.logical or failure.stack}", failure.reason)

    def _remaining(self, what: str, reason: str) -> Finding:
        return self._finding("NotDeleted", f"{what} may still be there: {reason}", f"Remove it: {self._order.sweep}")


@contextlib.contextmanager
def deployed(
    session: Session,
    order: DeploymentOptions,
    say: Say,
    *,
    remains: list[Finding],
    is_kept: bool = False,
    is_kept_failed: bool = False,
) -> Iterator[Deployment]:
    """Deploy the plan, yield what runs, and delete it all again.

    What runs is not deleted where it `is_kept`; where it `is_kept_failed`, what failed is not. Findings for
    what could not be deleted are added to `remains`.

    Raises:
        FailedError: a step failed; what it had made is deleted by then, unless that is to be kept.
    """
    deployment = Deployment(session, order, say)
    stopped: StopRequested | None = None
    try:
        deployment.up()
        deployment.is_kept = is_kept
        yield deployment
    except StopRequested as stop:
        stopped = stop
        deployment.is_kept = False
        raise
    except Exception:
        deployment.is_kept = is_kept_failed
        raise
    finally:
        if deployment.is_kept:
            say(f"everything is kept, and costs money until it is removed: {order.sweep}")
        else:
            _undo(deployment, remains, stopped)


def _undo(deployment: Deployment, remains: list[Finding], stopped: StopRequested | None) -> None:
    """Delete what was made; who is asked to stop meanwhile begins again, and then stops."""
    try:
        left = deployment.down()
    except StopRequested as stop:
        stop.left += _lines(deployment.down())
        raise
    remains += left
    if stopped is not None:
        stopped.left += _lines(left)


def _lines(left: list[Finding]) -> list[str]:
    return [f"{finding.message}. {finding.fix}" for finding in left]


def described(
    deployment: Deployment, running: list[RunningTask], answers: tuple[SmokeAnswer, ...]
) -> model.Deployment:
    """What ran, for the report."""
    shown: list[dict[str, Any]] = [
        {"id": task.id, "service": task.service, "private": task.private, "public": task.public or ""}
        for task in running
    ]
    return model.Deployment(
        stacks=deployment.stack_names,
        services=tuple(arn.rpartition("/")[2] for arn in deployment.services),
        images=tuple({"name": name, "digest": digest} for name, digest in deployment.digests.items()),
        tasks=tuple(shown),
        smoke=answers,
    )
