"""One service with an old and a new deployment, and a scheduler that works on it in single passes."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

from preflight.model import JsonObject
from preflight.rehearsal.ecs.state import Cluster, Definition, Deployment, Service, State, Task
from preflight.rehearsal.ledger import Ledger
from preflight.rehearsal.tasks.listener_weights import InvalidNetworkingError
from preflight.rehearsal.tasks.service_scheduler import Scheduler
from preflight.rehearsal.tasks.traffic_shifts import TrafficShifts

REGION = "eu-west-1"
DEFINITION = Definition(
    "f:1", {"family": "f", "revision": 1, "status": "ACTIVE", "containerDefinitions": [{"name": "a", "image": "i"}]}, []
)


class FakeLauncher:
    """Starts nothing, and stops tasks at once."""

    def __init__(self, log: list[str]) -> None:
        self.log = log
        self.begun: list[Task] = []
        self.is_open = True
        self.stopped: list[str] = []

    def begin(self, task: Task) -> None:
        self.begun.append(task)

    def stop(self, task: Task, *, code: str, reason: str) -> None:
        self.stopped.append(task.id)
        self.log.append(f"stop {task.deployment.id if task.deployment else ''}")
        task.api.update(lastStatus="STOPPED", desiredStatus="STOPPED", stopCode=code, stoppedReason=reason)

    def is_serving(self, _task: Task) -> bool:
        return self.is_open

    def is_listening(self, _task: Task) -> bool:
        return self.is_open


class FakeWeights:
    """Notes each shift of traffic by deployment, rule and percentage, and raises `error` or `fault` instead if it is set."""

    def __init__(self, log: list[str]) -> None:
        self.log = log
        self.shifted: list[tuple[str, str, float]] = []
        self.is_alternate = False
        self.error: str | None = None
        self.fault: Exception | None = None
        self.calls = 0

    def is_alternate_serving(self, _deployment: Deployment, _region: str) -> bool:
        return self.is_alternate

    def shift(self, deployment: Deployment, _region: str, key: str, percent: float) -> None:
        self.calls += 1
        if self.fault is not None:
            raise self.fault
        if self.error is not None:
            raise InvalidNetworkingError(self.error)
        self.shifted.append((deployment.id, key, percent))
        self.log.append(f"{key} {percent}")


class World:
    """A service with an old deployment that completed, and a new one."""

    def __init__(self, *, desired: int, **configuration: Any) -> None:
        self.in_alarm_since: dict[str, datetime] = {}
        account: Any = SimpleNamespace(id="123456789012", client=lambda *_: SimpleNamespace(describe_alarms=self.describe_alarms))
        self.log: list[str] = []
        self.launcher = FakeLauncher(self.log)
        launcher: Any = self.launcher
        self.state = State(account)
        self.state.definitions["f:1"] = DEFINITION
        settings = {
            "launchType": "FARGATE",
            "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["s"]}},
            "deploymentConfiguration": configuration,
        }
        self.old = Deployment("old", "f:1", settings, rollout="COMPLETED")
        self.new = Deployment("new", "f:1", settings)
        cluster = Cluster("c", "c", {})
        self.service = Service("web", "web", cluster, REGION, settings, desired, [self.new, self.old])
        self.state.services["web"] = self.service
        self.ledger = Ledger()
        self.weights = FakeWeights(self.log)
        self.now = 1000.0
        weights: Any = self.weights
        shifts = TrafficShifts(self.state, weights, self.ledger, clock=lambda: self.now, submit=lambda call: call())
        self.scheduler = Scheduler(self.state, launcher, self.ledger, shifts)

    def describe_alarms(self, *, AlarmNames: list[str]) -> dict[str, list[JsonObject]]:  # noqa: N803 - AWS's name
        """Describes alarms as CloudWatch does."""
        now = datetime.now(timezone.utc)
        states = [("ALARM" if name in self.in_alarm_since else "OK", self.in_alarm_since.get(name, now)) for name in AlarmNames]
        return {"MetricAlarms": [{"StateValue": state, "StateUpdatedTimestamp": moment} for state, moment in states]}

    def set_alarm(self, name: str, *, seconds_ago: float = 0) -> None:
        """Puts an alarm into the state ALARM, as SetAlarmState does."""
        self.in_alarm_since[name] = datetime.now(timezone.utc) - timedelta(seconds=seconds_ago)

    def add(self, deployment: Deployment, *names: str, is_ready: bool = True, **api: Any) -> None:
        """Adds tasks that run for long enough to be ready, or for no time."""
        for name in names:
            description: dict[str, Any] = {
                "lastStatus": "RUNNING",
                "desiredStatus": "RUNNING",
                "healthStatus": "UNKNOWN",
                "overrides": {},
                **api,
            }
            task = Task(name, name, REGION, self.service.cluster, DEFINITION, description, {}, self.service, deployment)
            task.ran_since = time.monotonic() - (60 if is_ready else 0)
            self.state.tasks[name] = task

    def add_failed(self, number: int) -> None:
        """Adds tasks of the new deployment that failed to start."""
        names = [f"failed-{n}" for n in range(number)]
        failed = {"lastStatus": "STOPPED", "desiredStatus": "STOPPED", "stopCode": "TaskFailedToStart"}
        self.add(self.new, *names, is_ready=False, **failed)

    def run_begun(self) -> None:
        """Lets the tasks that the scheduler has begun run for long enough to be ready."""
        for task in self.launcher.begun:
            if task.status == "PROVISIONING":
                task.api.update(lastStatus="RUNNING", healthStatus="UNKNOWN")
                task.ran_since = time.monotonic() - 60

    @property
    def stopped(self) -> list[str]:
        """The deployments of the tasks that were stopped, one a task."""
        return [deployment.id for name in self.launcher.stopped if (deployment := self.state.tasks[name].deployment) is not None]

    def reconcile(self) -> None:
        with self.state.changed:
            self.scheduler._reconcile(self.service)

    @property
    def events(self) -> list[str]:
        return [event["message"].removeprefix("(service web) ") for event in reversed(self.service.events)]
