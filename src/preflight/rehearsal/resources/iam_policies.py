"""AWS IAM: policies apart from roles, instance profiles, and service-linked roles."""

from __future__ import annotations

from preflight.rehearsal.resources.handler import FailedError, Handler, Made, Place, Properties
from preflight.rehearsal.resources.iam import document_of, inline

_TARGETS = (
    ("Roles", "RoleName", "PutRolePolicy", "DeleteRolePolicy", "AttachRolePolicy", "DetachRolePolicy"),
    ("Users", "UserName", "PutUserPolicy", "DeleteUserPolicy", "AttachUserPolicy", "DetachUserPolicy"),
    ("Groups", "GroupName", "PutGroupPolicy", "DeleteGroupPolicy", "AttachGroupPolicy", "DetachGroupPolicy"),
)


def _create_policy(place: Place, given: Properties) -> Made:
    if not any(given.get(names) for names, *_ in _TARGETS):
        raise FailedError("At least one of [Groups,Roles,Users] must be non-empty.", is_whole=True)
    name, document = given["PolicyName"], inline(given["PolicyDocument"])
    for names, key, put, *_ in _TARGETS:
        for target in given.get(names) or []:
            place.ask("iam", put, **{key: target}, PolicyName=name, PolicyDocument=document)
    for key in given:
        place.note(key, "stored")
    return Made(place.name(), {"Id": name})


def _delete_policy(place: Place, _id: str, given: Properties) -> None:
    for names, key, _, delete, *_ in _TARGETS:
        for target in given.get(names) or []:
            place.ask("iam", delete, **{key: target}, PolicyName=given["PolicyName"])


def _create_managed(place: Place, given: Properties) -> Made:
    name = given.get("ManagedPolicyName") or place.name(most=128)
    simple = {key: given[key] for key in ("Path", "Description") if key in given}
    made = place.ask(
        "iam", "CreatePolicy", PolicyName=name, PolicyDocument=document_of(given["PolicyDocument"]), **simple
    )
    arn = made["Policy"]["Arn"]
    for names, key, _, _, attach, _ in _TARGETS:
        for target in given.get(names) or []:
            place.ask("iam", attach, **{key: target}, PolicyArn=arn)
    for key in given:
        place.note(key, "stored")
    return Made(arn, {"PolicyArn": arn, "PolicyId": made["Policy"]["PolicyId"]})


def _delete_managed(place: Place, arn: str, given: Properties) -> None:
    for names, key, _, _, _, detach in _TARGETS:
        for target in given.get(names) or []:
            place.ask("iam", detach, **{key: target}, PolicyArn=arn)
    place.ask("iam", "DeletePolicy", PolicyArn=arn)


def _create_role_policy(place: Place, given: Properties) -> Made:
    document = inline(given.get("PolicyDocument", {}))
    place.ask(
        "iam", "PutRolePolicy", RoleName=given["RoleName"], PolicyName=given["PolicyName"], PolicyDocument=document
    )
    for key in given:
        place.note(key, "stored")
    return Made(f"{given['PolicyName']}|{given['RoleName']}")


def _delete_role_policy(place: Place, _id: str, given: Properties) -> None:
    place.ask("iam", "DeleteRolePolicy", RoleName=given["RoleName"], PolicyName=given["PolicyName"])


def _create_profile(place: Place, given: Properties) -> Made:
    name = given.get("InstanceProfileName") or place.name(most=128)
    made = place.ask("iam", "CreateInstanceProfile", InstanceProfileName=name, Path=given.get("Path", "/"))
    for role in given.get("Roles") or []:
        place.ask("iam", "AddRoleToInstanceProfile", InstanceProfileName=name, RoleName=role)
    for key in given:
        place.note(key, "stored")
    return Made(name, {"Arn": made["InstanceProfile"]["Arn"]})


def _delete_profile(place: Place, name: str, given: Properties) -> None:
    for role in given.get("Roles") or []:
        place.ask("iam", "RemoveRoleFromInstanceProfile", InstanceProfileName=name, RoleName=role)
    place.ask("iam", "DeleteInstanceProfile", InstanceProfileName=name)


TYPES = {
    "AWS::IAM::Policy": Handler(_create_policy, _delete_policy),
    "AWS::IAM::ManagedPolicy": Handler(_create_managed, _delete_managed),
    "AWS::IAM::RolePolicy": Handler(_create_role_policy, _delete_role_policy),
    "AWS::IAM::InstanceProfile": Handler(_create_profile, _delete_profile),
}
