"""The front door of the account: whether who asks may do what is asked.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from preflight.aws import iam_policy_evaluation
from preflight.aws.iam_policy_evaluation import Policies, RequestContext, Value
from preflight.rehearsal.iam.actions import catalog
from preflight.rehearsal.iam.actions.request import ApiRequest, RequiredPermission
from preflight.rehearsal.iam.principals import Principals
from preflight.rehearsal.iam.resource_policies import ResourcePolicies
from preflight.rehearsal.identity import Principal


class Authorizer:
    """Judges calls by the policies of who makes them."""

    def __init__(self, principals: Principals, owned: ResourcePolicies) -> None:
        self._principals = principals
        self._owners = owned

    def judge(
        self, who: Principal, service: str, region: str, operation: str, parameters: Mapping[str, Any]
    ) -> str | None:
        """AWS's sentence where `who` may not make a call, None where they may."""
        account = who.principal.split(":")[4]
        request = ApiRequest(catalog.prefix_of(service), region, account, operation, parameters)
        return next(self.denials(who, catalog.targets(request), region), None)

    def denials(self, who: Principal, targets: Iterable[RequiredPermission], region: str) -> Iterator[str]:
        """A sentence about each of `targets` that is denied."""
        policies = self._principals.policies(who)
        about = self._principals.context(who)
        has_tags = _mentions(policies, "resourcetag/")
        for target in (settled for permission in targets for settled in self._settled(permission, region)):
            request = self._request(about, target, region, has_tags=has_tags)
            if not self._is_allowed(who, policies, request):
                yield sentence(who, request, iam_policy_evaluation.denial_reason(policies, request))

    def _is_allowed(
        self, who: Principal, policies: Policies, request: RequestContext
    ) -> bool:
        """Whether the policies of the principal or of the resource allow it.

        Within an account the grant of a resource's policy is as good as one of an identity's own.
        Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html.
        """
        own = self._owners.policy(request.resource or "")
        if own is None:
            return iam_policy_evaluation.allows(policies, request)
        identities = (who.principal, who.arn, who.principal.split(":")[4])
        if iam_policy_evaluation.denies(own, identities, request) or iam_policy_evaluation.rejects(policies, request):
            return False
        if iam_policy_evaluation.grants(own, (who.arn,), request):
            return True  # neither a boundary nor a session policy limits what is granted to the session or user itself
        is_granted = iam_policy_evaluation.grants(own, (who.principal,), request) and not iam_policy_evaluation.forbids(policies, request)
        return is_granted or iam_policy_evaluation.allows(policies, request)

    def _settled(self, target: RequiredPermission, region: str) -> Iterator[RequiredPermission]:
        """`target` with the ARNs that resources really have: paths of roles, ids of stacks, both ends of associations."""
        if target.resource is None:
            yield target
        elif ":iam::" in target.resource:
            yield replace(target, resource=self._principals.with_path(target.resource))
        else:
            for arn in self._owners.whole(target.resource, region):
                yield replace(target, resource=arn, owner=arn if target.owner and arn else "")

    def _request(
        self, about: Mapping[str, Value], target: RequiredPermission, region: str, *, has_tags: bool
    ) -> RequestContext:
        context = {
            **about,
            "aws:requestedregion": region,
            "aws:resourceaccount": about["aws:principalaccount"],
            **target.context,
        }
        if has_tags and target.owner:
            tags = self._owners.tags(target.owner, region)
            context |= {f"aws:resourcetag/{key.lower()}": value for key, value in tags.items()}
            service = target.action.partition(":")[0]
            context |= {f"{service}:resourcetag/{key.lower()}": value for key, value in tags.items()}
        return RequestContext(target.action, target.resource, context)


def _mentions(policies: Policies, word: str) -> bool:
    limits = [policies.boundary] if policies.boundary is not None else []
    return any(word in str(policy).lower() for policy in (*policies.identity, *limits, *(policies.session or ())))


def sentence(who: Principal, request: RequestContext, why: str) -> str:
    """AWS's sentence for a denial.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html.
    """
    resource = request.resource or "*"
    if request.action.startswith("s3:"):
        resource = f'"{resource}"'
    return f"User: {who.arn} is not authorized to perform: {request.action} on resource: {resource} {why}"
