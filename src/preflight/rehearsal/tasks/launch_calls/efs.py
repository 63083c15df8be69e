"""File systems on EFS that a task mounts.

Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/efs-volumes.html.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from botocore.exceptions import ClientError

from preflight.aws import iam_policy, reachability
from preflight.aws.iam_policy import Policies, RequestContext
from preflight.aws.reachability import Interface
from preflight.rehearsal.containers.task_spec import FileSystem
from preflight.rehearsal.tasks import role_credentials
from preflight.rehearsal.tasks.launch_calls.caller import ExecutionRoleCaller, LaunchFailedError

NFS = 2049
EFS = "ResourceInitializationError: failed to invoke EFS utils commands to set up EFS volumes: stderr: "


def mount(caller: ExecutionRoleCaller, file_system: FileSystem) -> None:
    """The file system exists, has a mount target that the task reaches, and lets it mount.

    Raises:
        LaunchFailedError: it is not so.
    """
    efs = caller.client("efs")
    try:
        targets = efs.describe_mount_targets(FileSystemId=file_system.id)["MountTargets"]
        points = efs.describe_access_points(FileSystemId=file_system.id)["AccessPoints"]
    except ClientError:
        raise _unresolved(caller, file_system, "check that your file system ID is correct") from None
    if file_system.access_point and file_system.access_point not in [p["AccessPointId"] for p in points]:
        raise LaunchFailedError(
            f"{EFS}mount.nfs4: access denied by server while mounting 127.0.0.1:/ (access point {file_system.access_point} does not exist)"
        )
    _reach(caller, file_system, targets, efs)
    _may_mount(caller, file_system, efs)


def _reach(caller: ExecutionRoleCaller, file_system: FileSystem, targets: list[dict[str, Any]], efs: Any) -> None:
    """One of the mount targets is in the task's zone, and its security group admits NFS from the task."""
    zones = {s["SubnetId"]: s["AvailabilityZone"] for s in caller.network.subnets}
    own = zones.get(caller.interface.subnet)
    near = [t for t in targets if zones.get(t["SubnetId"]) == own]
    if not near:
        why = f"the file system has no mount target in the Availability Zone of the task ({own})"
        raise _unresolved(caller, file_system, why)
    described = efs.describe_mount_target_security_groups(MountTargetId=near[0]["MountTargetId"])
    groups = tuple(described.get("SecurityGroups") or _default_groups(caller))
    address = near[0].get("IpAddress") or _address(caller, near[0]["SubnetId"])
    there = Interface(caller.interface.vpc, near[0]["SubnetId"], address, groups, has_public_address=False)
    missing = reachability.between(caller.network, caller.interface, there, NFS)
    if missing is not None:
        msg = f"{EFS}mount.nfs4: Connection timed out: {missing.message}"
        raise LaunchFailedError(msg)


def _unresolved(caller: ExecutionRoleCaller, file_system: FileSystem, why: str) -> LaunchFailedError:
    host = f"{file_system.id}.efs.{caller.task.region}.{caller.suffix}"
    return LaunchFailedError(f'{EFS}Failed to resolve "{host}" - {why}')


def _default_groups(caller: ExecutionRoleCaller) -> list[str]:
    """The default security group of the VPC, which a mount target without groups gets."""
    return [g["GroupId"] for g in caller.network.security_groups if g.get("GroupName") == "default"]


def _address(caller: ExecutionRoleCaller, subnet: str) -> str:
    block = next(s["CidrBlock"] for s in caller.network.subnets if s["SubnetId"] == subnet)
    return str(ipaddress.ip_network(block)[10])


def _may_mount(caller: ExecutionRoleCaller, file_system: FileSystem, efs: Any) -> None:
    """Where the file system has a policy, or the volume asks for IAM, the task role has to be let in.

    Source: https://docs.aws.amazon.com/efs/latest/ug/iam-access-control-nfs-efs.html.
    """
    try:
        policy = iam_policy.document(efs.describe_file_system_policy(FileSystemId=file_system.id)["Policy"])
    except ClientError:
        return  # without a policy everybody who can reach a mount target may mount
    role = role_credentials.role_of(caller.task) if file_system.has_iam else None
    arn = f"arn:{caller.partition}:elasticfilesystem:{caller.task.region}:{caller.account.id}:file-system/{file_system.id}"
    request = RequestContext(
        "elasticfilesystem:ClientMount",
        arn,
        {"aws:securetransport": "true", "elasticfilesystem:accessedviamounttarget": "true"},
    )
    names = {role, caller.account.id} if role else {""}
    own = caller.roles.policies(role, caller.task.region) if role else Policies()
    is_allowed = policy is None or iam_policy.grants(policy, names, request) or iam_policy.allows(own, request)
    if not is_allowed or (policy is not None and iam_policy.denies(policy, names, request)):
        raise LaunchFailedError(f"{EFS}mount.nfs4: access denied by server while mounting 127.0.0.1:/")
