"""Creates the plan's stacks and images in order, updates them, and deletes them in reverse."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Container, Iterator, Mapping
from pathlib import Path

from preflight import model
from preflight.architecture import ResourceEvent
from preflight.deploy import stop_reasons, target_health
from preflight.deploy.cdk_publication import CdkPublication
from preflight.deploy.change_sets import ChangeSet, StackRequest
from preflight.deploy.declared_resources import DeclaredResources
from preflight.deploy.deletion import Deletion
from preflight.deploy.dockerfile_checks import UnsafeBuildError
from preflight.deploy.image_push import PushRefusedError
from preflight.deploy.options import DeploymentOptions
from preflight.deploy.plan_images import PlanImages
from preflight.deploy.reported_states import ReportedStates
from preflight.deploy.stack_events import Events
from preflight.deploy.stack_findings import StackFindings
from preflight.deploy.stacks import RefusedError, StackFailedError, Stacks
from preflight.deploy.staged_templates import StagedTemplates
from preflight.deploy.stopped_tasks import StoppedTasks
from preflight.deploy.targets.target import DeploymentTarget
from preflight.deploy.task_findings import TaskFindings
from preflight.deploy.tasks import StoppedTask, Tasks
from preflight.deploy.template_bucket import Bucket
from preflight.deploy.update_changes import UpdateChanges
from preflight.model import Finding, Progress, Say
from preflight.plan import placeholders
from preflight.plan.plan import ImageStep, StackStep
from preflight.system import folders

MAX_STOPPED_TASKS = 2  # of a service, before it counts as one that cannot become steady
NO_OUTPUT = "Declare the output in a template of a step before this one, or correct its name."
NO_REPOSITORY = "Let a step before this one create the repository of that name, and push each tag once."


class PermanentTaskFailureError(Exception):
    """A task stopped for a reason that does not go away."""

    def __init__(self, stopped: StoppedTask) -> None:
        super().__init__(stopped.reason)
        self.stopped = stopped


class DeploymentFailedError(Exception):
    """The deployment failed; `findings` say why."""

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__(findings[0].message if findings else "the deployment failed")
        self.findings = tuple(findings)
        self.deployment = model.Deployment()  # what there was before it was deleted, for the report


class Deployment:
    """A plan on a target: its stacks, in the order they were created, its images and its services.

    `tags` are those of every stack, `platforms` those of images by the names of their steps.
    """

    def __init__(
        self,
        target: DeploymentTarget,
        options: DeploymentOptions,
        say: Say,
        *,
        tags: Mapping[str, str],
        platforms: Mapping[str, str],
    ) -> None:
        self._target = target
        self._say = say
        self._tags = tags
        self.session = target.session(options.plan.region)
        self.values: Mapping[str, str] = target.values(options.plan, options.run)
        self._bucket = Bucket(self.session, self.values["bucket"])
        self._image_run = options.run  # what {run} stands for in the tags of images
        self._image_folders: dict[str, Path] = {}  # as they were built, by `repository:tag`
        self.digests: dict[str, str] = {}  # of the images that were pushed, by `repository:tag`
        self._stacks = Stacks(self.session)
        self._events = Events(self._stacks, say)
        self.tasks = Tasks(self.session)
        self._use(options, platforms)
        self._stack_ids: dict[str, str] = {}  # by name; the name itself until the id is known
        self._unanswered: set[str] = set()  # names of stacks that CloudFormation was asked for, and did not answer yet
        self._change_set_numbers = itertools.count(1)
        self._stopped = StoppedTasks(self.tasks)
        self.changes: UpdateChanges | None = None  # of the update, once there is one
        self.services: dict[str, str] = {}  # clusters by the ARNs of services

    def _use(self, options: DeploymentOptions, platforms: Mapping[str, str]) -> None:
        """Take the steps, templates and folders of a plan from here on."""
        plan, names = options.plan, options.names
        self._run = options.run
        self._plan = plan
        self._platforms = platforms
        standins = self._target.standins(plan, options.engine, options.note)
        self._images = PlanImages(self.session, options, self._say, standins=standins, platforms=platforms, digests=self.digests)
        self._templates = StagedTemplates(plan, self.values, self.session, self._bucket)
        self.declared_resources = DeclaredResources(self._stacks, staged=self._templates.by_key, names=names)
        self._states = ReportedStates(self.declared_resources, self.tasks, self._say) if options.is_watched else None
        self._findings = StackFindings(self.declared_resources, names, plan.path)

    @property
    def stack_names(self) -> tuple[str, ...]:
        """Names of the stacks that were created."""
        return tuple(self._stack_ids)

    def events(self) -> list[ResourceEvent]:
        """Returns the events of all stacks, oldest first; one whose id is not known was never created."""
        events = [event for name, stack in self._stack_ids.items() if stack != name for event in self._events.records(stack)]
        return sorted(events, key=lambda event: event.time)

    def create(self) -> None:
        """Stage the templates and take every step.

        Raises:
            DeploymentFailedError: a step failed.
        """
        self._bucket.make(self._tags)
        self._templates.stage()
        self._publish()
        for step in self._plan.steps:
            self.session.sleep(0)
            if isinstance(step, ImageStep):
                self._push(step)
            else:
                self._create_stack(step)

    def update(self, options: DeploymentOptions, *, run: str, platforms: Mapping[str, str]) -> list[str]:
        """Update what is deployed to another plan, step by step; stacks that it does not have are deleted after that.

        `run` is what {run} stands for from now on in the tags of images and in parameters that are such a tag: names
        stay the same. Returns the logical ids of resources that changed.

        Raises:
            DeploymentFailedError: a step failed; its stack was rolled back.
        """
        self.values = {**self._target.values(options.plan, options.run), **{key: self.values[key] for key in ("bucket", "templates")}}
        self._image_run = run
        self.declared_resources.refresh()
        former = self.declared_resources
        self._use(options, platforms)
        self.changes = UpdateChanges(former, self.declared_resources, options.names.get(options.plan.path, options.plan.path.name))
        self._templates.stage()
        self._publish()
        changed: list[str] = []
        for step in self._plan.steps:
            self.session.sleep(0)
            if isinstance(step, ImageStep):
                self._push(step)
            elif placeholders.fill(step.name, self.values) in self._stack_ids:
                changed += self._update_stack(step)
            else:
                self._create_stack(step)
        self._delete_others({placeholders.fill(step.name, self.values) for step in self._plan.stacks})
        self.services = {arn: cluster for arn, cluster in self.services.items() if self.declared_resources.exists(arn)}
        return changed

    def _delete_others(self, names: Container[str]) -> None:
        """Delete the stacks of other names, last first.

        Raises:
            DeploymentFailedError: one could not be deleted.
        """
        for name, stack in reversed([item for item in self._stack_ids.items() if item[0] not in names]):
            self._say(Progress(f"deleting stack {name}, which the plan no longer has", kind="stack", name=name, state="deleting"))
            if self.changes is not None:
                self.changes.remove(stack, name, self._stacks.resources(stack))
            try:
                self._stacks.delete(stack)
            except StackFailedError as error:
                raise DeploymentFailedError([self._findings.of_resource(failure) for failure in error.failures]) from None
            del self._stack_ids[name]

    def delete(self) -> list[Finding]:
        """Delete what was created, last first, and return findings for what remains."""
        outlives = self._target.name != "rehearsal"
        deletion = Deletion(self.session, self._findings, self._say, sweep=self._target.sweep, tags=self._tags, outlives=outlives)
        deletion.report_snapshots(self.declared_resources.with_final_snapshot())
        for name, stack in reversed(self._stack_ids.items()):
            deletion.delete_stack(name, stack, is_unanswered=name in self._unanswered)
        deletion.delete_bucket(self._bucket.name, is_own=self._bucket.is_made)
        return deletion.remains

    def output(self, name: str) -> str | None:
        """Returns the output of that name of the last stack that has one."""
        for stack in reversed([*self._stack_ids.values()]):  # traffic asks for outputs while an update adds stacks
            outputs = self._stacks.outputs(stack)
            if name in outputs:
                return outputs[name]
        return None

    def of_stopped(self, stopped: StoppedTask) -> Finding:
        """Returns the finding for a task that stopped."""
        self.declared_resources.refresh()
        folders = [step.build for step in self._plan.steps if isinstance(step, ImageStep)]
        return TaskFindings(self.session, self.declared_resources, self.services, folders).finding(stopped)

    def unhealthy_targets(self) -> list[Finding]:
        """Returns a finding for each target group of a service in which no target is healthy."""
        findings = TaskFindings(self.session, self.declared_resources, self.services)
        return [
            findings.of_unhealthy_target(group.service, group.group, group.description)
            for arn, cluster in self.services.items()
            for group in target_health.unhealthy_groups(self.session, cluster, arn.rpartition("/")[2])
        ]

    def _publish(self) -> None:
        """Publish the assets of CDK; on a real account `cdk-assets` does, into buckets and repositories that outlive the run."""
        if self._target.name == "rehearsal":
            publication = CdkPublication(self._plan, self.session, self.values, self._images)
            try:
                publication.publish(self._tags)
            except PushRefusedError as error:
                raise DeploymentFailedError([self._findings.of_plan("PushRefused", f"an asset of the CDK was not pushed: {error}", NO_REPOSITORY)]) from None
            except UnsafeBuildError as error:
                message = f"the image of an asset of the CDK is not built: {error}"
                raise DeploymentFailedError([self._findings.of_plan("UnsafeBuild", message, error.fix)]) from None

    def _push(self, step: ImageStep) -> None:
        """Build and push the image of a step, unless it was, from the same files."""
        repository, colon, tag = step.name.partition(":")
        name = f"{placeholders.fill(repository, self.values)}{colon}{placeholders.fill(tag, self._image_values)}"
        if name in self._image_folders and folders.are_same(self._image_folders[name], step.build):
            return
        mismatch = self._findings.of_platform(step.build / "Dockerfile", self._platforms.get(step.name, ""))
        if mismatch is not None:
            raise DeploymentFailedError([mismatch])
        try:
            self._images.push(step, name, run=self._run)
            self._image_folders[name] = step.build
        except PushRefusedError as error:
            finding = self._findings.of_plan("PushRefused", f"{name} was not pushed: {error}", NO_REPOSITORY)
            raise DeploymentFailedError([finding]) from None
        except UnsafeBuildError as error:
            raise DeploymentFailedError([self._findings.of_dockerfile(step.build / "Dockerfile", error)]) from None

    def _request(self, step: StackStep) -> StackRequest:
        return StackRequest(
            name=placeholders.fill(step.name, self.values),
            url=self._templates.url(step.template),
            parameters={key: self._filled(step, key, value) for key, value in step.parameters.items()},
            capabilities=step.capabilities,
            tags=self._tags,
        )

    def _filled(self, step: StackStep, key: str, text: str) -> str:
        """Returns the value of a parameter, with the outputs of earlier steps.

        Raises:
            DeploymentFailedError: no earlier step has such an output.
        """
        outputs = {name: self.output(name) for name in placeholders.outputs_in(text)}
        missing = [name for name, value in outputs.items() if value is None]
        if missing:
            message = f"stack {placeholders.fill(step.name, self.values)}: parameter {key}: no earlier step has an output {missing[0]}"
            raise DeploymentFailedError([self._findings.of_plan("NoSuchOutput", message, NO_OUTPUT)])
        values = self._image_values if self._is_tag(text) else self.values
        return placeholders.with_outputs(placeholders.fill(text, values), {name: value or "" for name, value in outputs.items()})

    @property
    def _image_values(self) -> Mapping[str, str]:
        return {**self.values, "run": self._image_run}

    def _is_tag(self, text: str) -> bool:
        """Whether the text of a parameter is the tag of an image step, or ends with it."""
        tags = [step.name.partition(":")[2] for step in self._plan.steps if isinstance(step, ImageStep)]
        return any(tag and (text == tag or text.endswith(f":{tag}")) for tag in tags)

    def _next_change_set(self) -> str:
        """Returns a name that no change set of the run has yet."""
        return f"preflight-{self.values['run']}-{next(self._change_set_numbers)}"

    def _create_stack(self, step: StackStep) -> None:
        request, started = self._request(step), time.monotonic()
        self._say(Progress(f"creating stack {request.name}", kind="stack", name=request.name, state="creating"))
        self._stack_ids[request.name] = request.name  # from here on it may exist, whatever happens
        with self._failures_as_findings(step):
            change_set = self._create_change_set(request)
            self._stack_ids[request.name] = change_set.stack
            self.declared_resources.add(change_set.stack, step.template)
            self._execute(change_set)
        line = f"stack {request.name} is created ({time.monotonic() - started:.1f} s)"
        self._say(Progress(line, kind="stack", name=request.name, state="created"))

    def _create_change_set(self, request: StackRequest) -> ChangeSet:
        """Returns the change set that creates a stack; if that is interrupted, the stack counts as unanswered."""
        self._unanswered.add(request.name)
        try:
            change_set = self._stacks.create(request, self._next_change_set())
        except (RefusedError, StackFailedError):
            self._unanswered.remove(request.name)
            raise
        self._unanswered.remove(request.name)
        return change_set

    def _update_stack(self, step: StackStep) -> list[str]:
        request = self._request(step)
        stack = self._stack_ids[request.name]
        self._say(Progress(f"updating stack {request.name}", kind="stack", name=request.name, state="updating"))
        self.declared_resources.add(stack, step.template)
        with self._failures_as_findings(step):
            change_set = self._stacks.update(request, self._next_change_set())
            self._events.skip(stack)
            self._refresh()
            if change_set is not None:
                self._execute(change_set)
        self._refresh()
        changed = self._events.changed(stack)
        self._say(Progress(f"stack {request.name}: {', '.join(changed) or 'nothing'} changed", kind="stack", name=request.name, state="updated"))
        return changed

    def _execute(self, change_set: ChangeSet) -> None:
        """Execute a change set and read which resources it created."""
        if self.changes is not None:
            self.changes.plan(change_set.changes)
        if self._target.reports_events:
            for change in change_set.changes:
                line = f"  {change.action} {change.kind} {change.logical}"
                self._say(Progress(line, kind="event", name=change.logical))
        self._stacks.execute(change_set, look=lambda: self._check_progress(change_set.stack))
        self._report_events(change_set.stack)
        self._refresh()
        if self.changes is not None:
            self.changes.settle()

    def _check_progress(self, stack: str) -> None:
        """Report new events, and judge the tasks that stopped after all that they could depend on was there.

        Raises:
            PermanentTaskFailureError: a task stopped for a reason that does not go away.
        """
        self._report_events(stack)
        self._refresh()
        services = self.services.items()
        stopped = {arn: self._stopped.of_service(cluster, arn) for arn, cluster in services}
        if self._states is not None:
            self._states.report(self.services, [task for tasks in stopped.values() for task in tasks])
        rest = self.declared_resources.at_rest_since({arn for arn, tasks in stopped.items() if tasks})
        for every in stopped.values() if rest else ():
            tasks = [task for task in every if rest is not None and task.decided_at >= rest]
            for task in tasks:
                if not stop_reasons.of(task.reason, task.containers).heals or len(tasks) > MAX_STOPPED_TASKS:
                    raise PermanentTaskFailureError(task)

    def _report_events(self, stack: str) -> None:
        if self._target.reports_events:
            self._events.report(stack)

    def _refresh(self) -> None:
        """Read which resources, and so which services, the stacks have by now."""
        self.declared_resources.refresh()
        for service in self.declared_resources.of_kind("AWS::ECS::Service"):
            parts = service.physical.split("/")
            if service.physical.startswith("arn:") and len(parts) > 2:
                self.services[service.physical] = parts[1]

    @contextlib.contextmanager
    def _failures_as_findings(self, step: StackStep) -> Iterator[None]:
        """Turn the failure of a stack in the block into findings.

        Raises:
            DeploymentFailedError: the stack was refused or failed, or a task did.
        """
        try:
            yield
        except RefusedError as error:
            raise DeploymentFailedError([self._findings.of_refusal(error, step)]) from None
        except StackFailedError as error:
            self._report_events(error.stack)
            if self.declared_resources.template_of(error.stack) is None:
                self.declared_resources.add(error.stack, step.template)  # it failed before anything was created
            raise DeploymentFailedError(self._of_failure(error)) from None
        except PermanentTaskFailureError as error:
            raise DeploymentFailedError([self.of_stopped(error.stopped)]) from None

    def _of_failure(self, error: StackFailedError) -> list[Finding]:
        self.declared_resources.refresh()
        findings = [self._findings.of_resource(failure) for failure in error.failures]
        for arn, cluster in self.services.items():
            tasks = self._stopped.last_of_service(cluster, arn)
            if tasks:
                findings.insert(0, self.of_stopped(max(tasks, key=lambda task: (task.arn is not None, task.decided_at))))
        message = f"stack {error.stack} ended in {error.status}"
        return findings or [self._findings.of_plan("StackFailed", message, "See its events.")]
