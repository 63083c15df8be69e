"""Tasks of services: which run, where they can be asked, and why others stopped."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from botocore.exceptions import ClientError

from preflight.deploy import aws_errors
from preflight.deploy.session import Session

LOG_LINES = 8
PAGE = 100  # tasks that DescribeTasks takes
_UNWELL = re.compile(r"is unhealthy in .* due to \(reason (.*)\)\.$")
GONE = {"InvalidNetworkInterfaceID.NotFound"}
FAILURES = ("EssentialContainerExited", "TaskFailedToStart")


@dataclass(frozen=True)
class ServiceTask:
    """A running task and its addresses; `public` is None where it has none."""

    arn: str
    service: str
    definition: str
    interface: str
    private: str
    public: str | None

    @property
    def id(self) -> str:
        """The task id."""
        return self.arn.rpartition("/")[2]


@dataclass(frozen=True)
class StoppedTask:
    """A task that stopped, or (`arn` None) that could not even be made.

    `decided_at` is when that was decided: at its launch if it never ran, or no load balancer reached it (what came later
    may not have helped it any more), else at its end.
    """

    arn: str | None
    service: str
    definition: str
    code: str
    reason: str
    decided_at: dt.datetime
    containers: tuple[str, ...] = ()
    log: tuple[str, ...] = ()
    at: int = 0
    mounts: tuple[str, ...] = ()  # paths at which the container at fault has volumes
    schedule: str | None = None  # physical id of the rule or schedule that started it, in the place of a service
    network: Mapping[str, Any] | None = None  # the awsvpcConfiguration it was started with, if no service has it


class Tasks:
    """The tasks of one session."""

    def __init__(self, session: Session) -> None:
        self._ecs = session.client("ecs")
        self._ec2 = session.client("ec2")
        self._logs = session.client("logs")

    def running(self, cluster: str, service: str) -> list[ServiceTask]:
        """The running tasks of a service, found as anybody would: tasks, interfaces, addresses."""
        described = self.described(cluster, service, "RUNNING")
        tasks = [self._addressed(task, service) for task in described if task["lastStatus"] == "RUNNING"]
        return [task for task in tasks if task is not None]

    def states(self, cluster: str, service: str) -> list[tuple[str, str]]:
        """Returns the ids of the tasks of a service that are to run, and the status of each; none if the service has gone."""
        try:
            return [(task["taskArn"].rpartition("/")[2], task["lastStatus"]) for task in self.described(cluster, service, "RUNNING")]
        except ClientError:
            return []

    def described(self, cluster: str, service: str, desired: str) -> list[dict[str, Any]]:
        """The tasks of a service that are to be in a status; asked for in pages of what DescribeTasks takes."""
        pages = self._ecs.get_paginator("list_tasks").paginate(
            cluster=cluster, serviceName=service, desiredStatus=desired, PaginationConfig={"PageSize": PAGE}
        )
        return [
            task
            for page in pages
            if page["taskArns"]
            for task in self._ecs.describe_tasks(cluster=cluster, tasks=page["taskArns"])["tasks"]
        ]

    def _addressed(self, task: dict[str, Any], service: str) -> ServiceTask | None:
        """A task with its addresses; None where its interface went meanwhile."""
        details = {
            detail["name"]: detail["value"] for attachment in task["attachments"] for detail in attachment["details"]
        }
        face = details["networkInterfaceId"]
        try:
            interface = self._ec2.describe_network_interfaces(NetworkInterfaceIds=[face])["NetworkInterfaces"][0]
        except ClientError as error:
            if aws_errors.code(error) not in GONE:
                raise
            return None
        public = (interface.get("Association") or {}).get("PublicIp")
        return ServiceTask(task["taskArn"], service, task["taskDefinitionArn"], face, interface["PrivateIpAddress"], public)

    def stopped(self, cluster: str, service: str) -> Iterator[StoppedTask]:
        """The tasks of a service that stopped other than by being asked to, and launches that failed."""
        try:
            described = self._ecs.describe_services(cluster=cluster, services=[service])["services"]
            tasks = self.described(cluster, service, "STOPPED")
        except ClientError:
            return  # not there yet, or not there any more
        events = [event["message"] for description in described for event in description["events"]]
        for task in tasks:
            is_own = task.get("stopCode") in FAILURES or "health" in task.get("stoppedReason", "")
            if is_own and task["lastStatus"] == "STOPPED":
                yield self._stopped(task, service, events)
        for description in described:
            for event in description["events"]:
                if (
                    "failed to launch a task" in event["message"]
                    or "no container instance" in event["message"]
                    or "unable to stop or start tasks" in event["message"]
                    or ("unable to place a task" in event["message"] and not tasks)
                ):
                    yield StoppedTask(None, service, description["taskDefinition"], "TaskFailedToStart", event["message"], event["createdAt"])

    def of_schedule(self, task: dict[str, Any], schedule: str, network: Mapping[str, Any]) -> StoppedTask:
        """Returns the stopped task, as described, of a rule or schedule."""
        return replace(self._stopped(task, "", []), schedule=schedule, network=network)

    def _stopped(self, task: dict[str, Any], service: str, events: list[str]) -> StoppedTask:
        containers = tuple(
            f"{c['name']}: exit code {c['exitCode']}{', ' + c['reason'] if c.get('reason') else ''}"
            if "exitCode" in c
            else f"{c['name']}: {c['reason']}"
            for c in task["containers"]
            if "exitCode" in c or c.get("reason")
        )
        task_id = task["taskArn"].rpartition("/")[2]
        at = self._at_fault(task)
        mounts = [mount for c in self._containers(task)[at : at + 1] for mount in c.get("mountPoints") or []]
        unwell = [_UNWELL.search(event) for event in events if f"(task {task_id})" in event]
        return StoppedTask(
            task["taskArn"],
            service,
            task["taskDefinitionArn"],
            task.get("stopCode", ""),
            task.get("stoppedReason", ""),
            task["createdAt"] if _depends_on_launch(task) else task["stoppedAt"],
            (*(f"its target: {match.group(1)}" for match in unwell if match), *containers),
            self._last_lines(task),
            at,
            tuple(str(mount["containerPath"]) for mount in mounts),
        )

    def _at_fault(self, task: dict[str, Any]) -> int:
        """Place, in the task definition, of the container that ended badly; the first one where none did."""
        names = [container["name"] for container in self._containers(task)]
        bad = [
            c["name"]
            for c in task["containers"]
            if c.get("reason") or c.get("exitCode") or c.get("healthStatus") == "UNHEALTHY"
        ]
        return names.index(bad[0]) if bad and bad[0] in names else 0

    def _containers(self, task: dict[str, Any]) -> list[dict[str, Any]]:
        """The containers of its task definition; none where that has gone meanwhile."""
        try:
            described = self._ecs.describe_task_definition(taskDefinition=task["taskDefinitionArn"])
        except ClientError:
            return []
        return list(described["taskDefinition"]["containerDefinitions"])

    def _last_lines(self, task: dict[str, Any]) -> tuple[str, ...]:
        for container in self._containers(task):
            options = (container.get("logConfiguration") or {}).get("options") or {}
            if "awslogs-group" not in options:
                continue
            stream = f"{options.get('awslogs-stream-prefix', 'ecs')}/{container['name']}/{task['taskArn'].rpartition('/')[2]}"
            try:
                answer = self._logs.get_log_events(
                    logGroupName=options["awslogs-group"], logStreamName=stream, limit=LOG_LINES
                )
            except ClientError:
                continue
            if answer["events"]:
                return tuple(event["message"] for event in answer["events"])
        return ()


def _depends_on_launch(task: dict[str, Any]) -> bool:
    has_run = "startedAt" in task and "stoppedAt" in task
    return not has_run or "failed ELB health checks" in task.get("stoppedReason", "")
