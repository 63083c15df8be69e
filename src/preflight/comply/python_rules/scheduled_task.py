"""A task that EventBridge starts can start: its network, its launch type, and the role that starts it.

EventBridge takes such targets as they are, and each run fails later, seen in its FailedInvocations only. Source:
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/tasks-scheduled-eventbridge-scheduler.html,
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/CWE_IAM_role.html and
https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_EcsParameters.html.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from preflight.comply.python_rules import container_resources, declared_roles, violation
from preflight.comply.python_rules.violation import Violation
from preflight.plan.references import ReferencedResource, ReferenceTracer, UnknownError
from preflight.plan.resolved_stacks import ResolvedStacks, ResolvedTemplate
from preflight.templates.functions import Path

ASSOCIATIONS = "AWS::ECS::ClusterCapacityProviderAssociations"


@dataclass(frozen=True)
class _Target:
    """A target that runs a task: where it stands, the service that starts it, and its properties."""

    document: ResolvedTemplate
    path: Path
    service: str
    properties: Mapping[str, Any]
    definition: ReferencedResource

    @property
    def ecs(self) -> Mapping[str, Any]:
        """Its EcsParameters."""
        found: Mapping[str, Any] = self.properties["EcsParameters"]
        return found

    def violation(self, name: str, message: str, fix: str) -> Violation:
        """Returns a violation at one of the target's properties."""
        task = f"no run of task definition {self.definition.logical} starts: "
        return Violation(self.document, (*self.path, *name.split(".")), f"{task}{message}", fix)


def check(stacks: ResolvedStacks) -> Iterator[Violation]:
    """Targets of EventBridge rules and schedules whose task never starts."""
    tracer = ReferenceTracer(stacks)
    for target in _targets(stacks, tracer):
        yield from _without_network(target)
        yield from _without_launch_type(stacks, tracer, target)
        yield from _of_role(stacks, tracer, target)


def _targets(stacks: ResolvedStacks, tracer: ReferenceTracer) -> Iterator[_Target]:
    for document in stacks.documents:
        for path, service, properties in _all_targets(document):
            parameters = properties.get("EcsParameters") if isinstance(properties, dict) else None
            if isinstance(parameters, dict):
                try:
                    definition = tracer.one(document, parameters.get("TaskDefinitionArn"))
                except UnknownError:
                    continue
                if definition.kind == container_resources.DEFINITION:
                    yield _Target(document, path, service, properties, definition)


def _all_targets(document: ResolvedTemplate) -> Iterator[tuple[Path, str, Any]]:
    for logical, rule in document.of_type("AWS::Events::Rule"):
        targets = rule.get("Targets")
        for number, target in enumerate(targets if isinstance(targets, list) else []):
            yield violation.at(logical, "Targets", number), "events.amazonaws.com", target
    for logical, schedule in document.of_type("AWS::Scheduler::Schedule"):
        yield violation.at(logical, "Target"), "scheduler.amazonaws.com", schedule.get("Target")


def _without_network(target: _Target) -> Iterator[Violation]:
    if target.definition.properties.get("NetworkMode") == "awsvpc" and "NetworkConfiguration" not in target.ecs:
        message = "Network Configuration must be provided when networkMode 'awsvpc' is specified."
        fix = "Add NetworkConfiguration with subnets, security groups and AssignPublicIp to EcsParameters."
        yield target.violation("EcsParameters", message, fix)


def _without_launch_type(stacks: ResolvedStacks, tracer: ReferenceTracer, target: _Target) -> Iterator[Violation]:
    """A task for Fargate alone, without launch type or strategy, in a cluster without a default strategy."""
    if target.definition.properties.get("RequiresCompatibilities") != ["FARGATE"]:
        return
    launch_type = target.ecs.get("LaunchType")
    is_default = launch_type is None and "CapacityProviderStrategy" not in target.ecs
    if launch_type == "EC2" or (is_default and _has_no_default_strategy(stacks, tracer, target)):
        message = "Task definition does not support launch_type EC2."
        yield target.violation("EcsParameters.LaunchType", message, "Set LaunchType: FARGATE in EcsParameters.")


def _has_no_default_strategy(stacks: ResolvedStacks, tracer: ReferenceTracer, target: _Target) -> bool:
    try:
        cluster = tracer.one(target.document, target.properties.get("Arn"))
    except UnknownError:
        return False
    associated = any(True for document in stacks.documents for _ in document.of_type(ASSOCIATIONS))
    return not associated and "DefaultCapacityProviderStrategy" not in cluster.properties


def _of_role(stacks: ResolvedStacks, tracer: ReferenceTracer, target: _Target) -> Iterator[Violation]:
    if "RoleArn" not in target.properties:
        message = f"{target.service} has no role to start it with."
        yield target.violation("RoleArn", message, "Name a role that may ecs:RunTask and iam:PassRole.")
        return
    try:
        role = tracer.one(target.document, target.properties["RoleArn"])
    except UnknownError:
        return
    if role.kind != declared_roles.ROLE:
        return
    if declared_roles.distrusts(role, target.service):
        fix = f"Allow sts:AssumeRole to Principal {{Service: {target.service}}} in the role's AssumeRolePolicyDocument."
        yield target.violation("RoleArn", f"role {role.logical} does not trust {target.service}.", fix)
    policies = declared_roles.all_policies(stacks, role)
    for action in [] if policies is None else _actions(target.definition):
        if declared_roles.lacks(policies or [], action):
            message = f"role {role.logical} does not allow {action}."
            yield target.violation("RoleArn", message, f"Allow {action} in a policy of role {role.logical}.")


def _actions(definition: ReferencedResource) -> Iterator[str]:
    """Yields what the role has to allow: to run the task, and to pass its roles."""
    yield "ecs:RunTask"
    if {"ExecutionRoleArn", "TaskRoleArn"} & set(definition.properties):
        yield "iam:PassRole"
