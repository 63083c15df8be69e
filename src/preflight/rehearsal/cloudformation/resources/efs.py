"""Elastic File System, and tables of DynamoDB."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from preflight.rehearsal.cloudformation.resources.declarative import tagged
from preflight.rehearsal.cloudformation.resources.handler import (
    CreatedResource,
    Handler,
    HandlerContext,
    Properties,
    ResourceFailedError,
)

_APART = {"FileSystemTags", "LifecyclePolicies", "BackupPolicy", "FileSystemPolicy", "BypassPolicyLockoutSafetyCheck"}


def _create_system(place: HandlerContext, given: Properties) -> CreatedResource:
    plain = {key: value for key, value in given.items() if key not in _APART}
    asked = {**plain, "CreationToken": place.name(), "Tags": given.get("FileSystemTags")}
    made = place.call("efs", "CreateFileSystem", tagged(place, "efs", "CreateFileSystem", asked))
    system = made["FileSystemId"]
    place.identify(system)
    for name in _APART & set(given):
        place.note(
            name, "stored" if name in {"FileSystemTags", "LifecyclePolicies"} else "ignored", "nothing is backed up"
        )
    if given.get("LifecyclePolicies"):
        policies = list(given["LifecyclePolicies"])
        place.call("efs", "PutLifecycleConfiguration", {"FileSystemId": system, "LifecyclePolicies": policies})
    return CreatedResource(system, {"Arn": made["FileSystemArn"], "FileSystemId": system})


def _update_system(place: HandlerContext, system: str, _old: Properties, new: Properties) -> CreatedResource:
    policies = list(new.get("LifecyclePolicies") or [])
    place.call("efs", "PutLifecycleConfiguration", {"FileSystemId": system, "LifecyclePolicies": policies})
    place.ask("efs", "TagResource", ResourceId=system, Tags=place.all_tags(new.get("FileSystemTags")))
    found = place.ask("efs", "DescribeFileSystems", FileSystemId=system)["FileSystems"][0]
    return CreatedResource(system, {"Arn": found["FileSystemArn"], "FileSystemId": system})


def _read_system(place: HandlerContext, system: str, _given: Properties) -> dict[str, Any]:
    found = place.ask("efs", "DescribeFileSystems", FileSystemId=system)["FileSystems"][0]
    policies = place.ask("efs", "DescribeLifecycleConfiguration", FileSystemId=system)["LifecyclePolicies"]
    return {**found, "FileSystemTags": found.get("Tags"), "LifecyclePolicies": policies}


def _delete_system(place: HandlerContext, system: str, _given: Properties) -> None:
    place.ask("efs", "DeleteFileSystem", FileSystemId=system)


def _create_target(place: HandlerContext, given: Properties) -> CreatedResource:
    made = place.call("efs", "CreateMountTarget", given)
    target = made["MountTargetId"]
    return CreatedResource(target, {"Id": target, "IpAddress": made.get("IpAddress", "")})


def _read_target(place: HandlerContext, target: str, _given: Properties) -> dict[str, Any]:
    found = place.ask("efs", "DescribeMountTargets", MountTargetId=target)["MountTargets"][0]
    groups = place.ask("efs", "DescribeMountTargetSecurityGroups", MountTargetId=target)["SecurityGroups"]
    return {**found, "SecurityGroups": groups}


def _update_target(place: HandlerContext, target: str, _old: Properties, new: Properties) -> CreatedResource:
    groups = list(new["SecurityGroups"])
    place.ask("efs", "ModifyMountTargetSecurityGroups", MountTargetId=target, SecurityGroups=groups)
    found = place.ask("efs", "DescribeMountTargets", MountTargetId=target)["MountTargets"][0]
    return CreatedResource(target, {"Id": target, "IpAddress": found.get("IpAddress", "")})


def _delete_target(place: HandlerContext, target: str, _given: Properties) -> None:
    place.ask("efs", "DeleteMountTarget", MountTargetId=target)


def _create_point(place: HandlerContext, given: Properties) -> CreatedResource:
    asked = {{"AccessPointTags": "Tags"}.get(key, key): value for key, value in given.items()}
    asked.setdefault("ClientToken", place.name())
    made = place.call("efs", "CreateAccessPoint", tagged(place, "efs", "CreateAccessPoint", asked))
    if "AccessPointTags" in given:
        place.note("AccessPointTags", "stored")
    return CreatedResource(made["AccessPointId"], {"Arn": made["AccessPointArn"], "AccessPointId": made["AccessPointId"]})


def _read_point(place: HandlerContext, point: str, _given: Properties) -> dict[str, Any]:
    found = place.ask("efs", "DescribeAccessPoints", AccessPointId=point)["AccessPoints"][0]
    return {**found, "AccessPointTags": found.get("Tags")}


def _delete_point(place: HandlerContext, point: str, _given: Properties) -> None:
    place.ask("efs", "DeleteAccessPoint", AccessPointId=point)


_TABLE = {
    "AttributeDefinitions",
    "BillingMode",
    "DeletionProtectionEnabled",
    "GlobalSecondaryIndexes",
    "KeySchema",
    "LocalSecondaryIndexes",
    "ProvisionedThroughput",
    "TableClass",
    "TableName",
    "Tags",
}


def _create_table(place: HandlerContext, given: Properties) -> CreatedResource:
    plain = {key: value for key, value in given.items() if key in _TABLE}
    asked = {"TableName": place.name(most=255), **plain}
    stream = given.get("StreamSpecification")
    if stream:
        asked["StreamSpecification"] = {"StreamEnabled": True, **stream}
    encryption = given.get("SSESpecification")
    if encryption:
        asked["SSESpecification"] = {{"SSEEnabled": "Enabled"}.get(k, k): v for k, v in encryption.items()}
    if asked.get("BillingMode") != "PAY_PER_REQUEST" and "ProvisionedThroughput" not in asked:
        raise ResourceFailedError(
            "One or more parameter values were invalid: ReadCapacityUnits and WriteCapacityUnits must both be "
            "specified when BillingMode is PROVISIONED"
        )
    made = place.call("dynamodb", "CreateTable", tagged(place, "dynamodb", "CreateTable", asked))["TableDescription"]
    for name in given:
        is_kept = name in {*_TABLE, "StreamSpecification", "SSESpecification"}
        place.note(name, "stored" if is_kept else "ignored")
    return CreatedResource(made["TableName"], {"Arn": made["TableArn"], "StreamArn": made.get("LatestStreamArn", "")})


def _update_table(place: HandlerContext, name: str, old: Properties, new: Properties) -> CreatedResource:
    names = ("AttributeDefinitions", "BillingMode", "DeletionProtectionEnabled", "ProvisionedThroughput", "TableClass")
    changed = {key: new[key] for key in names if key in new and new[key] != old.get(key)}
    if changed:
        place.call("dynamodb", "UpdateTable", {"TableName": name, **changed})
    found = place.ask("dynamodb", "DescribeTable", TableName=name)["Table"]
    place.ask("dynamodb", "TagResource", ResourceArn=found["TableArn"], Tags=place.all_tags(new.get("Tags")))
    return CreatedResource(name, {"Arn": found["TableArn"], "StreamArn": found.get("LatestStreamArn", "")})


def _read_table(place: HandlerContext, name: str, _given: Properties) -> dict[str, Any]:
    found = place.ask("dynamodb", "DescribeTable", TableName=name)["Table"]
    tags = place.ask("dynamodb", "ListTagsOfResource", ResourceArn=found["TableArn"]).get("Tags", [])
    mode = (found.get("BillingModeSummary") or {}).get("BillingMode")
    enabled = (found.get("SSEDescription") or {}).get("Status") in {"ENABLED", "ENABLING"}
    encryption = {"SSEEnabled": enabled, **(found.get("SSEDescription") or {})}
    return {**found, "BillingMode": mode, "Tags": tags, "SSESpecification": encryption}


def _delete_table(place: HandlerContext, name: str, _given: Properties) -> None:
    place.ask("dynamodb", "DeleteTable", TableName=name)


TYPES: Mapping[str, Handler] = {
    "AWS::EFS::FileSystem": Handler(_create_system, _delete_system, _update_system, _read_system),
    "AWS::EFS::MountTarget": Handler(_create_target, _delete_target, _update_target, _read_target),
    "AWS::EFS::AccessPoint": Handler(_create_point, _delete_point, None, _read_point),
    "AWS::DynamoDB::Table": Handler(_create_table, _delete_table, _update_table, _read_table),
}
