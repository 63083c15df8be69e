"""AWS IAM. Its ARNs have no region.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from preflight.rehearsal.iam.actions.request import (
    ApiRequest,
    Ask,
    RequiredPermission,
    creating,
    for_resources,
    no_resource,
    tagging,
    with_pass_role,
)

_ON_ROLE = re.compile(
    r"(Get|Delete|Update|Tag|Untag)Role|(Get|Put|Delete|Attach|Detach)RolePolicy|List(Attached)?RolePolicies|ListRoleTags"
    r"|UpdateRoleDescription|UpdateAssumeRolePolicy|(Put|Delete)RolePermissionsBoundary|ListInstanceProfilesForRole"
    r"|DeleteServiceLinkedRole"
)
_ON_USER = re.compile(
    r"(Get|Delete|Update|Tag|Untag|Create)User|(Get|Put|Delete|Attach|Detach)UserPolicy|List(Attached)?UserPolicies"
    r"|ListUserTags|(Create|Delete|Update)AccessKey|ListAccessKeys|ListGroupsForUser"
)
_ON_GROUP = re.compile(
    r"(Get|Delete|Update|Create)Group|(Get|Put|Delete|Attach|Detach)GroupPolicy|List(Attached)?GroupPolicies"
    r"|(AddUserTo|RemoveUserFrom)Group"
)
_ON_POLICY = re.compile(
    r"(Get|Delete|Tag|Untag|Create)Policy|(Get|Create|Delete)PolicyVersion|ListPolicyVersions|ListPolicyTags"
    r"|SetDefaultPolicyVersion|ListEntitiesForPolicy"
)
_ON_PROFILE = re.compile(r"(Get|Delete|Create|Tag|Untag)InstanceProfile|(AddRoleTo|RemoveRoleFrom)InstanceProfile")
_ON_PROVIDER = re.compile(r"(Get|Delete|Tag|Untag|Create)OpenIDConnectProvider")
_ANYWHERE = re.compile(r"List(Roles|Users|Groups|Policies|InstanceProfiles|OpenIDConnectProviders|AccountAliases)")

LINKED: Mapping[str, str] = {  # services, and the names of the roles that are linked to them
    "ecs.amazonaws.com": "AWSServiceRoleForECS",
    "ecs.application-autoscaling.amazonaws.com": "AWSServiceRoleForApplicationAutoScaling_ECSService",
    "elasticloadbalancing.amazonaws.com": "AWSServiceRoleForElasticLoadBalancing",
    "pullthroughcache.ecr.amazonaws.com": "AWSServiceRoleForECRPullThroughCache",
}


def _arn(question: ApiRequest, rest: str) -> str:
    return f"arn:{question.partition}:iam::{question.account}:{rest}"


def _at(question: ApiRequest, kind: str, name: str) -> str:
    path = str(question.get("path") or "").strip("/")
    return _arn(question, "/".join(part for part in (kind, path, name) if part))


def _named(kind: str, member: str) -> Ask:
    """The action on what a member of the input names; of what exists with a path, the gate knows that."""
    return for_resources(lambda question: [_at(question, kind, name) for name in question.texts(member)])


def _provider(question: ApiRequest) -> Iterator[str]:
    url = str(question.get("url") or "").removeprefix("https://")
    yield from question.texts("openIDConnectProviderArn") or [_arn(question, f"oidc-provider/{url}")]


def _policy(question: ApiRequest) -> Iterator[str]:
    yield from question.texts("policyArn") or [_at(question, "policy", str(question.get("policyName")))]


def _linked(question: ApiRequest) -> Iterator[RequiredPermission]:
    service = str(question.get("aWSServiceName"))
    name = LINKED.get(service)
    where = _arn(question, f"role/aws-service-role/{service}/{name}") if name else None
    yield RequiredPermission(question.action, where, {"iam:awsservicename": service})


def _with_keys(ask: Ask) -> Ask:
    """`ask` with the condition keys that show which policy is attached, and which boundary is set."""

    def asked(question: ApiRequest) -> Iterator[RequiredPermission]:
        given = (("iam:policyarn", "policyArn"), ("iam:permissionsboundary", "permissionsBoundary"))
        keys = {key: str(question.get(member)) for key, member in given if question.get(member)}
        for target in ask(question):
            yield replace(target, context={**target.context, **keys})

    return asked


_ROLE, _USER, _GROUP = _named("role", "roleName"), _named("user", "userName"), _named("group", "groupName")
_PROFILE = _named("instance-profile", "instanceProfileName")
_OWN: Mapping[str, Ask] = {
    "CreateRole": _with_keys(creating(_ROLE, tagging="iam:TagRole")),
    "CreateUser": _with_keys(creating(_USER, tagging="iam:TagUser")),
    "CreatePolicy": creating(for_resources(_policy), tagging="iam:TagPolicy"),
    "CreateInstanceProfile": creating(_PROFILE, tagging="iam:TagInstanceProfile"),
    "CreateOpenIDConnectProvider": creating(for_resources(_provider), tagging="iam:TagOpenIDConnectProvider"),
    "CreateServiceLinkedRole": _linked,
    "AddRoleToInstanceProfile": with_pass_role(_PROFILE, "ec2.amazonaws.com", "roleName"),
}
_BY_NAME: Sequence[tuple[re.Pattern[str], Ask]] = (
    (_ON_ROLE, _ROLE),
    (_ON_USER, _USER),
    (_ON_GROUP, _GROUP),
    (_ON_POLICY, for_resources(_policy)),
    (_ON_PROFILE, _PROFILE),
    (_ON_PROVIDER, for_resources(_provider)),
    (_ANYWHERE, no_resource),
)


def of(name: str) -> Ask | None:
    """Returns the permissions an operation needs, or None if its resources are unknown."""
    if name in _OWN:
        return _OWN[name]
    found = next((ask for pattern, ask in _BY_NAME if pattern.fullmatch(name)), None)
    if found is None:
        return None
    return tagging(found) if name.startswith(("Tag", "Untag")) else _with_keys(found)
