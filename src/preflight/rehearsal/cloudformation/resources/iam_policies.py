"""AWS IAM: policies apart from roles, instance profiles, and service-linked roles."""

from __future__ import annotations

from typing import Any

from preflight.rehearsal.cloudformation.resources.handler import (
    CreatedResource,
    Handler,
    HandlerContext,
    Properties,
    ResourceFailedError,
)
from preflight.rehearsal.cloudformation.resources.iam_roles import document_of, inline

MAX_VERSIONS = 5
_TARGETS = (
    ("Roles", "RoleName", "PutRolePolicy", "DeleteRolePolicy", "AttachRolePolicy", "DetachRolePolicy"),
    ("Users", "UserName", "PutUserPolicy", "DeleteUserPolicy", "AttachUserPolicy", "DetachUserPolicy"),
    ("Groups", "GroupName", "PutGroupPolicy", "DeleteGroupPolicy", "AttachGroupPolicy", "DetachGroupPolicy"),
)


def _create_policy(place: HandlerContext, given: Properties) -> CreatedResource:
    if not any(given.get(names) for names, *_ in _TARGETS):
        raise ResourceFailedError("At least one of [Groups,Roles,Users] must be non-empty.", is_whole=True)
    name, document = given["PolicyName"], inline(given["PolicyDocument"])
    for names, key, put, *_ in _TARGETS:
        for target in given.get(names) or []:
            place.ask("iam", put, **{key: target}, PolicyName=name, PolicyDocument=document)
    for key in given:
        place.note(key, "stored")
    return CreatedResource(place.name(), {"Id": name})


def _delete_policy(place: HandlerContext, _id: str, given: Properties) -> None:
    for names, key, _, delete, *_ in _TARGETS:
        for target in given.get(names) or []:
            place.ask("iam", delete, **{key: target}, PolicyName=given["PolicyName"])


def _update_policy(place: HandlerContext, physical: str, old: Properties, new: Properties) -> CreatedResource:
    _delete_policy(place, physical, old)
    return CreatedResource(physical, _create_policy(place, new).attributes)


def _read_policy(place: HandlerContext, _id: str, given: Properties) -> dict[str, Any]:
    name = given["PolicyName"]
    kept: dict[str, Any] = {"PolicyName": name}
    for names, key, put, *_ in _TARGETS:
        read = put.replace("Put", "Get")
        for target in given.get(names) or []:
            found = place.ask("iam", read, **{key: target}, PolicyName=name)
            kept["PolicyDocument"] = found["PolicyDocument"]
            kept.setdefault(names, []).append(found[key])
    return kept


def _create_managed(place: HandlerContext, given: Properties) -> CreatedResource:
    name = given.get("ManagedPolicyName") or place.name(most=128)
    simple = {key: given[key] for key in ("Path", "Description") if key in given}
    made = place.ask(
        "iam", "CreatePolicy", PolicyName=name, PolicyDocument=document_of(given["PolicyDocument"]), **simple
    )
    arn = made["Policy"]["Arn"]
    place.identify(arn)
    for names, key, _, _, attach, _ in _TARGETS:
        for target in given.get(names) or []:
            place.ask("iam", attach, **{key: target}, PolicyArn=arn)
    for key in given:
        place.note(key, "stored")
    return CreatedResource(arn, {"PolicyArn": arn, "PolicyId": made["Policy"]["PolicyId"]})


def _update_managed(place: HandlerContext, arn: str, old: Properties, new: Properties) -> CreatedResource:
    document = document_of(new["PolicyDocument"])
    versions = place.ask("iam", "ListPolicyVersions", PolicyArn=arn)["Versions"]
    for version in [v for v in versions if not v["IsDefaultVersion"]][MAX_VERSIONS - 2 :]:
        place.ask("iam", "DeletePolicyVersion", PolicyArn=arn, VersionId=version["VersionId"])
    place.ask("iam", "CreatePolicyVersion", PolicyArn=arn, PolicyDocument=document, SetAsDefault=True)
    for names, key, _, _, attach, detach in _TARGETS:
        before, after = set(old.get(names) or []), set(new.get(names) or [])
        for target in sorted(before - after):
            place.ask("iam", detach, **{key: target}, PolicyArn=arn)
        for target in sorted(after - before):
            place.ask("iam", attach, **{key: target}, PolicyArn=arn)
    return CreatedResource(
        arn, {"PolicyArn": arn, "PolicyId": place.ask("iam", "GetPolicy", PolicyArn=arn)["Policy"]["PolicyId"]}
    )


def _read_managed(place: HandlerContext, arn: str, _given: Properties) -> dict[str, Any]:
    policy = place.ask("iam", "GetPolicy", PolicyArn=arn)["Policy"]
    version = place.ask("iam", "GetPolicyVersion", PolicyArn=arn, VersionId=policy["DefaultVersionId"])
    attached = place.ask("iam", "ListEntitiesForPolicy", PolicyArn=arn)
    return {
        **policy,
        "ManagedPolicyName": policy["PolicyName"],
        "PolicyDocument": version["PolicyVersion"]["Document"],
        **{names: [e[key] for e in attached.get(f"Policy{names}", [])] for names, key, *_ in _TARGETS},
    }


def _delete_managed(place: HandlerContext, arn: str, _given: Properties) -> None:
    attached = place.ask("iam", "ListEntitiesForPolicy", PolicyArn=arn)
    for names, key, _, _, _, detach in _TARGETS:
        for target in attached.get(f"Policy{names}", []):
            place.ask("iam", detach, **{key: target[key]}, PolicyArn=arn)
    for version in place.ask("iam", "ListPolicyVersions", PolicyArn=arn)["Versions"]:
        if not version["IsDefaultVersion"]:
            place.ask("iam", "DeletePolicyVersion", PolicyArn=arn, VersionId=version["VersionId"])
    place.ask("iam", "DeletePolicy", PolicyArn=arn)


def _create_role_policy(place: HandlerContext, given: Properties) -> CreatedResource:
    document = inline(given.get("PolicyDocument", {}))
    place.ask(
        "iam", "PutRolePolicy", RoleName=given["RoleName"], PolicyName=given["PolicyName"], PolicyDocument=document
    )
    for key in given:
        place.note(key, "stored")
    return CreatedResource(f"{given['PolicyName']}|{given['RoleName']}")


def _delete_role_policy(place: HandlerContext, _id: str, given: Properties) -> None:
    place.ask("iam", "DeleteRolePolicy", RoleName=given["RoleName"], PolicyName=given["PolicyName"])


def _update_role_policy(place: HandlerContext, physical: str, _old: Properties, new: Properties) -> CreatedResource:
    return CreatedResource(physical, _create_role_policy(place, new).attributes)


def _read_role_policy(place: HandlerContext, _id: str, given: Properties) -> dict[str, Any]:
    return place.ask("iam", "GetRolePolicy", RoleName=given["RoleName"], PolicyName=given["PolicyName"])


def _create_profile(place: HandlerContext, given: Properties) -> CreatedResource:
    name = given.get("InstanceProfileName") or place.name(most=128)
    made = place.ask("iam", "CreateInstanceProfile", InstanceProfileName=name, Path=given.get("Path", "/"))
    place.identify(name)
    for role in given.get("Roles") or []:
        place.ask("iam", "AddRoleToInstanceProfile", InstanceProfileName=name, RoleName=role)
    for key in given:
        place.note(key, "stored")
    return CreatedResource(name, {"Arn": made["InstanceProfile"]["Arn"]})


def _delete_profile(place: HandlerContext, name: str, _given: Properties) -> None:
    found = place.ask("iam", "GetInstanceProfile", InstanceProfileName=name)["InstanceProfile"]
    for role in found["Roles"]:
        place.ask("iam", "RemoveRoleFromInstanceProfile", InstanceProfileName=name, RoleName=role["RoleName"])
    place.ask("iam", "DeleteInstanceProfile", InstanceProfileName=name)


def _update_profile(place: HandlerContext, name: str, old: Properties, new: Properties) -> CreatedResource:
    for role in old.get("Roles") or []:
        place.ask("iam", "RemoveRoleFromInstanceProfile", InstanceProfileName=name, RoleName=role)
    for role in new.get("Roles") or []:
        place.ask("iam", "AddRoleToInstanceProfile", InstanceProfileName=name, RoleName=role)
    found = place.ask("iam", "GetInstanceProfile", InstanceProfileName=name)["InstanceProfile"]
    return CreatedResource(name, {"Arn": found["Arn"]})


def _read_profile(place: HandlerContext, name: str, _given: Properties) -> dict[str, Any]:
    found = place.ask("iam", "GetInstanceProfile", InstanceProfileName=name)["InstanceProfile"]
    return {**found, "Roles": [role["RoleName"] for role in found["Roles"]]}


TYPES = {
    "AWS::IAM::Policy": Handler(_create_policy, _delete_policy, _update_policy, _read_policy),
    "AWS::IAM::ManagedPolicy": Handler(_create_managed, _delete_managed, _update_managed, _read_managed),
    "AWS::IAM::RolePolicy": Handler(_create_role_policy, _delete_role_policy, _update_role_policy, _read_role_policy),
    "AWS::IAM::InstanceProfile": Handler(_create_profile, _delete_profile, _update_profile, _read_profile),
}
