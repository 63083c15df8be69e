"""What the templates say of an IAM role: whom it trusts, and what it may do.

Conditions and resources are left out of the question: what a policy allows under a condition counts as allowed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from preflight.aws import iam_policy_evaluation
from preflight.aws.iam_policy_evaluation import Policies, RequestContext
from preflight.plan.cross_stack_references import ReferencedResource, ReferenceTracer, UnknownError
from preflight.plan.resolved_stacks import ResolvedStacks, ResolvedTemplate
from preflight.templates import intrinsic_functions

ROLE = "AWS::IAM::Role"
POLICIES = ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy")


def distrusts(role: ReferencedResource, service: str) -> bool:
    """Whether the trust policy of a role is known, and the service cannot assume the role."""
    trust: Any = role.properties.get("AssumeRolePolicyDocument")
    if not _is_plain(trust):
        return False
    return not iam_policy_evaluation.trusts(_without_conditions(trust), service, RequestContext("sts:AssumeRole"))


def lacks(policies: list[dict[str, Any]], action: str) -> bool:
    """Whether none of the policies allows an action."""
    return not iam_policy_evaluation.allows(Policies(tuple(policies)), RequestContext(action))


def inline_policies(role: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """Returns the policies that stand in a role's properties; None if they are not all known."""
    policies = role.get("Policies", [])
    if not isinstance(policies, list):
        return None
    return _known([p.get("PolicyDocument") if isinstance(p, dict) else None for p in policies])


def all_policies(stacks: ResolvedStacks, role: ReferencedResource) -> list[dict[str, Any]] | None:
    """Returns all policies of a role that has no managed policies; None if some are not known."""
    inline = inline_policies(role.properties)
    if inline is None or role.properties.get("ManagedPolicyArns"):
        return None
    try:
        attached = _known(list(_attached(stacks, role)))
    except UnknownError:
        return None
    return [*inline, *attached] if attached is not None else None


def _attached(stacks: ResolvedStacks, role: ReferencedResource) -> Iterator[Any]:
    """Yields the documents of policies that name the role; raises UnknownError if one may name any."""
    tracer = ReferenceTracer(stacks)
    for document, policy in _policies(stacks):
        roles = [*_listed(policy.get("Roles")), *_listed(policy.get("RoleName"))]
        if any(_is_same(tracer, document, name, role) for name in roles):
            yield policy.get("PolicyDocument")


def _policies(stacks: ResolvedStacks) -> Iterator[tuple[ResolvedTemplate, Mapping[str, Any]]]:
    for document in stacks.documents:
        for kind in POLICIES:
            for _, policy in document.of_type(kind):
                yield document, policy


def _is_same(tracer: ReferenceTracer, document: ResolvedTemplate, name: Any, role: ReferencedResource) -> bool:
    if isinstance(name, str) and "RoleName" not in role.properties:
        return False  # a role whose name AWS makes
    return tracer.one(document, name).is_same(role)


def _listed(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]


def _known(documents: list[Any]) -> list[dict[str, Any]] | None:
    plain = [d for d in documents if isinstance(d, dict) and isinstance(d.get("Statement"), dict | list)]
    if len(plain) != len(documents) or any(_hides_actions(d) for d in plain):
        return None
    return [_without_conditions(d) for d in plain]


def _is_plain(policy: Any) -> bool:
    """Whether a policy is a map of known statements."""
    if not isinstance(policy, dict) or intrinsic_functions.holds_kept(policy):
        return False
    return all(isinstance(statement, dict) for statement in _listed(policy.get("Statement", [])))


def _without_conditions(policy: Mapping[str, Any]) -> dict[str, Any]:
    """The statements that allow something, whatever has to hold for them; the others left out."""
    statements = _listed(policy.get("Statement", []))
    allowed = [{k: v for k, v in s.items() if k != "Condition"} for s in statements if s.get("Effect") == "Allow"]
    return {"Statement": [{**s, "Resource": "*"} for s in allowed]}


def _hides_actions(policy: Mapping[str, Any]) -> bool:
    return intrinsic_functions.is_kept(policy["Statement"]) or any(
        not isinstance(s, dict) or intrinsic_functions.is_kept(s) or intrinsic_functions.holds_kept([s.get("Action"), s.get("Effect")])
        for s in _listed(policy["Statement"])
    )
