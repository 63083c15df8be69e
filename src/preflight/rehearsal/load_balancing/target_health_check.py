"""Checks a target again and again, and sets its health as the thresholds of its target group say.

Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from preflight.aws import describe_network, reachability
from preflight.aws.network import Interface, Network
from preflight.model import JsonObject
from preflight.rehearsal.containers.running_task import RunningTask
from preflight.rehearsal.ecs.state import State, Task
from preflight.rehearsal.load_balancing import health_check_request
from preflight.rehearsal.load_balancing.health_check_request import CheckResult, HealthCheck
from preflight.rehearsal.load_balancing.target import HEALTHY, UNHEALTHY, Target
from preflight.system.worker import Worker

FIRST_INTERVAL = 0.25  # seconds between checks until a target is healthy
LONGEST_WAIT = 30.0  # seconds of failures, and of the grace period, until a target is unhealthy
PERMANENT_WAIT = 3.0  # seconds until a target that answers with a wrong page is unhealthy
InterfacesOf = Callable[[str], tuple[Interface, ...]]  # of a load balancer, by ARN
GONE = "TargetGroupNotFound"


class TargetHealthCheck:
    """Checks a target until it is deregistered, its target group is deleted, or the account closes."""

    def __init__(
        self, task: Task, running: RunningTask, target: Target, state: State, *, interfaces_of: InterfacesOf
    ) -> None:
        self._task = task
        self._running = running
        self._target = target
        self._state = state
        self._account = state.account
        self._interfaces_of = interfaces_of
        self._started = time.monotonic()
        self._failures = 0
        self._worker = Worker(self._step, name="target")

    def start(self) -> None:
        """Start to check."""
        self._worker.start()

    def _step(self) -> None:
        if self._target.deregistered.is_set() or self._account.closing.is_set():
            self._worker.stop()
            return
        try:
            interval = self._check()
        except (ClientError, LookupError):  # the target group is deleted
            gone = CheckResult(is_healthy=False, reason="Target.NotInUse", description="Target group is gone")
            self._set_state(UNHEALTHY, gone)
            self._worker.stop()
            return
        self._target.deregistered.wait(interval)

    def _check(self) -> float:
        """Check the target once, and return the seconds until the next check."""
        try:
            group = describe(self._account.client("elbv2", self._task.region), self._target.group)
            check = health_check_request.of_target_group(group, self._target.port)
            result = self._result(check, group["LoadBalancerArns"])
        except ClientError as error:  # a part of the network is being deleted
            if error.response["Error"]["Code"] == GONE:
                raise
            return FIRST_INTERVAL
        self._failures = 0 if result.is_healthy else self._failures + 1
        service = self._task.service
        if not result.can_recover and service is not None and self._state.may_recover(service):
            return FIRST_INTERVAL
        state = next_state(
            check,
            result,
            failures=self._failures,
            elapsed=time.monotonic() - self._started,
            grace=float((service.request if service else {}).get("healthCheckGracePeriodSeconds") or 0),
            current=self._target.state,
        )
        self._set_state(state, result)
        return check.interval if self._target.state == HEALTHY else FIRST_INTERVAL

    def _result(self, check: HealthCheck, balancers: list[str]) -> CheckResult:
        failure = self._network_failure(check, balancers)
        if failure is not None:
            return failure
        if not self._running.pid or not check.is_enabled:
            return CheckResult(is_healthy=True)  # no container runs, or the check is off
        return health_check_request.send(check, self._running.pid, self._target.address)

    def _network_failure(self, check: HealthCheck, balancers: list[str]) -> CheckResult | None:
        """Returns the failure if no request from a load balancer reaches the target."""
        task = self._running.interface
        if task is None:
            return None
        client = self._account.client("ec2", self._task.region)
        network = describe_network.describe_network(client, self._target.vpc)
        interfaces = [interface for arn in balancers for interface in self._interfaces_of(arn)]
        if interfaces and _zone(network, task) not in {_zone(network, interface) for interface in interfaces}:
            return CheckResult(
                is_healthy=False,
                reason="Target.NotInUse",
                description="Target is in an Availability Zone that is not enabled for the load balancer",
                can_recover=False,
            )
        blockers = [reachability.between(network, interface, task, check.port) for interface in interfaces]
        if blockers and None not in blockers:
            return CheckResult(
                is_healthy=False, reason="Target.Timeout", description="Request timed out", can_recover=False
            )
        return None

    def _set_state(self, state: str, result: CheckResult) -> None:
        task, target = self._task, self._target
        with self._state.changed:
            if target.deregistered.is_set():
                return
            target.reason, target.description = result.reason, result.description
            if state == target.state:
                return
            target.state = state
            if target.is_network and not result.can_recover:
                task.targets[target.group] = HEALTHY  # ECS keeps the task, and the deployment completes
                self._state.changed.notify_all()
                return
            task.targets[target.group] = state
            if state == UNHEALTHY and task.service is not None:
                task.service.add_event(
                    f"(task {task.id}) (port {target.port}) is unhealthy in (target-group {target.group}) "
                    f"due to (reason {result.description})."
                )
            self._state.changed.notify_all()


def next_state(
    check: HealthCheck, result: CheckResult, *, failures: int, elapsed: float, grace: float, current: str
) -> str:
    """Returns the state of a target after a check, the `failures`-th in a row that failed.

    A failure that cannot recover is unhealthy at once, a wrong page after a moment. Any other failure
    has the time of the threshold. The grace period comes on top, up to a limit.
    """
    if result.is_healthy:
        return HEALTHY
    if not result.can_recover:
        return UNHEALTHY
    if failures < check.unhealthy_threshold:
        return current
    if current == HEALTHY:
        return UNHEALTHY
    limit = min(check.unhealthy_threshold * check.interval, LONGEST_WAIT)
    if result.is_permanent:
        limit = PERMANENT_WAIT
    return UNHEALTHY if elapsed >= limit + min(grace, LONGEST_WAIT) else current


def describe(elb: Any, group: str) -> JsonObject:
    """Returns a target group as DescribeTargetGroups describes it."""
    groups: list[JsonObject] = elb.describe_target_groups(TargetGroupArns=[group])["TargetGroups"]
    return groups[0]


def _zone(network: Network, interface: Interface) -> str | None:
    return next((s["AvailabilityZone"] for s in network.subnets if s["SubnetId"] == interface.subnet), None)
