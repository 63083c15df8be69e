"""The resources of an account's template that have names of their own, in YAML: what templates call by these names. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from preflight.plan.draft import account_resources


@dataclass(frozen=True)
class AccountNames:
    """Names of execution roles, task roles and clusters, as a plan has them."""

    execution_roles: tuple[str, ...] = ()
    task_roles: tuple[str, ...] = ()
    clusters: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """Every name."""
        return (*self.execution_roles, *self.task_roles, *self.clusters)


_WAIVED = account_resources.waived("CFN_NO_EXPLICIT_RESOURCE_NAMES")
_INSIGHTS = account_resources.waived("ECS_CLUSTER_CONTAINER_INSIGHTS", "CFN_NO_EXPLICIT_RESOURCE_NAMES")


def render(names: AccountNames, quoted: Callable[[str], str]) -> Iterator[str]:
    """Yields the resources; `quoted` returns a name of a plan as a value of a template."""
    for n, name in enumerate(names.execution_roles, 1):
        yield _role(f"NamedExecutionRole{n}", quoted(name)) + account_resources.EXECUTION_POLICIES
    yield from (_role(f"NamedTaskRole{n}", quoted(name)) for n, name in enumerate(names.task_roles, 1))
    for n, name in enumerate(names.clusters, 1):
        yield f"  NamedCluster{n}:\n    Type: AWS::ECS::Cluster\n{_INSIGHTS}    Properties:\n      ClusterName: {quoted(name)}\n      CapacityProviders: [FARGATE, FARGATE_SPOT]\n"


def _role(logical: str, name: str) -> str:
    role = account_resources.ROLE.format(name=logical, services="ecs-tasks.amazonaws.com")
    return role.replace("    Properties:\n", f"{_WAIVED}    Properties:\n      RoleName: {name}\n", 1)
