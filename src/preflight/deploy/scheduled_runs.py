"""Runs the task of a rule or schedule once, and judges how it ended: by its exit codes and the reason why it stopped."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from preflight.deploy.deployment import Deployment
from preflight.errors import WaitExpiredError
from preflight.model import Finding, JsonObject, Severity
from preflight.plan.plan import SmokeEntry
from preflight.system import waiting

CHECK = "SMOKE_SCHEDULE"
SOURCE = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/tasks-scheduled-eventbridge-scheduler.html"
STOPPED_BY_ECS = (137, 143)  # how containers end that are stopped because an essential one ended
START = "Correct the target; EventBridge counts such runs as FailedInvocations, and says so nowhere else."
NOT_ON_AWS = "on a real account it is not run on request; only its schedule starts it"
Start = Callable[[str, str], JsonObject]  # runs the schedule of a name in a region


class ScheduledRuns:
    """The schedules that a plan runs: `ended` says how, `unsent` which were not run, and why.

    `skipped` returns the reasons why the tasks of task definitions do not really run.
    """

    def __init__(
        self,
        deployment: Deployment,
        plan_name: str,
        *,
        start: Start | None,
        skipped: Callable[[], Mapping[str, str]],
    ) -> None:
        self._deployment = deployment
        self._plan_name = plan_name
        self._start = start
        self._skipped = skipped
        self.ended: list[str] = []
        self.unsent: list[str] = []

    def findings(self, entry: SmokeEntry) -> Iterator[Finding]:
        """Run the schedule of an entry, and yield a finding for each task that does not start, or fails."""
        name, session = str(entry.schedule), self._deployment.session
        if self._start is None:
            self.unsent.append(f"schedule {name}: {NOT_ON_AWS}")
            return
        answer = self._start(name, session.region)
        if not answer["runs"]:
            yield self._without_task(entry, answer)
        for run in answer["runs"]:
            yield from self._of_run(entry, str(answer["physical"]), run)

    def _without_task(self, entry: SmokeEntry, answer: JsonObject) -> Finding:
        if answer["physical"] is not None:
            return self._finding(entry, f"schedule {entry.schedule} has no target of ECS", "Name one that runs a task.")
        close = difflib.get_close_matches(str(entry.schedule), answer["known"], 1)
        names = f"Did you mean {close[0]}?" if close else f"There are: {', '.join(answer['known']) or 'none'}."
        return self._finding(entry, f"no stack of the plan has a rule or schedule {entry.schedule}", names)

    def _of_run(self, entry: SmokeEntry, physical: str, run: JsonObject) -> Iterator[Finding]:
        if run["failure"] is not None:
            message = f"schedule {entry.schedule} starts no task: {run['failure']}"
            yield self._finding(entry, message, START, (physical, run["property"]))
        for arn in run["tasks"]:
            yield from self._of_task(entry, physical, run, arn)

    def _of_task(self, entry: SmokeEntry, physical: str, run: JsonObject, arn: str) -> Iterator[Finding]:
        task, deployment = self._end(entry, run["cluster"], arn), self._deployment
        if task["lastStatus"] == "RUNNING" and task["taskDefinitionArn"] in self._skipped():
            self.unsent.append(f"schedule {entry.schedule}: {self._skipped()[task['taskDefinitionArn']]}")
            self._stop(run["cluster"], arn)
        elif task["lastStatus"] != "STOPPED":
            self._stop(run["cluster"], arn)
            message = f"the task of schedule {entry.schedule} has not ended after {entry.timeout:g} s"
            yield self._finding(entry, message, "Let the task end by itself, or set a longer timeout in the plan.")
        elif self._has_succeeded(task):
            self.ended.append(f"schedule {entry.schedule} ran once: its task ended with exit code 0")
        else:
            yield deployment.of_stopped(deployment.tasks.of_schedule(task, physical, run["network"]))

    def _end(self, entry: SmokeEntry, cluster: str, arn: str) -> dict[str, Any]:
        """Returns a task that has stopped, or is assumed to run, or as it is when its time is up."""
        session, ecs = self._deployment.session, self._deployment.session.client("ecs")

        def described() -> dict[str, Any]:
            return dict(ecs.describe_tasks(cluster=cluster, tasks=[arn])["tasks"][0])

        def probe() -> dict[str, Any] | None:
            task = described()
            is_assumed = task["lastStatus"] == "RUNNING" and task["taskDefinitionArn"] in self._skipped()
            return task if task["lastStatus"] == "STOPPED" or is_assumed else None

        what = f"the end of task {arn}"
        try:
            return waiting.until(probe, what=what, timeout=entry.timeout, interval=session.interval, sleep=session.sleep)
        except WaitExpiredError:
            return described()

    def _stop(self, cluster: str, arn: str) -> None:
        self._deployment.session.client("ecs").stop_task(cluster=cluster, task=arn, reason="the rehearsal of its schedule is over")

    def _has_succeeded(self, task: Mapping[str, Any]) -> bool:
        """Whether an essential container ended with 0, and no other with a code of its own."""
        described = self._deployment.session.client("ecs").describe_task_definition(taskDefinition=task["taskDefinitionArn"])
        containers = described["taskDefinition"]["containerDefinitions"]
        essential = {container["name"] for container in containers if container.get("essential", True)}
        ended = [container for container in task["containers"] if container["name"] in essential]
        codes = [None if container.get("reason") else container.get("exitCode") for container in ended]
        return task.get("stopCode") == "EssentialContainerExited" and 0 in codes and set(codes) <= {0, *STOPPED_BY_ECS}

    def _finding(self, entry: SmokeEntry, message: str, fix: str, at: tuple[str, str] | None = None) -> Finding:
        """Returns a finding at a property of a declared resource, else at the entry of the plan."""
        declared = self._deployment.declared_resources.find(at[0]) if at is not None else None
        name = at[1] if at is not None and declared is not None else None
        return Finding(
            "smoke",
            CHECK,
            Severity.ERROR,
            message,
            file=declared.template.name if declared is not None else self._plan_name,
            line=declared.line(name) if declared is not None else entry.line,
            resource=declared.logical if declared is not None else None,
            property=name,
            fix=fix,
            source=SOURCE,
        )
