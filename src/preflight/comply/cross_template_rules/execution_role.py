"""An execution role that comes from another stack can be assumed by ECS, and may do what the task needs.

Where role and task definition stand in one template, rules of cfn-guard of the same names say it.
Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from preflight.aws import unresolved
from preflight.comply.cross_template_rules import container_resources, declared_roles, violation
from preflight.comply.cross_template_rules.violation import Violation
from preflight.plan.cross_stack_references import ReferencedResource, ReferenceTracer
from preflight.plan.resolved_stacks import ResolvedStacks, ResolvedTemplate

SERVICE = "ecs-tasks.amazonaws.com"
PULL = ("ecr:GetAuthorizationToken", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
LOG = ("logs:CreateLogStream", "logs:PutLogEvents")
_ROLES = ("ExecutionRoleArn", "TaskRoleArn")
_TRUST_FIX = f"Allow sts:AssumeRole to Principal {{Service: {SERVICE}}} in AssumeRolePolicyDocument."
_POLICY_FIX = "Add arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy to ManagedPolicyArns."
_Used = tuple[ReferencedResource, ResolvedTemplate, str, Mapping[str, Any]]


def check_trust(stacks: ResolvedStacks) -> Iterator[Violation]:
    """Roles of other stacks that tasks name and ECS cannot assume."""
    for role, document, logical, _ in _used(stacks, _ROLES):
        if not declared_roles.distrusts(role, SERVICE):
            continue
        message = f"task definition {logical} in {document.name} names the role, and it does not trust {SERVICE}."
        path = violation.at(role.logical, "AssumeRolePolicyDocument")
        yield Violation(role.document, path, message, _TRUST_FIX)


def check_policy(stacks: ResolvedStacks) -> Iterator[Violation]:
    """Execution roles of other stacks that grant too little, where all they have is known."""
    for role, document, logical, definition in _used(stacks, ("ExecutionRoleArn",)):
        policies = declared_roles.all_policies(stacks, role)
        if policies is None:
            continue
        lacking = [action for action in _needed(definition) if declared_roles.lacks(policies, action)]
        if lacking:
            message = f"the execution role of task definition {logical} in {document.name} does not allow {', '.join(lacking)}."
            yield Violation(role.document, violation.at(role.logical), message, _POLICY_FIX)


def _used(stacks: ResolvedStacks, keys: tuple[str, ...]) -> Iterator[_Used]:
    tracer = ReferenceTracer(stacks)
    for document in stacks.documents:
        for logical, definition in document.of_type(container_resources.DEFINITION):
            for key in keys:
                role = tracer.find(document, definition.get(key), declared_roles.ROLE)
                if role is not None and role.document is not document:
                    yield role, document, logical, definition


def _needed(definition: Mapping[str, Any]) -> Iterator[str]:
    containers = definition.get("ContainerDefinitions")
    known = [c for c in containers if isinstance(c, dict)] if isinstance(containers, list) else []
    if any(".dkr.ecr." in image_text(c.get("Image")) for c in known):
        yield from PULL
    drivers = [c["LogConfiguration"].get("LogDriver") for c in known if isinstance(c.get("LogConfiguration"), dict)]
    if "awslogs" in drivers:
        yield from LOG


def image_text(image: Any) -> str:
    """The text of an image's name as far as it is known."""
    name = unresolved.function_of(image)
    if name == "Fn::Sub":
        image = image[name]
        image = image[0] if isinstance(image, list) and image else image
    elif name == "Fn::Join":
        argument = image[name]
        items = argument[1] if isinstance(argument, list) and len(argument) == 2 else []
        image = "".join(i for i in items if isinstance(i, str)) if isinstance(items, list) else ""
    return image if isinstance(image, str) else ""
