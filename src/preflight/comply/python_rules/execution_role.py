"""An execution role that comes from another stack can be assumed by ECS, and may do what the task needs.

Where role and task definition stand in one template, rules of cfn-guard of the same names say it.
Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from preflight.aws import iam_policy
from preflight.aws.iam_policy import Policies, RequestContext
from preflight.comply.python_rules import container_resources, violation
from preflight.comply.python_rules.violation import Violation
from preflight.plan.references import ReferencedResource, ReferenceTracer, UnknownError
from preflight.plan.resolved_stacks import ResolvedStacks, ResolvedTemplate
from preflight.templates import functions

ROLE = "AWS::IAM::Role"
SERVICE = "ecs-tasks.amazonaws.com"
PULL = ("ecr:GetAuthorizationToken", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
LOG = ("logs:CreateLogStream", "logs:PutLogEvents")
POLICIES = ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy")
_ROLES = ("ExecutionRoleArn", "TaskRoleArn")
_TRUST_FIX = f"Allow sts:AssumeRole to Principal {{Service: {SERVICE}}} in AssumeRolePolicyDocument."
_POLICY_FIX = "Add arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy to ManagedPolicyArns."
_Used = tuple[ReferencedResource, ResolvedTemplate, str, Mapping[str, Any]]


def check_trust(stacks: ResolvedStacks) -> Iterator[Violation]:
    """Roles of other stacks that tasks name and ECS cannot assume."""
    for role, document, logical, _ in _used(stacks, _ROLES):
        trust: Any = role.properties.get("AssumeRolePolicyDocument")
        request = RequestContext("sts:AssumeRole")
        if not _is_plain(trust) or iam_policy.trusts(_without_conditions(trust), SERVICE, request):
            continue
        message = f"task definition {logical} in {document.name} names the role, and it does not trust {SERVICE}."
        path = violation.at(role.logical, "AssumeRolePolicyDocument")
        yield Violation(role.document, path, message, _TRUST_FIX)


def check_policy(stacks: ResolvedStacks) -> Iterator[Violation]:
    """Execution roles of other stacks that grant too little, where all they have is known."""
    if any(True for document in stacks.documents for kind in POLICIES for _ in document.of_type(kind)):
        return  # one of these may be attached to the role
    for role, document, logical, definition in _used(stacks, ("ExecutionRoleArn",)):
        inline = _inline(role.properties)
        if role.properties.get("ManagedPolicyArns") or inline is None:
            continue
        lacking = [action for action in _needed(definition) if not _grants(inline, action)]
        if lacking:
            message = f"the execution role of task definition {logical} in {document.name} does not allow {', '.join(lacking)}."
            yield Violation(role.document, violation.at(role.logical), message, _POLICY_FIX)


def _used(stacks: ResolvedStacks, keys: tuple[str, ...]) -> Iterator[_Used]:
    tracer = ReferenceTracer(stacks)
    for document in stacks.documents:
        for logical, definition in document.of_type(container_resources.DEFINITION):
            for key in keys:
                try:
                    role = tracer.one(document, definition.get(key))
                except UnknownError:
                    continue
                if role.kind == ROLE and role.document is not document:
                    yield role, document, logical, definition


def _is_plain(policy: Any) -> bool:
    """Whether a policy is a map of known statements."""
    if not isinstance(policy, dict) or functions.holds_kept(policy):
        return False
    statements = policy.get("Statement", [])
    listed = statements if isinstance(statements, list) else [statements]
    return all(isinstance(statement, dict) for statement in listed)


def _without_conditions(policy: Mapping[str, Any]) -> dict[str, Any]:
    """The statements that allow something, whatever has to hold for them; the others left out."""
    statements = policy.get("Statement", [])
    listed = statements if isinstance(statements, list) else [statements]
    allowed = [{k: v for k, v in s.items() if k != "Condition"} for s in listed if s.get("Effect") == "Allow"]
    return {"Statement": [{**s, "Resource": "*"} for s in allowed]}


def _inline(role: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """The inline policies of a role; None where they are not known."""
    policies = role.get("Policies", [])
    if not isinstance(policies, list):
        return None
    documents = [p.get("PolicyDocument") if isinstance(p, dict) else None for p in policies]
    known = [d for d in documents if isinstance(d, dict) and isinstance(d.get("Statement"), dict | list)]
    is_known = len(known) == len(documents) and not any(_hides_actions(d) for d in known)
    return [_without_conditions(d) for d in known] if is_known else None


def _hides_actions(policy: Mapping[str, Any]) -> bool:
    statements = policy["Statement"] if isinstance(policy["Statement"], list) else [policy["Statement"]]
    return functions.is_kept(policy["Statement"]) or any(
        not isinstance(s, dict) or functions.is_kept(s) or functions.holds_kept([s.get("Action"), s.get("Effect")])
        for s in statements
    )


def _grants(policies: list[dict[str, Any]], action: str) -> bool:
    return iam_policy.allows(Policies(tuple(policies)), RequestContext(action))


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
    name = functions.function_of(image)
    if name == "Fn::Sub":
        image = image[name]
        image = image[0] if isinstance(image, list) and image else image
    elif name == "Fn::Join":
        argument = image[name]
        items = argument[1] if isinstance(argument, list) and len(argument) == 2 else []
        image = "".join(i for i in items if isinstance(i, str)) if isinstance(items, list) else ""
    return image if isinstance(image, str) else ""
