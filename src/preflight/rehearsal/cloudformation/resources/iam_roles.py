"""AWS IAM: roles and policies."""

from __future__ import annotations

from typing import Any

from preflight.rehearsal import acting
from preflight.rehearsal.cloudformation.resources.context import HandlerContext, Properties, Response, as_json
from preflight.rehearsal.cloudformation.resources.declarative import deleter
from preflight.rehearsal.cloudformation.resources.failure import ResourceFailedError
from preflight.rehearsal.cloudformation.resources.handler import CreatedResource, Handler


def inline_policy(value: Any) -> str:
    """Returns an inline policy as text; AWS accepts an old version or none, and moto does not.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html;
    moto/iam/policy_validation.py.
    """
    return as_json({**value, "Version": "2012-10-17"} if isinstance(value, dict) else value)


def _create_role(context: HandlerContext, properties: Properties) -> CreatedResource:
    name = properties.get("RoleName") or context.generate_name()
    request = {
        "RoleName": name,
        "AssumeRolePolicyDocument": as_json(properties["AssumeRolePolicyDocument"]),
        "Tags": context.all_tags(properties.get("Tags")),
    }
    settings = ("Path", "Description", "MaxSessionDuration", "PermissionsBoundary")
    role = context.call("iam", "CreateRole", **request, **{k: properties[k] for k in settings if k in properties})[
        "Role"
    ]
    try:
        _set_policies(context, name, {}, properties)
    except ResourceFailedError:
        with acting.acting_as(None):
            _delete_role(context, name, properties)
        raise
    context.record_stored(properties)
    return CreatedResource(name, {"Arn": role["Arn"], "RoleId": role["RoleId"]})


def _set_policies(context: HandlerContext, role: str, old: Properties, new: Properties) -> None:
    before, after = set(old.get("ManagedPolicyArns") or []), set(new.get("ManagedPolicyArns") or [])
    for arn in before - after:
        context.call("iam", "DetachRolePolicy", RoleName=role, PolicyArn=arn)
    for arn in sorted(after - before):
        context.call("iam", "AttachRolePolicy", RoleName=role, PolicyArn=arn)
    policies = {policy["PolicyName"]: policy for policy in new.get("Policies") or []}
    for policy in old.get("Policies") or []:
        if policy["PolicyName"] not in policies:
            context.call("iam", "DeleteRolePolicy", RoleName=role, PolicyName=policy["PolicyName"])
    for name, policy in policies.items():
        document = inline_policy(policy["PolicyDocument"])
        context.call("iam", "PutRolePolicy", RoleName=role, PolicyName=name, PolicyDocument=document)


def _update_role(context: HandlerContext, role: str, old: Properties, new: Properties) -> CreatedResource:
    document = as_json(new["AssumeRolePolicyDocument"])
    context.call("iam", "UpdateAssumeRolePolicy", RoleName=role, PolicyDocument=document)
    _set_policies(context, role, old, new)
    changed = {
        "Description": new.get("Description", ""),
        "MaxSessionDuration": int(new.get("MaxSessionDuration", 3600)),
    }
    context.call("iam", "UpdateRole", RoleName=role, **changed)
    _set_boundary(context, role, old, new)
    described = context.call("iam", "GetRole", RoleName=role)["Role"]
    return CreatedResource(role, {"Arn": described["Arn"], "RoleId": described["RoleId"]})


def _set_boundary(context: HandlerContext, role: str, old: Properties, new: Properties) -> None:
    if new.get("PermissionsBoundary"):
        context.call("iam", "PutRolePermissionsBoundary", RoleName=role, PermissionsBoundary=new["PermissionsBoundary"])
    elif old.get("PermissionsBoundary"):
        context.call("iam", "DeleteRolePermissionsBoundary", RoleName=role)


def _delete_role(context: HandlerContext, role: str, _properties: Properties) -> None:
    for policy in context.call("iam", "ListAttachedRolePolicies", RoleName=role)["AttachedPolicies"]:
        context.call("iam", "DetachRolePolicy", RoleName=role, PolicyArn=policy["PolicyArn"])
    for name in context.call("iam", "ListRolePolicies", RoleName=role)["PolicyNames"]:
        context.call("iam", "DeleteRolePolicy", RoleName=role, PolicyName=name)
    context.call("iam", "DeleteRole", RoleName=role)


def _read_role(context: HandlerContext, name: str, _properties: Properties) -> Response:
    role = context.call("iam", "GetRole", RoleName=name)["Role"]
    attached = context.call("iam", "ListAttachedRolePolicies", RoleName=name)["AttachedPolicies"]
    inline_names = context.call("iam", "ListRolePolicies", RoleName=name)["PolicyNames"]
    return {
        **role,
        "ManagedPolicyArns": [policy["PolicyArn"] for policy in attached],
        "Policies": [context.call("iam", "GetRolePolicy", RoleName=name, PolicyName=n) for n in inline_names],
        "PermissionsBoundary": (role.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn"),
    }


def _create_linked(context: HandlerContext, properties: Properties) -> CreatedResource:
    role = context.submit("iam", "CreateServiceLinkedRole", properties)["Role"]
    return CreatedResource(role["RoleName"], {"RoleName": role["RoleName"]})


def _update_linked(context: HandlerContext, name: str, _old: Properties, new: Properties) -> CreatedResource:
    context.call("iam", "UpdateRole", RoleName=name, Description=new.get("Description", ""))
    return CreatedResource(name, {"RoleName": name})


def _read_linked(context: HandlerContext, name: str, _properties: Properties) -> Response:
    role = context.call("iam", "GetRole", RoleName=name)["Role"]
    principal = role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["Service"]
    service = principal[0] if isinstance(principal, list) else principal
    return {**role, "AWSServiceName": service, "CustomSuffix": name.rpartition("_")[2]}


TYPES = {
    "AWS::IAM::Role": Handler(_create_role, _delete_role, _update_role, _read_role),
    "AWS::IAM::ServiceLinkedRole": Handler(
        _create_linked, deleter("iam", "DeleteServiceLinkedRole", "RoleName"), _update_linked, _read_linked
    ),
}
