"""What the account knows of a service afterwards: its events, how its tasks ended, and its settings."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from preflight.aws import service_load_balancers
from preflight.deploy.session import Session

PAGE = 100  # tasks that DescribeTasks takes
ENDS_CONNECTIONS = "deregistration_delay.connection_termination.enabled"
DELAY, IDLE = "deregistration_delay.timeout_seconds", "idle_timeout.timeout_seconds"


@dataclass(frozen=True)
class TaskFacts:
    """How a task of a service started and ended, and the seconds that its containers have to end after SIGTERM."""

    arn: str
    started_at: dt.datetime | None
    stopping_at: dt.datetime | None
    ended_at: dt.datetime | None
    code: str = ""
    reason: str = ""
    exit_codes: tuple[int, ...] = ()
    stop_timeout: float = 30
    has_health_check: bool = False

    @property
    def id(self) -> str:
        """The task ID."""
        return self.arn.rpartition("/")[2]

    def is_stopping(self, time: dt.datetime) -> bool:
        """Whether it was stopping at a time, or had just stopped."""
        if self.stopping_at is None or time < self.stopping_at:
            return False
        return self.ended_at is None or time <= self.ended_at + dt.timedelta(seconds=1)


@dataclass(frozen=True)
class ServiceFacts:
    """A service: what it said, its tasks, and the settings that decide how they are exchanged."""

    name: str
    desired: int
    minimum: int
    maximum: int
    tasks: tuple[TaskFacts, ...] = ()
    events: tuple[tuple[dt.datetime, str], ...] = ()
    grace: int = 0
    delay: float | None = None  # after which a load balancer breaks connections to its tasks; None: none does
    idle_timeout: float | None = None
    is_active: bool = True

    @property
    def lower(self) -> int:
        """The number of tasks that stay healthy during a deployment."""
        return math.ceil(self.desired * self.minimum / 100)

    @property
    def upper(self) -> int:
        """The number of tasks that may be up during a deployment."""
        return math.floor(self.desired * self.maximum / 100)


def read(session: Session, services: Mapping[str, str]) -> list[ServiceFacts]:
    """Returns what the account knows of services, given as ARN and cluster; those that are gone are left out."""
    read_services = (_ServiceReader(session, cluster).service(arn) for arn, cluster in services.items())
    return [service for service in read_services if service is not None]


class _ServiceReader:
    """Reads the services of one cluster."""

    def __init__(self, session: Session, cluster: str) -> None:
        self._ecs = session.client("ecs")
        self._elb = session.client("elbv2")
        self._cluster = cluster
        self._definitions: dict[str, list[dict[str, Any]]] = {}

    def service(self, arn: str) -> ServiceFacts | None:
        """Returns a service by ARN, None if it is gone."""
        try:
            return self._service(arn.rpartition("/")[2])
        except (ClientError, LookupError):
            return None

    def _service(self, name: str) -> ServiceFacts:
        service = self._ecs.describe_services(cluster=self._cluster, services=[name])["services"][0]
        configuration = service.get("deploymentConfiguration") or {}
        delay, idle = self._load_balancer(service.get("loadBalancers") or [])
        return ServiceFacts(
            name=name,
            desired=int(service.get("desiredCount") or 0),
            minimum=int(configuration.get("minimumHealthyPercent", 100)),
            maximum=int(configuration.get("maximumPercent", 200)),
            tasks=tuple(self._task(task) for task in self._tasks(name)),
            events=tuple((event["createdAt"], str(event["message"])) for event in service.get("events") or []),
            grace=int(service.get("healthCheckGracePeriodSeconds") or 0),
            delay=delay,
            idle_timeout=idle,
            is_active=service.get("status") == "ACTIVE",
        )

    def _tasks(self, service: str) -> Iterable[dict[str, Any]]:
        for status in ("RUNNING", "STOPPED"):
            pages = self._ecs.get_paginator("list_tasks").paginate(
                cluster=self._cluster, serviceName=service, desiredStatus=status, PaginationConfig={"PageSize": PAGE}
            )
            for page in pages:
                if page["taskArns"]:
                    yield from self._ecs.describe_tasks(cluster=self._cluster, tasks=page["taskArns"])["tasks"]

    def _task(self, task: dict[str, Any]) -> TaskFacts:
        containers = self._containers(str(task["taskDefinitionArn"]))
        return TaskFacts(
            arn=task["taskArn"],
            started_at=task.get("startedAt"),
            stopping_at=task.get("stoppingAt"),
            ended_at=task.get("executionStoppedAt") or task.get("stoppedAt"),
            code=str(task.get("stopCode") or ""),
            reason=str(task.get("stoppedReason") or ""),
            exit_codes=tuple(int(c["exitCode"]) for c in task.get("containers") or [] if "exitCode" in c),
            stop_timeout=float(max((c.get("stopTimeout") or 30 for c in containers), default=30)),
            has_health_check=any(c.get("healthCheck") for c in containers),
        )

    def _containers(self, definition: str) -> list[dict[str, Any]]:
        if definition not in self._definitions:
            try:
                described = self._ecs.describe_task_definition(taskDefinition=definition)["taskDefinition"]
            except ClientError:
                described = {}
            self._definitions[definition] = list(described.get("containerDefinitions") or [])
        return self._definitions[definition]

    def _load_balancer(self, balancers: Iterable[Mapping[str, Any]]) -> tuple[float | None, float | None]:
        """Returns the shortest deregistration delay and idle timeout of a service's target groups and load balancers.

        A network load balancer keeps connections after the delay, unless its target group says otherwise.
        """
        delays, timeouts = [], []
        for group in [group for balancer in balancers for group in service_load_balancers.target_groups(balancer)]:
            attributes = self._elb.describe_target_group_attributes(TargetGroupArn=group)["Attributes"]
            described = self._elb.describe_target_groups(TargetGroupArns=[group])["TargetGroups"][0]
            is_ended = {"Key": ENDS_CONNECTIONS, "Value": "true"} in attributes
            if is_ended or str(described.get("Protocol")).startswith("HTTP"):
                delays.append(_number(attributes, DELAY, 300.0))
            for arn in described.get("LoadBalancerArns") or []:
                attributes = self._elb.describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]
                timeouts.append(_number(attributes, IDLE, 60.0))
        return min(delays, default=None), min(timeouts, default=None)


def _number(attributes: Iterable[Mapping[str, Any]], key: str, default: float) -> float:
    return next((float(a["Value"]) for a in attributes if a["Key"] == key), default)
