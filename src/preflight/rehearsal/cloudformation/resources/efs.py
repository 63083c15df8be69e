"""Amazon Elastic File System."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from preflight.rehearsal.cloudformation.resources.declarative import tagged
from preflight.rehearsal.cloudformation.resources.handler import (
    CreatedResource,
    Handler,
    HandlerContext,
    Properties,
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
    return CreatedResource(
        made["AccessPointId"], {"Arn": made["AccessPointArn"], "AccessPointId": made["AccessPointId"]}
    )


def _read_point(place: HandlerContext, point: str, _given: Properties) -> dict[str, Any]:
    found = place.ask("efs", "DescribeAccessPoints", AccessPointId=point)["AccessPoints"][0]
    return {**found, "AccessPointTags": found.get("Tags")}


def _delete_point(place: HandlerContext, point: str, _given: Properties) -> None:
    place.ask("efs", "DeleteAccessPoint", AccessPointId=point)


TYPES: Mapping[str, Handler] = {
    "AWS::EFS::FileSystem": Handler(_create_system, _delete_system, _update_system, _read_system),
    "AWS::EFS::MountTarget": Handler(_create_target, _delete_target, _update_target, _read_target),
    "AWS::EFS::AccessPoint": Handler(_create_point, _delete_point, None, _read_point),
}
