"""Drills: what goes wrong on purpose while requests are sent, one service at a time.

Each works through the API of ECS only, so that it does the same on a real account, and puts back what it changed.
"""

from __future__ import annotations

import contextlib
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from preflight.deploy.session import Session
from preflight.errors import WaitExpiredError
from preflight.model import JsonObject
from preflight.system import waiting

PATIENCE = 180.0  # seconds until a service is steady again
MOST_TASKS = 10  # to which a drill scales out
ATTEMPTS = 3  # failed tasks without a circuit breaker after which a deployment is taken for stuck
REASON = "preflight drill"
NO_PROGRAM = "/preflight-drill/no-such-program"
NOT_REGISTERED = ("taskDefinitionArn", "revision", "status", "requiresAttributes", "compatibilities", "registeredAt", "registeredBy", "deregisteredAt")  # fmt: skip


@dataclass(frozen=True)
class DrillResult:
    """What a drill did, how long the service took, and what went wrong, with its fix; `skipped` says why it did nothing."""

    did: str = ""
    seconds: float = 0
    problem: str | None = None
    fix: str | None = None
    skipped: str | None = None


class DrilledService:
    """A service of ECS that drills are done with."""

    def __init__(self, session: Session, cluster: str, name: str) -> None:
        self._session = session
        self._ecs = session.client("ecs")
        self._cluster = cluster
        self._name = name

    def describe(self) -> JsonObject:
        """Returns the service as it is now."""
        described: JsonObject = self._ecs.describe_services(cluster=self._cluster, services=[self._name])["services"][0]
        return described

    def tasks(self) -> list[JsonObject]:
        """Returns its running tasks."""
        pages = self._ecs.get_paginator("list_tasks").paginate(
            cluster=self._cluster, serviceName=self._name, desiredStatus="RUNNING", PaginationConfig={"PageSize": 100}
        )
        arns = [page["taskArns"] for page in pages if page["taskArns"]]
        described = [t for some in arns for t in self._ecs.describe_tasks(cluster=self._cluster, tasks=some)["tasks"]]
        return [task for task in described if task["lastStatus"] == "RUNNING"]

    def stop(self, tasks: list[JsonObject]) -> None:
        """Stop tasks, and wait until others run in their place."""
        gone = {str(task["taskArn"]) for task in tasks}
        for arn in gone:
            self._ecs.stop_task(cluster=self._cluster, task=arn, reason=REASON)
        self.wait_until(lambda: self._is_complete() and not gone & {str(t["taskArn"]) for t in self.tasks()}, "tasks in their place")

    def update(self, **changes: Any) -> None:
        """Change the service."""
        self._ecs.update_service(cluster=self._cluster, service=self._name, **changes)

    def wait_until_steady(self) -> None:
        """Wait until its only deployment is complete."""
        self.wait_until(self._is_complete, "a steady state")

    def _is_complete(self) -> bool:
        service = self.describe()
        return len(service["deployments"]) == 1 and service["runningCount"] == service["desiredCount"] == len(self.tasks())

    def wait_until(self, probe: Callable[[], bool], what: str) -> None:
        """Wait for something about the service.

        Raises:
            WaitExpiredError: it did not come.
        """
        waiting.until(
            probe, what=f"{what} of {self._name}", timeout=PATIENCE, interval=self._session.interval, sleep=self._session.sleep
        )

    def zone_of(self, task: JsonObject) -> str:
        """Returns the Availability Zone of a task."""
        details = {d["name"]: d["value"] for a in task["attachments"] for d in a["details"]}
        subnets = self._session.client("ec2").describe_subnets(SubnetIds=[details["subnetId"]])["Subnets"]
        return str(subnets[0]["AvailabilityZone"])

    def limits(self) -> tuple[int, int] | None:
        """Returns the fewest and the most tasks that its scalable target allows, None if it has none."""
        scaling = self._session.client("application-autoscaling")
        resource = f"service/{self._cluster.rpartition('/')[2]}/{self._name}"
        targets = scaling.describe_scalable_targets(ServiceNamespace="ecs", ResourceIds=[resource])["ScalableTargets"]
        return (int(targets[0]["MinCapacity"]), int(targets[0]["MaxCapacity"])) if targets else None

    @contextlib.contextmanager
    def broken_definition(self) -> Iterator[str]:
        """Registers the service's task definition with a program that does not exist, until the block ends."""
        definition = self._ecs.describe_task_definition(taskDefinition=self.describe()["taskDefinition"])["taskDefinition"]
        copy = {key: value for key, value in definition.items() if key not in NOT_REGISTERED}
        first, *others = copy["containerDefinitions"]
        copy["containerDefinitions"] = [{**first, "entryPoint": [NO_PROGRAM]}, *others]
        arn = str(self._ecs.register_task_definition(**copy)["taskDefinition"]["taskDefinitionArn"])
        try:
            yield arn
        finally:
            self._ecs.deregister_task_definition(taskDefinition=arn)


def task_lost(service: DrilledService) -> DrillResult:
    """Stop one task."""
    tasks = service.tasks()
    if not tasks:
        return DrillResult(skipped="it has no running task")
    service.stop(tasks[:1])
    fix = "Run at least two tasks." if len(tasks) == 1 else None
    return DrillResult(f"stopped 1 of {len(tasks)} tasks", fix=fix)


def zone_lost(service: DrilledService) -> DrillResult:
    """Stop every task of the zone that has the most."""
    zones: dict[str, list[JsonObject]] = defaultdict(list)
    for task in service.tasks():
        zones[service.zone_of(task)].append(task)
    if not zones:
        return DrillResult(skipped="it has no running task")
    zone = max(zones, key=lambda name: len(zones[name]))
    service.stop(zones[zone])
    fix = "Run at least one task in each of two Availability Zones." if len(zones) == 1 else None
    return DrillResult(f"stopped all {len(zones[zone])} tasks in {zone}, of {sum(map(len, zones.values()))}", fix=fix)


def bad_image(service: DrilledService) -> DrillResult:
    """Deploy a version whose program does not exist, and see whether the service goes back to the one before."""
    before = service.describe()
    breaker = (before.get("deploymentConfiguration") or {}).get("deploymentCircuitBreaker") or {}
    with service.broken_definition() as broken:
        service.update(taskDefinition=broken)
        try:
            service.wait_until(lambda: _is_decided(service.describe(), broken), "the end of the deployment")
            is_back = service.describe()["taskDefinition"] == before["taskDefinition"]
        finally:
            if service.describe()["taskDefinition"] != before["taskDefinition"]:
                service.update(taskDefinition=before["taskDefinition"])
            service.wait_until_steady()
    did = "deployed a version that cannot start"
    if is_back:
        return DrillResult(f"{did}; the circuit breaker rolled it back")
    kept = "the circuit breaker stops it, but does not roll back" if breaker.get("enable") else "nothing ends it: it has no circuit breaker"
    return DrillResult(
        did,
        problem=f"a version that cannot start stays the service's: {kept}, and an update of its stack hangs until it times out",
        fix="Set DeploymentCircuitBreaker: {Enable: true, Rollback: true} in DeploymentConfiguration.",
    )


def _is_decided(service: JsonObject, broken: str) -> bool:
    """Whether a broken deployment was rolled back or given up, or has failed often enough without a circuit breaker."""
    if service["taskDefinition"] != broken:
        return True
    primary = service["deployments"][0]
    return primary.get("rolloutState") == "FAILED" or (
        not ((service.get("deploymentConfiguration") or {}).get("deploymentCircuitBreaker") or {}).get("enable")
        and int(primary.get("failedTasks") or 0) >= ATTEMPTS
    )


def scale(service: DrilledService) -> DrillResult:
    """Scale out to the most tasks that the service's scaling allows, in to the fewest, and back."""
    limits, before = service.limits(), int(service.describe()["desiredCount"])
    if limits is None:
        return DrillResult(skipped="nothing scales it (AWS::ApplicationAutoScaling::ScalableTarget)")
    if limits[1] < 1:
        return DrillResult(skipped="its scaling allows no task (MaxCapacity is 0)")
    if limits[0] > MOST_TASKS:
        return DrillResult(skipped=f"its scaling keeps {limits[0]} tasks at least, and a drill runs {MOST_TASKS} at most")
    most, fewest = min(limits[1], MOST_TASKS), max(limits[0], 1)
    try:
        for count in (most, fewest):
            service.update(desiredCount=count)
            service.wait_until_steady()
    finally:
        service.update(desiredCount=before)
        service.wait_until_steady()
    return DrillResult(f"scaled out to {most} tasks, in to {fewest}, and back to {before}")


DRILLS: dict[str, Callable[[DrilledService], DrillResult]] = {
    "task-lost": task_lost,
    "zone-lost": zone_lost,
    "bad-image": bad_image,
    "scale": scale,
}


def run(name: str, service: DrilledService) -> DrillResult:
    """Do a drill, and return what it did and how long that took; a service that does not recover is a problem."""
    started = time.monotonic()
    try:
        result = DRILLS[name](service)
    except WaitExpiredError as error:
        result = DrillResult(f"the drill {name}", problem=f"the service did not recover: {error}", fix="See its events and the reasons of its stopped tasks.")
    return DrillResult(result.did, time.monotonic() - started, result.problem, result.fix, result.skipped)
