"""AWS IAM. Its ARNs have no region.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from preflight.rehearsal.iam.actions.request import (
    ApiRequest,
    Permissions,
    RequiredPermission,
    for_resources,
    no_resource,
    with_pass_role,
    with_request_tags,
    with_tag_changes,
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


def _arn(request: ApiRequest, rest: str) -> str:
    return f"arn:{request.partition}:iam::{request.account}:{rest}"


def _at(request: ApiRequest, kind: str, name: str) -> str:
    path = str(request.get("path") or "").strip("/")
    return _arn(request, "/".join(part for part in (kind, path, name) if part))


def _named(kind: str, member: str) -> Permissions:
    """The action on what a member of the input names; of what exists with a path, the gate knows that."""
    return for_resources(lambda request: [_at(request, kind, name) for name in request.texts(member)])


def _provider(request: ApiRequest) -> Iterator[str]:
    url = str(request.get("url") or "").removeprefix("https://")
    yield from request.texts("openIDConnectProviderArn") or [_arn(request, f"oidc-provider/{url}")]


def _policy(request: ApiRequest) -> Iterator[str]:
    yield from request.texts("policyArn") or [_at(request, "policy", str(request.get("policyName")))]


def _linked(request: ApiRequest) -> Iterator[RequiredPermission]:
    service = str(request.get("aWSServiceName"))
    name = LINKED.get(service)
    where = _arn(request, f"role/aws-service-role/{service}/{name}") if name else None
    yield RequiredPermission(request.action, where, {"iam:awsservicename": service})


def _with_keys(ask: Permissions) -> Permissions:
    """`ask` with the condition keys that show which policy is attached, and which boundary is set."""

    def asked(request: ApiRequest) -> Iterator[RequiredPermission]:
        members = (("iam:policyarn", "policyArn"), ("iam:permissionsboundary", "permissionsBoundary"))
        keys = {key: str(request.get(member)) for key, member in members if request.get(member)}
        for target in ask(request):
            yield replace(target, context={**target.context, **keys})

    return asked


_ROLE, _USER, _GROUP = _named("role", "roleName"), _named("user", "userName"), _named("group", "groupName")
_PROFILE = _named("instance-profile", "instanceProfileName")
_OWN: Mapping[str, Permissions] = {
    "CreateRole": _with_keys(with_request_tags(_ROLE, tagging="iam:TagRole")),
    "CreateUser": _with_keys(with_request_tags(_USER, tagging="iam:TagUser")),
    "CreatePolicy": with_request_tags(for_resources(_policy), tagging="iam:TagPolicy"),
    "CreateInstanceProfile": with_request_tags(_PROFILE, tagging="iam:TagInstanceProfile"),
    "CreateOpenIDConnectProvider": with_request_tags(for_resources(_provider), tagging="iam:TagOpenIDConnectProvider"),
    "CreateServiceLinkedRole": _linked,
    "AddRoleToInstanceProfile": with_pass_role(_PROFILE, "ec2.amazonaws.com", "roleName"),
}
_BY_NAME: Sequence[tuple[re.Pattern[str], Permissions]] = (
    (_ON_ROLE, _ROLE),
    (_ON_USER, _USER),
    (_ON_GROUP, _GROUP),
    (_ON_POLICY, for_resources(_policy)),
    (_ON_PROFILE, _PROFILE),
    (_ON_PROVIDER, for_resources(_provider)),
    (_ANYWHERE, no_resource),
)


def of(name: str) -> Permissions | None:
    """Returns the permissions an operation needs, or None if its resources are unknown."""
    if name in _OWN:
        return _OWN[name]
    permissions = next((ask for pattern, ask in _BY_NAME if pattern.fullmatch(name)), None)
    if permissions is None:
        return None
    return with_tag_changes(permissions) if name.startswith(("Tag", "Untag")) else _with_keys(permissions)
