"""Amazon Elastic File System."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from preflight.rehearsal.cloudformation.resources.context import (
    HandlerContext,
    Properties,
    Request,
    Response,
    as_json,
)
from preflight.rehearsal.cloudformation.resources.declarative import (
    CallSpec,
    Change,
    ReadSpec,
    ResourceSpec,
    by_id,
    call,
    handler,
    reader,
)
from preflight.rehearsal.cloudformation.resources.handler import Handler


def _lifecycle(change: Change) -> Iterator[Request]:
    if change.old or "LifecyclePolicies" in change.new:
        policies = list(change.new.get("LifecyclePolicies") or [])
        yield {"FileSystemId": change.physical_id, "LifecyclePolicies": policies}


def _tags(change: Change) -> Iterator[Request]:
    yield {"ResourceId": change.physical_id, "Tags": change.context.all_tags(change.new.get("FileSystemTags"))}


def _groups(change: Change) -> Iterator[Request]:
    yield {"MountTargetId": change.physical_id, "SecurityGroups": list(change.new["SecurityGroups"])}


def _policy(change: Change) -> Iterator[Request]:
    """Yields the policy; if an update removes it, one that allows what EFS allows without a policy."""
    if "FileSystemPolicy" in change.new or "FileSystemPolicy" in change.old:
        policy = change.new.get("FileSystemPolicy", _DEFAULT_POLICY)
        yield {"FileSystemId": change.physical_id, "Policy": as_json(policy)}


def _read_file_system(context: HandlerContext, physical_id: str, properties: Properties) -> Response:
    """Returns a file system, with its policy if it has to have one."""
    reads = (*_FILE_SYSTEM.reads, *((_READ_POLICY,) if "FileSystemPolicy" in properties else ()))
    read = reader(_FILE_SYSTEM.service, *reads)
    return dict(read(context, physical_id, properties)) if read is not None else {}


_DEFAULT_POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "elasticfilesystem:Client*"}],
}
_PUT_POLICY = CallSpec("PutFileSystemPolicy", _policy, ("FileSystemPolicy",))
_READ_POLICY = ReadSpec("DescribeFileSystemPolicy", by_id("FileSystemId"), "{FileSystemPolicy: Policy}")
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
    update=(_PUT_LIFECYCLE, _PUT_POLICY, CallSpec("TagResource", _tags)),
    after_create=(_PUT_LIFECYCLE, _PUT_POLICY),
    name="CreationToken",
    renames={"FileSystemTags": "Tags"},
    attributes={"Arn": "FileSystemArn", "FileSystemId": str},
    dropped={
        "LifecyclePolicies": "it has a call of its own",
        "FileSystemPolicy": "it has a call of its own",
        "BackupPolicy": "nothing is backed up",
        "BypassPolicyLockoutSafetyCheck": "no policy is refused for locking its caller out",
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
    "AWS::EFS::FileSystem": replace(handler(_FILE_SYSTEM), read=_read_file_system),
    "AWS::EFS::MountTarget": handler(_MOUNT_TARGET),
    "AWS::EFS::AccessPoint": handler(_ACCESS_POINT),
}
