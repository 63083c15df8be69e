"""AWS IAM: policies apart from roles, instance profiles, and service-linked roles."""

from __future__ import annotations

from preflight.rehearsal.cloudformation.resources.context import HandlerContext, Properties, Response, as_json, only
from preflight.rehearsal.cloudformation.resources.failure import ResourceFailedError
from preflight.rehearsal.cloudformation.resources.handler import CreatedResource, Handler
from preflight.rehearsal.cloudformation.resources.iam_roles import inline_policy

MAX_VERSIONS = 5
_TARGETS = (
    ("Roles", "RoleName", "PutRolePolicy", "DeleteRolePolicy", "AttachRolePolicy", "DetachRolePolicy"),
    ("Users", "UserName", "PutUserPolicy", "DeleteUserPolicy", "AttachUserPolicy", "DetachUserPolicy"),
    ("Groups", "GroupName", "PutGroupPolicy", "DeleteGroupPolicy", "AttachGroupPolicy", "DetachGroupPolicy"),
)


def _create_policy(context: HandlerContext, properties: Properties) -> CreatedResource:
    if not any(properties.get(names) for names, *_ in _TARGETS):
        raise ResourceFailedError("At least one of [Groups,Roles,Users] must be non-empty.", is_whole=True)
    name, document = properties["PolicyName"], inline_policy(properties["PolicyDocument"])
    for names, key, put, *_ in _TARGETS:
        for target in properties.get(names) or []:
            context.call("iam", put, **{key: target}, PolicyName=name, PolicyDocument=document)
    context.record_stored(properties)
    return CreatedResource(context.generate_name(), {"Id": name})


def _delete_policy(context: HandlerContext, _id: str, properties: Properties) -> None:
    for names, key, _, delete, *_ in _TARGETS:
        for target in properties.get(names) or []:
            context.call("iam", delete, **{key: target}, PolicyName=properties["PolicyName"])


def _update_policy(context: HandlerContext, physical_id: str, old: Properties, new: Properties) -> CreatedResource:
    _delete_policy(context, physical_id, old)
    return CreatedResource(physical_id, _create_policy(context, new).attributes)


def _read_policy(context: HandlerContext, _id: str, properties: Properties) -> Response:
    name = properties["PolicyName"]
    description: Response = {"PolicyName": name}
    for names, key, put, *_ in _TARGETS:
        read = put.replace("Put", "Get")
        for target in properties.get(names) or []:
            policy = context.call("iam", read, **{key: target}, PolicyName=name)
            description["PolicyDocument"] = policy["PolicyDocument"]
            description.setdefault(names, []).append(policy[key])
    return description


def _create_managed(context: HandlerContext, properties: Properties) -> CreatedResource:
    name = properties.get("ManagedPolicyName") or context.generate_name(max_length=128)
    settings = only(properties, "Path", "Description")
    response = context.call(
        "iam", "CreatePolicy", PolicyName=name, PolicyDocument=as_json(properties["PolicyDocument"]), **settings
    )
    arn = response["Policy"]["Arn"]
    context.identify(arn)
    for names, key, _, _, attach, _ in _TARGETS:
        for target in properties.get(names) or []:
            context.call("iam", attach, **{key: target}, PolicyArn=arn)
    context.record_stored(properties)
    return CreatedResource(arn, {"PolicyArn": arn, "PolicyId": response["Policy"]["PolicyId"]})


def _update_managed(context: HandlerContext, arn: str, old: Properties, new: Properties) -> CreatedResource:
    document = as_json(new["PolicyDocument"])
    versions = context.call("iam", "ListPolicyVersions", PolicyArn=arn)["Versions"]
    for version in [v for v in versions if not v["IsDefaultVersion"]][MAX_VERSIONS - 2 :]:
        context.call("iam", "DeletePolicyVersion", PolicyArn=arn, VersionId=version["VersionId"])
    context.call("iam", "CreatePolicyVersion", PolicyArn=arn, PolicyDocument=document, SetAsDefault=True)
    for names, key, _, _, attach, detach in _TARGETS:
        before, after = set(old.get(names) or []), set(new.get(names) or [])
        for target in sorted(before - after):
            context.call("iam", detach, **{key: target}, PolicyArn=arn)
        for target in sorted(after - before):
            context.call("iam", attach, **{key: target}, PolicyArn=arn)
    return CreatedResource(
        arn, {"PolicyArn": arn, "PolicyId": context.call("iam", "GetPolicy", PolicyArn=arn)["Policy"]["PolicyId"]}
    )


def _read_managed(context: HandlerContext, arn: str, _properties: Properties) -> Response:
    policy = context.call("iam", "GetPolicy", PolicyArn=arn)["Policy"]
    version = context.call("iam", "GetPolicyVersion", PolicyArn=arn, VersionId=policy["DefaultVersionId"])
    attached = context.call("iam", "ListEntitiesForPolicy", PolicyArn=arn)
    return {
        **policy,
        "ManagedPolicyName": policy["PolicyName"],
        "PolicyDocument": version["PolicyVersion"]["Document"],
        **{names: [e[key] for e in attached.get(f"Policy{names}", [])] for names, key, *_ in _TARGETS},
    }


def _delete_managed(context: HandlerContext, arn: str, _properties: Properties) -> None:
    attached = context.call("iam", "ListEntitiesForPolicy", PolicyArn=arn)
    for names, key, _, _, _, detach in _TARGETS:
        for target in attached.get(f"Policy{names}", []):
            context.call("iam", detach, **{key: target[key]}, PolicyArn=arn)
    for version in context.call("iam", "ListPolicyVersions", PolicyArn=arn)["Versions"]:
        if not version["IsDefaultVersion"]:
            context.call("iam", "DeletePolicyVersion", PolicyArn=arn, VersionId=version["VersionId"])
    context.call("iam", "DeletePolicy", PolicyArn=arn)


def _create_role_policy(context: HandlerContext, properties: Properties) -> CreatedResource:
    document = inline_policy(properties.get("PolicyDocument", {}))
    context.call(
        "iam",
        "PutRolePolicy",
        RoleName=properties["RoleName"],
        PolicyName=properties["PolicyName"],
        PolicyDocument=document,
    )
    context.record_stored(properties)
    return CreatedResource(f"{properties['PolicyName']}|{properties['RoleName']}")


def _delete_role_policy(context: HandlerContext, _id: str, properties: Properties) -> None:
    context.call("iam", "DeleteRolePolicy", RoleName=properties["RoleName"], PolicyName=properties["PolicyName"])


def _update_role_policy(
    context: HandlerContext, physical_id: str, _old: Properties, new: Properties
) -> CreatedResource:
    return CreatedResource(physical_id, _create_role_policy(context, new).attributes)


def _read_role_policy(context: HandlerContext, _id: str, properties: Properties) -> Response:
    return context.call("iam", "GetRolePolicy", RoleName=properties["RoleName"], PolicyName=properties["PolicyName"])


def _create_profile(context: HandlerContext, properties: Properties) -> CreatedResource:
    name = properties.get("InstanceProfileName") or context.generate_name(max_length=128)
    response = context.call("iam", "CreateInstanceProfile", InstanceProfileName=name, Path=properties.get("Path", "/"))
    context.identify(name)
    for role in properties.get("Roles") or []:
        context.call("iam", "AddRoleToInstanceProfile", InstanceProfileName=name, RoleName=role)
    context.record_stored(properties)
    return CreatedResource(name, {"Arn": response["InstanceProfile"]["Arn"]})


def _delete_profile(context: HandlerContext, name: str, _properties: Properties) -> None:
    profile = context.call("iam", "GetInstanceProfile", InstanceProfileName=name)["InstanceProfile"]
    for role in profile["Roles"]:
        context.call("iam", "RemoveRoleFromInstanceProfile", InstanceProfileName=name, RoleName=role["RoleName"])
    context.call("iam", "DeleteInstanceProfile", InstanceProfileName=name)


def _update_profile(context: HandlerContext, name: str, old: Properties, new: Properties) -> CreatedResource:
    for role in old.get("Roles") or []:
        context.call("iam", "RemoveRoleFromInstanceProfile", InstanceProfileName=name, RoleName=role)
    for role in new.get("Roles") or []:
        context.call("iam", "AddRoleToInstanceProfile", InstanceProfileName=name, RoleName=role)
    profile = context.call("iam", "GetInstanceProfile", InstanceProfileName=name)["InstanceProfile"]
    return CreatedResource(name, {"Arn": profile["Arn"]})


def _read_profile(context: HandlerContext, name: str, _properties: Properties) -> Response:
    profile = context.call("iam", "GetInstanceProfile", InstanceProfileName=name)["InstanceProfile"]
    return {**profile, "Roles": [role["RoleName"] for role in profile["Roles"]]}


TYPES = {
    "AWS::IAM::Policy": Handler(_create_policy, _delete_policy, _update_policy, _read_policy),
    "AWS::IAM::ManagedPolicy": Handler(_create_managed, _delete_managed, _update_managed, _read_managed),
    "AWS::IAM::RolePolicy": Handler(_create_role_policy, _delete_role_policy, _update_role_policy, _read_role_policy),
    "AWS::IAM::InstanceProfile": Handler(_create_profile, _delete_profile, _update_profile, _read_profile),
}
