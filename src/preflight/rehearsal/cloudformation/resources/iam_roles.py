"""AWS IAM: roles and policies."""

from __future__ import annotations

import json
from typing import Any

from preflight.rehearsal import acting
from preflight.rehearsal.cloudformation.resources.handler import (
    CreatedResource,
    Handler,
    HandlerContext,
    Properties,
    ResourceFailedError,
)


def document_of(value: Any) -> str:
    """A policy document as text."""
    return value if isinstance(value, str) else json.dumps(value, default=str)


def inline(value: Any) -> str:
    """An inline policy, for which AWS takes an old version or none, and moto does not.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html;
    moto/iam/policy_validation.py.
    """
    return document_of({**value, "Version": "2012-10-17"} if isinstance(value, dict) else value)


def _create_role(place: HandlerContext, given: Properties) -> CreatedResource:
    name = given.get("RoleName") or place.name()
    asked = {
        "RoleName": name,
        "AssumeRolePolicyDocument": document_of(given["AssumeRolePolicyDocument"]),
        "Tags": place.all_tags(given.get("Tags")),
    }
    simple = ("Path", "Description", "MaxSessionDuration", "PermissionsBoundary")
    role = place.ask("iam", "CreateRole", **asked, **{k: given[k] for k in simple if k in given})["Role"]
    try:
        _set_policies(place, name, {}, given)
    except ResourceFailedError:
        with acting.acting_as(None):
            _delete_role(place, name, given)
        raise
    for key in given:
        place.note(key, "stored")
    return CreatedResource(name, {"Arn": role["Arn"], "RoleId": role["RoleId"]})


def _set_policies(place: HandlerContext, role: str, old: Properties, new: Properties) -> None:
    before, after = set(old.get("ManagedPolicyArns") or []), set(new.get("ManagedPolicyArns") or [])
    for arn in before - after:
        place.ask("iam", "DetachRolePolicy", RoleName=role, PolicyArn=arn)
    for arn in sorted(after - before):
        place.ask("iam", "AttachRolePolicy", RoleName=role, PolicyArn=arn)
    policies = {policy["PolicyName"]: policy for policy in new.get("Policies") or []}
    for policy in old.get("Policies") or []:
        if policy["PolicyName"] not in policies:
            place.ask("iam", "DeleteRolePolicy", RoleName=role, PolicyName=policy["PolicyName"])
    for name, policy in policies.items():
        document = inline(policy["PolicyDocument"])
        place.ask("iam", "PutRolePolicy", RoleName=role, PolicyName=name, PolicyDocument=document)


def _update_role(place: HandlerContext, role: str, old: Properties, new: Properties) -> CreatedResource:
    document = document_of(new["AssumeRolePolicyDocument"])
    place.ask("iam", "UpdateAssumeRolePolicy", RoleName=role, PolicyDocument=document)
    _set_policies(place, role, old, new)
    changed = {
        "Description": new.get("Description", ""),
        "MaxSessionDuration": int(new.get("MaxSessionDuration", 3600)),
    }
    place.ask("iam", "UpdateRole", RoleName=role, **changed)
    _set_boundary(place, role, old, new)
    _retag(place, role, old, new)
    described = place.ask("iam", "GetRole", RoleName=role)["Role"]
    return CreatedResource(role, {"Arn": described["Arn"], "RoleId": described["RoleId"]})


def _set_boundary(place: HandlerContext, role: str, old: Properties, new: Properties) -> None:
    if new.get("PermissionsBoundary"):
        place.ask("iam", "PutRolePermissionsBoundary", RoleName=role, PermissionsBoundary=new["PermissionsBoundary"])
    elif old.get("PermissionsBoundary"):
        place.ask("iam", "DeleteRolePermissionsBoundary", RoleName=role)


def _retag(place: HandlerContext, role: str, old: Properties, new: Properties) -> None:
    kept = {tag["Key"] for tag in new.get("Tags") or []}
    gone = sorted({tag["Key"] for tag in old.get("Tags") or []} - kept)
    if gone:
        place.ask("iam", "UntagRole", RoleName=role, TagKeys=gone)
    place.ask("iam", "TagRole", RoleName=role, Tags=place.all_tags(new.get("Tags")))


def _delete_role(place: HandlerContext, role: str, _given: Properties) -> None:
    for policy in place.ask("iam", "ListAttachedRolePolicies", RoleName=role)["AttachedPolicies"]:
        place.ask("iam", "DetachRolePolicy", RoleName=role, PolicyArn=policy["PolicyArn"])
    for name in place.ask("iam", "ListRolePolicies", RoleName=role)["PolicyNames"]:
        place.ask("iam", "DeleteRolePolicy", RoleName=role, PolicyName=name)
    place.ask("iam", "DeleteRole", RoleName=role)


def _read_role(place: HandlerContext, name: str, _given: Properties) -> dict[str, Any]:
    role = place.ask("iam", "GetRole", RoleName=name)["Role"]
    attached = place.ask("iam", "ListAttachedRolePolicies", RoleName=name)["AttachedPolicies"]
    inline_names = place.ask("iam", "ListRolePolicies", RoleName=name)["PolicyNames"]
    return {
        **role,
        "ManagedPolicyArns": [policy["PolicyArn"] for policy in attached],
        "Policies": [place.ask("iam", "GetRolePolicy", RoleName=name, PolicyName=n) for n in inline_names],
        "PermissionsBoundary": (role.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn"),
    }


def _create_linked(place: HandlerContext, given: Properties) -> CreatedResource:
    made = place.call("iam", "CreateServiceLinkedRole", given)["Role"]
    return CreatedResource(made["RoleName"], {"RoleName": made["RoleName"]})


def _delete_linked(place: HandlerContext, name: str, _given: Properties) -> None:
    place.ask("iam", "DeleteServiceLinkedRole", RoleName=name)


def _update_linked(place: HandlerContext, name: str, _old: Properties, new: Properties) -> CreatedResource:
    place.ask("iam", "UpdateRole", RoleName=name, Description=new.get("Description", ""))
    return CreatedResource(name, {"RoleName": name})


def _read_linked(place: HandlerContext, name: str, _given: Properties) -> dict[str, Any]:
    role = place.ask("iam", "GetRole", RoleName=name)["Role"]
    principal = role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["Service"]
    service = principal[0] if isinstance(principal, list) else principal
    return {**role, "AWSServiceName": service, "CustomSuffix": name.rpartition("_")[2]}


TYPES = {
    "AWS::IAM::Role": Handler(_create_role, _delete_role, _update_role, _read_role),
    "AWS::IAM::ServiceLinkedRole": Handler(_create_linked, _delete_linked, _update_linked, _read_linked),
}
