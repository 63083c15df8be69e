"""Targets of load balancers: registered with their task, asked as the target group says.

Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from preflight.aws import describe_network, reachability
from preflight.aws.reachability import Interface, Network
from preflight.rehearsal.account import Account
from preflight.rehearsal.containers.running_task import RunningTask, RunningTasks
from preflight.rehearsal.ecs.state import State, Task
from preflight.rehearsal.load_balancing import health_check
from preflight.rehearsal.load_balancing.health_check import CheckResult, HealthCheck

QUICK = 0.25  # seconds between checks until the first verdict
PATIENCE = 30.0  # seconds of failing, beyond the grace period, after which no verdict is waited for
STUBBORN = 3.0  # seconds after which an answer that says "no such page" is believed
Faces = Callable[[str], tuple[Interface, ...]]
GONE = "TargetGroupNotFound"
HEALTHY, UNHEALTHY, INITIAL = "healthy", "unhealthy", "initial"


@dataclass
class Target:
    """One address and port in one target group, and how it is."""

    group: str
    address: str
    port: int
    vpc: str
    check_port: int
    state: str = INITIAL
    reason: str = "Elb.RegistrationInProgress"
    description: str = "Target registration is in progress"
    over: threading.Event = field(default_factory=threading.Event)

    def shown(self) -> dict[str, Any]:
        """As DescribeTargetHealth shows it."""
        health = {"State": self.state}
        if self.state != HEALTHY:
            health |= {"Reason": self.reason, "Description": self.description}
        return {
            "Target": {"Id": self.address, "Port": self.port},
            "HealthCheckPort": str(self.check_port),
            "TargetHealth": health,
        }


class Targets:
    """Every target that a task of a service is; `faces` tells the interfaces of a load balancer."""

    def __init__(self, state: State, account: Account, runs: RunningTasks, faces: Faces) -> None:
        self._state = state
        self._account = account
        self._runs = runs
        self._faces = faces
        self._targets: dict[str, list[Target]] = {}

    def register(self, task: Task, run: RunningTask) -> None:
        """Register a task that has begun to run in the target groups of its service."""
        service = task.service
        if service is None or run.interface is None:
            return
        elb = self._account.client("elbv2", task.region)
        for balancer in (task.deployment or service.primary).request.get("loadBalancers") or []:
            group, port = balancer.get("targetGroupArn"), balancer["containerPort"]
            if not group:
                continue
            elb.register_targets(TargetGroupArn=group, Targets=[{"Id": run.interface.address, "Port": port}])
            service.add_event(f"registered 1 targets in (target-group {group})")
            target = Target(group, run.interface.address, port, run.interface.vpc, health_check.check_of(_described(elb, group), port).port)
            with self._state.changed:
                self._targets.setdefault(task.id, []).append(target)
                task.targets[group] = INITIAL
            threading.Thread(target=self._watch, args=(task, run, target), daemon=True, name="target").start()

    def deregister(self, task: Task) -> None:
        """Take a task out of its target groups."""
        with self._state.changed:
            targets = self._targets.pop(task.id, [])
        for target in targets:
            target.over.set()
        for target in targets:
            leaving = [{"Id": target.address, "Port": target.port}]
            elb = self._account.client("elbv2", task.region)
            elb.deregister_targets(TargetGroupArn=target.group, Targets=leaving)
            if task.service is not None:
                task.service.add_event(f"deregistered 1 targets in (target-group {target.group})")

    def close(self) -> None:
        """Check no target any more."""
        with self._state.changed:
            for target in [target for targets in self._targets.values() for target in targets]:
                target.over.set()

    def in_group(self, group: str) -> list[Target]:
        """The targets in a target group that tasks registered."""
        with self._state.changed:
            return [t for targets in self._targets.values() for t in targets if t.group == group]

    def _watch(self, task: Task, run: RunningTask, target: Target) -> None:
        try:
            self._keep(task, run, target)
        except (ClientError, LookupError):  # its target group was deleted: the target is not checked any more
            gone = CheckResult(is_well=False, reason="Target.NotInUse", description="Target group is gone")
            self._tell(task, target, UNHEALTHY, gone)

    def _keep(self, task: Task, run: RunningTask, target: Target) -> None:
        """Check a target until it is taken out, its target group goes, or the account does."""
        began, failures = time.monotonic(), 0
        wait = 0.0
        while not target.over.wait(wait) and not self._account.closing.is_set():
            try:
                group = _described(self._account.client("elbv2", task.region), target.group)
                check = health_check.check_of(group, target.port)
                found = self._answer(task, run, target, check, group["LoadBalancerArns"])
            except ClientError as error:  # something of the network is being taken away
                if error.response["Error"]["Code"] == GONE:
                    raise
                wait = QUICK
                continue
            failures = 0 if found.is_well else failures + 1
            grace = float((task.service.request if task.service else {}).get("healthCheckGracePeriodSeconds") or 0)
            state = verdict(
                check, found, failures=failures, elapsed=time.monotonic() - began, grace=grace, former=target.state
            )
            self._tell(task, target, state, found)
            wait = check.interval if target.state == HEALTHY else QUICK

    def _answer(
        self, task: Task, run: RunningTask, target: Target, check: HealthCheck, balancers: list[str]
    ) -> CheckResult:
        missing = self._missing(task, run, target, check, balancers)
        if missing is not None:
            return missing
        if not run.pid or not check.is_enabled:
            return CheckResult(is_well=True)  # nothing that could be asked; the ledger says what runs
        return health_check.ask(run.pid, target.address, check)

    def _missing(
        self, task: Task, run: RunningTask, target: Target, check: HealthCheck, balancers: list[str]
    ) -> CheckResult | None:
        """What the network says: a request that never arrives, or a zone that gets no traffic."""
        if run.interface is None:
            return None
        network = describe_network.describe_network(self._account.client("ec2", task.region), target.vpc)
        faces = [face for arn in balancers for face in self._faces(arn)]
        if faces and _zone(network, run.interface) not in {_zone(network, face) for face in faces}:
            said = "Target is in an Availability Zone that is not enabled for the load balancer"
            return CheckResult(is_well=False, reason="Target.NotInUse", description=said, can_heal=False)
        links = [reachability.between(network, face, run.interface, check.port) for face in faces]
        if links and all(link is not None for link in links):
            return CheckResult(is_well=False, reason="Target.Timeout", description="Request timed out", can_heal=False)
        return None

    def _tell(self, task: Task, target: Target, state: str, found: CheckResult) -> None:
        with self._state.changed:
            if target.over.is_set():
                return
            if found.is_well:
                target.reason = target.description = ""
            else:
                target.reason, target.description = found.reason, found.description
            if state == target.state:
                return
            target.state = task.targets[target.group] = state
            if state == UNHEALTHY and task.service is not None:
                task.service.add_event(
                    f"(task {task.id}) (port {target.port}) is unhealthy in (target-group {target.group}) "
                    f"due to (reason {found.description})."
                )
            self._state.changed.notify_all()


def verdict(check: HealthCheck, found: CheckResult, *, failures: int, elapsed: float, grace: float, former: str) -> str:
    """The state after a check, the `failures`-th in a row that failed.

    What cannot heal is unhealthy at once; an answer of the 400s after a moment; anything else is given
    the grace period and the time of the threshold, up to a limit.
    """
    if found.is_well:
        return HEALTHY
    if not found.can_heal:
        return UNHEALTHY
    if failures < check.unhealthy_threshold:
        return former
    if former == HEALTHY:
        return UNHEALTHY
    own = STUBBORN if found.is_stubborn else min(check.unhealthy_threshold * check.interval, PATIENCE)
    return UNHEALTHY if elapsed >= own + min(grace, PATIENCE) else former


def _described(elb: Any, group: str) -> dict[str, Any]:
    """A target group as DescribeTargetGroups shows it."""
    found: dict[str, Any] = elb.describe_target_groups(TargetGroupArns=[group])["TargetGroups"][0]
    return found


def _zone(network: Network, face: Interface) -> str | None:
    return next((s["AvailabilityZone"] for s in network.subnets if s["SubnetId"] == face.subnet), None)
