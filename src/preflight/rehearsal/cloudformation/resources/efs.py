"""Amazon Elastic File System."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from preflight.rehearsal.cloudformation.resources.context import Request
from preflight.rehearsal.cloudformation.resources.declarative import (
    CallSpec,
    Change,
    ReadSpec,
    ResourceSpec,
    by_id,
    call,
    handler,
)
from preflight.rehearsal.cloudformation.resources.handler import Handler

_NO_BACKUP = "nothing is backed up"


def _lifecycle(change: Change) -> Iterator[Request]:
    if change.old or "LifecyclePolicies" in change.new:
        policies = list(change.new.get("LifecyclePolicies") or [])
        yield {"FileSystemId": change.physical_id, "LifecyclePolicies": policies}


def _tags(change: Change) -> Iterator[Request]:
    yield {"ResourceId": change.physical_id, "Tags": change.context.all_tags(change.new.get("FileSystemTags"))}


def _groups(change: Change) -> Iterator[Request]:
    yield {"MountTargetId": change.physical_id, "SecurityGroups": list(change.new["SecurityGroups"])}


_PUT_LIFECYCLE = CallSpec("PutLifecycleConfiguration", _lifecycle, ("LifecyclePolicies",))
_FILE_SYSTEM = ResourceSpec(
    "efs",
    create="CreateFileSystem",
    physical_id="FileSystemId",
    delete=(call("DeleteFileSystem", by_id("FileSystemId")),),
    reads=(
        ReadSpec("DescribeFileSystems", by_id("FileSystemId"), "FileSystems[0]", {"FileSystemTags": "Tags"}),
        ReadSpec("DescribeLifecycleConfiguration", by_id("FileSystemId"), "{LifecyclePolicies: LifecyclePolicies}"),
    ),
    update=(_PUT_LIFECYCLE, CallSpec("TagResource", _tags)),
    after_create=(_PUT_LIFECYCLE,),
    name="CreationToken",
    renames={"FileSystemTags": "Tags"},
    attributes={"Arn": "FileSystemArn", "FileSystemId": str},
    dropped={
        "LifecyclePolicies": "it has a call of its own",
        **dict.fromkeys(("BackupPolicy", "FileSystemPolicy", "BypassPolicyLockoutSafetyCheck"), _NO_BACKUP),
    },
)
_MOUNT_TARGET = ResourceSpec(
    "efs",
    create="CreateMountTarget",
    physical_id="MountTargetId",
    delete=(call("DeleteMountTarget", by_id("MountTargetId")),),
    reads=(
        ReadSpec("DescribeMountTargets", by_id("MountTargetId"), "MountTargets[0]"),
        ReadSpec("DescribeMountTargetSecurityGroups", by_id("MountTargetId"), "{SecurityGroups: SecurityGroups}"),
    ),
    update=(CallSpec("ModifyMountTargetSecurityGroups", _groups),),
    attributes={"Id": str, "IpAddress": "IpAddress"},
)
_ACCESS_POINT = ResourceSpec(
    "efs",
    create="CreateAccessPoint",
    physical_id="AccessPointId",
    delete=(call("DeleteAccessPoint", by_id("AccessPointId")),),
    reads=(ReadSpec("DescribeAccessPoints", by_id("AccessPointId"), "AccessPoints[0]", {"AccessPointTags": "Tags"}),),
    name="ClientToken",
    renames={"AccessPointTags": "Tags"},
    attributes={"Arn": "AccessPointArn", "AccessPointId": str},
)


TYPES: Mapping[str, Handler] = {
    "AWS::EFS::FileSystem": handler(_FILE_SYSTEM),
    "AWS::EFS::MountTarget": handler(_MOUNT_TARGET),
    "AWS::EFS::AccessPoint": handler(_ACCESS_POINT),
}
