"""Targets of load balancers: registered with their task, checked as their target group says.

A deregistered target gets no new request, and ends those that it has within its deregistration delay. ECS stops a task
once its targets are unused. The rest of the delay is not waited for, which no client notices.

Sources: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html,
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-target-group-attributes.html and
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/load-balancer-connection-draining.html.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from preflight.aws import describe_network, reachability
from preflight.aws.network import Interface, Network
from preflight.model import JsonObject
from preflight.rehearsal.account import Account
from preflight.rehearsal.containers.running_task import RunningTask
from preflight.rehearsal.ecs.state import State, Task
from preflight.rehearsal.load_balancing import target_health_check
from preflight.rehearsal.load_balancing.target_health_check import CheckResult, HealthCheck
from preflight.rehearsal.load_balancing.target_registration import TargetRegistration
from preflight.rehearsal.network.in_flight import InFlight
from preflight.system.worker import Worker

FIRST_INTERVAL = 0.25  # seconds between checks until a target is healthy
LONGEST_WAIT = 30.0  # seconds of failures, and of the grace period, until a target is unhealthy
PERMANENT_WAIT = 3.0  # seconds until a target that answers with a wrong page is unhealthy
InterfacesOf = Callable[[str], tuple[Interface, ...]]  # of a load balancer, by ARN
GONE = "TargetGroupNotFound"
NETWORK_PROTOCOLS = {"TCP", "TLS", "TCP_UDP", "UDP", "QUIC", "TCP_QUIC"}  # of target groups of network load balancers
HEALTHY, UNHEALTHY, INITIAL, DRAINING = "healthy", "unhealthy", "initial", "draining"
DELAY = "deregistration_delay.timeout_seconds"


@dataclass
class Target:
    """One address and port in one target group, and its health."""

    group: str
    address: str
    port: int
    vpc: str
    check_port: int
    is_network: bool = False  # of a network load balancer
    state: str = INITIAL
    reason: str = "Elb.RegistrationInProgress"
    description: str = "Target registration is in progress"
    deregistered: threading.Event = field(default_factory=threading.Event)
    in_flight: InFlight = field(default_factory=InFlight)

    def as_response(self) -> JsonObject:
        """Returns the target as DescribeTargetHealth describes it."""
        health = {"State": self.state}
        if self.state != HEALTHY:
            health |= {"Reason": self.reason, "Description": self.description}
        return {
            "Target": {"Id": self.address, "Port": self.port},
            "HealthCheckPort": str(self.check_port),
            "TargetHealth": health,
        }


class Targets:
    """The targets that tasks of services have registered."""

    def __init__(self, state: State, account: Account, interfaces_of: InterfacesOf) -> None:
        self._state = state
        self._account = account
        self._interfaces_of = interfaces_of
        self._registration = TargetRegistration(account)
        self._targets: dict[str, list[Target]] = {}

    def register(self, task: Task, running: RunningTask) -> None:
        """Register a task that has started in the target groups of its service."""
        service = task.service
        if service is None or running.interface is None:
            return
        deployment = task.deployment or service.primary
        elb = self._account.client("elbv2", task.region)
        address, vpc = running.interface.address, running.interface.vpc
        for balancer in deployment.request.get("loadBalancers") or []:
            group, port = deployment.target_group(balancer), balancer["containerPort"]
            if not group:
                continue
            self._registration.register(task, group, address, port)
            description = _describe(elb, group)
            check = target_health_check.of_target_group(description, port)
            is_network = description.get("Protocol") in NETWORK_PROTOCOLS
            target = Target(
                group, address, port, vpc, check.port, is_network=is_network, in_flight=running.in_flight
            )
            with self._state.changed:
                self._targets.setdefault(task.id, []).append(target)
                task.targets[group] = INITIAL
            _Checker(task, running, target, self._state, interfaces_of=self._interfaces_of).start()

    def deregister(self, task: Task) -> None:
        """Deregister a task from its target groups, and wait until they are unused."""
        with self._state.changed:
            targets = self._targets.get(task.id, [])
            for target in targets:
                target.deregistered.set()
                target.state, target.reason = DRAINING, "Target.DeregistrationInProgress"
                target.description = "Target deregistration is in progress"
        try:
            for target in targets:
                self._registration.deregister(task, target.group, target.address, target.port)
            self._drain(task, targets)
        finally:
            with self._state.changed:
                self._targets.pop(task.id, None)

    def _drain(self, task: Task, targets: list[Target]) -> None:
        """Wait for the requests in flight, and cut them off after the delay; with its service, a task goes at once."""
        service = task.service
        if service is None or service.status == "DRAINING" or not targets or targets[0].in_flight.count == 0:
            return
        deployment = (task.deployment or service.primary).id
        service.add_event("has begun draining connections on 1 tasks.", task_set=deployment)
        elb = self._account.client("elbv2", task.region)
        delay = max(deregistration_delay(elb, target.group) for target in targets)
        if not targets[0].in_flight.wait(delay, closing=self._account.closing):
            targets[0].in_flight.cut()

    def close(self) -> None:
        """Stop every check."""
        with self._state.changed:
            for targets in self._targets.values():
                for target in targets:
                    target.deregistered.set()

    def in_group(self, group: str) -> list[Target]:
        """Returns the targets that tasks have registered in a target group."""
        with self._state.changed:
            return [target for targets in self._targets.values() for target in targets if target.group == group]


class _Checker:
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
            group = _describe(self._account.client("elbv2", self._task.region), self._target.group)
            check = target_health_check.of_target_group(group, self._target.port)
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
        return target_health_check.send(check, self._running.pid, self._target.address)

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


def deregistration_delay(elb: Any, group: str) -> float:
    """Returns the seconds that a target group gives the requests in flight of a deregistered target."""
    attributes = elb.describe_target_group_attributes(TargetGroupArn=group)["Attributes"]
    return float(next((a["Value"] for a in attributes if a["Key"] == DELAY), 300))


def _describe(elb: Any, group: str) -> JsonObject:
    """Returns a target group as DescribeTargetGroups describes it."""
    groups: list[JsonObject] = elb.describe_target_groups(TargetGroupArns=[group])["TargetGroups"]
    return groups[0]


def _zone(network: Network, interface: Interface) -> str | None:
    return next((s["AvailabilityZone"] for s in network.subnets if s["SubnetId"] == interface.subnet), None)
