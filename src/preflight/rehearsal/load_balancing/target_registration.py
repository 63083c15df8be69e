"""ECS's calls that register tasks as targets and deregister them, with the infrastructure role if traffic is shifted.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/troubleshooting-blue-green.html.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from botocore.exceptions import ClientError

from preflight.rehearsal import protocol
from preflight.rehearsal.account import Account
from preflight.rehearsal.ecs.state import Task
from preflight.rehearsal.iam import infrastructure_role
from preflight.rehearsal.iam.infrastructure_role import InfrastructureRoles, RoleNotAssumedError


class TargetRegistration:
    """Registers addresses of tasks in target groups, and deregisters them."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._roles = InfrastructureRoles(account)

    def register(self, task: Task, group: str, address: str, port: int) -> None:
        """Register a task in a target group.

        Raises:
            ClientError: the target group is gone, or the infrastructure role may not do that.
            RoleNotAssumedError: ECS may not assume that role.
        """
        elb = self._account.client("elbv2", task.region)
        with self._acting(task, group, f"register targets in target-group {group}"):
            elb.register_targets(TargetGroupArn=group, Targets=[{"Id": address, "Port": port}])
        if _role(task, group) is not None:
            with self._acting(task, group, f"describe target health on target-group {group}"):
                elb.describe_target_health(TargetGroupArn=group)
        _add_event(task, f"registered 1 targets in (target-group {group})")

    def deregister(self, task: Task, group: str, address: str, port: int) -> None:
        """Deregister a task from a target group.

        Raises:
            ClientError: the target group is gone, or the infrastructure role may not do that.
            RoleNotAssumedError: ECS may not assume that role.
        """
        with self._acting(task, group, f"deregister targets in target-group {group}"):
            self._account.client("elbv2", task.region).deregister_targets(
                TargetGroupArn=group, Targets=[{"Id": address, "Port": port}]
            )
        _add_event(task, f"deregistered 1 targets in (target-group {group})")

    @contextlib.contextmanager
    def _acting(self, task: Task, group: str, what: str) -> Iterator[None]:
        """Call Elastic Load Balancing for a task; an event says what is denied."""
        try:
            with self._roles.acting(_role(task, group), task.region, infrastructure_role.SCHEDULER):
                yield
        except RoleNotAssumedError as error:
            _add_event(task, f"failed to {what} with (error {error})")
            raise
        except ClientError as error:
            denial = protocol.denial(error)
            if denial is not None:
                _add_event(task, f"failed to {what} with (error {denial})")
            raise


def _role(task: Task, group: str) -> str | None:
    """Returns the role that registers a task; without a shift of traffic that is the service-linked role of ECS, which may."""
    deployment = task.deployment
    if deployment is None or not deployment.is_shifting:
        return None
    balancers = deployment.request.get("loadBalancers") or []
    advanced = [b.get("advancedConfiguration") or {} for b in balancers if deployment.target_group(b) == group]
    return next((str(configuration["roleArn"]) for configuration in advanced if configuration.get("roleArn")), None)


def _add_event(task: Task, message: str) -> None:
    if task.service is not None:
        task.service.add_event(message)
