"""Targets of load balancers: registered with their task, checked as their target group says.

A deregistered target gets no new request, and ends those that it has within its deregistration delay. ECS stops a task
once its targets are unused. The rest of the delay is not waited for, which no client notices.

Sources: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-target-group-attributes.html and
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/load-balancer-connection-draining.html.
"""

from __future__ import annotations

from typing import Any

from preflight.rehearsal.account import Account
from preflight.rehearsal.containers.running_task import RunningTask
from preflight.rehearsal.ecs.state import State, Task
from preflight.rehearsal.load_balancing import health_check_request, target_health_check
from preflight.rehearsal.load_balancing.target import DRAINING, INITIAL, Target
from preflight.rehearsal.load_balancing.target_health_check import InterfacesOf, TargetHealthCheck
from preflight.rehearsal.load_balancing.target_registration import TargetRegistration

NETWORK_PROTOCOLS = {"TCP", "TLS", "TCP_UDP", "UDP", "QUIC", "TCP_QUIC"}  # of target groups of network load balancers
DELAY = "deregistration_delay.timeout_seconds"


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
            description = target_health_check.describe(elb, group)
            check = health_check_request.of_target_group(description, port)
            is_network = description.get("Protocol") in NETWORK_PROTOCOLS
            target = Target(
                group, address, port, vpc, check.port, is_network=is_network, in_flight=running.in_flight
            )
            with self._state.changed:
                self._targets.setdefault(task.id, []).append(target)
                task.targets[group] = INITIAL
            TargetHealthCheck(task, running, target, self._state, interfaces_of=self._interfaces_of).start()

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


def deregistration_delay(elb: Any, group: str) -> float:
    """Returns the seconds that a target group gives the requests in flight of a deregistered target."""
    attributes = elb.describe_target_group_attributes(TargetGroupArn=group)["Attributes"]
    return float(next((a["Value"] for a in attributes if a["Key"] == DELAY), 300))
