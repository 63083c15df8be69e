"""What starts a task by RunTask with a role of its own: a target of EventBridge, or a state of Step Functions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from preflight.comply.cross_template_rules import declared_roles
from preflight.comply.cross_template_rules.violation import Violation
from preflight.plan.cross_stack_references import ReferencedResource, ReferenceTracer
from preflight.plan.resolved_stacks import ResolvedStacks, ResolvedTemplate
from preflight.templates.intrinsic_functions import Path

ASSOCIATIONS = "AWS::ECS::ClusterCapacityProviderAssociations"


@dataclass(frozen=True)
class TaskStarter:
    """One that starts a task: where it and its role stand, the service that has the role, and the RunTask parameters.

    `parameters` is the path of the parameters below `path`, empty if they are in a text; `role` is the path of RoleArn.
    """

    document: ResolvedTemplate
    path: Path
    parameters: Path
    role: Path
    service: str
    run_task: Mapping[str, Any]
    cluster: Any
    role_arn: Any
    definition: ReferencedResource
    actions: tuple[str, ...] = ("ecs:RunTask",)

    def violation(self, path: Path, message: str, fix: str) -> Violation:
        """Returns a violation at a path of the document."""
        return Violation(self.document, path, f"no run of task definition {self.definition.logical} starts: {message}", fix)

    def at(self, name: str) -> Path:
        """The path of one of the parameters, or of the text that they stand in."""
        return (*self.path, *self.parameters, name) if self.parameters else self.path


def check(stacks: ResolvedStacks, tracer: ReferenceTracer, starter: TaskStarter) -> Iterator[Violation]:
    """What keeps each run of the task from starting: its network, its launch type, or the role that starts it."""
    yield from _without_network(starter)
    yield from _without_launch_type(stacks, tracer, starter)
    yield from _of_role(stacks, tracer, starter)


def _without_network(starter: TaskStarter) -> Iterator[Violation]:
    is_awsvpc = starter.definition.properties.get("NetworkMode") == "awsvpc"
    if is_awsvpc and not {"NetworkConfiguration", "NetworkConfiguration.$"} & set(starter.run_task):
        message = "Network Configuration must be provided when networkMode 'awsvpc' is specified."
        name = starter.parameters[-1] if starter.parameters else "the parameters of the state"
        fix = f"Add NetworkConfiguration with subnets, security groups and AssignPublicIp to {name}."
        yield starter.violation((*starter.path, *starter.parameters), message, fix)


def _without_launch_type(stacks: ResolvedStacks, tracer: ReferenceTracer, starter: TaskStarter) -> Iterator[Violation]:
    """A task for Fargate alone, without launch type or strategy, in a cluster without a default strategy."""
    if starter.definition.properties.get("RequiresCompatibilities") != ["FARGATE"]:
        return
    launch_type = starter.run_task.get("LaunchType")
    is_default = not {"LaunchType", "LaunchType.$", "CapacityProviderStrategy", "CapacityProviderStrategy.$"} & set(starter.run_task)
    if launch_type == "EC2" or (is_default and _has_no_default_strategy(stacks, tracer, starter)):
        name = starter.parameters[-1] if starter.parameters else "the parameters of the state"
        message = "Task definition does not support launch_type EC2."
        yield starter.violation(starter.at("LaunchType"), message, f"Set LaunchType: FARGATE in {name}.")


def _has_no_default_strategy(stacks: ResolvedStacks, tracer: ReferenceTracer, starter: TaskStarter) -> bool:
    cluster = tracer.find(starter.document, starter.cluster)
    if cluster is None:
        return False
    associated = any(True for document in stacks.documents for _ in document.of_type(ASSOCIATIONS))
    return not associated and "DefaultCapacityProviderStrategy" not in cluster.properties


def _of_role(stacks: ResolvedStacks, tracer: ReferenceTracer, starter: TaskStarter) -> Iterator[Violation]:
    if starter.role_arn is None:
        message = f"{starter.service} has no role to start it with."
        yield starter.violation(starter.role, message, "Name a role that may ecs:RunTask and iam:PassRole.")
        return
    role = tracer.find(starter.document, starter.role_arn, declared_roles.ROLE)
    if role is None:
        return
    if declared_roles.distrusts(role, starter.service):
        fix = f"Allow sts:AssumeRole to Principal {{Service: {starter.service}}} in the role's AssumeRolePolicyDocument."
        yield starter.violation(starter.role, f"role {role.logical} does not trust {starter.service}.", fix)
    policies = declared_roles.all_policies(stacks, role)
    for action in [] if policies is None else _actions(starter):
        if declared_roles.lacks(policies or [], action):
            message = f"role {role.logical} does not allow {action}."
            yield starter.violation(starter.role, message, f"Allow {action} in a policy of role {role.logical}.")


def _actions(starter: TaskStarter) -> Iterator[str]:
    """Yields what the role has to allow: to run the task, and to pass its roles."""
    yield from starter.actions
    if {"ExecutionRoleArn", "TaskRoleArn"} & set(starter.definition.properties):
        yield "iam:PassRole"
