"""The role with which ECS manages the load balancers of services whose deployments shift traffic.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/AmazonECSInfrastructureRolePolicyForLoadBalancers.html.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from preflight.rehearsal import acting
from preflight.rehearsal.account import Account
from preflight.rehearsal.iam import roles
from preflight.rehearsal.iam.roles import Roles

SCHEDULER, NETWORKING = "ecs-service-scheduler", "ECSNetworkingWithELB"  # names of its sessions
MISSING = "ECS was unable to manage the ELB resources due to missing permissions on ECS Infrastructure Role '{role}'."


class RoleNotAssumedError(Exception):
    """ECS may not assume an infrastructure role."""


class InfrastructureRoles:
    """Makes calls with infrastructure roles."""

    def __init__(self, account: Account) -> None:
        self._roles = Roles(account)

    @contextlib.contextmanager
    def acting(self, role: str | None, region: str, session: str) -> Iterator[None]:
        """Call the account with a role until the block ends; without one, as the service-linked role may.

        Raises:
            RoleNotAssumedError: the role is missing, or does not trust ECS.
        """
        if role is None:
            yield
            return
        principal = self._roles.principal(role, region, roles.ECS, session)
        if principal is None:
            raise RoleNotAssumedError(MISSING.format(role=role))
        with acting.acting_as(principal):
            yield
