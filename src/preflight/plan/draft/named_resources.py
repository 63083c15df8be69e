"""The resources of an account's template that have names of their own, in YAML: what templates call by these names. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from preflight.plan.draft import account_resources


@dataclass(frozen=True)
class AccountNames:
    """Names of execution roles, task roles, clusters, parameters, and secrets with the keys that are asked for, as a plan has them."""

    execution_roles: tuple[str, ...] = ()
    task_roles: tuple[str, ...] = ()
    clusters: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    secrets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def all(self) -> tuple[str, ...]:
        """Every name."""
        return (*self.execution_roles, *self.task_roles, *self.clusters, *self.parameters, *self.secrets)


VALUE = "preflight"  # of parameters and secrets, which only the user knows
_WAIVED = account_resources.waived("CFN_NO_EXPLICIT_RESOURCE_NAMES")
_INSIGHTS = account_resources.waived("ECS_CLUSTER_CONTAINER_INSIGHTS", "CFN_NO_EXPLICIT_RESOURCE_NAMES")


def render(names: AccountNames, quoted: Callable[[str], str]) -> Iterator[str]:
    """Yields the resources; `quoted` returns a name of a plan as a value of a template."""
    for n, name in enumerate(names.execution_roles, 1):
        yield _role(f"NamedExecutionRole{n}", quoted(name)) + account_resources.EXECUTION_POLICIES
    yield from (_role(f"NamedTaskRole{n}", quoted(name)) for n, name in enumerate(names.task_roles, 1))
    for n, name in enumerate(names.clusters, 1):
        yield f"  NamedCluster{n}:\n    Type: AWS::ECS::Cluster\n{_INSIGHTS}    Properties:\n      ClusterName: {quoted(name)}\n      CapacityProviders: [FARGATE, FARGATE_SPOT]\n"
    for n, name in enumerate(names.parameters, 1):
        yield f"  NamedParameter{n}:\n    Type: AWS::SSM::Parameter\n    Properties:\n      Name: {quoted(name)}\n      Type: String\n      Value: {VALUE}\n"
    for n, (name, keys) in enumerate(names.secrets.items(), 1):
        text = json.dumps(json.dumps(dict.fromkeys(keys, VALUE)) if keys else VALUE)
        yield f"  NamedSecret{n}:\n    Type: AWS::SecretsManager::Secret\n    Properties:\n      Name: {quoted(name)}\n      SecretString: {text}\n"


def _role(logical: str, name: str) -> str:
    role = account_resources.ROLE.format(name=logical, services="ecs-tasks.amazonaws.com")
    return role.replace("    Properties:\n", f"{_WAIVED}    Properties:\n      RoleName: {name}\n", 1)
